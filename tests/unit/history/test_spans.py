"""Spans and stamps are two ways to write one set."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN
from helios_nautilus.history.spans import is_within, spans_of, stamps_between, stamps_of

minutes = st.sets(st.integers(1, 300)).map(lambda chosen: NS_PER_MIN * np.array(sorted(chosen), dtype=np.int64))


def test_neighbours_are_one_span() -> None:
    assert spans_of(np.array([1, 2, 3, 7, 9, 10]), 1).tolist() == [[1, 3], [7, 7], [9, 10]]


def test_the_last_minute_of_years_is_not_lost() -> None:
    first, minutes = 1_700_000_100_000_000_000, 1_121_864
    stamps = stamps_between(first, first + minutes * NS_PER_MIN, NS_PER_MIN)
    assert len(stamps) == minutes + 1
    assert stamps[-1] == first + minutes * NS_PER_MIN
    assert len(stamps_of(spans_of(stamps, NS_PER_MIN), NS_PER_MIN)) == minutes + 1


@given(stamps=minutes)
def test_there_and_back_is_the_same_set(stamps: np.ndarray) -> None:
    spans = spans_of(stamps, NS_PER_MIN)
    assert stamps_of(spans, NS_PER_MIN).tolist() == stamps.tolist()
    assert (np.diff(spans.ravel())[1::2] > NS_PER_MIN).all(), "spans do not touch"


@given(inside=minutes, asked=minutes)
def test_what_lies_within_is_what_the_spans_are_made_of(inside: np.ndarray, asked: np.ndarray) -> None:
    found = is_within(asked, spans_of(inside, NS_PER_MIN))
    assert found.tolist() == np.isin(asked, inside).tolist()


@given(spans=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=6))
def test_spans_may_overlap_when_they_are_read(spans: list[tuple[int, int]]) -> None:
    expected = {stamp for first, length in spans for stamp in range(first, first + length + 1)}
    rows = np.array([(first, first + length) for first, length in spans], dtype=np.int64).reshape(-1, 2)
    assert stamps_of(rows, 1).tolist() == sorted(expected)


def test_nothing_lies_within_no_spans() -> None:
    assert not is_within(np.array([NS_PER_DAY]), spans_of(np.empty(0, dtype=np.int64), NS_PER_MIN)).any()
