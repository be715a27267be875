"""Daily returns of several instruments on one calendar, and how they move together.

All covariances here are per day, of simple returns, because those add up across the assets of a portfolio.
"""

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Floats, Ints
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.errors import DataError, NotEnoughHistoryError


def daily_returns(ts_ns: Ints, close: Floats, *, end_ns: int, days: int) -> Floats | None:
    """Simple returns of the last ``days`` whole UTC days before ``end_ns``, oldest first, shape (days,).

    ``ts_ns`` and ``close`` are bars of a day or less, shape (n,), in time order and stamped with their close. A day's
    close is the last one stamped inside it, 24:00 included. Returns of equal ``end_ns`` and ``days`` cover the same
    days whatever the instrument. None if a close is missing: a hole is not bridged.
    """
    midnights = (end_ns // NS_PER_DAY - np.arange(days, -1, -1)) * NS_PER_DAY
    last = np.searchsorted(ts_ns, midnights, side="right") - 1
    if last[0] < 0 or (ts_ns[last] <= midnights - NS_PER_DAY).any():
        return None
    closes = close[last]
    if not (np.isfinite(closes) & (closes > 0.0)).all():
        return None
    return closes[1:] / closes[:-1] - 1.0


def correlation(first: Floats, second: Floats) -> float | None:
    """Pearson correlation of two series of equal shape (t,); None if one is not finite, or does not move."""
    centred = first - first.mean(), second - second.mean()
    # The spread of a constant series is rounding noise, which correlates with anything.
    moves = [float(np.sqrt(part @ part)) for part in centred]
    noise = [1e-12 * float(np.abs(series).max()) * len(series) for series in (first, second)]
    if not all(floor < move < np.inf for floor, move in zip(noise, moves, strict=True)):
        return None
    return float(np.clip(centred[0] @ centred[1] / (moves[0] * moves[1]), -1.0, 1.0))


def sample_covariance(returns: Floats) -> Floats:
    """Unbiased covariance, shape (n, n), of ``returns`` of shape (t, n), t at least 2."""
    centred = _centre(returns)
    return centred.T @ centred / (len(returns) - 1)


class ShrunkCovariance(Struct, frozen=True, kw_only=True):
    """A covariance, shape (n, n), pulled by ``intensity`` in [0, 1] towards mean variance x identity."""

    covariance: Floats
    intensity: float


def ledoit_wolf(returns: Floats) -> ShrunkCovariance:
    """Covariance of ``returns``, shape (t, n), shrunk by the intensity of least expected squared error.

    (1 - d) S + d m I with S the maximum-likelihood covariance (divided by t), m the mean of its diagonal, and
    d = min(b2, d2) / d2, where d2 = |S - m I|^2 and b2 = sum_k |x_k x_k' - S|^2 / t^2 (Frobenius norms).
    Ledoit and Wolf (2004), A well-conditioned estimator for large-dimensional covariance matrices, J. Multivariate
    Analysis 88. Positive definite from three days on, also with fewer days than
    assets, unless nothing moves.
    """
    centred = _centre(returns)
    t, n = centred.shape
    sample = centred.T @ centred / t
    target = np.trace(sample) / n * np.eye(n)
    distance = float(((sample - target) ** 2).sum())
    error = float(((centred**2).sum(axis=1) ** 2).sum() / t - (sample**2).sum()) / t
    intensity = min(max(error, 0.0) / distance, 1.0) if distance > 0.0 else 0.0
    return ShrunkCovariance(covariance=(1.0 - intensity) * sample + intensity * target, intensity=intensity)


def _centre(returns: Floats) -> Floats:
    if returns.ndim != 2 or len(returns) < 2:
        raise NotEnoughHistoryError(f"a covariance needs two days of returns or more, not shape {returns.shape}")
    if not np.isfinite(returns).all():
        raise DataError("returns that are not finite have no covariance; leave the instrument out")
    centred: Floats = returns - returns.mean(axis=0)
    return centred
