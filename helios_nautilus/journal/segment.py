"""One file of a spool: rows in frames that carry their length and checksum, so that what was cut or changed is found.

    frame = mark (4 bytes) | length of the payload (4) | CRC-32 of the payload (4) | payload (a row as MessagePack)

Numbers are big-endian. The mark lets a reader find the next whole frame behind a damaged one.
"""

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from helios_nautilus.journal.chain import Row

_MARK: Final = b"\xf7HJ\x01"
_HEAD: Final = struct.Struct(">4sII")

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Row)


class Span(Struct, frozen=True):
    """Bytes of a file, the end excluded."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"bytes {self.start} to {self.end}"


class Segment(Struct, frozen=True, kw_only=True):
    """What a segment's file holds."""

    rows: tuple[Row, ...]
    """In the order they were written."""
    damaged: tuple[Span, ...]
    """Unreadable, with whole rows behind them."""
    torn_bytes: int
    """At the end: of a write that was cut off before anybody was told that it was kept."""


def frame_rows(rows: Iterable[Row]) -> bytes:
    """Rows as they stand in a file."""
    payloads = map(_encoder.encode, rows)
    return b"".join(_HEAD.pack(_MARK, len(each), zlib.crc32(each)) + each for each in payloads)


def read_segment(path: Path) -> Segment:
    """All whole rows of a file, and where there were others; `OSError` if it cannot be read."""
    data = path.read_bytes()
    rows: list[Row] = []
    damaged: list[Span] = []
    at = 0
    while (start := _find_frame(data, at)) is not None:
        row, end = start[1]
        if start[0] > at:
            damaged.append(Span(at, start[0]))
        rows.append(row)
        at = end
    return Segment(rows=tuple(rows), damaged=tuple(damaged), torn_bytes=len(data) - at)


def _find_frame(data: bytes, at: int) -> tuple[int, tuple[Row, int]] | None:
    """The first whole frame from ``at`` on: where it starts, its row, where it ends."""
    while (at := data.find(_MARK, at)) >= 0:
        if (found := _read_frame(data, at)) is not None:
            return at, found
        at += 1
    return None


def _read_frame(data: bytes, at: int) -> tuple[Row, int] | None:
    start = at + _HEAD.size
    if start > len(data):
        return None
    _, length, checksum = _HEAD.unpack_from(data, at)
    payload = data[start : start + length]
    if len(payload) < length or zlib.crc32(payload) != checksum:
        return None
    try:
        return _decoder.decode(payload), start + length
    except msgspec.MsgspecError:
        return None
