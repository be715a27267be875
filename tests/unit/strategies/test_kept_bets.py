"""What a strategy keeps of its bets, and when: before the orders go out, and before the journal has the fills."""

from collections.abc import Iterable
from decimal import Decimal

import pytest
from msgspec.structs import replace
from nautilus_trader.model.enums import OrderSide

from helios_nautilus.domain.kept_bets import KeptBet
from helios_nautilus.domain.lifecycle import Phase
from helios_nautilus.domain.plan import CloseReason, ExitPlan
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.journal.bet_store import MemoryBetStore, MoneyRecord
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import FillRecord, OrderRecord, PositionRecord
from helios_nautilus.strategies.tiered import TieredStrategy
from tests.fakes import BTC, ETH, START_NS, Kit, Tiers, proposal, terms
from tests.unit.strategies.restart import MILLION, PLAN, foreign, hold, killed, recovering, the_bet


class Early(MemoryBetStore):
    """Notes which records the journal had when each of them was saved."""

    def __init__(self, journal: MemoryJournal) -> None:
        super().__init__()
        self._journal = journal
        self.seen: list[list[MoneyRecord]] = []

    def save(self, bets: Iterable[KeptBet], record: MoneyRecord | None = None) -> None:
        super().save(bets, record)
        if record is not None:
            self.seen.append([*self._journal.of(FillRecord), *self._journal.of(PositionRecord)])


def test_fills_and_the_end_of_a_bet_are_kept_before_the_journal_has_them(kit: Kit, tiers: Tiers) -> None:
    journal = MemoryJournal()
    store = Early(journal)
    tiers.agreed = terms(notional=10_000, stop=0.02, target=0.04)
    hold(kit, recovering(kit, journal, store, plan=PLAN))
    kit.venue.fill(kit.order("STOP"), 980_000)

    entered, left, over = store.records
    assert [type(each) for each in (entered, left, over)] == [FillRecord, FillRecord, PositionRecord]
    assert store.seen == [[], [entered], [entered, left]]
    assert [*journal.of(FillRecord), *journal.of(PositionRecord)] == store.records


def test_the_fill_of_an_order_that_is_of_no_bet_is_kept_as_well(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore
) -> None:
    foreign(kit, OrderSide.BUY, "0.004", MILLION)

    assert [record.quantity for record in store.records] == [Decimal("0.004")]


class Whole(MemoryBetStore):
    """Notes how many bets, and orders in doubt, were saved each time."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: list[int] = []
        self.in_doubt: list[int] = []

    def save(self, bets: Iterable[KeptBet], record: MoneyRecord | None = None) -> None:
        super().save(bets, record)
        self.counts.append(len(self.load()))
        self.in_doubt.append(sum(len(bet.in_doubt) for bet in self.load()))


def test_while_bets_are_taken_up_none_is_missing_from_the_store(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore
) -> None:
    hold(kit, first)
    first.propose(proposal(ETH))
    fresh, later = killed(kit), Whole()
    later.save(replace(bet, trades=()) for bet in store.load())

    recovering(fresh, MemoryJournal(), later, plan=PLAN)

    assert len(later.records) == 1
    assert later.counts[:2] == [2, 2]
    assert later.in_doubt[1] == 1  # the entry on ether


class Watching(MemoryBetStore):
    """Notes how many commands the venue had had when each state was saved."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self.seen: list[int] = []

    def save(self, bets: Iterable[KeptBet], record: MoneyRecord | None = None) -> None:
        super().save(bets, record)
        self.seen.append(len(self._kit.venue.commands))


def test_a_bet_is_kept_before_its_orders_are_sent(kit: Kit, tiers: Tiers) -> None:
    store = Watching(kit)

    recovering(kit, MemoryJournal(), store, plan=PLAN).propose(proposal(BTC))

    assert store.seen[0] == 0
    kept = the_bet(store)
    assert (kept.phase, kept.decision_id) == (Phase.ENTERING, "BTCZAR.VALR-20260105T0000")
    assert sorted(kept.roles.values()) == ["ENTRY", "STOP", "TARGET"]


def test_an_exit_is_kept_before_it_is_sent(kit: Kit, tiers: Tiers) -> None:
    store = Watching(kit)
    strategy = recovering(kit, MemoryJournal(), store, plan=PLAN)
    hold(kit, strategy)
    before = len(kit.venue.commands)

    strategy.leave(BTC, CloseReason.SIGNAL)

    assert store.seen[-1] == before
    assert (the_bet(store).exit_reason, "EXIT" in the_bet(store).roles.values()) == (CloseReason.SIGNAL, True)


def test_a_fill_is_kept_with_what_it_cost(kit: Kit, first: TieredStrategy, store: MemoryBetStore) -> None:
    kit.advance_to(START_NS + NS_PER_SEC)
    hold(kit, first, "0.004")

    assert (the_bet(store).phase, the_bet(store).opened_ns) == (Phase.OPEN, START_NS + NS_PER_SEC)
    assert len(the_bet(store).trades) == 1


def test_a_bet_that_is_over_is_kept_no_longer(kit: Kit, first: TieredStrategy, store: MemoryBetStore) -> None:
    hold(kit, first)
    kit.venue.fill(kit.order("STOP"), 980_000)
    assert the_bet(store).is_closed
    kit.venue.cancel(kit.order("TARGET"))

    assert store.load() == ()


def test_a_stop_that_trailed_is_kept_where_it_is(kit: Kit, tiers: Tiers, store: MemoryBetStore) -> None:
    tiers.agreed = terms(notional=10_000, stop=0.02, target=0.04)
    strategy = recovering(kit, MemoryJournal(), store, plan=ExitPlan(hold_mins=600, trail_atr=2.0))
    closes = [MILLION] * 14 + [MILLION + 1_000]
    for number, close in enumerate(closes):
        if number == 14:
            hold(kit, strategy)
        kit.advance_to(kit.clock.timestamp_ns() + 5 * NS_PER_MIN)
        kit.bar(strategy, close, BTC, timeframe="5m", reach=1_000.0)

    assert the_bet(store).extreme == MILLION + 1_000
    assert the_bet(store).stop_price == pytest.approx(997_000, abs=500)


class Full(MemoryBetStore):
    """A store on a disk that may be full."""

    is_full = False

    def save(self, bets: Iterable[KeptBet], record: MoneyRecord | None = None) -> None:
        if self.is_full:
            raise OSError("no space left")
        super().save(bets, record)


def test_an_entry_that_cannot_be_kept_is_not_sent(kit: Kit, tiers: Tiers, journal: MemoryJournal) -> None:
    store = Full()
    store.is_full = True
    strategy = recovering(kit, journal, store, plan=PLAN)

    strategy.propose(proposal(BTC))

    assert [record.reason for record in journal.of(OrderRecord)] == ["not_kept"]
    assert kit.venue.commands == []
    assert "no space left" in strategy.bets.trouble()
    store.is_full = False
    assert strategy.bets.trouble() == ""
    assert not strategy.has_bet(BTC)


def test_an_exit_goes_out_whether_it_can_be_kept_or_not(kit: Kit, tiers: Tiers, journal: MemoryJournal) -> None:
    store = Full()
    strategy = recovering(kit, journal, store, plan=PLAN)
    hold(kit, strategy)
    store.is_full = True

    strategy.leave(BTC, CloseReason.TIMEOUT)

    assert kit.order("EXIT").is_inflight
