"""Fifty clients that read a dashboard at once, and what a node's decisions and answers take meanwhile."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle, islice
from typing import Final
from uuid import uuid4

import aiohttp
import numpy as np
from msgspec import Struct

from helios_nautilus.journal.commands import Command, Verb
from helios_nautilus.journal.connect import open_post
from tests.scenario.house import House
from tests.venue.commands import PATIENCE_SECS

CLIENTS: Final = 50
_PAUSE_SECS: Final = 3.6
"""Of each client between two requests: together they stay just below what one caller may read."""
_PATHS: Final = (
    *("/", "/decisions", "/controls"),
    *("/api/v1/status", "/api/v1/metrics", "/api/v1/decisions", "/api/v1/equity?span=1D", "/api/v1/events"),
)
_SAMPLE_SECS: Final = 1.0
_TOGGLE: Final[tuple[Verb, ...]] = ("tier_off", "tier_on")


class Measured(Struct, kw_only=True):
    """What was measured of a node; all in seconds."""

    acknowledgements: list[float]
    loop_lags: list[float]
    decisions: float = 0.0
    """Sum of the times from a bar's close to Guardian's word."""
    decided: float = 0.0
    """How many those were."""

    def figures(self) -> dict[str, float]:
        """By name; those that can be compared with each other's."""
        return {
            "acknowledgement p50": float(np.percentile(self.acknowledgements, 50)),
            "acknowledgement p95": float(np.percentile(self.acknowledgements, 95)),
            "decision mean": self.decisions / max(self.decided, 1.0),
            "loop lag p50": float(np.percentile(self.loop_lags, 50)),
            "loop lag p95": float(np.percentile(self.loop_lags, 95)),
        }


def measure(house: House, secs: float, into: Measured) -> None:
    """Look at a running node once a second, and switch its gate off and on by commands, as often."""
    decisions, decided = (_decision(house, field) for field in ("sum", "count"))
    end = time.monotonic() + secs
    while time.monotonic() < end:
        for verb in _TOGGLE:
            into.loop_lags.append(house.metric("helios_loop_lag_seconds"))
            into.acknowledgements.append(_acknowledged(verb))
            time.sleep(_SAMPLE_SECS)
    into.decisions += _decision(house, "sum") - decisions
    into.decided += _decision(house, "count") - decided


def _decision(house: House, field: str) -> float:
    return house.metric(f"helios_decision_seconds_{field}")


def _acknowledged(verb: Verb) -> float:
    """Seconds from an order to its answer."""
    began, post = time.monotonic(), open_post()
    command = Command(
        command_id=str(uuid4()),
        ts_ns=time.time_ns(),
        mode="live",
        verb=verb,
        tier="gate",
        who="ann",
        why="how fast is the answer",
        origin="cli",
    )
    post.send(command)
    answer = post.wait(command.command_id, PATIENCE_SECS)
    assert answer is not None
    assert answer.outcome == "done", answer
    return time.monotonic() - began


@contextmanager
def crowding(url: str) -> Iterator[Counter[int]]:
    """Fifty clients read pages and API in turn; yields how often they got which HTTP status."""
    statuses, over = Counter[int](), threading.Event()
    thread = threading.Thread(target=asyncio.run, args=(_crowd(url, statuses, over),))
    thread.start()
    try:
        yield statuses
    finally:
        over.set()
        thread.join()


async def _crowd(url: str, statuses: Counter[int], over: threading.Event) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30.0)) as session:
        tasks = [asyncio.create_task(_read(session, url, each, statuses)) for each in range(CLIENTS)]
        await asyncio.to_thread(over.wait)
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)


async def _read(session: aiohttp.ClientSession, url: str, client: int, statuses: Counter[int]) -> None:
    await asyncio.sleep(_PAUSE_SECS * client / CLIENTS)
    for path in islice(cycle(_PATHS), client % len(_PATHS), None):
        async with session.get(url + path) as reply:
            await reply.read()
            statuses[reply.status] += 1
        await asyncio.sleep(_PAUSE_SECS)
