from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.execution.messages import SubmitOrderList
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderSide, OrderType, TimeInForce, TradingState, TriggerType
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price

from helios_nautilus.domain.plan import CloseReason, ExitPlan, Side
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import EventRecord, OrderRecord, PositionRecord
from helios_nautilus.messages import (
    TOPIC_KILL_SWITCH,
    TOPIC_PIPELINE,
    TOPIC_READINESS,
    KillSwitchChanged,
    ReadinessChanged,
    Stage,
)
from helios_nautilus.strategies import audit
from helios_nautilus.strategies.tiered import TieredStrategy, TieredStrategyConfig
from tests.fakes import BTC, ETH, START_NS, Kit, Tiers, proposal, terms

MILLION = 1_000_000.0
TAKER = ExitPlan(hold_mins=60)
MAKER = ExitPlan(hold_mins=60, entry="maker", maker_wait_secs=300)
TRAILING = ExitPlan(hold_mins=60, trail_atr=2.0)
CHECK_NS = 2 * NS_PER_SEC


@pytest.fixture(autouse=True)
def _agreed(tiers: Tiers) -> None:
    """R10 000 with a stop 2 % and a target 4 % away: 0.01 BTC at a million, 980 000, 1 040 000."""
    tiers.agreed = terms(notional=10_000, stop=0.02, target=0.04)


def start(kit: Kit, journal: MemoryJournal, plan: ExitPlan = TAKER, **config: Any) -> TieredStrategy:
    return kit.start(TieredStrategy(TieredStrategyConfig(instrument_ids=(BTC, ETH), plan=plan, **config), journal))


def hold(kit: Kit, strategy: TieredStrategy, *, quantity: str | None = None, side: Side = Side.LONG) -> None:
    """Enter at a million, with the whole order or with a part of it filled; stop and target work."""
    strategy.propose(proposal(BTC, side=side))
    kit.venue.accept(kit.order("ENTRY"))
    kit.venue.fill(kit.order("ENTRY"), MILLION, quantity)
    kit.venue.accept(kit.order("STOP"), kit.order("TARGET"))


def quote(kit: Kit, strategy: TieredStrategy, bid: float, ask: float, instrument_id: InstrumentId = BTC) -> None:
    instrument = kit.cache.instrument(instrument_id)
    size, now_ns = instrument.make_qty(1), kit.clock.timestamp_ns()
    tick = QuoteTick(instrument_id, instrument.make_price(bid), instrument.make_price(ask), size, size, now_ns, now_ns)
    kit.cache.add_quote_tick(tick)
    if strategy.is_running:
        strategy.handle_quote_tick(tick)


def bar(kit: Kit, strategy: TieredStrategy, close: float, *, timeframe: str = "5m", reach: float = 1_000.0) -> None:
    """The next bar of BTC."""
    kit.advance_to(kit.clock.timestamp_ns() + 5 * NS_PER_MIN)
    kit.bar(strategy, close, BTC, timeframe=timeframe, reach=reach)


def kill(kit: Kit, *, flatten: bool) -> None:
    change = KillSwitchChanged(ts_ns=START_NS, entries_allowed=False, flatten=flatten, words="a test")
    kit.msgbus.publish(TOPIC_KILL_SWITCH, change)


def held(kit: Kit) -> Decimal:
    return sum((position.quantity.as_decimal() for position in kit.cache.positions_open()), Decimal(0))


def working(kit: Kit) -> list[str]:
    """Roles of the orders that work or are on their way."""
    orders = [*kit.cache.orders_open(), *kit.cache.orders_inflight()]
    return sorted({order.client_order_id: order.tags[1] for order in orders}.values())


def reasons(journal: MemoryJournal) -> list[str]:
    return [position.close_reason for position in journal.of(PositionRecord)]


# The bracket


def test_a_taker_enters_at_once_or_not_at_all_within_the_slippage_bound(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal, slippage_bound=0.002)

    strategy.propose(proposal(BTC, price=MILLION))

    entry = kit.order("ENTRY")
    assert (entry.side, entry.order_type, entry.time_in_force) == (OrderSide.BUY, OrderType.LIMIT, TimeInForce.IOC)
    assert (entry.quantity, entry.price) == (Decimal("0.01"), 1_002_000)
    assert not entry.is_post_only


