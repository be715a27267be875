"""What the matching engine does with each kind of order."""

from decimal import Decimal

import pytest

from helios_nautilus.simulator.exchange.engine import MatchStrategy
from helios_nautilus.simulator.exchange.events import AccountTraded, OrderChanged, OrderProcessed
from helios_nautilus.simulator.exchange.orders import OrderType, Status, TimeInForce
from helios_nautilus.simulator.exchange.refusals import (
    FOK_UNFILLABLE,
    IOC_UNMATCHED,
    NO_LIQUIDITY,
    NOTHING_TO_REDUCE,
    POST_ONLY_CROSSED,
    STOP_TRIGGERED_AT_ONCE,
    Code,
    Refusal,
)
from tests.unit.simulator.exchange.floor import BUY, SELL, Floor


@pytest.fixture
def floor() -> Floor:
    return Floor()


def test_a_resting_buy_reserves_price_times_quantity(floor: Floor) -> None:
    order = floor.place(floor.ann, BUY, "0.5", "1000000")
    assert order.status is Status.PLACED
    assert floor.reserved(floor.ann, "ZAR") == 500_000


def test_a_match_happens_at_the_price_that_rested_and_the_rest_of_the_reservation_comes_back(floor: Floor) -> None:
    floor.place(floor.ann, SELL, "0.5", "1000000")
    order = floor.place(floor.bob, BUY, "0.5", "1200000")
    assert (order.status, order.average_price) == (Status.FILLED, 1_000_000)
    assert floor.free(floor.bob, "ZAR") == 9_500_000
    assert floor.reserved(floor.bob, "ZAR") == 0


def test_earlier_orders_at_a_price_fill_first_and_better_prices_before_them(floor: Floor) -> None:
    first = floor.place(floor.ann, SELL, "0.1", "1000000")
    second = floor.place(floor.ann, SELL, "0.1", "1000000")
    better = floor.place(floor.ann, SELL, "0.1", "999999")
    floor.place(floor.bob, BUY, "0.15", "1000000")
    assert [one.remaining for one in (better, first, second)] == [0, Decimal("0.05"), Decimal("0.1")]


def test_fees_are_taken_from_what_each_side_receives_and_are_not_rounded(floor: Floor) -> None:
    floor.place(floor.ann, SELL, "0.12345678", "1000001")
    floor.place(floor.bob, BUY, "0.12345678", "1000001")
    taker, maker = (event.fill for event in floor.of(AccountTraded))  # type: ignore[union-attr]
    assert (taker.fee, taker.fee_currency) == (Decimal("0.12345678") * Decimal("0.0035"), "BTC")
    assert (maker.fee, maker.fee_currency) == (Decimal("0.12345678") * 1_000_001 * Decimal("0.0018"), "ZAR")


def test_a_maker_rebate_is_paid_in_what_the_maker_gives(floor: Floor) -> None:
    floor.ann.tier = 6
    floor.place(floor.ann, SELL, "1", "1000000")
    floor.place(floor.bob, BUY, "1", "1000000")
    maker = floor.engine.settlement.fills[floor.ann.account_id][0]
    assert (maker.fee, maker.fee_currency) == (Decimal("-0.0001"), "BTC")
    assert [one.kind for one in floor.engine.settlement.transactions[floor.ann.account_id]] == [
        "LIMIT_SELL",
        "MAKER_REWARD",
    ]


def test_a_post_only_order_that_would_match_fails(floor: Floor) -> None:
    floor.place(floor.ann, SELL, "1", "1000000")
    order = floor.place(floor.bob, BUY, "1", "1000000", type=OrderType.POST_ONLY)
    assert (order.status, order.failed_reason) == (Status.FAILED, POST_ONLY_CROSSED)
    assert floor.reserved(floor.bob, "ZAR") == 0


def test_a_repricing_post_only_order_steps_back_from_the_opposite_best(floor: Floor) -> None:
    floor.place(floor.ann, SELL, "1", "1000000")
    order = floor.place(floor.bob, BUY, "1", "1000005", type=OrderType.POST_ONLY, reprice_ticks=3)
    assert (order.status, order.price) == (Status.PLACED, 999_997)


def test_an_unmatched_ioc_fails_and_a_partly_matched_one_is_cancelled(floor: Floor) -> None:
    missed = floor.place(floor.bob, BUY, "1", "1000000", tif=TimeInForce.IOC)
    floor.place(floor.ann, SELL, "0.4", "1000000")
    partly = floor.place(floor.bob, BUY, "1", "1000000", tif=TimeInForce.IOC)
    assert (missed.status, missed.failed_reason) == (Status.FAILED, IOC_UNMATCHED)
    assert (partly.status, partly.executed) == (Status.CANCELLED, Decimal("0.4"))
    assert floor.reserved(floor.bob, "ZAR") == 0


