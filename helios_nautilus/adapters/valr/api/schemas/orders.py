"""What the venue says about orders: four REST shapes and two of the socket, each with its own vocabulary.

The Python names are the same in all of them; ``field(name=...)`` holds the wire's. ``remaining_quantity`` is what
still rests, and the executed figures of `OrderDetail` and `OrderUpdate` belong to that one event.
"""

from decimal import Decimal

from msgspec import field

from helios_nautilus.adapters.valr.api.enums import BatchType, OrderStatus, OrderType, Side, TimeInForce
from helios_nautilus.adapters.valr.api.refusals import ErrorBody
from helios_nautilus.adapters.valr.api.wire import IsoNanos, Key, WireStruct


class OrderReply(WireStruct, frozen=True, kw_only=True):
    """Answer to a placement, a modify or a v2 cancel.

    ``id`` is the order's after a placement, **the modify request's** after a modify, and the customerOrderId after a
    cancel by customerOrderId. On v1 it proves no more than that the request was queued.
    """

    id: Key
    customer_order_id: str | None = None
    conditional_order_id: str | None = None


class CancelledOrder(WireStruct, frozen=True, kw_only=True):
    """A row of the answer to a cancel-all."""

    order_id: Key
    customer_order_id: str | None = None


class BatchOutcome(WireStruct, frozen=True, kw_only=True):
    """Outcome of one request of a batch, in their order. ``accepted`` means queued; a refusal has only ``error``."""

    accepted: bool
    order_id: Key | None = None
    customer_order_id: str | None = None
    request_type: BatchType | None = None
    error: ErrorBody | None = None


class BatchReply(WireStruct, frozen=True, kw_only=True):
    """Outcomes of a batch."""

    outcomes: list[BatchOutcome]
    batch_id: int


class OrderState(WireStruct, frozen=True, kw_only=True):
    """State of one order (``/v1/orders/{pair}/orderid/{id}``)."""

    order_id: Key
    customer_order_id: str | None = None
    currency_pair: Key
    status: OrderStatus = field(name="orderStatusType")
    side: Side = field(name="orderSide")
    order_type: OrderType
    time_in_force: TimeInForce | None = None
    price: Decimal = field(name="originalPrice")
    stop_price: Decimal | None = None
    original_quantity: Decimal
    remaining_quantity: Decimal
    failed_reason: str | None = None
    created_ns: IsoNanos = field(name="orderCreatedAt")
    updated_ns: IsoNanos = field(name="orderUpdatedAt")


class OpenOrder(WireStruct, frozen=True, kw_only=True):
    """A row of ``/v1/orders/open``."""

    order_id: Key
    customer_order_id: str | None = None
    currency_pair: Key
    status: OrderStatus
    side: Side
    order_type: OrderType = field(name="type")
    time_in_force: TimeInForce | None = None
    price: Decimal
    stop_price: Decimal | None = None
    original_quantity: Decimal
    remaining_quantity: Decimal
    filled_percentage: Decimal
    allow_margin: bool = False
    created_ns: IsoNanos = field(name="createdAt")
    updated_ns: IsoNanos = field(name="updatedAt")


class LiveOrder(OpenOrder, frozen=True, kw_only=True):
    """An open order as ``OPEN_ORDERS_UPDATE`` spells it: the remaining quantity is called ``quantity`` there."""

    remaining_quantity: Decimal = field(name="quantity")


class OrderSummary(OrderState, frozen=True, kw_only=True):
    """A row of the order history, and the summary of one order: totals over its life."""

    total_executed_quantity: Decimal | None = None
    """Missing before 2025."""
    average_price: Decimal | None = None
    """0 without a fill."""
    total: Decimal | None = None
    total_fee: Decimal | None = None
    fee_currency: str | None = None


class OrderUpdate(OrderState, frozen=True, kw_only=True):
    """``ORDER_STATUS_UPDATE``: the executed figures belong to this event; the fee has no currency here."""

    executed_price: Decimal | None = None
    executed_quantity: Decimal | None = None
    executed_fee: Decimal | None = None


class OrderDetail(OrderUpdate, frozen=True, kw_only=True):
    """One state out of an order's detailed history, which lists the newest first."""


class ConditionalOrder(WireStruct, frozen=True, kw_only=True):
    """A take-profit or stop-loss on a position or another order; ``-1`` as a price means market."""

    order_id: Key
    customer_order_id: str | None = None
    currency_pair: Key
    side: Side = field(name="triggerOrderSide")
    trigger_order_type: OrderType
    trigger_type: str
    conditional_type: str
    status: OrderStatus | None = field(name="orderStatusType", default=None)
    position_side: Side | None = None
    position_id: str | None = None
    linked_order_id: str | None = None
    quantity: Decimal
    take_profit_trigger_price: Decimal | None = None
    take_profit_place_price: Decimal | None = None
    stop_loss_trigger_price: Decimal | None = None
    stop_loss_place_price: Decimal | None = None
    created_ns: IsoNanos = field(name="createdAt")
    updated_ns: IsoNanos = field(name="updatedAt")
