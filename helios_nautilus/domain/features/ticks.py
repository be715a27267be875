"""What trades and book snapshots say about one bar: the same compiled functions for batch and stream.

A trade belongs to the bar whose interval ``[close - length, close)`` contains its stamp. A bar's book is the last
snapshot at or before its close, if that is not older than one bar. Sizes are whole units (see `aggregate.units`), so
that sums of trades are exact and depend on no order.
"""

from math import nan
from typing import Final

import numpy as np
from numba import njit

from helios_nautilus.domain.bars import Floats, Ints

_MOMENTUM_TRADES: Final = 10
_MOMENTUM_BARS: Final = 20
_compiled = njit(cache=True, error_model="numpy")


@_compiled
def measure_trades(ts_ns: Ints, signed_units: Floats, close_ns: Ints, length_ns: int) -> Floats:
    """Units bought, units sold, number of trades and momentum of each bar: shape (bars, 4).

    ``ts_ns`` and ``signed_units`` (units, negative where the taker sold, 0 where its side is unknown) are in time
    order. Momentum is the signed over the total size of the last ten trades before the close, 0 without any; trades
    older than 20 bars no longer count, so that a ready instrument's momentum never reaches over a hole.
    """
    measured = np.zeros((len(close_ns), 4))
    for t in range(len(close_ns)):
        first = np.searchsorted(ts_ns, close_ns[t] - length_ns)
        end = np.searchsorted(ts_ns, close_ns[t])
        for k in range(first, end):
            measured[t, 0] += max(signed_units[k], 0.0)
            measured[t, 1] += max(-signed_units[k], 0.0)
        measured[t, 2] = end - first
        oldest = np.searchsorted(ts_ns, close_ns[t] - _MOMENTUM_BARS * length_ns)
        measured[t, 3] = _momentum(signed_units[max(oldest, end - _MOMENTUM_TRADES) : end])
    return measured


@_compiled
def _momentum(signed_units: Floats) -> float:
    signed, total = 0.0, 0.0
    for size in signed_units:
        signed += size
        total += abs(size)
    return signed / total if total > 0.0 else 0.0


@_compiled
def measure_books(ts_ns: Ints, figures: Floats, close_ns: Ints, length_ns: int) -> Floats:
    """The book figures of each bar, shape (bars, 3), NaN where there is no fresh snapshot; snapshots in time order."""
    measured = np.full((len(close_ns), 3), nan)
    for t in range(len(close_ns)):
        last = np.searchsorted(ts_ns, close_ns[t], side="right") - 1
        if last >= 0 and ts_ns[last] >= close_ns[t] - length_ns:
            measured[t] = figures[last]
    return measured


@_compiled
def book_figures(bid_price: Floats, bid_size: Floats, ask_price: Floats, ask_size: Floats) -> Floats:
    """Relative spread, imbalance and notional depth of snapshots of shape (n, 10): shape (n, 3).

    Spread over mid; imbalance is (bid - ask) / (bid + ask) by notional. NaN for a book without a best price on both
    sides: it says nothing about the spread.
    """
    figures = np.full((len(bid_price), 3), nan)
    for k in range(len(bid_price)):
        if bid_size[k, 0] > 0.0 and ask_size[k, 0] > 0.0:
            bid, ask = _notional(bid_price[k], bid_size[k]), _notional(ask_price[k], ask_size[k])
            best_bid, best_ask = bid_price[k, 0], ask_price[k, 0]
            figures[k, 0] = (best_ask - best_bid) / (0.5 * (best_bid + best_ask))
            figures[k, 1] = (bid - ask) / (bid + ask)
            figures[k, 2] = bid + ask
    return figures


@_compiled
def _notional(price: Floats, size: Floats) -> float:
    total = 0.0
    for level in range(len(price)):
        if size[level] > 0.0:
            total += price[level] * size[level]
    return total
