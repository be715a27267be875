"""What the venue says about orders and positions as the engine's reports."""

from decimal import Decimal
from typing import Final

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.reports import OrderStatusReport, PositionStatusReport
from nautilus_trader.model.enums import OrderStatus, OrderType, PositionSide, TimeInForce, TriggerType
from nautilus_trader.model.identifiers import AccountId, ClientOrderId, VenueOrderId
from nautilus_trader.model.instruments import Instrument

from helios_nautilus.adapters.valr.api import enums as venue
from helios_nautilus.adapters.valr.api.schemas.account import Position
from helios_nautilus.adapters.valr.api.schemas.orders import OpenOrder, OrderState, OrderSummary
from helios_nautilus.adapters.valr.fills import order_side_of

type VenueOrder = OrderState | OpenOrder
"""Every shape in which the venue tells an order's state; the names are the same in Python."""

_STATUSES: Final = {
    venue.OrderStatus.PLACED: OrderStatus.ACCEPTED,
    venue.OrderStatus.ACTIVE: OrderStatus.ACCEPTED,
    venue.OrderStatus.PARTIALLY_FILLED: OrderStatus.PARTIALLY_FILLED,
    venue.OrderStatus.ORDER_MODIFIED: OrderStatus.ACCEPTED,
    venue.OrderStatus.REPRICED: OrderStatus.ACCEPTED,
    venue.OrderStatus.FILLED: OrderStatus.FILLED,
    venue.OrderStatus.CANCELLED: OrderStatus.CANCELED,
    venue.OrderStatus.FAILED: OrderStatus.REJECTED,
    venue.OrderStatus.EXPIRED: OrderStatus.EXPIRED,
    venue.OrderStatus.STOPPED_BY_SLIPPAGE: OrderStatus.CANCELED,
}
_TYPES: Final = {
    venue.OrderType.LIMIT: OrderType.LIMIT,
    venue.OrderType.POST_ONLY: OrderType.LIMIT,
    venue.OrderType.LIMIT_REDUCE_ONLY: OrderType.LIMIT,
    venue.OrderType.MARKET: OrderType.MARKET,
    venue.OrderType.SIMPLE: OrderType.MARKET,
    venue.OrderType.STOP_LOSS_LIMIT: OrderType.STOP_LIMIT,
    venue.OrderType.TAKE_PROFIT_LIMIT: OrderType.LIMIT_IF_TOUCHED,
}
_TIMES: Final = {venue.TimeInForce.IOC: TimeInForce.IOC, venue.TimeInForce.FOK: TimeInForce.FOK}


def filled_quantity(state: VenueOrder) -> Decimal:
    """How much of the order has traded, in base."""
    if isinstance(state, OrderSummary) and state.total_executed_quantity is not None:
        return state.total_executed_quantity
    if state.status is venue.OrderStatus.FAILED:
        return Decimal(0)
    if state.status is venue.OrderStatus.FILLED:
        return state.original_quantity
    return state.original_quantity - state.remaining_quantity


def build_order_report(
    state: VenueOrder,
    instrument: Instrument,
    account_id: AccountId,
    client_order_id: ClientOrderId | None,
    ts_init: int,
) -> OrderStatusReport:
    """The report of an order's state."""
    filled = filled_quantity(state)
    order_type = _order_type_of(state)
    is_market = order_type is OrderType.MARKET
    status = _status_of(state, filled)
    stop_price = state.stop_price if order_type in (OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED) else None
    return OrderStatusReport(
        account_id=account_id,
        instrument_id=instrument.id,
        client_order_id=client_order_id,
        venue_order_id=VenueOrderId(state.order_id),
        order_side=order_side_of(state.side),
        order_type=order_type,
        time_in_force=TimeInForce.IOC if is_market else _time_in_force_of(state),
        order_status=status,
        quantity=instrument.make_qty(state.original_quantity),
        filled_qty=instrument.make_qty(filled) if filled else instrument.make_qty(0),
        price=None if is_market else instrument.make_price(state.price),
        trigger_price=None if stop_price is None else instrument.make_price(stop_price),
        trigger_type=TriggerType.NO_TRIGGER if stop_price is None else TriggerType.LAST_PRICE,
        avg_px=(state.average_price or None) if isinstance(state, OrderSummary) else None,
        post_only=state.order_type is venue.OrderType.POST_ONLY,
        # The engine leaves a reduce-only fill that finds no position out of it, and reports come order by order.
        reduce_only=state.order_type is venue.OrderType.LIMIT_REDUCE_ONLY and not filled,
        cancel_reason=failure_of(state) or None,
        report_id=UUID4(),
        ts_accepted=int(state.created_ns),
        ts_triggered=int(state.updated_ns) if status is OrderStatus.TRIGGERED else 0,
        ts_last=int(state.updated_ns),
        ts_init=ts_init,
    )


def failure_of(state: VenueOrder) -> str:
    """Why the venue failed the order; empty where it does not say."""
    return (state.failed_reason or "") if isinstance(state, OrderState) else ""


def build_position_report(
    position: Position, instrument: Instrument, account_id: AccountId, ts_init: int
) -> PositionStatusReport:
    """The report of an open position."""
    side = PositionSide.LONG if position.side is venue.Side.BUY else PositionSide.SHORT
    return PositionStatusReport(
        account_id=account_id,
        instrument_id=instrument.id,
        position_side=side if position.quantity else PositionSide.FLAT,
        quantity=instrument.make_qty(position.quantity),
        avg_px_open=position.average_entry_price,
        report_id=UUID4(),
        ts_last=int(position.updated_ns),
        ts_init=ts_init,
    )


def build_spot_report(instrument: Instrument, net: Decimal, account_id: AccountId, now_ns: int) -> PositionStatusReport:
    """The report of what is held of a spot pair, ``net`` of base, negative for a short."""
    sides = {1: PositionSide.LONG, -1: PositionSide.SHORT, 0: PositionSide.FLAT}
    return PositionStatusReport(
        account_id=account_id,
        instrument_id=instrument.id,
        position_side=sides[(net > 0) - (net < 0)],
        quantity=instrument.make_qty(abs(net)) if net else instrument.make_qty(0),
        report_id=UUID4(),
        ts_last=now_ns,
        ts_init=now_ns,
    )


def _status_of(state: VenueOrder, filled: Decimal) -> OrderStatus:
    """Open states say nothing of fills; a stop that is placed has triggered; a failure after a fill ended an order."""
    status = _STATUSES[state.status]
    if status is OrderStatus.REJECTED and filled:
        return OrderStatus.CANCELED
    if status is not OrderStatus.ACCEPTED:
        return status
    if filled:
        return OrderStatus.PARTIALLY_FILLED
    is_stop = state.order_type in (venue.OrderType.STOP_LOSS_LIMIT, venue.OrderType.TAKE_PROFIT_LIMIT)
    return OrderStatus.TRIGGERED if is_stop and state.status is venue.OrderStatus.PLACED else status


def _order_type_of(state: VenueOrder) -> OrderType:
    """An unknown wording (liquidations have some) is told by its price."""
    known = _TYPES.get(state.order_type)
    if known is not None:
        return known
    return OrderType.LIMIT if state.price > 0 else OrderType.MARKET


def _time_in_force_of(state: VenueOrder) -> TimeInForce:
    return TimeInForce.GTC if state.time_in_force is None else _TIMES.get(state.time_in_force, TimeInForce.GTC)
