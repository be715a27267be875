"""Target weights: caps, cash, and the best Sharpe ratio against skfolio's solver."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skfolio import RiskMeasure
from skfolio.moments import EmpiricalCovariance, EmpiricalMu
from skfolio.optimization import MeanRisk, ObjectiveFunction
from skfolio.prior import EmpiricalPrior

from helios_nautilus.domain.portfolio.allocate import AllocationRules, allocate, max_sharpe
from helios_nautilus.domain.portfolio.black_litterman import View
from helios_nautilus.domain.portfolio.covariance import ledoit_wolf, sample_covariance
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.errors import ConfigError, DataError


def market(seed: int, assets: int, days: int = 120) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0.001, 0.02, (days, assets)) * rng.uniform(0.5, 2.0, assets) + rng.normal(0, 0.01, (days, 1))


def sharpe(weights: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> float:
    return float(weights @ mean / np.sqrt(weights @ covariance @ weights))


def test_one_asset_gets_the_cap_and_the_rest_is_cash():
    assert max_sharpe(np.array([0.01]), np.array([[0.001]])) == pytest.approx([0.4])


def test_equal_independent_assets_share_equally():
    assert max_sharpe(np.full(4, 0.01), 0.001 * np.eye(4)) == pytest.approx(np.full(4, 0.25))


def test_independent_assets_are_weighed_by_return_over_variance():
    weights = max_sharpe(np.array([0.02, 0.01, 0.01]), np.diag([0.004, 0.001, 0.002]), cap=1.0)

    assert weights == pytest.approx(np.array([5.0, 10.0, 5.0]) / 20.0)


def test_a_cap_shrinks_the_whole_portfolio_and_keeps_its_proportions():
    weights = max_sharpe(np.array([0.08, 0.01, 0.01]), 0.001 * np.eye(3))

    assert weights == pytest.approx([0.4, 0.05, 0.05])


@pytest.mark.parametrize("mean", [[0.0, 0.0], [-0.01, -0.02]])
def test_where_nothing_promises_a_gain_all_is_cash(mean: list[float]):
    assert np.array_equal(max_sharpe(np.array(mean), np.diag([0.001, 0.002])), [0.0, 0.0])


def test_an_asset_that_promises_a_loss_and_does_not_hedge_is_left_out():
    assert max_sharpe(np.array([0.01, -0.01]), np.array([[0.001, 0.0005], [0.0005, 0.001]]))[1] == 0.0


@pytest.mark.parametrize(
    "covariance",
    [
        np.full((2, 2), 0.001),
        np.zeros((2, 2)),
        np.diag([0.001, 0.0]),
        np.diag([0.001, -0.001]),
        np.full((2, 2), np.nan),
    ],
    ids=["twins", "nothing moves", "one does not move", "negative", "nan"],
)
def test_a_covariance_that_is_not_positive_definite_is_refused(covariance: np.ndarray):
    with pytest.raises(DataError, match="positive definite"):
        max_sharpe(np.array([0.01, 0.01]), covariance)


def test_an_expected_return_that_is_not_finite_is_refused():
    with pytest.raises(DataError, match="not finite"):
        max_sharpe(np.array([0.01, np.nan]), np.diag([0.001, 0.001]))


@pytest.mark.parametrize(("seed", "assets", "cap"), [(1, 5, 1.0), (2, 5, 0.4), (3, 8, 0.4), (4, 3, 0.4)])
def test_the_sharpe_ratio_is_the_one_skfolio_finds(seed: int, assets: int, cap: float):
    returns = market(seed, assets)
    solver = MeanRisk(
        objective_function=ObjectiveFunction.MAXIMIZE_RATIO,
        risk_measure=RiskMeasure.VARIANCE,
        prior_estimator=EmpiricalPrior(mu_estimator=EmpiricalMu(), covariance_estimator=EmpiricalCovariance()),
        min_weights=0.0,
        max_weights=cap,
        budget=1.0 if cap == 1.0 else None,
        max_budget=None if cap == 1.0 else 1.0,
    )
    mean, covariance = returns.mean(axis=0), sample_covariance(returns)
    theirs = solver.fit(returns).weights_
    ours = max_sharpe(mean, covariance, cap=cap)

    assert sharpe(ours, mean, covariance) == pytest.approx(sharpe(theirs, mean, covariance), rel=1e-4)
    assert ours / ours.sum() == pytest.approx(theirs / theirs.sum(), abs=1e-2)


SEEDS = st.integers(0, 10_000)


@given(seed=SEEDS, assets=st.integers(1, 12), cap=st.floats(0.05, 1.0))
def test_weights_are_long_capped_and_leave_the_rest_in_cash(seed: int, assets: int, cap: float):
    returns = market(seed, assets)
    weights = max_sharpe(returns.mean(axis=0), ledoit_wolf(returns).covariance, cap=cap)

    assert (weights >= 0.0).all()
    assert (weights <= cap).all()
    assert weights.sum() <= 1.0 + 1e-12


@given(seed=SEEDS, assets=st.integers(2, 8), unit=st.floats(1e-3, 1e3), scale=st.floats(1e-3, 1e3))
def test_weights_depend_neither_on_the_unit_of_time_nor_on_the_size_of_returns(
    seed: int, assets: int, unit: float, scale: float
):
    returns = market(seed, assets)
    mean, covariance = returns.mean(axis=0), sample_covariance(returns)

    assert max_sharpe(scale * unit * mean, unit * covariance) == pytest.approx(max_sharpe(mean, covariance), abs=1e-8)


@given(seed=SEEDS, other=SEEDS)
def test_no_other_long_portfolio_has_a_higher_sharpe_ratio(seed: int, other: int):
    returns = market(seed, 5)
    mean, covariance = returns.mean(axis=0), sample_covariance(returns)
    ours = max_sharpe(mean, covariance)
    rival = np.random.default_rng(other).dirichlet(np.full(5, 0.5)) + 1e-9
    if ours.any():
        assert sharpe(ours, mean, covariance) >= sharpe(rival, mean, covariance) - 1e-9


def test_without_views_the_market_is_held_where_no_cap_binds():
    returns = market(7, 4)
    result = allocate(sample_covariance(returns), np.array([3.0, 3.0, 2.0, 2.0]), [], AllocationRules())

    assert result.weights == pytest.approx([0.3, 0.3, 0.2, 0.2])


def test_a_bullish_view_brings_more_of_its_asset():
    covariance, traded = sample_covariance(market(7, 4)), np.array([3.0, 3.0, 2.0, 2.0])
    view = View(asset=2, expected_return=0.01, horizon_ns=NS_PER_DAY, confidence=0.6)

    assert allocate(covariance, traded, [view], AllocationRules()).weights[2] > 0.2


@pytest.mark.parametrize("wrong", [{"risk_aversion": 0.0}, {"tau": 0.0}, {"max_weight": 1.1}])
def test_allocation_rules_that_make_no_sense_are_a_config_error(wrong: dict[str, float]):
    with pytest.raises(ConfigError, match="allocation"):
        AllocationRules(**wrong)
