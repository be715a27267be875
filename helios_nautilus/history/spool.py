"""What a back-fill has fetched and the catalogue does not hold yet: one line for each answer, written as it comes.

A process killed at any point loses at most the answer it was writing; the next run reads the lines before it asks.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct

from helios_nautilus.history.columns import BarBlock

_JSON: Final = msgspec.json.Encoder()


class Origin(Struct, frozen=True, kw_only=True):
    """Whose answers a spool holds, and the units they are counted in."""

    address: str
    price_precision: int
    size_precision: int


class Answer(Struct, frozen=True, kw_only=True, array_like=True):
    """Every bar the venue has among the closes from ``first_ns`` to ``last_ns``, both included."""

    first_ns: int
    last_ns: int
    ts_ns: list[int] = []
    units: list[tuple[int, int, int, int, int]] = []
    """In the order of `BAR_COLUMNS`."""


class Spool:
    """The answers of one run on one series; lines of another origin are of no use and left out."""

    def __init__(self, path: Path, origin: Origin) -> None:
        self._path = path
        self._origin = origin

    def read(self) -> list[Answer]:
        """Whole answers; a line that was cut off by a kill ends them."""
        if not self._path.exists():
            return []
        head, *lines = self._path.read_bytes().split(b"\n")
        try:
            if msgspec.json.decode(head, type=Origin) != self._origin:
                return []
        except msgspec.DecodeError:
            return []
        return list(_decode(lines))

    def append(self, answer: Answer) -> None:
        """Add one, safe from a kill once this returns."""
        self._path.parent.mkdir(exist_ok=True)
        with self._path.open("ab") as file:
            if not file.tell():
                file.write(_JSON.encode(self._origin) + b"\n")
            file.write(_JSON.encode(answer) + b"\n")

    def clear(self) -> None:
        """Forget all: the catalogue has it."""
        self._path.unlink(missing_ok=True)


def join_answers(answers: list[Answer]) -> BarBlock:
    """The bars of answers in order of time, each once."""
    ts_ns = np.array([stamp for answer in answers for stamp in answer.ts_ns], dtype=np.int64)
    units = np.array([row for answer in answers for row in answer.units], dtype=np.int64).reshape(-1, 5)
    ts_ns, first = np.unique(ts_ns, return_index=True)
    return BarBlock(ts_ns=ts_ns, units=units[first])


def _decode(lines: list[bytes]) -> Iterator[Answer]:
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=Answer)
        except msgspec.DecodeError:
            return
