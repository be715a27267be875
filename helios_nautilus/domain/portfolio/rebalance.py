"""When to move from the weights held to the target weights, and which of the trades are worth their cost.

Weights are fractions of equity, shape (n,), long only; what is missing to one is cash.
"""

from enum import StrEnum

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.errors import ConfigError


class RebalanceReason(StrEnum):
    """Why a rebalancing is due."""

    RISK_EVENT = "RISK_EVENT"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"


class RebalanceRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When weights are brought back to their targets, and when a trade is not worth it."""

    daily_drift: float = 0.05
    """A day or more after the last time, a weight further off than this is reason enough."""
    weekly_drift: float = 0.01
    """The same a week or more after the last time."""
    horizon_days: float = 30.0
    """How long a trade is expected to be of use: what its cost is weighed against."""
    risk_aversion: float = 2.5
    """Weighs risk against return where the target is all cash and so does not tell."""

    def __post_init__(self) -> None:
        if not 0.0 < self.weekly_drift <= self.daily_drift:
            raise ConfigError("rebalance: 0 < weekly_drift <= daily_drift does not hold")
        if not (self.horizon_days > 0.0 and self.risk_aversion > 0.0):
            raise ConfigError("rebalance: horizon_days and risk_aversion must be above 0")


def drift(current: Floats, target: Floats) -> float:
    """Largest distance of a weight from its target."""
    return float(np.abs(current - target).max(initial=0.0))


def rebalance_reason(
    current: Floats, target: Floats, *, last_ns: int | None, now_ns: int, is_risk_event: bool, rules: RebalanceRules
) -> RebalanceReason | None:
    """Why to rebalance at ``now_ns``, or None; ``last_ns`` is the last time, None if there was none."""
    if is_risk_event:
        return RebalanceReason.RISK_EVENT
    days = np.inf if last_ns is None else (now_ns - last_ns) / NS_PER_DAY
    distance = drift(current, target)
    if days >= 1.0 and distance > rules.daily_drift:
        return RebalanceReason.DAILY
    if days >= 7.0 and distance > rules.weekly_drift:
        return RebalanceReason.WEEKLY
    return None


def rebalance_trades(
    current: Floats,
    target: Floats,
    *,
    mean: Floats,
    covariance: Floats,
    cost: float,
    cap: float,
    is_risk_event: bool,
    rules: RebalanceRules,
) -> Floats:
    """Changes of weight worth making, shape (n,); 0 where the cost exceeds the use.

    ``mean``, (n,), and ``covariance``, (n, n), are the beliefs behind the target, per day; ``cost`` is that of one
    fill as a fraction of its value. Never skipped are sales on a risk event and sales of what stands above ``cap``.
    Where skipped sales leave too little cash, all purchases shrink alike.
    """
    change = target - current
    use = _use_per_day(change, target, mean, covariance, rules.risk_aversion) * rules.horizon_days
    must_sell = (change < 0.0) & (is_risk_event | (current > cap))
    trades = np.where(must_sell | (use > cost * np.abs(change)), change, 0.0)
    purchases = np.maximum(trades, 0.0)
    room = 1.0 - float((current + np.minimum(trades, 0.0)).sum())
    if purchases.sum() > room:
        trades -= purchases * (1.0 - max(room, 0.0) / purchases.sum())
    return trades


def _use_per_day(change: Floats, target: Floats, mean: Floats, covariance: Floats, risk_aversion: float) -> Floats:
    """Utility per day that each trade adds, given that the others are made: U(target) - U(target without it).

    U(w) = mean'w - a w'Sw / 2, with ``a`` the risk aversion at which the target's own proportions are the best, so
    that a target of highest Sharpe ratio is judged by its own measure and never by a stranger's.
    """
    risk = covariance @ target
    variance = float(target @ risk)
    if variance > 0.0:
        risk_aversion = float(mean @ target) / variance
    gradient = mean - risk_aversion * risk
    use: Floats = change * gradient + 0.5 * risk_aversion * np.diag(covariance) * change**2
    return use
