"""What the account is worth in one currency, and how that compares with its peak and with the day's start."""

from collections.abc import Iterable, Mapping
from math import inf, isfinite
from typing import Protocol

from msgspec import Struct, structs

from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.errors import DataError


def value_cash(balances: Mapping[str, float], prices: Mapping[str, float | None], currency: str) -> float | None:
    """Value of a cash account in ``currency``; on a spot account the base balances are the positions.

    ``prices`` holds the price of one unit of each other currency in ``currency``. A price that is missing, not finite
    or not above 0 makes the whole value unknown (None), unless nothing is held of it.
    """
    total = 0.0
    for held, amount in balances.items():
        price = 1.0 if held == currency else prices.get(held)
        if amount == 0.0:
            continue
        if price is None or not price > 0.0:
            return None
        total += amount * price
    return total if isfinite(total) else None


class MarginPosition(Struct, frozen=True, kw_only=True):
    """An open position of a linear contract; ``quantity`` is signed, prices are in the account currency."""

    instrument_id: str
    quantity: float
    entry_price: float
    price: float | None
    """The newest price known, or None."""


def value_margin(balance: float | None, positions: Iterable[MarginPosition]) -> float | None:
    """Balance + sum of quantity x (price - entry price), in the account currency; None if any figure is unknown."""
    if balance is None:
        return None
    total = balance
    for position in positions:
        if position.price is None or not position.price > 0.0:
            return None
        total += position.quantity * (position.price - position.entry_price)
    return total if isfinite(total) else None


class EquityMark(Struct, frozen=True, kw_only=True):
    """Equity at one moment against its peak and against 00:00 UTC, in the account currency.

    All figures are finite and the peak is above 0 (else `DataError`): an unknown equity has no mark.
    """

    ts_ns: int
    equity: float
    peak: float
    day_start: float
    """The last equity known at 00:00 UTC; on the first day, the first one ever."""

    def __post_init__(self) -> None:
        if not (isfinite(self.equity) and isfinite(self.day_start) and 0.0 < self.peak < inf):
            raise DataError(
                f"equity {self.equity}, peak {self.peak}, day start {self.day_start} make no mark of equity"
            )

    @property
    def drawdown(self) -> float:
        """Fall from the peak as a fraction of it, 0 at the peak."""
        return max(0.0, (self.peak - self.equity) / self.peak)

    @property
    def daily_pnl(self) -> float:
        """Change since 00:00 UTC in the account currency."""
        return self.equity - self.day_start

    @property
    def daily_loss(self) -> float:
        """Loss since 00:00 UTC as a fraction of the equity then: 0 on a day with a gain, 1 if there was none left."""
        return max(0.0, -self.daily_pnl / self.day_start) if self.day_start > 0.0 else 1.0


class EquityStore(Protocol):
    """Where the newest mark survives a restart."""

    def load(self) -> EquityMark | None:
        """The mark saved last, None if there never was one; `HeliosError` if it cannot be read."""
        ...

    def save(self, mark: EquityMark) -> None:
        """Keep a mark; raises `OSError` if it cannot."""
        ...


class EquityTracker:
    """Follows equity from mark to mark; ``last`` restores it after a restart.

    A mark at 00:00 UTC closes the day before, as a bar does, and is the next day's start. Money paid in or out looks
    like a gain or a loss: `rebase` after it.
    """

    def __init__(self, last: EquityMark | None = None) -> None:
        self._last = last

    @property
    def last(self) -> EquityMark | None:
        """The newest mark."""
        return self._last

    def update(self, equity: float | None, ts_ns: int) -> EquityMark | None:
        """The mark of ``equity`` at ``ts_ns``; None, with nothing remembered, where equity is unknown.

        An equity of 0 or less gives no mark as long as there is no peak to measure it against.
        """
        if equity is None or not isfinite(equity) or (self._last is None and equity <= 0.0):
            return None
        peak = day_start = equity
        if self._last is not None:
            peak = max(self._last.peak, equity)
            is_new_day = _day(ts_ns) > _day(self._last.ts_ns)
            day_start = self._last.equity if is_new_day else self._last.day_start
        self._last = EquityMark(ts_ns=ts_ns, equity=equity, peak=peak, day_start=day_start)
        return self._last

    def rebase(self) -> None:
        """Measure peak and day from the newest equity on: a human's act, after a payment or a cleared halt."""
        if self._last is not None and self._last.equity > 0.0:
            self._last = structs.replace(self._last, peak=self._last.equity, day_start=self._last.equity)


def _day(ts_ns: int) -> int:
    return (ts_ns - 1) // NS_PER_DAY
