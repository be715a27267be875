"""A rebalancing's sales and purchases, step by step: what is sent when, and what stays in the way of nothing."""

from decimal import Decimal

import pytest
from nautilus_trader.model.enums import OrderType

from helios_nautilus.domain.lifecycle import Phase
from helios_nautilus.domain.plan import CloseReason, ExitPlan
from helios_nautilus.domain.portfolio.rebalance import RebalanceReason
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import EventRecord, SignalRecord
from helios_nautilus.messages import (
    TOPIC_CONTROLS,
    TOPIC_KILL_SWITCH,
    TOPIC_REBALANCE,
    ControlsChanged,
    KillSwitchChanged,
    Prediction,
    Rebalance,
    Stage,
    WeightOrder,
)
from helios_nautilus.strategies.tiered import TieredStrategy, TieredStrategyConfig
from tests.fakes import BTC, ETH, START_NS, Kit, Tiers, prediction, proposal, terms

MILLION = 1_000_000.0


@pytest.fixture
def strategy(kit: Kit, tiers: Tiers, journal: MemoryJournal) -> TieredStrategy:
    """Without a bet; the tiers agree to R10 000."""
    tiers.agreed = terms(notional=10_000, stop=0.02, target=0.04)
    config = TieredStrategyConfig(instrument_ids=(BTC, ETH), plan=ExitPlan(hold_mins=60))
    return kit.start(TieredStrategy(config, journal))


@pytest.fixture
def bet(kit: Kit, strategy: TieredStrategy) -> TieredStrategy:
    """0.01 BTC long at a million; stop and target work."""
    strategy.propose(proposal(BTC))
    kit.venue.accept(kit.order("ENTRY"))
    kit.venue.fill(kit.order("ENTRY"), MILLION)
    kit.venue.accept(kit.order("STOP"), kit.order("TARGET"))
    return strategy


def sale(share: float) -> WeightOrder:
    return WeightOrder(
        instrument_id=BTC, weight=0.1, target=0.1 - 0.1 * share, change=-0.1 * share, value=1.0, prediction=None
    )


def purchase(said: Prediction | None, value: float = 9_000.0) -> WeightOrder:
    return WeightOrder(instrument_id=ETH, weight=0.0, target=0.09, change=0.09, value=value, prediction=said)


def ask(kit: Kit, *orders: WeightOrder) -> None:
    now_ns = kit.clock.timestamp_ns()
    kit.msgbus.publish(TOPIC_REBALANCE, Rebalance(ts_ns=now_ns, reason=RebalanceReason.DAILY, orders=orders))


def wait(kit: Kit, secs: float) -> None:
    kit.advance_to(kit.clock.timestamp_ns() + round(secs * NS_PER_SEC))


def changes_sent(kit: Kit) -> list[tuple[str, Decimal]]:
    """Role and size of each change that the venue was asked for."""
    sent = [command for command in kit.venue.commands if type(command).__name__ == "ModifyOrder"]
    return [(kit.cache.order(each.client_order_id).tags[1], each.quantity.as_decimal()) for each in sent]


def verdicts(journal: MemoryJournal) -> list[tuple[str, str]]:
    return [(signal.action, signal.reason) for signal in journal.of(SignalRecord)]


# Trims


def test_a_trim_is_a_reduce_only_market_order_beside_stop_and_target(kit: Kit, bet: TieredStrategy) -> None:
    ask(kit, sale(0.4))

    trim = kit.order("TRIM")
    assert (trim.order_type, trim.quantity, trim.is_reduce_only) == (OrderType.MARKET, Decimal("0.004"), True)
    assert trim.tags[0] == "BTCZAR.VALR-20260105T0000"
    assert changes_sent(kit) == [], "nothing is sold yet: all of it is guarded"


