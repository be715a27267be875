"""A data client in a real data engine and without a network: what it publishes of the frames it is given."""

import asyncio
from typing import Any

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.data.engine import DataEngine
from nautilus_trader.model.data import BarType
from nautilus_trader.model.identifiers import TraderId

from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.transport import ConnectError
from helios_nautilus.adapters.valr.books import BookView
from helios_nautilus.adapters.valr.config import ValrDataClientConfig
from helios_nautilus.adapters.valr.data import ValrDataClient
from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.adapters.valr.parsing import VenueInstrument
from helios_nautilus.adapters.valr.providers import ValrInstrumentProvider
from tests.unit.adapters.valr.test_http import ScriptedTransport

BTCZAR: VenueInstrument = build_instrument("BTCZAR.VALR")
ETHZAR: VenueInstrument = build_instrument("ETHZAR.VALR")
PERPETUAL: VenueInstrument = build_instrument("BTCUSDTPERP.VALR")


class Listener:
    """Everything of three pairs is subscribed. Within a running event loop only."""

    def __init__(self) -> None:
        clock = LiveClock()
        bus, cache = MessageBus(TraderId("TESTER-001"), clock), Cache()
        self.engine = DataEngine(bus, cache, clock)
        http = ValrHttp(
            HttpConfig(base_url="https://venue.test"), transport=ScriptedTransport(ConnectError("no network"))
        )
        provider = ValrInstrumentProvider(http, now_ns=clock.timestamp_ns)
        loop = asyncio.get_running_loop()
        self.client = ValrDataClient(loop, http, bus, cache, clock, provider, ValrDataClientConfig())
        self.engine.register_client(self.client)
        self.engine.start()
        self.seen: list[Any] = []
        bus.subscribe("data.*", self.seen.append)
        for instrument in (BTCZAR, ETHZAR, PERPETUAL):
            self._want_all(instrument)

    def hear(self, *frames: bytes) -> list[Any]:
        """What comes of frames, through the very entry that the socket calls."""
        self.seen.clear()
        for frame in frames:
            self.client._stream._on_message(frame)
        return self.seen.copy()

    def _want_all(self, instrument: VenueInstrument) -> None:
        stream = self.client._stream
        for view in BookView:
            stream.view_book(instrument, view)
        stream.want_trades(instrument)
        stream.want_bars(BarType.from_str(f"{instrument.id}-1-MINUTE-LAST-EXTERNAL"), instrument, since_ns=0)
        stream.want_marks(instrument)
