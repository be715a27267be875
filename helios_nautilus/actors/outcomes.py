"""What became of every prediction, told once its horizon has passed: to the journal, and to whoever judges the model.

Labels come from the rule that made the training's, over bars that have closed. Nothing here decides anything.
"""

from collections.abc import Callable
from typing import Final, Literal

import numpy as np
from nautilus_trader.common.actor import Actor
from nautilus_trader.common.component import TimeEvent
from nautilus_trader.config import ActorConfig
from nautilus_trader.model.data import Bar
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.amounts import exact_all
from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.hindsight import Forecast, Hindsight, Verdict
from helios_nautilus.domain.labels import Label, LabelConfig
from helios_nautilus.domain.plan import ExitPlan, Side
from helios_nautilus.domain.timeframe import NS_PER_HOUR, parse_timeframe
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import OutcomeRecord
from helios_nautilus.messages import TOPIC_OUTCOMES, TOPIC_PREDICTIONS, Outcome, Prediction

PACE_NS: Final = NS_PER_HOUR
"""How often it is looked which labels are known by now."""
_NAMES: Final[dict[Label, Literal["BUY", "SELL", "HOLD"]]] = {
    Label.BUY: "BUY",
    Label.SELL: "SELL",
    Label.HOLD: "HOLD",
}


class OutcomeConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `OutcomeMonitor`.

    Parameters
    ----------
    instrument_ids
        The traded instruments.
    base
        Length of the recorded bars.
    plan, label
        What the model's labels were made by.

    """

    instrument_ids: tuple[InstrumentId, ...]
    base: str = "1m"
    plan: ExitPlan = ExitPlan()
    label: LabelConfig = LabelConfig()


class OutcomeMonitor(Actor):
    """Journals an `OutcomeRecord` of every prediction, and publishes an `Outcome` unless the prediction was vetoed.

    A prediction without a direction has no outcome, nor has one whose bars have a hole. A vetoed one is journalled (its
    own record says that it was vetoed), but not told: nobody is to hold it against the model.

    Parameters
    ----------
    config
        See `OutcomeConfig`.
    journal
        Takes the outcomes.
    volatility
        The daily volatility of an instrument now, None while unknown: the one that labels would be made with.

    """

    def __init__(self, config: OutcomeConfig, journal: Journal, volatility: Callable[[str], float | None]) -> None:
        super().__init__(config)
        self.journal = journal
        self._volatility = volatility
        base_ns = parse_timeframe(config.base)
        self._ids = {each.value: each for each in config.instrument_ids}
        self._kinds = {name: bar_type(each, config.base, config.base) for name, each in self._ids.items()}
        self._hindsight = {name: Hindsight(config.plan, config.label, base_ns) for name in self._ids}
        self._seen_ns = dict.fromkeys(self._ids, 0)

    def on_start(self) -> None:
        """Follow the predictions; bars are read from the cache, an hour's at a time, which costs nothing in between."""
        self.msgbus.subscribe(TOPIC_PREDICTIONS, self.on_prediction)
        self.clock.set_timer_ns(
            name="HELIOS-OUTCOMES",
            interval_ns=PACE_NS,
            start_time_ns=self.clock.timestamp_ns() // PACE_NS * PACE_NS,
            stop_time_ns=0,
            callback=self._on_timer,
        )

    def on_resume(self) -> None:
        """Go on after a stop."""
        self.on_start()

    def on_stop(self) -> None:
        """Tell what is known by now, and stop listening."""
        self.msgbus.unsubscribe(TOPIC_PREDICTIONS, self.on_prediction)
        self.tell()

    def on_prediction(self, prediction: Prediction) -> None:
        """Remember a prediction until its label is known."""
        name = prediction.instrument_id.value
        p_buy, p_sell = prediction.p_buy, prediction.p_sell
        if name not in self._hindsight or not p_buy + p_sell > 0:
            return
        vol_daily = self._volatility(name)
        self._hindsight[name].predict(
            Forecast(
                decision_id=prediction.decision_id,
                ts_ns=prediction.ts_event,
                side=Side.LONG if p_buy >= p_sell else Side.SHORT,
                confidence=max(p_buy, p_sell) / (p_buy + p_sell),
                vol_daily=np.nan if vol_daily is None else vol_daily,
                is_vetoed=bool(prediction.veto),
            )
        )

    def _on_timer(self, _event: TimeEvent) -> None:
        self.tell()

    def tell(self) -> None:
        """Journal and publish every outcome that the bars so far decide, oldest prediction first."""
        found = [(verdict, name) for name in self._ids for verdict in self._judge(name)]
        now_ns = self.clock.timestamp_ns()
        for verdict, name in sorted(found, key=lambda each: each[0].forecast.ts_ns):
            self.journal.append(_record(verdict, name, now_ns))
            if not verdict.forecast.is_vetoed:
                self.msgbus.publish(TOPIC_OUTCOMES, _outcome(verdict, self._ids[name], now_ns))

    def _judge(self, name: str) -> list[Verdict]:
        """What the instrument's new bars decide."""
        fresh = self._fresh_bars(name)
        if not fresh:
            return []
        columns = _columns(fresh)
        self._seen_ns[name] = int(columns.ts_ns[-1])
        return self._hindsight[name].judge(columns)

    def _fresh_bars(self, name: str) -> list[Bar]:
        """The instrument's bars since the last time, oldest first. The cache gives the newest first."""
        kind, seen_ns = self._kinds[name], self._seen_ns[name]
        fresh: list[Bar] = []
        while (bar := self.cache.bar(kind, len(fresh))) is not None and bar.ts_event > seen_ns:
            fresh.append(bar)
        return fresh[::-1]


def _columns(bars: list[Bar]) -> Bars:
    """Bars of one instrument as columns, without those that came twice; labels do not look at the volume."""
    prices = [(b.open.as_double(), b.high.as_double(), b.low.as_double(), b.close.as_double()) for b in bars]
    ts_ns, rows = np.unique([bar.ts_event for bar in bars], return_index=True)
    opened, high, low, close = exact_all(np.array(prices)[rows].T, bars[0].open.precision)
    return Bars(ts_ns=ts_ns, open=opened, high=high, low=low, close=close, volume=np.zeros(len(rows)))


def _record(verdict: Verdict, name: str, now_ns: int) -> OutcomeRecord:
    forecast = verdict.forecast
    return OutcomeRecord(
        ts_ns=now_ns,
        decision_id=forecast.decision_id,
        instrument_id=name,
        predicted_ns=forecast.ts_ns,
        side=forecast.side.value,
        confidence=forecast.confidence,
        label=_NAMES[verdict.label],
        net_return=verdict.net_return,
    )


def _outcome(verdict: Verdict, instrument_id: InstrumentId, now_ns: int) -> Outcome:
    forecast = verdict.forecast
    return Outcome(
        ts_ns=now_ns,
        decision_id=forecast.decision_id,
        instrument_id=instrument_id,
        predicted_ns=forecast.ts_ns,
        side=forecast.side,
        confidence=forecast.confidence,
        is_hit=verdict.is_hit,
        net_return=verdict.net_return,
    )
