"""The queue between the engine and the writer: order, its bound, and how losses are told."""

from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.journal.inbox import Inbox
from helios_nautilus.journal.records import EventRecord
from tests.unit.journal.ledger import event


def fill(inbox: Inbox, *numbers: int) -> None:
    for number in numbers:
        inbox.put(event(number))


def test_records_come_out_in_the_order_they_went_in() -> None:
    inbox = Inbox(10)
    fill(inbox, 1, 2, 3)
    assert inbox.take(2) == [event(1), event(2)]
    assert inbox.take(2) == [event(3)]
    assert inbox.take(2) == []


def test_a_full_queue_loses_the_new_and_says_so_at_once() -> None:
    inbox = Inbox(2)
    fill(inbox, 1, 2)
    assert not inbox.is_losing
    fill(inbox, 3, 4)
    assert (inbox.is_losing, inbox.lost) == (True, 2)
    assert inbox.take(2) == [event(1), event(2)]


def test_a_record_stands_where_others_are_missing() -> None:
    inbox = Inbox(2)
    fill(inbox, 1, 2, 3, 4)
    inbox.take(2)
    fill(inbox, 5)
    words = "2 records could not be kept: the journal's queue was full"
    lost = EventRecord(ts_ns=4, kind="journal_records_lost", words=words)
    assert inbox.take(9) == [lost, event(5)]


def test_losses_are_told_though_nothing_follows_them() -> None:
    inbox = Inbox(1)
    fill(inbox, 1, 2)
    assert inbox.take(9) == [event(1)]
    (lost,) = inbox.take(9)
    assert isinstance(lost, EventRecord)
    assert lost.words.startswith("1 record could")
    fill(inbox, 3)
    assert inbox.take(9) == [event(3)], "told twice"


def test_once_shut_everything_is_lost() -> None:
    inbox = Inbox(9)
    fill(inbox, 1)
    inbox.shut()
    fill(inbox, 2)
    assert (inbox.take(1), inbox.lost) == ([event(1)], 1)


@given(st.lists(st.integers(-4, 6).filter(bool), max_size=60), st.integers(1, 5))
def test_what_comes_out_and_what_is_said_to_be_lost_is_all_that_went_in(steps: list[int], limit: int) -> None:
    inbox, put = Inbox(limit), 0
    taken: list[EventRecord] = []
    for step in (*steps, -100):
        if step > 0:
            fill(inbox, *range(put, put + step))
            put += step
        else:
            taken += [record for record in inbox.take(-step) if isinstance(record, EventRecord)]
    taken += [record for record in inbox.take(1) if isinstance(record, EventRecord)]
    kept = [record for record in taken if record.kind == "test"]
    told = sum(int(record.words.split()[0]) for record in taken if record.kind == "journal_records_lost")
    assert len(kept) + told == put
    assert told == inbox.lost
    assert [record.ts_ns for record in taken] == sorted(record.ts_ns for record in taken)
