"""How a run did: figures of an equity curve and of its closed trades.

A figure that cannot be known (too few days, no losing trade) is None, never infinite or NaN. Crypto trades every day,
so a year has 365 days; cash is taken to yield nothing.
"""

from math import isfinite, sqrt
from typing import Final

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Floats, Ints
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.errors import DataError

DAYS_PER_YEAR: Final = 365.0
_MIN_DAYS: Final = 2
_MIN_VAR_DAYS: Final = 20
"""Below this the worst 5 % are less than one day."""
_NO_SPREAD: Final = 1e-12
"""A standard deviation below this is rounding noise."""


class Drawdown(Struct, frozen=True, kw_only=True):
    """The deepest fall of equity from a peak; ``depth`` is a fraction of the peak."""

    depth: float
    peak_ns: int
    trough_ns: int
    recovered_ns: int | None
    """When equity was first back at the peak; None if it has not been."""


class TradeStats(Struct, frozen=True, kw_only=True):
    """Figures of closed trades, in the currency of their P&L; a trade of exactly 0 is neither won nor lost."""

    count: int = 0
    win_rate: float | None = None
    mean_win: float | None = None
    mean_loss: float | None = None
    """A positive amount."""
    profit_factor: float | None = None
    """Sum of gains / sum of losses."""


class Performance(Struct, frozen=True, kw_only=True):
    """Everything measured; fractions, not percent."""

    total_return: float | None
    annual_return: float | None
    annual_volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: Drawdown | None
    """None where equity never fell below an earlier peak."""
    var_95: float | None
    """Daily loss exceeded on one day in twenty; negative if even such a day gained."""
    time_in_market: float | None
    """Share of time with a position open."""
    trades: TradeStats


def measure_performance(
    ts_ns: Ints, equity: Floats, *, pnl: Floats | None = None, exposure: Floats | None = None
) -> Performance:
    """Figures of an equity curve sampled at ``ts_ns``, both of shape (n,), in time order, at any spacing.

    ``pnl`` holds the net P&L of each closed trade; ``exposure``, shape (n,), the gross value of the open positions from
    each sample on, in any unit. `DataError` if stamps run backwards or a figure is not finite.
    """
    _validate(ts_ns, equity, exposure)
    daily = equity_returns(ts_ns, equity)
    annual, fall = annual_return(ts_ns, equity), max_drawdown(ts_ns, equity)
    return Performance(
        total_return=total_return(equity),
        annual_return=annual,
        annual_volatility=annual_volatility(daily),
        sharpe=sharpe(daily),
        sortino=sortino(daily),
        calmar=annual / fall.depth if annual is not None and fall is not None else None,
        max_drawdown=fall,
        var_95=value_at_risk(daily),
        time_in_market=None if exposure is None else time_in_market(ts_ns, exposure),
        trades=trade_stats(np.empty(0) if pnl is None else pnl),
    )


def equity_returns(ts_ns: Ints, equity: Floats) -> Floats:
    """Simple returns of UTC days, shape (days,); compounded, they give the total return.

    A day's equity is the last one sampled by its midnight; a day without a sample keeps the one before. The first and
    the last day may be parts of a day. Empty if the curve has no extent or equity was ever 0 or less.
    """
    if len(ts_ns) < 2 or not (equity > 0.0).all():
        return np.empty(0)
    first, last = int(ts_ns[0]) // NS_PER_DAY, -(-int(ts_ns[-1]) // NS_PER_DAY)
    midnights = np.arange(first + 1, last + 1) * NS_PER_DAY
    closes = equity[np.searchsorted(ts_ns, midnights, side="right") - 1]
    opens = np.concatenate([equity[:1], closes[:-1]])
    returns: Floats = closes / opens - 1.0
    return returns


def total_return(equity: Floats) -> float | None:
    """Last equity / first - 1."""
    if len(equity) < 2 or equity[0] <= 0.0:
        return None
    return _known(float(equity[-1] / equity[0]) - 1.0)


def annual_return(ts_ns: Ints, equity: Floats) -> float | None:
    """Compound growth per 365 days: (last / first)^(365 / days) - 1; None below two days. -1 if nothing is left."""
    total = total_return(equity)
    days = (int(ts_ns[-1]) - int(ts_ns[0])) / NS_PER_DAY if len(ts_ns) else 0.0
    if total is None or days < _MIN_DAYS:
        return None
    if total <= -1.0:
        return -1.0
    with np.errstate(over="ignore"):
        return _known(float(np.expm1(np.log1p(total) * DAYS_PER_YEAR / days)))


