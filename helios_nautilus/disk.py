"""Making sure that what was written is on the disk, and that a file is never seen half-written."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Let a file's bytes reach the disk, or what was made, renamed or removed in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Replace a file in one step, on the disk before this returns; `OSError` leaves the old one.

    ``mode`` is who may read and write it, less what the process's umask takes away.
    """
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)  # what a killed writer left may be open to more than these
    fresh.touch(mode)
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync(path.parent)
