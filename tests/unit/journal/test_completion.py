"""A run that was killed gets the records that its bets' file alone knows of, each of them once."""

from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.journal.bet_store import Pending
from helios_nautilus.journal.completion import COMPLETED, complete
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import EventRecord, FillRecord
from tests.integration.journal.samples import RUN, fill, mark

FILLS = [fill("D-1", second) for second in range(1, 6)]
LATER_NS = 99


def killed(*arrived: FillRecord) -> MemoryJournal:
    """A run of which these fills came as far as the journal."""
    journal = MemoryJournal()
    for record in (RUN, *arrived, mark(9_000)):
        journal.append(record)
    return journal


def pending(*records: FillRecord, run_id: str = RUN.run_id) -> list[Pending]:
    return [Pending(run_id=run_id, record=record) for record in records]


def test_what_the_run_lacks_is_added_to_it_and_said() -> None:
    journal = killed(FILLS[0])

    assert complete(journal, pending(*FILLS[:3]), LATER_NS) == 2

    assert journal.records(RUN.run_id)[-3:-1] == FILLS[1:3]
    event = journal.records(RUN.run_id)[-1]
    assert isinstance(event, EventRecord)
    assert (event.kind, event.ts_ns) == (COMPLETED, LATER_NS)
    assert event.words.startswith("2 of its last records")


@given(arrived=st.integers(0, 5), starts=st.integers(1, 4))
def test_wherever_the_kill_struck_and_however_often_it_is_asked_each_fill_is_there_once(
    arrived: int, starts: int
) -> None:
    journal = killed(*FILLS[:arrived])

    lacked = [complete(journal, pending(*FILLS), LATER_NS) for _ in range(starts)]

    assert lacked == [5 - arrived] + [0] * (starts - 1)
    assert journal.records_of(RUN.run_id, FillRecord) == FILLS


def test_nothing_is_said_where_nothing_was_lost() -> None:
    journal = killed(*FILLS)
    before = journal.records(RUN.run_id)

    assert complete(journal, pending(*FILLS), LATER_NS) == 0
    assert journal.records(RUN.run_id) == before


def test_each_run_gets_its_own_and_one_that_is_gone_is_passed_over() -> None:
    journal = killed()
    journal.store_run([RUN, FILLS[0]], RUN)  # under another id
    other = journal.runs()[0].run_id

    given = [*pending(FILLS[0]), *pending(FILLS[1], run_id=other), *pending(FILLS[2], run_id="pruned")]
    assert complete(journal, given, LATER_NS) == 2

    assert journal.records_of(RUN.run_id, FillRecord) == [FILLS[0]]
    assert journal.records_of(other, FillRecord) == FILLS[:2]
