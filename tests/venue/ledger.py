"""A node's books against the exchange's ledger: they are equal, or it is said where they differ.

Trade ids, what has filled, and the quantity and price of open orders are equal to the last digit. A reduce-only order
that the venue cut to its position is filled there and canceled for the rest here. The ledger's money has up to 12
decimals, a node's as many as its currency: each fill's commission is rounded to the nearest unit (a half to the even
one), a balance's total down, what is reserved up and never above the total; free is the difference. On spot the net
position is what the account bought less what it sold less the rounded commissions in base; on a perpetual it is the
ledger's own.

One thing is not exact: where a single buy carries a spot position from short to long, the engine forgets the part of
its commission that belongs to the closed short. An account that was ever short may hold that much more.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Final, NamedTuple

from nautilus_trader.model.objects import Currency

from helios_nautilus.simulator.exchange.dump import BalanceRow, LedgerDump, OrderRow
from helios_nautilus.simulator.exchange.orders import Fill
from tests.venue.node import PATIENCE_SECS, Floor
from tests.venue.told import BalanceShown, OrderShown, Snapshot

_OPEN: Final = frozenset({"ACCEPTED", "TRIGGERED", "PARTIALLY_FILLED"})
_STATUSES: Final = {
    "Active": frozenset({"ACCEPTED"}),
    "Placed": _OPEN,
    "Partially Filled": _OPEN,
    "Order Modified": _OPEN,
    "Filled": frozenset({"FILLED"}),
    "Cancelled": frozenset({"CANCELED"}),
    "Expired": frozenset({"EXPIRED"}),
    # An IOC or FOK that found nothing fails at the venue and is canceled here.
    "Failed": frozenset({"REJECTED", "CANCELED"}),
}
"""By the venue's status, what an order may be here. Pending and submitted ones are not settled yet."""
_OPEN_THERE: Final = frozenset({"Active", "Placed", "Partially Filled", "Order Modified"})
"""Price and quantity are compared of these alone: an order that ends while a modify's outcome is unknown keeps those it
was last known to have, for no event may follow the end."""
_NEVER_SENT: Final = frozenset({"DENIED", "REJECTED", "CANCELED", "EXPIRED", "EMULATED"})


async def equals_ledger(floor: Floor) -> Snapshot:
    """Wait until the node's books equal the exchange's ledger; what the node holds then."""
    found: list[str] = []
    try:
        async with asyncio.timeout(PATIENCE_SECS):
            while True:
                snapshot = await floor.node.show()
                found = differences(snapshot, floor.exchange.dump(), floor.login.account_id)
                if not found:
                    return snapshot
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError("the node's books never came to equal the ledger:\n" + "\n".join(found)) from None


def differences(snapshot: Snapshot, dump: LedgerDump, account_id: str) -> list[str]:
    """Where a node's books differ from the ledger of its account, one line each; see the module for the rules.

    Only instruments that the node has loaded are looked at, and all balances.
    """
    symbols = {name.partition(".")[0] for name in snapshot.books}
    rows = [row for row in dump.orders if row.account_id == account_id and row.symbol in symbols]
    fills = [fill for fill in dump.fills if fill.account_id == account_id and fill.symbol in symbols]
    balances = [row for row in dump.balances if row.account_id == account_id]
    return [
        *_orders(snapshot.orders, rows, fills),
        *_positions(snapshot.positions, _perpetual_positions(dump, account_id, symbols) | _spot_positions(fills)),
        *_balances(snapshot.balances, balances),
    ]


def _orders(shown: dict[str, OrderShown], rows: list[OrderRow], fills: list[Fill]) -> Iterator[str]:
    yield from _doubled(rows)
    by_order: defaultdict[str, list[Fill]] = defaultdict(list)
    for fill in fills:
        by_order[fill.order_id].append(fill)
    names = {order.venue_order_id: name for name, order in shown.items() if order.venue_order_id is not None}
    seen = set()
    for row in rows:
        name = names.get(row.order_id, row.customer_order_id or "")
        order = shown.get(name)
        if order is not None:
            seen.add(name)
            yield from _order(name, order, row, by_order[row.order_id])
        elif row.status != "Failed":
            yield f"order {row.order_id} ({row.customer_order_id}): {row.status} at the venue, unknown here"
    for name in shown.keys() - seen:
        order = shown[name]
        if order.venue_order_id is not None or order.status not in _NEVER_SENT or Decimal(order.filled):
            yield f"order {name}: {order.status} here, unknown at the venue"


