"""Our own count of the venue's request limits: a request waits here instead of being refused there.

The venue counts per clock minute and per clock second. Its clock is not ours and requests overtake each other on the
way, so we allow no more than the limit in *any* window of that length, and a little less (`HEADROOM`).
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from enum import IntEnum
from typing import Final

from msgspec import Struct

from helios_nautilus.adapters.valr.api.clock import Clock

HEADROOM: Final = 0.95
MAX_PAUSE_SECS: Final = 600.0
"""No ``Retry-After`` is obeyed beyond this: a wrong header must not silence us for a day."""


class Family(IntEnum):
    """A budget of the venue. Requests take from one or several, always in this order, narrow before wide."""

    QUESTION = 0
    """Our own: signed reads leave room in the two widest, so that no order waits for a crowd of questions."""
    PUBLIC = 1
    """``GET /v1/public/*``; taken to be shared by all its paths."""
    TIME = 2
    STATUS = 3
    BUCKETS = 4
    PLACE = 5
    """``POST /v1/orders...``"""
    CANCEL = 6
    """``DELETE /v1/orders...``"""
    BATCH = 7
    MODIFY = 8
    """``PUT /v2/orders/modify``"""
    TRANSFER = 9
    CONNECT = 10
    """New sockets."""
    SOCKET_PLACE = 11
    SOCKET_CANCEL = 12
    SOCKET_BATCH = 13
    SOCKET_MODIFY = 14
    KEY = 15
    """Everything signed that has no limit per second."""
    ADDRESS = 16
    """Everything from this IP address that has no limit per second."""


class Quota(Struct, frozen=True, kw_only=True):
    """At most ``count`` requests in any ``window_secs``."""

    count: int
    window_secs: float


MINUTE: Final = 60.0
SECOND: Final = 1.0

VENUE_QUOTAS: Final[Mapping[Family, Quota]] = {
    Family.QUESTION: Quota(count=900, window_secs=MINUTE),
    Family.PUBLIC: Quota(count=30, window_secs=MINUTE),
    Family.TIME: Quota(count=20, window_secs=SECOND),
    Family.STATUS: Quota(count=20, window_secs=SECOND),
    Family.BUCKETS: Quota(count=20, window_secs=SECOND),
    Family.PLACE: Quota(count=400, window_secs=SECOND),
    Family.CANCEL: Quota(count=450, window_secs=SECOND),
    Family.BATCH: Quota(count=400, window_secs=SECOND),
    Family.MODIFY: Quota(count=400, window_secs=SECOND),
    Family.TRANSFER: Quota(count=20, window_secs=SECOND),
    Family.CONNECT: Quota(count=60, window_secs=MINUTE),
    Family.SOCKET_PLACE: Quota(count=400, window_secs=SECOND),
    Family.SOCKET_CANCEL: Quota(count=450, window_secs=SECOND),
    Family.SOCKET_BATCH: Quota(count=400, window_secs=SECOND),
    Family.SOCKET_MODIFY: Quota(count=400, window_secs=SECOND),
    Family.KEY: Quota(count=2000, window_secs=MINUTE),
    Family.ADDRESS: Quota(count=1200, window_secs=MINUTE),
}


class RateLimiter:
    """The shared budget of one API key on one address. Whoever asks first goes first.

    All clients of a process should share one instance: the venue counts them together.
    """

    def __init__(
        self, clock: Clock, quotas: Mapping[Family, Quota] = VENUE_QUOTAS, *, headroom: float = HEADROOM
    ) -> None:
        self._clock = clock
        self._budgets = {family: _Budget(quota, headroom) for family, quota in quotas.items()}

    async def acquire(self, families: Iterable[Family]) -> None:
        """Return when one more request fits all ``families``; it is then counted in each."""
        budgets = [self._budgets[family] for family in sorted(set(families))]
        async with AsyncExitStack() as turns:
            # Narrow before wide, one at a time: who waits for a narrow budget does not hold up the wide ones, and
            # with one order for all nobody waits in a circle. Room in a budget only grows while we hold its turn.
            for budget in budgets:
                await turns.enter_async_context(budget.turn)
                await self._wait_for_room([budget])
            await self._wait_for_room(budgets)
            now = self._clock.monotonic()
            for budget in budgets:
                budget.take(now)

    async def _wait_for_room(self, budgets: list["_Budget"]) -> None:
        while (wait := max(budget.secs_until_room(self._clock.monotonic()) for budget in budgets)) > 0.0:
            await self._clock.sleep(wait)

    def pause(self, families: Iterable[Family], retry_after_secs: float | None = None) -> float:
        """The venue refused for frequency: hold ``families`` back and return for how many seconds.

        Without a ``Retry-After`` until the longest of their windows is over, for the reply does not say which budget
        was exceeded.
        """
        budgets = [self._budgets[family] for family in families]
        longest = max(budget.quota.window_secs for budget in budgets)
        pause = min(longest if retry_after_secs is None else max(retry_after_secs, 0.0), MAX_PAUSE_SECS)
        until = self._clock.monotonic() + pause
        for budget in budgets:
            budget.paused_until = max(budget.paused_until, until)
        return pause


class _Budget:
    """A sliding window over the last requests of one family."""

    def __init__(self, quota: Quota, headroom: float) -> None:
        self.quota = quota
        self.turn = asyncio.Lock()
        """Its waiters are served in order."""
        self.paused_until = float("-inf")
        self._taken: deque[float] = deque(maxlen=max(1, int(quota.count * headroom)))

    def secs_until_room(self, now: float) -> float:
        free_at = self.paused_until
        if len(self._taken) == self._taken.maxlen:
            free_at = max(free_at, self._taken[0] + self.quota.window_secs)
        return free_at - now

    def take(self, now: float) -> None:
        self._taken.append(now)
