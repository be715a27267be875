"""A simulated exchange in a thread of its own, for tests that call Helios as its user does."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Thread

from helios_nautilus.domain.bars import MarketData
from helios_nautilus.simulator.exchange.clock import Clock, ManualClock
from helios_nautilus.simulator.exchange.faults import Fault, FaultScript
from helios_nautilus.simulator.exchange.opening import open_venue
from helios_nautilus.simulator.exchange.server import Exchange, Rules

BUCKETS = "GET /v1/public/*/buckets"
_COUNTER = Fault(kind="slow_reply", on=BUCKETS, nth=1, times=0, secs=0.0)
"""Does nothing but leave a trace of every question for candles."""
_PATIENCE_SECS = 30.0


@contextmanager
def serving(
    markets: Mapping[str, MarketData],
    opens_ns: int,
    faults: Sequence[Fault] = (),
    *,
    clock: Clock | None = None,
    limit_scale: float = 0.0,
) -> Iterator[Exchange]:
    """An exchange that has just opened; its clock stands still, and it has no limits, unless told otherwise."""
    is_traced = any(fault.kind == _COUNTER.kind for fault in faults)
    script = FaultScript(fault=(*faults,) if is_traced else (*faults, _COUNTER))
    rules = Rules(limit_scale=limit_scale)
    exchange = Exchange(open_venue(markets, opens_ns=opens_ns), clock or ManualClock(opens_ns), rules, script)
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(exchange.start(), loop).result(_PATIENCE_SECS)
        yield exchange
    finally:
        asyncio.run_coroutine_threadsafe(exchange.stop(), loop).result(_PATIENCE_SECS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_PATIENCE_SECS)
        loop.close()


def count_questions(exchange: Exchange) -> int:
    """How many questions for candles it was asked."""
    return sum(strike.kind == _COUNTER.kind for strike in exchange.faults.strikes)
