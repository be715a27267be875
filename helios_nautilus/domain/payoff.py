"""What a probability is worth: win rate, mean win and mean loss of the plan by calibrated P(side).

A model says how likely BUY is; Kelly asks how often the long plan wins and how much it wins for what it loses. The
table answers from validation rows, net of costs, and says less than they do: rows are many, independent bets are few.
"""

from bisect import bisect_right
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Floats, Ints
from helios_nautilus.domain.plan import Side

QUANTILES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
"""Inner edges of the bins, as quantiles of P(side): finer at the top, where trades are taken."""
PRIOR_BETS: Final = 10.0
"""What a bin must outweigh: as many bets of the side's own average are mixed into it."""


class Payoff(Struct, frozen=True, kw_only=True):
    """The bet behind a probability: how often the plan wins, what it wins for what it loses, on how many rows."""

    p_win: float
    payoff: float
    """b: mean win / mean loss; above 0."""
    count: int


class PayoffBin(Struct, frozen=True, kw_only=True):
    """Plans whose P(side) lay at ``p_from`` or above, up to the next bin: ``count`` rows, and what is made of them.

    Means are fractions of the entry value.
    """

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
        found = self._bin(side, p)
        return Payoff(p_win=found.win_rate, payoff=found.mean_win / found.mean_loss, count=found.count)

    def expected_return(self, side: Side, p: float) -> float:
        """Mean net return of the plans behind a calibrated P(side) of ``p``, as a fraction of the entry value."""
        found = self._bin(side, p)
        return found.win_rate * found.mean_win - (1.0 - found.win_rate) * found.mean_loss

    def _bin(self, side: Side, p: float) -> PayoffBin:
        bins = self.long if side is Side.LONG else self.short
        return bins[max(bisect_right(bins, p, key=lambda each: each.p_from) - 1, 0)]


def fit_payoff(
    p_buy: Floats,
    p_sell: Floats,
    net_long: Floats,
    net_short: Floats,
    ts_ns: Ints,
    *,
    hold_ns: int,
    min_count: int = 100,
) -> PayoffTable:
    """Fit the table on validation rows, all of shape (n,): P(side), nets of both plans, and stamps.

    Every row with a known outcome counts on both sides, not just those where the side was the likeliest. Left out are
    rows with a NaN, and those with a net of exactly 0: a maker entry that was never filled is no bet.

    Plans entered within a hold of each other, on whichever instrument, live through the same prices and end alike. So
    what a bin weighs is not its rows but its bets: the time its plans cover, in holds (for plans of one length that is
    the sum of their uniqueness; Lopez de Prado 2018, ch. 4). `PRIOR_BETS` of the whole side's bets are mixed into every
    bin, so that its win rate is the mean of a beta posterior around the side's own. On that mean Kelly stakes under
    uncertain odds, and the lucky bin of a model without skill shows no edge.

    Bins with fewer than ``min_count`` rows join their lower neighbour; then neighbours whose win rates fall are pooled
    until none does (pool adjacent violators, Ayer et al. 1955). A side that never won, or never lost, is one bin with a
    win rate of 0 and means of 1, from which no trade follows.
    """

    def fit(p: Floats, net: Floats) -> tuple[PayoffBin, ...]:
        known = np.isfinite(p) & np.isfinite(net) & (net != 0)
        return _fit_side(p[known], _Rows(0.0, net[known], ts_ns[known]), hold_ns, min_count)

    return PayoffTable(long=fit(p_buy, net_long), short=fit(p_sell, net_short))


class _Rows(NamedTuple):
    """The rows of a bin: net outcomes and stamps (n,)."""

    p_from: float
    net: Floats
    ts_ns: Ints

    def joined(self, above: "_Rows") -> "_Rows":
        net, ts_ns = np.concatenate((self.net, above.net)), np.concatenate((self.ts_ns, above.ts_ns))
        return _Rows(self.p_from, net, ts_ns)


def _fit_side(p: Floats, side: _Rows, hold_ns: int, min_count: int) -> tuple[PayoffBin, ...]:
    is_win = side.net > 0
    if is_win.all() or not is_win.any():
        return (PayoffBin(p_from=0.0, count=len(p), win_rate=0.0, mean_win=1.0, mean_loss=1.0),)
    edges = np.unique(np.concatenate(([0.0], np.quantile(p, QUANTILES))))
    at = np.searchsorted(edges, p, side="right") - 1
    rows = [_Rows(float(edge), side.net[at == i], side.ts_ns[at == i]) for i, edge in enumerate(edges)]
    return _pool(_merge_small(rows, min_count), lambda each: _to_bin(each, side, hold_ns))


def _merge_small(rows: list[_Rows], min_count: int) -> list[_Rows]:
    """Join bins that say too little to their lower neighbour, from the top down; the lowest joins upward."""
    kept = list(rows)
    for at in range(len(kept) - 1, 0, -1):
        if len(kept[at].net) < min_count:
            kept[at - 1] = kept[at - 1].joined(kept.pop(at))
    if len(kept) > 1 and len(kept[0].net) < min_count:
        kept[0] = kept[0].joined(kept.pop(1))
    return kept


def _pool(rows: list[_Rows], judge: Callable[[_Rows], PayoffBin]) -> tuple[PayoffBin, ...]:
    pooled: list[tuple[_Rows, PayoffBin]] = []
    for each in rows:
        pooled.append((each, judge(each)))
        while len(pooled) > 1 and pooled[-2][1].win_rate >= pooled[-1][1].win_rate:
            above, _ = pooled.pop()
            joined = pooled.pop()[0].joined(above)
            pooled.append((joined, judge(joined)))
    return tuple(found for _, found in pooled)


def _to_bin(rows: _Rows, side: _Rows, hold_ns: int) -> PayoffBin:
    """The figures of a bin's own bets and of `PRIOR_BETS` of the whole side's, added up."""
    bets = count_bets(rows.ts_ns, hold_ns)
    own, prior = _totals(rows.net) * bets / len(rows.net), _totals(side.net) * PRIOR_BETS / len(side.net)
    wins, losses, won, lost = own + prior
    return PayoffBin(
        p_from=rows.p_from,
        count=len(rows.net),
        win_rate=float(wins / (wins + losses)),
        mean_win=float(won / wins),
        mean_loss=float(lost / losses),
    )


def count_bets(ts_ns: Ints, hold_ns: int) -> float:
    """Independent bets among plans entered at ``ts_ns`` and held for ``hold_ns``: the time they cover, in holds."""
    steps = np.diff(np.unique(ts_ns))
    return float(np.minimum(steps, hold_ns).sum() / hold_ns) + 1.0


def _totals(net: Floats) -> Floats:
    """Wins, losses, and the sums of both."""
    is_win = net > 0
    return np.array([is_win.sum(), (~is_win).sum(), net[is_win].sum(), -net[~is_win].sum()], dtype=np.float64)
