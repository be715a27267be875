"""VALR's market data on one core: from the bytes of a frame to the engine's objects, by the way the client takes."""

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import Final

from nautilus_trader.common.component import LiveClock, Logger
from nautilus_trader.model.data import BarType

from benchmarks.account import account_rows
from benchmarks.instrument import PAIR, listed_instrument
from benchmarks.row import Row, time_call, timing
from benchmarks.traffic import LEVELS, MS_PER_MIN, Book, bucket_frame, trade_frame
from benchmarks.world import World
from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.books import BookView
from helios_nautilus.adapters.valr.stream import MarketStream

_START_MS: Final = 1_760_000_040_000
"""A whole minute in the past."""
_TARGET_SECS: Final = 50e-6


def venue_rows(world: World) -> Iterator[Row]:
    """Books as deltas and quotes, trades, bars; then an account's frames as events of orders."""
    for what, frames, target in _kinds(world.count):
        yield timing(f"VALR, frame to object: {what}", asyncio.run(_time(frames)), target)
    yield from account_rows(world)


def _kinds(count_of: Callable[[int], int]) -> Iterator[tuple[str, list[bytes], float | None]]:
    """Kinds of frames, the first of each not counted, and what to hold them against."""
    rng, stamps = random.Random(0), count(_START_MS)
    book = Book(PAIR, rng)

    def snapshot() -> bytes:
        """Of a book that has moved on: one that is known already would be passed over."""
        book.diff(next(stamps))
        return book.snapshot(next(stamps))

    def diffs(changes: int, number: int) -> list[bytes]:
        return [snapshot(), *(book.diff(next(stamps), changes) for _ in range(number))]

    yield f"book of {LEVELS} levels, 4 change", diffs(4, count_of(20_000)), _TARGET_SECS
    yield f"book of {LEVELS} levels, {LEVELS} change", diffs(LEVELS, count_of(5_000)), None
    yield f"snapshot, {LEVELS} levels a side", [snapshot() for _ in range(count_of(3_000))], None
    yield "trade", [trade_frame(PAIR, next(stamps), rng) for _ in range(count_of(10_000))], _TARGET_SECS
    minutes = range(_START_MS, _START_MS + count_of(5_000) * MS_PER_MIN, MS_PER_MIN)
    yield "bar", [bucket_frame(PAIR, minute, rng) for minute in minutes], _TARGET_SECS


async def _time(frames: Sequence[bytes]) -> list[float]:
    """Seconds from each frame but the first to the last object that was made of it.

    Awaits nothing; the stream looks for the running loop.
    """
    published: list[object] = []
    instrument, clock = listed_instrument(), LiveClock()
    stream = MarketStream(
        "ws://nowhere",
        ValrHttp(HttpConfig()),
        publish=published.append,
        on_funding_run=lambda _: None,
        spawn=lambda _: None,
        now_ns=clock.timestamp_ns,
        log=Logger("benchmark"),
        bar_grace_secs=0.0,
    )
    stream.view_book(instrument, BookView.DELTAS)
    stream.view_book(instrument, BookView.QUOTES)
    stream.want_trades(instrument)
    stream.want_bars(BarType.from_str(f"{instrument.id}-1-MINUTE-LAST-EXTERNAL"), instrument, 0)
    take: Callable[[bytes], None] = stream._on_message  # what the socket calls
    take(frames[0])
    seconds = []
    for frame in frames[1:]:
        published.clear()
        seconds.append(time_call(partial(take, frame)))
        assert published, "a frame came to nothing"
    return seconds
