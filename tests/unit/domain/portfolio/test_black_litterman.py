"""Black-Litterman: its limiting cases, and skfolio as an independent second implementation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skfolio.moments import EmpiricalCovariance, EquilibriumMu
from skfolio.prior import BlackLitterman, EmpiricalPrior

from helios_nautilus.domain.portfolio.black_litterman import (
    View,
    black_litterman,
    equilibrium_returns,
    market_weights,
    posterior,
)
from helios_nautilus.domain.portfolio.covariance import sample_covariance
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR
from helios_nautilus.errors import DataError

RETURNS = np.random.default_rng(5).normal(0.001, 0.03, (250, 4)) + np.random.default_rng(6).normal(0, 0.02, (250, 1))
COVARIANCE = sample_covariance(RETURNS)
WEIGHTS = np.array([0.5, 0.25, 0.15, 0.1])
PRIOR = equilibrium_returns(COVARIANCE, WEIGHTS)


def a_view(asset: int, expected_return: float, confidence: float, horizon_ns: int = NS_PER_DAY) -> View:
    return View(asset=asset, expected_return=expected_return, horizon_ns=horizon_ns, confidence=confidence)


def test_market_weights_are_shares_of_traded_value():
    assert market_weights(np.array([3.0, 1.0, 0.0])) == pytest.approx([0.75, 0.25, 0.0])


@pytest.mark.parametrize("value", [[0.0, 0.0], [1.0, -1.0], [1.0, np.nan], [np.inf, 1.0]])
def test_traded_values_that_are_none_are_refused(value: list[float]):
    with pytest.raises(DataError):
        market_weights(np.array(value))


def test_without_views_the_posterior_is_the_prior():
    result = black_litterman(COVARIANCE, PRIOR, [])

    assert np.array_equal(result.mean, PRIOR)
    assert result.covariance == pytest.approx(1.05 * COVARIANCE)


def test_a_view_without_confidence_says_nothing():
    assert np.array_equal(black_litterman(COVARIANCE, PRIOR, [a_view(0, 0.5, 0.0)]).mean, PRIOR)


def test_a_certain_view_comes_true():
    result = black_litterman(COVARIANCE, PRIOR, [a_view(2, 0.02, 1.0)])

    assert result.mean[2] == pytest.approx(0.02)
    assert result.covariance[2, 2] == pytest.approx(COVARIANCE[2, 2])


@given(confidence=st.floats(0.01, 1.0), expected=st.floats(-0.2, 0.2))
def test_one_view_moves_its_asset_by_the_confidence_of_the_way(confidence: float, expected: float):
    mean = black_litterman(COVARIANCE, PRIOR, [a_view(1, expected, confidence)]).mean

    assert mean[1] == pytest.approx(PRIOR[1] + confidence * (expected - PRIOR[1]))


def test_a_view_on_one_asset_carries_the_correlated_ones_along():
    mean = black_litterman(COVARIANCE, PRIOR, [a_view(0, PRIOR[0] + 0.01, 0.8)]).mean

    assert (mean > PRIOR).all()


def test_a_view_over_four_hours_is_brought_to_a_day():
    short = black_litterman(COVARIANCE, PRIOR, [a_view(0, 0.002, 0.7, 4 * NS_PER_HOUR)])
    daily = black_litterman(COVARIANCE, PRIOR, [a_view(0, 0.012, 0.7)])

    assert short.mean == pytest.approx(daily.mean)


@given(unit=st.floats(0.01, 100.0))
def test_another_unit_of_time_changes_nothing_but_the_unit(unit: float):
    views = [a_view(0, 0.01, 0.7), a_view(3, -0.02, 0.6)]
    daily = black_litterman(COVARIANCE, PRIOR, views)
    other = black_litterman(unit * COVARIANCE, unit * PRIOR, views, unit_ns=round(unit * NS_PER_DAY))

    assert other.mean == pytest.approx(unit * daily.mean, rel=1e-6)
    assert other.covariance == pytest.approx(unit * daily.covariance)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(-0.1, 0.1), st.floats(0.05, 0.95)), max_size=6),
)
def test_views_never_make_the_covariance_wider_than_the_priors_nor_narrower_than_the_assets(
    views: list[tuple[int, float, float]],
):
    result = black_litterman(COVARIANCE, PRIOR, [a_view(*view) for view in views])
    slack = 1e-12

    assert result.covariance == pytest.approx(result.covariance.T)
    assert np.linalg.eigvalsh(result.covariance - COVARIANCE).min() > -slack
    assert np.linalg.eigvalsh(1.05 * COVARIANCE - result.covariance).min() > -slack


@pytest.mark.parametrize("confidence", [[0.5, 0.5], [0.9, 0.2]])
def test_the_posterior_agrees_with_skfolio(confidence: list[float]):
    picks = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, -1.0]])
    prior = EmpiricalPrior(
        mu_estimator=EquilibriumMu(risk_aversion=2.5, weights=WEIGHTS, covariance_estimator=EmpiricalCovariance()),
        covariance_estimator=EmpiricalCovariance(),
    )
    theirs = BlackLitterman(
        views=["a == 0.01", "b - d == 0.002"],
        groups=[["a", "b", "c", "d"]],
        tau=0.05,
        view_confidences=confidence,
        prior_estimator=prior,
    ).fit(RETURNS)
    ours = posterior(COVARIANCE, PRIOR, picks, np.array([0.01, 0.002]), np.array(confidence))

    assert ours.mean == pytest.approx(theirs.return_distribution_.mu)
    assert ours.covariance == pytest.approx(theirs.return_distribution_.covariance)


def test_two_certainties_about_one_asset_are_refused():
    with pytest.raises(DataError, match="with certainty"):
        black_litterman(COVARIANCE, PRIOR, [a_view(0, 0.01, 1.0), a_view(0, 0.02, 1.0)])


@pytest.mark.parametrize(("expected", "confidence"), [(np.nan, 0.5), (0.01, 1.5), (0.01, np.nan)])
def test_a_broken_view_is_refused(expected: float, confidence: float):
    with pytest.raises(DataError, match="views need"):
        black_litterman(COVARIANCE, PRIOR, [a_view(0, expected, confidence)])


def test_a_view_without_a_horizon_is_refused():
    with pytest.raises(DataError, match="horizon"):
        a_view(0, 0.01, 0.5, horizon_ns=0)
