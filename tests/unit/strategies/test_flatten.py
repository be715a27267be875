"""What a halt sends to get out, and what it says while it is not."""

from typing import Any

import pytest
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OrderType, TimeInForce, TriggerType

from helios_nautilus.domain.plan import CloseReason, ExitPlan, Side
from helios_nautilus.domain.portfolio.flatten import FlattenRules
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import EventRecord
from helios_nautilus.messages import TOPIC_KILL_SWITCH, KillSwitchChanged
from helios_nautilus.strategies.tiered import TieredStrategy, TieredStrategyConfig
from tests.fakes import BTC, START_NS, Kit, Tiers, proposal, terms

MILLION = 1_000_000.0
RULES = FlattenRules(first_slippage=0.01, widening=2.0, max_slippage=0.02, tell_after_secs=10.0)


@pytest.fixture(autouse=True)
def _agreed(tiers: Tiers) -> None:
    tiers.agreed = terms(notional=10_000)


def hold(kit: Kit, journal: MemoryJournal, **config: Any) -> TieredStrategy:
    """0.01 BTC bought at a million; a quote of 999 000 to 1 001 000."""
    settings = {"instrument_ids": (BTC,), "plan": ExitPlan(hold_mins=600), "flatten": RULES} | config
    strategy = kit.start(TieredStrategy(TieredStrategyConfig(**settings), journal))
    strategy.propose(proposal(BTC))
    kit.venue.accept(kit.order("ENTRY"))
    kit.venue.fill(kit.order("ENTRY"), MILLION)
    quote(kit, 999_000, 1_001_000)
    return strategy


def quote(kit: Kit, bid: float, ask: float) -> None:
    instrument = kit.cache.instrument(BTC)
    size, now_ns = instrument.make_qty(1), kit.clock.timestamp_ns()
    prices = instrument.make_price(bid), instrument.make_price(ask)
    kit.cache.add_quote_tick(QuoteTick(BTC, *prices, size, size, now_ns, now_ns))


def halt(kit: Kit) -> None:
    change = KillSwitchChanged(ts_ns=START_NS, entries_allowed=False, flatten=True, words="a test")
    kit.msgbus.publish(TOPIC_KILL_SWITCH, change)


def wait(kit: Kit, secs: float) -> None:
    kit.advance_to(kit.clock.timestamp_ns() + int(secs * NS_PER_SEC))


def told(journal: MemoryJournal) -> list[str]:
    return [event.kind for event in journal.of(EventRecord) if event.kind in ("not_flat", "flat")]


def test_a_halt_sells_at_once_by_a_limit_bounded_below_the_best_bid(kit: Kit, journal: MemoryJournal) -> None:
    hold(kit, journal)

    halt(kit)

    out = kit.order("EXIT")
    assert (out.order_type, out.time_in_force, out.is_reduce_only) == (OrderType.LIMIT, TimeInForce.IOC, True)
    assert out.price == pytest.approx(999_000 * 0.99)


def test_what_nobody_wanted_at_that_price_is_offered_further_away_and_at_last_at_any_price(
    kit: Kit, journal: MemoryJournal
) -> None:
    hold(kit, journal)
    halt(kit)

    for _ in range(3):
        kit.venue.accept(kit.order("EXIT"))
        kit.venue.cancel(kit.order("EXIT"))
        wait(kit, 2)

    first, second, third, fourth = kit.orders("EXIT")
    assert [first.price, second.price] == pytest.approx([999_000 * 0.99, 999_000 * 0.98])
    assert third.order_type is fourth.order_type is OrderType.MARKET


def test_what_was_left_of_a_limit_follows_at_once_and_further_away(kit: Kit, journal: MemoryJournal) -> None:
    hold(kit, journal)
    halt(kit)

    kit.venue.accept(kit.order("EXIT"))
    kit.venue.fill(kit.order("EXIT"), 999_000, "0.004")
    kit.venue.cancel(kit.order("EXIT"))

    first, second = kit.orders("EXIT")
    assert (first.filled_qty, second.quantity) == (first.quantity - second.quantity, second.quantity)
    assert second.price < first.price


