"""Where a return came from: against a benchmark, and from which tier.

Against the benchmark a day's active return R - B has four parts that add up to it exactly. With w the weights held on
average over the day, W their sum, b the benchmark's weights at the day's start, l the instruments' returns in the
currency they are quoted in, r the same in the account's currency, and c = r - l:

    allocation = W sum(b l) - (B - sum(b c))      being more or less in the market than the benchmark
    selection  = sum((w - W b) l)                 in other instruments than it
    timing     = R - sum(w r)                     at other moments than all day long, costs included
    currency   = sum((w - b) c)                   in other currencies

Allocation and selection are those of Brinson, Hood and Beebower (1986) for two segments, the market and cash, with
their interaction counted as selection; with cash as the other segment, the form of Brinson and Fachler (1985) is the
same. What is left of R when the holdings are accounted for is the trading or timing effect (Bacon 2008). B is net of
the benchmark's own costs, so what it pays to enter is allocation.

Days are linked by Carino's factors (1999): each day's parts times k_t / k with k_t = (ln(1 + R_t) - ln(1 + B_t)) /
(R_t - B_t) and k the same of the whole span. The linked parts add up to the active return of the span.
"""

from typing import Self

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Floats
from helios_nautilus.errors import DataError


class Days(Struct, frozen=True, kw_only=True):
    """Consecutive days (d,) of some instruments (n,); everything is a fraction."""

    portfolio: Floats
    """The account's return, (d,)."""
    benchmark: Floats
    """The benchmark's, net of its costs, (d,)."""
    held: Floats
    """Mean quantity held over the day at its opening price / equity at its start, (d, n)."""
    neutral: Floats
    """The benchmark's weights at the day's start, (d, n)."""
    local: Floats
    """Price returns in the quote currency, (d, n)."""
    in_account: Floats
    """The same in the account's currency, (d, n)."""
    costs: Floats
    """Commissions / equity at the day's start, (d,)."""


class Effects(Struct, frozen=True, kw_only=True):
    """Parts of the active return of a span, which is their sum."""

    allocation: float
    selection: float
    timing: float
    currency: float
    costs: float
    """Commissions, as a positive fraction: they are in ``timing`` already."""

    @property
    def active(self) -> float:
        """Return of the account less that of the benchmark."""
        return self.allocation + self.selection + self.timing + self.currency


def attribute(days: Days) -> Effects:
    """The linked parts of the active return; `DataError` if a return is -100 % or less, or there is no day."""
    if not len(days.portfolio) or min(days.portfolio.min(), days.benchmark.min()) <= -1.0:
        raise DataError("no attribution of a span without days, or in which everything was lost")
    parts = np.stack([*_daily_parts(days), days.costs])
    factors = _carino(days.portfolio, days.benchmark)
    whole = _carino(*(np.array([np.prod(1.0 + each) - 1.0]) for each in (days.portfolio, days.benchmark)))[0]
    allocation, selection, timing, currency, costs = (parts * factors).sum(axis=1) / whole
    return Effects(
        allocation=float(allocation),
        selection=float(selection),
        timing=float(timing),
        currency=float(currency),
        costs=float(costs),
    )


def _daily_parts(days: Days) -> tuple[Floats, Floats, Floats, Floats]:
    """Allocation, selection, timing and currency of each day, all (d,)."""
    invested = days.held.sum(axis=1)
    exchange = days.in_account - days.local
    market = (days.neutral * days.local).sum(axis=1)
    allocation = invested * market - (days.benchmark - (days.neutral * exchange).sum(axis=1))
    selection = ((days.held - invested[:, None] * days.neutral) * days.local).sum(axis=1)
    timing = days.portfolio - (days.held * days.in_account).sum(axis=1)
    currency = ((days.held - days.neutral) * exchange).sum(axis=1)
    return allocation, selection, timing, currency


def _carino(portfolio: Floats, benchmark: Floats) -> Floats:
    """Carino's factors (d,); where both returns are equal, the limit 1 / (1 + R)."""
    active = portfolio - benchmark
    # ln(1 + R) - ln(1 + B) as one logarithm, which keeps its digits where R and B are close.
    ratio = active / (1.0 + benchmark)
    is_equal = active == 0.0
    factors: Floats = np.where(is_equal, 1.0 / (1.0 + portfolio), np.log1p(ratio) / np.where(is_equal, 1.0, active))
    return factors


class RunFigures(Struct, frozen=True, kw_only=True):
    """What a run came to, in the account currency."""

    pnl: float
    """Net of costs, marked to market."""
    costs: float
    drawdown: float
    """The deepest, as a fraction of the peak."""
    trades: int
    """Positions that were closed."""

    def less(self, other: Self) -> Self:
        """The differences to another run's figures."""
        return type(self)(
            pnl=self.pnl - other.pnl,
            costs=self.costs - other.costs,
            drawdown=self.drawdown - other.drawdown,
            trades=self.trades - other.trades,
        )


class Trial(Struct, frozen=True, kw_only=True):
    """The run once more without one tier."""

    tier: str
    words: str
    """What was there in its place."""
    figures: RunFigures
    added: RunFigures
    """What the tier added: the figures with all tiers less these."""


class Trials(Struct, frozen=True, kw_only=True):
    """A run, and the same decisions without each tier in turn."""

    base: RunFigures
    without: tuple[Trial, ...]
