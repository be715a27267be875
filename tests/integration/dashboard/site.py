"""A dashboard that serves on a free port, the rows it shows, and a node that answers its commands."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

import httpx
import uvicorn
from fastapi import FastAPI
from msgspec import Struct
from msgspec.structs import replace

from helios_nautilus.dashboard.app import build_app
from helios_nautilus.dashboard.prompt import PromptProtocol
from helios_nautilus.dashboard.settings import DashboardSettings
from helios_nautilus.dashboard.tokens import ROLES, Role, TokenFile
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN
from helios_nautilus.journal.command_rows import CommandRows, open_rows
from helios_nautilus.journal.commands import Answer
from helios_nautilus.journal.post import Post
from helios_nautilus.journal.postgres import connect
from helios_nautilus.journal.records import (
    AccountRecord,
    EventRecord,
    KillSwitchRecord,
    OutcomeRecord,
    RebalanceRecord,
    Record,
    WeightChange,
)
from helios_nautilus.journal.standing import StandingReader
from tests.integration.journal.samples import BTC, RUN, mark, predict, propose, size, trade

NOW_NS: Final = 20_000 * NS_PER_DAY + 6 * NS_PER_HOUR
"""When the rows were written: six in the morning."""


class Site(Struct, frozen=True, kw_only=True):
    """A running dashboard. ``client`` sends no token of its own accord."""

    app: FastAPI
    client: httpx.Client
    folder: Path
    tokens: dict[Role, str]

    def ask(self, method: str, path: str, role: Role | None = None, **more: Any) -> httpx.Response:
        bearer = {} if role is None else {"Authorization": f"Bearer {self.tokens[role]}"}
        return self.client.request(method, path, headers=more.pop("headers", {}) | bearer, **more)

    @property
    def told(self) -> str:
        """The security log."""
        return (self.folder / "security.log").read_text()


@contextmanager
def serve(
    url: str, folder: Path, *, has_tokens: bool = True, connections: int | None = None, **changed: Any
) -> Iterator[Site]:
    """A dashboard over the database at ``url`` with a token a role, on a thread of its own."""
    settings = DashboardSettings(**{"mode": "paper", "folder": folder, "wait_secs": 0.0} | changed)
    kept = TokenFile(settings.tokens)
    tokens = {role: kept.add(f"the {role}", role, 1) for role in ROLES} if has_tokens else {}
    post = Post(folder / "commands", partial(open_rows, url))
    app = build_app(settings, StandingReader(lambda: url), post)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, http=PromptProtocol, log_config=None, proxy_headers=False, limit_concurrency=connections
    )
    server = uvicorn.Server(config)
    thread = Thread(target=partial(asyncio.run, server.serve([listener])))
    thread.start()
    try:
        # Requests wait in the listener's queue until it serves.
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=30.0) as client:
            yield Site(app=app, client=client, folder=folder, tokens=tokens)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def node(url: str, outcome: Any = "done") -> Iterator[None]:
    """Answers every command that is written, until the end."""
    over = Event()

    def obey() -> None:
        with connect(url) as connection:
            rows = CommandRows(connection)
            while not over.wait(0.01):
                for letter in rows.unanswered("paper"):
                    words = f"{letter.read().verb} obeyed"
                    rows.put_answer(
                        Answer(
                            command_id=letter.command_id,
                            ts_ns=time.time_ns(),
                            run_id="paper-2",
                            outcome=outcome,
                            words=words,
                        )
                    )

    thread = Thread(target=obey)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def first_run() -> list[Record]:
    """Two days of an account that began with R100 000: hourly marks, a trade, and decisions that came to nothing."""
    start_ns = NOW_NS - 54 * NS_PER_HOUR
    begun = replace(RUN, run_id="paper-1", mode="paper", ts_ns=start_ns)
    return [begun, *_hours(start_ns, 48), *trade("D-1", start_ns + NS_PER_HOUR)]


def second_run() -> list[Record]:
    """The six hours since midnight, which continue the first run."""
    start_ns = NOW_NS - 6 * NS_PER_HOUR
    return [
        replace(RUN, run_id="paper-2", mode="paper", ts_ns=start_ns),
        AccountRecord(ts_ns=start_ns, kind="cash", balances={}, holdings=(), continues="paper-1"),
        *_hours(start_ns, 6),
        predict("D-9", NOW_NS - NS_PER_MIN),
        propose("D-9", NOW_NS - NS_PER_MIN),
        replace(size("D-9", NOW_NS - NS_PER_MIN, approved=False), words="no edge: 0.1 % after costs"),
        EventRecord(ts_ns=NOW_NS - 3 * NS_PER_MIN, kind="drift", words="features have moved"),
        KillSwitchRecord(ts_ns=NOW_NS - 2 * NS_PER_MIN, state="HALT", trigger="OPERATOR", words="by hand"),
        RebalanceRecord(
            ts_ns=NOW_NS - NS_PER_MIN,
            reason="DAILY",
            equity=101_000.0,
            changes=(WeightChange(instrument_id=BTC, current=0.1, target=0.2, change=0.1, view=None),),
            cash=0.8,
        ),
    ]


def _hours(start_ns: int, count: int) -> list[Record]:
    """A mark, a prediction and its outcome every hour; equity moves half as much as bitcoin does."""
    rows: list[Record] = []
    for hour in range(count):
        ts_ns = start_ns + hour * NS_PER_HOUR
        is_up = bool(ts_ns // NS_PER_HOUR % 2)
        decision_id = f"H-{ts_ns}"
        rows.append(replace(mark(ts_ns), equity=100_500.0 if is_up else 100_000.0))
        rows.append(replace(predict(decision_id, ts_ns), price=1_010_000.0 if is_up else 1_000_000.0))
        rows.append(
            OutcomeRecord(
                ts_ns=ts_ns + 1,
                decision_id=decision_id,
                instrument_id=BTC,
                predicted_ns=ts_ns,
                side="LONG",
                confidence=0.8,
                label="BUY",
                net_return=0.01,
            )
        )
    return rows
