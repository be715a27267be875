"""Completing the journal of a run that was killed: its last records may be known to the file of its bets alone.

A record of money is in that file before the journal's writer gets it, and up to 50 ms later it is in the database or
the spool. Nobody has to guess which of the two a kill left: once the spool is empty, the journal is asked.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from helios_nautilus.journal.bet_store import MoneyRecord, Pending
from helios_nautilus.journal.protocol import JournalReader
from helios_nautilus.journal.records import EventRecord, FillRecord, PositionRecord, Record

COMPLETED: Final = "completed"
"""Kind of the event behind the records that a run gets after its end."""


class EndedRuns(JournalReader, Protocol):
    """A journal whose ended runs can be added to."""

    def append_to(self, run_id: str, records: Iterable[Record]) -> None:
        """Add records to a run that nobody writes any more, all of them or nothing."""
        ...


def complete(journal: EndedRuns, pending: Sequence[Pending], now_ns: int) -> int:
    """Give runs what they lack, each record once; how many there were. Raises `JournalError`.

    All that the runs' writers left in the spool must be in the journal. A run that is there no more lacks nothing.
    """
    known = {run.run_id for run in journal.runs()}
    return sum(
        _complete(journal, run_id, [each.record for each in pending if each.run_id == run_id], now_ns)
        for run_id in dict.fromkeys(each.run_id for each in pending)
        if run_id in known
    )


def _complete(journal: EndedRuns, run_id: str, records: Sequence[MoneyRecord], now_ns: int) -> int:
    there = {*journal.records_of(run_id, FillRecord), *journal.records_of(run_id, PositionRecord)}
    lacking = [record for record in records if record not in there]
    if lacking:
        words = f"{len(lacking)} of its last records were in the file of its bets alone"
        journal.append_to(run_id, [*lacking, EventRecord(ts_ns=now_ns, kind=COMPLETED, words=words)])
    return len(lacking)
