"""Frames of ``/ws/account``. Decode with `ACCOUNT_FRAMES`.

A ``*_WS_RESPONSE`` means that a command was queued, or, with ``error`` set, that it was refused. Outcomes come as
`OrderProcessed`, `OrderStatusUpdate` and `NewFill`; no order between frames is promised.
"""

from decimal import Decimal
from typing import Final

from msgspec import field

from helios_nautilus.adapters.valr.api.refusals import ErrorBody
from helios_nautilus.adapters.valr.api.schemas.account import (
    CurrencyDetail,
    Fill,
    Leverage,
    MarginStatus,
    Position,
    PositionClose,
    Transaction,
)
from helios_nautilus.adapters.valr.api.schemas.frames import Frame, FrameDecoder, SessionFrame
from helios_nautilus.adapters.valr.api.schemas.orders import BatchReply, ConditionalOrder, LiveOrder, OrderUpdate
from helios_nautilus.adapters.valr.api.wire import IsoNanos, Key, WireStruct


class SocketBalance(WireStruct, frozen=True, kw_only=True):
    """A balance as the socket spells it (REST: currency a text, collateral ``borrow_reserved``)."""

    currency: CurrencyDetail
    available: Decimal
    reserved: Decimal
    total: Decimal
    updated_ns: IsoNanos | None = field(name="updatedAt", default=None)
    lend_reserved: Decimal | None = None
    borrow_collateral_reserved: Decimal | None = None
    borrowed_amount: Decimal | None = None
    total_in_reference: Decimal | None = None
    reference_currency: str | None = None


class BalanceUpdate(Frame, tag="BALANCE_UPDATE", frozen=True, kw_only=True):
    """One currency's balance; all of those held come after a login."""

    data: SocketBalance


class LiveOrders(WireStruct, frozen=True, kw_only=True):
    """The list in the newer documentation's wrapping."""

    orders: list[LiveOrder]


class OpenOrdersUpdate(Frame, tag="OPEN_ORDERS_UPDATE", frozen=True, kw_only=True):
    """All open orders. May be older than our last placement: absence proves nothing."""

    data: list[LiveOrder] | LiveOrders

    @property
    def orders(self) -> list[LiveOrder]:
        """The orders in either shape."""
        return self.data if isinstance(self.data, list) else self.data.orders


class ProcessedOrder(WireStruct, frozen=True, kw_only=True):
    """Whether the engine took a placement."""

    order_id: Key
    customer_order_id: str | None = None
    success: bool
    failure_reason: str | None = None


class OrderProcessed(Frame, tag="ORDER_PROCESSED", frozen=True, kw_only=True):
    """The engine has dealt with a placement."""

    data: ProcessedOrder


class OrderStatusUpdate(Frame, tag="ORDER_STATUS_UPDATE", frozen=True, kw_only=True):
    """An order changed state; none may come for an order that simply rests."""

    data: OrderUpdate


class NewFill(Frame, tag="NEW_ACCOUNT_TRADE", frozen=True, kw_only=True):
    """One of our orders traded."""

    pair: Key | None = field(name="currencyPairSymbol", default=None)
    data: Fill


class NewTransaction(Frame, tag="NEW_ACCOUNT_HISTORY_RECORD", frozen=True, kw_only=True):
    """A new ledger entry."""

    data: Transaction


class ModifyResult(WireStruct, frozen=True, kw_only=True):
    """How a modify ended."""

    success: bool
    order_id: Key
    customer_order_id: str | None = None
    modify_request_id: str | None = None
    failure_reason: str | None = None


class ModifyOutcome(Frame, tag="MODIFY_ORDER_OUTCOME", frozen=True, kw_only=True):
    """The engine has dealt with a modify."""

    data: ModifyResult


class OrderFailure(WireStruct, frozen=True, kw_only=True):
    """Why a cancel or a placement failed; ``message`` explains nothing that can be relied on."""

    order_id: Key | None = None
    customer_order_id: str | None = None
    message: str | None = None


class CancelFailed(Frame, tag="FAILED_CANCEL_ORDER", frozen=True, kw_only=True):
    """A cancel failed: ask for the order's state."""

    data: OrderFailure


class OrderFailed(Frame, tag="FAILED_ORDER", frozen=True, kw_only=True):
    """A placement failed."""

    data: OrderFailure


class PositionUpdate(Frame, tag="OPEN_POSITION_UPDATE", frozen=True, kw_only=True):
    """A position was opened or changed: what it is now."""

    data: Position


class PositionReduced(Frame, tag="REDUCE_POSITION", frozen=True, kw_only=True):
    """A position shrank."""

    data: PositionClose


class ClosedPosition(WireStruct, frozen=True, kw_only=True):
    """Which position is gone."""

    pair: str
    position_id: str


