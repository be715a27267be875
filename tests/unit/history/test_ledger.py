"""Holes are found from stamps alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.history.ledger import Hole, find_holes


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
