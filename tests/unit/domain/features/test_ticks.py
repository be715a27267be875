import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.bars import Floats, Ints
from helios_nautilus.domain.features import ticks
from helios_nautilus.domain.features.buffer import TickBuffer

LENGTH = 100
BOUGHT, SOLD, COUNT, MOMENTUM = range(4)


def measure(stamps: list[int], signed: list[float], close: int = 1000) -> Floats:
    ts_ns: Ints = np.array(stamps, dtype=np.int64)
    return ticks.measure_trades(ts_ns, np.array(signed, dtype=np.float64), np.array([close]), LENGTH)[0]


def book(bid_size: Floats, ask_size: Floats) -> Floats:
    levels = np.arange(10)
    sides = (99.0 - levels, bid_size, 101.0 + levels, ask_size)
    return ticks.book_figures(*(np.asarray(side, dtype=np.float64)[None] for side in sides))[0]


def test_a_trade_at_the_close_belongs_to_the_next_bar() -> None:
    assert measure([899, 900, 999, 1000], [1.0, 2.0, -4.0, 8.0])[:3].tolist() == [2.0, 4.0, 2.0]


def test_a_trade_of_unknown_side_only_counts() -> None:
    assert measure([950, 960], [0.0, 3.0]).tolist() == [3.0, 0.0, 2.0, 1.0]


def test_momentum_is_that_of_the_last_ten_trades() -> None:
    signed = [-1000.0, *[5.0] * 6, *[-5.0] * 4]
    assert measure(list(range(900, 911)), signed)[MOMENTUM] == pytest.approx(2 / 10)


def test_momentum_remembers_trades_of_earlier_bars_but_not_for_more_than_twenty() -> None:
    close = 10_000
    assert measure([close - 20 * LENGTH], [3.0], close)[MOMENTUM] == 1.0
    assert measure([close - 20 * LENGTH - 1], [3.0], close)[MOMENTUM] == 0.0


def test_a_bar_without_any_trade_has_no_momentum() -> None:
    assert measure([], []).tolist() == [0.0, 0.0, 0.0, 0.0]


def test_book_figures_of_a_plain_book() -> None:
    bid_size, ask_size = np.full(10, 2.0), np.full(10, 1.0)
    bid, ask = 2.0 * sum(range(90, 100)), 1.0 * sum(range(101, 111))
    assert book(bid_size, ask_size) == pytest.approx([2 / 100, (bid - ask) / (bid + ask), bid + ask])


def test_empty_levels_have_no_notional() -> None:
    size = np.eye(10)[0]
    assert book(size, size) == pytest.approx([0.02, -0.01, 200.0])


@pytest.mark.parametrize("side", ["bid", "ask"])
def test_a_one_sided_book_is_unknown(side: str) -> None:
    sizes = {"bid": np.ones(10), "ask": np.ones(10)}
    sizes[side][0] = 0.0
    assert np.isnan(book(sizes["bid"], sizes["ask"])).all()


@pytest.mark.parametrize(("stamp", "is_known"), [(899, False), (900, True), (1000, True), (1001, False)])
def test_the_book_of_a_bar_is_known_by_its_close_and_not_older_than_a_bar(stamp: int, is_known: bool) -> None:
    figures = np.array([[0.1, 0.2, 0.3]])
    measured = ticks.measure_books(np.array([stamp]), figures, np.array([1000]), LENGTH)
    assert (measured.tolist() == figures.tolist()) is is_known
    assert np.isnan(measured).all() != is_known


def test_the_latest_snapshot_counts() -> None:
    figures = np.arange(9.0).reshape(3, 3)
    measured = ticks.measure_books(np.array([950, 960, 1010]), figures, np.array([1000]), LENGTH)
    assert measured[0].tolist() == figures[1].tolist()


@given(st.lists(st.integers(-30, 30), min_size=1, max_size=200))
def test_a_buffer_keeps_time_order_whatever_the_order_of_arrival(shifts: list[int]) -> None:
    buffer = TickBuffer((), keep_ns=10_000)
    stamps = [1000 + 10 * k + shift for k, shift in enumerate(shifts)]
    for k, stamp in enumerate(stamps):
        buffer.insert(stamp, float(k))
    order = np.argsort(stamps, kind="stable")
    assert buffer.ts_ns.tolist() == sorted(stamps)
    assert buffer.rows.tolist() == order.tolist()


def test_a_buffer_forgets_what_is_old_but_never_the_last_ten() -> None:
    buffer = TickBuffer((), keep_ns=0)
    for stamp in range(5000):
        buffer.insert(stamp, float(stamp))
        assert buffer.ts_ns[0] <= max(0, stamp - 10)
    assert len(buffer.ts_ns) <= 1024
    assert buffer.rows.tolist() == buffer.ts_ns.tolist() == list(range(int(buffer.ts_ns[0]), 5000))


def test_a_buffer_grows_to_hold_all_it_is_asked_to_keep() -> None:
    buffer = TickBuffer((), keep_ns=5000)
    for stamp in range(5000):
        buffer.insert(stamp, float(stamp))
    assert buffer.rows.tolist() == list(range(5000))
