import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from helios_nautilus.domain.bars import Bars, Floats
from helios_nautilus.domain.features import WARM_UP, FeatureSpec, FeatureTable, build_tables
from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.errors import DataError, UnknownInstrumentError
from tests.unit.domain.features.markets import (
    ALONE,
    BTC,
    ETH,
    FAST,
    FULL,
    PRECISIONS,
    START_NS,
    UNIVERSE,
    column,
    flat_bars,
    full_market,
    pick,
    plain_market,
    random_bars,
    scaled,
    until,
    with_ticks,
)


def table_of(bars: Bars) -> FeatureTable:
    return build_tables(ALONE, {BTC: plain_market(BTC, bars)}, PRECISIONS)["1m"]


def test_an_instrument_is_ready_at_its_hundredth_bar() -> None:
    assert np.flatnonzero(table_of(random_bars(1, 105)).ready[:, 0]).tolist() == [99, 100, 101, 102, 103, 104]


def test_values_are_zero_where_not_ready() -> None:
    table = build_tables(FULL, full_market(1, 500), PRECISIONS)["1m"]
    assert not table.values[~table.ready].any()


def test_the_grid_is_regular_and_covers_the_union_of_the_data() -> None:
    bars = random_bars(1, 60)
    data = {BTC: plain_market(BTC, pick(bars, slice(3, 20))), ETH: plain_market(ETH, pick(bars, slice(40, 58)))}
    tables = build_tables(FeatureSpec(timeframes=FAST, universe=(BTC, ETH)), data, PRECISIONS)
    assert ((tables["1m"].ts_ns - START_NS) // NS_PER_MIN).tolist() == list(range(4, 59))
    assert ((tables["5m"].ts_ns - START_NS) // NS_PER_MIN).tolist() == list(range(5, 56, 5))
    assert np.isnan(tables["1m"].close[:, 1]).tolist() == [True] * 37 + [False] * 18


def test_a_grid_of_years_counts_every_step() -> None:
    """Spans beyond 2^53 ns must not be counted in floats."""
    ends = pick(random_bars(1, 200_000), np.isin(np.arange(200_000), [0, 199_999]))
    assert table_of(ends).ts_ns[[0, -1]].tolist() == ends.ts_ns.tolist()


def test_no_window_crosses_a_hole() -> None:
    data = {name: with_ticks(3 + k, name, random_bars(k, 400)) for k, name in enumerate(UNIVERSE)}
    hole_ns = START_NS + 200 * NS_PER_MIN
    holed = {k: replace(m, bars=pick(m.bars, m.bars.ts_ns != hole_ns)) for k, m in data.items()}
    fresh = {k: replace(m, bars=pick(m.bars, m.bars.ts_ns > hole_ns)) for k, m in data.items()}
    after_hole, after_start = (build_tables(FULL, d, PRECISIONS)["1m"] for d in (holed, fresh))
    assert np.array_equal(after_hole.values[200:], after_start.values)
    assert np.array_equal(after_hole.ready[200:], after_start.ready)
    assert not after_hole.ready[199 : 199 + WARM_UP].any()
    assert after_hole.ready[199 + WARM_UP :].any()


def test_a_hole_of_the_reference_stops_everyone_who_is_compared_with_it() -> None:
    spec = FeatureSpec(timeframes=FAST, reference=BTC, universe=(BTC, ETH))
    bars = random_bars(1, 300)
    data = {BTC: plain_market(BTC, pick(bars, np.arange(300) != 200)), ETH: plain_market(ETH, bars)}
    ready = build_tables(spec, data, PRECISIONS)["1m"].ready[:, 1]
    assert np.flatnonzero(~ready[WARM_UP:]).tolist() == list(range(100, 151))


def test_a_bar_without_a_fresh_book_is_not_ready_and_the_next_is() -> None:
    market = with_ticks(1, BTC, random_bars(1, 200))
    books = market.books
    assert books is not None
    books.bid_size[:, 0] = books.ask_size[:, 0] = 1.0
    spec = replace(ALONE, book=True)
    ready = build_tables(spec, {BTC: market}, PRECISIONS)["1m"].ready[:, 0]
    has_book = np.isin(market.bars.ts_ns, -(-books.ts_ns // NS_PER_MIN) * NS_PER_MIN)
    assert np.array_equal(ready[WARM_UP:], has_book[WARM_UP:])
    assert not has_book[WARM_UP:].all()


def test_a_bar_with_volume_but_without_trades_is_not_ready() -> None:
    market = with_ticks(1, BTC, random_bars(1, 130))
    market.bars.volume[120] = 3.0
    trades = market.trades
    assert trades is not None
    outside = (trades.ts_ns < market.bars.ts_ns[119]) | (trades.ts_ns >= market.bars.ts_ns[120])
    trades = type(trades)(**{name: getattr(trades, name)[outside] for name in trades.__struct_fields__})
    tables = build_tables(replace(ALONE, trades=True), {BTC: replace(market, trades=trades)}, PRECISIONS)
    assert np.flatnonzero(~tables["1m"].ready[WARM_UP:, 0]).tolist() == [20]


def test_trades_recorded_from_some_time_on_are_compared_with_those_bars_only() -> None:
    """Bars before the recording of trades do not count as bars without trades."""
    market = with_ticks(1, BTC, flat_bars(130, 100.0, 0.0))
    trades = market.trades
    assert trades is not None
    late = trades.ts_ns >= market.bars.ts_ns[114]
    recorded = type(trades)(**{name: getattr(trades, name)[late] for name in trades.__struct_fields__})
    spec = replace(ALONE, trades=True)
    table = build_tables(spec, {BTC: replace(market, trades=recorded)}, PRECISIONS)["1m"]
    counts = np.bincount((trades.ts_ns - START_NS) // NS_PER_MIN, minlength=130)
    known = np.concatenate((counts[101:115] * (market.bars.volume[101:115] == 0), counts[115:121]))
    is_known = (known > 0) | (market.bars.volume[101:121] == 0)
    ratio = column(table.values[120, 0], spec, "trade_count_ratio_20")
    assert ratio == pytest.approx(counts[120] / known[is_known].mean())


@pytest.mark.parametrize("end", [733, 900])
def test_features_do_not_know_the_future(end: int) -> None:
    """Nothing up to a close changes when all that came later is removed, or is another world."""
    data = full_market(2, 2200)
    end_ns = START_NS + end * NS_PER_MIN
    other_world = {
        name: replace(market, bars=_with_tail(market.bars, scaled(market, 3.0, 5.0).bars, end_ns))
        for name, market in data.items()
    }
    known = build_tables(FULL, data, PRECISIONS)
    for changed in (other_world, {name: until(market, end_ns) for name, market in data.items()}):
        tables = build_tables(FULL, changed, PRECISIONS)
        for then, now in zip(tables.tables, known.tables, strict=True):
            rows = int(np.sum(now.ts_ns <= end_ns))
            assert np.array_equal(then.ts_ns[:rows], now.ts_ns[:rows])
            assert np.array_equal(then.values[:rows], now.values[:rows])
            assert np.array_equal(then.ready[:rows], now.ready[:rows])
    assert known["1m"].ready[:end].any()


def _with_tail(head: Bars, tail: Bars, end_ns: int) -> Bars:
    early = head.ts_ns <= end_ns
    return Bars(**{name: np.where(early, getattr(head, name), getattr(tail, name)) for name in Bars.__struct_fields__})


@pytest.mark.parametrize(("price", "size"), [(3.7, 1), (1e-7, 1), (1e7, 1), (1, 7), (0.013, 1000)])
def test_features_are_free_of_scale(price: float, size: int) -> None:
    data = full_market(4, 600)
    plain = build_tables(FULL, data, PRECISIONS)["1m"]
    other = build_tables(FULL, {k: scaled(m, price, size) for k, m in data.items()}, PRECISIONS)["1m"]
    assert plain.ready.any()
    assert np.array_equal(plain.ready, other.ready)
    np.testing.assert_allclose(other.values, plain.values, rtol=1e-7, atol=1e-9)


_PRICES = st.sampled_from([1.0, 1.0, 1.0, 1.01, 0.99, 1e-8, 1e8, 1_234_567.0])
_VOLUMES = st.sampled_from([0.0, 0.0, 0.0, 0.0001, 1.0, 1e9])


@settings(max_examples=60)
@given(st.lists(st.tuples(_PRICES, _VOLUMES, st.integers(1, 60)), min_size=2, max_size=8))
def test_flat_jumping_and_silent_markets_are_ready_and_finite(stretches: list[tuple[float, float, int]]) -> None:
    close = np.concatenate([np.full(count, price) for price, _, count in stretches] + [np.ones(100)])
    volume = np.concatenate([np.full(count, volume) for _, volume, count in stretches] + [np.ones(100)])
    table = table_of(_bars_of(close, volume))
    assert table.ready[WARM_UP - 1 :].all()
    assert np.isfinite(table.values).all()


_ANYTHING = st.sampled_from([1.0, 2.0, 5e-324, 1e-300, 1e300, 1.7e308, 0.0, -1.0, np.nan, np.inf])


@settings(max_examples=60)
@given(st.lists(st.tuples(_ANYTHING, _ANYTHING, st.integers(0, 250)), max_size=8))
def test_no_number_however_absurd_gets_out_as_nan_or_infinite(oddities: list[tuple[float, float, int]]) -> None:
    bars = random_bars(1, 251)
    for price, volume, row in oddities:
        for name in ("open", "high", "low", "close"):
            getattr(bars, name)[row] = price
        bars.volume[row] = volume
    assert np.isfinite(table_of(bars).values).all()


@settings(max_examples=20)
@given(st.sampled_from([5e-324, 1e-300, 1e300, 1.7e308]), st.sampled_from([0.0, 1e-3, 1e300]))
def test_a_market_at_the_edge_of_the_number_range_stays_finite(price: float, volume: float) -> None:
    assert np.isfinite(table_of(flat_bars(150, price, volume)).values).all()


def _bars_of(close: Floats, volume: Floats) -> Bars:
    open_ = np.concatenate((close[:1], close[:-1]))
    ts_ns = START_NS + NS_PER_MIN * np.arange(1, len(close) + 1)
    high, low = np.maximum(open_, close), np.minimum(open_, close)
    return Bars(ts_ns=ts_ns, open=open_, high=high, low=low, close=close, volume=volume)


def test_a_bar_with_an_impossible_price_is_a_hole() -> None:
    bars = random_bars(1, 250)
    bars.low[120] = 0.0
    ready = table_of(bars).ready[:, 0]
    assert np.flatnonzero(ready).tolist() == [*range(99, 120), *range(220, 250)]


def test_latest_rows_are_the_newest_closes_known_at_a_time() -> None:
    tables = build_tables(ALONE, {BTC: plain_market(BTC, random_bars(1, 47))}, PRECISIONS)
    at = START_NS + NS_PER_MIN * np.array([0, 5, 20, 45, 61])
    assert tables.latest_rows(at).tolist() == [[-1, -1, -1], [4, 0, -1], [19, 3, 0], [44, 8, 2], [-1, -1, -1]]


def test_a_decision_needs_all_three_timeframes() -> None:
    tables = build_tables(ALONE, {BTC: plain_market(BTC, random_bars(1, 1530))}, PRECISIONS)
    assert tables.decision_closes is tables["5m"].ts_ns
    ready = tables.decision_ready(tables.decision_closes)
    assert ready.shape == (306, 1)
    assert np.array_equal(ready[:, 0], tables.decision_closes >= START_NS + 1500 * NS_PER_MIN)


def test_a_hole_in_the_slowest_bar_stops_decisions_from_its_close() -> None:
    bars = random_bars(1, 1700)
    tables = build_tables(ALONE, {BTC: plain_market(BTC, pick(bars, np.arange(1700) != 1690))}, PRECISIONS)
    minutes = np.array([1690, 1695, 1700])
    assert tables.decision_ready(START_NS + minutes * NS_PER_MIN)[:, 0].tolist() == [True, False, False]


def test_no_data_at_all_give_empty_tables() -> None:
    empty = pick(random_bars(1, 1), slice(0, 0))
    tables = build_tables(ALONE, {BTC: plain_market(BTC, empty)}, PRECISIONS)
    assert [len(table.ts_ns) for table in tables.tables] == [0, 0, 0]
    assert tables.decision_ready(np.array([START_NS])).tolist() == [[False]]


def test_missing_inputs_are_named() -> None:
    data = {BTC: plain_market(BTC, random_bars(1, 10))}
    with pytest.raises(DataError, match="no recorded trades"):
        build_tables(replace(ALONE, trades=True), data, PRECISIONS)
    with pytest.raises(DataError, match="no recorded book"):
        build_tables(replace(ALONE, book=True), data, PRECISIONS)
    with pytest.raises(UnknownInstrumentError, match=ETH):
        build_tables(FeatureSpec(timeframes=FAST, universe=(BTC, ETH)), data, PRECISIONS)
    with pytest.raises(UnknownInstrumentError, match=BTC):
        build_tables(ALONE, data, {})
