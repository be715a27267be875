"""Where the journal is: the one place that reads the environment and starts a server."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from helios_nautilus.errors import JournalError

if TYPE_CHECKING:
    from helios_nautilus.journal.command_rows import CommandRows
    from helios_nautilus.journal.post import Post
    from helios_nautilus.journal.postgres import PostgresJournal
    from helios_nautilus.journal.records import Mode
    from helios_nautilus.journal.writer import JournalWriter

HOME: Final = "HELIOS_HOME"
"""Environment variable: the folder of the journal's server, its spool and other state."""
DATABASE_URL: Final = "HELIOS_DATABASE_URL"
"""Environment variable: a PostgreSQL database of one's own; without it the journal has a server of its own."""
_EXTRA: Final = "the journal needs packages that are not here: pip install 'helios-nautilus[journal]'"


def home_folder() -> Path:
    """The folder of Helios's own state; it may not exist yet."""
    if home := os.environ.get(HOME):
        return Path(home).expanduser().absolute()
    with _needing_packages():
        from platformdirs import user_data_path
    return user_data_path("helios", appauthor=False)


def kill_path(mode: "Mode") -> Path:
    """The file of a mode's kill switch; its folder may not exist yet."""
    return home_folder() / "kill" / f"{mode}.json"


def state_path(mode: "Mode", name: str) -> Path:
    """A file in which a mode's node keeps what must survive a restart; its folder is there when this returns."""
    path = home_folder() / "state" / mode / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def reach_database() -> str:
    """URL of the journal's database; its own server is started and runs until this process ends.

    Raises `JournalError`.
    """
    if url := os.environ.get(DATABASE_URL):
        return url
    with _needing_packages():
        from helios_nautilus.journal.embedded import start_server

        return start_server(home_folder() / "journal")


def prepare_database() -> str:
    """URL of the journal's database, its schema brought up to date."""
    with open_journal(url := reach_database()):
        return url


@contextmanager
def open_journal(url: str | None = None) -> Iterator["PostgresJournal"]:
    """The journal, at ``url`` or where the environment says, its schema brought up to date.

    Every way in which it cannot be had is a `JournalError`.
    """
    with _needing_packages():
        from helios_nautilus.journal.postgres import PostgresJournal, connect
    with connect(url or reach_database()) as connection:
        yield PostgresJournal(connection)


def commands_folder() -> Path:
    """The folder in which commands reach this machine's nodes; it may not exist yet."""
    return home_folder() / "commands"


def open_post(url: str | None = None) -> "Post":
    """The post to the nodes of this home, and to those whose journal is at ``url`` or where the environment says.

    Nothing is opened before it is used; where the journal cannot be had the post says so, and goes by file.
    """
    from helios_nautilus.journal.post import Post

    return Post(commands_folder(), partial(_open_rows, url))


@contextmanager
def _open_rows(url: str | None) -> Iterator["CommandRows"]:
    with _needing_packages():
        from helios_nautilus.journal.command_rows import open_rows
    with open_rows(url or reach_database()) as rows:
        yield rows


def is_brought_over(run_ids: Iterable[str]) -> bool:
    """Nothing of these runs waits in the spool any more: whose writer is gone, the journal has all that it kept."""
    from helios_nautilus.journal.spool import holds_rows_of

    return not any(holds_rows_of(_spool_folder(), run_id) for run_id in run_ids)


def _spool_folder() -> Path:
    return home_folder() / "spool"


def open_writer(run_id: str, mode: "Mode", on_trouble: Callable[[str], None]) -> "JournalWriter":
    """The journal of a run that begins now, not started yet; `JournalError` if there can be none."""
    with _needing_packages():
        from helios_nautilus.journal.sink import PostgresSink
        from helios_nautilus.journal.writer import JournalWriter
    return JournalWriter(run_id, mode, PostgresSink(prepare_database), _spool_folder(), on_trouble=on_trouble)


@contextmanager
def _needing_packages() -> Iterator[None]:
    """The packages of the extra are imported where they are needed; without them that is said, and what to do."""
    try:
        yield
    except ImportError as error:
        if (error.name or "").startswith("helios_nautilus"):
            raise
        raise JournalError(_EXTRA) from error
