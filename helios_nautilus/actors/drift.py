"""The drift monitor as an actor: compares what comes in with the training span, and what was said with what came.

It decides nothing: it tells when a figure leaves its limits, and when it is back.
"""

from collections.abc import Sequence
from typing import Final

from nautilus_trader.common.actor import Actor
from nautilus_trader.common.component import TimeEvent
from nautilus_trader.config import ActorConfig

from helios_nautilus.actors.outcomes import PACE_NS
from helios_nautilus.domain.drift import Alarm, DriftRules, FeatureDrift, Outcomes
from helios_nautilus.domain.features.series import FeatureRow
from helios_nautilus.domain.timeframe import NS_PER_MIN, Timeframes
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import EventRecord
from helios_nautilus.messages import TOPIC_DRIFT, TOPIC_OUTCOMES, DriftAlert, Outcome

_AFTER_NS: Final = NS_PER_MIN
"""Figures are looked at this long after outcomes were told: of two timers due at once either may come first."""


class DriftConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `DriftMonitor`.

    Parameters
    ----------
    timeframes
        Those of the model.
    rules
        Limits, and how far back is looked.

    """

    timeframes: Timeframes = Timeframes()
    rules: DriftRules = DriftRules()


class DriftMonitor(Actor):
    """Publishes and journals a `DriftAlert` whenever a figure leaves its limits or is back within them.

    Parameters
    ----------
    config
        See `DriftConfig`.
    journal
        Takes a note of every alert.
    features
        One per timeframe, fastest first, already fed with history; none where features are not to be seen.

    """

    def __init__(self, config: DriftConfig, journal: Journal, features: Sequence[FeatureDrift] = ()) -> None:
        super().__init__(config)
        self.journal = journal
        self._features = tuple(features)
        rules = config.rules
        self._outcomes = Outcomes(rules.outcomes)
        self._moved = [Alarm(rules.stability) for _ in self._features]
        self._misses, self._calibration = Alarm(rules.miss_rate), Alarm(rules.calibration)

    def on_start(self) -> None:
        """Follow the outcomes, and look at all figures once in a while."""
        self.msgbus.subscribe(TOPIC_OUTCOMES, self.on_outcome)
        self.clock.set_timer_ns(
            name="HELIOS-DRIFT",
            interval_ns=PACE_NS,
            start_time_ns=(self.clock.timestamp_ns() - _AFTER_NS) // PACE_NS * PACE_NS + _AFTER_NS,
            stop_time_ns=0,
            callback=self._on_timer,
        )

    def on_resume(self) -> None:
        """Go on after a stop."""
        self.on_start()

    def on_stop(self) -> None:
        """Stop listening."""
        self.msgbus.unsubscribe(TOPIC_OUTCOMES, self.on_outcome)

    def on_features(self, timeframe: int, row: FeatureRow) -> None:
        """Take the features of one timeframe's close."""
        if self._features:
            self._features[timeframe].update(row.values[row.ready])

    def on_outcome(self, outcome: Outcome) -> None:
        """Take an outcome; one that had no direction says nothing."""
        if outcome.is_hit is not None:
            self._outcomes.add(outcome.confidence, outcome.is_hit)

    def _on_timer(self, _event: TimeEvent) -> None:
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
