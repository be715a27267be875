"""An execution client in a real execution engine and without a network: what becomes of its orders, frame by frame."""

import asyncio
from decimal import Decimal
from typing import Any

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.execution.engine import ExecutionEngine
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import AccountState, OrderEvent
from nautilus_trader.model.identifiers import ClientOrderId, StrategyId, TraderId
from nautilus_trader.model.objects import AccountBalance, Currency, Money
from nautilus_trader.model.orders import Order
from nautilus_trader.portfolio.portfolio import Portfolio

from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.adapters.valr.api.transport import ConnectError
from helios_nautilus.adapters.valr.config import ValrExecClientConfig
from helios_nautilus.adapters.valr.execution import ValrExecutionClient
from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.adapters.valr.providers import ValrInstrumentProvider
from tests.unit.adapters.valr.test_http import ScriptedTransport

BTCUSDT = build_instrument("BTCUSDT.VALR")


class Trader:
    """One account that holds dollars and bitcoin. Within a running event loop only."""

    def __init__(self) -> None:
        clock = LiveClock()
        bus, self.cache = MessageBus(TraderId("TESTER-001"), clock), Cache()
        # Both listen on the bus from here on.
        self._portfolio = Portfolio(bus, self.cache, clock)
        self.engine = ExecutionEngine(bus, self.cache, clock)
        http = ValrHttp(
            HttpConfig(base_url="https://venue.test", deadline_secs=0.001),
            Credentials("ab" * 32, "cd" * 32),
            transport=ScriptedTransport(ConnectError("no network")),
        )
        provider = ValrInstrumentProvider(http, now_ns=clock.timestamp_ns)
        loop, config = asyncio.get_running_loop(), ValrExecClientConfig(api_key="ab" * 32, api_secret="cd" * 32)
        credentials = Credentials("ab" * 32, "cd" * 32)
        self.client = ValrExecutionClient(loop, http, credentials, bus, self.cache, clock, provider, config)
        self.engine.register_client(self.client)
        self.cache.add_instrument(BTCUSDT)
        self.events: list[OrderEvent] = []
        self.states: list[AccountState] = []
        bus.subscribe("events.order.*", self.events.append)
        bus.subscribe("events.account.*", self.states.append)
        self._factory = OrderFactory(TraderId("TESTER-001"), StrategyId("S-001"), clock)
        balances = [
            AccountBalance(*(Money(n, Currency.from_str(code)) for n in (10**6, 0, 10**6))) for code in ("USDT", "BTC")
        ]
        self.client.generate_account_state(balances, [], True, clock.timestamp_ns())
        self.states.clear()

    def submitted(self, name: str, side: OrderSide, size: str, price: str, **options: Any) -> Order:
        """A limit order that is on its way."""
        order = self._factory.limit(
            BTCUSDT.id,
            side,
            BTCUSDT.make_qty(Decimal(size)),
            BTCUSDT.make_price(Decimal(price)),
            client_order_id=ClientOrderId(name),
            **options,
        )
        self.cache.add_order(order)
        self.client.generate_order_submitted(order.strategy_id, order.instrument_id, order.client_order_id, 1)
        self.events.clear()
        return order

    def hear(self, *frames: bytes) -> list[OrderEvent]:
        """What comes of frames, through the very entry that the socket calls."""
        self.events.clear()
        self.states.clear()
        for frame in frames:
            self.client._on_message(frame)
        return self.events.copy()

    async def close(self) -> None:
        """End what it set out to ask the venue."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
