"""Columns of bars, trades and book states: how market data travel outside the engine.

Stamps are integer nanoseconds UTC. A bar is stamped with its *close*; its interval is ``[close - length, close)``.
Nothing here is ever filled in: where there was no bar there is no row.
"""

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Ints = NDArray[np.int64]
type Bools = NDArray[np.bool_]

BUY: Final = 1
SELL: Final = -1


class Bars(Struct, frozen=True, kw_only=True):
    """OHLCV columns of one instrument at one bar length; all of shape (n,), strictly increasing in time."""

    ts_ns: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.ts_ns)

    def window(self, start_ns: int, end_ns: int) -> "Bars":
        """The bars whose close lies in ``(start_ns, end_ns]``, as views."""
        first, last = np.searchsorted(self.ts_ns, [start_ns, end_ns], side="right")
        cut = slice(int(first), int(last))
        return Bars(
            ts_ns=self.ts_ns[cut],
            open=self.open[cut],
            high=self.high[cut],
            low=self.low[cut],
            close=self.close[cut],
            volume=self.volume[cut],
        )


class Trades(Struct, frozen=True, kw_only=True):
    """Trade columns of one instrument, in time order; ``side`` is the aggressor: `BUY` or `SELL`."""

    ts_ns: Ints
    price: Floats
    size: Floats
    side: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.ts_ns)


class BookDepths(Struct, frozen=True, kw_only=True):
    """Book snapshots of one instrument, in time order: ten levels, or more where a recording is replayed.

    ``ts_ns`` has shape (n,); prices and sizes have shape (n, levels), best level first, size 0 where a level is empty.
    """

    ts_ns: Ints
    bid_price: Floats
    bid_size: Floats
    ask_price: Floats
    ask_size: Floats

    def __len__(self) -> int:
        return len(self.ts_ns)


class MarketData(Struct, frozen=True, kw_only=True):
    """What is recorded of one instrument: 1-minute bars always, trades and book where there are any."""

    instrument_id: str
    bars: Bars
    trades: Trades | None = None
    books: BookDepths | None = None
