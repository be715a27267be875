"""The bounded queue between the engine's thread and the writer's: full, it counts what it loses; it never waits."""

from collections import deque
from typing import Final

from msgspec import Struct

from helios_nautilus.journal.records import EventRecord, Record

LOST: Final = "journal_records_lost"
"""Kind of the event that stands where records are missing."""


class Loss(Struct, frozen=True):
    """Stands in the queue where records are missing."""

    total: int
    """Records lost up to here, since the beginning."""
    ts_ns: int
    """Of the last of them."""


class Inbox:
    """One thread puts, one other thread takes.

    There is no lock and no wake-up: both would let the engine's thread wait, or hand the processor to the writer in the
    middle of a decision. `deque` is safe between threads, and every counter has one side that writes it.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[Record | Loss] = deque()
        self._lost = 0
        self._lost_ts_ns = 0
        self._marked = 0
        self._told = 0
        self._is_shut = False
        self.is_losing = False
        """Records found no room, and whoever takes has not said since that there is some again."""

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def lost(self) -> int:
        """Records that found no room."""
        return self._lost

    @property
    def is_crowded(self) -> bool:
        """More than half full."""
        return 2 * len(self._waiting) > self._limit

    def put(self, record: Record) -> None:
        """Add a record; if there is no room it is lost."""
        if len(self._waiting) >= self._limit or self._is_shut:
            self._lost_ts_ns = record.ts_ns
            self._lost += 1
            self.is_losing = True
            return
        if self._marked != self._lost:
            self._marked = self._lost
            self._waiting.append(Loss(self._lost, self._lost_ts_ns))
        self._waiting.append(record)

    def shut(self) -> None:
        """Take nothing more in."""
        self._is_shut = True

    def take(self, count: int) -> list[Record]:
        """Up to ``count`` records in the order they came; one in the place of lost ones says how many they were."""
        records: list[Record] = []
        while len(records) < count and self._waiting:
            item = self._waiting.popleft()
            if isinstance(item, Record):
                records.append(item)
            elif item.total > self._told:
                records.append(self._report(item))
        if not records and self._lost > self._told:
            records.append(self._report(Loss(self._lost, self._lost_ts_ns)))
        return records

    def _report(self, loss: Loss) -> EventRecord:
        count, self._told = loss.total - self._told, loss.total
        words = f"{count} {'record' if count == 1 else 'records'} could not be kept: the journal's queue was full"
        return EventRecord(ts_ns=loss.ts_ns, kind=LOST, words=words)
