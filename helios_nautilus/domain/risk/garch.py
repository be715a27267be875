"""GARCH(1,1) on the log returns of one bar length, and the EWMA that stands in where it cannot be had.

The model, after Bollerslev (1986), with zero mean and normal innovations::

    r_t     = sigma_t * z_t,    z_t ~ N(0, 1)
    sigma²_t = omega + alpha * r²_(t-1) + beta * sigma²_(t-1)

    omega > 0,  alpha >= 0,  beta >= 0,  alpha + beta < 1

An EWMA is the same recursion with omega = 0, alpha = 1 - lambda and beta = lambda, so both live in one `GarchFit` and
everything downstream treats them alike. The mean is zero: that of a 5-minute return is lost in its own error.

Returns are in percent and variances in percent². Start values, bounds, constraints and back-cast are those of the
`arch` package. The search is Fisher scoring with exact derivatives, compiled as a whole: refits happen while trading,
and in a thread it leaves the interpreter to the event loop.
"""

from itertools import product
from typing import Final, Literal

import numpy as np
from arch.univariate.volatility import GARCH
from msgspec import Struct
from numba import njit

from helios_nautilus.domain.bars import Bools, Floats
from helios_nautilus.domain.risk.volatility_rules import VolatilityRules
from helios_nautilus.errors import DataError, NotEnoughHistoryError

type Source = Literal["garch", "ewma"]
type Outcome = Literal["converged", "too_few", "flat", "not_converged", "integrated"]

_MODEL: Final = GARCH(p=1, o=0, q=1)
_LOWEST: Final = np.array([1e-8, 0.0, 0.0])
_HIGHEST: Final = np.array([10.0, 1.0, 1.0])
"""Bounds of the search: omega for returns of unit variance, alpha + beta, and alpha's share of that sum."""
_MAX_STEPS: Final = 200
_LEAST_GAIN: Final = 1e-9
"""The search is over once a step lowers the loss by less."""
_GRID: Final = tuple(product((0.01, 0.05, 0.1, 0.2), (0.5, 0.7, 0.9, 0.98)))
"""alpha and alpha + beta of the points among which `arch` looks for a start."""
_INTEGRATED: Final = 1.0 - 1e-6
"""The search stops on alpha + beta = 1, give or take rounding."""


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

    Works on returns of unit variance, so that bounds and start suit every pair.
    """
    scale = float(np.mean(returns * returns))
    if scale == 0.0:
        return None, "flat"
    unit = returns / np.sqrt(scale)
    data = unit * unit, float(_MODEL.backcast(unit))
    (omega, persistence, share), is_bottom = _descend(_start_point(*data, start, scale), *data)
    if not is_bottom:
        return None, "not_converged"
    if persistence >= _INTEGRATED:
        return None, "integrated"
    return np.array([scale * omega, share * persistence, (1.0 - share) * persistence]), "converged"


def _start_point(squares: Floats, backcast: float, start: GarchFit | None, scale: float) -> Floats:
    """The earlier fit where it lies inside the bounds, else the likeliest point of a grid.

    At alpha = 0 beta means nothing and the likelihood is flat, so such a fit is no place to start from. The grid is
    that of `arch`, which itself tries every point once for each value of a leverage term that this model has not.
    """
    if start is None or start.source != "garch" or start.alpha < 1e-3:
        points = (np.array([1.0 - persistence, persistence, alpha / persistence]) for alpha, persistence in _GRID)
        return min(points, key=lambda point: _likelihood(point, squares, backcast)[0])
    persistence = start.alpha + start.beta
    return np.array([np.clip(start.omega / scale, 1e-6, 1.0), persistence, start.alpha / persistence])


@njit(cache=True, nogil=True, error_model="numpy")
def _descend(point: Floats, squares: Floats, backcast: float) -> tuple[Floats, bool]:
    """Walk downhill from ``point`` (omega, alpha + beta, alpha's share); where to, and whether it is the bottom.

    Fisher scoring damped after Levenberg and Marquardt: a step that does not help is tried again, shorter and steeper.
    """
    loss, gradient, information = _likelihood(point, squares, backcast)
    damping = 1e-3
    for _ in range(_MAX_STEPS):
        trial = point.copy()
        step = _step(point, gradient, information, damping)
        for k in range(3):
            trial[k] = min(max(point[k] + step[k], _LOWEST[k]), _HIGHEST[k])
        trial_loss, trial_gradient, trial_information = _likelihood(trial, squares, backcast)
        gain = loss - trial_loss
        if gain > 0.0:
            point, loss, gradient, information = trial, trial_loss, trial_gradient, trial_information
        damping *= 0.1 if gain > 0.0 else 10.0
        if 0.0 < gain < _LEAST_GAIN or damping > 1e6:
            return point, True
    return point, False


@njit(cache=True, nogil=True, error_model="numpy")
def _step(point: Floats, gradient: Floats, information: Floats, damping: float) -> Floats:
    """Where to go from ``point``: the damped linear system, solved by elimination; it is positive definite.

    A parameter on a bound that the gradient would push across stays there.
    """
    matrix, step = information.copy(), -gradient
    for k in range(3):
        matrix[k, k] += damping * matrix[k, k] + 1e-12
        if (point[k] <= _LOWEST[k] and step[k] < 0.0) or (point[k] >= _HIGHEST[k] and step[k] > 0.0):
            matrix[k, :] = 0.0
            matrix[:, k] = 0.0
            matrix[k, k], step[k] = 1.0, 0.0
    for k in range(3):
        for j in range(k + 1, 3):
            factor = matrix[j, k] / matrix[k, k]
            matrix[j] -= factor * matrix[k]
            step[j] -= factor * step[k]
    for k in range(2, -1, -1):
        for j in range(k + 1, 3):
            step[k] -= matrix[k, j] * step[j]
        step[k] /= matrix[k, k]
    return step


@njit(cache=True, nogil=True, error_model="numpy")
def _likelihood(point: Floats, squares: Floats, backcast: float) -> tuple[float, Floats, Floats]:
    """Mean negative log-likelihood without its constant, its gradient (3,) and Fisher's information (3, 3)."""
    omega, persistence, share = point
    alpha, beta = share * persistence, (1.0 - share) * persistence
    loss, of_eight = 0.0, 1.0
    gradient, information = np.zeros(3), np.zeros((3, 3))
    by_omega = by_persistence = by_share = 0.0
    square = variance = backcast
    for i in range(len(squares)):
        by_omega = 1.0 + beta * by_omega
        by_persistence = share * square + (1.0 - share) * variance + beta * by_persistence
        by_share = persistence * (square - variance) + beta * by_share
        variance = omega + alpha * square + beta * variance
        square = squares[i]
        precision = 1.0 / variance
        ratio = square * precision
        loss += ratio
        of_eight *= variance
        if i % 8 == 7:  # one logarithm for eight variances halves the time; their product is far from overflow
            loss += np.log(of_eight)
            of_eight = 1.0
        by = by_omega * precision, by_persistence * precision, by_share * precision
        for j in range(3):
            gradient[j] += (1.0 - ratio) * by[j]
            for k in range(3):
                information[j, k] += by[j] * by[k]
    count = 2.0 * len(squares)
    return (loss + np.log(of_eight)) / count, gradient / count, information / count


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
