"""The exact truth of the exchange at one moment: what a client's own books are compared with."""

from decimal import Decimal

from msgspec import Struct

from helios_nautilus.simulator.exchange.ledger import Balance
from helios_nautilus.simulator.exchange.orders import Fill, Order
from helios_nautilus.simulator.exchange.positions import Position
from helios_nautilus.simulator.exchange.venue import Venue


class OrderRow(Struct, frozen=True, kw_only=True):
    """An order as it stands."""

    order_id: str
    customer_order_id: str | None
    account_id: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    status: str
    price: Decimal
    stop_price: Decimal | None
    quantity: Decimal
    remaining: Decimal
    executed: Decimal
    total: Decimal
    fee: Decimal
    reward: Decimal
    failed_reason: str
    created_ns: int
    updated_ns: int


class BalanceRow(Struct, frozen=True, kw_only=True):
    """One currency of one account."""

    account_id: str
    currency: str
    available: Decimal
    reserved: Decimal
    borrowed: Decimal
    total: Decimal


class PositionRow(Struct, frozen=True, kw_only=True):
    """One open position."""

    account_id: str
    symbol: str
    position_id: str
    side: str
    quantity: Decimal
    average_entry_price: Decimal
    realised: Decimal


class LedgerDump(Struct, frozen=True, kw_only=True):
    """Everything customers own and did; amounts are exact decimals."""

    now_ns: int
    orders: list[OrderRow]
    fills: list[Fill]
    balances: list[BalanceRow]
    positions: list[PositionRow]


def dump_ledger(venue: Venue) -> LedgerDump:
    """All customer accounts, in the order things happened."""
    engine = venue.engine
    ids = [account.account_id for account in venue.accounts]
    return LedgerDump(
        now_ns=venue.now_ns,
        orders=[_order_row(order) for order in engine.orders.values()],
        fills=[fill for account_id in ids for fill in engine.settlement.fills[account_id]],
        balances=[
            _balance_row(account_id, currency, balance)
            for account_id in ids
            for currency, balance in sorted(engine.ledger.balances(account_id).items())
        ],
        positions=[
            _position_row(position) for account_id in ids for position in engine.positions.of_account(account_id)
        ],
    )


def _order_row(order: Order) -> OrderRow:
    return OrderRow(
        order_id=order.order_id,
        customer_order_id=order.customer_order_id,
        account_id=order.account_id,
        symbol=order.pair.symbol,
        side=order.side.value,
        type=order.type.value,
        time_in_force=order.time_in_force.value,
        status=order.status.value if order.status else "",
        price=order.price,
        stop_price=order.stop_price,
        quantity=order.quantity,
        remaining=order.remaining,
        executed=order.executed,
        total=order.total,
        fee=order.fee,
        reward=order.reward,
        failed_reason=order.failed_reason,
        created_ns=order.created_ns,
        updated_ns=order.updated_ns,
    )


def _balance_row(account_id: str, currency: str, balance: Balance) -> BalanceRow:
    return BalanceRow(
        account_id=account_id,
        currency=currency,
        available=balance.available,
        reserved=balance.reserved,
        borrowed=balance.borrowed,
        total=balance.total,
    )


def _position_row(position: Position) -> PositionRow:
    return PositionRow(
        account_id=position.account_id,
        symbol=position.pair.symbol,
        position_id=position.position_id,
        side=position.side.value,
        quantity=position.quantity,
        average_entry_price=position.average_entry_price,
        realised=position.realised,
    )
