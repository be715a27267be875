from itertools import count, pairwise, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.portfolio.flatten import FlattenRules, limit_price, pause_before_telling, slippage_of
from helios_nautilus.errors import ConfigError


@st.composite
def any_rules(draw: st.DrawFn) -> FlattenRules:
    first = draw(st.floats(1e-4, 0.1))
    return FlattenRules(
        first_slippage=first, widening=draw(st.floats(1.1, 5.0)), max_slippage=draw(st.floats(first, 0.5))
    )


def ladder(rules: FlattenRules) -> list[float]:
    """All limits, up to the first market order."""
    found = takewhile(lambda slippage: slippage is not None, (slippage_of(attempt, rules) for attempt in count()))
    return [slippage for slippage in found if slippage is not None]


def test_the_default_goes_from_half_a_percent_to_five_and_then_takes_any_price() -> None:
    rules = FlattenRules()
    assert ladder(rules) == [0.005, 0.01, 0.02, 0.04, 0.05]
    assert slippage_of(5, rules) is None
    assert slippage_of(500, rules) is None


@given(any_rules())
def test_every_try_reaches_further_than_the_last_and_none_beyond_the_bound(rules: FlattenRules) -> None:
    rungs = ladder(rules)
    assert rungs[0] == rules.first_slippage
    assert rungs[-1] == rules.max_slippage
    assert all(nearer < further for nearer, further in pairwise(rungs))


@given(st.floats(1.0, 1e7), st.floats(1e-4, 0.5))
def test_a_limit_lies_beyond_the_far_side_of_the_book_so_that_it_trades_at_once(far: float, slippage: float) -> None:
    assert limit_price(far, slippage, is_buy=True) > far > limit_price(far, slippage, is_buy=False) > 0.0


def test_what_is_not_closed_is_told_at_widening_intervals_up_to_a_longest_one() -> None:
    rules = FlattenRules(tell_after_secs=10.0, tell_every_secs=60.0)
    assert [pause_before_telling(times, rules) for times in range(5)] == [10.0, 20.0, 40.0, 60.0, 60.0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"first_slippage": 0.0},
        {"first_slippage": 0.06},
        {"max_slippage": 1.0},
        {"widening": 1.0},
        {"tell_after_secs": 0.0},
        {"tell_every_secs": 1.0},
    ],
)
def test_rules_under_which_a_halt_might_not_get_out_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="flatten"):
        FlattenRules(**wrong)
