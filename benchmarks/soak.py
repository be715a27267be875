"""A minute of heavy traffic through the real way: a socket, the VALR client, the live engine, its bus.

The venue is a process of its own. **Latency** of a message is from the moment it goes into the socket at the other
end, so that it is readable here a little later, to the moment the last object made of it is published on the bus:
what the loop had to finish first is in it, and every wait for a core on a machine that has other work. **Reckoned** it
leaves those waits out: the messages as they were sent, one after the other, each for the processor time that the
thread of the loop has taken from the object before to its own.
"""

import asyncio
import multiprocessing
import resource
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from nautilus_trader.core.data import Data
from nautilus_trader.model.data import Bar, OrderBookDeltas
from nautilus_trader.model.identifiers import InstrumentId

from benchmarks.live import LiveData, live_data, until
from benchmarks.row import Row, timing
from benchmarks.sender import Plan, Sent, serve
from benchmarks.traffic import MS_PER_MIN
from benchmarks.world import World
from helios_nautilus.adapters.valr.constants import VALR
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_MS, NS_PER_SEC

type Ints = npt.NDArray[np.int64]

PAIRS: Final = (
    *("BTCZAR", "ETHZAR", "SOLZAR", "BNBZAR", "AVAXZAR", "LINKZAR", "USDTZAR", "USDCZAR"),
    *("BTCUSDT", "ETHUSDT"),
)
"""Ten whose quantities have the eight decimals of the traffic."""
PER_SEC: Final = 1_000

_WARM_SHARE: Final = 0.25
"""What is sent before this share of all messages is not judged: imports, rings and caches fill up."""
_SAMPLE_SECS: Final = 0.25
_MEMORY: Final = Path("/proc/self/statm")
_PATIENCE_SECS: Final = 15.0
"""For what is still on its way when all has been sent; a bucket after a hole waits for the answer about it."""


class Soak(Struct, frozen=True, kw_only=True):
    """What came out of it."""

    latencies_secs: list[float]
    reckoned_secs: list[float]
    per_sec: float
    errors: int
    """Messages lost or out of order, books dropped, and books that differ at the end."""
    growth: float | None
    """Bytes of this process for 10 000 messages more; None where the system does not tell."""


def soak_rows(world: World) -> Iterator[Row]:
    """A thousand messages a second for a minute; quick, for four seconds."""
    soak = _run_soak(4 if world.quick else 60)
    yield timing("VALR, soak: message in the socket to object on the bus", soak.latencies_secs, 5e-3, "p99")
    yield timing("VALR, soak: the same, reckoned without waits for a core", soak.reckoned_secs, 5e-3, "p99")
    yield Row(what="VALR, soak: messages", unit="messages/s", p50=soak.per_sec)
    yield Row(what="VALR, soak: lost or out of order", unit="", p50=float(soak.errors), target=1.0)
    if soak.growth is not None:
        yield Row(what="VALR, soak: memory for 10 000 messages more", unit="B", p50=soak.growth)


