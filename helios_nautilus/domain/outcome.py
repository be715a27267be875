"""What an exit plan would have earned: entry, then the first of stop, target and time-out, walked over base bars.

Where a bar leaves the order of events open, the worse one is taken: stop and target in one bar is a stop, and a bar
in which a maker entry fills cannot reach its target yet. Labels, payoff tables and evaluations all stand on this
one simulation; how a live position is managed is the lifecycle's business.
"""

from enum import IntEnum
from typing import Final

import numpy as np
from msgspec import Struct
from numba import njit
from numpy.typing import NDArray

from helios_nautilus.domain.bars import Bars, Floats, Ints
from helios_nautilus.domain.plan import ExitPlan, Side
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC


class ExitKind(IntEnum):
    """How a plan ended; `UNKNOWN` where the data end or have a hole first, `UNFILLED` where it never began."""

    UNKNOWN = -1
    UNFILLED = 0
    STOP = 1
    TARGET = 2
    TIMEOUT = 3


# Plain numbers, because compiled code cannot read an enum's members.
_UNKNOWN: Final = int(ExitKind.UNKNOWN)
_UNFILLED: Final = int(ExitKind.UNFILLED)
_STOP: Final = int(ExitKind.STOP)
_TARGET: Final = int(ExitKind.TARGET)
_TIMEOUT: Final = int(ExitKind.TIMEOUT)


class Outcomes(Struct, frozen=True, kw_only=True):
    """One row per entry, all of shape (n,).

    ``net`` is the return on the entry value after the costs of both fills: NaN if unknown, 0 if unfilled. Prices are
    NaN where there was no fill. ``exit_ts_ns`` is the close of the bar that ended the plan (or the wait for a fill),
    0 if unknown.
    """

    net: Floats
    kind: NDArray[np.int8]
    exit_ts_ns: Ints
    entry_price: Floats
    exit_price: Floats


def plan_outcomes(
    bars: Bars, ts_ns: Ints, stop: Floats, target: Floats, plan: ExitPlan, side: Side, *, bar_ns: int = NS_PER_MIN
) -> Outcomes:
    """Follow one plan from each decision to its end.

    ``ts_ns`` (n,) are the decision stamps; ``stop`` and ``target`` (n,) are distances as fractions of the entry price
    (NaN or not above 0: unknown). Hold, entry liquidity and costs come from ``plan``; ``bars`` are ``bar_ns`` long.

    A taker enters at the open of the next bar. A maker leaves a limit at the last close and is filled there if a bar
    within ``maker_wait_secs`` (the next one at least) trades strictly through it. The hold counts from the open of
    the entry bar and ends at a close. A stop that was jumped at a bar's open fills at that open; a target never fills
    better than its price.
    Stops and time-outs pay as takers, targets as makers.
    """
    n = len(ts_ns)
    is_long = side is Side.LONG
    result = Outcomes(
        net=np.full(n, np.nan),
        kind=np.full(n, _UNKNOWN, dtype=np.int8),
        exit_ts_ns=np.zeros(n, dtype=np.int64),
        entry_price=np.full(n, np.nan),
        exit_price=np.full(n, np.nan),
    )
    _follow_all(
        (bars.ts_ns, bars.open, bars.low if is_long else bars.high, bars.high if is_long else bars.low, bars.close),
        np.asarray(ts_ns, dtype=np.int64),
        np.searchsorted(bars.ts_ns, ts_ns, side="right"),
        (np.asarray(stop, dtype=np.float64), np.asarray(target, dtype=np.float64)),
        bar_ns,
        plan.hold_ns // bar_ns,
        max(1, plan.maker_wait_secs * NS_PER_SEC // bar_ns) if plan.entry == "maker" else 0,
        float(side.sign),
        (plan.costs.of(plan.entry), plan.costs.of("taker"), plan.costs.of("maker")),
        (result.net, result.kind, result.exit_ts_ns, result.entry_price, result.exit_price),
    )
    return result


# In the compiled part ``worst`` and ``best`` are a bar's extremes against and with the bet: low and high of a long,
# high and low of a short. Multiplied by the sign of the bet, one set of comparisons serves both sides.
type _Columns = tuple[Ints, Floats, Floats, Floats, Floats]
type _Results = tuple[Floats, NDArray[np.int8], Ints, Floats, Floats]


@njit(cache=True)
def _follow_all(
    columns: _Columns,
    decided: Ints,
    following: Ints,
    distances: tuple[Floats, Floats],
    bar_ns: int,
    hold_bars: int,
    wait_bars: int,
    sign: float,
    costs: tuple[float, float, float],
    results: _Results,
) -> None:
    net, kind, exit_ts, entry_price, exit_price = results
    stop, target = distances
    cost_entry, cost_taker, cost_target = costs
    for row in range(len(decided)):
        if not (stop[row] > 0.0 and target[row] > 0.0):
            continue
        at, entry = _enter(columns, decided[row], following[row], bar_ns, wait_bars, sign)
        if at == _UNKNOWN:
            continue
        if at == len(columns[0]):
            net[row], kind[row], exit_ts[row] = 0.0, _UNFILLED, decided[row] + wait_bars * bar_ns
            continue
        lost, won = entry * (1.0 - sign * stop[row]), entry * (1.0 + sign * target[row])
        how, end, price = _leave(columns, at, lost, won, bar_ns, hold_bars, wait_bars > 0, sign)
        if how == _UNKNOWN:
            continue
        cost_exit = cost_target if how == _TARGET else cost_taker
        net[row] = sign * (price / entry - 1.0) - cost_entry - cost_exit * price / entry
        kind[row], exit_ts[row], entry_price[row], exit_price[row] = how, columns[0][end], entry, price


@njit(cache=True)
def _enter(
    columns: _Columns, decided: int, following: int, bar_ns: int, wait_bars: int, sign: float
) -> tuple[int, float]:
    """Entry bar and price. The bar is -1 if that is unknown, and one past the end if a maker was not filled."""
    ts, open_, worst, _, close = columns
    n = len(ts)
    if wait_bars == 0:
        if following < n and ts[following] == decided + bar_ns:
            return following, open_[following]
        return _UNKNOWN, 0.0
    if following == 0 or ts[following - 1] != decided:
        return _UNKNOWN, 0.0
    limit = close[following - 1]
    for step in range(wait_bars):
        at = following + step
        if at >= n or ts[at] != decided + (step + 1) * bar_ns:
            return _UNKNOWN, 0.0
        if sign * (worst[at] - limit) < 0.0:
            return at, limit
    return n, 0.0


@njit(cache=True)
def _leave(
    columns: _Columns, at: int, lost: float, won: float, bar_ns: int, hold_bars: int, is_maker: bool, sign: float
) -> tuple[int, int, float]:
    """Kind, bar and price of the exit of a position opened in bar ``at``."""
    ts, open_, worst, best, close = columns
    last = at + hold_bars - 1
    for bar in range(at, last + 1):
        if bar >= len(ts) or ts[bar] != ts[at] + (bar - at) * bar_ns:
            return _UNKNOWN, 0, 0.0
        if sign * (open_[bar] - lost) <= 0.0:
            return _STOP, bar, open_[bar]
        if sign * (worst[bar] - lost) <= 0.0:
            return _STOP, bar, lost
        if sign * (best[bar] - won) >= 0.0 and not (is_maker and bar == at):
            return _TARGET, bar, won
    return _TIMEOUT, last, close[last]
