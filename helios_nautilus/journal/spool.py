"""Rows on disk that the database does not have yet: a folder of segments for each writer, locked while it lives.

    ROOT/of-RUN-xxxxxxxx/00000001.rows  sealed or being written; read and removed in order of their numbers
    ROOT/damaged/                       segments with unreadable bytes, kept for a human; their whole rows are stored
    ROOT/refused.jsonl                  rows that the database refused, with its reason

A lock is the kernel's and ends with its process, however that ends, so a folder that can be locked was left behind.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote

import msgspec
from msgspec import Struct

from helios_nautilus.disk import sync
from helios_nautilus.errors import JournalError
from helios_nautilus.journal.chain import Row
from helios_nautilus.journal.segment import frame_rows

SEGMENT_BYTES: Final = 4 * 2**20
_DAMAGED: Final = "damaged"
_REFUSED: Final = "refused.jsonl"
_ROWS: Final = "*.rows"


class Refusal(Struct, frozen=True):
    """A row that the database will not have."""

    words: str
    """Its reason."""
    row: Row


class SpoolFullError(JournalError):
    """The disk or the spool's bound has no room for more rows."""


class Spool:
    """One writer's folder, whose lock this object holds; made by `open_spool` and `adopt_spools`."""

    def __init__(self, folder: Path, lock: int, limit_bytes: int) -> None:
        self.folder = folder
        self._lock = lock
        self._limit_bytes = limit_bytes
        self._used_bytes = 0
        self._file: BinaryIO | None = None
        self._number = 0

    def append(self, rows: Sequence[Row]) -> None:
        """Add rows, on the disk when this returns; `SpoolFullError` if that cannot be, and then none was added."""
        frames = frame_rows(rows)
        self._make_room(len(frames))
        try:
            file = self._file or self._begin()
        except OSError as error:
            raise SpoolFullError(f"the spool {self.folder} cannot be written: {error.strerror}") from error
        start = file.tell()
        try:
            file.write(frames)
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            self._abandon(file, start)
            raise SpoolFullError(f"the spool {self.folder} cannot be written: {error.strerror}") from error
        self._used_bytes += len(frames)
        if file.tell() >= SEGMENT_BYTES:
            self._seal()

    def oldest(self) -> Path | None:
        """The segment to be read next, to which nothing more will be added; None if no row waits."""
        path = min(self.folder.glob(_ROWS), default=None)
        if path is not None and self._file is not None and path.name == Path(self._file.name).name:
            self._seal()
        return path

    def remove(self, segment: Path) -> None:
        """Forget a segment: the database has its rows."""
        self._used_bytes -= segment.stat().st_size
        segment.unlink()

    def set_apart(self, segment: Path) -> Path:
        """Keep a damaged segment for a human, its whole rows being stored; returns where."""
        place = self.folder.parent / _DAMAGED
        place.mkdir(exist_ok=True)
        return segment.rename(place / f"{self.folder.name}-{segment.name}")

    def refuse(self, refusals: Sequence[Refusal]) -> Path:
        """Keep rows that the database will not have, and why; returns where, `SpoolFullError` if that cannot be."""
        path = self.folder.parent / _REFUSED
        try:
            with path.open("ab") as file:
                file.writelines(msgspec.json.encode(each) + b"\n" for each in refusals)
                file.flush()
                os.fsync(file.fileno())
            sync(path.parent)
        except OSError as error:
            raise SpoolFullError(f"{path} cannot be written: {error.strerror}") from error
        return path

    def close(self) -> None:
        """Give the lock back; rows that still wait are the next process's, an empty folder goes."""
        self._seal()
        with suppress(OSError):
            self.folder.rmdir()
        os.close(self._lock)

    def _make_room(self, count: int) -> None:
        if self._used_bytes + count <= self._limit_bytes and self._file is not None:
            return
        self._used_bytes = _size_of(self.folder.parent)  # others come and go
        if self._used_bytes + count > self._limit_bytes:
            raise SpoolFullError(f"the spool {self.folder.parent} holds all it may, {self._limit_bytes / 2**20:.4g} MB")

    def _begin(self) -> BinaryIO:
        self._number += 1
        self._file = (self.folder / f"{self._number:08}.rows").open("xb")
        sync(self.folder)
        return self._file

    def _abandon(self, file: BinaryIO, end: int) -> None:
        """Leave a segment at its last rows that were kept; after a failed write no more is put into it."""
        self._file = None
        with suppress(OSError):
            file.close()  # may fail to write once more what it could not write
        with suppress(OSError):
            os.truncate(file.name, end)

    def _seal(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def open_spool(root: Path, run_id: str, limit_bytes: int) -> Spool:
    """A new, locked folder for one writer; `JournalError` if it cannot be made."""
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Under its final name it is locked from the first moment, so nobody takes it for one left behind.
        folder = Path(tempfile.mkdtemp(prefix=f".of-{_folder_name(run_id)}-", dir=root))
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = folder.rename(root / folder.name[1:])
        sync(root)
    except OSError as error:
        raise JournalError(f"the journal's spool {root} cannot be used: {error.strerror}") from error
    return Spool(folder, lock, limit_bytes)


def adopt_spools(root: Path) -> Iterator[Spool]:
    """The folders of processes that are no more, each locked for the caller, who closes it."""
    for folder in sorted(root.glob("[!.]*/")):
        if folder.name == _DAMAGED:
            continue
        try:
            lock = os.open(folder, os.O_RDONLY)
        except OSError:
            continue  # its owner has just closed it, or is another user
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # its owner lives; and whatever else keeps it from being locked must not end a writer
            os.close(lock)
            continue
        yield Spool(folder, lock, limit_bytes=0)


def holds_rows_of(root: Path, run_id: str) -> bool:
    """Whether rows of a run are still on their way, in whosever hands they are."""
    return any(root.glob(f"of-{_folder_name(run_id)}-*/{_ROWS}"))


def _folder_name(run_id: str) -> str:
    return quote(run_id, safe="")[:100]


class Leftovers(Struct, frozen=True, kw_only=True):
    """What writers that are no more have left in a spool."""

    waiting_bytes: int
    """Of rows that the next writer brings to the database."""
    apart: tuple[Path, ...]
    """Damaged segments and refused rows, which wait for a human."""


def find_leftovers(root: Path) -> Leftovers:
    """Look through a spool, which need not exist; rows are neither taken nor moved."""
    waiting_bytes = 0
    for left in adopt_spools(root):
        try:
            waiting_bytes += _size_of(left.folder)
        finally:
            left.close()
    return Leftovers(
        waiting_bytes=waiting_bytes, apart=tuple(path for path in (root / _REFUSED, root / _DAMAGED) if path.exists())
    )


def _size_of(root: Path) -> int:
    total = 0
    for path in root.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total
