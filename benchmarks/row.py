"""What a benchmark yields: a figure with its spread, and the target it is held against."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Literal

import numpy as np
from msgspec import Struct

type Judged = Literal["p50", "p95", "p99"]


class Row(Struct, frozen=True, kw_only=True):
    """One line of the table. ``unit`` is ``s``, ``B`` for bytes, ``x`` for ratios, nothing for a count, or a rate."""

    what: str
    unit: str = "s"
    p50: float
    p95: float | None = None
    p99: float | None = None
    target: float | None = None
    """A time or a ratio must lie below it, a rate above; None where the specification names no target."""
    judged: Judged = "p50"
    """Which figure is held against the target."""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        figure: float | None = getattr(self, self.judged)
        if self.target is None or figure is None:
            return None
        return bool(figure > self.target if self.unit.endswith("/s") else figure < self.target)


def time_calls(call: Callable[[], object], count: int) -> list[float]:
    """Seconds of each of ``count`` calls, after a tenth as many that do not count."""
    for _ in range(max(count // 10, 1)):
        call()
    return [time_call(call) for _ in range(count)]


def time_call(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    started = perf_counter()
    call()
    return perf_counter() - started


def timing(what: str, seconds: Sequence[float], target: float | None = None, judged: Judged = "p50") -> Row:
    """A row of several timings, with as many percentiles as they can tell."""
    p50, p95, p99 = np.percentile(seconds, (50, 95, 99)).tolist()
    return Row(
        what=what,
        p50=p50,
        p95=p95 if len(seconds) >= 10 else None,
        p99=p99 if len(seconds) >= 100 else None,
        target=target,
        judged=judged,
    )


def rate(what: str, unit: str, count: int, seconds: Sequence[float], target: float | None = None) -> Row:
    """A row of how many of something pass in a second, by the median of several timings."""
    return Row(what=what, unit=f"{unit}/s", p50=count / float(np.median(seconds)), target=target)
