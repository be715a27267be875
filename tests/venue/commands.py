"""Helios's own commands as processes against a `helios sim`, and what they leave in the journal.

Timeframes of one to four minutes let a small market do; a decision comes every minute.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.errors import JournalError
from helios_nautilus.journal.connect import open_journal
from helios_nautilus.journal.records import FillRecord, OrderRecord, Record
from tests.acceptance.cli import write_config

PAIRS = ("BTCZAR", "ETHZAR", "SOLZAR")
PATIENCE_SECS = 150.0
POLL_SECS = 0.2


class Command:
    """A command of ours in a process of its own, and the lines it has printed."""

    def __init__(self, folder: Path, *arguments: str, **environ: str) -> None:
        self.lines: list[str] = []
        self._grew = threading.Condition()
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from helios_nautilus.cli.main import main; main()", *arguments],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def until(self, words: str) -> str:
        """Wait for a line that begins with these words."""
        with self._grew:
            found = self._grew.wait_for(lambda: self._find(words) or not self._reader.is_alive(), PATIENCE_SECS)
        line = self._find(words)
        assert found, "\n".join(self.lines)
        assert line is not None, "\n".join(self.lines)
        return line

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def stop(self) -> int:
        """Ask it to stop, and wait until it has; its exit code."""
        self.send(signal.SIGTERM)
        return self.end()

    def end(self) -> int:
        """Wait until it ends by itself."""
        try:
            return self._process.wait(PATIENCE_SECS)
        finally:
            self.kill()

    def kill(self) -> None:
        """Whatever it does, it is gone."""
        self._process.kill()
        self._reader.join()

    def _find(self, words: str) -> str | None:
        return next((line for line in self.lines if line.startswith(words)), None)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._grew:
                self.lines.append(line.rstrip("\n"))
                self._grew.notify_all()
        with self._grew:
            self._grew.notify_all()


class Venue(msgspec.Struct, frozen=True, kw_only=True):
    """Where the simulator is, whose key it takes, and the folder of those who trade there."""

    url: str
    key: str
    secret: str
    folder: Path
    sim: Command | None = None
    """Its process, where it has one of its own."""

    @property
    def keys(self) -> dict[str, str]:
        return {"VALR_API_KEY": self.key, "VALR_API_SECRET": self.secret}

    def run(self, *arguments: str, **environ: str) -> Command:
        return Command(self.folder, *arguments, **environ)


def settings(url: str, opens: datetime | None = None) -> dict[str, Any]:
    """The day of a market before ``opens``, else before now: all of it to train on but the last two hours.

    Bets are made without asking for an edge.
    """
    now = (opens or datetime.now(UTC)).replace(minute=0)
    return {
        "name": "small",
        "data.catalog": "market",
        "data.instruments": [f"{pair}.VALR" for pair in PAIRS],
        "data.reference": "BTCZAR.VALR",
        "data.timeframes.high": "1m",
        "data.timeframes.medium": "2m",
        "data.timeframes.low": "4m",
        "data.timeframes.decision": "1m",
        "account.kind": "margin",
        "backtest.start": f"{now - timedelta(hours=2):%Y-%m-%dT%H:%M}",
        "backtest.end": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "training.window.start": f"{now - timedelta(hours=23):%Y-%m-%dT%H:%M}",
        "training.window.end": f"{now - timedelta(hours=2):%Y-%m-%dT%H:%M}",
        "training.split.train": 0.6,
        "training.split.validation": 0.3,
        "training.optimiser.epochs": 1,
        "model.folder": "model",
        "plan.hold_mins": 60,
        "aether.sizing.margin": True,
        "aether.sizing.min_confidence": 0.0,
        "aether.sizing.min_edge": -1.5,
        "venue.http_url": url,
        "venue.ws_url": url.replace("http", "ws", 1),
        "node.history_days": 1,
    }


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory, own_home: Path) -> Iterator[Venue]:
    """See `opened`; those who trade there have a home of their own."""
    with opened(tmp_path_factory.mktemp("node")) as venue:
        yield venue


@contextmanager
def opened(folder: Path, *options: str, opens: datetime | None = None) -> Iterator[Venue]:
    """A simulator at our own time, or as ``options`` say at another, and a model trained on its last day."""
    sim = Command(folder, "sim", "--port", "0", "--limit-scale", "0", "--sub-account", "--json", *options)
    try:
        shown = msgspec.json.decode(sim.until("{"))
        found = Venue(**shown, folder=folder, sim=sim)
        write_config(folder / "run.toml", settings(found.url, opens))
        start = f"{(opens or datetime.now(UTC)) - timedelta(hours=23):%Y-%m-%dT%H:00}"
        span = ("--from", start) if opens is None else ("--from", start, "--to", f"{opens:%Y-%m-%dT%H:%M}")
        fetched = found.run("data", "backfill", *PAIRS, *span, "--catalog", "market", "--url", found.url)
        assert fetched.end() == 0, fetched.lines
        trained = found.run("train", "run.toml")
        assert trained.end() == 0, trained.lines
        yield found
    finally:
        sim.kill()


def records(run_id: str) -> list[Record]:
    with open_journal() as journal:
        return journal.records(run_id)


def journalled(run_id: str, condition: Callable[[list[Record]], object]) -> list[Record]:
    """Wait until the journal fulfils a condition; what is in it then."""
    deadline = time.monotonic() + PATIENCE_SECS
    found: list[Record] = []
    while not condition(found):
        assert time.monotonic() < deadline, found[-20:]
        time.sleep(POLL_SECS)
        with suppress(JournalError):  # its first rows may wait in the spool until the database is up
            found = records(run_id)
    return found


def of[T: Record](kind: type[T], found: list[Record]) -> list[T]:
    return [record for record in found if isinstance(record, kind)]


def has_entered(found: list[Record]) -> bool:
    """Something was bought or sold, and the engine watches over the stop of it."""
    stops = [order for order in of(OrderRecord, found) if order.role == "STOP"]
    armed = {order.decision_id for order in stops if order.status == "EMULATED"}
    return any(fill.role == "ENTRY" and fill.decision_id in armed for fill in of(FillRecord, found))


def held(fills: list[FillRecord]) -> dict[str, Decimal]:
    """Signed quantity by pair, after commissions taken in base."""
    net: dict[str, Decimal] = {}
    for fill in fills:
        base = fill.commission if fill.instrument_id.startswith(fill.commission_currency) else Decimal(0)
        signed = fill.quantity if fill.side == "BUY" else -fill.quantity
        net[fill.instrument_id] = net.get(fill.instrument_id, Decimal(0)) + signed - base
    return net


async def ask_venue(venue: Venue) -> tuple[dict[str, tuple[Decimal, Decimal]], list[Any]]:
    """The account's trades and its open orders, as the venue has them."""
    http = ValrHttp(HttpConfig(base_url=venue.url), Credentials(venue.key, venue.secret))
    try:
        fills = await http.get_fills()
        return {str(fill.id): (fill.quantity, fill.price) for fill in fills}, list(await http.get_open_orders())
    finally:
        await http.close()
