"""GARCH(1,1): parameters come back from what was simulated, and `arch` agrees."""

import numpy as np
import pytest
from arch.univariate import GARCH, ZeroMean
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.risk.garch import GarchFit, filter_variance, fit_garch, next_variance, simulate
from helios_nautilus.domain.risk.volatility_rules import VolatilityRules
from helios_nautilus.errors import DataError, NotEnoughHistoryError

RULES = VolatilityRules()
MONTH = 8640


def model(omega: float, alpha: float, beta: float) -> GarchFit:
    return GarchFit(
        omega=omega, alpha=alpha, beta=beta, source="garch", outcome="converged", observations=0, outliers=0
    )


def drawn(omega: float = 2e-4, alpha: float = 0.06, beta: float = 0.92, n: int = MONTH, seed: int = 1) -> Floats:
    return simulate(model(omega, alpha, beta), n, np.random.default_rng(seed))


def parameters(fit: GarchFit) -> tuple[float, float, float]:
    return fit.omega, fit.alpha, fit.beta


@pytest.mark.parametrize(
    ("omega", "alpha", "beta"),
    [(2e-4, 0.06, 0.92), (1e-3, 0.10, 0.80), (2e-5, 0.03, 0.95), (5e-2, 0.25, 0.60), (7e-1, 0.30, 0.0)],
)
def test_parameters_are_recovered_from_simulated_returns(omega: float, alpha: float, beta: float) -> None:
    fit = fit_garch(drawn(omega, alpha, beta, n=40_000), RULES)
    assert fit.source == "garch"
    assert fit.alpha == pytest.approx(alpha, abs=0.02)
    assert fit.beta == pytest.approx(beta, abs=0.03)
    assert fit.long_run_variance == pytest.approx(omega / (1 - alpha - beta), rel=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_arch_finds_the_same_parameters_and_the_same_one_step_forecast(seed: int) -> None:
    returns = drawn(seed=seed)
    fit = fit_garch(returns, VolatilityRules(outlier_sigmas=1e3))
    scale = returns.std()
    reference = ZeroMean(returns / scale, volatility=GARCH(1, 0, 1), rescale=False).fit(
        disp="off", options={"ftol": 1e-12}
    )
    omega, alpha, beta = reference.params
    assert parameters(fit) == pytest.approx((omega * scale**2, alpha, beta), rel=5e-3)
    forecast = reference.forecast(horizon=1).variance.to_numpy()[-1, 0] * scale**2
    assert filter_variance(fit, returns) == pytest.approx(forecast, rel=1e-3)


def test_the_filter_is_archs_recursion_at_the_same_parameters() -> None:
    returns = drawn(n=500)
    fixed = ZeroMean(returns, volatility=GARCH(1, 0, 1), rescale=False).fix([3e-4, 0.1, 0.85])
    expected = fixed.forecast(horizon=1).variance.to_numpy()[-1, 0]
    assert filter_variance(model(3e-4, 0.1, 0.85), returns) == pytest.approx(expected, rel=1e-12)


@settings(max_examples=50)
@given(st.integers(1, 199))
def test_stepping_through_returns_is_filtering_them_at_once(cut: int) -> None:
    returns, fit = drawn(n=200), model(3e-4, 0.1, 0.85)
    variance = filter_variance(fit, returns[:cut])
    for ret in returns[cut:]:
        variance = next_variance(fit, variance, float(ret))
    whole = filter_variance(fit, returns)
    # The back-cast looks at no more than the first 75 returns.
    assert variance == pytest.approx(whole, rel=1e-9 if cut >= 75 else 0.2)


def test_a_warm_start_ends_where_a_cold_one_does() -> None:
    returns = drawn(n=MONTH + 48)
    earlier = fit_garch(returns[:-48], RULES)
    cold, warm = fit_garch(returns[48:], RULES), fit_garch(returns[48:], RULES, earlier)
    assert parameters(warm) == pytest.approx(parameters(cold), rel=5e-3)


@pytest.mark.parametrize(("alpha", "beta"), [(0.02, 0.5), (0.06, 0.92), (0.2, 0.7)])
def test_a_cold_fit_starts_where_arch_would(alpha: float, beta: float) -> None:
    returns, rules = drawn(alpha=alpha, beta=beta), VolatilityRules(outlier_sigmas=1e3)
    scale = np.mean(returns**2)
    omega, *start = GARCH(1, 0, 1).starting_values(returns / np.sqrt(scale))
    archs = fit_garch(returns, rules, model(omega * scale, *start))
    assert parameters(fit_garch(returns, rules)) == pytest.approx(parameters(archs), rel=1e-9)


def test_the_unit_of_returns_changes_omega_only() -> None:
    returns = drawn()
    fit, finer = fit_garch(returns, RULES), fit_garch(returns / 100, RULES)
    assert parameters(finer) == pytest.approx((fit.omega / 1e4, fit.alpha, fit.beta), rel=1e-6)


def test_outliers_are_kept_out_of_the_parameters_but_move_the_forecast() -> None:
    clean = drawn(alpha=0.05, beta=0.9)
    dirty = clean.copy()
    dirty[-1] = 20 * clean.std()
    fit = fit_garch(dirty, RULES)
    assert (fit.outliers, fit.observations) == (1, MONTH - 1)
    assert parameters(fit) == pytest.approx(parameters(fit_garch(clean[:-1], RULES)), rel=1e-6)
    assert filter_variance(fit, dirty) > 5 * filter_variance(fit, clean)


def test_too_few_returns_fall_back_to_an_ewma() -> None:
    fit = fit_garch(drawn(n=99), RULES)
    assert (fit.source, fit.outcome) == ("ewma", "too_few")
    assert parameters(fit) == pytest.approx((0.0, 0.01, 0.99))
    assert fit_garch(drawn(n=100), RULES).outcome != "too_few"
    assert fit_garch(np.empty(0), RULES).outcome == "too_few"


def test_an_ewma_is_the_weighted_mean_of_squares() -> None:
    returns = drawn(n=60)
    weights = 0.99 ** np.arange(60)[::-1] * 0.01
    backcast_weights = 0.94 ** np.arange(60)
    start = (returns**2 * backcast_weights).sum() / backcast_weights.sum()
    expected = (weights * returns**2).sum() + 0.99**60 * start
    assert filter_variance(fit_garch(returns, RULES), returns) == pytest.approx(expected, rel=1e-12)


def test_integrated_returns_fall_back_to_an_ewma() -> None:
    rng = np.random.default_rng(5)
    variance, returns = 0.01, np.empty(MONTH)
    for i, shock in enumerate(rng.standard_normal(MONTH)):
        returns[i] = np.sqrt(variance) * shock
        variance = 1e-4 + 0.3 * returns[i] ** 2 + 0.75 * variance
    fit = fit_garch(returns, VolatilityRules(outlier_sigmas=1e3))
    assert (fit.source, fit.outcome) == ("ewma", "integrated")


@pytest.mark.parametrize("price_steps", [np.zeros(500), np.array([0.5] + [0.0] * 499)])
def test_prices_that_do_not_move_fall_back_to_an_ewma(price_steps: Floats) -> None:
    fit = fit_garch(price_steps, RULES)
    assert (fit.source, fit.outcome) == ("ewma", "flat")
    assert filter_variance(fit, np.zeros(500)) == 0.0


def test_returns_without_clusters_give_their_plain_variance() -> None:
    returns = np.random.default_rng(2).normal(0, 0.2, MONTH)
    fit = fit_garch(returns, RULES)
    assert filter_variance(fit, returns) == pytest.approx(0.04, rel=0.1)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(1e-6, 1e3), st.integers(100, 400), st.sampled_from([2.0, 3.0, 30.0]))
