"""One pair's stream of trades made whole: each once, and those of a gap before those that follow it."""

from itertools import takewhile
from typing import Final

from msgspec import Struct
from nautilus_trader.core.datetime import unix_nanos_to_iso8601
from nautilus_trader.model.data import TradeTick

from helios_nautilus.adapters.valr.api.routes.base import PAGE
from helios_nautilus.adapters.valr.api.schemas.market import PublicTrade
from helios_nautilus.adapters.valr.history import TradesPage
from helios_nautilus.adapters.valr.parsing import VenueInstrument, parse_trade, trade_key

REMEMBERED: Final = 10_000
"""Trades come twice within the second of a hand-over between connections and within a gap, which is no longer."""
MAX_PAGES: Final = 50


class Gap(Struct, kw_only=True):
    """What has been found of the trades since the last one that was told, newest first."""

    pair: str
    since_ns: int
    last_key: str | None
    """The last trade told; None if there was none since ``since_ns``."""
    found: dict[str, PublicTrade] = {}
    is_whole: bool = False
    """Nothing is missing between the last trade told and the newest found."""

    @property
    def missed(self) -> list[PublicTrade]:
        """Those found that are newer than the last one told, oldest first."""
        newer = list(takewhile(lambda row: row[0] != self.last_key, self.found.items()))
        # Turned round before sorting: trades of one time keep the venue's order.
        return sorted((trade for _, trade in reversed(newer)), key=lambda trade: trade.traded_ns)

    @property
    def oldest_ns(self) -> int | None:
        """Where the trades found begin; None if there are none."""
        return min((int(trade.traded_ns) for trade in self.found.values()), default=None)


class TradeFeed:
    """Lets the first copy of a trade pass. From `start_mending` to `mend` all wait, so that they stay in order."""

    def __init__(self, instrument: VenueInstrument, since_ns: int) -> None:
        self._instrument = instrument
        self._recent: dict[str, None] = {}
        """A set that knows its oldest."""
        self._held: list[PublicTrade] = []
        self._is_mending = False
        self._last_ns = since_ns
        self._last_key: str | None = None

    @property
    def is_mending(self) -> bool:
        """Trades are held back."""
        return self._is_mending

    def take(self, trade: PublicTrade, ts_init: int) -> TradeTick | None:
        """The trade; None if it has been seen, or is held back. `ValueError` for one that cannot be."""
        if self._is_mending:
            self._held.append(trade)
            return None
        return self._tell(trade, ts_init)

    def start_mending(self) -> None:
        """Hold all back: some may be missing, and `mend` brings them."""
        self._is_mending = True

    def gap(self) -> Gap:
        """What is to be looked for."""
        return Gap(pair=self._instrument.raw_symbol.value, since_ns=self._last_ns, last_key=self._last_key)

    def mend(self, gap: Gap, ts_init: int) -> list[TradeTick]:
        """The trades of a gap, oldest first, then those held; what cannot be is left out."""
        self._is_mending = False
        held, self._held = self._held, []
        ticks = (self._try(trade, ts_init) for trade in (*gap.missed, *held))
        return [tick for tick in ticks if tick is not None]

    def _try(self, trade: PublicTrade, ts_init: int) -> TradeTick | None:
        try:
            return self._tell(trade, ts_init)
        except ValueError:
            return None

    def _tell(self, trade: PublicTrade, ts_init: int) -> TradeTick | None:
        key = trade_key(trade)
        if key in self._recent:
            return None
        tick = parse_trade(trade, self._instrument, ts_init)
        self._recent[key] = None
        if len(self._recent) > REMEMBERED:
            del self._recent[next(iter(self._recent))]
        # Before the first trade there is only a time of ours, which the venue's need not agree with.
        if self._last_key is None or trade.traded_ns >= self._last_ns:
            self._last_ns, self._last_key = int(trade.traded_ns), key
        return tick


async def fill_gap(gap: Gap, page_of: TradesPage) -> None:
    """Ask for the trades of a gap, page by page back to the last one told; raises as reads do.

    What has been found so far stays in ``gap`` then, and it ``is_whole`` only if the last trade told was met again.
    """
    before_id: str | None = None
    for _ in range(MAX_PAGES):
        page = await page_of(gap.pair, start_ns=gap.since_ns, before_id=before_id, limit=PAGE)
        page = [trade for trade in page if trade.traded_ns >= gap.since_ns]
        known = len(gap.found)
        gap.found |= {trade_key(trade): trade for trade in page}
        if gap.last_key is not None and gap.last_key in gap.found:
            gap.is_whole = True
            return
        if len(page) < PAGE or len(gap.found) == known or page[-1].id is None:
            gap.is_whole = gap.last_key is None
            return
        before_id = page[-1].id


def describe_hole(gap: Gap, now_ns: int, why: str) -> str:
    """Where trades may be missing, in one line."""
    bounds = " to ".join(unix_nanos_to_iso8601(ns) for ns in (gap.since_ns, gap.oldest_ns or now_ns))
    return f"Trades of {gap.pair} from {bounds} may be missing: {why}"
