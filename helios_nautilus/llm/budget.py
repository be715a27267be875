"""How much may be asked of language models in a day: money and calls, counted from 00:00 UTC.

What a call can cost at most is set aside before it goes out, and settled when its reply says what it did cost; so calls
under way together cannot overdraw the day.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from msgspec import Struct

from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.llm.reply import EndedCall, sent_calls


class Spent(Struct, frozen=True, kw_only=True):
    """Calls made and US dollars spent; as a limit, the most of either."""

    calls: int = 0
    usd: float = 0.0


class PastCall(EndedCall, Protocol):
    """What the journal keeps of a call, as far as it is counted here."""

    @property
    def ts_ns(self) -> int:
        """When it was made, in nanoseconds UTC."""
        ...

    @property
    def cost_usd(self) -> float:
        """What it cost."""
        ...


type Counter = Callable[[int], Spent]
"""What was spent since a stamp in nanoseconds UTC, by whoever remembers it."""


def count_spent(calls: Iterable[PastCall], since_ns: int) -> Spent:
    """What past calls since a stamp have taken of a budget."""
    sent = [call for call in sent_calls(calls) if call.ts_ns >= since_ns]
    return Spent(calls=len(sent), usd=sum(call.cost_usd for call in sent))


class Reservation(Struct, frozen=True, kw_only=True):
    """Money set aside for one call, on the day of its question."""

    day: int
    usd: float


class DailyBudget:
    """A limit on each day's calls and dollars. Use it from one thread.

    Parameters
    ----------
    limit
        The most of either.
    now_ns
        The time in nanoseconds UTC.
    counter
        Asked once, for what was spent earlier on the first day: a restart does not open a new budget.

    """

    def __init__(self, limit: Spent, now_ns: Callable[[], int], counter: Counter | None = None) -> None:
        self._limit = limit
        self._now_ns = now_ns
        self._day = now_ns() // NS_PER_DAY
        before = Spent() if counter is None else counter(self._day * NS_PER_DAY)
        self._calls, self._usd = before.calls, before.usd

    @property
    def spent(self) -> Spent:
        """Of today, with what is set aside."""
        self._turn()
        return Spent(calls=self._calls, usd=self._usd)

    def reserve(self, usd: float) -> Reservation | None:
        """Set the most that a call can cost aside; None if the day has not so much left."""
        self._turn()
        if self._calls + 1 > self._limit.calls or self._usd + usd > self._limit.usd:
            return None
        self._calls += 1
        self._usd += usd
        return Reservation(day=self._day, usd=usd)

    def settle(self, reservation: Reservation, usd: float) -> None:
        """Put what a call did cost in the place of what was set aside. Yesterday's books are closed."""
        if reservation.day == self._day:
            self._usd += usd - reservation.usd

    def release(self, reservation: Reservation) -> None:
        """Give back what was set aside for a call that did not go out."""
        if reservation.day == self._day:
            self._calls -= 1
            self._usd -= reservation.usd

    def _turn(self) -> None:
        day = self._now_ns() // NS_PER_DAY
        if day > self._day:
            self._day, self._calls, self._usd = day, 0, 0.0
