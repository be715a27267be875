"""Recorded files become markets: each kind is known by its columns, and what cannot be replayed is refused."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.domain.bars import BUY, SELL
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.errors import DataError
from helios_nautilus.history import load_recordings
from helios_nautilus.history.level_changes import LevelChanges, rebuild_depths

START_NS = 28_000_000 * NS_PER_MIN


def save(path: Path, **columns: list[int] | list[float]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def candles(folder: Path, *, step_ns: int = NS_PER_MIN, price: float = 100.0) -> Path:
    flat = [price] * 3
    opens = [START_NS + i * step_ns for i in range(3)]
    return save(
        folder / "candles.parquet", ts=opens, open=flat, high=flat, low=flat, close=flat, volume=[1.0, 2.0, 0.0]
    )


def trades(folder: Path) -> Path:
    """Two in the first minute, one in the third; the recorder's clock runs two seconds behind."""
    seconds = [10, 50, 130]
    return save(
        folder / "trades.parquet",
        ts=[START_NS + (second + 2) * NS_PER_SEC for second in seconds],
        ts_local=[START_NS + second * NS_PER_SEC for second in seconds],
        trade_id=[1, 2, 3],
        price=[100.0, 101.0, 99.0],
        qty=[0.5, 0.25, 1.0],
        side=[1, -1, 1],
    )


def book(folder: Path, rows: list[tuple[int, int, int, int, float, float]]) -> Path:
    """Rows of (second, update id, is_snapshot, side, price, qty)."""
    seconds, ids, flags, sides, prices, sizes = map(list, zip(*rows, strict=True))
    return save(
        folder / "book.parquet",
        ts=[START_NS + int(second) * NS_PER_SEC for second in seconds],
        ts_local=[START_NS + int(second) * NS_PER_SEC for second in seconds],
        last_update_id=ids,
        is_snapshot=flags,
        side=sides,
        price=prices,
        qty=sizes,
    )


SNAPSHOT = [(1, 10, 1, 1, 99.0, 1.0), (1, 10, 1, 1, 98.0, 2.0), (1, 10, 1, -1, 100.0, 3.0)]


def test_a_candle_is_stamped_with_its_close(tmp_path: Path) -> None:
    data = load_recordings({"BTCUSDT": [candles(tmp_path)]})["BTCUSDT"]
    assert data.bars.ts_ns.tolist() == [START_NS + i * NS_PER_MIN for i in (1, 2, 3)]
    assert data.trades is data.books is None


def test_trades_alone_make_the_bars_of_the_minutes_they_lie_in(tmp_path: Path) -> None:
    data = load_recordings({"BTCUSDT": [trades(tmp_path)]})["BTCUSDT"]
    assert data.trades is not None
    assert data.trades.side.tolist() == [BUY, SELL, BUY]
    assert data.bars.ts_ns.tolist() == [START_NS + NS_PER_MIN, START_NS + 3 * NS_PER_MIN]
    assert (data.bars.open[0], data.bars.high[0], data.bars.low[0], data.bars.close[0]) == (100.0, 101.0, 100.0, 101.0)
    assert data.bars.volume.tolist() == [0.75, 1.0]


def test_trades_and_book_go_by_the_recorders_clock(tmp_path: Path) -> None:
    data = load_recordings({"BTCUSDT": [trades(tmp_path), book(tmp_path, SNAPSHOT)]})["BTCUSDT"]
    assert data.trades is not None
    assert data.books is not None
    assert data.trades.ts_ns[0] - data.books.ts_ns[0] == 9 * NS_PER_SEC


def test_candles_are_not_replaced_by_those_of_the_trades(tmp_path: Path) -> None:
    data = load_recordings({"BTCUSDT": [trades(tmp_path), candles(tmp_path)]})["BTCUSDT"]
    assert len(data.bars) == 3
    assert data.trades is not None


def test_a_book_starts_at_its_snapshot_and_drops_what_is_older(tmp_path: Path) -> None:
    early = [(0, 9, 0, 1, 97.0, 9.0), (0, 11, 0, 1, 99.0, 0.0)]
    late = [(2, 12, 0, -1, 101.0, 4.0), (2, 12, 0, -1, 100.0, 0.0)]
    data = load_recordings({"BTCUSDT": [book(tmp_path, early + SNAPSHOT + late)]})["BTCUSDT"]
    assert data.books is not None
    last = [column[-1, :2].tolist() for column in (data.books.bid_price, data.books.bid_size, data.books.ask_price)]
    assert last == [[98.0, 0.0], [2.0, 0.0], [101.0, 0.0]]
    assert data.books.ts_ns.tolist() == [START_NS + second * NS_PER_SEC for second in (1, 1, 2)]


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.sampled_from([1, -1]), st.integers(1, 9), st.integers(0, 3)), max_size=40)
)
def test_a_rebuilt_book_is_the_snapshot_with_all_changes(changes: list[tuple[int, int, int, int]]) -> None:
    changes = sorted(changes, key=lambda change: change[0])
    rows = [(0, 1, 50, 5), (0, -1, 60, 5)] + [
        (second, side, 55 - 5 * side - side * at, size) for second, side, at, size in changes
    ]
    seconds, sides, prices, sizes = (np.array(column) for column in zip(*rows, strict=True))
    found = rebuild_depths(
        LevelChanges(
            ts_ns=seconds * NS_PER_SEC,
            update_id=np.arange(len(rows)),
            is_snapshot=np.arange(len(rows)) < 2,
            side=sides.astype(np.int8),
            price=prices.astype(float),
            size=sizes.astype(float),
        ),
        20,
    )
    for i, prices_of, sizes_of in ((1, found.bid_price, found.bid_size), (-1, found.ask_price, found.ask_size)):
        held = {float(price): float(size) for _, side, price, size in rows if side == i}
        expected = sorted(((at, size) for at, size in held.items() if size), key=lambda level: -i * level[0])
        shown = [(at, size) for at, size in zip(prices_of[-1].tolist(), sizes_of[-1].tolist(), strict=True) if size]
        assert shown == expected


def test_a_book_without_a_snapshot_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path, [(0, 9, 0, 1, 97.0, 9.0)])
    with pytest.raises(DataError, match="no opening snapshot"):
        load_recordings({"BTCUSDT": [path]})


def test_longer_candles_than_a_minute_are_refused(tmp_path: Path) -> None:
    path = candles(tmp_path, step_ns=5 * NS_PER_MIN)
    with pytest.raises(DataError, match="candles of 5 minutes"):
        load_recordings({"BTCUSDT": [path]})


def test_two_files_of_a_kind_for_one_pair_are_refused(tmp_path: Path) -> None:
    path = candles(tmp_path)
    with pytest.raises(DataError, match="2 files with candles"):
        load_recordings({"BTCUSDT": [path, path]})


@pytest.mark.parametrize("columns", [{"ts": [1], "mood": [1]}, {"ts": []}])
def test_a_file_of_something_else_is_refused_by_name(tmp_path: Path, columns: dict[str, list[int]]) -> None:
    path = save(tmp_path / "odd.parquet", **columns)
    with pytest.raises(DataError, match=r"odd\.parquet"):
        load_recordings({"BTCUSDT": [path]})