def test_a_maker_enters_post_only_at_the_best_price_for_a_time(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal, MAKER)
    kit.advance_to(START_NS + 5 * NS_PER_MIN)
    quote(kit, strategy, bid=999_500, ask=1_000_500)

    strategy.propose(proposal(BTC, minute=5, price=MILLION))

    entry = kit.order("ENTRY")
    assert (entry.price, entry.is_post_only, entry.time_in_force) == (999_500, True, TimeInForce.GTD)
    assert entry.expire_time_ns == kit.clock.timestamp_ns() + 300 * NS_PER_SEC


def test_stop_and_target_go_with_the_entry_and_only_reduce(kit: Kit, journal: MemoryJournal) -> None:
    start(kit, journal).propose(proposal(BTC, price=MILLION))

    stop, target = kit.order("STOP"), kit.order("TARGET")
    assert (stop.side, stop.trigger_price, stop.is_reduce_only) == (OrderSide.SELL, 980_000, True)
    assert (target.side, target.price, target.is_reduce_only) == (OrderSide.SELL, 1_040_000, True)
    assert len(kit.venue.commands) == 1, "one message carries all three"


def test_a_short_is_the_mirror_image(kit: Kit, journal: MemoryJournal) -> None:
    start(kit, journal, slippage_bound=0.002).propose(proposal(BTC, side=Side.SHORT, price=MILLION))

    entry, stop, target = (kit.orders(role)[0] for role in ("ENTRY", "STOP", "TARGET"))
    assert (entry.side, entry.price) == (OrderSide.SELL, 998_000)
    assert (stop.side, stop.trigger_price, target.price) == (OrderSide.BUY, 1_020_000, 960_000)


def test_a_quote_of_after_the_close_is_the_reference_and_an_older_one_is_not(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal, slippage_bound=0.002)
    quote(kit, strategy, bid=989_000, ask=990_000)
    kit.advance_to(START_NS + 5 * NS_PER_MIN)

    strategy.propose(proposal(BTC, minute=5, price=MILLION))
    quote(kit, strategy, bid=49_950, ask=50_050, instrument_id=ETH)
    strategy.propose(proposal(ETH, minute=5, price=50_000.0))

    of_btc, of_eth = kit.orders("STOP")
    assert of_btc.trigger_price == 980_000, "2 % below the close: its quote is from before"
    assert of_eth.trigger_price == 49_049, "2 % below the ask"


def test_every_order_says_which_decision_it_is_of_and_what_it_is_for(kit: Kit, journal: MemoryJournal) -> None:
    start(kit, journal).propose(proposal(BTC, minute=5))

    tags = [order.tags for order in kit.cache.orders()]
    assert sorted(tags) == [["BTCZAR.VALR-20260105T0005", role] for role in ("ENTRY", "STOP", "TARGET")]


def test_a_size_under_the_venues_minimum_is_not_sent_and_journalled(
    kit: Kit, tiers: Tiers, journal: MemoryJournal
) -> None:
    tiers.agreed = terms(notional=7.0)  # the least is 0.000008 BTC

    strategy = start(kit, journal)
    strategy.propose(proposal(BTC, price=MILLION))

    (record,) = journal.of(OrderRecord)
    assert (record.status, record.reason) == ("DENIED", "too_small")
    assert not strategy.has_bet(BTC)


def test_an_entry_the_risk_engine_denies_leaves_nothing_behind(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal)
    kit.risk_engine.set_trading_state(TradingState.HALTED)

    strategy.propose(proposal(BTC))

    assert {order.status for order in journal.of(OrderRecord)} == {"DENIED"}
    assert not strategy.has_bet(BTC)
    assert kit.clock.timer_names == []
    assert kit.venue.commands == []


