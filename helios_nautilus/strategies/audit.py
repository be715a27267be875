"""Turns Nautilus's order and position events into journal records."""

from decimal import Decimal
from typing import Final, Literal, NamedTuple

from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderType
from nautilus_trader.model.events import (
    OrderAccepted,
    OrderCanceled,
    OrderDenied,
    OrderEmulated,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderReleased,
    OrderSubmitted,
    OrderTriggered,
    OrderUpdated,
)
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Currency
from nautilus_trader.model.orders import Order
from nautilus_trader.model.position import Position

from helios_nautilus.amounts import commission_value
from helios_nautilus.domain.lifecycle import Lifecycle
from helios_nautilus.journal.records import EventRecord, FillRecord, OrderRecord, OrderRole, PositionRecord

_STATUS: Final = {
    OrderEmulated: "EMULATED",
    OrderReleased: "RELEASED",
    OrderSubmitted: "SUBMITTED",
    OrderAccepted: "ACCEPTED",
    OrderTriggered: "TRIGGERED",
    OrderUpdated: "UPDATED",
    OrderCanceled: "CANCELED",
    OrderExpired: "EXPIRED",
    OrderRejected: "REJECTED",
    OrderDenied: "DENIED",
}
_LIQUIDITY: Final[dict[int, Literal["MAKER", "TAKER"]]] = {LiquiditySide.MAKER: "MAKER", LiquiditySide.TAKER: "TAKER"}


class Origin(NamedTuple):
    """Where an order comes from; a foreign one is of no decision and counts as an exit."""

    decision_id: str
    role: OrderRole


def tags(decision_id: str, role: OrderRole) -> list[str]:
    """Tags an order carries, so that it can be told apart."""
    return [decision_id, role]


def origin_of(order: Order) -> Origin:
    """Where an order says that it comes from."""
    return Origin(*order.tags) if order.tags and len(order.tags) == 2 else Origin("", "EXIT")


def order_record(event: OrderEvent, order: Order, origin: Origin) -> OrderRecord | None:
    """The record of a new order state; None for states that say nothing new."""
    status = _STATUS.get(type(event))
    if status is None:
        return None
    price = order.price if order.has_price else order.trigger_price if order.has_trigger_price else None
    return OrderRecord(
        ts_ns=event.ts_event,
        decision_id=origin.decision_id,
        instrument_id=order.instrument_id.value,
        client_order_id=order.client_order_id.value,
        role=origin.role,
        side=_side(order.side),
        order_type=OrderType(order.order_type).name,
        quantity=order.quantity.as_decimal(),
        price=None if price is None else price.as_decimal(),
        status=status,
        reason=getattr(event, "reason", None) or "",
    )


def fill_record(event: OrderFilled, origin: Origin, account_currency: Currency) -> FillRecord:
    """The record of a fill."""
    return FillRecord(
        ts_ns=event.ts_event,
        decision_id=origin.decision_id,
        instrument_id=event.instrument_id.value,
        client_order_id=event.client_order_id.value,
        trade_id=event.trade_id.value,
        role=origin.role,
        side=_side(event.order_side),
        quantity=event.last_qty.as_decimal(),
        price=event.last_px.as_decimal(),
        commission=event.commission.as_decimal(),
        commission_currency=event.commission.currency.code,
        commission_value=commission_value(event, account_currency),
        liquidity=_LIQUIDITY.get(event.liquidity_side, "NONE"),
    )


def position_record(
    position: Position, decision_id: str, life: Lifecycle, close_reason: str, costs: Decimal
) -> PositionRecord:
    """The record of a position that was closed, or of which dust is left; Nautilus's P&L is net of commissions."""
    return PositionRecord(
        ts_ns=position.ts_closed or position.ts_last,
        decision_id=decision_id,
        instrument_id=position.instrument_id.value,
        side=life.side.value,
        quantity=position.peak_qty.as_decimal(),
        entry_ts_ns=position.ts_opened,
        entry_price=position.avg_px_open,
        exit_price=position.avg_px_close,
        stop_price=life.stop_price,
        target_price=life.target_price,
        close_reason=close_reason,
        pnl=position.realized_pnl.as_double(),
        costs=float(costs),
        position_id=position.id.value,
    )


def event_record(kind: str, words: str, ts_ns: int, instrument_id: InstrumentId, decision_id: str) -> EventRecord:
    """The record of something else that happened on the way of a decision."""
    return EventRecord(ts_ns=ts_ns, kind=kind, words=words, instrument_id=instrument_id.value, decision_id=decision_id)


def _side(side: OrderSide) -> Literal["BUY", "SELL"]:
    return "BUY" if side == OrderSide.BUY else "SELL"
