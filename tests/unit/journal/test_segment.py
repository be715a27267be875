"""A spool's file: what is read back of a whole one, a torn one and a damaged one."""

import struct
import zlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.journal.segment import Segment, Span, frame_rows, read_segment
from tests.unit.journal.ledger import make_rows

ROWS = make_rows(5)
FRAMES = [frame_rows([row]) for row in ROWS]
DATA = b"".join(FRAMES)
ENDS = [len(b"".join(FRAMES[: count + 1])) for count in range(5)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "1.rows"


def read(path: Path, data: bytes) -> Segment:
    path.write_bytes(data)
    return read_segment(path)


def test_rows_written_are_the_rows_read(path: Path) -> None:
    assert read(path, frame_rows(ROWS)) == Segment(rows=tuple(ROWS), damaged=(), torn_bytes=0)


def test_an_empty_file_holds_nothing(path: Path) -> None:
    assert read(path, b"") == Segment(rows=(), damaged=(), torn_bytes=0)


def test_cut_anywhere_the_whole_rows_before_are_left(path: Path) -> None:
    for cut in range(0, len(DATA), 3):
        whole = sum(end <= cut for end in ENDS)
        segment = read(path, DATA[:cut])
        assert segment.rows == tuple(ROWS[:whole])
        assert segment.torn_bytes == cut - (ENDS[whole - 1] if whole else 0)
        assert not segment.damaged


def test_a_row_damaged_in_the_middle_is_named_and_costs_no_other(path: Path) -> None:
    for at in range(ENDS[1], ENDS[2]):
        data = bytearray(DATA)
        data[at] ^= 0x10
        segment = read(path, bytes(data))
        assert segment.rows == (*ROWS[:2], *ROWS[3:])
        assert segment.damaged == (Span(ENDS[1], ENDS[2]),)
        assert segment.torn_bytes == 0


def test_noughts_where_rows_should_be_are_damage(path: Path) -> None:
    segment = read(path, FRAMES[0] + bytes(512) + FRAMES[1])
    assert segment.rows == tuple(ROWS[:2])
    assert [str(span) for span in segment.damaged] == [f"bytes {ENDS[0]} to {ENDS[0] + 512}"]


def test_a_frame_that_is_whole_but_no_row_is_damage(path: Path) -> None:
    payload = msgspec.msgpack.encode({"run_id": "of another program"})
    foreign = struct.pack(">4sII", FRAMES[0][:4], len(payload), zlib.crc32(payload)) + payload
    segment = read(path, FRAMES[0] + foreign + FRAMES[1])
    assert (segment.rows, len(segment.damaged)) == (tuple(ROWS[:2]), 1)


@given(st.binary(max_size=200), st.integers(0, 4))
def test_no_bytes_whatever_are_taken_for_a_row(tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.rows"
    segment = read(path, b"".join(FRAMES[:at]) + noise + b"".join(FRAMES[at:]))
    assert segment.rows == tuple(ROWS)
    assert sum(span.end - span.start for span in segment.damaged) + segment.torn_bytes == len(noise)
