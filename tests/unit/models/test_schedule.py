import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR
from helios_nautilus.errors import ConfigError, ModelError
from helios_nautilus.models.pointer import Change
from helios_nautilus.models.schedule import FOREVER_NS, Cadence, find_due, in_charge

DAY = 20_000 * NS_PER_DAY
DAILY = Cadence(every="1d", window="30d", allowance="6h")


def change(ts_ns: int, model: str = "some") -> Change:
    return Change(
        action="promote", model=model, model_id=model, card_sha256="", ts_ns=ts_ns, who="ann", why="it is due"
    )


def due(since_ns: int, first_ns: int, last_ns: int, cadence: Cadence = DAILY) -> list[int]:
    return [candidate.until_ns for candidate in find_due(cadence, since_ns, first_ns, last_ns)]


def test_the_first_one_due_is_the_newest_that_can_be_in_charge_by_then() -> None:
    first_ns, last_ns = DAY - 100 * NS_PER_DAY, DAY + NS_PER_DAY + NS_PER_HOUR
    assert due(DAY, first_ns, last_ns) == [DAY - NS_PER_DAY, DAY, DAY + NS_PER_DAY]
    assert due(DAY + 6 * NS_PER_HOUR, first_ns, last_ns) == [DAY, DAY + NS_PER_DAY]
    assert due(DAY + 6 * NS_PER_HOUR - 1, first_ns, last_ns)[0] == DAY - NS_PER_DAY


def test_none_is_due_before_its_window_is_full_or_after_the_end_of_the_data() -> None:
    assert due(DAY, DAY - 29 * NS_PER_DAY, DAY + 2 * NS_PER_DAY) == [DAY + NS_PER_DAY, DAY + 2 * NS_PER_DAY]
    assert due(DAY, DAY - 29 * NS_PER_DAY, DAY + NS_PER_DAY - 1) == []
    assert due(DAY, DAY - 29 * NS_PER_DAY + 1, DAY + NS_PER_DAY) == []


@given(
    st.integers(1, 20),
    st.integers(1, 200),
    st.integers(1, 48),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.integers(0, 10**5),
)
def test_every_candidate_learns_from_data_that_are_there_and_over_when_it_is_in_charge(
    every: int, window: int, allowance: int, since: int, first: int, length: int
) -> None:
    cadence = Cadence(every=f"{every}d", window=f"{window}d", allowance=f"{allowance}h")
    first_ns, last_ns = DAY + first * NS_PER_HOUR, DAY + (first + length) * NS_PER_HOUR
    found = find_due(cadence, DAY + since * NS_PER_HOUR, first_ns, last_ns)
    for candidate in found:
        assert first_ns <= candidate.start_ns < candidate.until_ns <= last_ns
        assert candidate.until_ns - candidate.start_ns == window * NS_PER_DAY
        assert candidate.ready_ns - candidate.until_ns == allowance * NS_PER_HOUR
        assert candidate.until_ns % (every * NS_PER_DAY) == 0
    later = find_due(cadence, DAY + (since + 1000) * NS_PER_HOUR, first_ns, last_ns)
    assert set(later) <= set(found), "a later call asks for no other dates"


def test_candidates_have_names_and_seeds_of_their_own_that_do_not_change() -> None:
    one, two = find_due(DAILY, DAY + NS_PER_DAY, DAY - 100 * NS_PER_DAY, DAY + NS_PER_DAY)
    assert one.name("helios-nano") == "helios-nano-20241004T0000-30d"
    assert two.name("helios-nano") == "helios-nano-20241005T0000-30d"
    assert one.seed(7) == one.seed(7)
    assert len({one.seed(7), two.seed(7), one.seed(8)}) == 3


@pytest.mark.parametrize("cadence", [{"every": "weekly"}, {"window": "0d"}, {"allowance": ""}])
def test_lengths_of_time_that_are_none_are_refused(cadence: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(cadence))}: .* is no length of time; write it like 7d"):
        Cadence(**cadence)


def test_each_change_counts_from_its_own_stamp_to_the_next_ones() -> None:
    one, two, three = history = change(100, "a"), change(200, "b"), change(300, "a")
    assert in_charge(history, 0, 1000) == ((one, 200), (two, 300), (three, FOREVER_NS))
    assert in_charge(history, 150, 200) == ((one, 200),)
    assert in_charge(history, 200, 201) == ((two, 300),)
    assert in_charge(history, 500, 600) == ((three, FOREVER_NS),)
    assert in_charge(history, 0, 100) == ()


def test_of_changes_at_one_stamp_the_last_counts() -> None:
    assert in_charge((change(100, "a"), change(100, "b")), 0, 1000) == ((change(100, "b"), FOREVER_NS),)


def test_history_that_is_not_in_the_order_of_time_is_refused() -> None:
    with pytest.raises(ModelError, match="not in the order of time"):
        in_charge((change(200), change(100)), 0, 1000)
