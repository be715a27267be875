"""One server for all tests of the writer; those that stop it start it again."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from helios_nautilus.journal.connect import open_journal
from tests.integration.journal_writer.server import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    # Not under pytest's own folder: every session closes that to others, and as root the server is another user.
    with TemporaryDirectory(prefix="helios-journal-") as folder:
        server = Server(Path(folder) / "journal")
        with open_journal(server.url):
            pass
        yield server
        server.stop("fast")


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"
