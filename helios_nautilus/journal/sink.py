"""The writer's own connection to PostgreSQL: a pipelined transaction for each batch, and a deadline on everything."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import psycopg
from psycopg import AsyncConnection

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.chain import Row
from helios_nautilus.journal.delivery import AwayError
from helios_nautilus.journal.line import cut_line, open_line, reason_of
from helios_nautilus.journal.spool import Refusal
from helios_nautilus.journal.tables import by_table, columns_of, insert_statement

_TWICE: Final = "the journal holds another row in its place; was the run id given to two runs?"
_OF_THE_ROWS: Final = (psycopg.DataError, psycopg.IntegrityError)
"""Failures that trying again does not mend."""


class PostgresSink:
    """The `Database` of a live journal.

    ``address`` says where the server is each time a connection is wanted, on another thread and as long as it takes: it
    may start a server and bring its schema up to date. What it returns appears in no error, log or repr.
    """

    def __init__(self, address: Callable[[], str], connect_secs: float = 15.0, write_secs: float = 2.0) -> None:
        self._address = address
        self._connect_secs = connect_secs
        self._write_secs = write_secs
        self._connection: AsyncConnection | None = None
        self._patience: asyncio.Timeout | None = None

    async def connect(self) -> None:
        """See `Database`."""
        if self._connection is not None and not self._connection.closed:
            return
        try:
            async with asyncio.timeout(self._connect_secs) as self._patience:
                self._connection = await open_line(self._address, "helios journal", self._write_secs)
        except TimeoutError:
            raise AwayError(f"the journal's database did not answer in {self._connect_secs:g} s") from None
        finally:
            self._patience = None

    async def write(self, rows: Sequence[Row]) -> Sequence[Refusal]:
        """See `Database`; a row that cannot be taken is found by halves, and keeps none of the others out."""
        try:
            return await self._insert(rows)
        except _OF_THE_ROWS as error:
            if len(rows) == 1:
                return [Refusal(error.diag.message_primary or type(error).__name__, rows[0])]
        except AwayError:
            raise
        except JournalError as error:  # a kind this program does not know
            if len(rows) == 1:
                return [Refusal(str(error), rows[0])]
        half = len(rows) // 2
        return [*await self.write(rows[:half]), *await self.write(rows[half:])]

    def abort(self) -> None:
        """See `Database`."""
        if self._patience is not None:
            self._patience.reschedule(asyncio.get_running_loop().time())
        self._hang_up()

    async def close(self) -> None:
        """See `Database`."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _insert(self, rows: Sequence[Row]) -> list[Refusal]:
        tables = by_table(rows)
        connection = self._connection
        if connection is None or connection.closed:
            raise AwayError("the journal's database is not connected")
        loop = asyncio.get_running_loop()
        deadline = loop.call_later(self._write_secs, self._hang_up)
        try:
            async with connection.pipeline(), connection.transaction():
                cursors = [await connection.execute(insert_statement(t), columns_of(tables[t])) for t in tables]
            taken = {key for cursor in cursors for key in await cursor.fetchall()}
        except _OF_THE_ROWS:
            raise
        except (psycopg.Error, OSError) as error:
            await connection.close()
            words = f"no answer in {self._write_secs:g} s" if deadline.when() <= loop.time() else reason_of(error)
            raise AwayError(f"the journal's database is away: {words}") from error
        finally:
            deadline.cancel()
        return [Refusal(_TWICE, row) for row in rows if (row.run_id, row.seq) in taken]

    def _hang_up(self) -> None:
        if self._connection is not None:
            cut_line(self._connection)