def test_the_guard_shrinks_with_every_fill_and_never_below_what_is_held(kit: Kit, bet: TieredStrategy) -> None:
    ask(kit, sale(0.4))
    kit.venue.accept(kit.order("TRIM"))

    kit.venue.fill(kit.order("TRIM"), MILLION, "0.001")
    assert changes_sent(kit) == [("STOP", Decimal("0.009")), ("TARGET", Decimal("0.009"))]
    for role in ("STOP", "TARGET"):
        kit.venue.update(kit.order(role), quantity="0.009")

    kit.venue.fill(kit.order("TRIM"), MILLION)
    assert changes_sent(kit)[2:] == [("STOP", Decimal("0.006")), ("TARGET", Decimal("0.006"))]
    assert bet.has_bet(BTC)
    assert kit.order("STOP").is_open


def test_a_guard_whose_change_was_refused_is_asked_to_shrink_again(kit: Kit, bet: TieredStrategy) -> None:
    ask(kit, sale(0.4))
    kit.venue.accept(kit.order("TRIM"))
    kit.venue.fill(kit.order("TRIM"), MILLION)
    kit.venue.refuse_update(kit.order("STOP"))
    kit.venue.update(kit.order("TARGET"), quantity="0.006")

    wait(kit, 3)
    assert changes_sent(kit)[2:] == [("STOP", Decimal("0.006"))]

    kit.venue.update(kit.order("STOP"), quantity="0.006")
    wait(kit, 60)
    assert len(changes_sent(kit)) == 3


def test_a_bet_that_was_trimmed_ends_by_its_stop_like_any_other(kit: Kit, bet: TieredStrategy) -> None:
    ask(kit, sale(0.4))
    kit.venue.accept(kit.order("TRIM"))
    kit.venue.fill(kit.order("TRIM"), MILLION)
    for role in ("STOP", "TARGET"):
        kit.venue.update(kit.order(role), quantity="0.006")

    kit.venue.fill(kit.order("STOP"), 980_000.0)
    kit.venue.cancel(kit.order("TARGET"))

    assert not bet.has_bet(BTC)
    assert kit.cache.positions_open() == []


def test_a_refused_trim_leaves_the_bet_as_it_was(kit: Kit, bet: TieredStrategy) -> None:
    ask(kit, sale(0.4))
    kit.venue.reject(kit.order("TRIM"))
    wait(kit, 10)

    assert changes_sent(kit) == []
    assert kit.order("STOP").is_open
    assert bet.bets.on(BTC).life.phase is Phase.OPEN


def test_a_second_trim_is_not_sent_beside_the_first_and_that_is_said(
    kit: Kit, bet: TieredStrategy, journal: MemoryJournal
) -> None:
    ask(kit, sale(0.4))
    ask(kit, sale(0.4))

    assert len(kit.orders("TRIM")) == 1
    assert [event.kind for event in journal.of(EventRecord)] == ["rebalanced", "not_rebalanced"]


def test_a_part_too_small_to_trade_is_not_sold_and_a_rest_too_small_is_sold_as_well(
    kit: Kit, bet: TieredStrategy
) -> None:
    ask(kit, sale(0.0001))
    assert kit.orders("TRIM") == [] == kit.orders("EXIT")

    ask(kit, sale(0.9999))
    assert kit.order("EXIT").quantity == Decimal("0.01")
    assert bet.bets.on(BTC).life.exit_reason is CloseReason.REBALANCE


def test_a_maker_that_still_buys_is_not_trimmed(kit: Kit, strategy: TieredStrategy) -> None:
    strategy.propose(proposal(BTC))
    kit.venue.accept(kit.order("ENTRY"))
    kit.venue.fill(kit.order("ENTRY"), MILLION, "0.005")

    ask(kit, sale(0.4))

    assert kit.orders("TRIM") == []


def test_an_exit_does_not_wait_for_a_trim_on_its_way(kit: Kit, bet: TieredStrategy) -> None:
    ask(kit, sale(0.4))

    bet.leave(BTC, CloseReason.SIGNAL)

    assert kit.order("EXIT").quantity == Decimal("0.01")


def test_a_trim_that_fills_after_the_exit_was_asked_for_changes_no_guard(kit: Kit, bet: TieredStrategy) -> None:
    ask(kit, sale(0.4))
    bet.leave(BTC, CloseReason.SIGNAL)

    kit.venue.fill(kit.order("TRIM"), MILLION)

    assert changes_sent(kit) == []


