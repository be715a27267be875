"""The client's only source of time, so that tests own it."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits."""

    def time_ns(self) -> int:
        """Now, nanoseconds UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a scale that never jumps."""
        ...

    async def sleep(self, secs: float) -> None:
        """Return after ``secs`` of the monotonic scale."""
        ...


class SystemClock:
    """The machine's clock."""

    def time_ns(self) -> int:
        """Now, nanoseconds UTC."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    async def sleep(self, secs: float) -> None:
        """Yield to the loop for ``secs``."""
        await asyncio.sleep(secs)