def test_an_entry_the_venue_rejects_leaves_nothing_behind(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal)
    strategy.propose(proposal(BTC))

    kit.venue.reject(kit.order("ENTRY"))
    kit.venue.reject(kit.order("STOP"))
    kit.venue.reject(kit.order("TARGET"))

    assert not strategy.has_bet(BTC)
    assert kit.clock.timer_names == []
    assert journal.of(PositionRecord) == []


def test_a_bet_blocks_its_instrument_until_the_last_of_its_orders_is_gone(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal)
    strategy.propose(proposal(BTC))

    kit.venue.reject(kit.order("ENTRY"))
    kit.venue.cancel(kit.order("STOP"))
    assert strategy.has_bet(BTC)

    kit.venue.cancel(kit.order("TARGET"))
    assert not strategy.has_bet(BTC)


# A maker's re-quotes


def test_a_maker_follows_the_best_price_but_not_beyond_the_slippage_bound(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal, MAKER, slippage_bound=0.002)
    strategy.propose(proposal(BTC, price=MILLION))
    entry = kit.order("ENTRY")
    kit.venue.accept(entry)

    quote(kit, strategy, bid=1_000_700, ask=1_001_000)
    assert asked_price(kit) == 1_000_700
    kit.venue.update(entry, price=1_000_700)

    quote(kit, strategy, bid=1_009_000, ask=1_010_000)
    assert asked_price(kit) == 1_002_000


def test_a_short_maker_follows_the_ask_down(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal, MAKER, slippage_bound=0.002)
    strategy.propose(proposal(BTC, side=Side.SHORT, price=MILLION))
    kit.venue.accept(kit.order("ENTRY"))

    quote(kit, strategy, bid=990_000, ask=991_000)

    assert asked_price(kit) == 998_000


@pytest.mark.parametrize("bid", [999_000, 1_000_000], ids=["the market comes nearer", "nothing moves"])
def test_a_maker_that_is_at_the_best_price_stays(kit: Kit, journal: MemoryJournal, bid: float) -> None:
    strategy = start(kit, journal, MAKER)
    strategy.propose(proposal(BTC, price=MILLION))
    kit.venue.accept(kit.order("ENTRY"))

    quote(kit, strategy, bid=bid, ask=bid + 500)

    assert asked_price(kit) is None


def test_a_maker_is_not_moved_again_before_the_venue_has_answered(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal, MAKER)
    strategy.propose(proposal(BTC, price=MILLION))
    kit.venue.accept(kit.order("ENTRY"))

    quote(kit, strategy, bid=1_000_700, ask=1_001_000)
    quote(kit, strategy, bid=1_000_900, ask=1_001_000)

    assert asked_price(kit) == 1_000_700


def test_a_partly_filled_maker_and_a_taker_are_left_where_they_are(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal, MAKER)
    hold(kit, strategy, quantity="0.004")

    quote(kit, strategy, bid=1_000_700, ask=1_001_000)

    assert asked_price(kit) is None


def test_a_maker_is_given_up_after_its_time(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal, MAKER)
    strategy.propose(proposal(BTC))
    entry = kit.order("ENTRY")
    kit.venue.accept(entry)

    kit.advance_to(START_NS + 300 * NS_PER_SEC - 1)
    assert entry.is_open
    assert not entry.is_pending_cancel
    kit.advance_to(START_NS + 300 * NS_PER_SEC)
    assert entry.is_pending_cancel

    kit.venue.cancel(entry, kit.order("STOP"), kit.order("TARGET"))
    assert not strategy.has_bet(BTC)


def asked_price(kit: Kit) -> Price | None:
    """The price asked for by the newest change of an order, if there was one."""
    prices = [command.price for command in kit.venue.commands if hasattr(command, "trigger_price")]
    return prices[-1] if prices else None


# Leaving


def test_an_exit_is_sent_beside_stop_and_target_so_that_no_moment_is_without_a_stop(
    kit: Kit, journal: MemoryJournal
) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy)

    assert strategy.leave(BTC, CloseReason.SIGNAL)

    out = kit.order("EXIT")
    assert (out.order_type, out.side, out.quantity, out.is_reduce_only) == (
        OrderType.MARKET,
        OrderSide.SELL,
        Decimal("0.01"),
        True,
    )
    assert working(kit) == ["EXIT", "STOP", "TARGET"]
    assert not kit.order("STOP").is_pending_cancel


