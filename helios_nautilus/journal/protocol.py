"""What the rest of the code sees of a journal."""

from typing import Protocol

from helios_nautilus.journal.records import Record


class Journal(Protocol):
    """Takes records in order. Never blocks and never raises for want of a database: trading goes on."""

    def append(self, record: Record) -> None:
        """Add one record."""
        ...
