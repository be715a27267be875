"""Proof that a kept run is what was written: its chain, the columns beside it, and its end."""

from collections.abc import Iterable, Iterator

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.chain import GENESIS, Row, verify_chain
from helios_nautilus.journal.records import Mode, RunRecord


def verify_run(run_id: str, rows: Iterable[Row], count: int, head: bytes) -> int:
    """Number of rows of a run, given in order with the count and the last hash that were noted while it was written.

    `JournalError` names the first row that is missing, doubled, added or changed.
    """
    last, mode = GENESIS, None

    def watched() -> Iterator[Row]:
        nonlocal last, mode
        for row in rows:
            mode = mode or row.mode
            _check_columns(row, mode)
            last = row.hash
            yield row

    found = verify_chain(watched())
    if found < count:
        raise JournalError(f"run {run_id}: row {found} is missing, and all after it: {count} were written")
    if last != head:
        raise JournalError(f"run {run_id}: row {found - 1} is not the one that was written last")
    return found


def _check_columns(row: Row, mode: Mode) -> None:
    """The columns stand outside the chain; what they repeat of the body, or of the run, must be what that says."""
    record = row.record()
    said = (
        type(record).__name__,
        record.mode if isinstance(record, RunRecord) else mode,
        record.ts_ns,
        getattr(record, "decision_id", ""),
        getattr(record, "instrument_id", ""),
    )
    if (row.kind, row.mode, row.ts_event, row.decision_id, row.instrument_id) != said:
        raise JournalError(f"run {row.run_id}: the columns of row {row.seq} were changed after it was written")