def test_an_exit_of_unknown_outcome_is_waited_for_and_told_but_never_sent_a_second_time(
    kit: Kit, journal: MemoryJournal
) -> None:
    hold(kit, journal)
    halt(kit)

    wait(kit, 60)

    assert len(kit.orders("EXIT")) == 1
    assert told(journal) == ["not_flat", "not_flat"], "after 10 s, and 20 s after that"
    assert "has not said what became of the exit" in journal.of(EventRecord)[-1].words


def test_a_refused_exit_is_tried_again_later_and_later_and_the_refusal_is_told_until_it_is_out(
    kit: Kit, journal: MemoryJournal
) -> None:
    strategy = hold(kit, journal)
    halt(kit)
    while kit.clock.timestamp_ns() < START_NS + 40 * NS_PER_SEC:
        if kit.order("EXIT").is_inflight:
            kit.venue.reject(kit.order("EXIT"), "Insufficient balance")
        wait(kit, 1)
    assert len(kit.orders("EXIT")) == 5, "after 2, 4, 8 and 16 s more each"
    event = next(event for event in journal.of(EventRecord) if event.kind == "not_flat")
    assert (event.instrument_id, event.decision_id) == (BTC.value, proposal(BTC).decision_id)
    assert "0.01" in event.words
    assert "Insufficient balance" in event.words

    wait(kit, 64)
    kit.venue.fill(kit.order("EXIT"), 990_000)
    kit.venue.cancel(kit.order("STOP"), kit.order("TARGET"))

    assert told(journal)[-1] == "flat"
    assert not strategy.has_bet(BTC)


def test_what_was_out_before_anybody_had_to_be_told_is_not_told(kit: Kit, journal: MemoryJournal) -> None:
    hold(kit, journal)
    halt(kit)

    kit.venue.fill(kit.order("EXIT"), 999_000)
    kit.venue.cancel(kit.order("STOP"), kit.order("TARGET"))
    wait(kit, 60)

    assert told(journal) == []


def test_a_target_that_locks_the_balance_at_the_venue_is_taken_back_when_the_exit_is_refused(
    kit: Kit, journal: MemoryJournal
) -> None:
    hold(kit, journal)
    kit.venue.accept(kit.order("STOP"), kit.order("TARGET"))
    halt(kit)

    kit.venue.reject(kit.order("EXIT"), "Insufficient balance")

    assert kit.order("TARGET").is_pending_cancel
    assert kit.order("STOP").is_open, "until it is out"


def test_a_short_is_bought_back_above_the_best_ask(kit: Kit, journal: MemoryJournal, tiers: Tiers) -> None:
    margin = Kit(BTC, margin=True)
    Tiers(margin.msgbus, tiers.agreed)
    strategy = margin.start(TieredStrategy(TieredStrategyConfig(instrument_ids=(BTC,), flatten=RULES), journal))
    strategy.propose(proposal(BTC, side=Side.SHORT))
    margin.venue.accept(margin.order("ENTRY"))
    margin.venue.fill(margin.order("ENTRY"), MILLION)
    quote(margin, 999_000, 1_001_000)

    halt(margin)

    assert margin.order("EXIT").price == pytest.approx(1_001_000 * 1.01)


@pytest.mark.parametrize("reason", [CloseReason.TIMEOUT, CloseReason.SIGNAL])
def test_any_other_exit_takes_the_market_s_price(kit: Kit, journal: MemoryJournal, reason: CloseReason) -> None:
    hold(kit, journal).leave(BTC, reason)

    assert kit.order("EXIT").order_type is OrderType.MARKET


def test_without_a_quote_there_is_nothing_to_bound_a_limit_by(kit: Kit, journal: MemoryJournal) -> None:
    strategy = kit.start(TieredStrategy(TieredStrategyConfig(instrument_ids=(BTC,), flatten=RULES), journal))
    strategy.propose(proposal(BTC))
    kit.venue.accept(kit.order("ENTRY"))
    kit.venue.fill(kit.order("ENTRY"), MILLION)

    halt(kit)

    assert kit.order("EXIT").order_type is OrderType.MARKET


def test_in_a_backtest_a_halt_goes_by_market_orders_and_tells_nothing(kit: Kit, journal: MemoryJournal) -> None:
    hold(kit, journal, flatten=None, emulation=TriggerType.NO_TRIGGER)
    halt(kit)
    wait(kit, 60)

    assert kit.order("EXIT").order_type is OrderType.MARKET
    assert told(journal) == []