def test_once_nothing_is_held_stop_and_target_are_cancelled_and_the_bet_is_over(
    kit: Kit, journal: MemoryJournal
) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy)
    strategy.leave(BTC, CloseReason.SIGNAL)

    kit.venue.fill(kit.order("EXIT"), 1_010_000)
    assert kit.order("STOP").is_pending_cancel
    assert kit.order("TARGET").is_pending_cancel
    kit.venue.cancel(kit.order("STOP"), kit.order("TARGET"))

    assert reasons(journal) == ["SIGNAL"]
    assert not strategy.has_bet(BTC)
    assert kit.clock.timer_names == []


@pytest.mark.parametrize(
    ("role", "price", "reason"), [("STOP", 980_000, "STOP_LOSS"), ("TARGET", 1_040_000, "TAKE_PROFIT")]
)
def test_the_order_of_the_bracket_that_fills_names_the_reason_and_its_sibling_goes(
    kit: Kit, journal: MemoryJournal, role: Any, price: float, reason: str
) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy)
    sibling = kit.order("TARGET" if role == "STOP" else "STOP")

    kit.venue.fill(kit.order(role), price)
    assert sibling.is_pending_cancel
    kit.venue.cancel(sibling)

    assert reasons(journal) == [reason]
    assert not strategy.has_bet(BTC)


def test_the_first_reason_to_leave_stays(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy)

    assert strategy.leave(BTC, CloseReason.SIGNAL)
    assert not strategy.leave(BTC, CloseReason.KILL)
    kit.venue.fill(kit.order("EXIT"), MILLION)

    assert reasons(journal) == ["SIGNAL"]
    assert len(kit.orders("EXIT")) == 1


def test_there_is_nothing_to_leave_without_a_bet(kit: Kit, journal: MemoryJournal) -> None:
    assert not start(kit, journal).leave(BTC, CloseReason.MANUAL)


def test_a_position_times_out_at_the_plans_hold_counted_from_its_first_fill(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal)
    strategy.propose(proposal(BTC))
    kit.venue.accept(kit.order("ENTRY"))
    kit.advance_to(START_NS + NS_PER_SEC)
    kit.venue.fill(kit.order("ENTRY"), MILLION)
    deadline_ns = START_NS + NS_PER_SEC + 60 * NS_PER_MIN

    kit.advance_to(deadline_ns - 1)
    assert kit.orders("EXIT") == []
    kit.advance_to(deadline_ns)
    kit.venue.fill(kit.order("EXIT"), MILLION)

    assert reasons(journal) == ["TIMEOUT"]


def test_an_exit_that_is_rejected_is_sent_again_by_the_check_and_the_stop_works_on(
    kit: Kit, journal: MemoryJournal
) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy)
    strategy.leave(BTC, CloseReason.TIMEOUT)
    left_ns = kit.clock.timestamp_ns()

    kit.venue.reject(kit.order("EXIT"))
    assert len(kit.orders("EXIT")) == 1, "not at once: whatever refused it would refuse it again"
    assert working(kit) == ["STOP", "TARGET"]

    kit.advance_to(left_ns + CHECK_NS)
    assert len(kit.orders("EXIT")) == 2
    assert working(kit) == ["EXIT", "STOP", "TARGET"]
    kit.venue.fill(kit.order("EXIT"), MILLION)
    assert reasons(journal) == ["TIMEOUT"]


def test_an_exit_that_the_risk_engine_denies_is_sent_again_at_growing_intervals(
    kit: Kit, journal: MemoryJournal
) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy)
    kit.risk_engine.set_trading_state(TradingState.HALTED)

    strategy.leave(BTC, CloseReason.KILL)
    kit.advance_to(kit.clock.timestamp_ns() + 5 * NS_PER_MIN)
    assert 4 <= len(kit.orders("EXIT")) <= 12
    assert working(kit) == ["STOP", "TARGET"]

    kit.risk_engine.set_trading_state(TradingState.ACTIVE)
    kit.advance_to(kit.clock.timestamp_ns() + 2 * NS_PER_MIN)
    kit.venue.fill(kit.order("EXIT"), MILLION)
    assert reasons(journal) == ["KILL"]


