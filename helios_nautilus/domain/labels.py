"""The classes a model learns: what should have been done at each decision, seen from the future.

Labels look ahead by design; they are used to train and to judge, never to decide. The one numbering of classes is
here: `Label`.
"""

from enum import IntEnum
from typing import Literal

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from helios_nautilus.domain.bars import Bars, Floats, Ints
from helios_nautilus.domain.outcome import ExitKind, plan_outcomes
from helios_nautilus.domain.plan import ExitPlan, Side
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.errors import ConfigError


class Label(IntEnum):
    """Class numbers: also the order of a model's outputs."""

    UNKNOWN = -1
    SELL = 0
    HOLD = 1
    BUY = 2


type LabelArray = NDArray[np.int8]
type LabelKind = Literal["plan_outcome", "triple_barrier", "fixed_threshold"]


def base_rates(label: LabelArray) -> Floats:
    """How often each class occurs among known labels (n,), one row of each added so that none is 0: (classes,)."""
    counts = np.bincount(label, minlength=len(Label) - 1) + 1.0
    rates: Floats = counts / counts.sum()
    return rates


class LabelConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which labels to make; the last two fields are read by ``fixed_threshold`` alone."""

    kind: LabelKind = "plan_outcome"
    threshold: float = 0.02
    """Smallest move that counts, as a fraction."""
    horizon_mins: int = 60

    def __post_init__(self) -> None:
        if self.threshold <= 0 or self.horizon_mins <= 0:
            raise ConfigError("label: threshold and horizon_mins must be above 0")

    def reach_ns(self, plan: ExitPlan) -> int:
        """How far into the future a label may look: what a split has to purge. At least the plan's hold."""
        wait_ns = plan.maker_wait_secs * NS_PER_SEC if plan.entry == "maker" else 0
        return max(plan.hold_ns + wait_ns, self.horizon_mins * NS_PER_MIN)


class Labels(Struct, frozen=True, kw_only=True):
    """One row per decision, all of shape (n,): the label, and what both plans would have netted (NaN: unknown).

    Whichever entry the plan has, its other one is followed as well: to judge what either would have made.
    """

    label: LabelArray
    taker_long: Floats
    taker_short: Floats
    maker_long: Floats
    """0 where the entry was never filled, as in ``maker_short``."""
    maker_short: Floats


def label_decisions(
    bars: Bars,
    ts_ns: Ints,
    vol_daily: Floats,
    plan: ExitPlan,
    config: LabelConfig | None = None,
    *,
    bar_ns: int = NS_PER_MIN,
) -> Labels:
    """Label the decisions at ``ts_ns`` (n,), given the daily volatility known at each (n,; NaN: unknown label)."""
    label, own = label_plans(bars, ts_ns, vol_daily, plan, config, bar_ns=bar_ns)
    other_plan = msgspec.structs.replace(plan, entry="maker" if plan.entry == "taker" else "taker")
    other = _net_plans(bars, ts_ns, vol_daily, other_plan, bar_ns)
    taker, maker = (own, other) if plan.entry == "taker" else (other, own)
    return Labels(label=label, taker_long=taker[0], taker_short=taker[1], maker_long=maker[0], maker_short=maker[1])


def label_plans(
    bars: Bars,
    ts_ns: Ints,
    vol_daily: Floats,
    plan: ExitPlan,
    config: LabelConfig | None = None,
    *,
    bar_ns: int = NS_PER_MIN,
) -> tuple[LabelArray, tuple[Floats, Floats]]:
    """The labels of `label_decisions` (n,), and what the plan would have netted long and short (n,; NaN: unknown)."""
    config = config or LabelConfig()
    nets = _net_plans(bars, ts_ns, vol_daily, plan, bar_ns)
    if config.kind == "plan_outcome":
        return plan_outcome(*nets), nets
    if config.kind == "triple_barrier":
        return triple_barrier(bars, ts_ns, plan.bracket(1.0).stop * vol_daily, plan, bar_ns=bar_ns), nets
    horizon_ns = config.horizon_mins * NS_PER_MIN
    return fixed_threshold(bars, ts_ns, threshold=config.threshold, horizon_ns=horizon_ns, bar_ns=bar_ns), nets


def _net_plans(bars: Bars, ts_ns: Ints, vol_daily: Floats, plan: ExitPlan, bar_ns: int) -> tuple[Floats, Floats]:
    unit = plan.bracket(1.0)
    stop, target = unit.stop * vol_daily, unit.target * vol_daily
    long, short = (plan_outcomes(bars, ts_ns, stop, target, plan, side, bar_ns=bar_ns).net for side in Side)
    return long, short


def plan_outcome(net_long: Floats, net_short: Floats) -> LabelArray:
    """BUY where the long plan earned something, SELL where the short one did (the better of both), else HOLD.

    Unknown unless both outcomes are known.
    """
    label = np.full(len(net_long), Label.HOLD, dtype=np.int8)
    label[(net_long > 0) & (net_long > net_short)] = Label.BUY
    label[(net_short > 0) & (net_short > net_long)] = Label.SELL
    label[np.isnan(net_long) | np.isnan(net_short)] = Label.UNKNOWN
    return label


def triple_barrier(bars: Bars, ts_ns: Ints, width: Floats, plan: ExitPlan, *, bar_ns: int = NS_PER_MIN) -> LabelArray:
    """BUY if the price rises by ``width`` (a fraction, (n,)) before it falls by it, SELL if it falls first.

    HOLD if it does neither within the plan's hold, or both in one bar. Measured from the open of the next bar;
    costs play no part (Lopez de Prado 2018, ch. 3, with symmetric barriers).
    """
    at_once = ExitPlan(hold_mins=plan.hold_mins, max_hold_mins=plan.max_hold_mins, entry="taker")
    up = plan_outcomes(bars, ts_ns, width, width, at_once, Side.LONG, bar_ns=bar_ns).kind
    down = plan_outcomes(bars, ts_ns, width, width, at_once, Side.SHORT, bar_ns=bar_ns).kind
    label = np.full(len(ts_ns), Label.HOLD, dtype=np.int8)
    label[up == ExitKind.TARGET] = Label.BUY
    label[down == ExitKind.TARGET] = Label.SELL
    label[up == ExitKind.UNKNOWN] = Label.UNKNOWN
    return label


def fixed_threshold(
    bars: Bars, ts_ns: Ints, *, threshold: float = 0.02, horizon_ns: int = 60 * NS_PER_MIN, bar_ns: int = NS_PER_MIN
) -> LabelArray:
    """BUY (SELL) where the close ``horizon_ns`` later is more than ``threshold`` above (below) the close now.

    Unknown where a bar in between is missing.
    """
    label = np.full(len(ts_ns), Label.UNKNOWN, dtype=np.int8)
    if len(bars) == 0:
        return label
    last = len(bars) - 1
    now = np.searchsorted(bars.ts_ns, ts_ns)
    later = now + horizon_ns // bar_ns
    now, later, is_inside = np.minimum(now, last), np.minimum(later, last), later <= last
    # Bars on a grid: as many rows apart as bars in the horizon means that none is missing.
    known = is_inside & (bars.ts_ns[now] == ts_ns) & (bars.ts_ns[later] == ts_ns + horizon_ns)
    move = bars.close[later] / bars.close[now] - 1.0
    label[known] = Label.HOLD
    label[known & (move > threshold)] = Label.BUY
    label[known & (move < -threshold)] = Label.SELL
    return label
