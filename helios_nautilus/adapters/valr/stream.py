"""The socket of market data: what was subscribed, kept alive, verified, made whole and handed on as the engine's data.

Its callbacks run on the event loop's thread; nothing here blocks or waits.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

from nautilus_trader.common.component import Logger
from nautilus_trader.core.data import Data
from nautilus_trader.model.data import BarType

from helios_nautilus.adapters.valr.api.enums import TradeEvent
from helios_nautilus.adapters.valr.api.errors import VenueError
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.limits import RateLimiter
from helios_nautilus.adapters.valr.api.link import LinkConfig
from helios_nautilus.adapters.valr.api.schemas.frames import SocketError, Subscribed, UnknownFrame, Unsupported
from helios_nautilus.adapters.valr.api.schemas.market import Bucket
from helios_nautilus.adapters.valr.api.schemas.trade_socket import (
    TRADE_FRAMES,
    BookDiff,
    BookSnapshot,
    FundingRun,
    MarkPrice,
    NewBucket,
    NewTrade,
)
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.adapters.valr.api.websocket import SocketConfig, ValrSocket
from helios_nautilus.adapters.valr.books import BookFeed, BookView
from helios_nautilus.adapters.valr.buckets import BucketFeed
from helios_nautilus.adapters.valr.history import fetch_buckets, fetch_venue_time
from helios_nautilus.adapters.valr.parsing import VenueInstrument, parse_bar, parse_mark_price
from helios_nautilus.adapters.valr.trades import TradeFeed, describe_hole, fill_gap
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC

LIVE_PERIOD_SECS: Final = 60
_SNAPSHOT_SECS: Final = 2.0
_SNAPSHOT_MOST_SECS: Final = 60.0
"""How long to wait for a snapshot, at first and at most: a pair that VALR does not stream never sends one."""
_TRADES_GRACE_SECS: Final = 1.0
_TRADES_SECS: Final = 30.0
"""Longer than this no trade is held back."""
_BAR_QUESTIONS: Final = 3
"""So often the bars of a gap are asked for, each time with all the attempts of a read."""


class MarketStream:
    """Books, trades, one-minute bars and mark prices of any number of pairs over one socket.

    ``publish`` gets every piece of data, ``on_funding_run`` the pairs whose funding was paid; ``spawn`` starts a task.
    """

    def __init__(
        self,
        url: str,
        http: ValrHttp,
        *,
        publish: Callable[[Data], None],
        on_funding_run: Callable[[str], None],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None] | None],
        now_ns: Callable[[], int],
        log: Logger,
        bar_grace_secs: float,
        speed: float = 1.0,
        credentials: Credentials | None = None,
        limiter: RateLimiter | None = None,
    ) -> None:
        self._http = http
        self._publish = publish
        self._on_funding_run = on_funding_run
        self._spawn = spawn
        self._now_ns = now_ns
        self._log = log
        self._bar_grace_secs = bar_grace_secs
        self._speed = speed
        self._has_key = credentials is not None
        self._socket = ValrSocket(
            SocketConfig(link=LinkConfig(url=url, path="/ws/trade")),
            self._on_message,
            on_connected=self._on_connected,
            on_disconnected=self._on_disconnected,
            credentials=credentials,
            limiter=limiter,
        )
        self._books: dict[str, BookFeed] = {}
        self._trades: dict[str, TradeFeed] = {}
        self._bars: dict[str, tuple[BucketFeed, BarType, VenueInstrument]] = {}
        self._marks: dict[str, VenueInstrument] = {}
        self._mending: dict[tuple[TradeEvent, str], asyncio.Task[None]] = {}
        self._settling: dict[str, asyncio.TimerHandle] = {}
        self._handlers: dict[type, Callable[[Any], None]] = {
            BookSnapshot: self._on_book,
            BookDiff: self._on_book,
            NewTrade: self._on_trade,
            NewBucket: self._on_bucket,
            MarkPrice: self._on_mark_price,
            Subscribed: self._on_subscribed,
            FundingRun: lambda frame: self._on_funding_run(frame.pair),
            SocketError: self._on_refusal,
            Unsupported: self._on_refusal,
            UnknownFrame: self._on_unknown,
        }
        self._misses = 0
        self._refusals = 0

    @property
    def book_misses(self) -> int:
        """How many books were dropped because a frame did not fit, since the start."""
        return self._misses

    @property
    def frames_refused(self) -> int:
        """How many frames could not be read or cannot be true, since the start."""
        return self._refusals

    async def connect(self, patience_secs: float) -> None:
        """Open the socket and keep it from then on; raises if it is refused, or not open within the time."""
        await self._socket.connect(patience_secs)

    async def close(self) -> None:
        """Close for good; whoever holds a book is told that it ended."""
        await self._socket.close()
        self._drop_books()
        for event, symbol in list(self._mending):
            self._stop_mending(event, symbol)

    # -- What is wanted

    def book(self, symbol: str) -> BookFeed | None:
        """The verified book of a pair, if it is streamed and there."""
        feed = self._books.get(symbol)
        return feed if feed is not None and feed.is_synced else None

    def view_book(self, instrument: VenueInstrument, view: BookView) -> None:
        """Begin a view; it starts at once if the book is there."""
        symbol = instrument.raw_symbol.value
        feed = self._books.setdefault(symbol, BookFeed(instrument))
        is_new = not feed.views
        for item in feed.add(view, self._now_ns()):
            self._publish(item)
        if is_new:
            self._ask_book(symbol)

    def leave_book(self, symbol: str, view: BookView) -> None:
        """End a view; the book goes with the last one."""
        feed = self._books.get(symbol)
        if feed is None or view not in feed.views:
            return
        feed.discard(view)
        if not feed.views:
            del self._books[symbol]
            self._socket.unsubscribe(TradeEvent.BOOK, [symbol])

    def want_trades(self, instrument: VenueInstrument) -> None:
        """Begin a pair's trades."""
        symbol = instrument.raw_symbol.value
        if symbol not in self._trades:
            self._trades[symbol] = TradeFeed(instrument, self._now_ns())
            self._socket.subscribe(TradeEvent.TRADE, [symbol])

    def want_bars(
        self, bar_type: BarType, instrument: VenueInstrument, since_ns: int, *, is_past: bool = False
    ) -> None:
        """Begin a pair's one-minute bars with the one that ``since_ns`` of the venue's time lies in.

        If that is past, what has closed since is fetched as after a reconnect.
        """
        symbol = instrument.raw_symbol.value
        feed = BucketFeed(symbol, since_ns)
        self._bars[symbol] = feed, bar_type, instrument
        self._socket.subscribe(TradeEvent.BUCKET, [symbol])
        if is_past:
            feed.start_mending()
            self._mend(TradeEvent.BUCKET, symbol, self._mend_bars(symbol))

    def want_marks(self, instrument: VenueInstrument) -> None:
        """Begin a perpetual's mark prices."""
        symbol = instrument.raw_symbol.value
        self._marks[symbol] = instrument
        self._socket.subscribe(TradeEvent.MARK_PRICE, [symbol])

    def want_funding_runs(self, symbol: str) -> None:
        """Begin to be told when funding was paid."""
        self._socket.subscribe(TradeEvent.FUNDING_RUN, [symbol])

    def leave(self, event: TradeEvent, symbol: str) -> None:
        """End all but a book."""
        feeds: dict[TradeEvent, dict[str, Any]] = {
            TradeEvent.TRADE: self._trades,
            TradeEvent.BUCKET: self._bars,
            TradeEvent.MARK_PRICE: self._marks,
        }
        feeds.get(event, {}).pop(symbol, None)
        self._stop_mending(event, symbol)
        self._socket.unsubscribe(event, [symbol])

    # -- The socket

    def _on_connected(self) -> None:
        self._log.info("Connected to /ws/trade")
        # The venue is about to send every book anew.
        self._drop_books()
        for symbol in self._books:
            self._expect_book(symbol)
        for symbol, (bars, _, _) in self._bars.items():
            bars.start_mending()
            self._mend(TradeEvent.BUCKET, symbol, self._mend_bars(symbol))
        for symbol, trades in self._trades.items():
            # Held until the venue has confirmed the subscription: only from then on nothing more is missed.
            trades.start_mending()
            self._stop_mending(TradeEvent.TRADE, symbol)

    def _on_disconnected(self, reason: str) -> None:
        self._log.warning(f"Lost /ws/trade, connecting again: {reason}")
        self._drop_books()
        for bars, _, _ in self._bars.values():
            bars.start_mending()
        for trades in self._trades.values():
            trades.start_mending()

    def _on_message(self, raw: bytes) -> None:
        try:
            frame = TRADE_FRAMES.decode(raw)
            handler = self._handlers.get(type(frame))
            if handler is not None:
                handler(frame)
        except (VenueError, ValueError, OverflowError) as error:
            # Not what the venue documents, or figures that the engine has no room for.
            self._refusals += 1
            self._log.error(f"A frame was passed over: {error}")

    def _on_book(self, frame: BookSnapshot | BookDiff) -> None:
        feed = self._books.get(frame.pair)
        if feed is None:
            return
        data, miss = feed.apply(frame, self._now_ns())
        for item in data:
            self._publish(item)
        if miss is not None:
            self._misses += 1
            self._log.warning(f"Dropped the book of {miss.pair}, {miss.reason}: {miss.detail}; asking for a new one")
            self._ask_book(miss.pair)

    def _ask_book(self, symbol: str, patience_secs: float = _SNAPSHOT_SECS) -> None:
        """Every pair of the event gets a snapshot again; the books that stand take theirs for old news."""
        self._socket.subscribe(TradeEvent.BOOK, [symbol])
        self._expect_book(symbol, patience_secs)

    def _expect_book(self, symbol: str, patience_secs: float = _SNAPSHOT_SECS) -> None:
        """Ask again if no snapshot comes in time: the one frame that brought it may have been unreadable."""

        def look() -> None:
            feed = self._books.get(symbol)
            if feed is not None and not feed.is_synced and self._socket.is_connected:
                self._log.warning(f"No book of {symbol} within {patience_secs:g} s; asking for it again")
                self._ask_book(symbol, min(2.0 * patience_secs, _SNAPSHOT_MOST_SECS))

        asyncio.get_running_loop().call_later(patience_secs, look)

    def _on_trade(self, frame: NewTrade) -> None:
        feed = self._trades.get(frame.pair)
        _check_pair(frame.pair, frame.data.currency_pair)
        tick = None if feed is None else feed.take(frame.data, self._now_ns())
        if tick is not None:
            self._publish(tick)

    def _on_bucket(self, frame: NewBucket) -> None:
        # Every period arrives under this one event.
        if frame.pair not in self._bars or frame.data.bucket_period_in_seconds != LIVE_PERIOD_SECS:
            return
        feed, bar_type, instrument = self._bars[frame.pair]
        _check_pair(frame.pair, frame.data.currency_pair_symbol)
        if frame.data.start_ns % NS_PER_MIN:
            raise ValueError(f"{frame.pair} has a bucket that starts between two minutes")
        # Tried before the feed holds it: there it would take the good ones with it.
        parse_bar(frame.data, bar_type, instrument, self._now_ns())
        if feed.lacks_before(start_ns := int(frame.data.start_ns)):
            # Nobody traded, or a frame was lost, or the line stood a moment after the past was asked for.
            feed.start_mending()
            self._mend(TradeEvent.BUCKET, frame.pair, self._mend_bars(frame.pair, start_ns))
        self._publish_bars(feed.take(frame.data, self._now_ns()), bar_type, instrument)
        self._settle_later(frame.pair)

    def _on_mark_price(self, frame: MarkPrice) -> None:
        instrument = self._marks.get(frame.pair)
        if instrument is not None:
            self._publish(parse_mark_price(frame.data.price, instrument, self._now_ns()))

    def _on_subscribed(self, frame: Subscribed) -> None:
        event, _, symbol = frame.message.partition(":")
        feed = self._trades.get(symbol) if event == TradeEvent.TRADE else None
        if feed is not None and feed.is_mending and (TradeEvent.TRADE, symbol) not in self._mending:
            self._mend(TradeEvent.TRADE, symbol, self._mend_trades(symbol, feed))

    def _on_refusal(self, frame: SocketError | Unsupported) -> None:
        self._log.error(f"VALR refused a subscription: {frame.message}")

    def _on_unknown(self, frame: UnknownFrame) -> None:
        self._log.warning(f"A frame of the unknown type {frame.type[:40]!r} was passed over")

    # -- Books

    def _drop_books(self) -> None:
        for feed in self._books.values():
            for item in feed.drop(self._now_ns()):
                self._publish(item)

    # -- Gaps

    def _mend(self, event: TradeEvent, symbol: str, work: Coroutine[Any, Any, None]) -> None:
        """Begin to make up for a gap, anew if that is under way."""
        self._stop_mending(event, symbol)
        task = self._spawn(work)
        if task is not None:
            self._mending[event, symbol] = task
            task.add_done_callback(lambda done: self._forget_mending(event, symbol, done))

    def _forget_mending(self, event: TradeEvent, symbol: str, done: asyncio.Task[None]) -> None:
        if self._mending.get((event, symbol)) is done:
            del self._mending[event, symbol]

    def _stop_mending(self, event: TradeEvent, symbol: str) -> None:
        task = self._mending.pop((event, symbol), None)
        if task is not None:
            task.cancel()

    async def _mend_trades(self, symbol: str, feed: TradeFeed) -> None:
        """Fetch what traded while nobody listened; the stream is held back meanwhile, so that trades stay in order."""
        gap, why = feed.gap(), "the venue has no more of them"
        # A trade may be told to the one who asks a moment later than to those who listen.
        await asyncio.sleep(_TRADES_GRACE_SECS)
        try:
            async with asyncio.timeout(_TRADES_SECS):
                await fill_gap(gap, partial(self._http.get_trades, with_key=self._has_key))
        except TimeoutError:
            why = f"they could not all be read within {_TRADES_SECS:g} s"
        except VenueError as error:
            why = str(error)
        ticks = feed.mend(gap, self._now_ns())
        if not gap.is_whole:
            self._log.warning(describe_hole(gap, self._now_ns(), why))
        if self._trades.get(symbol) is feed:
            for tick in ticks:
                self._publish(tick)

    def _settle_later(self, symbol: str) -> None:
        """Look again when a bucket that is held counts by time alone; once is enough for all of them."""
        due_ns = self._bars[symbol][0].due_ns()
        if due_ns is not None and symbol not in self._settling:
            wait_secs = max(due_ns - self._now_ns(), 0) / NS_PER_SEC / self._speed
            self._settling[symbol] = asyncio.get_running_loop().call_later(wait_secs, self._settle_bars, symbol)

    def _settle_bars(self, symbol: str) -> None:
        del self._settling[symbol]
        if symbol in self._bars:
            feed, bar_type, instrument = self._bars[symbol]
            self._publish_bars(feed.settle(self._now_ns()), bar_type, instrument)
            self._settle_later(symbol)

    async def _mend_bars(self, symbol: str, until_ns: int | None = None) -> None:
        """Fetch what closed unheard of, by now or by ``until_ns``; the stream waits meanwhile, and order is kept."""
        wanted = self._bars.get(symbol)
        if wanted is None:
            return
        feed, bar_type, instrument = wanted
        missed: list[Bucket] = []
        asked_ns = 0
        for _ in range(_BAR_QUESTIONS):
            try:
                closed_ns = await self._settled_ns(until_ns)
                missed = await fetch_buckets(
                    self._http, symbol, LIVE_PERIOD_SECS, first_ns=feed.next_start_ns, last_ns=closed_ns - NS_PER_MIN
                )
                asked_ns = closed_ns
                break
            except VenueError as error:
                self._log.error(f"Bars of {symbol} since {feed.next_start_ns} may be missing: {error}")
        buckets = feed.mend(missed, self._now_ns(), asked_ns)
        if self._bars.get(symbol) is wanted:
            self._publish_bars(buckets, bar_type, instrument)
            self._settle_later(symbol)

    async def _settled_ns(self, closed_ns: int | None) -> int:
        """A close, by default the newest by the venue's clock, once its bucket does not change any more."""
        venue_ns = await fetch_venue_time(self._http) if closed_ns is None else self._now_ns()
        closed_ns = venue_ns // NS_PER_MIN * NS_PER_MIN if closed_ns is None else closed_ns
        wait_secs = (closed_ns - venue_ns) / NS_PER_SEC + self._bar_grace_secs
        await asyncio.sleep(min(max(wait_secs, 0.0), self._bar_grace_secs) / self._speed)
        return closed_ns

    def _publish_bars(self, buckets: list[Bucket], bar_type: BarType, instrument: VenueInstrument) -> None:
        ts_init = self._now_ns()
        for bucket in buckets:
            self._publish(parse_bar(bucket, bar_type, instrument, ts_init))


def _check_pair(outside: str, inside: str) -> None:
    """A frame names its pair twice; one that is not of one mind is not to be trusted with either."""
    if outside != inside:
        raise ValueError(f"a frame of {outside} speaks of {inside}")
