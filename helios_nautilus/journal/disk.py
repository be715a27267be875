"""Making sure that a change to a folder is on the disk."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """A file that was made, renamed or removed is so on the disk only once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
