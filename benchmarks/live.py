"""A VALR data client in the live engine that it is made for, on the running loop."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.cache.config import CacheConfig
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.config import InstrumentProviderConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.data.messages import SubscribeBars, SubscribeOrderBook, SubscribeQuoteTicks, SubscribeTradeTicks
from nautilus_trader.live.data_engine import LiveDataEngine
from nautilus_trader.model.data import BarType, OrderBookDelta
from nautilus_trader.model.enums import BookType
from nautilus_trader.model.identifiers import ClientId, InstrumentId, TraderId

from helios_nautilus.adapters.valr import VALR, ValrDataClientConfig, ValrLiveDataClientFactory
from helios_nautilus.adapters.valr.api.signing import KEY_VARIABLE, SECRET_VARIABLE
from helios_nautilus.adapters.valr.constants import VALR_VENUE
from helios_nautilus.adapters.valr.data import ValrDataClient

TICK_CAPACITY: Final = 10
"""Of the engine's cache: its rings are full soon, so that what grows from then on is nobody's ring."""
_PATIENCE_SECS: Final = 30.0


class LiveData:
    """Engine, cache and client, all running."""

    def __init__(self, url: str) -> None:
        loop, clock = asyncio.get_running_loop(), LiveClock()
        self._clock = clock
        self.bus = MessageBus(trader_id=TraderId("BENCH-001"), clock=clock)
        self.cache = Cache(config=CacheConfig(tick_capacity=TICK_CAPACITY, bar_capacity=TICK_CAPACITY))
        self.engine = LiveDataEngine(loop=loop, msgbus=self.bus, cache=self.cache, clock=clock)
        config = ValrDataClientConfig(
            base_url_http=url,
            base_url_ws=url.replace("http", "ws", 1),
            instrument_provider=InstrumentProviderConfig(load_all=True),
        )
        self.client: ValrDataClient = ValrLiveDataClientFactory.create(loop, VALR, config, self.bus, self.cache, clock)
        self.engine.register_client(self.client)

    def subscribe(self, pairs: Iterable[str], *, trades: bool = True, bars: bool = True) -> None:
        """Ask for the managed book and the quotes of every pair, and for more if wanted."""
        for pair in pairs:
            name = InstrumentId.from_str(f"{pair}.{VALR}")
            self._send(
                SubscribeOrderBook,
                instrument_id=name,
                book_data_type=OrderBookDelta,
                book_type=BookType.L2_MBP,
                depth=0,
                managed=True,
            )
            self._send(SubscribeQuoteTicks, instrument_id=name)
            if trades:
                self._send(SubscribeTradeTicks, instrument_id=name)
            if bars:
                self._send(SubscribeBars, bar_type=BarType.from_str(f"{name}-1-MINUTE-LAST-EXTERNAL"))

    def _send(self, command: type, **fields: Any) -> None:
        stamp_ns = self._clock.timestamp_ns()
        ids = {"client_id": ClientId(VALR), "venue": VALR_VENUE, "command_id": UUID4(), "ts_init": stamp_ns}
        self.engine.execute(command(**ids, params={}, **fields))


@asynccontextmanager
async def live_data(url: str) -> AsyncIterator[LiveData]:
    """A client connected to ``url``, without a key; closed at the end."""
    for name in (KEY_VARIABLE, SECRET_VARIABLE):
        os.environ.pop(name, None)  # a real key has no business here
    live = LiveData(url)
    live.engine.start()
    live.client.connect()
    try:
        await until(lambda: live.client.is_connected and live.cache.instruments())
        yield live
    finally:
        live.client.disconnect()
        await until(lambda: not live.client.is_connected)
        live.engine.stop()


async def until(condition: Callable[[], object], patience_secs: float = _PATIENCE_SECS) -> None:
    """Wait for a condition; `TimeoutError` if it never comes true."""
    async with asyncio.timeout(patience_secs):
        while not condition():
            await asyncio.sleep(0.01)
