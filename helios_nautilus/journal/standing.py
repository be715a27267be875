"""A connection for who watches all day: made when it is wanted, made anew after it was lost, and only for reading."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Final

from psycopg import Connection
from psycopg.rows import class_row

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.postgres import connect, speaking
from helios_nautilus.journal.sql import queries

_PAUSE_SECS: Final = 1.0
"""After a failure to connect the next ones are refused for so long: a page must not wait for each of its parts."""


class StandingReader:
    """Asks a journal's database, from any thread, one question at a time.

    Every question may raise `JournalError`, and the next one tries again. ``address`` gives the database's URL;
    ``answer_secs`` is how long a question may take, or wait for its turn behind one that does not come back.
    """

    def __init__(
        self,
        address: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
        answer_secs: float = 5.0,
    ) -> None:
        self._address = address
        self._clock = clock
        self._answer_secs = answer_secs
        self._lock = Lock()
        self._open = ExitStack()
        self._connection: Connection | None = None
        self._trouble = ""
        self._again_at = 0.0

    def ask[T](self, query: str, kind: type[T], **values: object) -> list[T]:
        """The rows of a query of ``sql/``, each as a ``kind`` made of its columns by name."""
        with self.connection() as connection, speaking(), connection.cursor(row_factory=class_row(kind)) as cursor:
            return cursor.execute(queries()[query], values).fetchall()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """The connection, for as long as the caller keeps it; it is let go if it broke."""
        if not self._lock.acquire(timeout=self._answer_secs):
            raise JournalError("the journal's database does not answer")
        try:
            connection = self._connection or self._connect()
            try:
                yield connection
            finally:
                if connection.closed:  # or broken, which closes it
                    self._let_go()
        finally:
            self._lock.release()

    def close(self) -> None:
        """Let go of the connection; another question makes a new one."""
        with self._lock:
            self._let_go()

    def _connect(self) -> Connection:
        if self._clock() < self._again_at:
            raise JournalError(self._trouble)
        try:
            connection = self._open.enter_context(connect(self._address()))
            with speaking():
                connection.execute(queries()["watch_bounds"], {"timeout_ms": int(self._answer_secs * 1000)})
        except JournalError as error:
            self._trouble, self._again_at = str(error), self._clock() + _PAUSE_SECS
            self._let_go()
            raise
        self._connection = connection
        return connection

    def _let_go(self) -> None:
        self._connection = None
        self._open.close()