def test_an_exit_that_fills_in_part_is_followed_by_one_for_the_rest(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy)
    strategy.leave(BTC, CloseReason.SIGNAL)

    kit.venue.accept(kit.order("EXIT"))
    kit.venue.fill(kit.order("EXIT"), MILLION, "0.007")
    kit.venue.cancel(kit.order("EXIT"))

    assert kit.order("EXIT").quantity == Decimal("0.003")


def test_an_entry_that_fills_while_it_is_being_taken_back_is_closed_again(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal)
    strategy.propose(proposal(BTC))
    entry = kit.order("ENTRY")
    kit.venue.accept(entry)

    strategy.leave(BTC, CloseReason.KILL)
    kit.venue.fill(entry, MILLION)
    kit.venue.fill(kit.order("EXIT"), MILLION)

    assert held(kit) == 0
    assert reasons(journal) == ["KILL"]


# Stopped and resumed


def test_a_time_out_survives_a_stop_of_the_strategy(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy)

    strategy.stop()
    kit.advance_to(START_NS + 61 * NS_PER_MIN)
    assert kit.orders("EXIT") == []
    strategy.resume()
    kit.advance_to(START_NS + 62 * NS_PER_MIN)
    kit.venue.fill(kit.order("EXIT"), MILLION)

    assert reasons(journal) == ["TIMEOUT"]


def test_an_entry_that_filled_while_the_strategy_was_stopped_times_out_like_any_other(
    kit: Kit, journal: MemoryJournal
) -> None:
    strategy = start(kit, journal)
    strategy.propose(proposal(BTC))
    kit.venue.accept(kit.order("ENTRY"))

    strategy.stop()
    kit.venue.fill(kit.order("ENTRY"), MILLION)
    kit.venue.accept(kit.order("STOP"), kit.order("TARGET"))
    strategy.resume()
    kit.advance_to(START_NS + 60 * NS_PER_MIN)

    assert working(kit) == ["EXIT", "STOP", "TARGET"]


def test_a_position_that_ended_while_the_strategy_was_stopped_is_no_bet_any_more(
    kit: Kit, journal: MemoryJournal
) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy)

    strategy.stop()
    kit.venue.fill(kit.order("STOP"), 980_000)
    strategy.resume()
    kit.advance_to(START_NS + CHECK_NS)
    kit.venue.cancel(kit.order("TARGET"))

    assert not strategy.has_bet(BTC)


def test_a_resumed_strategy_obeys_the_kill_switch(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy)

    strategy.stop()
    strategy.resume()
    kill(kit, flatten=True)

    assert "EXIT" in working(kit)


# Partial fills and lost stops


def test_where_the_venue_cancels_the_guard_with_a_partly_filled_entry_it_is_sent_anew_for_what_is_held(
    kit: Kit, journal: MemoryJournal
) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy, quantity="0.004")

    kit.venue.cancel(kit.order("ENTRY"), kit.order("STOP"), kit.order("TARGET"))
    stop, target = kit.order("STOP"), kit.order("TARGET")

    assert working(kit) == ["STOP", "TARGET"]
    assert (stop.quantity, stop.trigger_price, stop.is_reduce_only) == (Decimal("0.004"), 980_000, True)
    assert (target.quantity, target.price, target.is_reduce_only) == (Decimal("0.004"), 1_040_000, True)
    kit.venue.accept(stop, target)
    kit.venue.fill(stop, 980_000)
    kit.venue.cancel(target)
    assert reasons(journal) == ["STOP_LOSS"]
    assert not strategy.has_bet(BTC)


