"""How often may be asked, tried and ordered: moving windows in memory. What takes risk away is never held back."""

import math
import time
from typing import Final

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from msgspec import Struct

_MOST_TRUSTED: Final = 1000
"""Addresses that are remembered for having shown a right token."""


class Rates(Struct, frozen=True, kw_only=True):
    """As the package `limits` writes them."""

    failures: str = "10/minute"
    """Wrong tokens of one address; after that none of its tokens is looked at for a while."""
    failures_of_all: str = "60/minute"
    """Wrong tokens of all; after that only addresses that have shown a right one are listened to."""
    reads: str = "900/minute"
    """Of one caller."""
    orders: str = "30/minute"
    """Commands of one caller that loosen."""


class Throttle:
    """Says for how many seconds somebody has to wait; 0 if not at all. Everything is forgotten at a restart."""

    def __init__(self, rates: Rates) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._failures, self._failures_of_all = parse(rates.failures), parse(rates.failures_of_all)
        self._reads, self._orders = parse(rates.reads), parse(rates.orders)
        self._trusted: dict[str, None] = {}

    def before_trying(self, address: str) -> int:
        """Before a token of an address is looked at."""
        wait_secs = self._left(self._failures, "failures", address)
        if wait_secs == 0 and address not in self._trusted:
            wait_secs = self._left(self._failures_of_all, "failures of all")
        return wait_secs

    def failed(self, address: str) -> None:
        """A wrong token came from there."""
        self._limiter.hit(self._failures, "failures", address)
        self._limiter.hit(self._failures_of_all, "failures of all")

    def succeeded(self, address: str) -> None:
        """A right one did."""
        self._trusted.pop(address, None)
        self._trusted[address] = None
        if len(self._trusted) > _MOST_TRUSTED:
            del self._trusted[next(iter(self._trusted))]

    def read(self, caller: str) -> int:
        """A caller asks for something."""
        return self._take(self._reads, "reads", caller)

    def order(self, caller: str) -> int:
        """A caller orders something that loosens."""
        return self._take(self._orders, "orders", caller)

    def _take(self, rate: RateLimitItem, *of: str) -> int:
        return 0 if self._limiter.hit(rate, *of) else max(self._left(rate, *of), 1)

    def _left(self, rate: RateLimitItem, *of: str) -> int:
        if self._limiter.test(rate, *of):
            return 0
        reset = self._limiter.get_window_stats(rate, *of).reset_time
        return max(math.ceil(reset - time.time()), 1)
