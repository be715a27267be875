"""Where an order trades that reaches the venue between two bars: at the next bar's open, half a spread worse.

Bars alone leave the simulated exchange at the last close of each instrument until the next bar is complete, so an order
decided at a close could fill at that very close. An opening quote a millisecond into each bar puts the book where the
market really went on. Its size is the volume of the bar before: what is known at that moment of what can be had.
"""

from typing import Final

from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.instruments import Instrument

from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.timeframe import NS_PER_MS

DELAY_NS: Final = NS_PER_MS


def opening_quotes(instrument: Instrument, bars: Bars, bar_ns: int, half_spread: float) -> list[QuoteTick]:
    """One quote for every bar but the first, stamped just after the bar's open."""
    smallest = (instrument.min_quantity or instrument.size_increment).as_double()
    stamps = (bars.ts_ns[1:] - bar_ns + DELAY_NS).tolist()
    volumes = bars.volume[:-1].tolist()
    quotes = []
    for ts_ns, price, volume in zip(stamps, bars.open[1:].tolist(), volumes, strict=True):
        size = instrument.make_qty(max(volume, smallest))
        bid, ask = (
            instrument.make_price(price * (1.0 - half_spread)),
            instrument.make_price(price * (1.0 + half_spread)),
        )
        quotes.append(QuoteTick(instrument.id, bid, ask, size, size, ts_ns, ts_ns))
    return quotes
