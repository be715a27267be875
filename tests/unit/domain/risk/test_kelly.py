"""The Kelly fraction and what shrinks it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.risk.kelly import kelly_fraction, net_payoff, volatility_factor

chances = st.floats(0, 1)
payoffs = st.floats(0, 1e6)


def test_the_example_of_the_specification() -> None:
    assert kelly_fraction(0.72, 2.0) == pytest.approx(0.58, rel=1e-12)


@pytest.mark.parametrize(("p_win", "payoff", "fraction"), [(0.5, 1.0, 0.0), (0.6, 1.0, 0.2), (1.0, 3.0, 1.0)])
def test_known_bets(p_win: float, payoff: float, fraction: float) -> None:
    assert kelly_fraction(p_win, payoff) == pytest.approx(fraction)


def test_a_bet_that_wins_nothing_is_worth_minus_one() -> None:
    assert kelly_fraction(0.9, 0.0) == -1.0


@given(chances, payoffs)
def test_a_fraction_never_leaves_minus_one_to_one(p_win: float, payoff: float) -> None:
    assert -1.0 <= kelly_fraction(p_win, payoff) <= 1.0


@given(chances, chances, payoffs)
def test_a_likelier_win_never_makes_the_fraction_smaller(one: float, other: float, payoff: float) -> None:
    assert kelly_fraction(min(one, other), payoff) <= kelly_fraction(max(one, other), payoff)


@given(chances, payoffs, payoffs)
def test_a_better_payoff_never_makes_the_fraction_smaller(p_win: float, one: float, other: float) -> None:
    assert kelly_fraction(p_win, min(one, other)) <= kelly_fraction(p_win, max(one, other))


@given(st.floats(0.01, 0.99), st.floats(0.1, 10))
def test_the_fraction_grows_wealth_fastest(p_win: float, payoff: float) -> None:
    best = kelly_fraction(p_win, payoff)

    def growth_slope(fraction: float) -> float:
        return p_win * payoff / (1 + payoff * fraction) - (1 - p_win) / (1 - fraction)

    if 0 < best < 1:
        assert growth_slope(best) == pytest.approx(0, abs=1e-6)


def test_costs_take_from_wins_and_add_to_losses() -> None:
    assert net_payoff(0.06, 0.12, cost_of_loss=0.01, cost_of_win=0.006) == pytest.approx(0.114 / 0.07)
    assert net_payoff(0.06, 0.12, 0.0, 0.0) == pytest.approx(2.0)


def test_a_volatility_equal_to_the_scale_halves_a_bet() -> None:
    assert volatility_factor(0.02, 0.02) == 0.5


@given(st.floats(0, 1e3), st.floats(0, 1e3))
def test_more_volatility_never_enlarges_a_bet(one: float, other: float) -> None:
    calm, wild = sorted([one, other])
    assert 0 < volatility_factor(wild, 0.02) <= volatility_factor(calm, 0.02) <= 1
