"""Trades rebuild the bars they belong to."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.bars import BUY, SELL
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN
from helios_nautilus.simulator.market import MarketConfig, simulate_market
from helios_nautilus.simulator.tape import draw_trades


def test_the_trades_of_the_last_days_rebuild_their_bars_exactly() -> None:
    config = MarketConfig(days=4, trades_days=2)
    for data in simulate_market(config).values():
        trades, bars = data.trades, data.bars.window(config.start_ns + 2 * NS_PER_DAY, config.start_ns + 4 * NS_PER_DAY)
        assert trades is not None
        minute = (trades.ts_ns - config.start_ns) // NS_PER_MIN - 2 * 1440
        first = np.searchsorted(minute, np.arange(2 * 1440))
        np.testing.assert_array_equal(trades.price[first], bars.open)
        np.testing.assert_array_equal(np.maximum.reduceat(trades.price, first), bars.high)
        np.testing.assert_array_equal(np.minimum.reduceat(trades.price, first), bars.low)
        np.testing.assert_array_equal(trades.price[np.append(first[1:], len(trades)) - 1], bars.close)
        units = np.rint(trades.size * 1e8).astype(np.int64)
        np.testing.assert_array_equal(np.add.reduceat(units, first) / 1e8, bars.volume)


def test_buyers_mostly_lift_the_price() -> None:
    trades = simulate_market(MarketConfig(days=2))["BTCZAR.VALR"].trades
    assert trades is not None
    moved = np.sign(np.diff(trades.price))
    assert set(np.unique(trades.side)) == {SELL, BUY}
    assert np.mean(trades.side[1:][moved > 0] == BUY) > 0.7
    assert np.mean(trades.side[1:][moved < 0] == SELL) > 0.7


@given(
    n=st.integers(1, 20),
    k=st.sampled_from([1, 2, 12]),
    min_size=st.integers(1, 10**6),
    seed=st.integers(0, 2**32),
    room=st.integers(0, 10**13),
)
def test_sizes_add_up_and_none_is_below_the_smallest(n: int, k: int, min_size: int, seed: int, room: int) -> None:
    rng = np.random.default_rng(seed)
    path = rng.integers(1, 50, (n, k)).astype(np.float64)
    volume = k * min_size + rng.integers(0, room + 1, n)
    open_ns = NS_PER_MIN * np.arange(n)
    trades = draw_trades(open_ns, path, volume, min_size, rng)
    units = np.rint(trades.size * 1e8).astype(np.int64)
    minute = trades.ts_ns // NS_PER_MIN
    np.testing.assert_array_equal(np.bincount(minute, minlength=n) > 0, True)
    np.testing.assert_array_equal([units[minute == i].sum() for i in range(n)], volume)
    assert units.min() >= min_size
    assert np.all(np.diff(trades.ts_ns) > 0)
