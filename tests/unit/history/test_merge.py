"""Sorted streams become one, whatever their block sizes; contradictions are named."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.errors import ImportFileError
from helios_nautilus.history.columns import BarBlock
from helios_nautilus.history.merge import merge_blocks


def rows_of(stamps: list[int]) -> BarBlock:
    ts_ns = np.array(stamps, dtype=np.int64)
    return BarBlock(ts_ns=ts_ns, units=np.repeat(ts_ns[:, None], 5, axis=1))


def blocks_of(stamps: set[int], size: int) -> Iterator[BarBlock]:
    ordered = sorted(stamps)
    return (rows_of(ordered[i : i + size]) for i in range(0, len(ordered), size))


@given(
    streams=st.lists(st.tuples(st.sets(st.integers(0, 60)), st.integers(1, 7)), max_size=4),
)
def test_every_bar_comes_once_and_in_order(streams: list[tuple[set[int], int]]) -> None:
    merged = list(merge_blocks({str(i): blocks_of(*stream) for i, stream in enumerate(streams)}))
    ts_ns = [int(ts) for block in merged for ts in block.ts_ns]
    assert ts_ns == sorted(set().union(*(stamps for stamps, _ in streams)))
    for block in merged:
        np.testing.assert_array_equal(block.units, rows_of(block.ts_ns.tolist()).units)


def test_a_bar_that_differs_is_named_with_both_streams_and_the_column() -> None:
    other = BarBlock(ts_ns=np.array([2, 3]), units=np.array([[2, 2, 2, 2, 2], [3, 3, 3, 9, 3]]))
    streams = {"the catalogue": iter([rows_of([1, 2, 3, 4])]), "b.csv": iter([other])}
    with pytest.raises(ImportFileError, match=r"b\.csv: the bar .*000000003Z differs in close .* the catalogue"):
        list(merge_blocks(streams))