def test_every_fit_obeys_the_models_constraints(seed: int, scale: float, n: int, tail: float) -> None:
    returns = scale * np.random.default_rng(seed).standard_t(tail, n)
    fit = fit_garch(returns, RULES)
    assert fit.omega >= 0
    assert fit.alpha >= 0
    assert fit.beta >= 0
    assert (fit.alpha + fit.beta < 1) if fit.source == "garch" else (fit.outcome != "converged")
    assert 0 < filter_variance(fit, returns) < np.inf


def test_returns_that_are_not_finite_are_refused() -> None:
    with pytest.raises(DataError, match="finite"):
        fit_garch(np.array([0.1, np.nan]), RULES)


def test_a_variance_needs_a_return() -> None:
    with pytest.raises(NotEnoughHistoryError):
        filter_variance(model(1e-4, 0.1, 0.8), np.empty(0))


def test_an_ewma_cannot_be_simulated_from_a_long_run_variance() -> None:
    with pytest.raises(DataError, match="long-run"):
        simulate(fit_garch(np.empty(0), RULES), 10, np.random.default_rng(0))


def test_equal_seeds_draw_equal_returns() -> None:
    assert np.array_equal(drawn(seed=4), drawn(seed=4))
    assert not np.array_equal(drawn(seed=4), drawn(seed=5))
