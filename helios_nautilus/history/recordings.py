"""Recorded files as markets to replay: candles, trades and the level changes of a book, told apart by their columns.

A file is Parquet. Candles have ``ts`` (the minute's open) and ``open high low close volume``; trades ``ts price qty
side`` with side 1 bought, -1 sold; books ``ts side price qty last_update_id is_snapshot`` with side 1 bid, -1 ask and
quantity 0 for a level that is gone. All stamps are nanoseconds UTC. Where trades and books also have ``ts_local``, the
recorder's clock, they go by it: only that one orders the two streams against each other.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from helios_nautilus.domain.bars import Bars, BookDepths, MarketData, Trades
from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.errors import DataError
from helios_nautilus.history.catalogue import read_table
from helios_nautilus.history.columns import BAR_COLUMNS
from helios_nautilus.history.level_changes import LevelChanges, rebuild_depths

BOOK_LEVELS: Final = 100
"""Levels a side that are kept of a recorded book; on a coarser grid than its own they join into fewer."""

_CANDLES: Final = frozenset({"ts", *BAR_COLUMNS})
_BOOK: Final = frozenset({"ts", "side", "price", "qty", "last_update_id", "is_snapshot"})
_TRADES: Final = frozenset({"ts", "side", "price", "qty"})

type Part = Bars | Trades | BookDepths


def load_recordings(files: Mapping[str, Sequence[Path]]) -> dict[str, MarketData]:
    """Markets by symbol from the recorded files of each; a wrong or contradictory file raises `DataError`.

    A symbol has at most one file of a kind. Without candles its bars are made of its trades, else of the middle of its
    book with no volume.
    """
    return {symbol: _load_symbol(symbol, paths) for symbol, paths in files.items()}


def _load_symbol(symbol: str, paths: Sequence[Path]) -> MarketData:
    parts = [load_recording(path) for path in paths]
    bars = _only(symbol, "candles", [part for part in parts if isinstance(part, Bars)])
    trades = _only(symbol, "trades", [part for part in parts if isinstance(part, Trades)])
    books = _only(symbol, "a book", [part for part in parts if isinstance(part, BookDepths)])
    if bars is None and trades is not None:
        bars = bars_of_trades(trades)
    elif bars is None and books is not None:
        bars = _bars_of_middles(books)
    if bars is None:
        raise DataError(f"{symbol} has no recorded file")
    return MarketData(instrument_id=symbol, bars=bars, trades=trades, books=books)


def _only[P: Part](symbol: str, kind: str, parts: Sequence[P]) -> P | None:
    if len(parts) > 1:
        raise DataError(f"{symbol} has {len(parts)} files with {kind}; give one file of a kind")
    return parts[0] if parts else None


def load_recording(path: Path) -> Part:
    """What one file holds."""
    table = read_table(path)
    names = set(table.column_names)
    if not table.num_rows:
        raise DataError(f"{path}: the recording is empty")
    if names >= _CANDLES:
        return _candles(path, table)
    if names >= _BOOK:
        return _book(path, table)
    if names >= _TRADES:
        return _trades(table)
    raise DataError(
        f"{path}: neither candles ({' '.join(sorted(_CANDLES))}), trades ({' '.join(sorted(_TRADES))}) "
        f"nor a book ({' '.join(sorted(_BOOK))})"
    )


def bars_of_trades(trades: Trades) -> Bars:
    """Minutes of a tape; those without a trade have no row."""
    return _minutes(trades.ts_ns, trades.price, trades.size)


def _bars_of_middles(books: BookDepths) -> Bars:
    middles = (books.bid_price[:, 0] + books.ask_price[:, 0]) / 2.0
    return _minutes(books.ts_ns, middles, np.zeros(len(books)))


def _minutes(ts_ns: np.ndarray, price: np.ndarray, size: np.ndarray) -> Bars:
    minutes, first = np.unique(ts_ns // NS_PER_MIN, return_index=True)
    last = np.append(first[1:], len(ts_ns)) - 1
    return Bars(
        ts_ns=(minutes + 1) * NS_PER_MIN,
        open=price[first],
        high=np.maximum.reduceat(price, first),
        low=np.minimum.reduceat(price, first),
        close=price[last],
        volume=np.add.reduceat(size, first),
    )


def _candles(path: Path, table: pa.Table) -> Bars:
    opens_ns = np.asarray(table["ts"].to_numpy(), dtype=np.int64)
    steps = np.diff(opens_ns)
    if (steps <= 0).any() or (opens_ns % NS_PER_MIN).any():
        raise DataError(f"{path}: its candles do not start on rising whole minutes")
    if len(steps) and steps.min() > NS_PER_MIN:
        raise DataError(
            f"{path}: candles of {steps.min() // NS_PER_MIN} minutes cannot be replayed; give 1-minute ones"
        )
    columns = {name: np.asarray(table[name].to_numpy(), dtype=np.float64) for name in BAR_COLUMNS}
    return Bars(ts_ns=opens_ns + NS_PER_MIN, **columns)


def _trades(table: pa.Table) -> Trades:
    ts_ns = _received(table)
    order = np.argsort(ts_ns, kind="stable")
    price, size = (np.asarray(table[name].to_numpy(), dtype=np.float64)[order] for name in ("price", "qty"))
    return Trades(ts_ns=ts_ns[order], price=price, size=size, side=table["side"].to_numpy()[order].astype(np.int8))


def _book(path: Path, table: pa.Table) -> BookDepths:
    changes = LevelChanges(
        ts_ns=_received(table),
        update_id=table["last_update_id"].to_numpy(),
        is_snapshot=table["is_snapshot"].to_numpy().astype(bool),
        side=table["side"].to_numpy(),
        price=table["price"].to_numpy(),
        size=table["qty"].to_numpy(),
    )
    if not changes.is_snapshot.any():
        raise DataError(f"{path}: the book has no opening snapshot to apply its changes to")
    depths = rebuild_depths(changes, BOOK_LEVELS)
    if not len(depths):
        raise DataError(f"{path}: the book never has both sides")
    return depths


def _received(table: pa.Table) -> np.ndarray:
    name = "ts_local" if "ts_local" in table.column_names else "ts"
    return np.asarray(table[name].to_numpy(), dtype=np.int64)
