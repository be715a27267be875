"""Where a writer's rows go: to the database while it is there and nothing older waits, else to the spool.

A row is kept once the database has committed it or the spool has it on the disk. Rows are kept in the order they come;
the database gets them in that order too, and those that it already had are not written twice.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.chain import Row
from helios_nautilus.journal.segment import Segment, read_segment
from helios_nautilus.journal.spool import Refusal, Spool, SpoolFullError, adopt_spools


class AwayError(JournalError):
    """The database cannot be had now, says the text; what was being written may have arrived or not."""


class Database(Protocol):
    """Where rows are to end up. Writing a row twice is writing it once."""

    async def connect(self) -> None:
        """Make sure that there is a connection; `AwayError` if none can be had."""
        ...

    async def write(self, rows: Sequence[Row]) -> Sequence[Refusal]:
        """Commit rows in one transaction; those it will never take come back. `AwayError` if it could not be done."""
        ...

    def abort(self) -> None:
        """Break off what is under way: it ends in `AwayError` at once."""
        ...

    async def close(self) -> None:
        """Let the connection go."""
        ...


class Delivery:
    """Keeps the rows of one run. `keep` and `catch_up` may run side by side in one event loop, each once at a time."""

    def __init__(self, database: Database, spool: Spool, tell: Callable[[str], None], chunk_rows: int = 500) -> None:
        self._database = database
        self._spool = spool
        self._tell = tell
        self._chunk_rows = chunk_rows
        self._told = ""
        """Why rows go to the spool, as it was told; empty while they need not."""
        self.away = asyncio.Event()
        """Set while rows do not go straight to the database."""
        self.away.set()
        self.is_stuck = False
        """The last rows found no place: neither the database nor the spool took them."""
        self.kept = 0
        """Rows of this run that are kept."""
        self.stored = 0
        """Rows that the database has taken from here, those of other runs too."""

    @property
    def is_direct(self) -> bool:
        """Rows go straight to the database."""
        return not self.away.is_set()

    async def keep(self, rows: Sequence[Row], *, is_crowded: bool = False) -> bool:
        """Keep the next rows of the run, all or none; False if neither database nor spool has room: try again later.

        When more wait behind them than the database keeps up with (``is_crowded``), they rather go to the spool.
        """
        is_kept = (
            (self.is_direct and not is_crowded and await self._store(rows))
            or self._put_by(rows)
            or (self.is_direct and await self._store(rows))
        )
        if is_kept:
            self.kept += len(rows)
            if self.is_stuck:
                self._tell("the journal keeps rows again")
        self.is_stuck = not is_kept
        return is_kept

    async def catch_up(self) -> bool:
        """Bring the database everything that waits in spools, the oldest first; whether rows now go straight to it."""
        try:
            await self._database.connect()
        except AwayError as error:
            self._leave(str(error))
            return False
        before = self.stored
        for left in adopt_spools(self._spool.folder.parent):
            try:
                if not await self._empty(left):
                    return False
            finally:
                left.close()
        if not await self._empty(self._spool):
            return False
        self.away.clear()
        if self._told:
            self._tell(f"the journal's database is back; {self.stored - before} rows came from the spool")
        self._told = ""
        return True

    async def _empty(self, spool: Spool) -> bool:
        """Bring the database what waits in a spool, also what is put there meanwhile."""
        try:
            while (path := spool.oldest()) is not None:
                segment = read_segment(path)
                for rows in _chunks(segment.rows, self._chunk_rows):
                    if not await self._store(rows):
                        return False
                self._discard(spool, path, segment)
        except OSError as error:
            self._leave(f"the spool {spool.folder} cannot be emptied: {error.strerror}")
            return False
        return True

    def _discard(self, spool: Spool, path: Path, segment: Segment) -> None:
        if segment.torn_bytes:
            self._tell(f"{path} ended in a write that was cut off; its {segment.torn_bytes} bytes were never kept rows")
        if not segment.damaged:
            spool.remove(path)
            return
        place = spool.set_apart(path)
        spans = ", ".join(map(str, segment.damaged))
        self._tell(f"the journal has lost rows that cannot be read: {spans} of {place}; the others are stored")

    def _put_by(self, rows: Sequence[Row]) -> bool:
        """Into the spool; all that follow must go there too, until it is empty."""
        try:
            self._spool.append(rows)
        except SpoolFullError as error:
            if not self.is_stuck and not self.is_direct:
                self._tell(f"the journal has no place for rows any more: {error}")
            return False
        if self.is_direct:
            self._leave("the journal's database is too slow")
        return True

    async def _store(self, rows: Sequence[Row]) -> bool:
        try:
            refused = await self._database.write(rows)
            if refused:
                self._refuse(refused)
        except (AwayError, SpoolFullError) as error:
            self._leave(str(error))
            return False
        self.stored += len(rows) - len(refused)
        return True

    def _refuse(self, refused: Sequence[Refusal]) -> None:
        place = self._spool.refuse(refused)
        first = refused[0]
        self._tell(
            f"the journal's database refused row {first.row.seq} of run {first.row.run_id}: {first.words}; "
            f"{len(refused)} in all, to be found in {place}"
        )

    def _leave(self, words: str) -> None:
        self.away.set()
        if words != self._told:
            self._tell(f"{words}; the journal's rows go to the spool {self._spool.folder.parent}")
        self._told = words


def _chunks(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
