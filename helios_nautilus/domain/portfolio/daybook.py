"""Whose profit it was: the change of equity between two moments, by instrument.

    P&L of an instrument = value now - value before + what its trades paid into the account, commissions taken off

What a trade pays in is negative for a purchase. Summed over all instruments this is the change of equity, as long as
no money was paid in or out in between. Trades are added up in exact decimals, so no cent is lost on the way.
"""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct


class Stake(Struct, frozen=True, kw_only=True):
    """What is held of one instrument; the price is in the account currency."""

    quantity: float
    """Negative for a short."""
    price: float

    @property
    def value(self) -> float:
        """Signed, in the account currency."""
        return self.quantity * self.price


class Day(Struct, frozen=True, kw_only=True):
    """What was made between two moments, in the account currency, net of ``costs``."""

    pnl: float
    """Change of equity."""
    costs: float
    by_instrument: dict[str, float]


class DayBook:
    """Opened with what is held, written at every fill, closed again and again."""

    def __init__(self, equity: float, stakes: Mapping[str, Stake]) -> None:
        self._equity, self._stakes = equity, dict(stakes)
        self._paid: dict[str, Decimal] = {}
        self._costs = Decimal(0)

    def write(self, name: str, paid: Decimal, costs: Decimal) -> None:
        """Take a fill: what it paid into the account net of commission, and the commission's value."""
        self._paid[name] = self._paid.get(name, Decimal(0)) + paid
        self._costs += costs

    def close(self, equity: float, stakes: Mapping[str, Stake]) -> Day:
        """What was made since the last time; the book goes on from here."""
        names = dict.fromkeys((*stakes, *self._stakes, *self._paid))
        by_instrument = {
            name: _value(stakes, name) - _value(self._stakes, name) + float(self._paid.get(name, 0)) for name in names
        }
        day = Day(pnl=equity - self._equity, costs=float(self._costs), by_instrument=by_instrument)
        self._equity, self._stakes = equity, dict(stakes)
        self._paid, self._costs = {}, Decimal(0)
        return day


def _value(stakes: Mapping[str, Stake], name: str) -> float:
    stake = stakes.get(name)
    return 0.0 if stake is None else stake.value
