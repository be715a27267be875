"""What a strategy makes of what an earlier run left: bets, positions, orders."""

from decimal import Decimal

import pytest
from nautilus_trader.execution.messages import QueryOrder
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide, TriggerType
from nautilus_trader.model.identifiers import ClientOrderId

from helios_nautilus.domain.plan import CloseReason, ExitPlan, Side
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.journal.bet_store import MemoryBetStore
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import EventRecord, FillRecord, OrderRecord, PositionRecord
from helios_nautilus.messages import TOPIC_KILL_SWITCH, KillSwitchChanged
from helios_nautilus.strategies.tiered import TieredStrategy, TieredStrategyConfig
from tests.fakes import BTC, ETH, START_NS, Kit, Tiers, at, proposal, terms
from tests.unit.strategies.restart import MILLION, PLAN, bring_back, foreign, hold, killed, recovering, the_bet

MAKER = ExitPlan(hold_mins=60, entry="maker", maker_wait_secs=300)
CHECK_NS = 2 * NS_PER_SEC


def quote(kit: Kit, bid: float, ask: float) -> None:
    instrument, now_ns = kit.cache.instrument(BTC), kit.clock.timestamp_ns()
    size = instrument.make_qty(1)
    kit.cache.add_quote_tick(
        QuoteTick(BTC, instrument.make_price(bid), instrument.make_price(ask), size, size, now_ns, now_ns)
    )


def kinds(journal: MemoryJournal) -> list[str]:
    return [event.kind for event in journal.of(EventRecord)]


def sent(kit: Kit) -> list[str]:
    """Roles of the orders that a kit's own run has sent, oldest first."""
    return [order.tags[1] for order in kit.all_orders() if order.tags]


# A bet that is held


