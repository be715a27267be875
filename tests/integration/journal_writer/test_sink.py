"""The connection to a real PostgreSQL: transactions, conflicts, poison, a server that hangs, and what is never said."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable

import psycopg
import pytest
from msgspec.structs import replace

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.chain import Chain, Row
from helios_nautilus.journal.connect import open_journal, prepare_database
from helios_nautilus.journal.delivery import AwayError
from helios_nautilus.journal.sink import PostgresSink
from tests.integration.journal_writer.server import Server
from tests.integration.journal_writer.traffic import record


def make_rows(run_id: str, count: int = 12) -> list[Row]:
    chain = Chain(run_id, "paper")
    return [chain.link(record(number), ts_recorded=number) for number in range(count)]


def stored(server: Server, run_id: str) -> list[Row]:
    with open_journal(server.url) as journal:
        return list(journal.rows(run_id))


def use[T](sink: PostgresSink, work: Callable[[], Awaitable[T]]) -> T:
    """Connect, do the work, let go."""

    async def run() -> T:
        await sink.connect()
        try:
            return await work()
        finally:
            await sink.close()

    return asyncio.run(run())


def test_rows_of_many_tables_are_one_transaction_and_come_back_equal(server: Server) -> None:
    sink, rows = PostgresSink(lambda: server.url), make_rows("SINK-1")
    assert list(use(sink, lambda: sink.write(rows))) == []
    assert stored(server, "SINK-1") == rows


def test_rows_written_twice_are_there_once(server: Server) -> None:
    sink, rows = PostgresSink(lambda: server.url), make_rows("SINK-2")
    use(sink, lambda: sink.write(rows[:8]))
    assert list(use(sink, lambda: sink.write(rows))) == []
    assert stored(server, "SINK-2") == rows


def test_another_row_in_the_same_place_is_refused_and_the_first_stays(server: Server) -> None:
    sink, rows = PostgresSink(lambda: server.url), make_rows("SINK-3")
    use(sink, lambda: sink.write(rows))
    forged = replace(rows[4], hash=bytes(32))
    (refusal,) = use(sink, lambda: sink.write([*rows[:4], forged]))
    assert (refusal.row, "two runs" in refusal.words) == (forged, True)
    assert stored(server, "SINK-3") == rows


@pytest.mark.parametrize(
    "poison",
    [{"body": b"{"}, {"kind": "RecordOfTomorrow"}, {"ts_event": 2**64}, {"decision_id": "a\0b"}],
    ids=["no JSON", "unknown kind", "out of range", "NUL"],
)
def test_a_row_that_can_never_be_taken_is_found_and_keeps_no_other_out(
    server: Server, poison: dict[str, object], request: pytest.FixtureRequest
) -> None:
    run_id = f"SINK-POISON-{request.node.callspec.id}"
    sink, rows = PostgresSink(lambda: server.url), make_rows(run_id)
    bad = replace(rows[7], **poison)
    (refusal,) = use(sink, lambda: sink.write([*rows[:7], bad, *rows[8:]]))
    assert refusal.row == bad
    assert refusal.words
    assert stored(server, run_id) == rows[:7] + rows[8:]


def test_a_server_that_answers_nobody_is_away_after_the_deadline_and_can_be_used_again(server: Server) -> None:
    sink, rows = PostgresSink(lambda: server.url, connect_secs=0.3, write_secs=0.2), make_rows("SINK-HANG")

    async def play() -> None:
        await sink.connect()
        await sink.write(rows[:4])
        with server.stopped_short():
            with pytest.raises(AwayError, match=r"away: no answer in 0\.2 s"):
                await sink.write(rows)
            with pytest.raises(AwayError, match=r"did not answer in 0\.3 s"):
                await sink.connect()
        await sink.connect()
        assert list(await sink.write(rows)) == []
        await sink.close()

    asyncio.run(play())
    assert stored(server, "SINK-HANG") == rows


def test_a_statement_given_up_here_does_not_wait_on_in_the_server(server: Server) -> None:
    sink, rows = PostgresSink(lambda: server.url, write_secs=0.2), make_rows("SINK-LOCKED")
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'helios journal'"
    with psycopg.connect(server.url) as other:
        other.execute("LOCK TABLE orders")
        with pytest.raises(AwayError):
            use(sink, lambda: sink.write(rows))
        while other.execute(waiting).fetchone() != (0,):
            other.execute("SELECT pg_stat_clear_snapshot(), pg_sleep(0.01)")
    use(sink, lambda: sink.write(rows))
    assert stored(server, "SINK-LOCKED") == rows


def test_an_abort_ends_what_is_under_way(server: Server) -> None:
    sink, rows = PostgresSink(lambda: server.url), make_rows("SINK-ABORT")

    async def play() -> None:
        await sink.connect()
        with server.stopped_short():
            asyncio.get_running_loop().call_later(0.05, sink.abort)
            with pytest.raises(AwayError):
                await sink.write(rows)
            asyncio.get_running_loop().call_later(0.05, sink.abort)
            with pytest.raises(AwayError):
                await sink.connect()

    asyncio.run(play())


def test_a_database_without_the_schema_is_away_not_broken(server: Server) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bare")
    sink = PostgresSink(lambda: server.url.replace("/postgres?", "/bare?"))
    with pytest.raises(AwayError, match=r'relation "\w+" does not exist'):
        use(sink, lambda: sink.write(make_rows("SINK-BARE")))


def test_a_provider_that_fails_says_why() -> None:
    def fail() -> str:
        raise JournalError("there is no room for a server")

    with pytest.raises(AwayError, match="cannot be reached: there is no room for a server"):
        asyncio.run(PostgresSink(fail).connect())


_TELLING = (
    "postgresql://ann:hunter2@127.0.0.1:1/journal",
    "postgresql://ann:hunter2@no-such-host.invalid/journal",
    "postgresql://ann:pass@hunter2@127.0.0.1/journal",
    "postgresql://ann:hunter2%zz@127.0.0.1/journal",
    "postgresql://ann:hunter2@127.0.0.1/journal?nonsense=1",
    "host=127.0.0.1 port=1 password=hunter2 'user",
    "hunter2",
)


@pytest.mark.parametrize("address", _TELLING)
def test_no_error_of_the_preparation_holds_the_password(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIOS_DATABASE_URL", address)
    with pytest.raises(AwayError, match="cannot be reached") as caught:
        asyncio.run(PostgresSink(prepare_database).connect())
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("address", _TELLING)
def test_no_error_and_no_repr_holds_the_password(address: str) -> None:
    sink = PostgresSink(lambda: address, connect_secs=5.0)
    with pytest.raises(AwayError, match="cannot be reached") as caught:
        asyncio.run(sink.connect())
    words = "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in words
    assert "hunter2" not in repr(vars(sink))
