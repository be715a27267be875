"""The writer's thread: gives records their place in the chain, batches them, and keeps the database in reach."""

import asyncio
import threading
import time
from collections.abc import Callable
from math import inf
from typing import Annotated

from msgspec import Meta, Struct

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.chain import Chain, Row
from helios_nautilus.journal.delivery import Database, Delivery
from helios_nautilus.journal.inbox import Inbox
from helios_nautilus.journal.records import EventRecord, Record

type _Count = Annotated[int, Meta(ge=1)]


class WriterSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much a writer holds, and for how long."""

    queue_rows: _Count = 20_000
    """Records that may wait in memory; more are lost, counted and told."""
    batch_rows: _Count = 500
    """Rows of one transaction, at most."""
    batch_ms: _Count = 50
    """How long a record waits for others before it is written."""
    retry_ms: _Count = 200
    """Pause before the next try to reach the database; doubled each time."""
    retry_max_ms: _Count = 10_000
    spool_mb: Annotated[float, Meta(gt=0.0)] = 512.0
    """Bound of the whole spool folder, what earlier processes left included."""


class Scribe:
    """Writes what comes into an inbox until it is told to stop; all but `stop` happens on its own thread.

    It looks into the inbox every ``batch_ms`` instead of being woken: a wake-up would cost the engine a system call for
    each record. ``on_kept`` is called after every batch; ``tell`` gets a sentence for a human now and then.
    """

    def __init__(
        self,
        inbox: Inbox,
        chain: Chain,
        delivery: Delivery,
        database: Database,
        settings: WriterSettings,
        clock: Callable[[], int],
        on_kept: Callable[[], None],
        tell: Callable[[str], None],
    ) -> None:
        self._inbox = inbox
        self._chain = chain
        self._delivery = delivery
        self._database = database
        self._settings = settings
        self._clock = clock
        self._on_kept = on_kept
        self._tell = tell
        self._stop = threading.Event()
        self._stop_by = inf
        self._drained = asyncio.Event()
        self.held: list[Row] = []
        """Rows that have their place and are not kept yet."""

    def stop(self, timeout_secs: float) -> None:
        """End when all is kept, or when the time has passed; from any thread."""
        self._stop_by = time.monotonic() + timeout_secs
        self._stop.set()

    async def run(self) -> None:
        """Write until stopped."""
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(self._watch())
            connecting = tasks.create_task(self._stay_connected())
            await self._drain()
            self._drained.set()
            await connecting
            watching.cancel()
        await self._database.close()

    async def _drain(self) -> None:
        batch_rows = self._settings.batch_rows
        while True:
            is_last = self._stop.is_set()  # asked first: what came before the stop is taken then
            is_late = time.monotonic() >= self._stop_by
            self.held = self.held or [self._link(record) for record in self._inbox.take(batch_rows)]
            if not self.held and is_last:
                return
            is_full = len(self.held) == batch_rows
            if self.held and await self._delivery.keep(self.held, is_crowded=is_late or self._inbox.is_crowded):
                self.held = []
                self._on_kept()
                if is_full or is_last:
                    continue
            elif is_late:
                return
            await asyncio.sleep(self._settings.batch_ms / 1e3)

    async def _stay_connected(self) -> None:
        """Reach for the database whenever rows do not go straight to it, and a last time in the end."""
        pause = self._settings.retry_ms / 1e3
        while not self._drained.is_set():
            if await self._delivery.catch_up():
                pause = self._settings.retry_ms / 1e3
                await _first_of(self._delivery.away, self._drained)
            else:
                await _first_of(self._drained, timeout_secs=pause)
                pause = min(2.0 * pause, self._settings.retry_max_ms / 1e3)
        if not self._delivery.is_direct and time.monotonic() < self._stop_by:
            await self._delivery.catch_up()

    async def _watch(self) -> None:
        """Beside whatever waits for the database: say that records are being lost, and end the wait when time is up."""
        is_told = False
        while True:
            if time.monotonic() >= self._stop_by:
                self._database.abort()
            if self._inbox.is_losing and not is_told:
                self._tell("the journal's queue is full: records are being lost")
                is_told = True
            if self._inbox.is_losing and not self._inbox.is_crowded:
                self._inbox.is_losing = is_told = False
                self._tell(f"the journal's queue has room again; {self._inbox.lost} records were lost so far")
            await asyncio.sleep(self._settings.batch_ms / 1e3)

    def _link(self, record: Record) -> Row:
        now = self._clock()
        try:
            return self._chain.link(record, now)
        except JournalError as error:
            return self._chain.link(EventRecord(ts_ns=now, kind="journal_record_refused", words=str(error)), now)


async def _first_of(*events: asyncio.Event, timeout_secs: float | None = None) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, timeout=timeout_secs, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
