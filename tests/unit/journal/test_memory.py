"""The journal in memory, where it does more than keep what it is given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import OrderRecord
from tests.integration.journal.samples import RUN, fill, mark, order, predict, small_run


def appended(*records: OrderRecord) -> list[str]:
    journal = MemoryJournal()
    for record in records:
        journal.append(record)
    return [record.client_order_id for record in journal.of(OrderRecord)]


@pytest.mark.parametrize("status", ["CANCELED", "UPDATED"])
@given(ids=st.permutations(["O-1", "O-2", "O-3"]))
def test_orders_that_end_at_one_instant_are_in_the_order_of_their_ids(status: str, ids: list[str]) -> None:
    assert appended(*(order("D-1", 5, status, order_id) for order_id in ids)) == ["O-1", "O-2", "O-3"]


def test_orders_of_another_instant_or_state_stay_where_they_came() -> None:
    assert appended(order("D-1", 5, "CANCELED", "O-2"), order("D-1", 6, "CANCELED", "O-1")) == ["O-2", "O-1"]
    assert appended(order("D-1", 5, "CANCELED", "O-2"), order("D-1", 5, "UPDATED", "O-1")) == ["O-2", "O-1"]
    assert appended(order("D-1", 5, "SUBMITTED", "O-2"), order("D-1", 5, "SUBMITTED", "O-1")) == ["O-2", "O-1"]


def test_a_run_record_begins_a_run_and_an_equal_one_another() -> None:
    journal = MemoryJournal()
    for record in (mark(1), RUN, predict("D-1", 2), RUN, predict("D-2", 3)):
        journal.append(record)
    assert [run.run_id for run in journal.runs()] == ["small-1234.2", "small-1234"]
    assert journal.records("small-1234") == [RUN, predict("D-1", 2)]
    assert len(journal) == 5


def test_what_is_appended_and_what_is_stored_are_the_same_run() -> None:
    one, other = MemoryJournal(), MemoryJournal()
    for record in small_run():
        one.append(record)
    other.store_run(small_run(), RUN)
    assert one.run(RUN.run_id).head == other.run(RUN.run_id).head


def test_everything_about_a_decision_is_found_without_a_run() -> None:
    journal = MemoryJournal()
    for record in (predict("D-1", 2), predict("D-2", 2), fill("D-1", 3), mark(4)):
        journal.append(record)
    assert journal.about("D-1") == [predict("D-1", 2), fill("D-1", 3)]
