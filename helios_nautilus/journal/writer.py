"""The journal of a paper or live run: takes records on the engine's thread and keeps them on another.

    engine's thread ── append ──►  Inbox  ──►  Scribe: link, batch  ──►  Delivery  ──►  database
                                                                                  └──►  spool on the disk

Whatever becomes of the database or the disk, `append` only puts a record into a bounded queue.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol, Self

from msgspec import Struct

from helios_nautilus.journal.chain import Chain
from helios_nautilus.journal.delivery import Database, Delivery
from helios_nautilus.journal.inbox import Inbox
from helios_nautilus.journal.records import Mode, Record
from helios_nautilus.journal.scribe import Scribe, WriterSettings
from helios_nautilus.journal.spool import open_spool


class WriterStatus(Struct, frozen=True, kw_only=True):
    """How a writer is getting on."""

    waiting: int
    """Records in the queue."""
    kept: int
    """Rows of this run that are in the database or on the disk."""
    stored: int
    """Rows that the database has taken, those left by earlier processes too."""
    lost: int
    """Records for which the queue had no room."""
    is_direct: bool
    """Rows go straight to the database."""
    is_healthy: bool


class LiveJournal(Protocol):
    """What a node sees of the journal it writes: a `Journal` that says how it is getting on."""

    def append(self, record: Record) -> None:
        """See `Journal`."""
        ...

    @property
    def is_healthy(self) -> bool:
        """What is appended now will be kept."""
        ...

    def status(self) -> WriterStatus:
        """Figures of this moment."""
        ...


class JournalWriter:
    """A `Journal` that never waits and never raises; one thread appends.

    Rows are kept in the order of `append`, each once, as one chain that verifies: a record gets its place in it when it
    is written, so that lost ones leave no gap but an `EventRecord` that counts them. What waits in the queue when the
    process ends is gone, so it is to be closed. `JournalError` is raised if there can be no spool.

    Parameters
    ----------
    run_id, mode
        Whose rows they are. A run id belongs to one writer.
    database
        Where rows end up, e.g. a `PostgresSink`; used on the writer's thread only.
    spool
        Folder for what the database cannot take now; all writers share it.
    settings
        See `WriterSettings`.
    on_trouble
        Gets a sentence when something goes wrong and when it is right again, on the writer's thread.
    clock
        Nanoseconds UTC, for ``ts_recorded``.

    """

    def __init__(
        self,
        run_id: str,
        mode: Mode,
        database: Database,
        spool: Path,
        settings: WriterSettings | None = None,
        on_trouble: Callable[[str], None] = lambda _: None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._settings = settings or WriterSettings()
        self._on_trouble = on_trouble
        self._inbox = Inbox(self._settings.queue_rows)
        self._spool = open_spool(spool, run_id, int(self._settings.spool_mb * 2**20))
        self._delivery = Delivery(database, self._spool, self._tell, self._settings.batch_rows)
        self._scribe = Scribe(
            self._inbox,
            Chain(run_id, mode),
            self._delivery,
            database,
            self._settings,
            clock,
            on_kept=self._on_kept,
            tell=self._tell,
        )
        self._thread = threading.Thread(target=self._write, name="helios-journal", daemon=True)
        self._is_closed = False
        self._progress = threading.Condition()

    def start(self) -> None:
        """Begin to write, also what earlier processes left in the spool."""
        self._thread.start()

    def append(self, record: Record) -> None:
        """See `Journal`. When the queue is full the record is lost, and `is_healthy` says so from then on."""
        self._inbox.put(record)

    @property
    def is_healthy(self) -> bool:
        """What is appended now will be kept: there is room in the queue, and in the database or the spool."""
        return self._thread.is_alive() and not self._inbox.is_losing and not self._delivery.is_stuck

    @property
    def committed(self) -> int:
        """How many rows of this run are kept: those with a smaller ``seq``."""
        return self._delivery.kept

    def status(self) -> WriterStatus:
        """Figures of this moment."""
        return WriterStatus(
            waiting=len(self._inbox),
            kept=self._delivery.kept,
            stored=self._delivery.stored,
            lost=self._inbox.lost,
            is_direct=self._delivery.is_direct,
            is_healthy=self.is_healthy,
        )

    def wait_committed(self, count: int, timeout_secs: float) -> bool:
        """Wait until ``count`` rows of this run are kept; False if time runs out. Not for the engine's thread."""
        with self._progress:
            return self._progress.wait_for(lambda: self.committed >= count, timeout_secs)

    def close(self, timeout_secs: float = 10.0) -> bool:
        """Keep what waits and stop; whether everything taken is kept. What is appended from now on is lost.

        If the database can be had within the time it gets what is in the spool too; else a later process sees to it.
        """
        self._inbox.shut()
        if self._thread.ident is None:
            self._spool.close()
            return not len(self._inbox)
        self._is_closed = True
        self._scribe.stop(timeout_secs)
        self._thread.join(timeout_secs + 1.0)
        return not (self._thread.is_alive() or self._scribe.held or len(self._inbox))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self) -> None:
        try:
            # Not the process's default, which the engine sets: the same loop in trading as in tests.
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._scribe.run())
        finally:
            self._spool.close()
            if not self._is_closed:
                self._tell("the journal's writer has come to an unexpected end: nothing more is kept")

    def _on_kept(self) -> None:
        with self._progress:
            self._progress.notify_all()

    def _tell(self, words: str) -> None:
        with suppress(Exception):  # a listener's mistake must not end the journal
            self._on_trouble(words)
