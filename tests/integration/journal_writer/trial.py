"""Drives an engine's process through kills and outages, and looks afterwards at what the database holds."""

import subprocess
import sys
from pathlib import Path

from helios_nautilus.journal.chain import verify_chain
from helios_nautilus.journal.connect import open_journal
from tests.integration.journal_writer.engine import PACKED, Progress
from tests.integration.journal_writer.traffic import record

ROOT = Path(__file__).parents[3]


class Engine:
    """An engine's process. What it says is read as it comes; the last word before a kill is what it had promised."""

    def __init__(self, url: str, spool: Path, run_id: str, rate: float) -> None:
        self.run_id = run_id
        self.said: list[Progress] = []
        command = [sys.executable, "-m", "tests.integration.journal_writer.engine", url, spool, run_id, rate]
        self._process = subprocess.Popen(
            list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    @property
    def appended(self) -> int:
        """Records it has said to have appended."""
        return self.said[-1].appended if self.said else 0

    @property
    def kept(self) -> int:
        """Rows it has said to be kept."""
        return self.said[-1].kept if self.said else 0

    def listen(self) -> Progress | None:
        """The next thing it says; None when it is over."""
        assert self._process.stdout is not None
        packed = self._process.stdout.read(PACKED.size)
        if len(packed) < PACKED.size:
            return None
        self.said.append(Progress(*PACKED.unpack(packed)))
        return self.said[-1]

    def until(self, kept: int) -> None:
        """Listen until so many rows are kept, or until it is over."""
        while self.kept < kept and self.listen() is not None:
            pass

    def until_direct(self, is_direct: bool) -> None:
        """Listen until its rows go straight to the database, or do not, or it is over."""
        while (said := self.listen()) is not None and said.is_direct is not is_direct:
            pass

    def kill(self) -> None:
        """SIGKILL; what it had still said is heard."""
        self._process.kill()
        while self.listen() is not None:
            pass
        self._leave()

    def end(self) -> None:
        """Ask it to end and listen until it has, which must be well."""
        self._process.terminate()
        while self.listen() is not None:
            pass
        words = self._leave()
        assert self._process.returncode == 0, words

    def _leave(self) -> str:
        _, told = self._process.communicate(timeout=60)
        return told.decode()


def count_rows(url: str, engine: Engine) -> int:
    """Rows of a run in the database: fails if any is lost that was kept, or doubled, changed or out of order."""
    with open_journal(url) as journal:
        rows = list(journal.rows(engine.run_id))
    assert verify_chain(rows) >= engine.kept, f"{engine.run_id}: kept rows were lost"
    assert [row.record() for row in rows] == [record(number) for number in range(len(rows))]
    return len(rows)
