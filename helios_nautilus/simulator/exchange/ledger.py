"""Who owns what: balances with reservations, as double entries that always add up.

Every posting has a counter-posting, so the sum over all accounts, the venue's own included, stays what was deposited.
"""

from collections import defaultdict
from decimal import Decimal
from typing import Final

from msgspec import Struct

from helios_nautilus.simulator.exchange.decimals import EXACT, ZERO
from helios_nautilus.simulator.exchange.refusals import Code, Refusal

FEES: Final = "fees"
"""Earns the fees and pays the rewards."""
MARKET: Final = "market"
"""The liquidity around the replayed price; owes without limit."""
CLEARING: Final = "clearing"
"""Stands between the perpetuals' winners and losers until both have been settled."""
HOUSE: Final = frozenset({FEES, MARKET, CLEARING})


class Balance(Struct, kw_only=True):
    """One currency of one account."""

    free: Decimal = ZERO
    """Not set aside; below 0 it is borrowed."""
    reserved: Decimal = ZERO
    updated_ns: int = 0

    @property
    def available(self) -> Decimal:
        """What new orders can use."""
        return max(self.free, ZERO)

    @property
    def borrowed(self) -> Decimal:
        """What margin trading owes."""
        return max(-self.free, ZERO)

    @property
    def total(self) -> Decimal:
        """available + reserved - borrowed."""
        return self.free + self.reserved


class Ledger:
    """Balances of all accounts. Amounts are exact: an operation that would lose a digit raises."""

    def __init__(self) -> None:
        self._balances: defaultdict[str, defaultdict[str, Balance]] = defaultdict(lambda: defaultdict(Balance))
        self.deposits: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.touched: dict[tuple[str, str], None] = {}
        """(account, currency) that changed, in order, until somebody clears it."""

    def balance(self, account_id: str, currency: str) -> Balance:
        """A balance to read."""
        return self._balances[account_id][currency]

    def balances(self, account_id: str) -> dict[str, Balance]:
        """All balances of an account by currency."""
        return dict(self._balances[account_id])

    def deposit(self, account_id: str, currency: str, amount: Decimal, now_ns: int) -> None:
        """Money from outside."""
        self.deposits[currency] = EXACT.add(self.deposits[currency], amount)
        self._post(account_id, currency, amount, now_ns)

    def transfer(self, source: str, target: str, currency: str, amount: Decimal, now_ns: int) -> None:
        """Move an amount from one account's free balance to another's; a negative one the other way."""
        if amount:
            self._post(source, currency, -amount, now_ns)
            self._post(target, currency, amount, now_ns)

    def reserve(self, account_id: str, currency: str, amount: Decimal, now_ns: int, *, may_borrow: bool) -> None:
        """Set an amount aside; refused where the free balance does not cover it and nothing may be borrowed."""
        balance = self._balances[account_id][currency]
        if not may_borrow and balance.free < amount:
            raise Refusal(Code.INSUFFICIENT_BALANCE)
        self._set_aside(account_id, currency, amount, now_ns)

    def release(self, account_id: str, currency: str, amount: Decimal, now_ns: int) -> None:
        """Give back what was set aside."""
        self._set_aside(account_id, currency, -amount, now_ns)

    def sums(self) -> dict[str, Decimal]:
        """Total of every currency over all accounts; always equal to the deposits."""
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for balances in self._balances.values():
            for currency, balance in balances.items():
                sums[currency] = EXACT.add(sums[currency], balance.total)
        return dict(sums)

    def _post(self, account_id: str, currency: str, amount: Decimal, now_ns: int) -> None:
        balance = self._balances[account_id][currency]
        balance.free = EXACT.add(balance.free, amount)
        self._touch(account_id, currency, balance, now_ns)

    def _set_aside(self, account_id: str, currency: str, amount: Decimal, now_ns: int) -> None:
        if not amount:
            return
        balance = self._balances[account_id][currency]
        balance.free = EXACT.subtract(balance.free, amount)
        balance.reserved = EXACT.add(balance.reserved, amount)
        self._touch(account_id, currency, balance, now_ns)

    def _touch(self, account_id: str, currency: str, balance: Balance, now_ns: int) -> None:
        balance.updated_ns = now_ns
        if account_id not in HOUSE:
            self.touched[account_id, currency] = None
