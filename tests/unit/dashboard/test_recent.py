import pytest

from helios_nautilus.dashboard.recent import Recent
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.errors import JournalError


class Journal:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.asked: list[tuple[int, str]] = []
        self.is_away = False

    def trades(self, count: int, *, pair: str = "") -> list[int]:
        self.asked.append((count, pair))
        if self.is_away:
            raise JournalError("away")
        return [self.now_ns] * count


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def recent(journal: Journal) -> Recent:
    return Recent(lambda: journal.now_ns)


def test_who_asks_within_a_second_gets_the_same_answer(journal: Journal, recent: Recent) -> None:
    bodies = []
    for journal.now_ns in (0, NS_PER_SEC - 1, NS_PER_SEC):
        bodies.append(recent.answer(journal.trades, 1).body)
    assert bodies == [b"[0]", b"[0]", b"[1000000000]"]
    assert len(journal.asked) == 2


def test_another_question_has_another_answer(journal: Journal, recent: Recent) -> None:
    for count, pair in ((1, ""), (2, ""), (2, "BTCZAR"), (2, "")):
        recent.answer(journal.trades, count, pair=pair)
    assert journal.asked == [(1, ""), (2, ""), (2, "BTCZAR")]


def test_a_question_that_failed_is_asked_again(journal: Journal, recent: Recent) -> None:
    journal.is_away = True
    with pytest.raises(JournalError):
        recent.answer(journal.trades, 1)
    journal.is_away = False
    assert recent.answer(journal.trades, 1).body == b"[0]"


def test_who_asks_for_ever_something_else_does_not_fill_the_memory(journal: Journal, recent: Recent) -> None:
    for count in range(500):
        recent.answer(journal.trades, count)
    assert len(recent._answers) <= 64
