"""The portfolio held against its Black-Litterman targets: what a prediction says of an asset, and what is to be traded.

A position of this system is a bet with a stop, so not all of what the targets ask for is done: see `RebalanceMode`.
Nothing here knows more than what was closed, and predicted, at the moment of the comparison.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Bools, Floats
from helios_nautilus.domain.payoff import PayoffTable
from helios_nautilus.domain.plan import ExitPlan, Side
from helios_nautilus.domain.portfolio.allocate import AllocationRules, allocate
from helios_nautilus.domain.portfolio.black_litterman import View
from helios_nautilus.domain.portfolio.rebalance import (
    RebalanceReason,
    RebalanceRules,
    rebalance_reason,
    rebalance_trades,
)
from helios_nautilus.errors import ConfigError

type RebalanceMode = Literal["off", "trim", "full"]
"""``trim`` only sells what stands above its target; ``full`` also buys what stands below it and is not held yet."""

_MOST_DAYS = 30
"""As many days of traded value are kept."""


class RebalanceSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The portfolio against its Black-Litterman targets: at each UTC day's first decision, and at a risk event."""

    mode: RebalanceMode = "off"
    """``trim`` sells what stands above its target, ``full`` also buys what is below it and not held; off compares
    nothing."""
    history_days: int = 30
    """Days of returns behind the covariance, and of traded value behind the market's weights; 3 to 30."""
    drawdown_share: float = 0.6
    """A drawdown past this share of the kill switch's limit is a risk event, at most once a day."""
    settle_secs: float = 5.0
    """How long after a decision's close its predictions may take to be there."""
    rules: RebalanceRules = RebalanceRules()
    allocation: AllocationRules = AllocationRules()

    def __post_init__(self) -> None:
        if not 3 <= self.history_days <= _MOST_DAYS:
            raise ConfigError(f"rebalance: history_days must lie between 3 and {_MOST_DAYS}")
        if not (0.0 < self.drawdown_share <= 1.0 and 0.0 < self.settle_secs < 60.0):
            raise ConfigError("rebalance: drawdown_share must lie in (0, 1], settle_secs between 0 and 60")


class Market(Struct, frozen=True, kw_only=True):
    """What is known of n assets: covariance of daily returns, shape (n, n), and traded value, (n,), in one currency."""

    covariance: Floats
    traded_value: Floats


class Holding(Struct, frozen=True, kw_only=True):
    """How n assets stand: weights, shape (n,), as fractions of equity, and which of them there is a bet on already.

    Something held short counts as nothing held, and as a bet.
    """

    weights: Floats
    has_bet: Bools


class Comparison(Struct, frozen=True, kw_only=True):
    """The answer; arrays are of shape (n,), fractions of equity."""

    reason: RebalanceReason
    is_due: bool
    """The weights were far enough off, or there was a risk event; else nothing changes."""
    target: Floats
    change: Floats

    @property
    def cash(self) -> float:
        """Target weight of cash."""
        return 1.0 - float(self.target.sum())


def view_of(asset: int, p_buy: float, p_sell: float, table: PayoffTable, plan: ExitPlan) -> View | None:
    """The return that a prediction's likelier side stands for over the plan's hold; None where it promises none.

    The table is net of costs. A price does not fall because trading it is dear, so they are added again here: what a
    trade costs is weighed later, against its use. Confidence is Aether's: P(side) / (P(BUY) + P(SELL)).
    """
    side, p_side = (Side.LONG, p_buy) if p_buy >= p_sell else (Side.SHORT, p_sell)
    gross = table.expected_return(side, p_side) + plan.round_trip_cost
    if not (p_side > 0.0 and gross > 0.0):
        return None
    return View(
        asset=asset,
        expected_return=side.sign * gross,
        horizon_ns=plan.hold_ns,
        confidence=p_side / (p_buy + p_sell),
    )


def compare(
    holding: Holding,
    market: Market,
    views: Sequence[View],
    *,
    cost: float,
    last_ns: int | None,
    now_ns: int,
    is_risk_event: bool,
    settings: RebalanceSettings,
) -> Comparison:
    """Target weights and the changes worth making; ``last_ns`` is when a comparison was due last.

    ``cost`` is that of one fill, as a fraction of its value. `DataError` where the figures make no target.
    """
    wanted = allocate(market.covariance, market.traded_value, views, settings.allocation)
    reason = rebalance_reason(
        holding.weights,
        wanted.weights,
        last_ns=last_ns,
        now_ns=now_ns,
        is_risk_event=is_risk_event,
        rules=settings.rules,
    )
    change = np.zeros_like(wanted.weights)
    if reason is not None:
        change = rebalance_trades(
            holding.weights,
            wanted.weights,
            mean=wanted.posterior.mean,
            covariance=wanted.posterior.covariance,
            cost=cost,
            cap=settings.allocation.max_weight,
            is_risk_event=is_risk_event,
            rules=settings.rules,
        )
    may_buy = settings.mode == "full" and not is_risk_event
    return Comparison(
        reason=reason or RebalanceReason.DAILY,
        is_due=reason is not None,
        target=wanted.weights,
        change=np.where((change > 0.0) & ~(may_buy & ~holding.has_bet), 0.0, change),
    )
