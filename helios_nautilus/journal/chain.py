"""The chain of a run: every row carries a hash of itself and of all rows before it, so that none can be changed unseen.

    hash(n) = SHA-256( hash(n - 1) || n as 8 bytes, big-endian || body(n) ),   hash(-1) = 32 zero bytes

The body is the record's JSON, its kind included. When a row was written down is not part of what is proven, so equal
runs have equal chains.
"""

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.records import AnyRecord, Mode, Record

GENESIS: Final = bytes(32)
_EARLIEST: Final = -(2**63)
_LATEST: Final = 2**63 - 1

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


class Row(Struct, frozen=True, kw_only=True):
    """A record as it is kept; ``run_id`` and ``seq`` name it, and writing it twice is writing it once."""

    run_id: str
    seq: int
    kind: str
    """Name of the record's class."""
    mode: Mode
    ts_event: int
    ts_recorded: int
    decision_id: str
    """Empty where the record belongs to no decision, like ``instrument_id``."""
    instrument_id: str
    body: bytes
    hash: bytes

    def record(self) -> AnyRecord:
        """The record; `JournalError` if the body is none."""
        try:
            return _decoder.decode(self.body)
        except msgspec.MsgspecError as error:
            raise JournalError(f"row {self.seq} of run {self.run_id} is no record: {error}") from error


class Chain:
    """Makes the rows of one run, in order; ``seq`` and ``head`` say where an interrupted run goes on."""

    def __init__(self, run_id: str, mode: Mode, seq: int = 0, head: bytes = GENESIS) -> None:
        self._run_id = run_id
        self._mode: Mode = mode
        self._seq = seq
        self._head = head

    @property
    def head(self) -> bytes:
        """Hash of the last row."""
        return self._head

    def link(self, record: Record, ts_recorded: int) -> Row:
        """The next row; `JournalError` if the record holds what JSON or a row cannot say, such as NaN."""
        body = _write(record)
        seq, self._head = self._seq, link_hash(self._head, self._seq, body)
        self._seq += 1
        return Row(
            run_id=self._run_id,
            seq=seq,
            kind=type(record).__name__,
            mode=self._mode,
            ts_event=record.ts_ns,
            ts_recorded=ts_recorded,
            decision_id=getattr(record, "decision_id", ""),
            instrument_id=getattr(record, "instrument_id", ""),
            body=body,
            hash=self._head,
        )


def _write(record: Record) -> bytes:
    """A record's JSON, of which nothing is lost."""
    kind = type(record).__name__
    if not _EARLIEST <= record.ts_ns <= _LATEST:
        raise JournalError(f"a {kind} is of a time beyond 64 bits: {record.ts_ns}")
    try:
        body = _encoder.encode(record)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError) as error:  # half a pair of UTF-16, for one
        raise JournalError(f"a {kind} cannot be said in JSON: {error}") from error
    if b"null" in body and not _says(body, record):
        raise JournalError(f"a {kind} holds a number that JSON cannot say, such as NaN")
    return body


def _says(body: bytes, record: Record) -> bool:
    try:
        return _decoder.decode(body) == record
    except msgspec.ValidationError:
        return False


def link_hash(head: bytes, seq: int, body: bytes) -> bytes:
    """Hash of the row that follows ``head``."""
    return hashlib.sha256(head + seq.to_bytes(8) + body).digest()


def verify_chain(rows: Iterable[Row]) -> int:
    """Number of rows of a run, given in order; `JournalError` names the first that is missing, doubled or changed."""
    head, count = GENESIS, 0
    for row in rows:
        if row.seq != count:
            raise JournalError(f"run {row.run_id}: row {count} is missing or out of place, row {row.seq} came instead")
        head = link_hash(head, row.seq, row.body)
        if head != row.hash:
            raise JournalError(f"run {row.run_id}: row {row.seq} was changed after it was written, or one before it")
        count += 1
    return count
