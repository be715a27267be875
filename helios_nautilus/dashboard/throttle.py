"""How often may be asked, guessed and ordered: moving windows in memory.

What takes risk away is never held back, and neither is a right token: who guesses through the same proxy as others must
not be able to lock them out.
"""

import math
import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from msgspec import Struct


class Rates(Struct, frozen=True, kw_only=True):
    """As the package `limits` writes them."""

    failures: str = "10/minute"
    """Wrong tokens of one address."""
    failures_of_all: str = "60/minute"
    """Wrong tokens of all."""
    reads: str = "900/minute"
    """Of one caller."""
    pages: str = "300/minute"
    """Of one caller, reads as well: a page costs ten times what an answer of the API does."""
    orders: str = "30/minute"
    """Commands of one caller that loosen."""


class Throttle:
    """Says for how many seconds somebody has to wait; 0 if not at all. Everything is forgotten at a restart."""

    def __init__(self, rates: Rates) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._failures, self._failures_of_all = parse(rates.failures), parse(rates.failures_of_all)
        self._reads, self._pages, self._orders = parse(rates.reads), parse(rates.pages), parse(rates.orders)

    def failed(self, address: str) -> int:
        """A wrong token came from an address."""
        of_all = self._take(self._failures_of_all, "failures of all")
        return self._take(self._failures, "failures", address) or of_all

    def read(self, caller: str) -> int:
        """A caller asks for something."""
        return self._take(self._reads, "reads", caller)

    def page(self, caller: str) -> int:
        """A caller asks for a page."""
        return self._take(self._pages, "pages", caller)

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
