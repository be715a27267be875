import numpy as np
import pytest

from helios_nautilus.actors.drift import DriftConfig, DriftMonitor
from helios_nautilus.domain.drift import DriftRules, FeatureDrift, Limits, fit_deciles
from helios_nautilus.domain.features.series import FeatureRow
from helios_nautilus.domain.plan import Side
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import EventRecord
from helios_nautilus.messages import TOPIC_DRIFT, TOPIC_OUTCOMES, Outcome
from tests.fakes import BTC, Kit, at

CONFIG = DriftConfig(rules=DriftRules(outcomes=10, calibration=Limits(alert=1.0, clear=1.0)))


@pytest.fixture
def monitor(kit: Kit, journal: MemoryJournal) -> DriftMonitor:
    return kit.start(DriftMonitor(CONFIG, journal))


def tell(kit: Kit, minutes: range, *, is_hit: bool | None, confidence: float = 0.75) -> None:
    """Every five minutes another outcome becomes known."""
    for minute in minutes:
        kit.advance_to(at(minute))
        if minute % 5 == 0:
            told = Outcome(
                ts_ns=at(minute),
                decision_id=f"D{minute}",
                instrument_id=BTC,
                predicted_ns=at(minute - 240),
                side=Side.LONG,
                confidence=confidence,
                is_hit=is_hit,
                net_return=None,
            )
            kit.msgbus.publish(TOPIC_OUTCOMES, told)


def test_a_model_that_is_mostly_wrong_is_told_once_and_once_when_it_is_right_again(
    kit: Kit, journal: MemoryJournal, monitor: DriftMonitor
) -> None:
    alerts = kit.listen(TOPIC_DRIFT)
    tell(kit, range(1, 400), is_hit=False)
    (raised,) = alerts
    assert raised.is_raised
    assert (raised.value, raised.limit) == (1.0, 0.75)
    assert raised.what == "share of the newest 10 predictions with a known direction that were wrong"

    tell(kit, range(400, 700), is_hit=True)
    assert [each.is_raised for each in alerts] == [True, False]
    assert [event.kind for event in journal.of(EventRecord)] == ["drift", "drift"]


def test_a_model_that_is_right_and_says_so_is_not_mentioned(
    kit: Kit, journal: MemoryJournal, monitor: DriftMonitor
) -> None:
    tell(kit, range(1, 400), is_hit=True)
    assert len(journal) == 0


def test_a_model_that_is_more_often_right_than_it_says_is_badly_calibrated(kit: Kit, journal: MemoryJournal) -> None:
    alerts = kit.listen(TOPIC_DRIFT)
    kit.start(DriftMonitor(DriftConfig(rules=DriftRules(outcomes=10)), journal))
    tell(kit, range(1, 200), is_hit=True, confidence=0.6)
    (raised,) = alerts
    assert raised.value == pytest.approx(0.4)
    assert "confidence" in raised.what


def test_an_outcome_without_a_direction_says_nothing_of_the_model(
    kit: Kit, journal: MemoryJournal, monitor: DriftMonitor
) -> None:
    tell(kit, range(1, 400), is_hit=None)
    assert len(journal) == 0


def test_features_that_move_away_from_the_training_span_are_told_by_timeframe(kit: Kit, journal: MemoryJournal) -> None:
    alerts = kit.listen(TOPIC_DRIFT)
    rng = np.random.default_rng(0)
    deciles = fit_deciles(rng.standard_normal((5_000, 4)))
    monitor = kit.start(DriftMonitor(CONFIG, journal, [FeatureDrift(deciles, 200) for _ in range(3)]))
    for minute in range(1, 362):
        kit.advance_to(at(minute))
        for timeframe in range(3):
            values = rng.standard_normal((2, 4)) + (2.0 if timeframe == 1 and minute > 200 else 0.0)
            row = FeatureRow(ts_ns=at(minute), values=values, ready=np.array([True, minute % 3 > 0]))
            monitor.on_features(timeframe, row)
    (alert,) = alerts
    assert alert.what == "population stability of the 5m features against the training span"
    assert alert.value > 0.25


def test_a_monitor_that_was_stopped_hears_nothing(kit: Kit, journal: MemoryJournal, monitor: DriftMonitor) -> None:
    monitor.stop()
    tell(kit, range(1, 400), is_hit=False)
    assert len(journal) == 0
