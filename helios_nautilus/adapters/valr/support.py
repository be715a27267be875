"""What VALR can do with an order, and the request that asks for it.

An order it cannot do is refused before it is submitted (`UnsupportedOrderError`); the engine can emulate most of the
missing kinds when the strategy sets an ``emulation_trigger``.
"""

from decimal import Decimal
from typing import Final

from nautilus_trader.model.enums import ContingencyType, OrderSide, OrderType, TimeInForce
from nautilus_trader.model.instruments import CryptoPerpetual, Instrument
from nautilus_trader.model.orders import Order

from helios_nautilus.adapters.valr.api import enums as venue
from helios_nautilus.adapters.valr.api.schemas.requests import (
    LimitOrder,
    MarketOrder,
    ModifyOrder,
    StopLimitOrder,
    plain,
)
from helios_nautilus.adapters.valr.order_ids import to_customer_id
from helios_nautilus.errors import HeliosError

type Placement = LimitOrder | MarketOrder | StopLimitOrder

_TIMES: Final = {
    TimeInForce.GTC: venue.TimeInForce.GTC,
    TimeInForce.IOC: venue.TimeInForce.IOC,
    TimeInForce.FOK: venue.TimeInForce.FOK,
}
_STOPS: Final = {
    OrderType.STOP_LIMIT: venue.StopType.STOP_LOSS_LIMIT,
    OrderType.LIMIT_IF_TOUCHED: venue.StopType.TAKE_PROFIT_LIMIT,
}
_TYPES: Final = frozenset({OrderType.MARKET, OrderType.LIMIT, *_STOPS})


class UnsupportedOrderError(HeliosError):
    """The venue has no such order: it is not submitted."""


def build_placement(
    order: Order,
    instrument: Instrument,
    *,
    allow_margin: bool = False,
    is_linked_locally: bool = False,
    reduced: Decimal | None = None,
) -> Placement:
    """The request that places ``order``; `UnsupportedOrderError` with the reason where VALR has none.

    ``allow_margin`` borrows for spot orders of a sub-account with margin, but never to reduce. ``is_linked_locally``
    says that the engine keeps the order's contingency, ``reduced`` is the size of a reduce-only order on spot.
    """
    is_perpetual = isinstance(instrument, CryptoPerpetual)
    _check(order, is_perpetual=is_perpetual, is_linked_locally=is_linked_locally, reduced=reduced)
    try:
        customer_id = to_customer_id(order.client_order_id)
    except ValueError as error:
        raise UnsupportedOrderError(str(error)) from error
    pair = instrument.raw_symbol.value
    borrows = allow_margin and not is_perpetual and not order.is_reduce_only
    size = plain(order.quantity.as_decimal() if reduced is None else reduced)
    if order.order_type is OrderType.MARKET:
        return _build_market(order, pair, customer_id, size, borrows, is_perpetual=is_perpetual)
    if order.order_type is OrderType.LIMIT:
        return LimitOrder(
            pair=pair,
            side=_side_of(order),
            quantity=size,
            price=plain(order.price.as_decimal()),
            customer_order_id=customer_id,
            time_in_force=_TIMES[order.time_in_force],
            post_only=order.is_post_only,
            reduce_only=order.is_reduce_only and is_perpetual,
            allow_margin=borrows,
        )
    return StopLimitOrder(
        pair=pair,
        side=_side_of(order),
        quantity=size,
        price=plain(order.price.as_decimal()),
        stop_price=plain(order.trigger_price.as_decimal()),
        type=_STOPS[order.order_type],
        customer_order_id=customer_id,
        time_in_force=_TIMES[order.time_in_force],
        allow_margin=borrows,
    )


def build_modify(
    order: Order, pair: str, venue_order_id: str | None, *, price: Decimal | None, quantity: Decimal | None
) -> ModifyOrder:
    """The request that changes ``order``; None for what stays. `UnsupportedOrderError` for a stop,
    or for an order that the venue has not confirmed yet.

    The total quantity is sent, not what remains: a fill on the way is then taken off by the venue itself. A price that
    would match leaves the order as it was.
    """
    if order.order_type is not OrderType.LIMIT:
        raise UnsupportedOrderError("VALR can modify limit orders only: cancel the order and place another")
    if venue_order_id is None:
        raise UnsupportedOrderError("VALR has not confirmed the order yet: it cannot be modified")
    return ModifyOrder(
        pair=pair,
        order_id=venue_order_id,
        modify_match_strategy=venue.MatchStrategy.RETAIN_ORIGINAL,
        new_price=None if price is None else plain(price),
        new_total_quantity=None if quantity is None else plain(quantity),
    )


def _check(order: Order, *, is_perpetual: bool, is_linked_locally: bool, reduced: Decimal | None) -> None:
    is_linked = order.contingency_type in _CONTINGENT and not is_linked_locally
    has_none = order.is_reduce_only and not is_perpetual and not reduced
    for is_wrong, reason in (
        (order.order_type not in _TYPES, f"VALR has no {order.type_string()} orders: set an emulation_trigger"),
        (is_linked, "VALR has no contingent orders: set an emulation_trigger on all that wait for this one"),
        (_lacks_time_in_force(order), f"VALR has no {order.tif_string()} orders: use GTC, IOC or FOK"),
        (order.is_post_only and order.order_type is not OrderType.LIMIT, "VALR has post-only limit orders only"),
        (order.is_post_only and order.time_in_force is not TimeInForce.GTC, "VALR's post-only orders are GTC"),
        (_display(order) is not None, "VALR has no iceberg orders: display_qty cannot be set"),
        (has_none, "reduce-only, and there is no open position of the strategy to reduce"),
        (is_perpetual and order.order_type in _STOPS, "VALR has stop orders on spot only: set an emulation_trigger"),
        (order.is_quote_quantity and order.order_type is not OrderType.MARKET, "VALR sizes limit orders in base only"),
    ):
        if is_wrong:
            raise UnsupportedOrderError(reason)


_CONTINGENT: Final = frozenset({ContingencyType.OTO, ContingencyType.OCO, ContingencyType.OUO})


def _lacks_time_in_force(order: Order) -> bool:
    """Market orders are IOC by nature, and GTC is what the engine gives them by default."""
    allowed = _TIMES.keys() - {TimeInForce.FOK} if order.order_type is OrderType.MARKET else _TIMES.keys()
    return order.time_in_force not in allowed


def _display(order: Order) -> object:
    return getattr(order, "display_qty", None)


def _build_market(
    order: Order, pair: str, customer_id: str, amount: str, borrows: bool, *, is_perpetual: bool
) -> MarketOrder:
    return MarketOrder(
        pair=pair,
        side=_side_of(order),
        base_amount=None if order.is_quote_quantity else amount,
        quote_amount=amount if order.is_quote_quantity else None,
        customer_order_id=customer_id,
        reduce_only=order.is_reduce_only and is_perpetual,
        allow_margin=borrows,
    )


def _side_of(order: Order) -> venue.RequestSide:
    return venue.RequestSide.BUY if order.side is OrderSide.BUY else venue.RequestSide.SELL
