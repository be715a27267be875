"""Daily returns on one calendar, correlation, and shrinkage against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.covariance import LedoitWolf

from helios_nautilus.domain.portfolio.covariance import correlation, daily_returns, ledoit_wolf, sample_covariance
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR
from helios_nautilus.errors import DataError, NotEnoughHistoryError

MIDNIGHT = 20_000 * NS_PER_DAY
DAYS = MIDNIGHT + np.arange(-5, 1) * NS_PER_DAY
CLOSES = np.array([100.0, 110.0, 99.0, 99.0, 108.9, 98.01])


def test_daily_bars_give_one_return_a_day():
    returns = daily_returns(DAYS, CLOSES, end_ns=MIDNIGHT, days=5)

    assert returns == pytest.approx([0.1, -0.1, 0.0, 0.1, -0.1])


def test_of_hourly_bars_the_last_of_each_day_counts():
    hours = MIDNIGHT + np.arange(-72, 1) * NS_PER_HOUR
    closes = np.linspace(100.0, 172.0, 73)
    returns = daily_returns(hours, closes, end_ns=MIDNIGHT, days=3)

    assert returns == pytest.approx([124 / 100 - 1, 148 / 124 - 1, 172 / 148 - 1])


def test_the_day_under_way_is_not_looked_at():
    later = np.append(DAYS, MIDNIGHT + NS_PER_HOUR)
    closes = np.append(CLOSES, 1e6)
    expected = daily_returns(DAYS, CLOSES, end_ns=MIDNIGHT, days=5)

    assert daily_returns(later, closes, end_ns=MIDNIGHT + 23 * NS_PER_HOUR, days=5) == pytest.approx(expected)


@pytest.mark.parametrize("missing", [0, 2, 5])
def test_a_missing_day_is_not_bridged(missing: int):
    assert daily_returns(np.delete(DAYS, missing), np.delete(CLOSES, missing), end_ns=MIDNIGHT, days=5) is None


@pytest.mark.parametrize("broken", [np.nan, np.inf, 0.0, -1.0])
def test_a_close_that_is_no_price_gives_no_returns(broken: float):
    closes = np.where(np.arange(6) == 3, broken, CLOSES)

    assert daily_returns(DAYS, closes, end_ns=MIDNIGHT, days=5) is None


def test_no_bars_give_no_returns():
    assert daily_returns(np.empty(0, np.int64), np.empty(0), end_ns=MIDNIGHT, days=5) is None


def test_correlation_agrees_with_numpy():
    first, second = np.random.default_rng(1).normal(size=(2, 30))

    assert correlation(first, second) == pytest.approx(np.corrcoef(first, second)[0, 1])
    assert correlation(first, 3.0 * first + 1.0) == pytest.approx(1.0)
    assert correlation(first, -first) == pytest.approx(-1.0)


@pytest.mark.parametrize("still", [np.zeros(30), np.full(30, 0.1), np.full(30, np.nan), np.full(30, np.inf)])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_series_that_does_not_move_or_is_broken_has_no_correlation(still: np.ndarray):
    assert correlation(np.random.default_rng(1).normal(size=30), still) is None


def test_sample_covariance_agrees_with_numpy():
    returns = np.random.default_rng(2).normal(size=(40, 4))

    assert sample_covariance(returns) == pytest.approx(np.cov(returns, rowvar=False))


@pytest.mark.parametrize(("days", "assets"), [(200, 3), (30, 10), (8, 12), (2, 2)])
def test_shrinkage_agrees_with_scikit_learn(days: int, assets: int):
    rng = np.random.default_rng(days)
    returns = rng.normal(0.001, 0.03, (days, assets)) + rng.normal(0.0, 0.02, (days, 1))
    expected = LedoitWolf().fit(returns)
    ours = ledoit_wolf(returns)

    assert ours.covariance == pytest.approx(expected.covariance_, rel=1e-9)
    assert ours.intensity == pytest.approx(expected.shrinkage_)


@given(seed=st.integers(0, 1000), days=st.integers(3, 60), assets=st.integers(1, 12), scale=st.floats(1e-4, 1e4))
def test_a_shrunk_covariance_is_symmetric_positive_definite_and_scales_with_the_unit(
    seed: int, days: int, assets: int, scale: float
):
    returns = np.random.default_rng(seed).normal(size=(days, assets))
    plain, scaled = ledoit_wolf(returns), ledoit_wolf(scale * returns)

    assert 0.0 <= plain.intensity <= 1.0
    assert np.array_equal(plain.covariance, plain.covariance.T)
    assert np.linalg.eigvalsh(plain.covariance).min() > 0.0
    assert scaled.covariance == pytest.approx(scale**2 * plain.covariance)


@pytest.mark.parametrize("estimate", [sample_covariance, ledoit_wolf])
def test_too_few_or_broken_returns_are_refused(estimate):
    with pytest.raises(NotEnoughHistoryError):
        estimate(np.zeros((1, 3)))
    with pytest.raises(DataError):
        estimate(np.array([[0.1, np.nan], [0.2, 0.1]]))
