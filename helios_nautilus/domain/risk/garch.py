"""GARCH(1,1) on the log returns of one bar length, and the EWMA that stands in where it cannot be had.

The model, after Bollerslev (1986), with zero mean and normal innovations::

    r_t     = sigma_t * z_t,    z_t ~ N(0, 1)
    sigma²_t = omega + alpha * r²_(t-1) + beta * sigma²_(t-1)

    omega > 0,  alpha >= 0,  beta >= 0,  alpha + beta < 1

An EWMA is the same recursion with omega = 0, alpha = 1 - lambda and beta = lambda, so both live in one `GarchFit` and
everything downstream treats them alike. The mean is zero: that of a 5-minute return is lost in its own error.

Returns are in percent and variances in percent². Start values, bounds, constraints and back-cast are those of the
`arch` package; the likelihood is compiled here with its exact gradient, because refits happen while trading.
"""

from itertools import product
from typing import Final, Literal

import numpy as np
from arch.univariate.volatility import GARCH
from msgspec import Struct
from numba import njit
from scipy.optimize import minimize

from helios_nautilus.domain.bars import Bools, Floats
from helios_nautilus.domain.risk.volatility_rules import VolatilityRules
from helios_nautilus.errors import DataError, NotEnoughHistoryError

type Source = Literal["garch", "ewma"]
type Outcome = Literal["converged", "too_few", "flat", "not_converged", "integrated"]

_MODEL: Final = GARCH(p=1, o=0, q=1)
_CONSTRAINT_MATRIX, _CONSTRAINT_FLOOR = _MODEL.constraints()
_CONSTRAINT: Final = {
    "type": "ineq",
    "fun": lambda theta: _CONSTRAINT_MATRIX @ theta - _CONSTRAINT_FLOOR,
    "jac": lambda _: _CONSTRAINT_MATRIX,
}
_GRID: Final = tuple(product((0.01, 0.05, 0.1, 0.2), (0.5, 0.7, 0.9, 0.98)))
"""alpha and alpha + beta of the points among which `arch` looks for a start."""
_INTEGRATED: Final = 1.0 - 1e-6
"""The optimiser stops on alpha + beta = 1, give or take rounding."""


class GarchFit(Struct, frozen=True, kw_only=True):
    """Parameters of the variance recursion in percent², where they came from and what they were fitted on."""

    omega: float
    alpha: float
    beta: float
    source: Source
    outcome: Outcome
    """``converged``, or why the EWMA stands in."""
    observations: int
    """Returns the parameters were estimated on."""
    outliers: int
    """Returns kept out of the estimation."""

    @property
    def long_run_variance(self) -> float:
        """Variance to which forecasts revert; `DataError` for an EWMA, which reverts to none."""
        if self.source == "ewma":
            raise DataError("an EWMA has no long-run variance")
        return self.omega / (1.0 - self.alpha - self.beta)


def fit_garch(returns: Floats, rules: VolatilityRules, start: GarchFit | None = None) -> GarchFit:
    """Fit the model by maximum likelihood, or fall back to an EWMA and say why.

    ``returns`` are log returns in percent, shape (n,), finite, else `DataError`. ``start`` is an earlier fit to begin
    from, which is several times faster. Pure, so that it can run in a thread.
    """
    if not np.isfinite(returns).all():
        raise DataError("returns to fit a GARCH on must be finite; check the closes they came from")
    kept = returns[_inliers(returns, rules.outlier_sigmas)]
    theta: Floats | None = None
    outcome: Outcome = "too_few"
    if len(kept) >= rules.min_returns:
        theta, outcome = _maximise_likelihood(kept, start)
    if theta is None:
        theta = np.array([0.0, 1.0 - rules.ewma_lambda, rules.ewma_lambda])
    omega, alpha, beta = theta.tolist()
    return GarchFit(
        omega=omega,
        alpha=alpha,
        beta=beta,
        source="garch" if outcome == "converged" else "ewma",
        outcome=outcome,
        observations=len(kept),
        outliers=len(returns) - len(kept),
    )


def next_variance(fit: GarchFit, variance: float, ret: float) -> float:
    """One step of the recursion: the variance of the bar after the one that returned ``ret`` under ``variance``."""
    return fit.omega + fit.alpha * ret * ret + fit.beta * variance


