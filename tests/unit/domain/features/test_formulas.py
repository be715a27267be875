"""The features TA-Lib does not know, against a plain numpy formula per bar."""

from collections.abc import Callable

import numpy as np
import pytest

from helios_nautilus.domain.bars import Bars, Floats, MarketData
from helios_nautilus.domain.features import WARM_UP, FeatureSpec, build_tables
from helios_nautilus.domain.timeframe import NS_PER_MIN
from tests.unit.domain.features.markets import (
    ALONE,
    BTC,
    ETH,
    FULL,
    PRECISIONS,
    SOL,
    UNIVERSE,
    column,
    flat_bars,
    pick,
    plain_market,
    random_bars,
    with_ticks,
)

COUNT = 260
DATA = {name: with_ticks(5 + k, name, random_bars(k, COUNT)) for k, name in enumerate(UNIVERSE)}
TABLE = build_tables(FULL, DATA, PRECISIONS)["1m"]


def typical(bars: Bars) -> Floats:
    return (bars.high + bars.low + bars.close) / 3.0


def last(values: Floats, t: int, length: int) -> Floats:
    return values[t - length + 1 : t + 1]


def traded_value(market: MarketData, t: int) -> float:
    return float(np.mean(last(typical(market.bars) * market.bars.volume, t, 20)))


def volume_change(bars: Bars, t: int) -> float:
    floor = 0.01 * np.mean(last(bars.volume, t, 20))
    return float(np.log(max(bars.volume[t], floor) / max(bars.volume[t - 1], floor)))


def trade_counts(market: MarketData) -> Floats:
    assert market.trades is not None
    bar_of = (market.trades.ts_ns - (market.bars.ts_ns[0] - NS_PER_MIN)) // NS_PER_MIN
    counts = np.bincount(bar_of, minlength=COUNT).astype(float)
    return counts


def taker_imbalance(market: MarketData, t: int) -> float:
    assert market.trades is not None
    close = market.bars.ts_ns[t]
    inside = (market.trades.ts_ns >= close - NS_PER_MIN) & (market.trades.ts_ns < close)
    signed = (market.trades.size * market.trades.side)[inside]
    return float(signed.sum() / np.abs(signed).sum()) if np.abs(signed).sum() else 0.0


def momentum(market: MarketData, t: int) -> float:
    assert market.trades is not None
    before = market.trades.ts_ns < market.bars.ts_ns[t]
    signed = (market.trades.size * market.trades.side)[before][-10:]
    return float(signed.sum() / np.abs(signed).sum())


