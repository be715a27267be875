"""How late an event loop comes to what is due: the delay that every quote, fill and exit has as well."""

from asyncio import TimerHandle
from collections.abc import Callable
from typing import Any, Final, Protocol

_EVERY_SECS: Final = 0.1


class Loop(Protocol):
    """What is needed of an event loop."""

    def time(self) -> float:
        """Seconds on a scale that never jumps."""
        ...

    def call_later(self, delay: float, callback: Callable[[], Any]) -> TimerHandle:
        """Call in so many seconds."""
        ...


class Pulse:
    """Asks a loop to be woken ten times a second, and notes how late it was; on the loop's own thread."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._worst_secs = 0.0
        self._due = 0.0
        self._handle: TimerHandle | None = None

    def start(self) -> None:
        """Begin; before the loop runs, too."""
        self._due = self._loop.time() + _EVERY_SECS
        self._handle = self._loop.call_later(_EVERY_SECS, self._beat)

    def stop(self) -> None:
        """Be woken no more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def take_worst_ms(self) -> float:
        """The longest delay since last asked, milliseconds; what is overdue right now counts."""
        worst = max(self._worst_secs, self._loop.time() - self._due if self._handle is not None else 0.0)
        self._worst_secs = 0.0
        return worst * 1e3

    def _beat(self) -> None:
        self._worst_secs = max(self._worst_secs, self._loop.time() - self._due)
        self.start()
