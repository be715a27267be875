"""A fill is told, and the process is killed before the journal's writer has it: the next start journals it, once."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from helios_nautilus.journal.bet_file import BetFile
from helios_nautilus.journal.connect import DATABASE_URL, HOME, open_journal, open_writer
from helios_nautilus.journal.records import FillRecord
from helios_nautilus.journal.writer import JournalWriter
from helios_nautilus.node.completing import complete_later
from tests.integration.journal_writer.killed_at_fill import LOST, TOLD
from tests.integration.journal_writer.server import Server
from tests.integration.journal_writer.trial import ROOT

_PATIENCE_SECS = 30.0


class Home:
    """A home whose nodes share a file of bets."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.said: list[str] = []
        self._spool, self._bets, self._server = folder / "spool", folder / "bets.json", server

    def kill_a_run(self) -> str:
        """Its id; a fill of it is nowhere but in the file."""
        run_id = f"KILLED-AT-FILL-{uuid4()}"
        command = [sys.executable, "-m", "tests.integration.journal_writer.killed_at_fill"]
        arguments = [self._server.url, self._spool, self._bets, run_id]
        ended = subprocess.run([*command, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False)
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        return run_id

    def file(self) -> BetFile:
        """The file, as a next run has it."""
        return BetFile(self._bets, "next", self.said.append)

    @contextmanager
    def writer(self) -> Iterator[JournalWriter]:
        """The writer of a next run, which brings over what others left in the spool."""
        with open_writer(f"NEXT-{uuid4()}", "live", self.said.append) as writer:
            yield writer

    async def complete(self, file: BetFile, writer: JournalWriter) -> None:
        async with asyncio.timeout(_PATIENCE_SECS):
            await complete_later(file, writer, lambda: 99, lambda word, how: self.said.append(f"{word}: {how}"))

    def start(self) -> BetFile:
        """A start, up to where everything is complete."""
        file = self.file()
        with self.writer() as writer:
            asyncio.run(self.complete(file, writer))
        return file

    def fills(self, run_id: str) -> list[FillRecord]:
        """Of a run whose chain is whole."""
        with open_journal(self._server.url) as journal:
            journal.verify(run_id)
            return journal.records_of(run_id, FillRecord)


@pytest.fixture
def home(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv(HOME, str(tmp_path))
    monkeypatch.setenv(DATABASE_URL, server.url)
    return Home(tmp_path, server)


def test_the_next_start_gives_the_run_the_fill_that_it_lacks_and_not_the_one_it_has(home: Home) -> None:
    run_id = home.kill_a_run()

    home.start()
    home.start()

    assert home.fills(run_id) == [TOLD, LOST]
    assert [words for words in home.said if words.startswith("journal")] == [
        "journal: 1 of the last records of runs that were killed came from the file of their bets"
    ]


def test_two_runs_killed_one_after_the_other_get_each_its_own(home: Home) -> None:
    first, second = home.kill_a_run(), home.kill_a_run()

    home.start()

    assert (home.fills(first), home.fills(second)) == ([TOLD, LOST], [TOLD, LOST])


def test_a_file_that_was_settled_forgets_at_its_next_save(home: Home) -> None:
    home.kill_a_run()

    home.start().save([])

    assert home.file().left() == ()


def test_with_the_database_away_at_the_kill_and_at_the_start_the_run_is_completed_when_it_is_back(
    home: Home, server: Server
) -> None:
    server.stop("fast")
    run_id = home.kill_a_run()
    file = home.file()

    async def trade() -> None:
        with home.writer() as writer:
            completing = asyncio.create_task(home.complete(file, writer))
            file.save([])  # the node trades: nothing of it waits
            assert not completing.done()
            await asyncio.to_thread(server.start)
            await completing

    try:
        asyncio.run(trade())
    finally:
        server.start()
    assert home.fills(run_id) == [TOLD, LOST]


def test_a_node_that_ends_before_the_database_is_back_leaves_it_to_the_next(home: Home, server: Server) -> None:
    server.stop("fast")
    run_id = home.kill_a_run()
    with home.writer():
        home.file().save([])
    server.start()

    home.start()

    assert home.fills(run_id) == [TOLD, LOST]
