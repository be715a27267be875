"""A whole Helios in processes of its own: a simulated VALR, a database, a live node, a dashboard, a webhook."""

import asyncio
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.enums import RequestSide
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.schemas.requests import MarketOrder
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.errors import JournalError
from helios_nautilus.history.demo import write_demo
from helios_nautilus.journal.connect import DATABASE_URL
from helios_nautilus.journal.records import Record
from helios_nautilus.simulator.market import MarketConfig
from helios_nautilus.watch.webhook import ALERT_URL
from tests.acceptance.cli import confirmed, write_config
from tests.integration.dashboard_pages.stage import Dashboard
from tests.integration.journal_writer.server import Server
from tests.integration.watch.receiver import Receiver, receiving
from tests.venue.commands import PATIENCE_SECS, POLL_SECS, Command, Venue, opened, records, settings
from tests.venue.test_watched_node import free_port

DUST = {"BTC": Decimal("0.0005"), "ETH": Decimal("0.005"), "SOL": Decimal("0.01")}
"""By coin: what may be left after all was closed that an order can close."""
SPEED: Final = 20.0
"""Venue seconds per second of `hurried`: a decision every three seconds."""
_TALKATIVE = {"alerts.repeat_mins": 0.01}


class Node:
    """A live node that is ready, and its run."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.run_id = command.until("journal ").split()[-1]
        command.until("ready ")

    def records(self) -> list[Record]:
        """What the journal has of it; nothing while the database is away."""
        with suppress(JournalError):
            return records(self.run_id)
        return []


class House:
    """Everything that runs, and what can be asked of it; ``common`` are the settings of all nodes in it."""

    def __init__(
        self, venue: Venue, common: dict[str, Any], database: Server, dashboard: Dashboard, receiver: Receiver
    ) -> None:
        self.venue = venue
        self._common = common
        self.database = database
        self.dashboard = dashboard
        self.receiver = receiver
        self.metrics_port = free_port()

    @contextmanager
    def node(self, name: str, changes: dict[str, Any], **environ: str) -> Iterator[Node]:
        """A live node of these settings; it must stop in order."""
        chosen = self._common | _TALKATIVE | {"metrics.port": self.metrics_port, "name": name} | changes
        write_config(self.venue.folder / f"{name}.toml", chosen)
        secrets = {ALERT_URL: self.receiver.url, **self.venue.keys, **environ}
        command = self.venue.run("live", f"{name}.toml", *confirmed("simulator"), **secrets)
        try:
            yield Node(command)
            assert command.stop() == 0, command.lines
        finally:
            command.kill()

    def order(self, *arguments: str) -> None:
        """Give an order on a terminal that the node acknowledges."""
        given = self.venue.run(*arguments, "--mode", "live", "--why", "the script", "--who", "ann")
        assert given.end() == 0, given.lines

    def get(self, path: str) -> Any:
        """What the dashboard's API answers; None while it cannot."""
        try:
            with urllib.request.urlopen(f"{self.dashboard.url}/api/v1/{path}", timeout=20) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
            return None
        except OSError:
            return None

    def post(self, path: str, **body: object) -> Any:
        """Give a command to the dashboard's API; what it answers."""
        request = urllib.request.Request(
            f"{self.dashboard.url}/api/v1/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as reply:
            assert reply.status == 200, reply.status
            return json.load(reply)

    def metric(self, sample: str) -> float:
        """One sample as Prometheus reads it; 0 where there is none."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=20) as reply:
            lines = reply.read().decode().splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(f"{sample} ")), 0.0)

    def held(self) -> dict[str, Decimal]:
        """Signed quantity of each coin that is traded, out of the venue's own ledger; dust is left out."""
        with urllib.request.urlopen(f"{self.venue.url}/simulator/ledger", timeout=20) as reply:
            rows = json.load(reply)["balances"]
        account = max(row["account_id"] for row in rows)
        totals = {row["currency"]: Decimal(row["total"]) for row in rows if row["account_id"] == account}
        return {coin: totals[coin] for coin, dust in DUST.items() if abs(totals.get(coin, Decimal(0))) > dust}

    @contextmanager
    def silence(self) -> Iterator[None]:
        """The venue stands still meanwhile: its lines are open, and nobody answers."""
        assert self.venue.sim is not None
        self.venue.sim.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.venue.sim.send(signal.SIGCONT)

    def trade_by_hand(self, pair: str, quantity: Decimal) -> None:
        """Somebody trades the account from another screen."""
        with ThreadPoolExecutor(1) as apart:  # a browser's loop may run on this thread
            apart.submit(asyncio.run, _trade(self.venue, pair, quantity)).result()


@contextmanager
def housing(venue: Venue, home: Path, common: dict[str, Any] | None = None) -> Iterator[House]:
    """Open a house over a simulator; without ``common`` settings for one at our own time."""
    database = Server(home / "journal")
    os.environ[DATABASE_URL] = database.url
    dashboard = Dashboard(database.url, "live")
    try:
        with receiving() as receiver:
            house = House(venue, common or settings(venue.url), database, dashboard, receiver)
            dashboard.start()
            yield house
    finally:
        dashboard.kill()
        del os.environ[DATABASE_URL]


@contextmanager
def hurried(folder: Path, home: Path) -> Iterator[House]:
    """A house whose time runs fast, over an account of money alone.

    It begins at six in the morning of tomorrow: no day ends while it stands, and nothing in it is old for those who go
    by the wall clock.
    """
    opens = (datetime.now(UTC) + timedelta(days=1)).replace(hour=6, minute=0, second=0, microsecond=0)
    start_ns = int((opens - timedelta(hours=48 + opens.hour)).timestamp()) * NS_PER_SEC
    write_demo(folder / "synthetic", MarketConfig(seed=4, days=4, start_ns=start_ns, trades_days=0))
    options = ("--catalog", "synthetic", "--start", f"{opens:%Y-%m-%dT%H:%M}", "--speed", f"{SPEED:g}")
    with opened(folder, *options, "--deposit", "ZAR=1000000", opens=opens) as venue:
        common = settings(venue.url, opens) | {"venue.speed": SPEED}
        with housing(venue, home, common) as house:
            yield house


async def _trade(venue: Venue, pair: str, quantity: Decimal) -> None:
    http = ValrHttp(HttpConfig(base_url=venue.url), Credentials(venue.key, venue.secret))
    side = RequestSide.SELL if quantity < 0 else RequestSide.BUY
    try:
        await http.post_market_order(MarketOrder(pair=pair, side=side, base_amount=str(abs(quantity))))
    finally:
        await http.close()


def eventually[T](ask: Callable[[], T | None]) -> T:
    """Ask until there is an answer."""
    deadline = time.monotonic() + PATIENCE_SECS
    while not (found := ask()):
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(POLL_SECS)
    return found
