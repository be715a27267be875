"""Tier 1 and 2 as an actor: bars in, features, the network's step, one typed prediction a decision bar out."""

from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
from nautilus_trader.common.actor import Actor
from nautilus_trader.common.component import TimeEvent
from nautilus_trader.config import ActorConfig
from nautilus_trader.model.data import Bar, BookOrder, OrderBookDepth10, TradeTick
from nautilus_trader.model.enums import AggressorSide
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.actors.announce import announce
from helios_nautilus.amounts import exact
from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.bars import BUY, SELL, Floats
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.features.stream import FeatureStream
from helios_nautilus.domain.timeframe import NS_PER_MS
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import EventRecord
from helios_nautilus.messages import Prediction, decision_id_of
from helios_nautilus.models.predict import PredictionValues

GRACE_MS: Final = 2000.0
"""How long the bars of a close are waited for."""

_SIGNS = {AggressorSide.BUYER: BUY, AggressorSide.SELLER: SELL}


class StatefulPredictor(Protocol):
    """What the actor needs of a model in service."""

    def observe(self, timeframe: int, instrument: int, features: Floats, ts_ns: int) -> None:
        """Take the features of the bar that closed at ``ts_ns``."""
        ...

    def decide(self, instrument: int, ts_ns: int) -> PredictionValues | None:
        """Calibrated probabilities at the close ``ts_ns``; None while the model has not seen enough."""
        ...

    def reset(self, instrument: int) -> None:
        """Forget the past of an instrument: a hole lies behind."""
        ...


class PredictionConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `PredictionActor`.

    Parameters
    ----------
    spec
        The live feature specification; its hash is the model's.
    model_id
        Name of the model, told with every prediction.
    latency_ms
        Time from the last bar of a close to its predictions; in a backtest it is simulated.
    grace_ms
        How long the bars of a close are waited for; whoever is missing then has a hole.

    """

    spec: FeatureSpec
    model_id: str
    latency_ms: float = 0.2
    grace_ms: float = GRACE_MS


class PredictionActor(Actor):
    """Publishes a `Prediction` for every ready instrument at each close of the decision bar, and journals it.

    Parameters
    ----------
    config
        See `PredictionConfig`.
    journal
        Takes every prediction, and a note of every close that had a hole.
    stream, predictor
        The features and the model, already caught up with history.

    """

    def __init__(
        self, config: PredictionConfig, journal: Journal, stream: FeatureStream, predictor: StatefulPredictor
    ) -> None:
        super().__init__(config)
        self.journal = journal
        self._stream = stream
        self._predictor = predictor
        timeframes = config.spec.timeframes
        self._names = timeframes.names
        self._lengths_ns = dict(zip(timeframes.names, timeframes.lengths_ns, strict=True))
        self._decision_ns = timeframes.decision_ns
        self._open: dict[str, set[int]] = {name: set() for name in timeframes.names}
        self._by_spec: dict[str, str] = {}
        self._prices: dict[str, float] = {}
        self._waiting: set[int] = set()
        self._begun_ns = 0

    def on_start(self) -> None:
        """Subscribe to what the specification names."""
        spec = self.config.spec
        for name in dict.fromkeys((spec.base, *self._names)):
            for instrument_id in map(InstrumentId.from_str, spec.universe):
                kind = bar_type(instrument_id, name, spec.base)
                self._by_spec[str(kind.spec)] = name
                self.subscribe_bars(kind)
        for instrument_id in map(InstrumentId.from_str, spec.universe):
            if spec.trades:
                self.subscribe_trade_ticks(instrument_id)
            if spec.book:
                self.subscribe_order_book_depth(instrument_id)

    def on_bar(self, bar: Bar) -> None:
        """Take a bar; close its timeframe once the whole universe is in, and decide once all timeframes are closed."""
        name = self._by_spec[str(bar.bar_type.spec)]
        instrument_id, ts_ns = bar.bar_type.instrument_id.value, bar.ts_event
        close = exact(bar.close)
        if name == self.config.spec.base:
            self._prices[instrument_id] = close
            if ts_ns % self._decision_ns == 0:
                self._wait(ts_ns)
        if name not in self._lengths_ns:
            self._stream.on_base_bar(instrument_id, ts_ns)
            return
        prices = exact(bar.open), exact(bar.high), exact(bar.low), close
        if not self._stream.on_bar(name, instrument_id, ts_ns, *prices, exact(bar.volume)):
            return
        self._open[name].add(ts_ns)
        if self._stream.is_complete(name, ts_ns):
            self._close(name, ts_ns)
            if ts_ns in self._waiting and not self._stream.due(ts_ns):
                self._decide_after(ts_ns, self.config.latency_ms)

    def on_trade_tick(self, tick: TradeTick) -> None:
        """Take a trade."""
        side = _SIGNS.get(tick.aggressor_side, 0)
        self._stream.on_trade(tick.instrument_id.value, tick.ts_event, exact(tick.size), side)

    def on_order_book_depth(self, depth: OrderBookDepth10) -> None:
        """Take a ten-level snapshot."""
        bids, asks = _levels(depth.bids), _levels(depth.asks)
        self._stream.on_book(depth.instrument_id.value, depth.ts_event, *bids, *asks)

    def _close(self, name: str, ts_ns: int) -> None:
        """Advance a timeframe to a close; closes before it that never became complete have holes."""
        index = self._names.index(name)
        for close_ns in sorted(step_ns for step_ns in self._open[name] if step_ns <= ts_ns):
            self._open[name].discard(close_ns)
            row = self._stream.close_bar(name, close_ns)
            for instrument, is_ready in enumerate(row.ready):
                if is_ready:
                    self._predictor.observe(index, instrument, row.values[instrument], close_ns)
                else:
                    self._predictor.reset(instrument)

    # Deciding

    def _wait(self, ts_ns: int) -> None:
        if ts_ns > self._begun_ns:  # a bar that comes late, or twice, must not lead to a second decision
            self._begun_ns = ts_ns
            self._waiting.add(ts_ns)
            self._alert(f"HELIOS-GRACE-{ts_ns}", self.config.grace_ms, lambda _event: self._give_up_waiting(ts_ns))

    def _decide_after(self, ts_ns: int, delay_ms: float) -> None:
        self._waiting.discard(ts_ns)
        if f"HELIOS-GRACE-{ts_ns}" in self.clock.timer_names:
            self.clock.cancel_timer(f"HELIOS-GRACE-{ts_ns}")
        self._alert(f"HELIOS-DECIDE-{ts_ns}", delay_ms, lambda _event: self._decide(ts_ns))

    def _give_up_waiting(self, ts_ns: int) -> None:
        if ts_ns not in self._waiting:
            return
        self._waiting.discard(ts_ns)
        late = [name for name, is_complete in self._stream.due(ts_ns).items() if not is_complete]
        self.journal.append(
            EventRecord(
                ts_ns=self.clock.timestamp_ns(),
                kind="bars_missing",
                words=f"after {self.config.grace_ms:g} ms the {', '.join(late)} bars of this close were not complete",
            )
        )
        for name in self._stream.due(ts_ns):
            self._open[name].add(ts_ns)
            self._close(name, ts_ns)
        self._decide(ts_ns)

    def _decide(self, ts_ns: int) -> None:
        for instrument, instrument_id in enumerate(self.config.spec.universe):
            values = self._predictor.decide(instrument, ts_ns)
            if values is None:
                continue
            high, medium, low = values.attention
            prediction = Prediction(
                ts_event=ts_ns,
                ts_init=self.clock.timestamp_ns(),
                instrument_id=InstrumentId.from_str(instrument_id),
                decision_id=decision_id_of(instrument_id, ts_ns),
                model_id=self.config.model_id,
                p_buy=values.p_buy,
                p_sell=values.p_sell,
                p_hold=values.p_hold,
                attention_high=high,
                attention_medium=medium,
                attention_low=low,
                price=self._prices[instrument_id],
            )
            announce(prediction, self.msgbus, self.journal)

    def _alert(self, name: str, delay_ms: float, callback: Callable[[TimeEvent], None]) -> None:
        self.clock.set_time_alert_ns(name, self.clock.timestamp_ns() + int(delay_ms * NS_PER_MS), callback)


def _levels(orders: list[BookOrder]) -> tuple[Floats, Floats]:
    """Prices and sizes of ten levels, best first."""
    prices = np.array([exact(order.price) for order in orders])
    return prices, np.array([exact(order.size) for order in orders])
