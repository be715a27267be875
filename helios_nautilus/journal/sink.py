"""The writer's own connection to PostgreSQL: a pipelined transaction for each batch, and a deadline on everything."""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import psycopg
from psycopg import AsyncConnection

from helios_nautilus.errors import HeliosError, JournalError
from helios_nautilus.journal.chain import Row
from helios_nautilus.journal.delivery import AwayError
from helios_nautilus.journal.spool import Refusal
from helios_nautilus.journal.tables import by_table, columns_of, insert_statement

_TWICE: Final = "the journal holds another row in its place; was the run id given to two runs?"
_GIVE_UP: Final = "SELECT set_config('statement_timeout', %s, false)"
_OF_THE_ROWS: Final = (psycopg.DataError, psycopg.IntegrityError)
"""Failures that trying again does not mend."""

# psycopg warns of every connection that is lost; here that is an `AwayError`, and told as one.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


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
                self._connection = await self._open()
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

    async def _open(self) -> AsyncConnection:
        try:
            address = await asyncio.to_thread(self._address)
            connection = await AsyncConnection.connect(address, autocommit=True, application_name="helios journal")
            # A statement given up here must not wait on there, and those of the next connection behind it.
            await connection.execute(_GIVE_UP, [f"{self._write_secs * 1e3:.0f}"])
            return connection
        except psycopg.Error as error:
            # Without its cause: libpq quotes from an address that it cannot read, the password too.
            raise AwayError(f"the journal's database cannot be reached: {_reason(error)}") from None
        except (HeliosError, OSError) as error:
            raise AwayError(f"the journal's database cannot be reached: {error}") from error

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
            words = f"no answer in {self._write_secs:g} s" if deadline.when() <= loop.time() else _reason(error)
            raise AwayError(f"the journal's database is away: {words}") from error
        finally:
            deadline.cancel()
        return [Refusal(_TWICE, row) for row in rows if (row.run_id, row.seq) in taken]

    def _hang_up(self) -> None:
        """Cut the line under a waiting connection. Cancelling it would first ask a server that may answer nobody."""
        if self._connection is None or self._connection.closed:
            return
        with suppress(OSError), socket.fromfd(self._connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.shutdown(socket.SHUT_RDWR)


def _reason(error: Exception) -> str:
    """What went wrong, without anything of the address: hosts are left out, as a malformed one may hold a password."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return error.diag.message_primary
    lines = str(error).splitlines() or [""]
    _, found, words = lines[0].rpartition("failed: ")
    if not found:
        return f"{type(error).__name__} of the driver; check the address and the network"
    return words
