"""Nobody changes what was written: the database refuses it, and who goes around the database is found out."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.chain import Chain, Row
from helios_nautilus.journal.postgres import PostgresJournal, connect
from helios_nautilus.journal.tables import TABLES, columns_of, copy_statement, insert_statement, values_of
from tests.integration.journal.samples import RUN, mark, small_run

ROWS = small_run()


@pytest.fixture
def run_id(kept: PostgresJournal) -> str:
    return kept.store_run(ROWS, RUN).run_id


@pytest.fixture
def burglar(connection: psycopg.Connection, run_id: str) -> psycopg.Connection:
    """Someone who has switched the guards off."""
    connection.execute("SET session_replication_role = replica")
    return connection


def broken(kept: PostgresJournal, run_id: str) -> str:
    with pytest.raises(JournalError) as caught:
        kept.verify(run_id)
    return str(caught.value)


def seq_of(kind: str) -> int:
    return next(seq for seq, record in enumerate(ROWS) if type(record).__name__ == kind)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE fills SET body = body",
        "UPDATE ml_predictions SET decision_id = 'D-9'",
        "DELETE FROM orders",
        "DELETE FROM runs WHERE run_id = 'small-1234'",
    ],
)
def test_a_change_is_refused_and_says_so(connection: psycopg.Connection, run_id: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match=f"append-only: .* of run {run_id}"):
        connection.execute(statement.encode())


@pytest.mark.parametrize("table", TABLES.values())
def test_no_table_can_be_emptied(connection: psycopg.Connection, table: str) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="append-only: truncate"):
        connection.execute(f"TRUNCATE {table}".encode())


def test_a_typed_column_cannot_say_another_thing_than_the_body(connection: psycopg.Connection, run_id: str) -> None:
    with pytest.raises(psycopg.errors.GeneratedAlways):
        connection.execute("UPDATE ml_predictions SET p_buy = 0.99")


@pytest.mark.parametrize("kind", ["RunRecord", "FillRecord", "EquityRecord"])
def test_a_changed_body_is_found(kept: PostgresJournal, burglar: psycopg.Connection, run_id: str, kind: str) -> None:
    table = next(table for each, table in TABLES.items() if each.__name__ == kind)
    burglar.execute(f"UPDATE {table} SET body = replace(body::text, '1', '2')::json".encode())
    said = broken(kept, run_id)
    assert f"row {seq_of(kind)} " in said
    assert "changed" in said


@pytest.mark.parametrize(
    "change",
    [
        "decision_id = 'D-2'",
        "instrument_id = 'ETHZAR.VALR'",
        "ts_event = ts_event + 1",
        "hash = sha256('')",
        "mode = 'live'",
    ],
)
def test_a_changed_column_is_found(
    kept: PostgresJournal, burglar: psycopg.Connection, run_id: str, change: str
) -> None:
    burglar.execute(f"UPDATE fills SET {change}".encode())
    assert f"row {seq_of('FillRecord')} " in broken(kept, run_id)


@pytest.mark.parametrize("kind", ["RunRecord", "OrderRecord", "EquityRecord"])
def test_a_deleted_row_is_found_also_when_it_was_the_last(
    kept: PostgresJournal, burglar: psycopg.Connection, run_id: str, kind: str
) -> None:
    table = next(table for each, table in TABLES.items() if each.__name__ == kind)
    burglar.execute(f"DELETE FROM {table}".encode())
    assert f"row {seq_of(kind)} " in broken(kept, run_id)


def test_a_swapped_pair_is_found(kept: PostgresJournal, burglar: psycopg.Connection, run_id: str) -> None:
    first, second = (seq for seq, record in enumerate(ROWS) if type(record).__name__ == "PredictionRecord")
    burglar.execute(
        "UPDATE ml_predictions SET (body, hash, decision_id, ts_event) = "
        "(SELECT body, hash, decision_id, ts_event FROM ml_predictions AS other "
        f"WHERE other.seq = {first + second} - ml_predictions.seq)".encode()
    )
    assert f"row {first} " in broken(kept, run_id)


@pytest.mark.parametrize("seq", [3, len(ROWS)])
def test_a_row_that_was_added_is_found(
    kept: PostgresJournal, connection: psycopg.Connection, run_id: str, seq: int
) -> None:
    """In the middle, beside the row of another kind that has its number, or at the end."""
    forged = Chain(run_id, RUN.mode, seq).link(mark(5_000), 0)
    connection.execute(insert_statement("equity_marks").encode(), columns_of([forged]))
    assert re_named(broken(kept, run_id), seq)


def re_named(said: str, seq: int) -> bool:
    """Which of two rows of one number is the right one cannot be told before the next."""
    return f"row {seq} " in said or f"row {seq + 1} " in said


def test_a_backtest_passed_off_as_a_live_run_is_found(
    kept: PostgresJournal, burglar: psycopg.Connection, run_id: str
) -> None:
    for table in TABLES.values():
        burglar.execute(f"UPDATE {table} SET mode = 'live'".encode())
    assert "columns of row 0 were changed" in broken(kept, run_id)


def test_a_row_moved_to_another_table_is_found(kept: PostgresJournal, burglar: psycopg.Connection, run_id: str) -> None:
    names = "run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash"
    burglar.execute(f"INSERT INTO orders ({names}) SELECT {names} FROM fills".encode())
    burglar.execute("DELETE FROM fills")
    assert f"columns of row {seq_of('FillRecord')} were changed" in broken(kept, run_id)


def rows() -> list[Row]:
    chain = Chain("live-1", "paper")
    return [chain.link(mark(ts_ns), ts_ns) for ts_ns in range(1, 6)]


def insert(connection: psycopg.Connection, given: list[Row]) -> list[tuple[str, int]]:
    return connection.execute(insert_statement("equity_marks").encode(), columns_of(given)).fetchall()


def test_writing_a_row_twice_is_writing_it_once(kept: PostgresJournal, connection: psycopg.Connection) -> None:
    assert insert(connection, rows()[:3]) == []
    assert insert(connection, rows()) == []
    assert list(kept.rows("live-1")) == rows()
    assert kept.verify("live-1") == 5


def test_another_row_in_the_place_of_one_that_is_there_is_told_and_not_taken(
    kept: PostgresJournal, connection: psycopg.Connection
) -> None:
    insert(connection, rows()[:4])
    chain = Chain("live-1", "paper")
    others = [chain.link(mark(ts_ns), ts_ns) for ts_ns in (1, 99, 3, 4, 5)]
    assert insert(connection, others) == [("live-1", 1), ("live-1", 2), ("live-1", 3)]
    assert list(kept.rows("live-1"))[:4] == rows()[:4]


def test_rows_that_come_out_of_order_are_one_chain_in_the_end(
    kept: PostgresJournal, connection: psycopg.Connection
) -> None:
    for row in (rows()[4], *rows()[:4]):
        insert(connection, [row])
    assert kept.verify("live-1") == 5


def test_a_run_that_is_still_being_written_verifies_as_far_as_it_had_come(database: str) -> None:
    class Interrupted(PostgresJournal):
        def rows(self, run_id: str) -> Generator[Row]:
            insert(writer, rows()[3:])
            yield from super().rows(run_id)

    with connect(database) as reader, connect(database) as writer:
        insert(writer, rows()[:3])
        assert Interrupted(reader).verify("live-1") == 3
        assert PostgresJournal(reader).verify("live-1") == 5


def test_processes_that_keep_the_same_run_at_once_keep_it_once(database: str) -> None:
    def keep(_: int) -> str:
        with connect(database) as connection:
            return PostgresJournal(connection).store_run(ROWS, RUN).run_id

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(keep, range(4))) == {RUN.run_id}
    with connect(database) as connection:
        assert len(PostgresJournal(connection).runs()) == 1


def test_a_run_can_be_retired_whole_and_no_other_with_it(kept: PostgresJournal, connection: psycopg.Connection) -> None:
    first, second = (kept.store_run(small_run(seed=seed), RUN).run_id for seed in (1, 2))
    kept.retire(first)
    assert [run.run_id for run in kept.runs()] == [second]
    assert kept.verify(second) == len(ROWS)
    with pytest.raises(JournalError, match="knows no run"):
        kept.records(first)
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        connection.execute("DELETE FROM runs")


def test_runs_are_old_by_their_last_row(kept: PostgresJournal, connection: psycopg.Connection) -> None:
    chain = Chain("live-2", "paper")
    with connection.cursor() as cursor, cursor.copy(copy_statement("runs").encode()) as copy:
        copy.write_row(values_of(chain.link(RUN, 1)))
    insert(connection, [chain.link(mark(2), 50)])
    assert kept.ended_before(50) == []
    assert [run.run_id for run in kept.ended_before(51)] == ["live-2"]
    assert kept.run("live-2").recorded_ns == 1
