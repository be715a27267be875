"""A recorded market as a stream of steps: prints to trade and book states to show, in time order."""

import heapq
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

import numpy as np

from helios_nautilus.domain.bars import BUY, Bars, BookDepths, Floats, Ints, MarketData, Trades
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_MS
from helios_nautilus.simulator.exchange.decimals import from_float
from helios_nautilus.simulator.exchange.listing import Pair
from helios_nautilus.simulator.exchange.orders import Side

_STEPS_PER_MIN = 12


class Print(NamedTuple):
    """One recorded trade."""

    at_ns: int
    price: Decimal
    quantity: Decimal
    taker_side: Side


class Depth(NamedTuple):
    """One recorded book state, best level first."""

    at_ns: int
    bids: list[tuple[Decimal, Decimal]]
    asks: list[tuple[Decimal, Decimal]]


type Step = Print | Depth


def replay(data: MarketData, pair: Pair, rng: np.random.Generator, start_ns: int, shift_ns: int) -> Iterator[Step]:
    """Steps at or after ``start_ns`` of venue time, which is recorded time plus ``shift_ns``.

    Trades are replayed where they were recorded; minutes before and after them are drawn from their bar, so that its
    open, high, low, close and volume come back. Prices fall on the pair's ticks and quantities on its decimals.
    """
    trades = data.trades if data.trades is not None and len(data.trades) else None
    opens_ns = data.bars.ts_ns - NS_PER_MIN
    is_drawn = opens_ns >= start_ns - shift_ns
    streams: list[Iterator[Step]] = []
    if trades is not None:
        is_drawn &= (data.bars.ts_ns <= trades.ts_ns[0]) | (opens_ns > trades.ts_ns[-1])
        streams.append(_trade_prints(trades, pair, start_ns - shift_ns))
    streams.append(_bar_prints(data.bars, np.flatnonzero(is_drawn), pair, rng))
    if data.books is not None:
        streams.append(_depths(data.books, pair, start_ns - shift_ns))
    for step in heapq.merge(*streams, key=lambda step: step.at_ns):
        yield step._replace(at_ns=step.at_ns + shift_ns)


def on_tick(price: float | Decimal, pair: Pair) -> Decimal:
    """The nearest price of the pair's grid."""
    exact = price if isinstance(price, Decimal) else from_float(price)
    return (exact / pair.tick).to_integral_value() * pair.tick


def _outwards(price: float, pair: Pair, side: Side) -> Decimal:
    """The price of the grid at or behind a resting order's: on a coarser grid than the recording's, rounding to the
    nearest would lay both sides of a narrow book on one price."""
    exact = from_float(price)
    rounding = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
    return (exact / pair.tick).to_integral_value(rounding) * pair.tick


def _trade_prints(trades: Trades, pair: Pair, start_ns: int) -> Iterator[Print]:
    for i in range(int(np.searchsorted(trades.ts_ns, start_ns)), len(trades)):
        quantity = round(from_float(trades.size[i]), pair.places)
        if quantity > 0:
            side = Side.BUY if trades.side[i] == BUY else Side.SELL
            yield Print(int(trades.ts_ns[i]), _outwards(trades.price[i], pair, side.opposite), quantity, side)


def _bar_prints(bars: Bars, rows: Ints, pair: Pair, rng: np.random.Generator) -> Iterator[Print]:
    last = 0.0
    opens_ns = bars.ts_ns - NS_PER_MIN
    for i in rows:
        path = _path(bars.open[i], bars.high[i], bars.low[i], bars.close[i])
        sizes = _split(round(float(bars.volume[i]) * 10**pair.places), len(path), rng)
        stamps = np.sort(rng.integers(0, NS_PER_MIN // NS_PER_MS, len(path))) * NS_PER_MS + int(opens_ns[i])
        for stamp, price, size in zip(stamps, path, sizes, strict=True):
            if size:
                rises = price > last if price != last else bool(rng.integers(2))
                side = Side.BUY if rises else Side.SELL
                yield Print(int(stamp), on_tick(price, pair), Decimal(int(size)).scaleb(-pair.places), side)
                last = price


def _path(opened: float, high: float, low: float, close: float) -> list[float]:
    """Prices of a minute: open, the extreme it leaves from, the other one, close, and steps between."""
    corners = [opened, low, high, close] if close >= opened else [opened, high, low, close]
    legs = np.interp(np.linspace(0, 3, _STEPS_PER_MIN - 2), np.arange(4), corners)
    # The interpolation misses the middle corners: they are put in by name.
    third = len(legs) // 3
    return [
        *map(float, legs[:third]),
        corners[1],
        *map(float, legs[third:-third]),
        corners[2],
        *map(float, legs[-third:]),
    ]


def _split(total: int, count: int, rng: np.random.Generator) -> list[int]:
    """Whole parts that add up to the total; too little to go round goes to the last."""
    if total < count:
        return [0] * (count - 1) + [max(total, 0)]
    weights = rng.gamma(0.7, size=count)
    parts = [1 + int(part) for part in (total - count) * weights / weights.sum() * (1.0 - 1e-12)]
    parts[-1] += total - sum(parts)
    return parts


def _depths(books: BookDepths, pair: Pair, start_ns: int) -> Iterator[Depth]:
    for i in range(int(np.searchsorted(books.ts_ns, start_ns)), len(books)):
        bids = _levels(books.bid_price[i], books.bid_size[i], pair, Side.BUY)
        asks = _levels(books.ask_price[i], books.ask_size[i], pair, Side.SELL)
        if not bids or not asks or bids[0][0] < asks[0][0]:
            yield Depth(int(books.ts_ns[i]), bids, asks)


def _levels(prices: Floats, sizes: Floats, pair: Pair, side: Side) -> list[tuple[Decimal, Decimal]]:
    """Levels on the pair's grid, best first; recorded ones that fall on one tick are one."""
    # Counted in ticks and smallest quantities: a decimal for every recorded level would take most of a replay's time.
    ticks = np.round(prices / float(pair.tick), 6)
    ticks = np.floor(ticks) if side is Side.BUY else np.ceil(ticks)
    lots = np.rint(sizes * 10.0**pair.places)
    is_there = lots > 0
    ticks, lots = ticks[is_there], lots[is_there]
    if not len(ticks):
        return []
    first = np.flatnonzero(np.diff(ticks, prepend=-1.0))
    totals = np.add.reduceat(lots, first)
    return [
        (int(at) * pair.tick, Decimal(int(total)).scaleb(-pair.places))
        for at, total in zip(ticks[first].tolist(), totals.tolist(), strict=True)
    ]
