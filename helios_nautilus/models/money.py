"""What a model's probabilities would have earned: one trade at a time on each instrument, net of fees and spread.

Every trade stakes the same amount, so returns add up. Sizing, the gate and the portfolio's limits are a backtest's
business; here a model is judged before any of them can help it or hide it.
"""

from math import e, sqrt
from typing import Final

import numpy as np
from msgspec import Struct
from scipy.stats import kurtosis, norm, skew

from helios_nautilus.domain.bars import Bools, Floats, Ints
from helios_nautilus.domain.labels import Label
from helios_nautilus.domain.performance import sharpe
from helios_nautilus.domain.plan import Liquidity
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.models.evaluate import directional_confidence

_EULER: Final = 0.5772156649015329
_MIN_DAYS: Final = 10
"""Fewer days than this have no third and fourth moment worth the name."""


class Bets(Struct, frozen=True, kw_only=True):
    """What was said on some rows, all of shape (n,), and what both plans earned there."""

    ts_ns: Ints
    instrument: Ints
    p: Floats
    """Calibrated probabilities (n, 3)."""
    net_long: Floats
    """NaN: unknown. 0: a maker's entry that was never filled, which is no trade."""
    net_short: Floats


class Takings(Struct, frozen=True, kw_only=True):
    """Trading the likelier side wherever its directional confidence reaches a threshold.

    Returns are fractions of a stake that is the same for every trade.
    """

    entry: Liquidity
    threshold: float
    rows: int
    """Rows that reached the threshold, with a known outcome: trades may overlap here."""
    rows_mean_net: float | None
    trades: int
    """Of these, taken one after another: a trade blocks its instrument until its planned hold ends."""
    mean_net: float | None
    total_net: float
    win_rate: float | None
    sharpe: float | None
    """Annual, of the daily sums of these trades."""
    deflated_sharpe: float | None
    """Probability that the true Sharpe ratio is above 0, given how many variants were tried; see `deflate`."""


def trade(bets: Bets, threshold: float, hold_ns: int) -> tuple[Ints, Floats]:
    """Rows that are traded (m,), in the order given, and the net return of every row's likelier side (n,)."""
    is_long = bets.p[:, Label.BUY] > bets.p[:, Label.SELL]
    net = np.where(is_long, bets.net_long, bets.net_short)
    can = _filled(net) & (directional_confidence(bets.p) >= threshold)
    taken = []
    for instrument in np.unique(bets.instrument):
        rows = np.flatnonzero(can & (bets.instrument == instrument))
        rows = rows[np.argsort(bets.ts_ns[rows], kind="stable")]
        taken.append(rows[_one_at_a_time(bets.ts_ns[rows], hold_ns)])
    chosen = np.sort(np.concatenate(taken)) if taken else np.zeros(0, dtype=np.int64)
    return chosen, net


def daily_sums(ts_ns: Ints, net: Floats, first_day: int, days: int) -> Floats:
    """Sum of the trades decided on each day (days,), days without a trade included."""
    return np.bincount(ts_ns // NS_PER_DAY - first_day, weights=net, minlength=days)


def take(
    bets: Bets, entry: Liquidity, thresholds: tuple[float, ...], hold_ns: int
) -> tuple[tuple[Takings, ...], tuple[Floats, ...]]:
    """The takings at each threshold, not yet deflated, and their daily sums (days,)."""
    if len(bets.ts_ns) == 0:
        return (), ()
    first_day = int(bets.ts_ns.min()) // NS_PER_DAY
    days = int(bets.ts_ns.max()) // NS_PER_DAY - first_day + 1
    takings, paths = [], []
    for threshold in thresholds:
        chosen, net = trade(bets, threshold, hold_ns)
        daily = daily_sums(bets.ts_ns[chosen], net[chosen], first_day, days)
        reached = net[_filled(net) & (directional_confidence(bets.p) >= threshold)]
        takings.append(
            Takings(
                entry=entry,
                threshold=threshold,
                rows=len(reached),
                rows_mean_net=_mean(reached),
                trades=len(chosen),
                mean_net=_mean(net[chosen]),
                total_net=float(net[chosen].sum()),
                win_rate=_mean((net[chosen] > 0).astype(np.float64)),
                sharpe=sharpe(daily),
                deflated_sharpe=None,
            )
        )
        paths.append(daily)
    return tuple(takings), tuple(paths)


def deflate(daily: Floats, tried: Floats, trials: int) -> float | None:
    """The deflated Sharpe ratio of daily returns (days,); Bailey and Lopez de Prado (2014), The Deflated Sharpe Ratio.

    The probability that the true ratio is above what the best of ``trials`` worthless variants would show by luck,
    for returns of this length, skewness and kurtosis. ``tried`` (m,) are daily, not annual, ratios of variants that
    were seen; how far they spread says how lucky the best can get. Never less than the 1 / (days - 1) of pure noise.
    """
    n = len(daily)
    if n < _MIN_DAYS or daily.std() == 0:
        return None
    ratio = float(daily.mean() / daily.std(ddof=1))
    spread = max(float(np.var(tried, ddof=1)) if len(tried) > 1 else 0.0, 1.0 / (n - 1))
    lucky = sqrt(spread) * _best_of(trials)
    third, fourth = float(skew(daily)), float(kurtosis(daily, fisher=False))
    noise = max(1.0 - third * ratio + (fourth - 1.0) / 4.0 * ratio**2, 1e-9)
    return float(norm.cdf((ratio - lucky) * sqrt(n - 1) / sqrt(noise)))


def daily_ratio(daily: Floats) -> float:
    """Mean / standard deviation of daily returns; NaN where they do not move."""
    spread = float(daily.std(ddof=1)) if len(daily) > 1 else 0.0
    return float(daily.mean()) / spread if spread > 0 else float("nan")


def _best_of(trials: int) -> float:
    """Expected highest of so many standard normal draws (ibid., by extreme value theory)."""
    if trials <= 1:
        return 0.0
    return float((1 - _EULER) * norm.ppf(1 - 1 / trials) + _EULER * norm.ppf(1 - 1 / (trials * e)))


def _filled(net: Floats) -> Bools:
    filled: Bools = np.isfinite(net) & (net != 0)
    return filled


def _one_at_a_time(ts_ns: Ints, hold_ns: int) -> Ints:
    """Of rising stamps, the first, then always the first that is a hold later."""
    following = np.searchsorted(ts_ns, ts_ns + hold_ns).tolist()
    taken, at = [], 0
    while at < len(following):
        taken.append(at)
        at = following[at]
    return np.array(taken, dtype=np.int64)


def _mean(values: Floats) -> float | None:
    return float(np.mean(values)) if len(values) else None
