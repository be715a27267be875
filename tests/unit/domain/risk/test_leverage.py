"""Leverage by confidence, less what regime and drawdown take off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.risk.leverage import leverage_for


@pytest.mark.parametrize(
    ("confidence", "cut", "expected"),
    [(0.60, 0.0, 1.0), (0.70, 0.0, 1.0), (0.90, 0.0, 1.4), (0.90, 0.3, 1.1), (0.90, 1.0, 1.0), (1.0, 0.0, 1.6)],
)
def test_leverage_grows_above_the_start_and_is_cut(confidence: float, cut: float, expected: float) -> None:
    assert leverage_for(confidence, cut, start=0.70, slope=2.0, ceiling=3.0) == expected


@given(st.floats(0, 1), st.floats(0, 5), st.floats(0, 100))
def test_leverage_stays_between_one_and_its_ceiling_at_one_decimal(confidence: float, cut: float, slope: float) -> None:
    leverage = leverage_for(confidence, cut, 0.70, slope, 3.0)
    assert 1.0 <= leverage <= 3.0
    assert leverage == round(leverage, 1)


@given(st.floats(0, 1), st.floats(0, 5), st.floats(0, 5))
def test_a_larger_cut_never_gives_more_leverage(confidence: float, one: float, other: float) -> None:
    small, large = sorted([one, other])
    assert leverage_for(confidence, large, 0.7, 10.0, 3.0) <= leverage_for(confidence, small, 0.7, 10.0, 3.0)
