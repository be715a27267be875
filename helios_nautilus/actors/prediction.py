"""Tier 1 and 2 as an actor: bars in, features, the network's step, one typed prediction a decision bar out.

Features are worked out as the bars come. The network's step may be done elsewhere: it gets all that it has not seen
yet in one piece, and an answer that comes too late, or not at all, means no decision.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np
from msgspec import Struct
from nautilus_trader.common.actor import Actor
from nautilus_trader.common.component import TimeEvent
from nautilus_trader.config import ActorConfig
from nautilus_trader.core.datetime import unix_nanos_to_iso8601
from nautilus_trader.model.data import Bar, BookOrder, OrderBookDepth10, TradeTick
from nautilus_trader.model.enums import AggressorSide
from nautilus_trader.model.identifiers import ClientId, InstrumentId

from helios_nautilus.actors.announce import announce
from helios_nautilus.actors.offload import Offload, run_inline
from helios_nautilus.actors.predictor import Close, StatefulPredictor, serve
from helios_nautilus.amounts import exact
from helios_nautilus.bar_types import follow_bars
from helios_nautilus.domain.bars import BUY, SELL, Floats
from helios_nautilus.domain.features.series import FeatureRow
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.features.stream import FeatureStream
from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_MS
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import EventRecord
from helios_nautilus.messages import Prediction, decision_id_of
from helios_nautilus.models.profile import veto_of
from helios_nautilus.models.service import PredictionValues

GRACE_MS: Final = 2000.0
"""How long the bars of a close are waited for."""

_SIGNS = {AggressorSide.BUYER: BUY, AggressorSide.SELLER: SELL}


type OnFeatures = Callable[[int, FeatureRow], None]
"""Hears of the features of each timeframe (by its place, fastest first) at each of its closes."""


class PredictionConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `PredictionActor`.

    Parameters
    ----------
    spec
        The live feature specification; its hash is the model's.
    latency_ms
        Time from the last bar of a close to its predictions, to be simulated in a backtest. Live it is 0: predictions
        take the time they take.
    grace_ms
        How long the bars of a close are waited for; whoever is missing then has a hole, until it comes after all.
    deadline_ms
        How long predictions are waited for; later ones are not used.
    bar_maker
        Who makes the longer bars; see `follow_bars`.

    """

    spec: FeatureSpec
    latency_ms: float = 0.2
    grace_ms: float = GRACE_MS
    deadline_ms: float = 1000.0
    bar_maker: ClientId | None = None


class _Question(Struct, eq=False):
    """A decision that was asked for and is not answered yet; once late, the answer is only waited for."""

    ts_ns: int
    deadline_ns: int
    is_late: bool = False


