from msgspec.structs import replace

from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import Record
from helios_nautilus.journal.status import NodeStatus
from helios_nautilus.journal.writer import WriterStatus
from helios_nautilus.watch.observers import ObservedJournal
from tests.integration.journal.samples import RUN, mark, status


class Kept(MemoryJournal):
    """A journal that keeps everything at once."""

    is_healthy = True

    def status(self) -> WriterStatus:
        count = len(self)
        return WriterStatus(waiting=0, kept=count, stored=count, lost=0, is_direct=True, is_healthy=True)


class Hearing:
    """Remembers what it hears, and how many records the journal had by then."""

    def __init__(self, journal: MemoryJournal) -> None:
        self.heard: list[Record | NodeStatus] = []
        self.kept: list[int] = []
        self._journal = journal

    def on_record(self, record: Record) -> None:
        self.heard.append(record)
        self.kept.append(len(self._journal))

    def on_status(self, status: NodeStatus) -> None:
        self.heard.append(status)


class Broken:
    """Cannot bear to hear anything."""

    def on_record(self, record: Record) -> None:
        raise ZeroDivisionError("record")

    def on_status(self, status: NodeStatus) -> None:
        raise ZeroDivisionError("status")


def test_the_journal_has_a_record_before_anybody_hears_of_it() -> None:
    kept = Kept()
    hearing = Hearing(kept)
    journal = ObservedJournal(kept, [hearing], print)
    journal.append(RUN)
    journal.append(mark(2_000))
    assert hearing.heard == list(kept) == [RUN, mark(2_000)]
    assert hearing.kept == [1, 2]


def test_an_observer_that_breaks_costs_neither_trading_nor_the_others_and_is_told_of_once() -> None:
    kept, told = Kept(), list[str]()
    hearing = Hearing(kept)
    journal = ObservedJournal(kept, [Broken(), hearing], told.append)
    for ts_ns in range(3):
        journal.append(replace(RUN, ts_ns=ts_ns))
        journal.on_status(status(ts_ns))
    assert (len(kept), len(hearing.heard)) == (3, 6)
    assert told == ["Broken failed and may be incomplete from here on: ZeroDivisionError: record"]


def test_even_who_is_told_of_it_may_break() -> None:
    kept = Kept()
    ObservedJournal(kept, [Broken()], lambda _: 1 / 0).append(RUN)
    assert list(kept) == [RUN]


def test_how_the_journal_is_getting_on_is_the_journal_s_own_word() -> None:
    kept = Kept()
    journal = ObservedJournal(kept, [], print)
    journal.append(RUN)
    assert (journal.is_healthy, journal.status().kept) == (True, 1)
    kept.is_healthy = False
    assert not journal.is_healthy
