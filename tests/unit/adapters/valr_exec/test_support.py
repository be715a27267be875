"""Which orders VALR can do, and what is asked of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.common.component import TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.model.enums import OrderSide, TimeInForce, TriggerType
from nautilus_trader.model.identifiers import StrategyId, TraderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from helios_nautilus.adapters.valr.api.enums import MatchStrategy, StopType
from helios_nautilus.adapters.valr.api.schemas.requests import LimitOrder, MarketOrder, StopLimitOrder
from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.adapters.valr.support import UnsupportedOrderError, build_modify, build_placement

SPOT = build_instrument("BTCZAR.VALR")
PERPETUAL = build_instrument("BTCUSDTPERP.VALR")
SIZE = Quantity.from_str("0.01000000")
PRICE = Price.from_str("1000000")
LOWER = Price.from_str("900000")

ORDERS = OrderFactory(TraderId("TESTER-001"), StrategyId("S-001"), TestClock())


def limit(instrument: Any = SPOT, **options: Any) -> Order:
    return ORDERS.limit(instrument.id, OrderSide.BUY, SIZE, PRICE, **options)


def stop_limit(instrument: Any = SPOT, **options: Any) -> Order:
    return ORDERS.stop_limit(instrument.id, OrderSide.SELL, SIZE, LOWER, PRICE, **options)


def bracket_entry() -> Order:
    return ORDERS.bracket(SPOT.id, OrderSide.BUY, SIZE, sl_trigger_price=LOWER, tp_price=PRICE).orders[0]


@pytest.mark.parametrize("time_in_force", [TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK])
def test_limit_orders_keep_their_time_in_force(time_in_force: TimeInForce) -> None:
    order = limit(time_in_force=time_in_force)
    request = build_placement(order, SPOT)
    assert isinstance(request, LimitOrder)
    assert (request.quantity, request.price, str(request.time_in_force)) == (
        "0.01",
        "1000000",
        time_in_force.name,
    )
    assert request.customer_order_id == order.client_order_id.value


def test_market_orders_are_sized_in_base_or_in_quote() -> None:
    base = build_placement(ORDERS.market(SPOT.id, OrderSide.SELL, SIZE), SPOT)
    quote = build_placement(ORDERS.market(SPOT.id, OrderSide.BUY, Quantity.from_int(500), quote_quantity=True), SPOT)
    assert isinstance(base, MarketOrder)
    assert isinstance(quote, MarketOrder)
    assert (base.base_amount, base.quote_amount) == ("0.01", None)
    assert (quote.base_amount, quote.quote_amount) == (None, "500")


def test_a_stop_limit_is_a_stop_loss_and_a_limit_if_touched_takes_profit() -> None:
    stop = build_placement(stop_limit(), SPOT)
    touched = build_placement(
        ORDERS.limit_if_touched(SPOT.id, OrderSide.SELL, SIZE, PRICE, PRICE, TriggerType.LAST_PRICE), SPOT
    )
    assert isinstance(stop, StopLimitOrder)
    assert isinstance(touched, StopLimitOrder)
    assert (stop.type, touched.type) == (StopType.STOP_LOSS_LIMIT, StopType.TAKE_PROFIT_LIMIT)
    assert (stop.price, stop.stop_price) == ("900000", "1000000")


def test_margin_is_borrowed_on_spot_only() -> None:
    on_spot = build_placement(limit(), SPOT, allow_margin=True)
    on_perpetual = build_placement(limit(PERPETUAL, reduce_only=True), PERPETUAL, allow_margin=True)
    assert on_spot.allow_margin
    assert isinstance(on_perpetual, LimitOrder)
    assert (on_perpetual.allow_margin, on_perpetual.reduce_only) == (False, True)


def test_reduce_only_on_spot_is_a_plain_order_of_the_size_that_closes_and_never_borrows() -> None:
    for order in (limit(reduce_only=True), ORDERS.market(SPOT.id, OrderSide.SELL, SIZE, reduce_only=True)):
        request = build_placement(order, SPOT, allow_margin=True, reduced=Decimal("0.009"))
        size = request.base_amount if isinstance(request, MarketOrder) else request.quantity
        assert (size, request.reduce_only, request.allow_margin) == ("0.009", False, False)


def test_a_linked_order_goes_as_a_plain_one_while_the_engine_keeps_the_link() -> None:
    assert isinstance(build_placement(bracket_entry(), SPOT, is_linked_locally=True), MarketOrder)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: (ORDERS.stop_market(SPOT.id, OrderSide.SELL, SIZE, PRICE), SPOT), "STOP_MARKET"),
        (lambda: (limit(time_in_force=TimeInForce.DAY), SPOT), "DAY"),
        (
            lambda: (limit(time_in_force=TimeInForce.GTD, expire_time=datetime(2030, 1, 1, tzinfo=UTC)), SPOT),
            "GTD",
        ),
        (lambda: (limit(display_qty=Quantity.from_str("0.001")), SPOT), "iceberg"),
        (lambda: (limit(reduce_only=True), SPOT), "no open position"),
        (lambda: (limit(quote_quantity=True), SPOT), "in base only"),
        (lambda: (stop_limit(post_only=True), SPOT), "post-only"),
        (lambda: (stop_limit(PERPETUAL), PERPETUAL), "spot only"),
        (
            lambda: (ORDERS.market(SPOT.id, OrderSide.BUY, SIZE, time_in_force=TimeInForce.FOK), SPOT),
            "FOK",
        ),
        (
            lambda: (
                ORDERS.bracket(SPOT.id, OrderSide.BUY, SIZE, sl_trigger_price=LOWER, tp_price=PRICE).orders[0],
                SPOT,
            ),
            "contingent",
        ),
    ],
)
def test_what_the_venue_lacks_has_a_reason(make: Callable[[], tuple[Order, Any]], reason: str) -> None:
    with pytest.raises(UnsupportedOrderError, match=reason):
        build_placement(*make())


def test_a_modify_sends_the_total_and_never_crosses() -> None:
    change = build_modify(limit(), "BTCZAR", "o1", price=None, quantity=Decimal("0.02"))
    assert (change.new_total_quantity, change.new_price, change.new_remaining_quantity) == ("0.02", None, None)
    assert change.modify_match_strategy is MatchStrategy.RETAIN_ORIGINAL


def test_a_stop_cannot_be_modified() -> None:
    with pytest.raises(UnsupportedOrderError, match="limit orders only"):
        build_modify(stop_limit(), "BTCZAR", "o1", price=Decimal(1), quantity=None)