class PositionClosed(Frame, tag="POSITION_CLOSED", frozen=True, kw_only=True):
    """A position is gone."""

    data: ClosedPosition


class ConditionalAdded(Frame, tag="ADD_CONDITIONAL_ORDER", frozen=True, kw_only=True):
    """A conditional order is armed."""

    data: ConditionalOrder


class RemovedConditional(WireStruct, frozen=True, kw_only=True):
    """Which conditional order is gone, and why."""

    order_id: Key
    customer_order_id: str | None = None
    pair: str
    reason: str | None = None


class ConditionalRemoved(Frame, tag="REMOVE_CONDITIONAL_ORDER", frozen=True, kw_only=True):
    """A conditional order is gone."""

    data: RemovedConditional


class MarginInfo(Frame, tag="MARGIN_INFO", frozen=True, kw_only=True):
    """Margin figures, every 5 s once subscribed."""

    data: MarginStatus


class LeverageUpdated(Frame, tag="LEVERAGE_UPDATED", frozen=True, kw_only=True):
    """The leverage of a perpetual was changed."""

    data: Leverage


class PlacedAnswer(WireStruct, frozen=True, kw_only=True):
    """The id of a placement that was queued."""

    order_id: Key
    customer_order_id: str | None = None


class CommandAnswer(WireStruct, frozen=True, kw_only=True):
    """A cancel or a modify that was queued; ``requested`` does not mean done."""

    requested: bool
    order_id: Key | None = None
    customer_order_id: str | None = None
    modify_request_id: str | None = None


class _Response(Frame, frozen=True, kw_only=True):
    client_msg_id: str | None = None
    error: ErrorBody | None = None


class LimitResponse(_Response, tag="PLACE_LIMIT_WS_RESPONSE", frozen=True, kw_only=True):
    """Answer to ``PLACE_LIMIT_ORDER``."""

    data: PlacedAnswer | None = None


class MarketResponse(_Response, tag="PLACE_MARKET_WS_RESPONSE", frozen=True, kw_only=True):
    """Answer to ``PLACE_MARKET_ORDER``."""

    data: PlacedAnswer | None = None


class CancelResponse(_Response, tag="CANCEL_ORDER_WS_RESPONSE", frozen=True, kw_only=True):
    """Answer to ``CANCEL_LIMIT_ORDER``."""

    data: CommandAnswer | None = None


class ModifyResponse(_Response, tag="MODIFY_ORDER_WS_RESPONSE", frozen=True, kw_only=True):
    """Answer to ``MODIFY_ORDER``."""

    data: CommandAnswer | None = None


class BatchResponse(_Response, tag="BATCH_ORDERS_WS_RESPONSE", frozen=True, kw_only=True):
    """Answer to ``BATCH_ORDERS``: undocumented, taken to be the REST body."""

    data: BatchReply | None = None


class LimitedRequest(WireStruct, frozen=True, kw_only=True):
    """Which kind of command came too often."""

    request_type: str


class RateLimitExceeded(Frame, tag="RATE_LIMIT_EXCEEDED", frozen=True, kw_only=True):
    """A command was refused for its frequency."""

    client_msg_id: str | None = None
    data: LimitedRequest


CANCEL_ON_DISCONNECT: Final = b'{"type":"CANCEL_ON_DISCONNECT","payload":{"cancelOnDisconnect":true}}'
"""The request that the account's open orders die with this connection: to be sent on each, VALR forgets it with it."""


class CancelOnDisconnectState(WireStruct, frozen=True, kw_only=True):
    """Whether open orders die with the socket; a text on the wire, a flag in the request."""

    cancel_on_disconnect: str | bool

    @property
    def is_on(self) -> bool:
        """They do."""
        return self.cancel_on_disconnect in (True, "true")


class CancelOnDisconnectUpdate(Frame, tag="CANCEL_ON_DISCONNECT_UPDATE", frozen=True, kw_only=True):
    """Answer to ``CANCEL_ON_DISCONNECT``."""

    data: CancelOnDisconnectState


type _Event = (
    BalanceUpdate
    | OpenOrdersUpdate
    | OrderProcessed
    | OrderStatusUpdate
    | NewFill
    | NewTransaction
    | ModifyOutcome
    | CancelFailed
    | OrderFailed
    | PositionUpdate
    | PositionReduced
    | PositionClosed
    | ConditionalAdded
    | ConditionalRemoved
    | MarginInfo
    | LeverageUpdated
    | LimitResponse
    | MarketResponse
    | CancelResponse
    | ModifyResponse
    | BatchResponse
    | RateLimitExceeded
    | CancelOnDisconnectUpdate
)
type AccountFrame = _Event | SessionFrame

ACCOUNT_FRAMES: Final = FrameDecoder[AccountFrame](_Event, SessionFrame)
