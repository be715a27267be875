"""What a simulated account holds, fill by fill: the exchange's bookkeeping once more, exact to its last decimal.

A cash account pays for what it buys and has what it bought. A margin account has positions, and its balance moves only
by what closing them brings and by commissions. Either way a commission is taken in its own currency.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import reduce
from math import copysign, floor
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

type AccountKind = Literal["cash", "margin"]


class Pair(Struct, frozen=True, kw_only=True):
    """What the books must know of an instrument: its currencies, and how many decimals the quote currency has."""

    base: str
    quote: str
    quote_decimals: int


class Execution(Struct, frozen=True, kw_only=True):
    """One fill; the commission is negative where the venue pays."""

    ts_ns: int
    instrument_id: str
    side: Literal["BUY", "SELL"]
    quantity: Decimal
    price: Decimal
    commission: Decimal
    commission_currency: str

    @property
    def signed(self) -> Decimal:
        """The quantity, negative for a sale."""
        return self.quantity if self.side == "BUY" else -self.quantity


class Lot(Struct, frozen=True, kw_only=True):
    """What is held of one instrument."""

    quantity: Decimal
    """Negative for a short."""
    entry_price: Decimal
    """Average of the fills that opened it and added to it."""
    opened_ns: int


class Ledger(Struct, frozen=True, kw_only=True):
    """A state of the account: balances by currency, lots by instrument id."""

    kind: AccountKind
    balances: Mapping[str, Decimal]
    lots: Mapping[str, Lot]


def settle_all(ledger: Ledger, executions: Iterable[Execution], pairs: Mapping[str, Pair]) -> Ledger:
    """The account after fills, in their order; `KeyError` for an instrument that ``pairs`` does not know."""
    return reduce(lambda state, execution: settle(state, execution, pairs[execution.instrument_id]), executions, ledger)


def settle(ledger: Ledger, execution: Execution, pair: Pair) -> Ledger:
    """The account after one fill."""
    before = ledger.lots.get(execution.instrument_id)
    balances, signed = dict(ledger.balances), execution.signed
    if ledger.kind == "cash":
        _add(balances, pair.base, signed)
        paid = round_money(execution.quantity * execution.price, pair.quote_decimals)
        _add(balances, pair.quote, -paid if signed > 0 else paid)
    elif before is not None:
        _add(balances, pair.quote, round_money(_gain(before, execution), pair.quote_decimals))
    _add(balances, execution.commission_currency, -execution.commission)
    lots = dict(ledger.lots)
    lots.pop(execution.instrument_id, None)
    after = _held(before, execution)
    if execution.commission_currency == pair.base:
        after = replace(after, quantity=after.quantity - execution.commission)
    if after.quantity:
        lots[execution.instrument_id] = after
    return replace(ledger, balances=balances, lots=lots)


def worth(ledger: Ledger, currency: str, pairs: Mapping[str, Pair], prices: Mapping[str, Decimal]) -> Decimal:
    """Equity in ``currency``, the quote of all pairs, at prices by instrument id."""
    total = ledger.balances.get(currency, Decimal(0))
    if ledger.kind == "margin":
        return total + sum(lot.quantity * (prices[name] - lot.entry_price) for name, lot in ledger.lots.items())
    return total + sum(ledger.balances.get(pair.base, Decimal(0)) * prices[name] for name, pair in pairs.items())


def round_money(amount: Decimal, decimals: int) -> Decimal:
    """As the exchange rounds: halves away from zero, and what is a half is for the binary fraction to say."""
    scaled = float(amount) * 10**decimals
    return Decimal(int(copysign(floor(abs(scaled) + 0.5), scaled))).scaleb(-decimals)


def _add(balances: dict[str, Decimal], currency: str, amount: Decimal) -> None:
    balances[currency] = balances.get(currency, Decimal(0)) + amount


def _gain(lot: Lot, execution: Execution) -> Decimal:
    """What the part of a lot brings that a fill closes."""
    if lot.quantity * execution.signed > 0:
        return Decimal(0)
    closed = min(abs(lot.quantity), execution.quantity).copy_sign(lot.quantity)
    return closed * (execution.price - lot.entry_price)


def _held(lot: Lot | None, execution: Execution) -> Lot:
    """A fill opens a lot, adds to it at an average price, takes from it at the same one, or turns it round."""
    signed = execution.signed
    quantity = signed if lot is None else lot.quantity + signed
    if lot is None or lot.quantity * quantity < 0:
        return Lot(quantity=quantity, entry_price=execution.price, opened_ns=execution.ts_ns)
    if lot.quantity * signed < 0:
        return replace(lot, quantity=quantity)
    cost = lot.quantity * lot.entry_price + signed * execution.price
    return replace(lot, quantity=quantity, entry_price=cost / quantity)