def test_fok_fills_completely_or_not_at_all(floor: Floor) -> None:
    floor.place(floor.ann, SELL, "0.4", "1000000")
    missed = floor.place(floor.bob, BUY, "0.5", "1000000", tif=TimeInForce.FOK)
    filled = floor.place(floor.bob, BUY, "0.4", "1000000", tif=TimeInForce.FOK)
    assert (missed.status, missed.failed_reason) == (Status.FAILED, FOK_UNFILLABLE)
    assert filled.status is Status.FILLED


def test_a_market_buy_by_quote_amount_spends_at_most_that(floor: Floor) -> None:
    floor.place(floor.ann, SELL, "1", "999983")
    order = floor.place(floor.bob, BUY, "0", type=OrderType.MARKET, quote_amount=Decimal(1000))
    assert order.status is Status.FILLED
    assert Decimal(1000) - Decimal("0.00999983") < order.total <= 1000
    assert order.quantity == order.executed


def test_a_market_order_into_an_empty_book_fails(floor: Floor) -> None:
    order = floor.place(floor.bob, SELL, "1", type=OrderType.MARKET, tif=TimeInForce.IOC)
    assert (order.status, order.failed_reason) == (Status.FAILED, NO_LIQUIDITY)


def test_an_order_beyond_the_balance_fails_with_insufficient_balance(floor: Floor) -> None:
    order, refusal = floor.send(floor.draft(floor.ann, BUY, "9", "5000000"))
    assert order.status is Status.FAILED
    assert refusal is not None
    assert refusal.code is Code.INSUFFICIENT_BALANCE


def test_margin_lets_a_sub_account_borrow_up_to_its_equity(floor: Floor) -> None:
    floor.engine.margin.last_prices["BTCZAR"] = Decimal(1_000_000)
    borrowed = floor.place(floor.ann, BUY, "15", "1000000", allow_margin=True)
    _, refusal = floor.send(floor.draft(floor.ann, BUY, "500", "1000000", allow_margin=True))
    assert borrowed.status is Status.PLACED
    assert floor.engine.ledger.balance(floor.ann.account_id, "ZAR").borrowed == 5_000_000
    assert refusal is not None


def test_an_order_that_would_match_the_accounts_own_fails_but_another_accounts_fills(floor: Floor) -> None:
    floor.place(floor.ann, SELL, "1", "1000000")
    own, refusal = floor.send(floor.draft(floor.ann, BUY, "1", "1000000"))
    other = floor.place(floor.bob, BUY, "1", "1000000")
    assert own.status is Status.FAILED
    assert refusal is not None
    assert refusal.code is Code.SELF_MATCH
    assert other.status is Status.FILLED


def test_cancelling_returns_the_reservation_and_works_once(floor: Floor) -> None:
    order = floor.place(floor.ann, BUY, "1", "1000000")
    floor.engine.cancel(order, floor.now_ns)
    assert (order.status, floor.reserved(floor.ann, "ZAR")) == (Status.CANCELLED, 0)
    with pytest.raises(Refusal):
        floor.engine.cancel(order, floor.now_ns)


def modify(floor: Floor, order: object, **change: object) -> None:
    strategy = change.pop("strategy", MatchStrategy.RETAIN_ORIGINAL)
    floor.engine.modify(order, floor.now_ns, strategy=strategy, **change)  # type: ignore[arg-type]


def test_a_smaller_quantity_keeps_the_place_in_the_queue_and_a_larger_one_loses_it(floor: Floor) -> None:
    first = floor.place(floor.ann, SELL, "2", "1000000")
    second = floor.place(floor.ann, SELL, "2", "1000000")
    modify(floor, first, remaining=Decimal(1))
    assert first.status is Status.ORDER_MODIFIED
    floor.place(floor.bob, BUY, "0.5", "1000000")
    assert first.remaining == Decimal("0.5")
    modify(floor, first, remaining=Decimal(3))
    floor.place(floor.bob, BUY, "0.5", "1000000")
    assert (first.remaining, second.remaining) == (3, Decimal("1.5"))


def test_a_total_at_or_below_what_is_filled_cancels(floor: Floor) -> None:
    order = floor.place(floor.ann, SELL, "2", "1000000")
    floor.place(floor.bob, BUY, "1", "1000000")
    modify(floor, order, total=Decimal(1))
    assert (order.status, order.executed) == (Status.CANCELLED, 1)


