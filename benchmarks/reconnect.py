"""A line to the simulated exchange that breaks, again and again: how soon that is noticed, and made good.

All is seen from the bus. **Noticed** is the CLEAR that takes the book back, **back** is the next quote. Both are
counted from the moment the fault was due.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from typing import Final, Literal

from msgspec import Struct
from nautilus_trader.core.data import Data
from nautilus_trader.model.data import OrderBookDeltas, QuoteTick

from benchmarks.instrument import PAIR
from benchmarks.live import live_data, until
from benchmarks.row import Row, timing
from benchmarks.world import World
from helios_nautilus.simulator.exchange.clock import RunningClock
from helios_nautilus.simulator.exchange.faults import Fault, FaultScript
from helios_nautilus.simulator.exchange.opening import open_venue, synthetic_markets
from helios_nautilus.simulator.exchange.server import Exchange, Rules

type Break = Literal["drop_sockets", "stall_sockets"]

_WORDS: Final[dict[Break, str]] = {"drop_sockets": "line cut", "stall_sockets": "line silent"}
_FIRST_SECS: Final = 3.0
"""A fault waits so long for the client to have its book, and up to ``_SPREAD_SECS`` more."""
_SPREAD_SECS: Final = 2.5
_STALL_SECS: Final = 600.0
_SPEED: Final = 4.0
"""Venue seconds a second: enough business for a quote now and then."""


class Recovery(Struct, frozen=True, kw_only=True):
    """One break."""

    noticed_secs: float
    back_secs: float
    blind_quotes: int
    """Quotes between the loss and the new book."""


def reconnect_rows(world: World) -> Iterator[Row]:
    """Ten cut lines, ten silent ones."""
    blind = 0
    for kind, words in _WORDS.items():
        recoveries = [asyncio.run(_recover(kind, seed)) for seed in range(world.count(10))]
        yield from _rows(f"VALR, {words}: noticed", [each.noticed_secs for each in recoveries], 5.0)
        yield from _rows(f"VALR, {words}: quotes back", [each.back_secs for each in recoveries], 10.0)
        blind += sum(each.blind_quotes for each in recoveries)
    yield Row(what="VALR, lines lost: quotes before the book was back", unit="", p50=float(blind), target=1.0)


def _rows(what: str, seconds: list[float], target: float) -> Iterator[Row]:
    """The median, and the worst, which is held against the target."""
    yield timing(what, seconds)
    yield Row(what=f"{what}, at worst", p50=max(seconds), target=target)


async def _recover(kind: Break, seed: int) -> Recovery:
    """Break a client's line once, at a time drawn from ``seed``."""
    after_secs = _FIRST_SECS + random.Random(seed).uniform(0.0, _SPREAD_SECS)
    fault = Fault(kind=kind, on="trade", after_secs=after_secs * _SPEED, secs=_STALL_SECS * _SPEED)
    venue = open_venue(synthetic_markets(seed=4, days=2), seed=seed, now_ns=time.time_ns())
    tape = _Tape(broken_at=time.monotonic() + after_secs)
    exchange = Exchange(venue, RunningClock(venue.now_ns, _SPEED), Rules(limit_scale=0.0), FaultScript(fault=(fault,)))
    url = await exchange.start()
    try:
        async with live_data(url) as live:
            live.bus.subscribe("data.*", tape.take)
            live.subscribe([PAIR], trades=False, bars=False)
            await until(lambda: tape.back_at)
    finally:
        await exchange.stop()
    return tape.recovery()


class _Tape:
    """What was heard since the break, in seconds of the monotonic clock; 0 is not yet."""

    def __init__(self, broken_at: float) -> None:
        self._broken_at = broken_at
        self._noticed_at = 0.0
        self._has_book = False
        self._blind_quotes = 0
        self.back_at = 0.0

    def take(self, data: Data) -> None:
        """Hear what was published."""
        if isinstance(data, OrderBookDeltas) and data.is_snapshot:
            if len(data.deltas) > 1:
                self._has_book = self._noticed_at > 0.0
            elif not self._noticed_at:
                self._noticed_at = time.monotonic()
        elif isinstance(data, QuoteTick) and self._noticed_at and not self.back_at:
            if self._has_book:
                self.back_at = time.monotonic()
            else:
                self._blind_quotes += 1

    def recovery(self) -> Recovery:
        """All of it, once quotes are back."""
        return Recovery(
            noticed_secs=self._noticed_at - self._broken_at,
            back_secs=self.back_at - self._broken_at,
            blind_quotes=self._blind_quotes,
        )
