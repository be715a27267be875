"""The writer as the engine sees it: what is taken is kept, what cannot be is counted, and nothing waits or raises."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Condition, Event
from typing import Any

import msgspec
import pytest

from helios_nautilus.journal.chain import Row, verify_chain
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import EventRecord
from helios_nautilus.journal.scribe import WriterSettings
from helios_nautilus.journal.spool import Refusal
from helios_nautilus.journal.writer import JournalWriter
from tests.unit.journal.ledger import Ledger, MemoryDatabase, event

PATIENCE_SECS = 20.0
QUICK = WriterSettings(batch_ms=1, retry_ms=1, retry_max_ms=2, batch_rows=10, queue_rows=50)


class Told:
    """What a writer told; `wait` until it said something with these words in it."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._news = Condition()

    def __call__(self, words: str) -> None:
        with self._news:
            self.words.append(words)
            self._news.notify_all()

    def wait(self, part: str) -> None:
        with self._news:
            is_told = self._news.wait_for(lambda: any(part in words for words in self.words), PATIENCE_SECS)
        assert is_told, f"{part!r} was not told; {self.words}"


class Gate(MemoryDatabase):
    """A database that answers nobody until it is opened; a wait is over when it is aborted."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self.was_asked = Event()
        self.is_open = Event()

    async def write(self, rows: Sequence[Row]) -> Sequence[Refusal]:
        self.was_asked.set()
        while not self.is_open.is_set() and self.is_up:
            await asyncio.sleep(1e-3)
        return await super().write(rows)


def wait_until(is_so: Callable[[], bool], writer: JournalWriter) -> None:
    """Look again after every batch, and every millisecond."""
    for _ in range(20_000):
        if is_so():
            return
        writer.wait_committed(10**9, timeout_secs=1e-3)
    raise AssertionError(f"it did not come to that: {writer.status()}")


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def database(ledger: Ledger) -> MemoryDatabase:
    return MemoryDatabase(ledger)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def write(tmp_path: Path, told: Told) -> Callable[..., JournalWriter]:
    def make(database: MemoryDatabase, settings: WriterSettings = QUICK, **options: Any) -> JournalWriter:
        options = {"on_trouble": told, "clock": lambda: 7, **options}
        return JournalWriter("RUN-1", "paper", database, tmp_path / "spool", settings, **options)

    return make


def bodies(ledger: Ledger) -> list[EventRecord]:
    rows = ledger.of("RUN-1")
    assert verify_chain(rows) == len(rows)
    return [record for row in rows if isinstance(record := row.record(), EventRecord)]


def test_it_is_a_journal(write: Callable[..., JournalWriter], database: MemoryDatabase) -> None:
    journal: Journal = write(database)
    journal.append(event(1))


def test_what_is_appended_arrives_in_order_as_one_chain(
    write: Callable[..., JournalWriter], database: MemoryDatabase, ledger: Ledger, tmp_path: Path
) -> None:
    with write(database) as writer:
        for number in range(45):
            writer.append(event(number))
        assert writer.wait_committed(45, PATIENCE_SECS)
        assert writer.is_healthy
    assert bodies(ledger) == [event(number) for number in range(45)]
    assert {(row.mode, row.ts_recorded) for row in ledger.of("RUN-1")} == {("paper", 7)}
    assert list((tmp_path / "spool").iterdir()) == []


def test_closing_keeps_what_was_appended_just_before(
    write: Callable[..., JournalWriter], database: MemoryDatabase, ledger: Ledger
) -> None:
    writer = write(database, WriterSettings(batch_ms=20))
    writer.start()
    for number in range(300):
        writer.append(event(number))
    assert writer.close(PATIENCE_SECS)
    assert len(bodies(ledger)) == 300
    assert writer.status().stored == 300


def test_with_no_database_in_reach_closing_leaves_the_rows_to_the_next_process(
    write: Callable[..., JournalWriter], ledger: Ledger, told: Told
) -> None:
    writer = write(MemoryDatabase(ledger, is_up=False))
    writer.start()
    for number in range(30):
        writer.append(event(number))
    assert writer.close(PATIENCE_SECS)
    assert (writer.committed, bodies(ledger)) == (30, [])
    assert told.words[0].startswith("the database is away")
    with write(MemoryDatabase(ledger)):
        pass
    assert bodies(ledger) == [event(number) for number in range(30)]


def test_a_database_that_comes_back_gets_everything_and_it_is_told(
    write: Callable[..., JournalWriter], database: MemoryDatabase, ledger: Ledger, told: Told
) -> None:
    with write(database) as writer:
        for number in range(10):
            writer.append(event(number))
        assert writer.wait_committed(10, PATIENCE_SECS)
        database.is_up = False
        for number in range(10, 20):
            writer.append(event(number))
        assert writer.wait_committed(20, PATIENCE_SECS)
        assert writer.is_healthy, "the spool keeps them"
        database.is_up = True
        told.wait("is back")
    assert bodies(ledger) == [event(number) for number in range(20)]


def test_a_full_queue_turns_it_unhealthy_at_once_and_the_loss_stands_in_the_chain(
    write: Callable[..., JournalWriter], ledger: Ledger, told: Told
) -> None:
    gate = Gate(ledger)
    gate.is_open.set()
    with write(gate) as writer:
        wait_until(lambda: writer.status().is_direct, writer)
        gate.is_open.clear()
        writer.append(event(0))
        assert gate.was_asked.wait(PATIENCE_SECS)
        for number in range(1, 60):
            writer.append(event(number))
        assert not writer.is_healthy
        assert writer.status().lost == 9
        told.wait("records are being lost")
        gate.is_open.set()
        told.wait("has room again")
        assert writer.is_healthy
    records = bodies(ledger)
    assert records[:51] == [event(number) for number in range(51)]
    assert records[51].words == "9 records could not be kept: the journal's queue was full"


def test_without_room_anywhere_it_is_unhealthy_until_there_is_some(
    write: Callable[..., JournalWriter], ledger: Ledger, told: Told
) -> None:
    database = MemoryDatabase(ledger, is_up=False)
    settings = msgspec.structs.replace(QUICK, spool_mb=0.001, queue_rows=20)
    with write(database, settings) as writer:
        for number in range(100):
            writer.append(event(number))
        told.wait("no place for rows any more")
        for number in range(100, 200):
            writer.append(event(number))
        told.wait("records are being lost")
        assert not writer.is_healthy
        database.is_up = True
        told.wait("keeps rows again")
        told.wait("has room again")
        wait_until(lambda: writer.is_healthy, writer)
        writer.append(event(200))
    records = bodies(ledger)
    lost = sum(int(record.words.split()[0]) for record in records if record.kind == "journal_records_lost")
    assert lost == writer.status().lost > 0
    assert sum(record.kind == "test" for record in records) + lost == 201
    assert records[-1] == event(200)


def test_a_record_that_json_cannot_say_is_replaced_by_words(
    write: Callable[..., JournalWriter], database: MemoryDatabase, ledger: Ledger
) -> None:
    with write(database) as writer:
        writer.append(event(1))
        writer.append(EventRecord(ts_ns=2, kind="test", words="half a pair: \ud83d"))
        writer.append(EventRecord(ts_ns=2**70, kind="test", words="beyond all time"))
        writer.append(event(4))
    kinds = [record.kind for record in bodies(ledger)]
    assert kinds == ["test", "journal_record_refused", "journal_record_refused", "test"]
    assert bodies(ledger)[1].words.startswith("a EventRecord cannot be said in JSON")
    assert bodies(ledger)[2].words.startswith("a EventRecord is of a time beyond 64 bits")


def test_a_listener_that_raises_ends_nothing(
    write: Callable[..., JournalWriter], ledger: Ledger, tmp_path: Path
) -> None:
    def fail(words: str) -> None:
        raise RuntimeError(words)

    writer = write(MemoryDatabase(ledger, is_up=False), on_trouble=fail)
    writer.start()
    writer.append(event(1))
    assert writer.wait_committed(1, PATIENCE_SECS)
    assert writer.is_healthy
    assert writer.close(PATIENCE_SECS)


def test_after_closing_an_append_is_lost_and_says_so(
    write: Callable[..., JournalWriter], database: MemoryDatabase, ledger: Ledger
) -> None:
    writer = write(database)
    writer.start()
    assert writer.close(PATIENCE_SECS)
    writer.append(event(1))
    assert (writer.is_healthy, writer.status().lost, bodies(ledger)) == (False, 1, [])


def test_a_database_that_hangs_does_not_hold_up_the_end(write: Callable[..., JournalWriter], ledger: Ledger) -> None:
    gate = Gate(ledger)
    gate.is_open.set()
    writer = write(gate)
    writer.start()
    wait_until(lambda: writer.status().is_direct, writer)
    gate.is_open.clear()
    for number in range(40):
        writer.append(event(number))
    assert gate.was_asked.wait(PATIENCE_SECS)
    assert writer.close(timeout_secs=0.2)
    assert bodies(ledger) == []
    with write(MemoryDatabase(ledger)):
        pass
    assert bodies(ledger) == [event(number) for number in range(40)]


def test_one_that_was_never_started_leaves_nothing(
    write: Callable[..., JournalWriter], database: MemoryDatabase, tmp_path: Path
) -> None:
    writer = write(database)
    assert not writer.is_healthy
    assert writer.close()
    assert list((tmp_path / "spool").iterdir()) == []


@pytest.mark.parametrize("text", ["queue_rows = 0", "spool_mb = 0.0", "batch_ms = -1", "unknown = 1"])
def test_settings_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.toml.decode(text, type=WriterSettings)
