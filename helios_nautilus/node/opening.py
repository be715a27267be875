"""Where an order trades that reaches the venue between two bars: half a spread worse than the last price known then.

Bars alone leave the simulated exchange at the last close of each instrument until the next bar is complete, so an order
decided at a close could fill at that very close. An opening quote a millisecond into each bar puts the book where the
market really went on. Where trades are recorded they are the market, and a quote around each of them is the book: the
engine alone would take a trade for both sides of it. The size of a quote is the volume of the last complete bar: what
is known at that moment of what can be had.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.instruments import Instrument

from helios_nautilus.domain.bars import Bars, Ints, Trades
from helios_nautilus.domain.timeframe import NS_PER_MS

DELAY_NS: Final = NS_PER_MS

type _Book = tuple[int, float, float, float]
"""Stamp, bid, ask, size."""


def opening_quotes(instrument: Instrument, bars: Bars, bar_ns: int, half_spread: float) -> list[QuoteTick]:
    """A quote just after each bar's close: around the next bar's open, or the close itself where that bar is missing.

    A bar that follows on a hole has one just after its own open, too. None follows the last bar.
    """
    follows = bars.ts_ns[1:] - bar_ns == bars.ts_ns[:-1]
    prices = np.where(follows, bars.open[1:], bars.close[:-1])
    late = np.flatnonzero(~follows)
    stamps = np.concatenate((bars.ts_ns[:-1], bars.ts_ns[late + 1] - bar_ns)) + DELAY_NS
    prices = np.concatenate((prices, bars.open[late + 1]))
    order = np.argsort(stamps)
    sizes = _last_volumes(bars, stamps[order])
    return _quotes(
        instrument,
        (
            (ts_ns, price * (1.0 - half_spread), price * (1.0 + half_spread), size)
            for ts_ns, price, size in zip(stamps[order].tolist(), prices[order].tolist(), sizes, strict=True)
        ),
    )


def tape_quotes(instrument: Instrument, trades: Trades, bars: Bars, half_spread: float) -> list[QuoteTick]:
    """The book around each trade: a buyer's lies at the ask, a seller's at the bid, any other in the middle.

    Each comes twice, with the trade and a nanosecond later, so that it stands before the engine takes up the trade
    and again afterwards. None before the first bar is complete.
    """
    known = trades.ts_ns >= bars.ts_ns[0]
    stamps, prices, sides = trades.ts_ns[known], trades.price[known], trades.side[known]
    sizes = _last_volumes(bars, stamps)
    books = (
        (ts_ns, price * (1.0 - half_spread * (1 + side)), price * (1.0 + half_spread * (1 - side)), size)
        for ts_ns, price, side, size in zip(stamps.tolist(), prices.tolist(), sides.tolist(), sizes, strict=True)
    )
    return _quotes(instrument, _twice(books))


def _twice(books: Iterable[_Book]) -> Iterator[_Book]:
    for ts_ns, bid, ask, size in books:
        yield ts_ns, bid, ask, size
        yield ts_ns + 1, bid, ask, size


def _last_volumes(bars: Bars, stamps: Ints) -> list[float]:
    """Volume of the newest bar complete at each stamp."""
    volumes: list[float] = bars.volume[np.searchsorted(bars.ts_ns, stamps, side="right") - 1].tolist()
    return volumes


def _quotes(instrument: Instrument, books: Iterable[_Book]) -> list[QuoteTick]:
    smallest = (instrument.min_quantity or instrument.size_increment).as_double()
    quotes = []
    for ts_ns, bid, ask, volume in books:
        size = instrument.make_qty(max(volume, smallest))
        prices = instrument.make_price(bid), instrument.make_price(ask)
        quotes.append(QuoteTick(instrument.id, *prices, size, size, ts_ns, ts_ns))
    return quotes
