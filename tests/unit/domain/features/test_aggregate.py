from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.features.aggregate import aggregate, canonical
from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.errors import DataError
from tests.unit.domain.features.markets import PRECISION, START_NS, flat_bars, pick, random_bars

FIVE = 5 * NS_PER_MIN


def test_five_bars_make_one() -> None:
    base = random_bars(1, 10)
    first, second = (pick(base, slice(k, k + 5)) for k in (0, 5))
    coarse = aggregate(base, NS_PER_MIN, FIVE, PRECISION)
    assert coarse.ts_ns.tolist() == [START_NS + FIVE, START_NS + 2 * FIVE]
    assert coarse.open.tolist() == [first.open[0], second.open[0]]
    assert coarse.high.tolist() == [first.high.max(), second.high.max()]
    assert coarse.low.tolist() == [first.low.min(), second.low.min()]
    assert coarse.close.tolist() == [first.close[-1], second.close[-1]]


@pytest.mark.parametrize("missing", range(5, 10))
def test_a_bar_with_a_part_missing_does_not_exist(missing: int) -> None:
    base = pick(random_bars(1, 15), np.arange(15) != missing)
    assert aggregate(base, NS_PER_MIN, FIVE, PRECISION).ts_ns.tolist() == [START_NS + FIVE, START_NS + 3 * FIVE]


def test_bars_before_the_first_whole_interval_are_left_out() -> None:
    base = pick(random_bars(1, 10), slice(2, None))
    assert aggregate(base, NS_PER_MIN, FIVE, PRECISION).ts_ns.tolist() == [START_NS + 2 * FIVE]


def test_no_bars_make_no_bars() -> None:
    assert len(aggregate(pick(random_bars(1, 1), slice(0, 0)), NS_PER_MIN, FIVE, PRECISION)) == 0


@given(st.integers(0, 9), st.lists(st.integers(0, 10**12), min_size=5, max_size=5))
def test_volumes_add_up_like_decimals(precision: int, parts: list[int]) -> None:
    volumes = [Decimal(part).scaleb(-precision) for part in parts]
    base = flat_bars(5, 1.0, 0.0)
    base.volume[:] = [float(volume) for volume in volumes]
    assert aggregate(base, NS_PER_MIN, FIVE, precision).volume[0] == float(sum(volumes))


@given(st.integers(0, 9), st.integers(0, 10**14), st.sampled_from([0.0, 1.0, 2.0]))
def test_a_neighbouring_float_is_brought_back_to_the_decimal(precision: int, whole: int, side: float) -> None:
    exact = float(Decimal(whole).scaleb(-precision))
    assert canonical(float(np.nextafter(exact, exact * side)), precision) == exact


def test_stamps_off_the_grid_are_refused() -> None:
    base = random_bars(1, 10)
    base.ts_ns[3] -= 1
    with pytest.raises(DataError, match="not the close"):
        aggregate(base, NS_PER_MIN, FIVE, PRECISION)


def test_bars_out_of_order_are_refused() -> None:
    base = random_bars(1, 10)
    base.ts_ns[3] = base.ts_ns[2]
    with pytest.raises(DataError, match="order"):
        aggregate(base, NS_PER_MIN, FIVE, PRECISION)