def test_a_modify_that_changes_nothing_is_refused(floor: Floor) -> None:
    order = floor.place(floor.ann, SELL, "2", "1000000")
    with pytest.raises(Refusal, match="not have modified") as caught:
        modify(floor, order, remaining=Decimal(2))
    assert caught.value.code is Code.NOTHING_MODIFIED


@pytest.mark.parametrize(
    ("strategy", "status", "price"),
    [
        (MatchStrategy.CANCEL_ORIGINAL, Status.CANCELLED, 1_000_000),
        (MatchStrategy.REPRICE, Status.ORDER_MODIFIED, 900_001),
    ],
)
def test_a_modify_whose_price_would_match_does_what_its_strategy_says(
    floor: Floor, strategy: MatchStrategy, status: Status, price: int
) -> None:
    order = floor.place(floor.ann, SELL, "1", "1000000")
    floor.place(floor.bob, BUY, "1", "900000")
    with pytest.raises(Refusal):
        modify(floor, order, price=Decimal(900_000), strategy=MatchStrategy.RETAIN_ORIGINAL)
    assert (order.status, order.price) == (Status.PLACED, 1_000_000)
    modify(floor, order, price=Decimal(900_000), strategy=strategy)
    assert (order.status, order.price) == (status, price)


@pytest.mark.parametrize(
    ("side", "kind", "stop", "rises"),
    [
        (SELL, OrderType.STOP_LOSS_LIMIT, "990000", False),
        (BUY, OrderType.TAKE_PROFIT_LIMIT, "990000", False),
        (SELL, OrderType.TAKE_PROFIT_LIMIT, "1010000", True),
        (BUY, OrderType.STOP_LOSS_LIMIT, "1010000", True),
    ],
)
def test_a_stop_waits_for_its_side_of_the_price(
    floor: Floor, side: object, kind: OrderType, stop: str, rises: bool
) -> None:
    trade_at(floor, "1000000")
    order = floor.place(floor.ann, side, "1", "1000000", type=kind, stop_price=Decimal(stop))  # type: ignore[arg-type]
    assert order.status is Status.ACTIVE
    trade_at(floor, "989000" if rises else "1011000")
    assert order.status is Status.ACTIVE
    trade_at(floor, "1011000" if rises else "989000")
    assert (order.status, order.type) == (Status.PLACED, kind)


def test_a_stop_that_would_trigger_at_once_fails(floor: Floor) -> None:
    trade_at(floor, "1000000")
    order = floor.place(floor.ann, SELL, "1", "900000", type=OrderType.STOP_LOSS_LIMIT, stop_price=Decimal(1_000_000))
    assert (order.status, order.failed_reason) == (Status.FAILED, STOP_TRIGGERED_AT_ONCE)


def trade_at(floor: Floor, price: str) -> None:
    maker = floor.place(floor.ann, SELL, "0.001", price, type=OrderType.LIMIT)
    floor.place(floor.bob, BUY, "0.001", price)
    assert maker.status is Status.FILLED


def test_a_reduce_only_order_needs_a_position_and_is_cut_to_it(floor: Floor) -> None:
    lone = floor.place(floor.ann, SELL, "1", "90000", symbol="BTCUSDTPERP", reduce_only=True)
    assert (lone.status, lone.failed_reason) == (Status.FAILED, NOTHING_TO_REDUCE)
    floor.place(floor.bob, SELL, "0.5", "90000", symbol="BTCUSDTPERP")
    floor.place(floor.ann, BUY, "0.5", "90000", symbol="BTCUSDTPERP")
    capped = floor.place(floor.ann, SELL, "2", "95000", symbol="BTCUSDTPERP", reduce_only=True)
    assert (capped.status, capped.quantity) == (Status.PLACED, Decimal("0.5"))
    floor.place(floor.bob, BUY, "0.5", "90000", symbol="BTCUSDTPERP")
    floor.place(floor.ann, SELL, "0.5", "90000", symbol="BTCUSDTPERP")
    assert capped.status is Status.CANCELLED


def test_a_placement_is_processed_before_anything_else_happens_to_it(floor: Floor) -> None:
    floor.place(floor.ann, SELL, "1", "1000000")
    order = floor.place(floor.bob, BUY, "1", "1000000")
    told = [type(event) for event in floor.events if getattr(event, "order", None) is order]
    assert told == [OrderProcessed, OrderChanged]


def test_an_unknown_order_or_another_accounts_is_not_found(floor: Floor) -> None:
    order = floor.place(floor.ann, SELL, "1", "1000000")
    for account, order_id in ((floor.bob, order.order_id), (floor.ann, "nope")):
        with pytest.raises(Refusal) as caught:
            floor.engine.find(account.account_id, order_id=order_id)
        assert caught.value.code is Code.INVALID_ORDER
