"""A strategy's whole way to the venue in one process: engines, bus, cache, the VALR client and the simulator."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import cache as memoize
from typing import Any

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.config import InstrumentProviderConfig, LiveExecEngineConfig, LiveRiskEngineConfig, StrategyConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import GeneratePositionStatusReports
from nautilus_trader.execution.reports import PositionStatusReport
from nautilus_trader.live.execution_engine import LiveExecutionEngine
from nautilus_trader.live.risk_engine import LiveRiskEngine
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import OrderEvent, OrderFilled
from nautilus_trader.model.identifiers import InstrumentId, TraderId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.orders import Order
from nautilus_trader.portfolio.portfolio import Portfolio
from nautilus_trader.trading.strategy import Strategy

from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.adapters.valr.config import ValrExecClientConfig
from helios_nautilus.adapters.valr.execution import ValrExecutionClient
from helios_nautilus.adapters.valr.providers import ValrInstrumentProvider
from helios_nautilus.adapters.valr.settlement import Patience
from helios_nautilus.simulator.exchange.clock import RunningClock
from helios_nautilus.simulator.exchange.faults import Fault, FaultScript
from helios_nautilus.simulator.exchange.opening import Credentials as Login
from helios_nautilus.simulator.exchange.opening import open_account, open_venue, synthetic_markets
from helios_nautilus.simulator.exchange.orders import Order as VenueOrder
from helios_nautilus.simulator.exchange.orders import Side
from helios_nautilus.simulator.exchange.server import Exchange, Rules

BTCZAR = InstrumentId.from_str("BTCZAR.VALR")
PERPETUAL = InstrumentId.from_str("BTCUSDTPERP.VALR")
PATIENCE_SECS = 15.0
HASTY = Patience(first_secs=0.05, most_secs=0.2, unknown_secs=1.0, unchanged_secs=0.3)


@memoize
def markets() -> Any:
    return synthetic_markets(seed=4, days=2)


class Recorder(Strategy):
    """Trades nothing by itself and remembers every order event."""

    def __init__(self) -> None:
        super().__init__(StrategyConfig(strategy_id="RECORDER", order_id_tag="001"))
        self.seen: list[OrderEvent] = []

    def on_order_event(self, event: OrderEvent) -> None:
        self.seen.append(event)


class Desk:
    """One trader at a running simulator."""

    def __init__(
        self,
        exchange: Exchange,
        login: Login,
        *,
        margin: bool = False,
        open_check_secs: float | None = None,
        **settings: Any,
    ) -> None:
        self.exchange = exchange
        self.account_id = login.account_id
        clock, trader_id = LiveClock(), TraderId("TESTER-001")
        bus = MessageBus(trader_id, clock)
        self.bus, self.clock = bus, clock
        self.cache = Cache()
        portfolio = self.portfolio = Portfolio(bus, self.cache, clock)
        loop = asyncio.get_running_loop()
        self.risk = LiveRiskEngine(
            loop, portfolio, bus, self.cache, clock, LiveRiskEngineConfig(graceful_shutdown_on_exception=True)
        )
        engine_config = LiveExecEngineConfig(
            reconciliation_startup_delay_secs=0,
            open_check_interval_secs=open_check_secs,
            open_check_threshold_ms=0,
            graceful_shutdown_on_exception=True,
        )
        self.engine = LiveExecutionEngine(loop, bus, self.cache, clock, engine_config)
        key = Credentials(login.key, login.secret)
        config = ValrExecClientConfig(
            api_key=login.key,
            api_secret=login.secret,
            base_url_http=exchange.url,
            base_url_ws=exchange.url.replace("http", "ws"),
            margin=margin,
            **settings,
        )
        http = ValrHttp(HttpConfig(base_url=exchange.url, timeout_secs=1.0), key)
        provider = ValrInstrumentProvider(
            http, InstrumentProviderConfig(load_all=True), now_ns=clock.timestamp_ns, has_key=True
        )
        self.client = ValrExecutionClient(loop, http, key, bus, self.cache, clock, provider, config, patience=HASTY)
        self.engine.register_client(self.client)
        self.strategy = Recorder()
        self.strategy.register(trader_id, portfolio, bus, self.cache, clock)

    async def open(self) -> None:
        self.engine.start()
        self.risk.start()
        self.client.connect()
        await until(lambda: self.client.is_connected)
        assert await self.engine.reconcile_execution_state()
        self.strategy.start()

    async def close(self) -> None:
        self.strategy.stop()
        self.client.disconnect()
        await until(lambda: not self.client.is_connected)
        self.engine.stop()
        self.risk.stop()
        await until(lambda: self.engine.get_evt_queue_task() is None or self.engine.get_evt_queue_task().done())

    def instrument(self, instrument_id: InstrumentId = BTCZAR) -> Instrument:
        return self.cache.instrument(instrument_id)

    def price(self, side: OrderSide, away: str = "0.9", instrument_id: InstrumentId = BTCZAR) -> Any:
        """So far from the best price of the own side, as a share of it."""
        books = self.exchange.venue.engine.books
        best = books[instrument_id.symbol.value].best(Side.BUY if side is OrderSide.BUY else Side.SELL)
        return self.instrument(instrument_id).make_price((best * Decimal(away)).to_integral_value())

    def limit(
        self,
        side: OrderSide = OrderSide.BUY,
        size: str = "0.01",
        away: str = "0.9",
        instrument_id: InstrumentId = BTCZAR,
        **options: Any,
    ) -> Order:
        return self.strategy.order_factory.limit(
            instrument_id,
            side,
            self.instrument(instrument_id).make_qty(Decimal(size)),
            self.price(side, away, instrument_id),
            **options,
        )

    def market(
        self,
        side: OrderSide = OrderSide.BUY,
        size: str = "0.001",
        instrument_id: InstrumentId = BTCZAR,
        **options: Any,
    ) -> Order:
        size_of = self.instrument(instrument_id).make_qty(Decimal(size))
        return self.strategy.order_factory.market(instrument_id, side, size_of, **options)

    def submit(self, order: Order) -> Order:
        self.strategy.submit_order(order)
        return order

    def kinds(self, order: Order) -> list[str]:
        """Its events by name, without the engine's own beginning."""
        return [
            type(event).__name__.removeprefix("Order")
            for event in self.strategy.seen
            if event.client_order_id == order.client_order_id
        ]

    def fills(self, order: Order) -> list[OrderFilled]:
        return [
            event
            for event in self.strategy.seen
            if isinstance(event, OrderFilled) and event.client_order_id == order.client_order_id
        ]

    async def sees(self, order: Order, kind: str) -> None:
        await until(lambda: kind in self.kinds(order), lambda: f"{order} {self.kinds(order)}")

    def at_venue(self, order: Order) -> VenueOrder:
        """The simulator's own record."""
        engine = self.exchange.venue.engine
        return engine.find(
            self.account_id, order_id=order.venue_order_id.value, symbol=order.instrument_id.symbol.value
        )

    def trade_against(self, order: Order, size: str) -> None:
        """Let the market take so much of a resting order."""
        venue = self.exchange.venue
        venue.engine.fill_from_market(self.at_venue(order), Decimal(size), venue.now_ns)

    async def position_reports(self) -> list[PositionStatusReport]:
        return await self.client.generate_position_status_reports(
            GeneratePositionStatusReports(None, None, None, UUID4(), self.client._clock.timestamp_ns())
        )

    def cut_sockets(self) -> None:
        """The line to the account breaks without a word."""
        for session in self.exchange._sockets.each("account"):
            session.hang_up(1006)

    def orders_at_venue(self) -> int:
        return sum(row.account_id == self.account_id for row in self.exchange.dump().orders)

    def ledger_total(self, currency: str) -> Decimal:
        return next(
            Decimal(row.total)
            for row in self.exchange.dump().balances
            if row.account_id == self.account_id and row.currency == currency
        )


