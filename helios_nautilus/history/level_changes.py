"""A book rebuilt from its recorded level changes: the opening snapshot, then every change in the order received."""

from bisect import bisect_left, insort
from itertools import pairwise
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from helios_nautilus.domain.bars import BookDepths, Bools, Floats, Ints

_BID: Final = 1


class LevelChanges(Struct, frozen=True, kw_only=True):
    """One row a level: its new size, 0 where it is gone; side 1 is the bid's. Rows in the order received."""

    ts_ns: Ints
    update_id: Ints
    is_snapshot: Bools
    side: NDArray[np.int8]
    price: Floats
    size: Floats


class _Levels:
    """One side, best level first."""

    def __init__(self, sign: int) -> None:
        """``sign`` is -1 for bids, whose best price is the highest."""
        self._sign = sign
        self._keys: list[float] = []
        self._sizes: dict[float, float] = {}

    def set(self, price: float, size: float) -> None:
        key = self._sign * price
        known = key in self._sizes
        if size:
            self._sizes[key] = size
            if not known:
                insort(self._keys, key)
        elif known:
            del self._sizes[key]
            del self._keys[bisect_left(self._keys, key)]

    def write(self, prices: Floats, sizes: Floats) -> None:
        """Fill two rows with the best levels; what lacks is 0."""
        best = self._keys[: len(prices)]
        prices[: len(best)] = np.abs(best)
        sizes[: len(best)] = [self._sizes[key] for key in best]

    def __bool__(self) -> bool:
        return bool(self._keys)


def rebuild_depths(changes: LevelChanges, levels: int) -> BookDepths:
    """The best levels of each side after every message, from the snapshot on.

    The snapshot arrives among the first updates: it is loaded first, updates older than it are dropped, the rest are
    applied. Rows received at one time are one message. States without both sides are left out.
    """
    rows, cuts = _in_order(changes)
    sides = {_BID: _Levels(-1), -_BID: _Levels(1)}
    columns = list(zip(*(column[rows].tolist() for column in (changes.side, changes.price, changes.size)), strict=True))
    bids, asks = np.zeros((2, len(cuts), levels)), np.zeros((2, len(cuts), levels))
    complete = np.zeros(len(cuts), dtype=bool)
    for i, (first, end) in enumerate(pairwise([0, *cuts])):
        for side, price, size in columns[first:end]:
            sides[side].set(price, size)
        complete[i] = all(sides.values())
        sides[_BID].write(bids[0, i], bids[1, i])
        sides[-_BID].write(asks[0, i], asks[1, i])
    # What waited for the snapshot counts from the snapshot's time on.
    stamps = np.maximum.accumulate(changes.ts_ns[rows])[np.array(cuts) - 1]
    return BookDepths(
        ts_ns=stamps[complete],
        bid_price=bids[0, complete],
        bid_size=bids[1, complete],
        ask_price=asks[0, complete],
        ask_size=asks[1, complete],
    )


def _in_order(changes: LevelChanges) -> tuple[Ints, list[int]]:
    """Rows to apply, and after how many of them each message ends."""
    snapshot = np.flatnonzero(changes.is_snapshot)
    later = ~changes.is_snapshot & (changes.update_id >= changes.update_id[snapshot[0]])
    updates = np.flatnonzero(later)
    starts = np.flatnonzero(np.diff(changes.ts_ns[updates])) + 1 if len(updates) else np.empty(0, np.int64)
    ends = [len(snapshot), *(len(snapshot) + starts).tolist()]
    if len(updates):
        ends.append(len(snapshot) + len(updates))
    return np.concatenate([snapshot, updates]), ends
