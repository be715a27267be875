"""A data client in the engine it is made for, against the simulated exchange whose clock the test moves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pandas as pd
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.config import InstrumentProviderConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.data.messages import DataResponse
from nautilus_trader.live.data_engine import LiveDataEngine
from nautilus_trader.model.identifiers import ClientId, InstrumentId, TraderId

from helios_nautilus.adapters.valr.config import ValrDataClientConfig
from helios_nautilus.adapters.valr.constants import VALR, VALR_VENUE
from helios_nautilus.adapters.valr.data import ValrDataClient
from helios_nautilus.adapters.valr.factories import ValrLiveDataClientFactory
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN
from helios_nautilus.simulator.exchange.clock import ManualClock, RunningClock
from helios_nautilus.simulator.exchange.faults import Fault, FaultScript
from helios_nautilus.simulator.exchange.opening import open_account, open_venue
from helios_nautilus.simulator.exchange.orders import Side
from helios_nautilus.simulator.exchange.server import Exchange, Rules
from tests.integration.simulator.client import markets

PATIENCE_SECS = 20.0
BTCZAR = InstrumentId.from_str("BTCZAR.VALR")
ETHZAR = InstrumentId.from_str("ETHZAR.VALR")
PERP = InstrumentId.from_str("BTCUSDTPERP.VALR")


class Desk:
    """The client, its engine, all that was published, and the exchange."""

    def __init__(self, exchange: Exchange, client: ValrDataClient, engine: LiveDataEngine, cache: Cache) -> None:
        self.exchange = exchange
        self.client = client
        self.engine = engine
        self.cache = cache
        self.seen: list[Any] = []

    def of[T](self, kind: type[T]) -> list[T]:
        """What was published of a type, in order."""
        return [item for item in self.seen if isinstance(item, kind)]

    async def until(
        self, condition: Callable[[], object], *, advance_secs: float = 0.0, patience_secs: float = PATIENCE_SECS
    ) -> None:
        """Wait for a condition, moving the venue's clock by steps meanwhile if asked to."""
        async with asyncio.timeout(patience_secs):
            while not condition():
                if advance_secs:
                    self.exchange.advance(advance_secs)
                await asyncio.sleep(0.01)

    def subscribe(self, command_type: type, instrument_id: InstrumentId | None = None, **fields: Any) -> None:
        """Send a command to the engine, as an actor does."""
        if instrument_id is not None:
            fields["instrument_id"] = instrument_id
        self.engine.execute(
            command_type(client_id=ClientId(VALR), venue=VALR_VENUE, command_id=UUID4(), ts_init=0, params={}, **fields)
        )

    async def request(self, request_type: type, *, patience_secs: float = PATIENCE_SECS, **fields: Any) -> DataResponse:
        """Send a request straight to the client; its response before the engine files it."""
        responses: list[DataResponse] = []
        endpoint = "DataEngine.response"
        bus = self.client_bus
        bus.deregister(endpoint, self.engine.response)
        bus.register(endpoint, responses.append)
        request = request_type(
            client_id=ClientId(VALR),
            venue=VALR_VENUE,
            callback=None,
            request_id=UUID4(),
            ts_init=0,
            params={},
            **fields,
        )
        name = request_type.__name__.removeprefix("Request")
        snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
        getattr(self.client, f"request{snake}")(request)
        try:
            await self.until(lambda: responses, patience_secs=patience_secs)
        finally:
            bus.deregister(endpoint, responses.append)
            bus.register(endpoint, self.engine.response)
        return responses[0]

    client_bus: MessageBus

    def minute(self, number: int) -> pd.Timestamp:
        """Minutes after the venue's opening."""
        return pd.Timestamp(OPENS_NS + number * NS_PER_MIN, tz="UTC")

    def book_of_venue(self, symbol: str) -> tuple[dict[float, float], dict[float, float]]:
        """Quantity by price as the venue has it: bids, asks."""
        book = self.exchange.venue.engine.books[symbol]
        bids, asks = (
            {float(level.price): float(level.total) for level in book.levels(side)} for side in (Side.BUY, Side.SELL)
        )
        return bids, asks

    def book_of_engine(self, instrument_id: InstrumentId) -> tuple[dict[float, float], dict[float, float]]:
        """The same as the engine's managed book has it."""
        book = self.cache.order_book(instrument_id)
        if book is None:
            return {}, {}
        bids, asks = ({float(level.price): level.size() for level in side} for side in (book.bids(), book.asks()))
        return bids, asks


OPENS_NS = int(markets()["BTCZAR"].bars.ts_ns[0]) - NS_PER_MIN + NS_PER_DAY + 12 * 60 * NS_PER_MIN


@asynccontextmanager
async def running(
    *faults: Fault,
    speed: float | None = None,
    with_key: bool = False,
    load_ids: frozenset[InstrumentId] | None = None,
    **settings: Any,
) -> AsyncIterator[Desk]:
    """Everything connected; all is closed at the end. With ``speed`` the venue's clock runs by itself."""
    venue = open_venue(markets(), seed=4, opens_ns=OPENS_NS)
    credentials = open_account(venue)
    rules = Rules(limit_scale=0.0, timestamp_tolerance_ms=None)
    venue_clock = ManualClock(venue.now_ns) if speed is None else RunningClock(venue.now_ns, speed)
    exchange = Exchange(venue, venue_clock, rules, FaultScript(fault=faults))
    url = await exchange.start()
    if with_key:
        settings |= {"api_key": credentials.key, "api_secret": credentials.secret}
    config = ValrDataClientConfig(
        base_url_http=url,
        base_url_ws=url.replace("http", "ws", 1),
        instrument_provider=InstrumentProviderConfig(load_all=load_ids is None, load_ids=load_ids),
        bar_grace_secs=0.0,
        **settings,
    )
    loop, clock = asyncio.get_running_loop(), LiveClock()
    bus = MessageBus(trader_id=TraderId("TESTER-001"), clock=clock)
    cache = Cache()
    engine = LiveDataEngine(loop=loop, msgbus=bus, cache=cache, clock=clock)
    client = ValrLiveDataClientFactory.create(loop, VALR, config, bus, cache, clock)
    engine.register_client(client)
    desk = Desk(exchange, client, engine, cache)
    desk.client_bus = bus
    bus.subscribe("data.*", desk.seen.append)
    engine.start()
    client.connect()
    try:
        await desk.until(lambda: client.is_connected and cache.instruments())
        yield desk
    finally:
        client.disconnect()
        await desk.until(lambda: not client.is_connected)
        engine.stop()
        await exchange.stop()
