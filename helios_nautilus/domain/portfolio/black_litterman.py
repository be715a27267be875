"""Black-Litterman: what the market's weights imply, moved towards the model's predictions as far as they are trusted.

Everything is in one time unit, that of the covariance (a day in Helios); a `View` brings its own horizon and is
brought to that unit here. Notation: S covariance, P picks, q views, W uncertainty of the views, t (tau) the weight of
the prior's own uncertainty.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.errors import DataError


class View(Struct, frozen=True, kw_only=True):
    """A predicted return of one asset over a horizon, and the calibrated confidence in it, 0 to 1."""

    asset: int
    """Its column in the covariance."""
    expected_return: float
    """Simple return over ``horizon_ns``, as a fraction."""
    horizon_ns: int
    confidence: float

    def __post_init__(self) -> None:
        if self.horizon_ns <= 0:
            raise DataError(f"a view over {self.horizon_ns} ns has no horizon")


class Posterior(Struct, frozen=True, kw_only=True):
    """Expected returns, shape (n,), and covariance of returns, shape (n, n), per unit of the covariance given."""

    mean: Floats
    covariance: Floats


def market_weights(traded_value: Floats) -> Floats:
    """Shares of traded value, shape (n,), all in one currency; they sum to one."""
    total = float(traded_value.sum())
    if not (np.isfinite(total) and total > 0.0 and (traded_value >= 0.0).all()):
        raise DataError("traded values must be finite, not negative, and not all 0")
    return traded_value / total


def equilibrium_returns(covariance: Floats, weights: Floats, risk_aversion: float = 2.5) -> Floats:
    """Excess returns that make ``weights``, shape (n,), optimal: risk aversion x S w (reverse optimisation)."""
    return risk_aversion * (covariance @ weights)


def black_litterman(
    covariance: Floats, prior: Floats, views: Sequence[View], *, tau: float = 0.05, unit_ns: int = NS_PER_DAY
) -> Posterior:
    """Prior returns, shape (n,), and views into posterior returns and covariance; `unit_ns` is S's time unit.

    A view is scaled to the unit by the ratio of times: its drift is taken to go on. A confidence of 0 says nothing.
    """
    heard = [view for view in views if view.confidence != 0.0]
    picks = np.zeros((len(heard), len(prior)))
    for row, view in enumerate(heard):
        picks[row, view.asset] = 1.0
    q = np.array([view.expected_return * unit_ns / view.horizon_ns for view in heard])
    confidence = np.array([view.confidence for view in heard])
    return posterior(covariance, prior, picks, q, confidence, tau=tau)


def posterior(
    covariance: Floats, prior: Floats, picks: Floats, q: Floats, confidence: Floats, *, tau: float = 0.05
) -> Posterior:
    """Posterior of k views ``P m = q``: picks (k, n), q (k,), confidence (k,) in (0, 1], prior (n,), S (n, n).

    mean = m0 + t S P' (P t S P' + W)^-1 (q - P m0); covariance = S + t S - t S P' (P t S P' + W)^-1 P t S, as in He and
    Litterman (1999), The intuition behind Black-Litterman model portfolios. W is diagonal: the prior's variance of the
    view, (P t S P')_kk, times (1 - c) / c; so c = 1/2 weighs a view like the prior, c = 1 imposes it, and one view
    moves its asset by c of the way, which is Idzorek's (2005) meaning of confidence in Walters' closed form.
    """
    if not ((confidence > 0.0) & (confidence <= 1.0)).all() or not np.isfinite(q).all():
        raise DataError("views need finite returns and confidences above 0 and not above 1")
    spread = tau * covariance @ picks.T
    prior_of_views = picks @ spread
    uncertainty = np.diag(np.diag(prior_of_views) * (1.0 - confidence) / confidence)
    try:
        gain = np.linalg.solve(prior_of_views + uncertainty, spread.T).T
    except np.linalg.LinAlgError as error:
        raise DataError("the views contradict or repeat each other with certainty; leave one out") from error
    return Posterior(
        mean=prior + gain @ (q - picks @ prior),
        covariance=(1.0 + tau) * covariance - gain @ spread.T,
    )
