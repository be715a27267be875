"""Fifty clients that read a dashboard at once, and what a node's decisions and answers take meanwhile."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle, islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
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
_PAUSE_SECS: Final = 4.2
"""Of each client between two requests: together they stay just below the pages that one caller may have."""
_PATHS: Final = (
    *("/", "/decisions", "/controls"),
    *("/api/v1/status", "/api/v1/metrics", "/api/v1/decisions", "/api/v1/equity?span=1D", "/api/v1/events"),
)
_NICENESS: Final = 19
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
    """Fifty clients read pages and API in turn; yields how often they got which HTTP status, known at the end.

    They are a process of their own that takes what processor time is left, for in life they are on other machines.
    """
    spawning = get_context("spawn")
    here, there = spawning.Pipe()
    process = spawning.Process(target=_crowd, args=(url, there))
    process.start()
    statuses = Counter[int]()
    try:
        here.recv()
        yield statuses
        here.send(None)
        statuses.update(here.recv())
        process.join()
    finally:
        process.kill()


def _crowd(url: str, out: Connection) -> None:
    os.nice(_NICENESS)
    asyncio.run(_read_together(url, out))


async def _read_together(url: str, out: Connection) -> None:
    """Read until told to stop; the first answer is told at once, all of them at the end."""
    statuses, answered = Counter[int](), asyncio.Event()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30.0)) as session:
        tasks = [asyncio.create_task(_read(session, url, each, statuses, answered)) for each in range(CLIENTS)]
        await answered.wait()
        out.send(None)
        await asyncio.to_thread(out.recv)
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)
    out.send(statuses)


async def _read(
    session: aiohttp.ClientSession, url: str, client: int, statuses: Counter[int], answered: asyncio.Event
) -> None:
    await asyncio.sleep(_PAUSE_SECS * client / CLIENTS)
    for path in islice(cycle(_PATHS), client % len(_PATHS), None):
        async with session.get(url + path) as reply:
            await reply.read()
            statuses[reply.status] += 1
        answered.set()
        await asyncio.sleep(_PAUSE_SECS)