def test_what_is_held_is_stopped_and_taken_at_the_old_prices_again(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    hold(kit, first, "0.004")
    kit.venue.cancel(kit.order("ENTRY"), kit.order("STOP"), kit.order("TARGET"))
    fresh = killed(kit)

    strategy = recovering(fresh, journal, store, plan=PLAN)

    stop, target = fresh.order("STOP"), fresh.order("TARGET")
    assert (stop.quantity, stop.trigger_price, stop.is_reduce_only) == (Decimal("0.004"), 980_000, True)
    assert (target.quantity, target.price, target.is_reduce_only) == (Decimal("0.004"), 1_040_000, True)
    assert kinds(journal) == ["recovered"]
    assert (strategy.unguarded(), strategy.strays()) == ([], [])


def test_a_short_comes_back_as_a_short(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    hold(kit, first, side=Side.SHORT)
    fresh = killed(kit)

    recovering(fresh, journal, store, plan=PLAN)

    assert (fresh.order("STOP").side, fresh.order("STOP").trigger_price) == (OrderSide.BUY, 1_020_000)


def test_a_recovered_bet_ends_as_any_other_and_its_records_name_its_decision(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    hold(kit, first)
    fresh = killed(kit)
    strategy = recovering(fresh, journal, store, plan=PLAN)

    fresh.venue.accept(fresh.order("STOP"), fresh.order("TARGET"))
    fresh.venue.fill(fresh.order("STOP"), 980_000)
    fresh.venue.cancel(fresh.order("TARGET"))

    (position,) = journal.of(PositionRecord)
    assert (position.decision_id, position.close_reason) == ("BTCZAR.VALR-20260105T0000", "STOP_LOSS")
    assert [fill.role for fill in journal.of(FillRecord)] == ["STOP"], "the entry's is in the first run's journal"
    assert not strategy.has_bet(BTC)
    assert store.load() == ()
    assert fresh.clock.timer_names == []


def test_the_hold_counts_from_the_first_fill_whenever_the_process_began(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    hold(kit, first)
    fresh = killed(kit, minute=59)
    recovering(fresh, journal, store, plan=PLAN)

    fresh.advance_to(at(60) - 1)
    assert fresh.orders("EXIT") == []
    fresh.advance_to(at(60))
    fresh.venue.fill(fresh.order("EXIT"), MILLION)

    assert [record.close_reason for record in journal.of(PositionRecord)] == ["TIMEOUT"]


def test_a_hold_that_ended_meanwhile_is_left_at_once_beside_a_stop(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    hold(kit, first)
    fresh = killed(kit, minute=61)

    recovering(fresh, journal, store, plan=PLAN)

    assert {"STOP", "EXIT"} <= set(sent(fresh))
    assert the_bet(store).exit_reason is CloseReason.TIMEOUT


def test_a_stop_that_was_crossed_meanwhile_is_obeyed_at_once(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    hold(kit, first)
    fresh = killed(kit)
    quote(fresh, bid=979_000, ask=979_500)

    recovering(fresh, journal, store, plan=PLAN)
    fresh.venue.fill(fresh.order("EXIT"), 979_000)

    assert sent(fresh) == ["EXIT"], "a stop would lie in the market"
    assert [record.close_reason for record in journal.of(PositionRecord)] == ["STOP_LOSS"]


def test_an_exit_that_had_been_asked_for_goes_on_beside_a_stop(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    hold(kit, first)
    first.leave(BTC, CloseReason.SIGNAL)
    kit.venue.accept(kit.order("EXIT"))
    kit.venue.cancel(kit.order("EXIT"))
    fresh = killed(kit)

    recovering(fresh, journal, store, plan=PLAN)
    fresh.venue.accept(fresh.order("STOP"))
    fresh.venue.fill(fresh.order("EXIT"), MILLION)

    assert sent(fresh) == ["STOP", "EXIT"]
    assert [record.close_reason for record in journal.of(PositionRecord)] == ["SIGNAL"]


def test_an_exit_of_unknown_outcome_is_asked_about_and_not_sent_twice(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    hold(kit, first)
    first.leave(BTC, CloseReason.SIGNAL)
    fresh = killed(kit)  # the venue's word on the exit was not heard

    recovering(fresh, journal, store, plan=PLAN)

    assert sent(fresh).count("EXIT") == 1, "the one of the first run"
    assert fresh.order("STOP").is_inflight
    assert asked(fresh) == [fresh.order("EXIT").client_order_id]
    fresh.venue.reject(fresh.order("EXIT"), "it never arrived")
    fresh.advance_to(at(6))
    assert sent(fresh).count("EXIT") == 2


def test_an_exit_that_is_known_to_have_come_to_nothing_is_no_question_for_the_next_run(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore
) -> None:
    hold(kit, first)
    first.leave(BTC, CloseReason.SIGNAL)
    kit.venue.reject(kit.order("EXIT"), "it never arrived")

    kit.advance_to(START_NS + CHECK_NS)

    _refused, again = kit.orders("EXIT")
    assert [fields["client_order_id"] for fields in the_bet(store).in_doubt] == [again.client_order_id.value]


def test_a_fill_that_nobody_heard_of_is_journalled_under_its_decision(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    first.propose(proposal(BTC))
    entry = kit.order("ENTRY")
    kit.venue.accept(entry)
    first.stop()  # deaf, as a process is that was killed just now
    kit.advance_to(START_NS + NS_PER_SEC)
    kit.venue.fill(entry, MILLION)
    fresh = killed(kit)

    recovering(fresh, journal, store, plan=PLAN)

    (fill,) = journal.of(FillRecord)
    assert (fill.decision_id, fill.role, fill.ts_ns) == ("BTCZAR.VALR-20260105T0000", "ENTRY", START_NS + NS_PER_SEC)
    assert fresh.order("STOP").trigger_price == 980_000
    assert the_bet(store).opened_ns == START_NS + NS_PER_SEC


def test_a_second_kill_right_after_the_start_finds_the_same_bet(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    hold(kit, first)
    second = killed(kit)
    recovering(second, MemoryJournal(), store, plan=PLAN)
    third = Kit(BTC, ETH)
    third.advance_to(at(10))
    bring_back(third, kit.order("ENTRY"))

    recovering(third, journal, store, plan=PLAN)

    assert third.order("STOP").trigger_price == 980_000
    assert the_bet(store).opened_ns == START_NS
    assert journal.of(FillRecord) == []


def test_a_halt_that_is_told_while_the_strategy_starts_closes_what_was_held_and_what_nobody_knew_of(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    hold(kit, first)
    fresh = killed(kit)
    foreign(fresh, OrderSide.BUY, "0.2", 50_000, instrument_id=ETH)
    config = TieredStrategyConfig(instrument_ids=(BTC, ETH), plan=PLAN)
    strategy = fresh.start(TieredStrategy(config, journal, store))
    assert sent(fresh) == [], "while it starts a strategy hears nothing of its orders"
    assert strategy.unguarded() == [BTC, ETH]

    halt = KillSwitchChanged(ts_ns=at(5), entries_allowed=False, flatten=True, words="latched before the kill")
    fresh.msgbus.publish(TOPIC_KILL_SWITCH, halt)
    fresh.advance_to(at(5))

    assert sent(fresh).count("EXIT") == 2
    assert {bet.exit_reason for bet in store.load()} == {CloseReason.KILL}


def test_a_halt_takes_an_entry_back_that_nobody_knows_the_outcome_of_and_waits_for_the_venue(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    fresh = entering(kit, first)
    strategy = fresh.start(TieredStrategy(TieredStrategyConfig(instrument_ids=(BTC, ETH), plan=PLAN), journal, store))
    halt = KillSwitchChanged(ts_ns=at(1), entries_allowed=False, flatten=True, words="latched before the kill")
    fresh.msgbus.publish(TOPIC_KILL_SWITCH, halt)
    fresh.advance_to(at(1))
    assert strategy.has_bet(BTC)

    fresh.venue.fill(fresh.order("ENTRY"), MILLION)

    assert fresh.order("EXIT").quantity == Decimal("0.01")


def test_a_strategy_that_is_stopped_and_resumed_in_one_moment_takes_up_what_was_left_once(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    hold(kit, first)
    fresh = killed(kit)
    strategy = fresh.start(TieredStrategy(TieredStrategyConfig(instrument_ids=(BTC, ETH), plan=PLAN), journal, store))

    strategy.stop()
    strategy.resume()
    fresh.advance_to(at(5))

    assert kinds(journal) == ["recovered"]
    assert sent(fresh) == ["STOP", "TARGET"]


# A bet of which nothing is held


def test_a_bet_that_was_closed_at_the_venue_meanwhile_is_journalled_and_forgotten(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    hold(kit, first)
    fresh = killed(kit)
    foreign(fresh, OrderSide.SELL, "0.01", 1_010_000)

    strategy = recovering(fresh, journal, store, plan=PLAN)

    assert kinds(journal) == ["gone"]
    (position,) = journal.of(PositionRecord)
    assert (position.decision_id, position.close_reason) == ("BTCZAR.VALR-20260105T0000", "MANUAL")
    assert position.exit_price == pytest.approx(1_010_000)
    assert not strategy.has_bet(BTC)
    assert store.load() == ()


def test_a_bet_that_was_closed_at_the_venue_but_for_dust_is_journalled_as_well(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    hold(kit, first)
    fresh = killed(kit)
    foreign(fresh, OrderSide.SELL, "0.00999998", 1_010_000)

    recovering(fresh, journal, store, plan=PLAN)

    assert kinds(journal) == ["gone", "dust"]
    assert [position.close_reason for position in journal.of(PositionRecord)] == ["MANUAL"]
    assert store.load() == ()


def test_a_bet_whose_end_was_journalled_before_the_kill_is_not_journalled_again(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    hold(kit, first)
    first.leave(BTC, CloseReason.SIGNAL)
    kit.venue.fill(kit.order("EXIT"), MILLION)  # its guard is still being cancelled
    fresh = killed(kit)

    recovering(fresh, journal, store, plan=PLAN)

    assert journal.of(PositionRecord) == []
    assert store.load() == ()


# An entry whose outcome nobody knows


def entering(kit: Kit, first: TieredStrategy) -> Kit:
    """Killed between the entry and the venue's word on it: reconciliation finds nothing."""
    first.propose(proposal(BTC))
    return killed(kit, minute=1)


def asked(kit: Kit) -> list[ClientOrderId]:
    """The orders that the venue was asked about."""
    return [command.client_order_id for command in kit.venue.commands if isinstance(command, QueryOrder)]


def test_an_entry_of_unknown_outcome_is_asked_about_and_no_second_one_is_sent(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    fresh = entering(kit, first)
    Tiers(fresh.msgbus, terms())
    strategy = recovering(fresh, journal, store, plan=PLAN)

    strategy.propose(proposal(BTC, minute=1))

    entry = kit.order("ENTRY").client_order_id
    assert asked(fresh) == [entry]
    assert strategy.strays() == [entry.value], "readiness waits for it"
    assert sent(fresh) == ["ENTRY"]
    assert [record.reason for record in journal.of(OrderRecord)] == ["position_open"]


def test_an_entry_that_never_arrived_ends_its_bet(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    fresh = entering(kit, first)
    strategy = recovering(fresh, journal, store, plan=PLAN)

    fresh.venue.reject(fresh.order("ENTRY"), "it never arrived")

    assert not strategy.has_bet(BTC)
    assert strategy.strays() == []
    assert store.load() == ()
    assert fresh.clock.timer_names == []


def test_an_entry_that_turns_out_to_have_filled_is_guarded_and_its_fill_told(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    fresh = entering(kit, first)
    strategy = recovering(fresh, journal, store, plan=PLAN)

    fresh.venue.accept(fresh.order("ENTRY"))
    fresh.venue.fill(fresh.order("ENTRY"), MILLION)

    assert sent(fresh) == ["ENTRY", "STOP", "TARGET"]
    assert fresh.order("STOP").trigger_price == 980_000
    assert [fill.decision_id for fill in journal.of(FillRecord)] == ["BTCZAR.VALR-20260105T0000"]
    assert strategy.strays() == []


LIVE = {"plan": PLAN, "manage_contingent_orders": True, "emulation": TriggerType.BID_ASK}
"""As a node has it: stop and target were emulated, and ended with the process."""


def test_where_the_engine_manages_a_bracket_an_entry_that_filled_is_guarded_without_those_it_was_sent_with(
    kit: Kit, tiers: Tiers, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    fresh = entering(kit, recovering(kit, MemoryJournal(), store, **LIVE))
    strategy = recovering(fresh, journal, store, **LIVE)

    fresh.venue.accept(fresh.order("ENTRY"))
    fresh.venue.fill(fresh.order("ENTRY"), MILLION)

    assert sent(fresh) == ["ENTRY", "STOP", "TARGET"]
    assert strategy.unguarded() == []


def test_where_the_engine_manages_a_bracket_an_entry_that_never_arrived_ends_its_bet(
    kit: Kit, tiers: Tiers, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    fresh = entering(kit, recovering(kit, MemoryJournal(), store, **LIVE))
    strategy = recovering(fresh, journal, store, **LIVE)

    fresh.venue.reject(fresh.order("ENTRY"), "it never arrived")

    assert (strategy.has_bet(BTC), strategy.strays(), store.load()) == (False, [], ())


def test_an_entry_that_turns_out_to_work_is_taken_back(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    fresh = entering(kit, first)
    strategy = recovering(fresh, journal, store, plan=PLAN)
    entry = fresh.order("ENTRY")
    fresh.venue.accept(entry)

    fresh.advance_to(at(1) + CHECK_NS)
    assert entry.is_pending_cancel
    fresh.venue.cancel(entry)

    assert not strategy.has_bet(BTC)


def test_a_makers_entry_that_still_works_is_taken_back_and_what_it_filled_meanwhile_is_guarded(
    kit: Kit, tiers: Tiers, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    tiers.agreed = terms(notional=10_000, stop=0.02, target=0.04)
    first = recovering(kit, MemoryJournal(), store, plan=MAKER)
    first.propose(proposal(BTC))
    kit.venue.accept(kit.order("ENTRY"))
    fresh = killed(kit, minute=1)
    strategy = recovering(fresh, journal, store, plan=MAKER)
    (entry,) = fresh.all_orders()
    assert entry.is_pending_cancel
    assert strategy.strays() == [entry.client_order_id.value]

    fresh.venue.fill(entry, MILLION, "0.004")
    fresh.venue.cancel(entry)

    assert kinds(journal) == ["stray_cancelled", "recovered"]
    assert (fresh.order("STOP").quantity, strategy.strays()) == (Decimal("0.004"), [])


# Positions and orders of no bet


@pytest.mark.parametrize(("vol_daily", "stop"), [(0.03, 987_753), (None, 979_588)], ids=["forecast", "none"])
def test_a_position_of_no_known_bet_is_guarded_by_the_plan_at_the_present_volatility(
    kit: Kit, store: MemoryBetStore, journal: MemoryJournal, vol_daily: float | None, stop: float
) -> None:
    foreign(kit, OrderSide.BUY, "0.01", MILLION)

    strategy = recovering(kit, journal, store, plan=PLAN, volatility=lambda _name: vol_daily)

    assert kit.order("STOP").trigger_price == stop  # two sigmas over an hour
    assert kinds(journal) == ["adopted", "recovered"]
    assert the_bet(store).decision_id == "BTCZAR.VALR-20260105T0000-adopted"
    assert strategy.unguarded() == []


def test_an_adopted_position_is_held_for_the_plans_time_from_now(
    kit: Kit, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    foreign(kit, OrderSide.BUY, "0.01", MILLION)
    kit.advance_to(at(90))
    recovering(kit, journal, store, plan=PLAN)

    kit.advance_to(at(150))
    kit.venue.fill(kit.order("EXIT"), MILLION)

    (position,) = journal.of(PositionRecord)
    assert (position.close_reason, position.decision_id) == ("TIMEOUT", "BTCZAR.VALR-20260105T0130-adopted")


def test_a_position_on_the_other_side_of_the_kept_bet_is_adopted_in_its_place(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    hold(kit, first)
    fresh = killed(kit)
    fresh.report(ZAR=100_000, BTC=1)
    foreign(fresh, OrderSide.SELL, "0.01", MILLION)
    foreign(fresh, OrderSide.SELL, "0.02", MILLION)

    recovering(fresh, journal, store, plan=PLAN)

    assert kinds(journal) == ["gone", "adopted", "recovered"]
    assert (fresh.order("STOP").side, fresh.order("STOP").quantity) == (OrderSide.BUY, Decimal("0.02"))


def test_dust_is_no_position(kit: Kit, store: MemoryBetStore, journal: MemoryJournal) -> None:
    foreign(kit, OrderSide.BUY, "0.00000002", MILLION)

    strategy = recovering(kit, journal, store, plan=PLAN)

    assert not strategy.has_bet(BTC)
    assert strategy.unguarded() == []
    assert kinds(journal) == []


def test_an_order_that_still_works_is_cancelled_until_the_venue_says_that_it_is(
    kit: Kit, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    order = foreign(kit, OrderSide.BUY, "0.01", 990_000, fills=False)

    strategy = recovering(kit, journal, store, plan=PLAN)

    assert order.is_pending_cancel
    assert strategy.strays() == ["somebody-0"]
    assert kinds(journal) == ["stray_cancelled"]
    kit.venue.cancel(order)
    assert strategy.strays() == []
    kit.advance_to(at(1))
    assert kit.clock.timer_names == []


def test_a_stray_that_fills_while_it_is_cancelled_is_adopted(
    kit: Kit, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    order = foreign(kit, OrderSide.BUY, "0.01", 990_000, fills=False)
    strategy = recovering(kit, journal, store, plan=PLAN)

    kit.venue.fill(order, 990_000)
    kit.advance_to(START_NS + CHECK_NS)

    assert strategy.has_bet(BTC)
    assert kit.order("STOP").quantity == Decimal("0.01")


# Somebody else trades on the account during a run


def test_a_position_that_somebody_opens_during_a_run_is_guarded_soon(
    kit: Kit, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    strategy = recovering(kit, journal, store, plan=PLAN)
    foreign(kit, OrderSide.BUY, "0.01", MILLION)
    assert strategy.unguarded() == [BTC]

    kit.advance_to(START_NS + CHECK_NS)

    assert strategy.unguarded() == []
    assert "adopted" in kinds(journal)


def test_a_bet_that_grows_beyond_its_stop_is_left(
    kit: Kit, first: TieredStrategy, store: MemoryBetStore, journal: MemoryJournal
) -> None:
    hold(kit, first)

    foreign(kit, OrderSide.BUY, "0.02", MILLION)

    assert kit.order("EXIT").quantity == Decimal("0.03")


def test_a_strategy_without_a_store_takes_nothing_up(kit: Kit, journal: MemoryJournal) -> None:
    foreign(kit, OrderSide.BUY, "0.01", MILLION)
    strategy = kit.start(TieredStrategy(TieredStrategyConfig(instrument_ids=(BTC, ETH), plan=PLAN), journal))

    assert (strategy.has_bet(BTC), strategy.unguarded()) == (False, [BTC])
