"""The drift monitor as an actor: compares what comes in with the training span, and what was said with what came.

It decides nothing: it tells when a figure leaves its limits, and when it is back.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from nautilus_trader.common.actor import Actor
from nautilus_trader.config import ActorConfig
from nautilus_trader.model.data import Bar
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.amounts import exact_all
from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.drift import Alarm, DriftRules, FeatureDrift, Outcomes
from helios_nautilus.domain.features.stream import FeatureRow
from helios_nautilus.domain.hindsight import Hindsight
from helios_nautilus.domain.labels import LabelConfig
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.timeframe import NS_PER_HOUR, Timeframes, parse_timeframe
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import EventRecord
from helios_nautilus.messages import TOPIC_DRIFT, TOPIC_PREDICTIONS, DriftAlert, Prediction

_PACE_NS: Final = NS_PER_HOUR
"""How often figures are looked at."""


class DriftConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `DriftMonitor`.

    Parameters
    ----------
    instrument_ids
        The traded instruments.
    base
        Length of the recorded bars.
    timeframes
        Those of the model.
    plan, label
        What the model's labels were made by.
    rules
        Limits, and how far back is looked.

    """

    instrument_ids: tuple[InstrumentId, ...]
    base: str = "1m"
    timeframes: Timeframes = Timeframes()
    plan: ExitPlan = ExitPlan()
    label: LabelConfig = LabelConfig()
    rules: DriftRules = DriftRules()


class DriftMonitor(Actor):
    """Publishes and journals a `DriftAlert` whenever a figure leaves its limits or is back within them.

    Parameters
    ----------
    config
        See `DriftConfig`.
    journal
        Takes a note of every alert.
    volatility
        The daily volatility of an instrument now, None while unknown: the one that labels would be made with.
    features
        One per timeframe, fastest first, already fed with history; none where features are not to be seen.

    """

    def __init__(
        self,
        config: DriftConfig,
        journal: Journal,
        volatility: Callable[[str], float | None],
        features: Sequence[FeatureDrift] = (),
    ) -> None:
        super().__init__(config)
        self.journal = journal
        self._volatility = volatility
        self._features = tuple(features)
        base_ns = parse_timeframe(config.base)
        self._hindsight = {each.value: Hindsight(config.plan, config.label, base_ns) for each in config.instrument_ids}
        self._bars: dict[str, list[Bar]] = {name: [] for name in self._hindsight}
        rules = config.rules
        self._outcomes = Outcomes(rules.outcomes)
        self._moved = [Alarm(rules.stability) for _ in self._features]
        self._misses, self._calibration = Alarm(rules.miss_rate), Alarm(rules.calibration)
        self._judged_ns = 0

    def on_start(self) -> None:
        """Follow the bars and the predictions."""
        for instrument_id in self.config.instrument_ids:
            self.subscribe_bars(bar_type(instrument_id, self.config.base, self.config.base))
        self.msgbus.subscribe(TOPIC_PREDICTIONS, self.on_prediction)

    def on_resume(self) -> None:
        """Go on after a stop."""
        self.on_start()

    def on_stop(self) -> None:
        """Stop listening."""
        self.msgbus.unsubscribe(TOPIC_PREDICTIONS, self.on_prediction)

    def on_features(self, timeframe: int, row: FeatureRow) -> None:
        """Take the features of one timeframe's close."""
        if self._features:
            self._features[timeframe].update(row.values[row.ready])

    def on_prediction(self, prediction: Prediction) -> None:
        """Remember a prediction until its outcome is known; a vetoed one is not held against the model."""
        name = prediction.instrument_id.value
        if name in self._hindsight and not prediction.veto:
            vol_daily = self._volatility(name)
            self._hindsight[name].predict(
                prediction.ts_event, prediction.p_buy, prediction.p_sell, np.nan if vol_daily is None else vol_daily
            )

    def on_bar(self, bar: Bar) -> None:
        """Take a base bar; look at all figures once in a while."""
        bars = self._bars[bar.bar_type.instrument_id.value]
        if not bars or bar.ts_event > bars[-1].ts_event:
            bars.append(bar)
        if bar.ts_event >= self._judged_ns + _PACE_NS:
            self._judged_ns = bar.ts_event // _PACE_NS * _PACE_NS
            self._judge()

    def _judge(self) -> None:
        verdicts = []
        for name, bars in self._bars.items():
            if bars:
                verdicts += self._hindsight[name].judge(_columns(bars))
                del bars[:]
        for verdict in sorted(verdicts):
            self._outcomes.add(verdict.confidence, verdict.is_hit)
        for name, features, alarm in zip(self.config.timeframes.names, self._features, self._moved, strict=False):
            psi = features.stability()
            words = f"population stability of the {name} features against the training span"
            self._check(alarm, words, None if psi is None else float(psi.mean()))
        hit_rate, confidence = self._outcomes.hit_rate, self._outcomes.confidence
        newest = f"of the newest {self.config.rules.outcomes} predictions with a known direction"
        self._check(self._misses, f"share {newest} that were wrong", None if hit_rate is None else 1.0 - hit_rate)
        gap = None if hit_rate is None or confidence is None else abs(confidence - hit_rate)
        self._check(self._calibration, f"distance {newest} between confidence and hit rate", gap)

    def _check(self, alarm: Alarm, what: str, value: float | None) -> None:
        if value is None or not alarm.update(value):
            return
        limit = alarm.limits.alert if alarm.is_raised else alarm.limits.clear
        words = f"{what}: {value:.3f} is {'above' if alarm.is_raised else 'back below'} {limit:g}"
        alert = DriftAlert(
            ts_ns=self.clock.timestamp_ns(), what=what, is_raised=alarm.is_raised, value=value, limit=limit
        )
        self.journal.append(EventRecord(ts_ns=alert.ts_ns, kind="drift", words=words))
        (self.log.warning if alarm.is_raised else self.log.info)(words)
        self.msgbus.publish(TOPIC_DRIFT, alert)


def _columns(bars: list[Bar]) -> Bars:
    """Bars of one instrument as columns; labels do not look at the volume."""
    prices = [(b.open.as_double(), b.high.as_double(), b.low.as_double(), b.close.as_double()) for b in bars]
    opened, high, low, close = exact_all(np.array(prices).T, bars[0].open.precision)
    ts_ns = np.array([bar.ts_event for bar in bars])
    return Bars(ts_ns=ts_ns, open=opened, high=high, low=low, close=close, volume=np.zeros(len(bars)))
