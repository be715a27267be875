"""Proof that a kept run is what was written: its chain, the columns beside it, and its end."""

from collections.abc import Iterable, Iterator

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.chain import GENESIS, Row, verify_chain


def verify_run(run_id: str, rows: Iterable[Row], count: int, head: bytes) -> int:
    """Number of rows of a run, given in order with the count and the last hash that were noted while it was written.

    `JournalError` names the first row that is missing, doubled, added or changed.
    """
    last = GENESIS

    def watched() -> Iterator[Row]:
        nonlocal last
        for row in rows:
            _check_columns(row)
            last = row.hash
            yield row

    found = verify_chain(watched())
    if found < count:
        raise JournalError(f"run {run_id}: row {found} is missing, and all after it: {count} were written")
    if last != head:
        raise JournalError(f"run {run_id}: row {found - 1} is not the one that was written last")
    return found


def _check_columns(row: Row) -> None:
    """The columns stand outside the chain; what they repeat of the body must be what it says."""
    record = row.record()
    said = (
        type(record).__name__,
        record.ts_ns,
        getattr(record, "decision_id", ""),
        getattr(record, "instrument_id", ""),
    )
    if (row.kind, row.ts_event, row.decision_id, row.instrument_id) != said:
        raise JournalError(f"run {row.run_id}: the columns of row {row.seq} were changed after it was written")
