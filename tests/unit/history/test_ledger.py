"""Holes are found from stamps alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.history.ledger import Hole, find_holes, split_holes
from helios_nautilus.history.spans import spans_of


def test_a_hole_reaches_from_the_first_to_the_last_missing_close() -> None:
    ts_ns = NS_PER_MIN * np.array([1, 2, 5, 6, 8])
    assert find_holes(ts_ns, NS_PER_MIN) == (
        Hole(first_ns=3 * NS_PER_MIN, last_ns=4 * NS_PER_MIN, missing=2),
        Hole(first_ns=7 * NS_PER_MIN, last_ns=7 * NS_PER_MIN, missing=1),
    )


def test_contiguous_bars_have_no_hole() -> None:
    assert find_holes(NS_PER_MIN * np.arange(1, 100), NS_PER_MIN) == ()
    assert find_holes(np.empty(0, dtype=np.int64), NS_PER_MIN) == ()


@given(present=st.sets(st.integers(1, 200), min_size=1), mins=st.sampled_from([1, 5, 60]))
def test_bars_and_holes_together_fill_the_span(present: set[int], mins: int) -> None:
    length = mins * NS_PER_MIN
    holes = find_holes(length * np.array(sorted(present)), length)
    missing = {ts // length for hole in holes for ts in range(hole.first_ns, hole.last_ns + 1, length)}
    assert present | missing == set(range(min(present), max(present) + 1))
    assert not present & missing
    assert sum(hole.missing for hole in holes) == len(missing)


def test_a_hole_the_venue_confirms_in_part_falls_into_pieces() -> None:
    holes = (Hole(first_ns=2, last_ns=9, missing=8), Hole(first_ns=20, last_ns=20, missing=1))
    unknown, empty = split_holes(holes, np.array([[1, 3], [6, 7], [20, 25]]), 1)
    assert [(hole.first_ns, hole.last_ns, hole.missing) for hole in unknown] == [(4, 5, 2), (8, 9, 2)]
    assert [(hole.first_ns, hole.last_ns, hole.missing) for hole in empty] == [(2, 3, 2), (6, 7, 2), (20, 20, 1)]


@given(present=st.sets(st.integers(1, 200), min_size=1), confirmed=st.sets(st.integers(0, 201)))
def test_every_missing_bar_is_either_confirmed_or_not(present: set[int], confirmed: set[int]) -> None:
    holes = find_holes(np.array(sorted(present)), 1)
    unknown, empty = split_holes(holes, spans_of(np.array(sorted(confirmed - present), dtype=np.int64), 1), 1)
    span = set(range(min(present), max(present) + 1))
    assert {ts for hole in empty for ts in range(hole.first_ns, hole.last_ns + 1)} == (confirmed - present) & span
    assert {ts for hole in unknown for ts in range(hole.first_ns, hole.last_ns + 1)} == span - present - confirmed
