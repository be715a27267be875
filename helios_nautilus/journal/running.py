"""Which node is meant where nobody names one: that of the mode which runs."""

import fcntl
from pathlib import Path
from typing import Final, Literal

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.errors import JournalError
from helios_nautilus.journal.post import Post
from helios_nautilus.journal.status import NodeStatus

type NodeMode = Literal["paper", "live"]

NODE_MODES: Final[tuple[NodeMode, ...]] = ("paper", "live")
FRESH_NS: Final = 5 * NS_PER_SEC
"""A node says once a second how it is; one that has not for so long does not run, or cannot be watched."""
_CURE: Final = "name its mode with --mode, and the next start obeys what stops trading"


def lock_path(home: Path, mode: NodeMode) -> Path:
    """What a mode's node holds as long as it runs."""
    return home / "run" / f"{mode}.lock"


def find_running(post: Post, home: Path, now_ns: int) -> NodeMode:
    """The one mode whose node runs; `JournalError` says what to do where there is none, or are two.

    This machine's nodes come first: they can be told without the database, and one that only begins by its lock.
    """
    found = [mode for mode in NODE_MODES if is_fresh(post.status_here(mode), now_ns)]
    found = found or [mode for mode in NODE_MODES if _is_held(lock_path(home, mode))]
    try:
        found = found or [mode for mode in NODE_MODES if is_fresh(post.status(mode), now_ns)]
    except JournalError as error:
        raise JournalError(f"no node runs here, and of other machines nothing is known ({error}): {_CURE}") from error
    if len(found) == 1:
        return found[0]
    if found:
        raise JournalError("a paper and a live node are running: say which one is meant, with --mode")
    raise JournalError(f"no node is running: {_CURE}")


def is_fresh(status: NodeStatus | None, now_ns: int) -> bool:
    """The node that said so still runs."""
    return status is not None and now_ns - status.ts_ns <= FRESH_NS


def _is_held(lock: Path) -> bool:
    """Not as far as anybody can tell who may not look into the node's folder."""
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return False
    return False
