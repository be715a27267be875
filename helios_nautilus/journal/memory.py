"""A journal in memory: backtests read their report from it, tests look into it."""

from collections.abc import Iterator

from helios_nautilus.journal.records import Record


class MemoryJournal:
    """Keeps every record in the order it came."""

    def __init__(self) -> None:
        self._records: list[Record] = []

    def append(self, record: Record) -> None:
        """Add one record."""
        self._records.append(record)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def of[R: Record](self, kind: type[R]) -> list[R]:
        """All records of one kind, in order."""
        return [record for record in self._records if isinstance(record, kind)]

    def decision(self, decision_id: str) -> list[Record]:
        """Everything that followed from one prediction, in order."""
        return [record for record in self._records if getattr(record, "decision_id", None) == decision_id]