def filter_variance(fit: GarchFit, returns: Floats) -> float:
    """Variance forecast for the bar after ``returns``, by running the recursion over all of them.

    Outliers count here: they were no guide to the parameters, but they did happen. `NotEnoughHistoryError` when empty.
    """
    if not len(returns):
        raise NotEnoughHistoryError("no returns yet: a variance needs at least one")
    return float(_filter(fit.omega, fit.alpha, fit.beta, returns, float(_MODEL.backcast(returns))))


def simulate(fit: GarchFit, n: int, rng: np.random.Generator) -> Floats:
    """Draw ``n`` returns in percent, the first one at the long-run variance; `DataError` for an EWMA."""
    return np.asarray(_simulate(fit.omega, fit.alpha, fit.beta, fit.long_run_variance, rng.standard_normal(n)))


def _inliers(returns: Floats, sigmas: float) -> Bools:
    """Mask of the returns within ``sigmas`` standard deviations of the mean."""
    if not len(returns):
        return np.ones(0, np.bool_)
    return np.abs(returns - returns.mean()) <= sigmas * returns.std()


def _maximise_likelihood(returns: Floats, start: GarchFit | None) -> tuple[Floats | None, Outcome]:
    """Parameters in percent², or none and the reason.

    Works on returns of unit variance: with omega near 1e-4 the search would stop where it began.
    """
    scale = float(np.mean(returns * returns))
    if scale == 0.0:
        return None, "flat"
    unit = returns / np.sqrt(scale)
    data = unit * unit, float(_MODEL.backcast(unit))
    found = minimize(
        _loss,
        _start_values(*data, start, scale),
        args=data,
        jac=True,
        method="SLSQP",
        bounds=_MODEL.bounds(unit),
        constraints=_CONSTRAINT,
        options={"ftol": 1e-9, "maxiter": 100},
    )
    if not found.success or not np.isfinite(found.x).all():
        return None, "not_converged"
    if found.x[1] + found.x[2] >= _INTEGRATED:
        return None, "integrated"
    return found.x * np.array([scale, 1.0, 1.0]), "converged"


def _start_values(squares: Floats, backcast: float, start: GarchFit | None, scale: float) -> Floats:
    """The earlier fit where it lies inside the bounds, else the likeliest point of a grid.

    At alpha = 0 beta means nothing and the likelihood is flat, so such a fit is no place to start from. The grid is
    that of `arch`, which itself tries every point once for each value of a leverage term that this model has not.
    """
    if start is None or start.source != "garch" or start.alpha < 1e-3:
        points = (np.array([1.0 - persistence, alpha, persistence - alpha]) for alpha, persistence in _GRID)
        return min(points, key=lambda theta: _loss(theta, squares, backcast)[0])
    return np.array([np.clip(start.omega / scale, 1e-6, 1.0), start.alpha, start.beta])


@njit(cache=True, nogil=True, error_model="numpy")
def _loss(theta: Floats, squares: Floats, backcast: float) -> tuple[float, Floats]:
    """Mean negative log-likelihood without its constant, and its gradient in (omega, alpha, beta)."""
    omega, alpha, beta = theta
    to_omega = to_alpha = to_beta = 0.0
    by_omega = by_alpha = by_beta = 0.0
    loss, of_eight = 0.0, 1.0
    square = variance = backcast
    for i in range(len(squares)):
        by_omega = 1.0 + beta * by_omega
        by_alpha = square + beta * by_alpha
        by_beta = variance + beta * by_beta
        variance = omega + alpha * square + beta * variance
        square = squares[i]
        precision = 1.0 / variance
        ratio = square * precision
        loss += ratio
        of_eight *= variance
        if i % 8 == 7:  # one logarithm for eight variances halves the time; their product is far from overflow
            loss += np.log(of_eight)
            of_eight = 1.0
        pull = (1.0 - ratio) * precision
        to_omega += pull * by_omega
        to_alpha += pull * by_alpha
        to_beta += pull * by_beta
    count = 2.0 * len(squares)
    return (loss + np.log(of_eight)) / count, np.array([to_omega, to_alpha, to_beta]) / count


@njit(cache=True, nogil=True)
def _filter(omega: float, alpha: float, beta: float, returns: Floats, backcast: float) -> float:
    variance = omega + (alpha + beta) * backcast
    for ret in returns:
        variance = omega + alpha * ret * ret + beta * variance
    return variance


@njit(cache=True)
def _simulate(omega: float, alpha: float, beta: float, variance: float, shocks: Floats) -> Floats:
    returns = np.empty_like(shocks)
    for i in range(len(shocks)):
        returns[i] = np.sqrt(variance) * shocks[i]
        variance = omega + alpha * returns[i] * returns[i] + beta * variance
    return returns