class PredictionActor(Actor):
    """Publishes a `Prediction` for every ready instrument at each close of the decision bar, and journals it.

    Parameters
    ----------
    config
        See `PredictionConfig`.
    journal
        Takes every prediction, and a note of every close that had a hole or no answer.
    stream, predictor
        The features and the model, already caught up with history.
    offload
        Where the model works. It is never asked twice at a time.
    on_features
        Who else is to see the features.

    """

    def __init__(
        self,
        config: PredictionConfig,
        journal: Journal,
        stream: FeatureStream,
        predictor: StatefulPredictor,
        *,
        offload: Offload = run_inline,
        on_features: OnFeatures | None = None,
    ) -> None:
        super().__init__(config)
        self.journal = journal
        self._stream = stream
        self._predictor = predictor
        self._offload = offload
        self._on_features = on_features
        self._unseen: list[Close] = []
        self._question: _Question | None = None
        self._is_state_lost = False
        timeframes = config.spec.timeframes
        self._names = timeframes.names
        self._lengths_ns = dict(zip(timeframes.names, timeframes.lengths_ns, strict=True))
        self._decision_ns = timeframes.decision_ns
        self._stale_ns = config.spec.base_ns + int(config.grace_ms * NS_PER_MS)
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
                kind = follow_bars(self, instrument_id, name, spec.base, self.config.bar_maker)
                self._by_spec[str(kind.spec)] = name
        for instrument_id in map(InstrumentId.from_str, spec.universe):
            if spec.trades:
                self.subscribe_trade_ticks(instrument_id)
            if spec.book:
                self.subscribe_order_book_depth(instrument_id)

    def on_stop(self) -> None:
        """Whatever is still answered comes too late."""
        self._question = None

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

    def missing(self) -> str:
        """What is missing, in a few words, before anything can be predicted: nothing if one window is whole."""
        short_ns = self._stream.short_of_ns()
        if not short_ns:
            return ""
        return f"bars of every pair are missing, so no window is whole for {short_ns / NS_PER_HOUR:.1f} h yet"

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
            self._show(index, self._stream.close_bar(name, close_ns))
        self._mend()

    def _mend(self) -> None:
        """Fill holes with the bars that came after their close: the model sees them at their place in time."""
        mended = self._stream.mend()
        for name, row in mended:
            self._show(self._names.index(name), row)
        if mended:
            self._unseen.sort(key=lambda close: close.row.ts_ns)

    def _show(self, timeframe: int, row: FeatureRow) -> None:
        self._unseen.append(Close(timeframe, row))
        if self._on_features is not None:
            self._on_features(timeframe, row)

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
        if delay_ms > 0:
            self._alert(f"HELIOS-DECIDE-{ts_ns}", delay_ms, lambda _event: self._ask(ts_ns))
        else:
            self._ask(ts_ns)

    def _give_up_waiting(self, ts_ns: int) -> None:
        if ts_ns not in self._waiting:
            return
        self._waiting.discard(ts_ns)
        if self._is_stale(ts_ns):  # nothing is to be decided, so whoever is missing is not pressed
            return
        late = [name for name, is_complete in self._stream.due(ts_ns).items() if not is_complete]
        words = f"after {self.config.grace_ms:g} ms the {', '.join(late)} bars of this close were not complete"
        self._note("bars_missing", words)
        for name in self._stream.due(ts_ns):
            self._open[name].add(ts_ns)
            self._close(name, ts_ns)
        self._ask(ts_ns)

    def _ask(self, ts_ns: int) -> None:
        """Hand the model what it has not seen and ask for its predictions, unless it still works on the last ones.

        Bars that come late, after a start or a lost line, are shown to the model with the next close.
        """
        if self._is_stale(ts_ns):
            self._note("input_stale", f"{_stamp(ts_ns)}: its bars came too late for a decision")
            return
        if self._question is not None:
            self._miss("prediction_late", f"{_stamp(ts_ns)}: the model was still busy with the close before")
            return
        deadline_ns = self.clock.timestamp_ns() + int(self.config.deadline_ms * NS_PER_MS)
        question = self._question = _Question(ts_ns, deadline_ns)
        closes, self._unseen = self._unseen, []
        forgotten = len(self.config.spec.universe) if self._is_state_lost else 0
        self._is_state_lost = False
        work = partial(serve, self._predictor, forgotten, closes, ts_ns)
        self._offload(work, partial(self._answered, question), partial(self._failed, question))
        if self._question is question:
            self._alert(f"HELIOS-DEADLINE-{ts_ns}", self.config.deadline_ms, lambda _event: self._expire(question))

    def _is_stale(self, ts_ns: int) -> bool:
        return self.clock.timestamp_ns() - ts_ns > self._stale_ns

    def _answered(self, question: _Question, answers: Sequence[PredictionValues | None]) -> None:
        if not self._settle(question):
            return
        if self.clock.timestamp_ns() > question.deadline_ns:  # the alert may be a moment behind
            self._expire(question)
            return
        for instrument_id, values in zip(self.config.spec.universe, answers, strict=True):
            if values is not None:
                announce(self._prediction(instrument_id, question.ts_ns, values), self.msgbus, self.journal)

    def _failed(self, question: _Question, error: BaseException) -> None:
        """Nobody knows how far the model came: it starts from nothing with the next block."""
        self._is_state_lost = True
        self._settle(question)
        self._miss("prediction_failed", f"{_stamp(question.ts_ns)}: {type(error).__name__}: {error}")

    def _settle(self, question: _Question) -> bool:
        """The model is free again; False if its answer is no longer wanted."""
        if self._question is not question:
            return False
        self._question = None
        name = f"HELIOS-DEADLINE-{question.ts_ns}"
        if name in self.clock.timer_names:
            self.clock.cancel_timer(name)
        return not question.is_late

    def _expire(self, question: _Question) -> None:
        if not question.is_late:
            question.is_late = True
            words = f"{_stamp(question.ts_ns)}: no prediction within {self.config.deadline_ms:g} ms"
            self._miss("prediction_late", words)

    def _miss(self, kind: str, words: str) -> None:
        self._note(kind, words)
        self.log.error(f"No decision: {words}")

    def _note(self, kind: str, words: str) -> None:
        self.journal.append(EventRecord(ts_ns=self.clock.timestamp_ns(), kind=kind, words=words))

    def _prediction(self, instrument_id: str, ts_ns: int, values: PredictionValues) -> Prediction:
        high, medium, low = values.attention
        return Prediction(
            ts_event=ts_ns,
            ts_init=self.clock.timestamp_ns(),
            instrument_id=InstrumentId.from_str(instrument_id),
            decision_id=decision_id_of(instrument_id, ts_ns),
            model_id=values.model_id,
            p_buy=values.p_buy,
            p_sell=values.p_sell,
            p_hold=values.p_hold,
            attention_high=high,
            attention_medium=medium,
            attention_low=low,
            price=self._prices[instrument_id],
            veto=veto_of(values.novelty),
        )

    def _alert(self, name: str, delay_ms: float, callback: Callable[[TimeEvent], None]) -> None:
        self.clock.set_time_alert_ns(name, self.clock.timestamp_ns() + int(delay_ms * NS_PER_MS), callback)


def _stamp(ts_ns: int) -> str:
    return str(unix_nanos_to_iso8601(ts_ns, nanos_precision=False))


def _levels(orders: list[BookOrder]) -> tuple[Floats, Floats]:
    """Prices and sizes of ten levels, best first."""
    prices = np.array([exact(order.price) for order in orders])
    return prices, np.array([exact(order.size) for order in orders])
