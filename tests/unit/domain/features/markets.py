"""Seeded little markets for the feature tests: bars with trades that add up to them, and books around them."""

import numpy as np
from msgspec.structs import replace

from helios_nautilus.domain.bars import Bars, BookDepths, Bools, Floats, MarketData, Trades
from helios_nautilus.domain.features import FeatureSpec
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN, Timeframes

START_NS = 19_700 * NS_PER_DAY
PRECISION = 4
BTC, ETH, SOL = UNIVERSE = ("BTCZAR.VALR", "ETHZAR.VALR", "SOLZAR.VALR")
PRECISIONS = dict.fromkeys(UNIVERSE, PRECISION)
FAST = Timeframes(high="1m", medium="5m", low="15m", decision="5m")
SLOW = Timeframes(high="5m", medium="15m", low="1h", decision="15m")
FULL = FeatureSpec(timeframes=FAST, trades=True, book=True, reference=BTC, universe=UNIVERSE)
ALONE = FeatureSpec(timeframes=FAST, universe=(BTC,))


def random_bars(seed: int, count: int, length_ns: int = NS_PER_MIN) -> Bars:
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 2e-3, count)))
    open_ = np.concatenate(([100.0], close[:-1])) * np.exp(rng.normal(0.0, 1e-4, count))
    return Bars(
        ts_ns=START_NS + length_ns * np.arange(1, count + 1),
        open=open_,
        high=np.maximum(open_, close) * np.exp(rng.exponential(5e-4, count)),
        low=np.minimum(open_, close) * np.exp(-rng.exponential(5e-4, count)),
        close=close,
        volume=rng.integers(1, 900_000, count) / 10**PRECISION,
    )


def flat_bars(count: int, price: float, volume: float) -> Bars:
    prices = np.full(count, price)
    ts_ns = START_NS + NS_PER_MIN * np.arange(1, count + 1)
    return Bars(ts_ns=ts_ns, open=prices, high=prices, low=prices, close=prices, volume=np.full(count, volume))


def pick(bars: Bars, rows: Bools | slice) -> Bars:
    return Bars(**{name: getattr(bars, name)[rows] for name in Bars.__struct_fields__})


def with_ticks(seed: int, instrument_id: str, bars: Bars, length_ns: int = NS_PER_MIN) -> MarketData:
    """Add trades whose sizes add up to the bars' volumes (some bars have none), and mostly fresh books."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(2.0, len(bars))
    bar_of = np.repeat(np.arange(len(bars)), counts)
    units = rng.integers(1, 50_000, len(bar_of))
    ts_ns = bars.ts_ns[bar_of] - length_ns + np.sort(rng.integers(0, length_ns, len(bar_of)))
    order = np.lexsort((ts_ns, bar_of))
    trades = Trades(
        ts_ns=ts_ns[order],
        price=bars.close[bar_of],
        size=units / 10**PRECISION,
        side=rng.choice(np.array([-1, 0, 1], dtype=np.int8), len(bar_of), p=[0.45, 0.1, 0.45]),
    )
    volume = np.bincount(bar_of, weights=units, minlength=len(bars)) / 10**PRECISION
    return MarketData(
        instrument_id=instrument_id,
        bars=replace(bars, volume=volume),
        trades=trades,
        books=_random_books(rng, bars, length_ns),
    )


def _random_books(rng: np.random.Generator, bars: Bars, length_ns: int) -> BookDepths:
    has_book = rng.random(len(bars)) < 0.97
    count = int(has_book.sum())
    levels = np.arange(1, 11) * 1e-4
    mid = bars.close[has_book, None]
    sizes = rng.random((2, count, 10)) * (rng.random((2, count, 10)) < 0.9)
    return BookDepths(
        ts_ns=bars.ts_ns[has_book] - rng.integers(0, length_ns // 4, count),
        bid_price=mid * (1.0 - levels),
        bid_size=sizes[0],
        ask_price=mid * (1.0 + levels),
        ask_size=sizes[1],
    )


def plain_market(instrument_id: str, bars: Bars) -> MarketData:
    return MarketData(instrument_id=instrument_id, bars=bars)


def full_market(seed: int, count: int, base_ns: int = NS_PER_MIN) -> dict[str, MarketData]:
    """Three instruments with all inputs, with holes together and apart; the later ones start later, SOL ends badly."""
    rng = np.random.default_rng(seed)
    data = {}
    for i, instrument_id in enumerate(UNIVERSE):
        bars = random_bars(seed + i, count, base_ns)
        keep = np.arange(count) >= 40 * i
        for hole in rng.integers(count // 8, count // 4, 2):
            keep[hole : hole + rng.integers(1, 4)] = False
        keep[count // 8 : count // 8 + 3] = False
        keep[-20] = instrument_id != SOL
        data[instrument_id] = with_ticks(seed + 10 * i, instrument_id, pick(bars, keep), base_ns)
    return data


def scaled(market: MarketData, price: float, size: float) -> MarketData:
    """The same market in other units."""
    bars, trades, books = market.bars, market.trades, market.books
    prices = {name: getattr(bars, name) * price for name in ("open", "high", "low", "close")}
    return MarketData(
        instrument_id=market.instrument_id,
        bars=replace(bars, volume=bars.volume * size, **prices),
        trades=None if trades is None else replace(trades, price=trades.price * price, size=trades.size * size),
        books=None
        if books is None
        else replace(
            books,
            bid_price=books.bid_price * price,
            ask_price=books.ask_price * price,
            bid_size=books.bid_size * size,
            ask_size=books.ask_size * size,
        ),
    )


def until(market: MarketData, end_ns: int) -> MarketData:
    """What had been recorded when the bar closing at ``end_ns`` was out."""
    bars, trades, books = market.bars, market.trades, market.books
    return MarketData(
        instrument_id=market.instrument_id,
        bars=pick(bars, bars.ts_ns <= end_ns),
        trades=None if trades is None else _rows(trades, trades.ts_ns < end_ns),
        books=None if books is None else _rows(books, books.ts_ns <= end_ns),
    )


def _rows[T: (Trades, BookDepths)](ticks: T, rows: Bools) -> T:
    return type(ticks)(**{name: getattr(ticks, name)[rows] for name in ticks.__struct_fields__})


def column(values: Floats, spec: FeatureSpec, name: str) -> Floats:
    """One feature out of an array whose last axis is features."""
    return values[..., spec.columns.index(name)]
