"""Target weights: the best ratio of return to risk, long only, capped, and the rest in cash."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from scipy.optimize import nnls

from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.portfolio.black_litterman import (
    Posterior,
    View,
    black_litterman,
    equilibrium_returns,
    market_weights,
)
from helios_nautilus.errors import ConfigError, DataError

_MIN_PIVOT: Final = 1e-7
_NOT_DEFINITE: Final = "the covariance is not positive definite: shrink it, or leave out what does not move by itself"


class AllocationRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How target weights are found."""

    risk_aversion: float = 2.5
    tau: float = 0.05
    """Variance of the prior's mean, as a share of the covariance."""
    max_weight: float = 0.40

    def __post_init__(self) -> None:
        if not (self.risk_aversion > 0.0 and 0.0 < self.tau <= 1.0 and 0.0 < self.max_weight <= 1.0):
            raise ConfigError("allocation: risk_aversion must be above 0, tau and max_weight in (0, 1]")


class Allocation(Struct, frozen=True, kw_only=True):
    """Target weights, shape (n,), as fractions of equity, with the beliefs behind them; cash is one minus their sum."""

    weights: Floats
    posterior: Posterior


def allocate(covariance: Floats, traded_value: Floats, views: Sequence[View], rules: AllocationRules) -> Allocation:
    """Target weights of n assets: equilibrium prior, views, posterior, best Sharpe ratio.

    ``covariance`` is per day, shape (n, n); ``traded_value``, shape (n,), is in one currency.
    """
    prior = equilibrium_returns(covariance, market_weights(traded_value), rules.risk_aversion)
    beliefs = black_litterman(covariance, prior, views, tau=rules.tau)
    return Allocation(weights=max_sharpe(beliefs.mean, beliefs.covariance, cap=rules.max_weight), posterior=beliefs)


def max_sharpe(mean: Floats, covariance: Floats, *, cap: float = 0.40) -> Floats:
    """Weights, shape (n,), of the highest mean'w / sqrt(w'Sw) with 0 <= w <= cap and a sum of at most 1.

    Cash yields nothing and has no risk, so the ratio fixes the proportions only; of all the portfolios that share the
    best one this is the largest. A cap therefore shrinks the whole portfolio rather than pushing money into worse
    assets. All cash if no asset promises a gain.

    `DataError` if a mean is not finite or the covariance is not positive definite.

    The proportions are the non-negative minimiser of y'Sy/2 - mean'y, a least-squares problem in the Cholesky factor.
    """
    largest = float(np.abs(mean).max(initial=0.0))
    if not np.isfinite(largest):
        raise DataError("an expected return is not finite; leave the asset out")
    if largest == 0.0:
        return np.zeros_like(mean)
    factor = _cholesky(covariance)
    proportions: Floats = nnls(factor.T, np.linalg.solve(factor, mean / largest))[0]
    total = float(proportions.sum())
    if total == 0.0:
        return proportions
    proportions /= total
    return np.minimum(proportions * min(1.0, cap / float(proportions.max())), cap)


def _cholesky(covariance: Floats) -> Floats:
    """Lower factor scaled to norm 1; what is singular but for rounding is refused like what is."""
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError as error:
        raise DataError(_NOT_DEFINITE) from error
    pivots = factor.diagonal()
    if not pivots.min() > _MIN_PIVOT * pivots.max():
        raise DataError(_NOT_DEFINITE)
    return factor / np.linalg.norm(factor)
