import pytest
from nautilus_trader.model.data import Bar
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.actors.snapshots import SnapshotActor, SnapshotConfig
from helios_nautilus.adapters.valr.constants import VALR_VENUE
from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.portfolio.valuation import EquityMark
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import SnapshotRecord
from helios_nautilus.messages import TOPIC_PORTFOLIO, PortfolioState
from tests.fakes import BTC, ETH, START_NS, Kit, at

DAY = 1440


class Marks:
    """Guardian's part, by hand: equity is what it is set to."""

    def __init__(self) -> None:
        self.equity: float | None = 100_000.0

    def mark(self, ts_ns: int) -> EquityMark | None:
        if self.equity is None:
            return None
        return EquityMark(ts_ns=ts_ns, equity=self.equity, peak=110_000.0, day_start=100_000.0)


@pytest.fixture
def marks() -> Marks:
    return Marks()


@pytest.fixture
def actor(kit: Kit, journal: MemoryJournal, marks: Marks) -> SnapshotActor:
    config = SnapshotConfig(instrument_ids=(BTC, ETH), venue=VALR_VENUE)
    return kit.start(SnapshotActor(config, journal, marks.mark))


def price(kit: Kit, value: float, instrument_id: InstrumentId = BTC) -> None:
    instrument, now_ns = kit.cache.instrument(instrument_id), kit.clock.timestamp_ns()
    close = instrument.make_price(value)
    kind = bar_type(instrument_id, "1m", "1m")
    kit.cache.add_bar(Bar(kind, close, close, close, close, instrument.make_qty(1), now_ns, now_ns))


def tell_equity(kit: Kit) -> None:
    state = PortfolioState(
        ts_ns=kit.clock.timestamp_ns(),
        equity=100_000.0,
        peak=110_000.0,
        drawdown=0.0,
        daily_loss=0.0,
        exposure=0.0,
        open_positions=0,
    )
    kit.msgbus.publish(TOPIC_PORTFOLIO, state)


def test_at_midnight_the_holdings_and_their_profits_are_kept(
    kit: Kit, journal: MemoryJournal, marks: Marks, actor: SnapshotActor
) -> None:
    price(kit, 1_000_000.0)
    tell_equity(kit)
    kit.hold(BTC, 1_000_000.0, notional=10_000.0)
    price(kit, 1_050_000.0)
    kit.report(ZAR=89_965, BTC=0.01)
    marks.equity = 100_465.0
    assert len(journal) == 0

    kit.advance_to(START_NS // (DAY * 60 * 10**9) * DAY * 60 * 10**9 + DAY * 60 * 10**9)

    (snapshot,) = journal.of(SnapshotRecord)
    (btc,) = snapshot.holdings
    assert (btc.instrument_id, btc.quantity, btc.price) == (BTC.value, 0.01, 1_050_000.0)
    assert btc.value == pytest.approx(10_500.0)
    assert btc.weight == pytest.approx(10_500.0 / 100_465.0)
    assert snapshot.cash == pytest.approx(89_965.0)
    assert snapshot.pnl == pytest.approx(465.0)
    assert btc.pnl == pytest.approx(500.0 - snapshot.costs)
    assert snapshot.drawdown == pytest.approx(1.0 - 100_465.0 / 110_000.0)


def test_an_instrument_that_is_not_held_is_shown_with_its_price(
    kit: Kit, journal: MemoryJournal, actor: SnapshotActor
) -> None:
    price(kit, 50_000.0, ETH)
    tell_equity(kit)
    kit.advance_to(at(DAY))
    actor.stop()
    snapshot = journal.of(SnapshotRecord)[-1]
    assert [(each.instrument_id, each.quantity, each.pnl) for each in snapshot.holdings] == [(ETH.value, 0.0, 0.0)]


def test_the_end_of_the_run_has_a_snapshot_once_even_at_midnight(
    kit: Kit, journal: MemoryJournal, actor: SnapshotActor
) -> None:
    price(kit, 1_000_000.0)
    tell_equity(kit)
    kit.advance_to(at(3 * DAY))
    at_midnights = len(journal)
    actor.take(journal.of(SnapshotRecord)[-1].ts_ns)
    assert len(journal) == at_midnights
    kit.advance_to(at(3 * DAY + 7))
    actor.stop()
    assert [snapshot.ts_ns for snapshot in journal.of(SnapshotRecord)][-1] == at(3 * DAY + 7)
    assert len(journal) == at_midnights + 1


def test_no_snapshot_is_taken_while_equity_is_unknown_and_the_next_counts_from_the_last(
    kit: Kit, journal: MemoryJournal, marks: Marks, actor: SnapshotActor
) -> None:
    price(kit, 1_000_000.0)
    tell_equity(kit)
    marks.equity = None
    kit.advance_to(at(DAY + 1))
    assert len(journal) == 0
    marks.equity = 100_250.0
    kit.advance_to(at(2 * DAY + 1))
    assert journal.of(SnapshotRecord)[-1].pnl == 250.0


def test_before_the_first_mark_there_is_nothing_to_tell(kit: Kit, journal: MemoryJournal, actor: SnapshotActor) -> None:
    kit.advance_to(at(2 * DAY))
    actor.stop()
    assert len(journal) == 0
