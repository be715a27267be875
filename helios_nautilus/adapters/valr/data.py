"""Market data of VALR: one unfaltering socket for what happens, REST for what happened.

Everything here runs on the event loop's thread, the socket's callbacks too, and nothing blocks it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import pandas as pd
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.data.messages import (
    RequestBars,
    RequestFundingRates,
    RequestInstrument,
    RequestInstruments,
    RequestOrderBookDeltas,
    RequestOrderBookDepth,
    RequestOrderBookSnapshot,
    RequestQuoteTicks,
    RequestTradeTicks,
    SubscribeBars,
    SubscribeFundingRates,
    SubscribeIndexPrices,
    SubscribeInstrument,
    SubscribeInstrumentClose,
    SubscribeInstruments,
    SubscribeInstrumentStatus,
    SubscribeMarkPrices,
    SubscribeOrderBook,
    SubscribeQuoteTicks,
    SubscribeTradeTicks,
    UnsubscribeBars,
    UnsubscribeFundingRates,
    UnsubscribeIndexPrices,
    UnsubscribeInstrument,
    UnsubscribeInstrumentClose,
    UnsubscribeInstruments,
    UnsubscribeInstrumentStatus,
    UnsubscribeMarkPrices,
    UnsubscribeOrderBook,
    UnsubscribeQuoteTicks,
    UnsubscribeTradeTicks,
)
from nautilus_trader.live.data_client import LiveMarketDataClient
from nautilus_trader.model.data import BarType, DataType, FundingRateUpdate, InstrumentStatus, OrderBookDeltas
from nautilus_trader.model.enums import BookType, MarketStatusAction, PriceType
from nautilus_trader.model.identifiers import ClientId, InstrumentId
from nautilus_trader.model.instruments import CryptoPerpetual

from helios_nautilus.adapters.valr.api.enums import ExchangeState, TradeEvent
from helios_nautilus.adapters.valr.api.errors import VenueError
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.limits import RateLimiter
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.adapters.valr.books import BookView
from helios_nautilus.adapters.valr.config import ValrDataClientConfig
from helios_nautilus.adapters.valr.constants import VALR, VALR_VENUE
from helios_nautilus.adapters.valr.history import (
    PERIODS_SECS,
    fetch_buckets,
    fetch_funding_rates,
    fetch_trades,
    fetch_venue_time,
)
from helios_nautilus.adapters.valr.parsing import (
    BookScribe,
    VenueInstrument,
    parse_bar,
    parse_estimated_funding,
    parse_funding_rate,
    parse_trade,
)
from helios_nautilus.adapters.valr.providers import ValrInstrumentProvider
from helios_nautilus.adapters.valr.stream import LIVE_PERIOD_SECS, MarketStream
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.errors import UnknownInstrumentError

_SECS_PER_MIN: Final = 60.0


class ValrDataClient(LiveMarketDataClient):
    """Instruments, books, quotes, trades, one-minute bars, mark prices, funding and status of VALR's pairs.

    Without ``credentials`` it uses the public twins of the routes that have a fresher one.
    """

    _instrument_provider: ValrInstrumentProvider

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        http: ValrHttp,
        msgbus: MessageBus,
        cache: Cache,
        clock: LiveClock,
        instrument_provider: ValrInstrumentProvider,
        config: ValrDataClientConfig,
        name: str | None = None,
        *,
        credentials: Credentials | None = None,
        limiter: RateLimiter | None = None,
    ) -> None:
        super().__init__(
            loop=loop,
            client_id=ClientId(name or VALR),
            venue=VALR_VENUE,
            msgbus=msgbus,
            cache=cache,
            clock=clock,
            instrument_provider=instrument_provider,
        )
        self._settings = config
        self._http = http
        self._has_key = credentials is not None
        self._stream = MarketStream(
            config.base_url_ws,
            http,
            publish=self._handle_data_py,
            on_funding_run=self._on_funding_run,
            spawn=self.create_task,
            now_ns=clock.timestamp_ns,
            log=self._log,
            bar_grace_secs=config.bar_grace_secs,
            speed=config.speed,
            credentials=credentials,
            limiter=limiter,
        )
        self._funding: dict[str, VenueInstrument] = {}
        self._statuses: dict[InstrumentId, MarketStatusAction | None] = {}
        self._published_rates: dict[str, FundingRateUpdate] = {}
        self._published: dict[InstrumentId, dict[str, Any]] = {}
        self._polls: dict[str, asyncio.Task[None]] = {}

    @property
    def book_misses(self) -> int:
        """How many books were dropped because a frame did not fit, since the start."""
        return self._stream.book_misses

    @property
    def frames_refused(self) -> int:
        """How many frames could not be read or cannot be true, since the start."""
        return self._stream.frames_refused

    # -- Connection

    async def _connect(self) -> None:
        await self._instrument_provider.initialize()
        self._publish_instruments()
        await self._stream.connect(self._settings.http_deadline_secs)
        interval_mins = self._settings.update_instruments_interval_mins
        if interval_mins is not None:
            interval_secs = interval_mins * _SECS_PER_MIN
            self._poll("instruments", interval_secs, self._update_instruments, first_secs=interval_secs)

    async def _disconnect(self) -> None:
        await self._stream.close()
        for what in list(self._polls):
            self._stop_poll(what)
        await self._http.close()

    # -- Subscribe

    async def _subscribe_instruments(self, command: SubscribeInstruments) -> None:
        """All are published as they are loaded; nothing is to be asked for."""

    async def _subscribe_instrument(self, command: SubscribeInstrument) -> None:
        self._handle_data(await self._instrument(command.instrument_id))

    async def _subscribe_order_book_deltas(self, command: SubscribeOrderBook) -> None:
        if command.book_type != BookType.L2_MBP:
            self._log.error(f"Cannot subscribe to {command.instrument_id} deltas: only L2_MBP books are offered")
            return
        self._stream.view_book(await self._instrument(command.instrument_id), BookView.DELTAS)

    async def _subscribe_order_book_depth(self, command: SubscribeOrderBook) -> None:
        if command.depth > 10:
            self._log.error(f"Cannot subscribe to {command.instrument_id} depth {command.depth}: 10 is the most")
            return
        self._stream.view_book(await self._instrument(command.instrument_id), BookView.DEPTH)

    async def _subscribe_quote_ticks(self, command: SubscribeQuoteTicks) -> None:
        self._stream.view_book(await self._instrument(command.instrument_id), BookView.QUOTES)

    async def _subscribe_trade_ticks(self, command: SubscribeTradeTicks) -> None:
        self._stream.want_trades(await self._instrument(command.instrument_id))

    async def _subscribe_bars(self, command: SubscribeBars) -> None:
        bar_type = command.bar_type
        if _period_secs(bar_type) != LIVE_PERIOD_SECS:
            self._log.error(f"Cannot subscribe to {bar_type}: only 1-MINUTE-LAST-EXTERNAL is streamed")
            return
        instrument = await self._instrument(bar_type.instrument_id)
        since_ns = self._settings.bars_since_ns
        if since_ns is None:
            self._stream.want_bars(bar_type, instrument, await self._about_venue_now_ns())
        else:
            self._stream.want_bars(bar_type, instrument, since_ns, is_past=True)

    async def _subscribe_mark_prices(self, command: SubscribeMarkPrices) -> None:
        instrument = await self._perpetual(command.instrument_id, "mark prices")
        if instrument is not None:
            self._stream.want_marks(instrument)

    async def _subscribe_index_prices(self, command: SubscribeIndexPrices) -> None:
        self._log.error(f"Cannot subscribe to {command.instrument_id} index prices: not offered by VALR")

    async def _subscribe_funding_rates(self, command: SubscribeFundingRates) -> None:
        instrument = await self._perpetual(command.instrument_id, "funding rates")
        if instrument is not None:
            symbol = instrument.raw_symbol.value
            self._funding[symbol] = instrument
            self._stream.want_funding_runs(symbol)
            self._poll("funding rates", self._settings.funding_interval_secs, self._publish_funding)

    async def _subscribe_instrument_status(self, command: SubscribeInstrumentStatus) -> None:
        instrument = await self._instrument(command.instrument_id)
        self._statuses[instrument.id] = None
        self._poll("exchange status", self._settings.status_interval_secs, self._publish_statuses)

    async def _subscribe_instrument_close(self, command: SubscribeInstrumentClose) -> None:
        self._log.error(f"Cannot subscribe to {command.instrument_id} close: VALR trades around the clock")

    # -- Unsubscribe

    async def _unsubscribe_instruments(self, command: UnsubscribeInstruments) -> None:
        """Nothing was asked for."""

    async def _unsubscribe_instrument(self, command: UnsubscribeInstrument) -> None:
        """Nothing was asked for."""

    async def _unsubscribe_order_book_deltas(self, command: UnsubscribeOrderBook) -> None:
        self._stream.leave_book(command.instrument_id.symbol.value, BookView.DELTAS)

    async def _unsubscribe_order_book_depth(self, command: UnsubscribeOrderBook) -> None:
        self._stream.leave_book(command.instrument_id.symbol.value, BookView.DEPTH)

    async def _unsubscribe_quote_ticks(self, command: UnsubscribeQuoteTicks) -> None:
        self._stream.leave_book(command.instrument_id.symbol.value, BookView.QUOTES)

    async def _unsubscribe_trade_ticks(self, command: UnsubscribeTradeTicks) -> None:
        self._stream.leave(TradeEvent.TRADE, command.instrument_id.symbol.value)

    async def _unsubscribe_bars(self, command: UnsubscribeBars) -> None:
        self._stream.leave(TradeEvent.BUCKET, command.bar_type.instrument_id.symbol.value)

    async def _unsubscribe_mark_prices(self, command: UnsubscribeMarkPrices) -> None:
        self._stream.leave(TradeEvent.MARK_PRICE, command.instrument_id.symbol.value)

    async def _unsubscribe_index_prices(self, command: UnsubscribeIndexPrices) -> None:
        """Never subscribed."""

    async def _unsubscribe_funding_rates(self, command: UnsubscribeFundingRates) -> None:
        symbol = command.instrument_id.symbol.value
        if self._funding.pop(symbol, None) is not None:
            self._stream.leave(TradeEvent.FUNDING_RUN, symbol)
        self._published_rates.pop(symbol, None)
        if not self._funding:
            self._stop_poll("funding rates")

    async def _unsubscribe_instrument_status(self, command: UnsubscribeInstrumentStatus) -> None:
        self._statuses.pop(command.instrument_id, None)
        if not self._statuses:
            self._stop_poll("exchange status")

    async def _unsubscribe_instrument_close(self, command: UnsubscribeInstrumentClose) -> None:
        """Never subscribed."""

    # -- Request

    async def _request_instrument(self, request: RequestInstrument) -> None:
        instrument = await self._instrument(request.instrument_id)
        self._handle_instrument(instrument, request.id, request.start, request.end, request.params)

    async def _request_instruments(self, request: RequestInstruments) -> None:
        await self._instrument_provider.load_all_async()
        instruments = self._instrument_provider.list_all()
        self._handle_instruments(VALR_VENUE, instruments, request.id, request.start, request.end, request.params)

    async def _request_order_book_snapshot(self, request: RequestOrderBookSnapshot) -> None:
        """Out of the verified stream if it is there; else over REST: up to 1 s old, without a key up to 30 s."""
        instrument = await self._instrument(request.instrument_id)
        depth, ts_init = request.limit or None, self._clock.timestamp_ns()
        feed = self._stream.book(instrument.raw_symbol.value)
        if feed is not None:
            snapshot = feed.snapshot(depth, ts_init)
        else:
            read = self._http.get_book if self._has_key else self._http.get_public_book
            book = await read(instrument.raw_symbol.value)
            bids, asks = ([(f"{row.price:f}", f"{row.quantity:f}") for row in side] for side in (book.bids, book.asks))
            # The sequence of this route is not the stream's.
            snapshot = BookScribe(instrument).snapshot(
                bids[:depth], asks[:depth], 0, int(book.last_change_ns), self._clock.timestamp_ns()
            )
        data_type = DataType(OrderBookDeltas, metadata={"instrument_id": instrument.id})
        self._handle_data_response(data_type, [snapshot], request.id, None, None, request.params)

    async def _request_order_book_depth(self, request: RequestOrderBookDepth) -> None:
        self._log.error(f"Cannot request {request.instrument_id} past depths: not offered by VALR")

    async def _request_order_book_deltas(self, request: RequestOrderBookDeltas) -> None:
        self._log.error(f"Cannot request {request.instrument_id} past deltas: not offered by VALR")

    async def _request_quote_ticks(self, request: RequestQuoteTicks) -> None:
        self._log.error(f"Cannot request {request.instrument_id} past quotes: not offered by VALR")

    async def _request_trade_ticks(self, request: RequestTradeTicks) -> None:
        instrument = await self._instrument(request.instrument_id)
        page_of = partial(self._http.get_trades, with_key=self._has_key)
        start_ns, end_ns = self._range(request)
        trades = await fetch_trades(
            page_of, instrument.raw_symbol.value, start_ns=start_ns, end_ns=end_ns, limit=request.limit
        )
        ts_init = self._clock.timestamp_ns()
        ticks = [parse_trade(trade, instrument, ts_init) for trade in trades]
        self._handle_trade_ticks(instrument.id, ticks, request.id, request.start, request.end, request.params)

    async def _request_funding_rates(self, request: RequestFundingRates) -> None:
        instrument = await self._perpetual(request.instrument_id, "funding rates")
        if instrument is None:
            return
        start_ns, end_ns = self._range(request)
        rates = await fetch_funding_rates(
            self._http, instrument.raw_symbol.value, start_ns=start_ns, end_ns=end_ns, limit=request.limit
        )
        ts_init = self._clock.timestamp_ns()
        updates = [parse_funding_rate(rate, instrument, ts_init) for rate in rates]
        self._handle_funding_rates(instrument.id, updates, request.id, request.start, request.end, request.params)

    async def _request_bars(self, request: RequestBars) -> None:
        """Bars that closed from start to end, both included."""
        bar_type = request.bar_type
        period_secs = _period_secs(bar_type)
        if period_secs not in PERIODS_SECS:
            self._log.error(f"Cannot request {bar_type} bars: VALR keeps 1, 5, 15 and 30 minutes, 1 and 6 hours, 1 day")
            return
        instrument = await self._instrument(bar_type.instrument_id)
        start_ns, end_ns = self._range(request)
        period_ns = period_secs * NS_PER_SEC
        buckets = await fetch_buckets(
            self._http,
            instrument.raw_symbol.value,
            period_secs,
            first_ns=None if start_ns is None else max(-(-start_ns // period_ns) - 1, 0) * period_ns,
            last_ns=(min(end_ns, await fetch_venue_time(self._http)) // period_ns - 1) * period_ns,
            limit=request.limit,
        )
        ts_init = self._clock.timestamp_ns()
        bars = [parse_bar(bucket, bar_type, instrument, ts_init) for bucket in buckets]
        self._handle_bars(bar_type, bars, request.id, request.start, request.end, request.params)

    # -- Private handlers: what is asked for again and again

    def _poll(
        self, what: str, every_secs: float, action: Callable[[], Awaitable[None]], first_secs: float = 0.0
    ) -> None:
        """Repeat an action until `_stop_poll`; if it is being repeated, do it once more at once."""

        async def repeat() -> None:
            await asyncio.sleep(first_secs)
            while True:
                await self._attempt(what, action)
                await asyncio.sleep(every_secs)

        is_new = what not in self._polls
        task = self.create_task(repeat() if is_new else self._attempt(what, action), log_msg=f"poll: {what}")
        if is_new and task is not None:
            self._polls[what] = task

    def _stop_poll(self, what: str) -> None:
        task = self._polls.pop(what, None)
        if task is not None:
            task.cancel()

    async def _attempt(self, what: str, action: Callable[[], Awaitable[None]]) -> None:
        try:
            await action()
        except VenueError as error:
            self._log.warning(f"No news of {what}: {error}")

    async def _update_instruments(self) -> None:
        await self._instrument_provider.initialize(reload=True)
        self._publish_instruments()

    def _publish_instruments(self) -> None:
        """Publish what is new or has changed, and make its currencies known."""
        for currency in self._instrument_provider.currencies().values():
            self._cache.add_currency(currency)
        for instrument in self._instrument_provider.list_all():
            terms = {key: value for key, value in instrument.to_dict(instrument).items() if not key.startswith("ts_")}
            if self._published.get(instrument.id) != terms:
                self._published[instrument.id] = terms
                self._handle_data(instrument)

    async def _publish_funding(self) -> None:
        infos = await self._http.get_futures_info()
        ts_init = self._clock.timestamp_ns()
        for info in infos:
            instrument = self._funding.get(info.currency_pair)
            if instrument is None:
                continue
            update = parse_estimated_funding(info, instrument, ts_init)
            known = self._published_rates.get(info.currency_pair)
            if known is None or (known.rate, known.next_funding_ns) != (update.rate, update.next_funding_ns):
                self._published_rates[info.currency_pair] = update
                self._handle_data(update)

    def _on_funding_run(self, symbol: str) -> None:
        if symbol in self._funding:
            self.create_task(self._attempt("funding rates", self._publish_funding), log_msg="funding run")

    async def _publish_statuses(self) -> None:
        """The venue tells whether it takes orders at all, and per pair whether it trades."""
        state = (await self._http.get_status()).status
        ts_init = self._clock.timestamp_ns()
        for instrument_id, known in self._statuses.items():
            action = _action_of(state, is_active=self._instrument_provider.is_active(instrument_id))
            if action != known:
                self._statuses[instrument_id] = action
                is_trading = action == MarketStatusAction.TRADING
                self._handle_data(
                    InstrumentStatus(instrument_id, action, ts_init, ts_init, state.value, is_trading=is_trading)
                )

    # -- Small change

    async def _instrument(self, instrument_id: InstrumentId) -> VenueInstrument:
        """An instrument that the engine knows; loaded now if need be. Raises for one the venue has not."""
        instrument = self._instrument_provider.find(instrument_id)
        if instrument is None:
            await self._instrument_provider.load_async(instrument_id)
            self._publish_instruments()
            instrument = self._instrument_provider.find(instrument_id)
        if instrument is None:
            raise UnknownInstrumentError(f"VALR has no instrument {instrument_id}")
        return instrument

    async def _perpetual(self, instrument_id: InstrumentId, what: str) -> CryptoPerpetual | None:
        instrument = await self._instrument(instrument_id)
        if isinstance(instrument, CryptoPerpetual):
            return instrument
        self._log.error(f"{instrument_id} has no {what}: it is not a perpetual")
        return None

    def _range(self, request: Any) -> tuple[int | None, int]:
        """Start, if there is one, and end of a request; nanoseconds UTC."""
        start_ns = None if request.start is None else pd.Timestamp(request.start).value
        end_ns = self._clock.timestamp_ns() if request.end is None else pd.Timestamp(request.end).value
        return start_ns, end_ns

    async def _about_venue_now_ns(self) -> int:
        """The venue's time, or our own time if the venue does not tell."""
        try:
            return await fetch_venue_time(self._http)
        except VenueError as error:
            self._log.warning(f"The venue's time is not known, ours is taken: {error}")
            return self._clock.timestamp_ns()


def _period_secs(bar_type: BarType) -> int | None:
    """Length of a bar of last prices made by the venue; None for all others."""
    spec = bar_type.spec
    if bar_type.is_internally_aggregated() or spec.price_type != PriceType.LAST or not spec.is_time_aggregated():
        return None
    return int(spec.timedelta.total_seconds())


def _action_of(state: ExchangeState, *, is_active: bool) -> MarketStatusAction:
    if not is_active:
        return MarketStatusAction.NOT_AVAILABLE_FOR_TRADING
    return MarketStatusAction.HALT if state is ExchangeState.READ_ONLY else MarketStatusAction.TRADING
