"""The journal in PostgreSQL, for who reads it and for who keeps a whole run at once."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import batched
from typing import Any, Final

import msgspec
import psycopg
from msgspec.structs import asdict
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import class_row

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.chain import Chain, Row
from helios_nautilus.journal.decisions import DecisionFilter, StoredDecision
from helios_nautilus.journal.migrations import pending
from helios_nautilus.journal.protocol import Found, StoredRun
from helios_nautilus.journal.records import AnyRecord, Mode, Record, RunRecord
from helios_nautilus.journal.sql import queries
from helios_nautilus.journal.tables import (
    TABLES,
    by_table,
    copy_statement,
    kind_of,
    possible_ids,
    unknown_run,
    values_of,
)
from helios_nautilus.journal.verification import verify_run

_CONNECT_SECS: Final = 5
_FETCHED: Final = 2000
"""Rows that are in memory at once while a whole run is read."""
_COPIED: Final = 20_000
"""And while it is stored: those of a long run would be a multiple of its records."""

_decoder: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


class PostgresJournal:
    """Runs kept in a database that has the schema. One thread at a time; every method may raise `JournalError`."""

    def __init__(self, connection: Connection, clock: Callable[[], int] = time.time_ns) -> None:
        self._connection = connection
        self._clock = clock

    def runs(self) -> list[StoredRun]:
        """All runs, the one recorded last first."""
        return self._runs()

    def run_ids(self) -> list[str]:
        """Every run that a row was ever written of, newest first, also one that has lost its first."""
        return [run_id for (run_id,) in self._ask("run_ids")]

    def run(self, run_id: str) -> StoredRun:
        """One run."""
        found = self._runs(run_id=run_id)
        if not found:
            raise unknown_run(run_id)
        return found[0]

    def run_record(self, run_id: str) -> RunRecord:
        """The record that a run began with."""
        found = [record for record in self._records("run_body", run_id=run_id) if isinstance(record, RunRecord)]
        if not found:
            raise unknown_run(run_id)
        return found[0]

    def records(self, run_id: str) -> list[Record]:
        """Every record of a run, in order."""
        found = self._records("bodies", run_id=run_id)
        if not found:
            self.run(run_id)
        return found

    def records_of[R: Record](self, run_id: str, kind: type[R]) -> list[R]:
        """The records of a run that are of one kind, in order."""
        found = self._records("bodies_of", table=TABLES[kind], run_id=run_id)
        if not found:
            self.run(run_id)
        return [record for record in found if isinstance(record, kind)]

    def records_since[R: Record](self, mode: Mode, since_ns: int, kind: type[R]) -> list[R]:
        """The records of one kind, of every run of a mode, whose stamp is not before ``since_ns``, in its order."""
        found = self._records("bodies_since", table=TABLES[kind], mode=mode, since_ns=since_ns)
        return [record for record in found if isinstance(record, kind)]

    def decision(self, run_id: str, decision_id: str) -> list[Record]:
        """Every record of one decision, in order."""
        found = self._records("decision", run_id=run_id, decision_id=decision_id)
        if not found:
            self.run(run_id)
            raise JournalError(f"run {run_id} knows no decision {decision_id}")
        return found

    def find(self, name: str, run_id: str | None = None) -> Sequence[Found]:
        """The decisions that a decision id, client order id, position id or trade id names, newest run first."""
        return [
            Found(run_id=run, decision_id=decision) for run, decision in self._ask("find", name=name, run_id=run_id)
        ]

    def decisions(self, wanted: DecisionFilter, limit: int) -> list[StoredDecision]:
        """What became of predictions, the newest first."""
        values = asdict(wanted) | {"count": limit}
        with speaking(), self._connection.cursor(row_factory=class_row(StoredDecision)) as cursor:
            return cursor.execute(queries()["decisions"], values).fetchall()

    def rows(self, run_id: str) -> Generator[Row]:
        """Every row of a run, in order, a few at a time; nothing else can be asked until it is closed."""
        with speaking(), self._connection.transaction(), self._connection.cursor(name="rows") as cursor:
            cursor.itersize = _FETCHED
            for values in cursor.execute(queries()["rows"], {"run_id": run_id}):
                yield _to_row(*values)

    def tail(self, run_id: str, count: int) -> list[Row]:
        """The last rows of a run, in order."""
        self.run(run_id)
        return [_to_row(*values) for values in self._ask("last_rows", run_id=run_id, count=count)]

    def verify(self, run_id: str) -> int:
        """Number of rows of a run; `JournalError` names the first that is missing, doubled, added or changed."""
        with speaking(), self._connection.transaction():
            # A run that is still being written is seen as it is now, rows and head.
            self._connection.execute(queries()["hold_still"])
            known = self._ask("chain_head", run_id=run_id)
            if not known:
                raise unknown_run(run_id)
            with closing(self.rows(run_id)) as rows:
                return verify_run(run_id, rows, *known[0])

    def store_run(self, records: Iterable[Record], run: RunRecord) -> StoredRun:
        """Keep a whole run, all of it or nothing.

        An equal chain under the same run id is kept once: the run that is returned was then recorded earlier. Another
        chain under the same id is kept as ``id.2``, ``id.3`` and so on.
        """
        stamp, records = self._clock(), list(records)
        if not records:
            raise JournalError(f"run {run.run_id} has no records to keep")
        whole = Chain(run.run_id, run.mode)
        for record in records:
            whole.link(record, stamp)
        with speaking(), self._connection.transaction():
            self._connection.execute(queries()["lock_run"], {"run_id": run.run_id})
            run_id, is_new = self._place(run.run_id, (len(records), whole.head))
            if is_new:
                chain = Chain(run_id, run.mode)
                for some in batched(records, _COPIED):
                    self._copy(chain.link(record, stamp) for record in some)
            return self.run(run_id)

    def append_to(self, run_id: str, records: Iterable[Record]) -> None:
        """Add records to a run that nobody writes any more, all of them or nothing."""
        stamp = self._clock()
        with speaking(), self._connection.transaction():
            self._connection.execute(queries()["lock_run"], {"run_id": run_id})
            run = self.run(run_id)
            chain = Chain(run_id, run.mode, run.rows, run.head)
            self._copy(chain.link(record, stamp) for record in records)

    def ended_before(self, ts_ns: int) -> list[StoredRun]:
        """The runs whose last row was written down before a stamp, the oldest first."""
        return self._runs(ended_before_ns=ts_ns)[::-1]

    def retire(self, run_id: str) -> None:
        """Take a whole run out, for good."""
        with speaking(), self._connection.transaction():
            self._connection.execute(queries()["allow_retirement"], {"run_id": run_id})
            for table in TABLES.values():
                self._connection.execute(queries()["delete"].format(table=table), {"run_id": run_id})
            self._connection.execute(queries()["forget_head"], {"run_id": run_id})

    def _runs(self, *, run_id: str | None = None, ended_before_ns: int | None = None) -> list[StoredRun]:
        values = {"run_id": run_id, "ended_before_ns": ended_before_ns}
        with speaking(), self._connection.cursor(row_factory=class_row(StoredRun)) as cursor:
            return cursor.execute(queries()["runs"], values).fetchall()

    def _place(self, run_id: str, head: tuple[int, bytes]) -> tuple[str, bool]:
        """The id under which a chain is or will be kept, and whether it is new."""
        for name in possible_ids(run_id):
            known = self._ask("chain_head", run_id=name)
            if not known or known[0] == head:
                return name, not known
        raise AssertionError("there is always one more id")

    def _copy(self, rows: Iterable[Row]) -> None:
        with self._connection.cursor() as cursor:
            for table, own in by_table(rows).items():
                with cursor.copy(copy_statement(table)) as copy:
                    for row in own:
                        copy.write_row(values_of(row))

    def _ask(self, query: str, *, table: str = "", **values: object) -> list[tuple[Any, ...]]:
        statement = queries()[query].format(table=table) if table else queries()[query]
        with speaking():
            return self._connection.execute(statement, values).fetchall()

    def _records(self, query: str, *, table: str = "", **values: object) -> list[Record]:
        try:
            return [_decoder.decode(body) for (body,) in self._ask(query, table=table, **values)]
        except msgspec.MsgspecError as error:
            asked = ", ".join(f"{name} {value}" for name, value in values.items())
            raise JournalError(f"a row of {asked} is no record: {error}") from error


@contextmanager
def connect(url: str) -> Iterator[Connection]:
    """A connection to a database, brought to the schema of today; every statement is its own transaction."""
    try:
        host = conninfo_to_dict(url).get("host") or ""
    except psycopg.ProgrammingError:
        # Its words repeat the text, which may hold a password.
        raise JournalError("HELIOS_DATABASE_URL is no address: write it like postgresql://user@host/database") from None
    if "@" in str(host):  # what follows the first one in a password; the driver would name it as the host
        raise JournalError("HELIOS_DATABASE_URL has a password with an @ in it: write that as %40")
    with speaking():
        connection: Connection = psycopg.connect(url, autocommit=True, connect_timeout=_CONNECT_SECS)
    try:
        with speaking():
            migrate(connection)
        yield connection
    finally:
        connection.close()


def migrate(connection: Connection, clock: Callable[[], int] = time.time_ns) -> None:
    """Apply what a database lacks, each script in a transaction of its own; several processes may try at once."""
    while steps := pending(_version(connection)):
        with connection.transaction():
            connection.execute(queries()["lock_schema"])
            if not _scalar(connection, "has_schema"):
                connection.execute(queries()["create_versions"])
            step = steps[0]
            # Another process may have been faster while this one waited.
            if _scalar(connection, "schema_version") < step.version:
                connection.execute(step.sql)
                values = {"version": step.version, "name": step.name, "applied_ns": clock()}
                connection.execute(queries()["note_version"], values)


def _version(connection: Connection) -> int:
    """Version of a database's schema; 0 where there is none."""
    return int(_scalar(connection, "schema_version")) if _scalar(connection, "has_schema") else 0


def _scalar(connection: Connection, query: str) -> Any:
    row = connection.execute(queries()[query]).fetchone()
    assert row is not None, "the query always answers"
    return row[0]


def _to_row(source: str, *values: Any) -> Row:
    run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, digest = values
    return Row(
        run_id=run_id,
        seq=seq,
        kind=kind_of(source),
        mode=mode,
        ts_event=ts_event,
        ts_recorded=ts_recorded,
        decision_id=decision_id,
        instrument_id=instrument_id,
        body=body.encode(),
        hash=digest,
    )


@contextmanager
def speaking() -> Iterator[None]:
    """The database's errors as ours, in one line."""
    try:
        yield
    except psycopg.Error as error:
        raise JournalError(f"the journal's database: {' '.join(str(error).split())}") from error