def notionals(market: MarketData) -> Floats:
    """Of bids and asks at each bar: shape (2, bars), NaN without a usable book."""
    assert market.books is not None
    books = market.books
    known = (books.bid_size[:, 0] > 0) & (books.ask_size[:, 0] > 0)
    bar_of = -(-(books.ts_ns - market.bars.ts_ns[0]) // NS_PER_MIN)
    sides = np.full((2, COUNT), np.nan)
    sides[0, bar_of[known]] = (books.bid_price * books.bid_size).sum(axis=1)[known]
    sides[1, bar_of[known]] = (books.ask_price * books.ask_size).sum(axis=1)[known]
    return sides


def book_imbalance(market: MarketData, t: int) -> float:
    bid, ask = notionals(market)[:, t]
    return float((bid - ask) / (bid + ask))


def depth_ratio(market: MarketData, t: int) -> float:
    depths = notionals(market).sum(axis=0)
    return float(depths[t] / np.nanmean(last(depths, t, 20)))


def correlation(market: MarketData, t: int) -> float:
    own, other = (np.diff(np.log(last(m.bars.close, t, 51))) for m in (market, DATA[BTC]))
    return float(np.corrcoef(own, other)[0, 1])


def liquidity_rank(market: MarketData, t: int) -> float:
    return sum(traded_value(other, t) < traded_value(market, t) for other in DATA.values()) / 2


BRUTE_FORCE: dict[str, Callable[[MarketData, int], float]] = {
    "open_return": lambda m, t: m.bars.open[t] / m.bars.close[t] - 1.0,
    "high_return": lambda m, t: m.bars.high[t] / m.bars.close[t] - 1.0,
    "low_return": lambda m, t: m.bars.low[t] / m.bars.close[t] - 1.0,
    "return_1": lambda m, t: np.log(m.bars.close[t] / m.bars.close[t - 1]),
    "range_position": lambda m, t: (m.bars.close[t] - m.bars.low[t]) / (m.bars.high[t] - m.bars.low[t]),
    "vwap_distance_20": lambda m, t: (
        m.bars.close[t] / np.average(last(typical(m.bars), t, 20), weights=last(m.bars.volume, t, 20)) - 1.0
    ),
    "volume_ratio_20": lambda m, t: m.bars.volume[t] / np.mean(last(m.bars.volume, t, 20)),
    "volume_change": lambda m, t: volume_change(m.bars, t),
    "volume_change_std_20": lambda m, t: np.std([volume_change(m.bars, t - k) for k in range(20)]),
    "taker_imbalance": taker_imbalance,
    "trade_count_ratio_20": lambda m, t: trade_counts(m)[t] / np.mean(last(trade_counts(m), t, 20)),
    "trade_momentum_10": momentum,
    "relative_spread": lambda m, t: 2e-4,
    "book_imbalance": book_imbalance,
    "depth_ratio_20": depth_ratio,
    "btc_correlation_50": correlation,
    "liquidity_rank": liquidity_rank,
}


@pytest.mark.parametrize("name", BRUTE_FORCE)
def test_a_feature_equals_its_formula(name: str) -> None:
    checked = 0
    for t in range(WARM_UP, COUNT, 7):
        for i, market in enumerate(DATA.values()):
            if TABLE.ready[t, i]:
                expected = BRUTE_FORCE[name](market, t)
                assert column(TABLE.values[t, i], FULL, name) == pytest.approx(expected, rel=1e-9, abs=1e-12)
                checked += 1
    assert checked > 40


def test_a_market_that_stands_still_has_defined_values() -> None:
    table = build_tables(ALONE, {BTC: plain_market(BTC, flat_bars(120, 0.1, 0.0))}, PRECISIONS)["1m"]
    assert table.ready[WARM_UP - 1 :].all()
    values = dict(zip(ALONE.columns, table.values[-1, 0].tolist(), strict=True))
    halves = {"range_position", "bollinger_b", "liquidity_rank"}
    assert {name for name in values if values[name] == 0.5} == halves
    assert values["rsi_14"] == values["rsi_7"] == 50.0
    others = [value for name, value in values.items() if name not in halves | {"rsi_14", "rsi_7"}]
    assert others == pytest.approx([0.0] * len(others), abs=1e-14)


def test_moves_below_the_resolution_of_prices_are_no_moves() -> None:
    """Rounding noise must not look like bands, nor steady growth like a correlation."""
    noise, growth = flat_bars(120, 100.0, 1.0), flat_bars(120, 100.0, 1.0)
    noise.close[::2] = np.nextafter(100.0, 101.0)
    growth.close[:] = growth.high[:] = 100.0 * 1.001 ** np.arange(120)
    data = {BTC: plain_market(BTC, growth), ETH: plain_market(ETH, growth), SOL: plain_market(SOL, noise)}
    spec = FeatureSpec(reference=BTC, universe=UNIVERSE)
    last_row = build_tables(spec, data, PRECISIONS)["1m"].values[-1]
    assert column(last_row, spec, "btc_correlation_50").tolist() == [0.0, 0.0, 0.0]
    assert column(last_row, spec, "bollinger_b")[2] == 0.5


def test_btc_correlates_fully_with_itself() -> None:
    of_btc = column(TABLE.values[:, 0], FULL, "btc_correlation_50")[TABLE.ready[:, 0]]
    assert of_btc == pytest.approx(1.0)


def test_equally_traded_instruments_share_the_rank() -> None:
    """ETH and SOL are one market under two names, BTC trades the least."""
    bars = random_bars(1, 120)
    data = {
        ETH: plain_market(ETH, bars),
        SOL: plain_market(SOL, bars),
        BTC: plain_market(BTC, flat_bars(120, 1e-3, 1e-4)),
    }
    spec = FeatureSpec(universe=UNIVERSE)
    table = build_tables(spec, data, PRECISIONS)["1m"]
    assert column(table.values[-1], spec, "liquidity_rank").tolist() == [0.0, 0.75, 0.75]


def test_the_rank_is_taken_among_the_instruments_that_trade() -> None:
    spec = FeatureSpec(universe=(BTC, ETH))
    bars = random_bars(1, 120)
    data = {BTC: plain_market(BTC, bars), ETH: plain_market(ETH, pick(bars, slice(0, 110)))}
    table = build_tables(spec, data, PRECISIONS)["1m"]
    assert column(table.values[-1, 0], spec, "liquidity_rank") == 0.5
    assert table.ready[-1].tolist() == [True, False]
