"""What a probability is worth: win rate, mean win and mean loss of the plan by calibrated P(side).

A model says how likely BUY is; Kelly asks how often the long plan wins and how much it wins for what it loses. The
table answers from validation rows, net of costs.
"""

from bisect import bisect_right
from typing import Final

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.plan import Side

QUANTILES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
"""Inner edges of the bins, as quantiles of P(side): finer at the top, where trades are taken."""


class Payoff(Struct, frozen=True, kw_only=True):
    """The bet behind a probability: how often the plan wins, what it wins for what it loses, on how many rows."""

    p_win: float
    payoff: float
    """b: mean win / mean loss; above 0."""
    count: int


class PayoffBin(Struct, frozen=True, kw_only=True):
    """Plans whose P(side) lay at ``p_from`` or above, up to the next bin. Means are fractions of the entry value."""

    p_from: float
    count: int
    win_rate: float
    mean_win: float
    mean_loss: float
    """A positive number."""


class PayoffTable(Struct, frozen=True, kw_only=True):
    """Bins of both sides, by rising ``p_from`` (the first is 0); the win rate never falls as P(side) rises."""

    long: tuple[PayoffBin, ...]
    short: tuple[PayoffBin, ...]

    def lookup(self, side: Side, p: float) -> Payoff:
        """The bet that a calibrated P(side) of ``p`` stands for."""
        bins = self.long if side is Side.LONG else self.short
        at = max(bisect_right(bins, p, key=lambda each: each.p_from) - 1, 0)
        found = bins[at]
        return Payoff(p_win=found.win_rate, payoff=found.mean_win / found.mean_loss, count=found.count)


def fit_payoff(
    p_buy: Floats, p_sell: Floats, net_long: Floats, net_short: Floats, *, min_count: int = 100
) -> PayoffTable:
    """Fit the table on validation rows, all of shape (n,): calibrated probabilities and net outcomes of both plans.

    Every row with a known outcome counts on both sides, not just those where the side was the likeliest. Left out are
    rows with a NaN, and those with a net of exactly 0: a maker entry that was never filled is no bet.

    Bins with fewer than ``min_count`` rows, or without a single loss, join their lower neighbour; then neighbours whose
    win rates fall are pooled until none does (pool adjacent violators, Ayer et al. 1955), rows and all, so that counts
    and means stay those of real rows. Where a figure cannot be had the cautious one stands in: a bin without wins keeps
    a win rate of 0 and takes the side's mean win; a side that never won, or never lost, is one bin with a win rate of
    0 and means of 1, from which no trade follows.
    """
    return PayoffTable(
        long=_fit_side(p_buy, net_long, min_count),
        short=_fit_side(p_sell, net_short, min_count),
    )


class _Tally(Struct):
    p_from: float
    wins: int
    losses: int
    won: float
    lost: float

    @property
    def count(self) -> int:
        return self.wins + self.losses

    def absorb(self, above: "_Tally") -> None:
        self.wins += above.wins
        self.losses += above.losses
        self.won += above.won
        self.lost += above.lost


def _tally(p_from: float, net: Floats) -> _Tally:
    is_win = net > 0
    return _Tally(
        p_from=p_from,
        wins=int(is_win.sum()),
        losses=int((~is_win).sum()),
        won=float(net[is_win].sum()),
        lost=float(-net[~is_win].sum()),
    )


def _fit_side(p: Floats, net: Floats, min_count: int) -> tuple[PayoffBin, ...]:
    known = np.isfinite(p) & np.isfinite(net) & (net != 0)
    p, net = p[known], net[known]
    whole = _tally(0.0, net)
    if whole.wins == 0 or whole.losses == 0:
        return (PayoffBin(p_from=0.0, count=whole.count, win_rate=0.0, mean_win=1.0, mean_loss=1.0),)
    edges = np.unique(np.concatenate(([0.0], np.quantile(p, QUANTILES))))
    at = np.searchsorted(edges, p, side="right") - 1
    tallies = [_tally(float(edge), net[at == index]) for index, edge in enumerate(edges)]
    return tuple(_to_bin(tally, whole) for tally in _pool(_merge_small(tallies, min_count)))


def _merge_small(tallies: list[_Tally], min_count: int) -> list[_Tally]:
    """Join bins that say too little to their lower neighbour, from the top down; the lowest joins upward."""
    kept = list(tallies)
    for at in range(len(kept) - 1, 0, -1):
        if kept[at].count < min_count or kept[at].losses == 0:
            kept[at - 1].absorb(kept.pop(at))
    if len(kept) > 1 and kept[0].count < min_count:
        kept[0].absorb(kept.pop(1))
    return kept


def _pool(tallies: list[_Tally]) -> list[_Tally]:
    pooled: list[_Tally] = []
    for tally in tallies:
        pooled.append(tally)
        while len(pooled) > 1 and pooled[-2].wins * pooled[-1].count >= pooled[-1].wins * pooled[-2].count:
            pooled[-2].absorb(pooled.pop())
    return pooled


def _to_bin(tally: _Tally, whole: _Tally) -> PayoffBin:
    # Losses there are: a lowest bin without any would have a win rate of 1 and be pooled with all the others.
    return PayoffBin(
        p_from=tally.p_from,
        count=tally.count,
        win_rate=tally.wins / tally.count,
        mean_win=tally.won / tally.wins if tally.wins else whole.won / whole.wins,
        mean_loss=tally.lost / tally.losses,
    )
