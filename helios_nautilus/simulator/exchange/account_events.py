"""Account events as the frames of ``/ws/account``."""

from decimal import Decimal

from helios_nautilus.simulator.exchange import account_json
from helios_nautilus.simulator.exchange.conditional_json import conditional_json
from helios_nautilus.simulator.exchange.decimals import ratio, text
from helios_nautilus.simulator.exchange.events import (
    AccountTraded,
    BalanceChanged,
    CancelFailed,
    ConditionalAdded,
    ConditionalRemoved,
    Event,
    LeverageChanged,
    OpenOrdersChanged,
    OrderChanged,
    OrderModified,
    OrderProcessed,
    PositionChanged,
    PositionClosed,
    PositionReduced,
    Transaction,
)
from helios_nautilus.simulator.exchange.market_json import Json, chosen_leverage_json
from helios_nautilus.simulator.exchange.orders import Order, Status
from helios_nautilus.simulator.exchange.positions import Position, Reduction
from helios_nautilus.simulator.exchange.venue import Venue


def owner_of(event: Event) -> str | None:
    """The account an event belongs to; None for public ones."""
    match event:
        case OrderProcessed(order) | OrderChanged(order) | OrderModified(order):
            return order.account_id
        case AccountTraded(fill):
            return fill.account_id
        case PositionChanged(position) | PositionClosed(position):
            return position.account_id
        case PositionReduced(reduction):
            return reduction.account_id
        case ConditionalAdded(conditional) | ConditionalRemoved(conditional):
            return conditional.account_id
        case BalanceChanged() | OpenOrdersChanged() | CancelFailed() | Transaction() | LeverageChanged():
            return event.account_id
        case _:
            return None


def frames_of(event: Event, venue: Venue) -> list[Json]:
    """The frames of an event; none for what VALR does not announce."""
    match event:
        case OrderProcessed(order, refusal):
            return [_processed(order, refusal.message if refusal else "")]
        case OrderChanged(order, state):
            # An order that simply rests is not announced as Placed.
            if state.status is Status.PLACED and order.stop_price is None:
                return []
            return [_frame("ORDER_STATUS_UPDATE", account_json.order_state_json(order, state))]
        case OrderModified():
            return [_modified(event)]
        case CancelFailed():
            words = "An error occurred while cancelling your order."
            return [_frame("FAILED_CANCEL_ORDER", {"orderId": event.order_id, "message": words})]
        case AccountTraded(fill):
            trade = account_json.stream_fill_json(fill)
            return [{"type": "NEW_ACCOUNT_TRADE", "currencyPairSymbol": fill.symbol, "data": trade}]
        case BalanceChanged():
            return [_balance(event, venue)]
        case OpenOrdersChanged():
            orders = venue.engine.open_orders(event.account_id)
            return [{"type": "OPEN_ORDERS_UPDATE", "data": list(map(account_json.stream_open_order_json, orders))}]
        case PositionChanged(position):
            return [_position(position, venue)]
        case PositionReduced(reduction):
            return [_reduction(reduction, venue)]
        case PositionClosed(position):
            ids: Json = {"pair": position.pair.symbol, "positionId": position.position_id}
            return [_frame("POSITION_CLOSED", ids)]
        case ConditionalAdded(conditional):
            return [_frame("ADD_CONDITIONAL_ORDER", conditional_json(conditional) | {"allowMargin": False})]
        case ConditionalRemoved():
            return [_removed(event)]
        case LeverageChanged():
            return [_frame("LEVERAGE_UPDATED", chosen_leverage_json(venue.listing.pairs[event.symbol], event.leverage))]
        case Transaction():
            return [_frame("NEW_ACCOUNT_HISTORY_RECORD", account_json.stream_transaction_json(venue.listing, event))]
        case _:
            return []


def _frame(kind: str, data: Json) -> Json:
    return {"type": kind, "data": data}


def _processed(order: Order, reason: str) -> Json:
    data: Json = {"orderId": order.order_id, "success": not reason, "failureReason": reason}
    return _frame("ORDER_PROCESSED", _with_customer_id(data, order))


def _modified(event: OrderModified) -> Json:
    data: Json = {"success": event.refusal is None, "orderId": event.order.order_id}
    data = _with_customer_id(data, event.order) | {"modifyRequestId": event.request_id}
    if event.refusal is not None:
        # The key of the reason is not documented.
        data["failureReason"] = event.refusal.message
    return _frame("MODIFY_ORDER_OUTCOME", data)


def _balance(event: BalanceChanged, venue: Venue) -> Json:
    balance = venue.engine.ledger.balance(event.account_id, event.currency)
    data = account_json.stream_balance_json(venue.listing, venue.engine.margin, event.currency, balance)
    return _frame("BALANCE_UPDATE", data)


def _removed(event: ConditionalRemoved) -> Json:
    one = event.conditional
    shown: Json = {"orderId": one.order_id, "pair": one.pair.symbol, "reason": event.reason}
    return _frame(
        "REMOVE_CONDITIONAL_ORDER",
        shown | {"customerOrderId": one.customer_order_id} if one.customer_order_id else shown,
    )


def _position(position: Position, venue: Venue) -> Json:
    symbol = position.pair.symbol
    leverage = venue.accounts[position.account_id].leverage_of(symbol)
    mark = venue.engine.margin.mark(symbol)
    return _frame("OPEN_POSITION_UPDATE", account_json.position_json(position, mark, leverage))


def _reduction(reduction: Reduction, venue: Venue) -> Json:
    leverage = venue.accounts[reduction.account_id].leverage_of(reduction.symbol)
    fraction = text(ratio(Decimal(1), Decimal(leverage), 4))
    return _frame(
        "REDUCE_POSITION", account_json.reduction_json(reduction) | {"initialMarginFractionAtClose": fraction}
    )


def _with_customer_id(data: Json, order: Order) -> Json:
    return data | {"customerOrderId": order.customer_order_id} if order.customer_order_id else data
