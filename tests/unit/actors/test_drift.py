import numpy as np
import pytest
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.actors.drift import DriftConfig, DriftMonitor
from helios_nautilus.domain.drift import DriftRules, FeatureDrift, Limits, fit_deciles
from helios_nautilus.domain.features.stream import FeatureRow
from helios_nautilus.domain.labels import LabelConfig
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import EventRecord
from helios_nautilus.messages import TOPIC_DRIFT, TOPIC_PREDICTIONS
from tests.fakes import BTC, ETH, Kit, at, bars_of, flat, prediction

RULES = DriftRules(outcomes=10, calibration=Limits(alert=1.0, clear=1.0))
CONFIG = DriftConfig(
    instrument_ids=(BTC, ETH),
    plan=ExitPlan(hold_mins=60, max_hold_mins=60),
    label=LabelConfig(kind="fixed_threshold", threshold=0.001),
    rules=RULES,
)


@pytest.fixture
def monitor(kit: Kit, journal: MemoryJournal) -> DriftMonitor:
    return kit.start(DriftMonitor(CONFIG, journal, lambda _name: 0.03))


def rise_and_predict(
    kit: Kit, monitor: DriftMonitor, minutes: range, p_buy: float, *, ids: tuple[InstrumentId, ...] = (BTC,)
) -> None:
    """Prices go up a tenth of a percent a minute; every five minutes something is predicted."""
    for minute in minutes:
        kit.advance_to(at(minute))
        for instrument_id in ids:
            kit.bar(monitor, 1_000_000.0 * 1.001**minute, instrument_id)
            if minute % 5 == 0:
                said = prediction(instrument_id, minute=minute, p_buy=p_buy, p_sell=0.8 - p_buy)
                kit.msgbus.publish(TOPIC_PREDICTIONS, said)


def test_a_model_that_is_mostly_wrong_is_told_once_and_once_when_it_is_right_again(
    kit: Kit, journal: MemoryJournal, monitor: DriftMonitor
) -> None:
    alerts = kit.listen(TOPIC_DRIFT)
    rise_and_predict(kit, monitor, range(1, 400), p_buy=0.2)
    (raised,) = alerts
    assert raised.is_raised
    assert (raised.value, raised.limit) == (1.0, 0.75)
    assert raised.what == "share of the newest 10 predictions with a known direction that were wrong"

    rise_and_predict(kit, monitor, range(400, 700), p_buy=0.6)
    assert [each.is_raised for each in alerts] == [True, False]
    assert [event.kind for event in journal.of(EventRecord)] == ["drift", "drift"]


def test_a_model_that_is_right_and_says_so_is_not_mentioned(
    kit: Kit, journal: MemoryJournal, monitor: DriftMonitor
) -> None:
    rise_and_predict(kit, monitor, range(1, 400), p_buy=0.6, ids=(BTC, ETH))
    assert len(journal) == 0


def test_a_model_that_is_more_often_right_than_it_says_is_badly_calibrated(kit: Kit, journal: MemoryJournal) -> None:
    alerts = kit.listen(TOPIC_DRIFT)
    rules = DriftRules(outcomes=10)
    config = DriftConfig(instrument_ids=(BTC,), plan=CONFIG.plan, label=CONFIG.label, rules=rules)
    monitor = kit.start(DriftMonitor(config, journal, lambda _name: None))
    rise_and_predict(kit, monitor, range(1, 200), p_buy=0.48)
    (raised,) = alerts
    assert raised.value == pytest.approx(1.0 - 0.48 / 0.8)
    assert "confidence" in raised.what


def test_a_vetoed_prediction_is_not_held_against_the_model(
    kit: Kit, journal: MemoryJournal, monitor: DriftMonitor
) -> None:
    for minute in range(1, 400):
        kit.advance_to(at(minute))
        kit.bar(monitor, 1_000_000.0 * 1.001**minute, BTC)
        if minute % 5 == 0:
            said = prediction(BTC, minute=minute, p_buy=0.2, p_sell=0.6, veto="out_of_distribution")
            kit.msgbus.publish(TOPIC_PREDICTIONS, said)
    assert len(journal) == 0


def test_features_that_move_away_from_the_training_span_are_told_by_timeframe(kit: Kit, journal: MemoryJournal) -> None:
    alerts = kit.listen(TOPIC_DRIFT)
    rng = np.random.default_rng(0)
    deciles = fit_deciles(rng.standard_normal((5_000, 4)))
    monitor = kit.start(
        DriftMonitor(CONFIG, journal, lambda _name: 0.03, [FeatureDrift(deciles, 200) for _ in range(3)])
    )
    for minute in range(1, 361):
        kit.advance_to(at(minute))
        for timeframe in range(3):
            values = rng.standard_normal((2, 4)) + (2.0 if timeframe == 1 and minute > 200 else 0.0)
            row = FeatureRow(ts_ns=at(minute), values=values, ready=np.array([True, minute % 3 > 0]))
            monitor.on_features(timeframe, row)
        kit.bar(monitor, 1_000_000.0, BTC)
    (alert,) = alerts
    assert alert.what == "population stability of the 5m features against the training span"
    assert alert.value > 0.25


def test_bars_of_an_instrument_and_predictions_of_another_run_are_none_of_its_business(
    kit: Kit, journal: MemoryJournal
) -> None:
    config = DriftConfig(instrument_ids=(BTC,), rules=RULES)
    monitor = kit.start(DriftMonitor(config, journal, lambda _name: 0.03))
    kit.msgbus.publish(TOPIC_PREDICTIONS, prediction(ETH))
    kit.bar(monitor, 1_000_000.0, BTC)
    monitor.stop()
    kit.msgbus.publish(TOPIC_PREDICTIONS, prediction(BTC))
    bars = bars_of(flat(1_000_000.0, 10) + flat(2_000_000.0, 10_000))
    assert monitor._hindsight[BTC.value].judge(bars) == []