def annual_volatility(daily: Floats) -> float | None:
    """Standard deviation (n - 1) of daily returns x sqrt(365)."""
    if len(daily) < _MIN_DAYS:
        return None
    return _known(float(daily.std(ddof=1)) * sqrt(DAYS_PER_YEAR))


def sharpe(daily: Floats) -> float | None:
    """Mean / standard deviation of daily returns x sqrt(365); Sharpe (1994), The Sharpe Ratio, risk-free rate 0."""
    if len(daily) < _MIN_DAYS:
        return None
    return _annual_ratio(daily, float(daily.std(ddof=1)))


def sortino(daily: Floats) -> float | None:
    """Mean / downside deviation x sqrt(365); Sortino and Price (1994), target 0. None without a losing day.

    The downside deviation is sqrt(mean(min(r, 0)^2)) over all days, the gaining ones included.
    """
    if len(daily) < _MIN_DAYS:
        return None
    return _annual_ratio(daily, float(np.sqrt((np.minimum(daily, 0.0) ** 2).mean())))


def max_drawdown(ts_ns: Ints, equity: Floats) -> Drawdown | None:
    """The deepest fall from a peak over all samples, the first if there are several; None if there was none.

    Calmar's ratio is annual return / this depth; Young (1991), Calmar Ratio: A Smoother Tool.
    """
    if len(equity) == 0 or equity[0] <= 0.0:
        return None
    peaks = np.maximum.accumulate(equity)
    falls = 1.0 - equity / peaks
    trough = int(falls.argmax())
    if falls[trough] <= 0.0:
        return None
    # The last time equity stood at the peak: from there it fell.
    peak = int(np.flatnonzero(equity[:trough] == peaks[trough])[-1])
    back = np.flatnonzero(equity[trough:] >= peaks[trough])
    return Drawdown(
        depth=float(falls[trough]),
        peak_ns=int(ts_ns[peak]),
        trough_ns=int(ts_ns[trough]),
        recovered_ns=int(ts_ns[trough + back[0]]) if len(back) else None,
    )


def value_at_risk(daily: Floats, level: float = 0.95) -> float | None:
    """Historical value at risk: minus the (1 - level) quantile of daily returns, linear between days; Jorion (2006).

    None below twenty days.
    """
    if len(daily) < _MIN_VAR_DAYS:
        return None
    return _known(-float(np.quantile(daily, 1.0 - level)))


def time_in_market(ts_ns: Ints, exposure: Floats) -> float | None:
    """Share of the time between first and last sample that began with an exposure above 0."""
    if len(ts_ns) < 2 or ts_ns[0] == ts_ns[-1]:
        return None
    spans = np.diff(ts_ns)
    return float(spans[exposure[:-1] > 0.0].sum() / spans.sum())


def trade_stats(pnl: Floats) -> TradeStats:
    """Figures of the closed trades of net P&L ``pnl``, shape (n,)."""
    if not np.isfinite(pnl).all():
        raise DataError("the P&L of a trade is not finite")
    wins, losses = pnl[pnl > 0.0], -pnl[pnl < 0.0]
    return TradeStats(
        count=len(pnl),
        win_rate=len(wins) / len(pnl) if len(pnl) else None,
        mean_win=_known(float(wins.mean())) if len(wins) else None,
        mean_loss=_known(float(losses.mean())) if len(losses) else None,
        profit_factor=_known(float(wins.sum()) / float(losses.sum())) if len(losses) else None,
    )


def _annual_ratio(daily: Floats, spread: float) -> float | None:
    if not spread > _NO_SPREAD:
        return None
    return _known(float(daily.mean()) / spread * sqrt(DAYS_PER_YEAR))


def _known(value: float) -> float | None:
    return value if isfinite(value) else None


def _validate(ts_ns: Ints, equity: Floats, exposure: Floats | None) -> None:
    if len(ts_ns) != len(equity) or (exposure is not None and len(exposure) != len(ts_ns)):
        raise DataError("equity curve: stamps, equity and exposure differ in length")
    if (np.diff(ts_ns) < 0).any():
        raise DataError("equity curve: stamps run backwards")
    if not np.isfinite(equity).all() or (exposure is not None and not np.isfinite(exposure).all()):
        raise DataError("equity curve: a figure is not finite")
