"""A writer's process is killed, a server is stopped in the middle: nothing kept is lost, doubled or in disorder."""

from pathlib import Path
from random import Random
from threading import Condition

import pytest

from helios_nautilus.journal.connect import open_journal
from helios_nautilus.journal.records import EventRecord
from helios_nautilus.journal.scribe import WriterSettings
from helios_nautilus.journal.sink import PostgresSink
from helios_nautilus.journal.writer import JournalWriter
from tests.integration.journal_writer.server import Server, StopMode
from tests.integration.journal_writer.traffic import record
from tests.integration.journal_writer.trial import Engine, count_rows


def run_once(server: Server, spool: Path, run_id: str) -> None:
    """A process that finds what others left, and has brought it over when it ends."""
    engine = Engine(server.url, spool, run_id, rate=1_000.0)
    engine.until_direct(True)
    engine.end()
    assert count_rows(server.url, engine) == engine.appended
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_moment_it_has_lost_no_row_it_called_kept(server: Server, spool: Path, seed: int) -> None:
    chance = Random(seed)
    killed = []
    for number in range(4):
        engine = Engine(server.url, spool, f"KILLED-{seed}-{number}", rate=1_000.0)
        engine.until(kept=chance.randrange(20, 300))
        engine.kill()
        killed.append(engine)
    run_once(server, spool, f"KILLED-{seed}-last")
    assert all(count_rows(server.url, engine) >= engine.kept > 0 for engine in killed)


def test_killed_while_the_database_is_away_the_next_process_brings_its_rows(server: Server, spool: Path) -> None:
    server.stop("fast")
    engine = Engine(server.url, spool, "KILLED-AWAY", rate=1_000.0)
    engine.until(kept=200)
    engine.kill()
    server.start()
    run_once(server, spool, "AFTER-AWAY")
    assert count_rows(server.url, engine) >= 200


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_stopped_and_started_in_the_middle_gets_every_row_once(
    server: Server, spool: Path, mode: StopMode
) -> None:
    engine = Engine(server.url, spool, f"STOPPED-{mode}", rate=400.0)
    for _ in range(2):
        engine.until_direct(True)
        server.stop(mode)
        engine.until_direct(False)
        engine.until(kept=engine.kept + 50)
        server.start()
    engine.until_direct(True)
    engine.end()
    assert count_rows(server.url, engine) == engine.appended > 100


def test_killed_and_stopped_at_once(server: Server, spool: Path) -> None:
    chance, killed = Random(7), []
    for number in range(2):
        engine = Engine(server.url, spool, f"BOTH-{number}", rate=1_000.0)
        engine.until(kept=chance.randrange(50, 200))
        server.stop("immediate")
        engine.until(kept=engine.kept + chance.randrange(1, 100))
        server.start()
        engine.until(kept=engine.kept + chance.randrange(1, 100))
        engine.kill()
        killed.append(engine)
    run_once(server, spool, "BOTH-LAST")
    assert all(count_rows(server.url, engine) >= engine.kept for engine in killed)


def test_with_the_database_away_and_the_spool_full_the_losses_stand_in_a_chain_that_verifies(
    server: Server, spool: Path
) -> None:
    settings = WriterSettings(batch_ms=1, batch_rows=20, retry_ms=20, retry_max_ms=50, queue_rows=100, spool_mb=0.02)
    is_told, trouble = Condition(), list[str]()

    def tell(words: str) -> None:
        with is_told:
            trouble.append(words)
            is_told.notify_all()

    def wait_for(part: str) -> None:
        with is_told:
            assert is_told.wait_for(lambda: any(part in words for words in trouble), timeout=30), trouble

    server.stop("fast")
    writer = JournalWriter("FULL", "live", PostgresSink(lambda: server.url), spool, settings, on_trouble=tell)
    with writer:
        for number in range(90):
            writer.append(record(number))
        wait_for("no place for rows any more: the spool")
        for number in range(90, 300):
            writer.append(record(number))
        wait_for("records are being lost")
        assert not writer.is_healthy
        server.start()
        wait_for("has room again")
        writer.append(record(300))
    with open_journal(server.url) as journal:
        assert journal.verify("FULL") == writer.committed
        kept = journal.records("FULL")
    lost = [each for each in kept if isinstance(each, EventRecord) and each.kind == "journal_records_lost"]
    assert sum(int(each.words.split()[0]) for each in lost) == writer.status().lost > 0
    assert len(kept) - len(lost) == 301 - writer.status().lost
    assert kept[-1] == record(300)