def _run_soak(secs: int) -> Soak:
    """Start a sender for so long, and listen to it."""
    count = secs * PER_SEC
    # The last bucket must have closed by now, and there is a minute for every message.
    start_ms = (time.time_ns() // NS_PER_MIN - count - 1) * MS_PER_MIN
    plan = Plan(pairs=PAIRS, count=count, per_sec=PER_SEC, start_ms=start_ms)
    ours, theirs = multiprocessing.Pipe()
    # Spawned, not forked: a copy of this process would share its threads' locks.
    sender = multiprocessing.get_context("spawn").Process(target=serve, args=(plan, theirs), daemon=True)
    sender.start()
    theirs.close()  # so that its end, should it fail, is an end of file here
    try:
        return asyncio.run(_listen(plan, ours))
    finally:
        sender.terminate()
        sender.join()


async def _listen(plan: Plan, pipe: Connection) -> Soak:
    """The real client, from its connection to its last message."""
    url = await asyncio.to_thread(pipe.recv)
    async with live_data(url) as live:
        tape = _Tape(plan)
        live.bus.subscribe("data.*", tape.take)
        live.subscribe(plan.pairs)
        sampling = asyncio.create_task(tape.sample_memory())
        sent: Sent = await asyncio.to_thread(pipe.recv)
        with suppress(TimeoutError):
            await until(lambda: all(tape.heard_ns[1:]), _PATIENCE_SECS)
        sampling.cancel()
        return _judge(live, plan, sent, tape)


class _Tape:
    """When the last object of every message was published, by the message's number, and what came out of order."""

    def __init__(self, plan: Plan) -> None:
        self._start_ns = plan.start_ms * NS_PER_MS
        self._last: dict[tuple[type, InstrumentId], Data] = {}
        self._newest = 0
        # Of full size from the beginning: memory is measured.
        self.heard_ns = array("q", bytes(8 * (plan.count + 1)))
        self.worked_ns = array("q", bytes(8 * (plan.count + 1)))
        self.disorder = 0
        self.memory: list[tuple[int, int]] = []

    def take(self, data: Data) -> None:
        """Hear what was published."""
        now_ns = time.monotonic_ns()
        is_bar = isinstance(data, Bar)
        number = (data.ts_event - self._start_ns) // (NS_PER_MIN if is_bar else NS_PER_MS)
        if not 0 < number < len(self.heard_ns):
            return
        self.heard_ns[number] = now_ns
        self.worked_ns[number] = time.thread_time_ns()
        self._newest = number
        name = data.bar_type.instrument_id if is_bar else data.instrument_id
        last = self._last.get((type(data), name))
        self._last[type(data), name] = data
        if last is not None and not _follows(data, last):
            self.disorder += 1

    async def sample_memory(self) -> None:
        """Note how much memory this process has, again and again; not where the system does not tell."""
        while _MEMORY.exists():
            self.memory.append((self._newest, int(_MEMORY.read_text().split()[1]) * resource.getpagesize()))
            await asyncio.sleep(_SAMPLE_SECS)


def _growth(memory: Sequence[tuple[int, int]], count: int) -> float:
    """Bytes for 10 000 messages more, once warm: the slope of a line through the samples."""
    warm = np.array([sample for sample in memory if sample[0] > count * _WARM_SHARE], dtype=float)
    return float(np.polyfit(warm[:, 0], warm[:, 1], 1)[0]) * 10_000


def _follows(data: Data, last: Data) -> bool:
    """Newer, and of a book the very next."""
    if isinstance(data, OrderBookDeltas) and data.sequence != last.sequence + 1:
        return False
    return bool(data.ts_event > last.ts_event)


def _judge(live: LiveData, plan: Plan, sent: Sent, tape: _Tape) -> Soak:
    heard_ns, worked_ns, sent_ns = np.array(tape.heard_ns[1:]), np.array(tape.worked_ns[1:]), np.array(sent.stamps_ns)
    is_heard = heard_ns > 0
    lost = int((~is_heard).sum())
    heard_ns, worked_ns, arrived_ns = heard_ns[is_heard], worked_ns[is_heard], sent_ns[is_heard]
    served_ns = np.diff(worked_ns, prepend=worked_ns[0])
    warm = np.arange(heard_ns.size) >= plan.count * _WARM_SHARE
    differing = sum(not _is_same(live, pair, sides) for pair, sides in sent.books.items())
    return Soak(
        latencies_secs=((heard_ns - arrived_ns)[warm] / NS_PER_SEC).tolist(),
        reckoned_secs=(time_in_queue(arrived_ns, served_ns)[warm] / NS_PER_SEC).tolist(),
        per_sec=(plan.count - 1) * NS_PER_SEC / float(sent_ns[-1] - sent_ns[0]),
        errors=lost + tape.disorder + live.client.book_misses + differing,
        growth=_growth(tape.memory, plan.count) if tape.memory else None,
    )


def time_in_queue(arrived: Ints, served: Ints) -> Ints:
    """How long each customer is with a single server who takes ``served`` for it: waits for those before included."""
    until_now = np.cumsum(served)
    return until_now + np.maximum.accumulate(arrived - until_now + served) - arrived


def _is_same(live: LiveData, pair: str, sides: tuple[dict[int, str], dict[int, str]]) -> bool:
    """Whether the engine's book is the venue's."""
    book = live.cache.order_book(InstrumentId.from_str(f"{pair}.{VALR}"))
    return all(
        {int(level.price): level.size() for level in ours} == {price: float(size) for price, size in theirs.items()}
        for ours, theirs in zip((book.bids(), book.asks()), sides, strict=True)
    )
