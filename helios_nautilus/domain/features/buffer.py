"""Recent ticks of one instrument in order of time, in arrays that the compiled functions read directly."""

from typing import Final

import numpy as np

from helios_nautilus.domain.bars import Floats, Ints

_CAPACITY: Final = 1024
_TAIL: Final = 10


class TickBuffer:
    """Rows of ``shape`` with stamps. Remembers at least ``keep_ns`` before the newest, and ten ticks more."""

    def __init__(self, shape: tuple[int, ...], keep_ns: int) -> None:
        self._keep_ns = keep_ns
        self._ts_ns = np.empty(_CAPACITY, dtype=np.int64)
        self._rows = np.empty((_CAPACITY, *shape))
        self._size = 0
        self._newest_ns = -1

    @property
    def ts_ns(self) -> Ints:
        """Stamps, rising; a view valid until the next insertion."""
        return self._ts_ns[: self._size]

    @property
    def rows(self) -> Floats:
        """What was inserted, row by stamp; a view valid until the next insertion."""
        return self._rows[: self._size]

    def insert(self, ts_ns: int, row: float | Floats) -> None:
        """Put a tick at its place in time, after those of the same stamp."""
        if self._size == len(self._ts_ns):
            self._make_room()
        at = self._size
        if ts_ns < self._newest_ns:
            at = int(np.searchsorted(self.ts_ns, ts_ns, side="right"))
            self._ts_ns[at + 1 : self._size + 1] = self._ts_ns[at : self._size].copy()
            self._rows[at + 1 : self._size + 1] = self._rows[at : self._size].copy()
        else:
            self._newest_ns = ts_ns
        self._ts_ns[at] = ts_ns
        self._rows[at] = row
        self._size += 1

    def _make_room(self) -> None:
        """Forget what is old; grow if that frees less than half."""
        first = max(0, int(np.searchsorted(self.ts_ns, self._newest_ns - self._keep_ns)) - _TAIL)
        ts_ns, rows = self.ts_ns[first:], self.rows[first:]
        capacity = len(self._ts_ns) * (1 if first > self._size // 2 else 2)
        self._ts_ns = np.concatenate((ts_ns, np.empty(capacity - len(ts_ns), dtype=np.int64)))
        self._rows = np.concatenate((rows, np.empty((capacity - len(rows), *rows.shape[1:]))))
        self._size = len(ts_ns)