# Purchases


def test_a_purchase_asks_aether_and_guardian_and_not_the_gate(
    kit: Kit, strategy: TieredStrategy, tiers: Tiers, journal: MemoryJournal
) -> None:
    ask(kit, purchase(prediction(ETH, minute=0, price=50_000.0)))

    (asked,) = tiers.requests[Stage.AETHER]
    assert asked.dossier.proposal.wanted == 9_000.0
    assert tiers.requests[Stage.GATE] == [] != tiers.requests[Stage.GUARDIAN]
    assert kit.order("ENTRY").instrument_id == ETH
    assert {order.tags[0] for order in kit.all_orders()} == {"ETHZAR.VALR-20260105T0000-rebalanced"}
    assert verdicts(journal) == [("proposed", "rebalancing")]
    (told,) = journal.of(EventRecord)
    assert told.words == "9,000.00 is to be bought: 0.00% of equity, its target is 9.00% (DAILY)"


def test_a_purchase_that_guardian_declines_is_not_made(kit: Kit, strategy: TieredStrategy, tiers: Tiers) -> None:
    tiers.decline(Stage.GUARDIAN, "sector")

    ask(kit, purchase(prediction(ETH, minute=0)))

    assert kit.all_orders() == []


def test_a_purchase_waits_until_nothing_is_being_sold(kit: Kit, bet: TieredStrategy) -> None:
    ask(kit, purchase(prediction(ETH, minute=0, price=50_000.0)), sale(0.4))
    wait(kit, 10)
    assert len(kit.orders("ENTRY")) == 1, "that of the bet there is"

    kit.venue.accept(kit.order("TRIM"))
    kit.venue.fill(kit.order("TRIM"), MILLION)
    wait(kit, 3)
    assert kit.order("ENTRY").instrument_id == ETH


def test_a_purchase_that_has_waited_for_a_decision_bar_is_out_of_date(kit: Kit, bet: TieredStrategy) -> None:
    ask(kit, purchase(prediction(ETH, minute=0)), sale(0.4))
    kit.advance_to(START_NS + 6 * NS_PER_MIN)

    kit.venue.accept(kit.order("TRIM"))
    kit.venue.fill(kit.order("TRIM"), MILLION)
    wait(kit, 60)

    assert len(kit.orders("ENTRY")) == 1


def test_nothing_is_bought_without_a_prediction_nor_where_there_is_a_bet(
    kit: Kit, bet: TieredStrategy, journal: MemoryJournal
) -> None:
    bought = purchase(prediction(BTC, minute=0))
    ask(kit, purchase(None), WeightOrder(**{**_fields(bought), "instrument_id": BTC}))

    assert verdicts(journal) == [("dropped", "no_prediction"), ("dropped", "position_open")]
    assert len(kit.orders("ENTRY")) == 1


@pytest.mark.parametrize(
    ("topic", "message", "reason"),
    [
        (
            TOPIC_KILL_SWITCH,
            KillSwitchChanged(ts_ns=START_NS, entries_allowed=False, flatten=False, words="a test"),
            "entries_off",
        ),
        (TOPIC_CONTROLS, ControlsChanged(ts_ns=START_NS, entries_on=False), "switched_off"),
    ],
)
def test_where_nothing_may_be_entered_nothing_is_bought_and_selling_goes_on(
    kit: Kit, bet: TieredStrategy, journal: MemoryJournal, topic: str, message: object, reason: str
) -> None:
    kit.msgbus.publish(topic, message)

    ask(kit, sale(0.4))
    kit.venue.accept(kit.order("TRIM"))
    kit.venue.fill(kit.order("TRIM"), MILLION)
    ask(kit, purchase(prediction(ETH, minute=0)))

    assert verdicts(journal) == [("dropped", reason)]
    assert kit.order("TRIM").is_closed


def _fields(order: WeightOrder) -> dict[str, object]:
    return {name: getattr(order, name) for name in WeightOrder.__struct_fields__}
