"""One pair's book from the stream to the engine: verified frames in, deltas, depths and quotes out."""

from collections.abc import Callable
from enum import Enum, auto

from nautilus_trader.core.data import Data
from nautilus_trader.model.data import OrderBookDeltas, QuoteTick

from helios_nautilus.adapters.valr.api.book import BookChange, BookMiss, MissReason, OrderBook
from helios_nautilus.adapters.valr.api.schemas.book import PriceLevel
from helios_nautilus.adapters.valr.api.schemas.trade_socket import BookDiff, BookSnapshot
from helios_nautilus.adapters.valr.parsing import DEPTH, BookScribe, VenueInstrument
from helios_nautilus.domain.timeframe import NS_PER_MS


class BookView(Enum):
    """What can be subscribed of a book."""

    DELTAS = auto()
    DEPTH = auto()
    QUOTES = auto()


class BookFeed:
    """Keeps one `OrderBook` and writes what is wanted of it. Nothing is written before the book is verified."""

    def __init__(self, instrument: VenueInstrument) -> None:
        self.views: set[BookView] = set()
        self._book = OrderBook(instrument.raw_symbol.value)
        self._scribe = BookScribe(instrument)
        self._sequence = 0
        self._ts_event = 0
        self._is_shown = False
        """Deltas are out that a CLEAR must take back."""
        self._best: tuple[PriceLevel, PriceLevel] | None = None
        self._top: tuple[list[PriceLevel], list[PriceLevel]] | None = None

    @property
    def is_synced(self) -> bool:
        """The book is verified up to its last frame."""
        return self._book.is_synced

    def apply(self, frame: BookSnapshot | BookDiff, ts_init: int) -> tuple[list[Data], BookMiss | None]:
        """What the frame means for those who look on, and the miss if it ended the book."""
        change = self._book.apply(frame)
        if change is None:
            return [], None
        if isinstance(change, BookMiss):
            return self._take_back(ts_init), change
        self._sequence, self._ts_event = change.sequence, change.last_change_ms * NS_PER_MS
        try:
            return [*self._deltas(change, ts_init), *self._depth(ts_init), *self._quote(ts_init)], None
        except (ValueError, OverflowError) as error:
            # The book is right and the engine cannot hold it: half of it must not stay behind.
            miss = BookMiss(pair=change.pair, reason=MissReason.LEVEL, detail=str(error))
            return self.drop(ts_init), miss

    def add(self, view: BookView, ts_init: int) -> list[Data]:
        """Add a view, and begin it at once if the book is there: the venue would send a snapshot only if asked."""
        self.views.add(view)
        if not self.is_synced:
            return []
        match view:
            case BookView.DELTAS:
                return [self._snapshot(ts_init)]
            case BookView.DEPTH:
                self._top = None
                return self._depth(ts_init)
            case BookView.QUOTES:
                self._best = None
                return self._quote(ts_init)

    def discard(self, view: BookView) -> None:
        """Leave a view out from now on."""
        self.views.discard(view)
        if view is BookView.DELTAS:
            self._is_shown = False

    def drop(self, ts_init: int) -> list[Data]:
        """Forget the book, for its connection is lost: one CLEAR for those who hold a copy."""
        self._book.reset()
        return self._take_back(ts_init)

    def snapshot(self, depth: int | None, ts_init: int) -> OrderBookDeltas:
        """The verified book as it stands, ``depth`` levels a side."""
        return self._scribe.snapshot(
            self._book.bids(depth), self._book.asks(depth), self._sequence, self._ts_event, ts_init
        )

    def _snapshot(self, ts_init: int) -> OrderBookDeltas:
        self._is_shown = True
        return self.snapshot(None, ts_init)

    def _take_back(self, ts_init: int) -> list[Data]:
        self._best = self._top = None
        was_shown, self._is_shown = self._is_shown, False
        return [self._scribe.cleared(ts_init)] if was_shown else []

    def _deltas(self, change: BookChange, ts_init: int) -> list[Data]:
        if BookView.DELTAS not in self.views:
            return []
        if change.is_snapshot:
            return [self._snapshot(ts_init)]
        deltas = self._scribe.changes(change.bids, change.asks, self._sequence, self._ts_event, ts_init)
        return [] if deltas is None else [deltas]

    def _depth(self, ts_init: int) -> list[Data]:
        if BookView.DEPTH not in self.views:
            return []
        top = self._book.bids(DEPTH), self._book.asks(DEPTH)
        if top == self._top:
            return []
        self._top = top
        return [self._scribe.depth(*top, self._sequence, self._ts_event, ts_init)]

    def _quote(self, ts_init: int) -> list[QuoteTick]:
        """A quote if the best price or quantity changed; none for a book with an empty side."""
        if BookView.QUOTES not in self.views:
            return []
        bid, ask = self._best_of(self._book.bids), self._best_of(self._book.asks)
        if bid is None or ask is None or (bid, ask) == self._best:
            return []
        self._best = bid, ask
        return [self._scribe.quote(bid, ask, self._ts_event, ts_init)]

    def _best_of(self, levels: Callable[[int | None], list[PriceLevel]]) -> PriceLevel | None:
        """The best level of a side that the engine has a size for: of less there are no deltas either."""
        best = levels(1)
        if best and self._scribe.is_nothing(best[0]):
            best = [level for level in levels(None) if not self._scribe.is_nothing(level)]
        return best[0] if best else None
