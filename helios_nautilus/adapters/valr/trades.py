"""One pair's stream of trades, each once."""

from typing import Final

from nautilus_trader.model.data import TradeTick

from helios_nautilus.adapters.valr.api.schemas.market import PublicTrade
from helios_nautilus.adapters.valr.parsing import VenueInstrument, parse_trade, trade_key

REMEMBERED: Final = 10_000
"""Trades come twice only within the second of a hand-over between connections; this is hours of most pairs."""


class TradeFeed:
    """Lets the first copy of a trade pass."""

    def __init__(self, instrument: VenueInstrument) -> None:
        self._instrument = instrument
        self._recent: dict[str, None] = {}
        """A set that knows its oldest."""

    def take(self, trade: PublicTrade, ts_init: int) -> TradeTick | None:
        """The trade, or None if it has been seen."""
        key = trade_key(trade)
        if key in self._recent:
            return None
        self._recent[key] = None
        if len(self._recent) > REMEMBERED:
            del self._recent[next(iter(self._recent))]
        return parse_trade(trade, self._instrument, ts_init)
