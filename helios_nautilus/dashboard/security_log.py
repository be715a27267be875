"""What was refused, and to whom: a line of JSON each, in a file that only its owner reads. No token is ever in it."""

import logging
import os
from collections.abc import Callable
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

_BYTES: Final = 1_000_000
_FILES: Final = 5
_LONGEST: Final = 200
"""Of anything that a stranger chose, such as a path."""


class _OwnersFile(RotatingFileHandler):
    """Its first file and every later one are their owner's alone."""

    def _open(self) -> TextIOWrapper:
        stream = super()._open()
        os.fchmod(stream.fileno(), 0o600)
        return stream


class _Line(Struct, frozen=True, kw_only=True):
    ts_ns: int
    what: str
    subject: str
    source: str


class SecurityLog:
    """Appends to ``path``, a few megabytes at most; ``clock`` gives nanoseconds UTC."""

    def __init__(self, path: Path, clock: Callable[[], int]) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._clock = clock
        self._handler = _OwnersFile(path, maxBytes=_BYTES, backupCount=_FILES, encoding="utf-8")

    def tell(self, what: str, subject: str, source: str) -> None:
        """Add a line: what was refused, what it was about, and the caller or the address that it came from."""
        line = _Line(ts_ns=self._clock(), what=what, subject=subject[:_LONGEST], source=source)
        words = msgspec.json.encode(line).decode()
        self._handler.handle(logging.LogRecord("helios.security", logging.WARNING, "", 0, words, None, None))

    def close(self) -> None:
        """Let go of the file."""
        self._handler.close()
