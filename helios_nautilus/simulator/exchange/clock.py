"""The venue's time: the wall clock's, a faster one that starts anywhere, or one that a test moves by hand."""

import time
from typing import Protocol


class Clock(Protocol):
    """Two readings: venue time, which may run fast, and the time clients live in."""

    speed: float
    """Venue seconds per second of the client."""

    def now_ns(self) -> int:
        """Venue time: what stamps, candles and funding go by."""
        ...

    def client_ns(self) -> int:
        """The clients' time: what signatures and rate limits go by."""
        ...


class RunningClock:
    """Starts at a venue time and runs ``speed`` times as fast as the wall clock."""

    def __init__(self, start_ns: int, speed: float = 1.0) -> None:
        self.speed = speed
        self._start_ns = start_ns
        self._started_ns = time.monotonic_ns()

    def now_ns(self) -> int:
        """Venue time."""
        return self._start_ns + int((time.monotonic_ns() - self._started_ns) * self.speed)

    def client_ns(self) -> int:
        """The wall clock."""
        return time.time_ns()


class ManualClock:
    """Stands still until it is set; equal calls then give equal runs."""

    speed = 1.0

    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """Venue time."""
        return self._now_ns

    def client_ns(self) -> int:
        """The same: clients of such a venue share its clock."""
        return self._now_ns

    def set(self, now_ns: int) -> None:
        """Move to a time that is not earlier."""
        self._now_ns = max(self._now_ns, now_ns)
