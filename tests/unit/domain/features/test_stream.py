"""The streaming twin against the batch tables, bit for bit, over an imitation of the engine's deliveries."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import partial

import numpy as np
import pytest
from msgspec.structs import replace

from helios_nautilus.domain.bars import BUY, Bars, MarketData
from helios_nautilus.domain.features import FeatureRow, FeatureSpec, FeatureStream, build_tables
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC, Timeframes, parse_timeframe
from helios_nautilus.errors import DataError, UnknownInstrumentError
from tests.unit.domain.features.markets import (
    ALONE,
    BTC,
    ETH,
    FAST,
    FULL,
    PRECISION,
    PRECISIONS,
    SLOW,
    START_NS,
    full_market,
    pick,
    plain_market,
    random_bars,
    until,
)

type Delivery = Callable[[FeatureStream], None]


def engine_bars(bars: Bars, length_ns: int) -> Iterator[tuple[int, float, float, float, float, float]]:
    """Bars as the engine builds them: emitted even if parts are missing, volumes exact but for the cast to float."""
    parts = defaultdict(list)
    for row, ts_ns in enumerate(bars.ts_ns.tolist()):
        parts[-(-ts_ns // length_ns) * length_ns].append(row)
    for close_ns, rows in parts.items():
        volume = float(sum(Decimal(f"{bars.volume[row]:.{PRECISION}f}") for row in rows))
        high, low = max(bars.high[rows]), min(bars.low[rows])
        yield close_ns, bars.open[rows[0]], high, low, bars.close[rows[-1]], float(np.nextafter(volume, 2 * volume))


def deliveries(spec: FeatureSpec, market: MarketData, rng: np.random.Generator) -> Iterator[tuple[int, int, Delivery]]:
    """What the engine delivers of one instrument: time of arrival, stamp, and the call that delivers it.

    Bars arrive a second after their close, ticks up to two seconds late.
    """
    name = market.instrument_id
    for timeframe in spec.timeframes.names:
        for ts_ns, *ohlcv in engine_bars(market.bars, parse_timeframe(timeframe)):
            yield ts_ns + NS_PER_SEC, ts_ns, partial(_deliver_bar, timeframe, name, ts_ns, ohlcv)
    if spec.base not in spec.timeframes.names:
        for ts_ns in market.bars.ts_ns.tolist():
            yield ts_ns + NS_PER_SEC, ts_ns, lambda stream, ts_ns=ts_ns: stream.on_base_bar(name, ts_ns)
    trades, books = market.trades, market.books
    for k in range(len(trades) if trades else 0):
        tick = (name, int(trades.ts_ns[k]), float(trades.size[k]), int(trades.side[k]))
        yield tick[1] + int(rng.integers(0, 2 * NS_PER_SEC)), tick[1], lambda stream, tick=tick: stream.on_trade(*tick)
    for k in range(len(books) if books else 0):
        sides = (books.bid_price[k], books.bid_size[k], books.ask_price[k], books.ask_size[k])
        tick = (name, int(books.ts_ns[k]), *sides)
        yield tick[1] + int(rng.integers(0, 2 * NS_PER_SEC)), tick[1], lambda stream, tick=tick: stream.on_book(*tick)


def _deliver_bar(timeframe: str, name: str, ts_ns: int, ohlcv: list[float], stream: FeatureStream) -> None:
    stream.on_bar(timeframe, name, ts_ns, *ohlcv)


def play(
    spec: FeatureSpec, data: Mapping[str, MarketData], seed: int, caught_up_ns: int = 0
) -> dict[str, dict[int, FeatureRow]]:
    """Deliver everything in shuffled order of arrival; close each timeframe three seconds after its close.

    What was recorded until ``caught_up_ns`` is given at once instead.
    """
    rng = np.random.default_rng(seed)
    events = [event for market in data.values() for event in deliveries(spec, market, rng)]
    rng.shuffle(events)
    events.sort(key=lambda event: event[0])
    stream = FeatureStream(spec, PRECISIONS)
    if caught_up_ns:
        stream.catch_up({name: until(market, caught_up_ns) for name, market in data.items()})
        events = [event for event in events if event[1] > caught_up_ns]
    rows: dict[str, dict[int, FeatureRow]] = defaultdict(dict)
    recorded = np.unique(np.concatenate([market.bars.ts_ns for market in data.values()]))
    at = 0
    for close_ns in recorded[recorded > caught_up_ns].tolist():
        while at < len(events) and events[at][0] < close_ns + 3 * NS_PER_SEC:
            events[at][2](stream)
            at += 1
        for timeframe in stream.due(close_ns):
            rows[timeframe][close_ns] = stream.close_bar(timeframe, close_ns)
    assert stream.late_bars == 0
    return rows


@pytest.mark.parametrize(
    ("base", "timeframes", "count"), [("1m", FAST, 2400), ("1m", SLOW, 8600), ("5m", SLOW, 1720)], ids=str
)
def test_stream_and_batch_agree_to_the_last_bit(base: str, timeframes: Timeframes, count: int) -> None:
    """Holes, late starts, partial bars, ticks around the boundary, shuffled arrival; steps nobody has are skipped."""
    spec = replace(FULL, base=base, timeframes=timeframes, calendar=True)
    data = full_market(7, count, parse_timeframe(base))
    rows = play(spec, data, seed=1)
    tables = build_tables(spec, data, PRECISIONS)
    for table in tables.tables:
        streamed = rows[table.timeframe]
        for t, ts_ns in enumerate(table.ts_ns.tolist()):
            if ts_ns in streamed:
                assert streamed[ts_ns].values.tobytes() == table.values[t].tobytes()
                assert streamed[ts_ns].ready.tolist() == table.ready[t].tolist()
            else:
                assert not table.ready[t].any()
        assert table.ready.any(axis=0).all()


@pytest.mark.parametrize("minute", [2100, 2103, 2110])
def test_a_stream_that_caught_up_goes_on_as_if_it_had_seen_everything(minute: int) -> None:
    """Also from the middle of a longer bar, of which the history holds the first parts."""
    data = full_market(7, 2400)
    caught_up_ns = START_NS + minute * NS_PER_MIN
    rows = play(FULL, data, seed=3, caught_up_ns=caught_up_ns)
    for table in build_tables(FULL, data, PRECISIONS).tables:
        streamed = rows[table.timeframe]
        later = np.flatnonzero(table.ts_ns > caught_up_ns)
        assert [streamed[int(table.ts_ns[t])].values.tobytes() for t in later] == [
            table.values[t].tobytes() for t in later
        ]
        assert table.ready[later].any(axis=0).all()


def test_stream_and_batch_agree_on_bars_alone() -> None:
    spec = FeatureSpec(timeframes=FAST, universe=(BTC, ETH), reference=ETH)
    data = {name: plain_market(name, random_bars(k, 300)) for k, name in enumerate(spec.universe)}
    rows = play(spec, data, seed=2)["1m"]
    table = build_tables(spec, data, PRECISIONS)["1m"]
    assert np.array([rows[ts_ns].values for ts_ns in table.ts_ns.tolist()]).tobytes() == table.values.tobytes()
    assert table.ready[-1].all()


def feed(stream: FeatureStream, bars: Bars, timeframe: str = "1m", name: str = BTC) -> None:
    for ts_ns, *ohlcv in engine_bars(bars, parse_timeframe(timeframe)):
        stream.on_bar(timeframe, name, ts_ns, *ohlcv)


TWO = FeatureSpec(timeframes=FAST, universe=(BTC, ETH))
BARS = random_bars(1, 150)
FIRST_NS = START_NS + NS_PER_MIN


def test_a_close_is_complete_once_all_instruments_are_in() -> None:
    stream = FeatureStream(TWO, PRECISIONS)
    assert not stream.is_complete("1m", FIRST_NS)
    feed(stream, pick(BARS, slice(0, 1)))
    feed(stream, pick(BARS, slice(0, 1)))
    assert not stream.is_complete("1m", FIRST_NS)
    feed(stream, pick(BARS, slice(0, 1)), name=ETH)
    assert stream.is_complete("1m", FIRST_NS)


def test_a_longer_bar_is_complete_only_with_all_its_parts() -> None:
    stream = FeatureStream(ALONE, PRECISIONS)
    five = pick(BARS, slice(0, 5))
    feed(stream, five, "5m")
    feed(stream, pick(five, slice(0, 4)))
    assert not stream.is_complete("5m", START_NS + 5 * NS_PER_MIN)
    feed(stream, pick(five, slice(4, 5)))
    assert stream.is_complete("5m", START_NS + 5 * NS_PER_MIN)


def test_base_bars_outside_the_three_timeframes_prove_the_fastest() -> None:
    stream = FeatureStream(replace(ALONE, timeframes=SLOW), PRECISIONS)
    feed(stream, pick(BARS, slice(0, 5)), "5m")
    for minute in (3, 1, 2, 5):
        stream.on_base_bar(BTC, START_NS + minute * NS_PER_MIN)
    assert not stream.is_complete("5m", START_NS + 5 * NS_PER_MIN)
    stream.on_base_bar(BTC, START_NS + 4 * NS_PER_MIN)
    assert stream.is_complete("5m", START_NS + 5 * NS_PER_MIN)


def test_due_names_the_open_closes_of_a_time() -> None:
    stream = FeatureStream(ALONE, PRECISIONS)
    feed(stream, pick(BARS, slice(0, 15)))
    feed(stream, pick(BARS, slice(0, 15)), "5m")
    close_ns = START_NS + 15 * NS_PER_MIN
    assert stream.due(close_ns) == {"1m": True, "5m": True, "15m": False}
    stream.close_bar("1m", close_ns)
    assert stream.due(close_ns) == {"5m": True, "15m": False}
    assert stream.due(close_ns + NS_PER_MIN) == {"1m": False}


def test_a_late_bar_that_fills_no_hole_is_ignored_and_counted() -> None:
    stream, punctual = FeatureStream(TWO, PRECISIONS), FeatureStream(TWO, PRECISIONS)
    for each in (stream, punctual):
        feed(each, pick(BARS, slice(0, 149)))
        feed(each, pick(BARS, slice(103, 149)), name=ETH)
        each.close_bar("1m", int(BARS.ts_ns[148]))
    feed(stream, pick(BARS, slice(100, 102)), name=ETH)
    assert stream.late_bars == 2
    assert stream.mend() == []
    for each in (stream, punctual):
        feed(each, pick(BARS, slice(149, 150)))
    rows = [each.close_bar("1m", int(BARS.ts_ns[149])) for each in (stream, punctual)]
    assert rows[0].values.tobytes() == rows[1].values.tobytes()
    assert rows[0].ready.tolist() == [True, False]


def test_a_jump_over_several_closes_closes_them_in_order() -> None:
    stream = FeatureStream(ALONE, PRECISIONS)
    feed(stream, BARS)
    row = stream.close_bar("1m", int(BARS.ts_ns[-1]))
    table = build_tables(ALONE, {BTC: plain_market(BTC, BARS)}, PRECISIONS)["1m"]
    assert row.ready.all()
    assert row.values.tobytes() == table.values[-1].tobytes()


def test_a_close_nobody_traded_is_a_hole_for_all() -> None:
    stream = FeatureStream(ALONE, PRECISIONS)
    feed(stream, pick(BARS, np.arange(150) != 120))
    assert stream.close_bar("1m", int(BARS.ts_ns[119])).ready.all()
    assert not stream.close_bar("1m", int(BARS.ts_ns[149])).ready.any()


def test_a_close_cannot_be_closed_twice_nor_off_the_grid() -> None:
    stream = FeatureStream(ALONE, PRECISIONS)
    stream.close_bar("1m", FIRST_NS)
    for ts_ns in (FIRST_NS, FIRST_NS + 1):
        with pytest.raises(DataError, match="cannot be closed"):
            stream.close_bar("1m", ts_ns)


def test_bars_off_the_grid_and_strangers_are_refused() -> None:
    stream = FeatureStream(ALONE, PRECISIONS)
    with pytest.raises(DataError, match="not the close"):
        stream.on_bar("5m", BTC, FIRST_NS, 1.0, 1.0, 1.0, 1.0, 1.0)
    with pytest.raises(UnknownInstrumentError, match=ETH):
        stream.on_trade(ETH, FIRST_NS, 1.0, BUY)
    with pytest.raises(UnknownInstrumentError, match=ETH):
        FeatureStream(TWO, {BTC: 4})


def test_ticks_a_spec_does_not_use_change_nothing() -> None:
    stream = FeatureStream(ALONE, PRECISIONS)
    stream.on_trade(BTC, START_NS, 1.0, BUY)
    stream.on_book(BTC, START_NS, *[np.ones(10)] * 4)
    feed(stream, BARS)
    assert stream.close_bar("1m", int(BARS.ts_ns[-1])).ready.all()