async def until(condition: Callable[[], object], describe: Callable[[], str] = lambda: "") -> None:
    """Wait for a condition, not for a time."""
    try:
        async with asyncio.timeout(PATIENCE_SECS):
            while not condition():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"it never came to it: {describe()}") from None


@asynccontextmanager
async def simulator(
    *faults: Fault, label: str | None = "trader", seed: int = 0
) -> AsyncIterator[tuple[Exchange, Login]]:
    now_ns = time.time_ns()
    venue = open_venue(markets(), seed=4, now_ns=now_ns)
    login = open_account(venue, label=label)
    script = FaultScript(seed=seed, fault=list(faults))
    exchange = Exchange(venue, RunningClock(now_ns), Rules(limit_scale=0.0), script)
    await exchange.start()
    try:
        yield exchange, login
    finally:
        await exchange.stop()


@asynccontextmanager
async def trading(
    *faults: Fault, margin: bool = False, open_check_secs: float | None = None, seed: int = 0, **settings: Any
) -> AsyncIterator[Desk]:
    """A trader with a connected client."""
    async with simulator(*faults, seed=seed) as (exchange, login):
        desk = Desk(exchange, login, margin=margin, open_check_secs=open_check_secs, **settings)
        await desk.open()
        try:
            yield desk
        finally:
            await desk.close()