def test_an_entry_that_goes_on_filling_after_its_guard_was_sent_anew_ends_the_bet(
    kit: Kit, journal: MemoryJournal
) -> None:
    strategy = start(kit, journal, MAKER)
    hold(kit, strategy, quantity="0.004")
    entry = kit.order("ENTRY")

    kit.venue.cancel(kit.order("STOP"))  # as an entry's expiry does it: the guard first, then the entry
    assert entry.is_pending_cancel
    kit.venue.fill(entry, MILLION, "0.003")

    assert kit.order("EXIT").quantity == Decimal("0.007")


def test_a_guard_that_is_refused_a_second_time_ends_the_bet(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy, quantity="0.004")
    kit.venue.cancel(kit.order("ENTRY"), kit.order("STOP"), kit.order("TARGET"))

    kit.venue.reject(kit.order("STOP"))
    kit.venue.fill(kit.order("EXIT"), 979_000)

    assert held(kit) == 0
    assert reasons(journal) == ["MANUAL"]


@pytest.mark.parametrize("role", ["STOP", "TARGET"])
def test_a_position_that_loses_its_stop_or_its_target_out_of_the_blue_is_left_at_once(
    kit: Kit, journal: MemoryJournal, role: Any
) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy)

    kit.venue.cancel(kit.order(role))

    assert "EXIT" in working(kit)


def test_an_entry_whose_stop_the_venue_refuses_is_taken_back_before_it_fills(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal, MAKER)
    strategy.propose(proposal(BTC))
    kit.venue.accept(kit.order("ENTRY"))

    kit.venue.reject(kit.order("STOP"))

    assert kit.order("ENTRY").is_pending_cancel


def test_a_stop_that_fills_while_the_entry_still_works_takes_the_rest_back_and_closes_what_yet_comes_of_it(
    kit: Kit, journal: MemoryJournal
) -> None:
    strategy = start(kit, journal, MAKER)
    hold(kit, strategy, quantity="0.004")
    entry = kit.order("ENTRY")

    kit.venue.update(kit.order("STOP"), quantity="0.004")
    kit.venue.fill(kit.order("STOP"), 980_000)
    assert entry.is_pending_cancel
    assert strategy.has_bet(BTC), "its entry may still fill"

    kit.venue.fill(entry, 980_000)
    assert kit.order("EXIT").quantity == Decimal("0.006")
    kit.venue.fill(kit.order("EXIT"), 979_000)
    kit.venue.cancel(kit.order("TARGET"))
    assert held(kit) == 0
    assert reasons(journal)[0] == "STOP_LOSS"
    assert not strategy.has_bet(BTC)


# The kill switch


def test_reduce_only_takes_entries_back_and_leaves_positions_to_their_stops(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy)
    strategy.propose(proposal(ETH, price=50_000.0))
    entry = kit.orders("ENTRY")[1]
    kit.venue.accept(entry)

    kill(kit, flatten=False)

    assert entry.is_pending_cancel
    assert kit.orders("EXIT") == []
    assert working(kit).count("STOP") == 2


def test_reduce_only_takes_back_what_is_left_of_a_partly_filled_entry(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal, MAKER)
    hold(kit, strategy, quantity="0.004")

    kill(kit, flatten=False)

    assert kit.order("ENTRY").is_pending_cancel
    assert kit.orders("EXIT") == []
    assert not kit.order("STOP").is_pending_cancel


def test_halt_also_flattens(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy)

    kill(kit, flatten=True)
    kit.venue.fill(kit.order("EXIT"), MILLION)

    assert reasons(journal) == ["KILL"]


# The trailing stop


def trailing(kit: Kit, journal: MemoryJournal) -> TieredStrategy:
    """A long held at a million after 14 bars whose true range is 2 000: the trail is 4 000 wide."""
    strategy = start(kit, journal, TRAILING)
    for _ in range(14):
        bar(kit, strategy, MILLION)
    hold(kit, strategy)
    kit.venue.update(kit.order("STOP"), trigger_price=980_000)
    return strategy


