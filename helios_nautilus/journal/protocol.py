"""What the rest of the code sees of a journal: who writes sees `Journal`, who reads sees `JournalReader`."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from helios_nautilus.journal.records import Mode, Record, RunRecord


class Journal(Protocol):
    """Takes records in order. Never blocks and never raises for want of a database: trading goes on."""

    def append(self, record: Record) -> None:
        """Add one record."""
        ...


class StoredRun(Struct, frozen=True, kw_only=True):
    """A run that is kept; stamps are nanoseconds UTC."""

    run_id: str
    mode: Mode
    strategy: str
    data_label: str
    model_id: str
    config_hash: str
    start_ns: int
    end_ns: int
    """As configured, like the start."""
    recorded_ns: int
    """When its first row was written down."""
    rows: int
    head: bytes
    """Hash of the last row."""


class Found(Struct, frozen=True, kw_only=True):
    """Where a name was found: the decision it belongs to, and the run."""

    run_id: str
    decision_id: str


class JournalReader(Protocol):
    """Reads runs back. All methods raise `JournalError` where the journal cannot be reached or knows no such run."""

    def runs(self) -> list[StoredRun]:
        """All runs, the one recorded last first."""
        ...

    def run_record(self, run_id: str) -> RunRecord:
        """The record that a run began with."""
        ...

    def records(self, run_id: str) -> list[Record]:
        """Every record of a run, in order."""
        ...

    def records_of[R: Record](self, run_id: str, kind: type[R]) -> list[R]:
        """The records of a run that are of one kind, in order."""
        ...

    def decision(self, run_id: str, decision_id: str) -> list[Record]:
        """Every record of one decision, in order."""
        ...

    def find(self, name: str, run_id: str | None = None) -> Sequence[Found]:
        """The decisions that a decision id, client order id, position id or trade id names, newest run first."""
        ...
