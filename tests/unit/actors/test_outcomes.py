import pytest
from nautilus_trader.model.data import Bar
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.actors.outcomes import OutcomeConfig, OutcomeMonitor
from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.labels import LabelConfig
from helios_nautilus.domain.plan import ExitPlan, Side
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import OutcomeRecord
from helios_nautilus.messages import TOPIC_OUTCOMES, TOPIC_PREDICTIONS, Outcome
from tests.fakes import BTC, ETH, Kit, at, prediction

CONFIG = OutcomeConfig(
    instrument_ids=(BTC, ETH),
    plan=ExitPlan(hold_mins=60, max_hold_mins=60),
    label=LabelConfig(kind="fixed_threshold", threshold=0.001),
)


@pytest.fixture
def monitor(kit: Kit, journal: MemoryJournal) -> OutcomeMonitor:
    return kit.start(OutcomeMonitor(CONFIG, journal, lambda _name: 0.03))


def rise(kit: Kit, minutes: range, *ids: InstrumentId) -> None:
    """Prices go up a tenth of a percent a minute."""
    for minute in minutes:
        for instrument_id in ids or (BTC,):
            instrument, kind = kit.cache.instrument(instrument_id), bar_type(instrument_id, "1m", "1m")
            price = instrument.make_price(1_000_000.0 * 1.001**minute)
            kit.cache.add_bar(Bar(kind, price, price, price, price, instrument.make_qty(1), at(minute), at(minute)))
        kit.advance_to(at(minute))


def test_an_outcome_is_told_within_the_hour_after_its_last_bar_and_never_before_it(
    kit: Kit, journal: MemoryJournal, monitor: OutcomeMonitor
) -> None:
    told: list[Outcome] = kit.listen(TOPIC_OUTCOMES)
    rise(kit, range(1, 31))
    kit.msgbus.publish(TOPIC_PREDICTIONS, prediction(BTC, minute=30, p_buy=0.6, p_sell=0.2))
    rise(kit, range(31, 120))
    assert told == []
    rise(kit, range(120, 121))
    (outcome,) = told
    assert (outcome.ts_ns, outcome.predicted_ns) == (at(120), at(30))
    assert (outcome.side, outcome.is_hit) == (Side.LONG, True)
    assert outcome.confidence == pytest.approx(0.75)
    (record,) = journal.of(OutcomeRecord)
    assert (record.label, record.side, record.net_return) == ("BUY", "LONG", outcome.net_return)
    assert record.net_return is not None
    assert record.net_return > 0.0


def test_a_vetoed_prediction_is_journalled_but_not_held_against_the_model(
    kit: Kit, journal: MemoryJournal, monitor: OutcomeMonitor
) -> None:
    told = kit.listen(TOPIC_OUTCOMES)
    rise(kit, range(1, 6))
    kit.msgbus.publish(TOPIC_PREDICTIONS, prediction(BTC, minute=5, p_buy=0.2, veto="out_of_distribution"))
    rise(kit, range(6, 121))
    assert [record.label for record in journal.of(OutcomeRecord)] == ["BUY"]
    assert told == []


def test_outcomes_of_all_instruments_come_in_the_order_of_their_predictions(
    kit: Kit, journal: MemoryJournal, monitor: OutcomeMonitor
) -> None:
    rise(kit, range(1, 11), ETH, BTC)
    for minute, instrument_id in ((5, ETH), (10, BTC), (10, ETH)):
        kit.msgbus.publish(TOPIC_PREDICTIONS, prediction(instrument_id, minute=minute))
    rise(kit, range(11, 121), ETH, BTC)
    assert [(r.predicted_ns, r.instrument_id) for r in journal.of(OutcomeRecord)] == [
        (at(5), ETH.value),
        (at(10), BTC.value),
        (at(10), ETH.value),
    ]


def test_what_is_known_when_the_run_stops_is_told(kit: Kit, journal: MemoryJournal, monitor: OutcomeMonitor) -> None:
    rise(kit, range(1, 6))
    kit.msgbus.publish(TOPIC_PREDICTIONS, prediction(BTC, minute=5))
    rise(kit, range(6, 66))
    assert len(journal) == 0
    monitor.stop()
    assert len(journal.of(OutcomeRecord)) == 1


def test_a_prediction_without_a_direction_and_one_of_another_run_have_no_outcome(
    kit: Kit, journal: MemoryJournal
) -> None:
    config = OutcomeConfig(instrument_ids=(BTC,), plan=CONFIG.plan, label=CONFIG.label)
    kit.start(OutcomeMonitor(config, journal, lambda _name: 0.03))
    rise(kit, range(1, 6))
    kit.msgbus.publish(TOPIC_PREDICTIONS, prediction(BTC, minute=5, p_buy=0.0, p_sell=0.0))
    kit.msgbus.publish(TOPIC_PREDICTIONS, prediction(ETH, minute=5))
    rise(kit, range(6, 181))
    assert len(journal) == 0


def test_a_hole_in_the_bars_leaves_the_outcome_unknown(
    kit: Kit, journal: MemoryJournal, monitor: OutcomeMonitor
) -> None:
    rise(kit, range(1, 6))
    kit.msgbus.publish(TOPIC_PREDICTIONS, prediction(BTC, minute=5))
    rise(kit, range(6, 40))
    rise(kit, range(45, 181))
    assert len(journal) == 0


def test_a_bar_that_came_twice_is_no_hole(kit: Kit, journal: MemoryJournal, monitor: OutcomeMonitor) -> None:
    rise(kit, range(1, 6))
    kit.msgbus.publish(TOPIC_PREDICTIONS, prediction(BTC, minute=5))
    rise(kit, range(6, 30))
    rise(kit, range(29, 121))
    assert len(journal.of(OutcomeRecord)) == 1