def _doubled(rows: list[OrderRow]) -> Iterator[str]:
    names = [row.customer_order_id for row in rows if row.customer_order_id is not None]
    for name in {name for name in names if names.count(name) > 1}:
        yield f"order {name}: placed {names.count(name)} times"


def _order(name: str, order: OrderShown, row: OrderRow, fills: list[Fill]) -> Iterator[str]:
    was_cut = row.status == "Filled" and Decimal(order.quantity) > row.quantity
    if order.status not in (_STATUSES["Cancelled"] if was_cut else _STATUSES[row.status]):
        yield f"order {name}: {order.status} here, {row.status} at the venue"
    if Decimal(order.filled) != row.executed:
        yield f"order {name}: filled {order.filled} here, {row.executed} at the venue"
    if row.status in _OPEN_THERE and Decimal(order.quantity) != row.quantity:
        yield f"order {name}: quantity {order.quantity} here, {row.quantity} at the venue"
    if row.status in _OPEN_THERE and order.price is not None and Decimal(order.price) != row.price:
        yield f"order {name}: price {order.price} here, {row.price} at the venue"
    ours, theirs = sorted(order.trade_ids), sorted(fill.trade_id for fill in fills)
    if ours != theirs:
        yield f"order {name}: trades {ours} here, {theirs} at the venue"
    paid = {code: Decimal(amount) for code, amount in order.commissions.items() if Decimal(amount)}
    if paid != _commissions(fills):
        yield f"order {name}: commissions {paid} here, {_commissions(fills)} at the venue"


def _commissions(fills: Iterable[Fill]) -> dict[str, Decimal]:
    """By currency, each fill rounded by itself; those that come to nothing are left out."""
    paid: defaultdict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        paid[fill.fee_currency] += _rounded(fill.fee, fill.fee_currency, ROUND_HALF_EVEN)
    return {code: amount for code, amount in paid.items() if amount}


class _Net(NamedTuple):
    """A signed quantity, and how much more the engine may make of it."""

    quantity: Decimal
    slack: Decimal = Decimal(0)


def _perpetual_positions(dump: LedgerDump, account_id: str, symbols: set[str]) -> dict[str, _Net]:
    return {
        row.symbol: _Net(row.quantity if row.side == "buy" else -row.quantity)
        for row in dump.positions
        if row.account_id == account_id and row.symbol in symbols
    }


def _spot_positions(fills: Iterable[Fill]) -> dict[str, _Net]:
    net: dict[str, _Net] = {}
    for fill in fills:
        if fill.symbol.endswith("PERP"):
            continue
        before = net.get(fill.symbol, _Net(Decimal(0)))
        in_base = fill.symbol.startswith(fill.fee_currency)
        fee = _rounded(fill.fee, fill.fee_currency, ROUND_HALF_EVEN) if in_base else Decimal(0)
        slack = before.slack + (fee if before.quantity < 0 else 0)
        net[fill.symbol] = _Net(before.quantity + fill.quantity * fill.side.sign - fee, slack)
    return net


def _positions(shown: dict[str, str], theirs: dict[str, _Net]) -> Iterator[str]:
    ours = {name.partition(".")[0]: Decimal(quantity) for name, quantity in shown.items()}
    for symbol in sorted(ours.keys() | theirs.keys()):
        held, net = ours.get(symbol, Decimal(0)), theirs.get(symbol, _Net(Decimal(0)))
        if not 0 <= held - net.quantity <= net.slack:
            yield f"position {symbol}: {held} here, {net.quantity} at the venue"


def _balances(shown: dict[str, BalanceShown], rows: list[BalanceRow]) -> Iterator[str]:
    theirs = {row.currency: _balance(row) for row in rows}
    ours = {code: tuple(map(Decimal, (each.total, each.locked, each.free))) for code, each in shown.items()}
    nothing = (Decimal(0),) * 3
    for code in sorted(ours.keys() | theirs.keys()):
        if ours.get(code, nothing) != theirs.get(code, nothing):
            yield f"balance {code}: {ours.get(code)} here, {theirs.get(code)} at the venue (total, locked, free)"


def _balance(row: BalanceRow) -> tuple[Decimal, ...]:
    total = _rounded(row.total, row.currency, ROUND_FLOOR)
    locked = _rounded(row.reserved, row.currency, ROUND_CEILING)
    if 0 <= total < locked:
        locked = total
    return total, locked, total - locked


def _rounded(amount: Decimal, code: str, rounding: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-Currency.from_str(code).precision), rounding=rounding)
