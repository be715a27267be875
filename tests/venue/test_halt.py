"""A halt of a live node while VALR refuses, delays and loses its first exits: flat all the same, and nothing twice."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from queue import SimpleQueue

import pytest

from helios_nautilus.journal.records import FillRecord, KillSwitchRecord, OrderRecord, Record
from helios_nautilus.simulator.exchange.faults import Fault, FaultScript
from helios_nautilus.simulator.exchange.opening import Credentials
from helios_nautilus.simulator.exchange.server import Exchange
from tests.acceptance.cli import confirmed, write_config
from tests.integration.valr_exec.desk import simulator
from tests.venue.commands import PAIRS, Venue, ask_venue, has_entered, held, journalled, of, settings

DUST = Decimal("0.001")
TROUBLE = FaultScript(
    fault=(
        Fault(kind="rate_limit", on="POST /v2/orders/limit*", nth=1, times=2),
        Fault(kind="error_before", on="POST /v2/orders/limit*", nth=3, times=1),
        Fault(kind="error_after", on="POST /v2/orders/limit*", nth=4, times=1, status=502),
        Fault(kind="slow_reply", on="POST /v2/orders/*", nth=1, times=3, secs=1.0),
    )
)
"""Of the exits: two are refused, one never arrives, one arrives and its answer is lost; the first answers are slow."""


class Floor:
    """A venue of this process, whose faults the test plays, and who trades there."""

    def __init__(self, exchange: Exchange, login: Credentials, loop: asyncio.AbstractEventLoop, folder: Path) -> None:
        self._exchange = exchange
        self._loop = loop
        self.venue = Venue(url=exchange.url, key=login.key, secret=login.secret, folder=folder)

    def play(self, script: FaultScript) -> None:
        """From now on this goes wrong."""
        self._loop.call_soon_threadsafe(self._exchange.play, script)


@contextmanager
def serving(folder: Path) -> Iterator[Floor]:
    """Run a simulator on a thread of its own."""
    opened: SimpleQueue[Floor] = SimpleQueue()
    closing: SimpleQueue[Callable[[], object]] = SimpleQueue()

    async def serve() -> None:
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        async with simulator(label="simulator") as (exchange, login):
            closing.put(lambda: loop.call_soon_threadsafe(done.set))
            opened.put(Floor(exchange, login, loop, folder))
            await done.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        yield opened.get(timeout=60)
    finally:
        closing.get(timeout=60)()
        thread.join()


@pytest.fixture
def floor(tmp_path: Path, own_home: Path) -> Iterator[Floor]:
    """With history and a model for a node."""
    with serving(tmp_path) as floor:
        venue = floor.venue
        write_config(tmp_path / "run.toml", settings(venue.url))
        start = f"{datetime.now(UTC) - timedelta(hours=23):%Y-%m-%dT%H:00}"
        fetched = venue.run("data", "backfill", *PAIRS, "--from", start, "--catalog", "market", "--url", venue.url)
        assert fetched.end() == 0, fetched.lines
        trained = venue.run("train", "run.toml")
        assert trained.end() == 0, trained.lines
        yield floor


def is_out(found: list[Record]) -> bool:
    """Trading was halted, and what was held then has been closed."""
    return bool(of(KillSwitchRecord, found)) and max(map(abs, held(of(FillRecord, found)).values())) < DUST


def test_a_halt_gets_out_by_bounded_limits_however_often_the_venue_refuses_or_loses_them(floor: Floor) -> None:
    venue = floor.venue
    node = venue.run("live", "run.toml", *confirmed("simulator"), **venue.keys)
    try:
        run_id = node.until("journal ").split()[-1]
        node.until("ready ")
        journalled(run_id, has_entered)
        floor.play(TROUBLE)
        killed = venue.run("kill", "--mode", "live", "--why", "a test", "--who", "ann")
        assert killed.end() == 0, killed.lines
        found = journalled(run_id, is_out)
        floor.play(FaultScript())
        assert node.stop() == 0, node.lines
    finally:
        node.kill()

    exits = [order for order in of(OrderRecord, found) if order.role == "EXIT" and order.status == "SUBMITTED"]
    assert exits[0].order_type == "LIMIT"
    assert len(exits) > len({order.instrument_id for order in exits}), "some had to be sent again"
    theirs, working = asyncio.run(ask_venue(venue))
    assert {fill.trade_id: (fill.quantity, fill.price) for fill in of(FillRecord, found)} == theirs
    assert working == []
