"""A circuit breaker: a provider that keeps failing is left alone, then tried with one call.

Closed lets calls through. After so many failures in a row it opens, and lets none through until the cool-down has
passed. Then it lets through one, whose end decides: closed again, or open for another cool-down. A provider that asks
to be left alone for a while is left alone, closed or not.
"""

import math
from collections.abc import Callable
from typing import Final

_LONGEST_REST_SECS: Final = 600.0
"""A provider may ask for more, but not put itself out of use for the day."""


class Breaker:
    """Counts one provider's failures in a row. Use it from one thread.

    Parameters
    ----------
    failures
        How many in a row open it.
    cooldown_secs
        How long it stays open.
    clock
        Seconds that only go forward.

    """

    def __init__(self, failures: int, cooldown_secs: float, clock: Callable[[], float]) -> None:
        self._limit = failures
        self._cooldown_secs = cooldown_secs
        self._clock = clock
        self._failures = 0
        self._opened: float | None = None
        self._is_trying = False
        self._rests_until = -math.inf

    def admits(self) -> bool:
        """Whether a call may go out; who is told yes must report how it ended."""
        if self._clock() < self._rests_until:
            return False
        if self._opened is None:
            return True
        if self._is_trying or self._clock() - self._opened < self._cooldown_secs:
            return False
        self._is_trying = True
        return True

    def succeeded(self) -> None:
        """A call brought an answer."""
        self._failures, self._opened, self._is_trying = 0, None, False

    def failed(self, rest_secs: float = 0.0) -> None:
        """A call brought none, and the provider asks for so many seconds of rest."""
        # Of calls under way together, one that asks for no rest takes nothing from another that did.
        self._rests_until = max(self._rests_until, self._clock() + min(rest_secs, _LONGEST_REST_SECS))
        self._failures += 1
        if self._failures >= self._limit:
            self._opened = self._clock()
        self._is_trying = False