def test_the_stop_trails_the_best_close_and_never_moves_back(kit: Kit, journal: MemoryJournal) -> None:
    strategy = trailing(kit, journal)

    bar(kit, strategy, 1_001_000)
    first = asked_trigger(kit)
    kit.venue.update(kit.order("STOP"), trigger_price=first)
    bar(kit, strategy, 999_500)

    assert 996_500 < first < 997_500
    assert asked_trigger(kit) == first


def test_a_move_of_the_stop_that_was_refused_is_tried_again_with_the_next_bar(kit: Kit, journal: MemoryJournal) -> None:
    strategy = trailing(kit, journal)
    bar(kit, strategy, 1_001_000)
    first = asked_trigger(kit)

    kit.venue.refuse_update(kit.order("STOP"))
    bar(kit, strategy, 1_000_900)

    assert asked_trigger(kit) == first
    assert len(moves(kit)) == 2


def test_a_trail_that_lies_in_the_market_is_a_stop_that_was_hit(kit: Kit, journal: MemoryJournal) -> None:
    strategy = trailing(kit, journal)
    bar(kit, strategy, 1_010_000, reach=100.0)

    bar(kit, strategy, 1_000_000, reach=100.0)
    kit.venue.fill(kit.order("EXIT"), MILLION)

    assert reasons(journal) == ["STOP_LOSS"]


def test_only_decision_bars_move_the_trail(kit: Kit, journal: MemoryJournal) -> None:
    strategy = trailing(kit, journal)

    bar(kit, strategy, 1_010_000, timeframe="1m")

    assert moves(kit) == []


def moves(kit: Kit) -> list[Any]:
    return [command for command in kit.venue.commands if hasattr(command, "trigger_price")]


def asked_trigger(kit: Kit) -> float:
    return moves(kit)[-1].trigger_price.as_double()


# The pipeline's errors


def test_a_broken_tier_is_journalled_and_told_to_guardian(kit: Kit, tiers: Tiers, journal: MemoryJournal) -> None:
    events = kit.listen(TOPIC_PIPELINE)
    tiers.fail(Stage.GATE, ValueError("no figures"))

    start(kit, journal).propose(proposal(BTC))

    (event,) = events
    assert (event.stage, event.ok, event.words) == (Stage.GATE, False, "ValueError: no figures")
    (record,) = journal.of(EventRecord)
    assert (record.kind, record.words) == ("pipeline_error", "gate: ValueError: no figures")


def test_proposing_before_the_start_is_a_mistake_of_the_programmer(journal: MemoryJournal) -> None:
    strategy = TieredStrategy(TieredStrategyConfig(instrument_ids=(BTC,)), journal)

    with pytest.raises(RuntimeError, match="after it was started"):
        strategy.propose(proposal(BTC))


# Where the venue has no brackets, and what a live node needs


def test_the_engine_watches_over_stop_and_target_and_the_venue_has_the_entry_alone(
    kit: Kit, journal: MemoryJournal
) -> None:
    strategy = start(kit, journal, emulation=TriggerType.BID_ASK)
    emulator: list[SubmitOrderList] = []
    kit.msgbus.register("OrderEmulator.execute", emulator.append)

    strategy.propose(proposal(BTC))

    (command,) = emulator
    entry, stop, target = command.order_list.orders
    assert [order.emulation_trigger for order in (entry, stop, target)] == [
        TriggerType.NO_TRIGGER,
        TriggerType.BID_ASK,
        TriggerType.BID_ASK,
    ]
    assert entry.linked_order_ids == [stop.client_order_id, target.client_order_id]
    assert audit.origin_of(entry).role == "ENTRY"


def ready(kit: Kit, *, is_ready: bool) -> None:
    kit.msgbus.publish(TOPIC_READINESS, ReadinessChanged(ts_ns=START_NS, is_ready=is_ready, words="a test"))


def test_a_strategy_that_awaits_readiness_enters_nothing_before_it(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal, awaits_readiness=True)

    strategy.propose(proposal(BTC))
    assert [record.reason for record in journal.of(OrderRecord)] == ["not_ready"]
    assert not strategy.has_bet(BTC)

    ready(kit, is_ready=True)
    strategy.propose(proposal(BTC, minute=5))
    assert strategy.has_bet(BTC)


def test_a_proposal_under_way_ends_when_readiness_is_lost_and_a_bet_goes_on(
    kit: Kit, journal: MemoryJournal, tiers: Tiers
) -> None:
    strategy = start(kit, journal, awaits_readiness=True)
    ready(kit, is_ready=True)
    hold(kit, strategy)
    tiers.hold_back(Stage.GATE)
    strategy.propose(proposal(ETH))

    ready(kit, is_ready=False)

    assert not strategy.is_pending(ETH)
    assert strategy.has_bet(BTC)
    assert kit.order("STOP").is_open
    assert strategy.leave(BTC, CloseReason.SIGNAL), "exits do not wait for readiness"


def test_standing_down_takes_entries_back_and_closes_what_is_held(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy)

    strategy.stand_down(CloseReason.MANUAL, flatten=True)
    assert not strategy.is_settled(flatten=True)
    kit.venue.accept(kit.order("EXIT"))
    kit.venue.fill(kit.order("EXIT"), MILLION)
    kit.venue.cancel(kit.order("STOP"), kit.order("TARGET"))

    assert strategy.is_settled(flatten=True)
    assert [record.close_reason for record in journal.of(PositionRecord)] == ["MANUAL"]


def test_standing_down_without_flattening_leaves_what_is_held_with_its_stop(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy)

    strategy.stand_down(CloseReason.MANUAL, flatten=False)

    assert strategy.is_settled(flatten=False)
    assert kit.order("STOP").is_open
    assert (strategy.unguarded(), strategy.strays()) == ([], [])


def test_what_was_held_and_ordered_before_a_restart_is_named(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy)

    strategy.stop()
    strategy.reset()  # as a new process knows nothing of the bet, and has what the venue says of the account
    strategy.start()

    assert strategy.unguarded() == [BTC]
    assert strategy.strays() == sorted(kit.order(role).client_order_id.value for role in ("STOP", "TARGET"))


def test_dust_that_an_exit_leaves_ends_the_bet_and_nothing_tries_to_sell_it(kit: Kit, journal: MemoryJournal) -> None:
    strategy = start(kit, journal)
    hold(kit, strategy)
    kit.venue.update(kit.order("STOP"), quantity="0.00999999")

    kit.venue.fill(kit.order("STOP"), 0.98 * MILLION)
    kit.venue.cancel(kit.order("TARGET"))

    assert [record.close_reason for record in journal.of(PositionRecord)] == ["STOP_LOSS"]
    assert [event.kind for event in journal.of(EventRecord)] == ["dust"]
    assert not strategy.has_bet(BTC)
    assert strategy.unguarded() == []
    kit.advance_to(START_NS + 60 * CHECK_NS)
    assert "EXIT" not in [record.role for record in journal.of(OrderRecord)]


def test_a_bet_that_turns_the_dust_of_an_earlier_one_goes_on_under_its_own_stop(journal: MemoryJournal) -> None:
    kit = Kit(BTC, margin=True)
    Tiers(kit.msgbus, terms())
    strategy = start(kit, journal)
    hold(kit, strategy)
    kit.venue.update(kit.order("STOP"), quantity="0.00999999")
    kit.venue.fill(kit.order("STOP"), 0.98 * MILLION)
    kit.venue.cancel(kit.order("TARGET"))
    assert held(kit) == Decimal("0.00000001")

    strategy.propose(proposal(BTC, minute=5, side=Side.SHORT))
    kit.venue.accept(kit.orders("ENTRY")[-1])
    kit.venue.fill(kit.orders("ENTRY")[-1], MILLION, "0.005")
    kit.venue.fill(kit.orders("ENTRY")[-1], MILLION)

    assert held(kit) == Decimal("0.00999999")
    assert strategy.has_bet(BTC)
    assert strategy.unguarded() == []
    assert reasons(journal) == ["STOP_LOSS"], "of the first bet alone"
    assert "EXIT" not in [record.role for record in journal.of(OrderRecord)]
