"""Paper's exchange fills from the book as it is when an order arrives, not as it was when it was sent."""

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.execution.engine import ExecutionEngine
from nautilus_trader.model.data import BookOrder, OrderBookDelta, OrderBookDeltas
from nautilus_trader.model.enums import BookAction, OrderSide, OrderStatus
from nautilus_trader.model.events import OrderInitialized
from nautilus_trader.model.instruments import CurrencyPair, Instrument
from nautilus_trader.model.orders import Order
from nautilus_trader.portfolio.portfolio import Portfolio
from nautilus_trader.risk.engine import RiskEngine
from nautilus_trader.test_kit.stubs.component import TestComponentStubs
from nautilus_trader.test_kit.stubs.identifiers import TestIdStubs
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.node.paper_exchange import PaperExchange, PaperExchangeConfig
from helios_nautilus.strategies.orders import sent_before
from tests.fakes import BTC

LATENCY_MS = 100.0


class Desk:
    """A trader on a paper exchange, in real time: R1 000 000 and no bitcoin."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.clock = LiveClock()
        msgbus = MessageBus(trader_id=TestIdStubs.trader_id(), clock=self.clock)
        cache = TestComponentStubs.cache()
        self.instrument: Instrument = build_instrument(BTC.value)
        cache.add_instrument(self.instrument)
        shared = {"msgbus": msgbus, "cache": cache, "clock": self.clock}
        portfolio = Portfolio(**shared)
        self.risk_engine = RiskEngine(portfolio=portfolio, **shared)
        engine = ExecutionEngine(**shared)
        config = PaperExchangeConfig(
            venue="VALR",
            account_type="CASH",
            starting_balances=["1000000 ZAR", "0 BTC"],
            book_type="L2_MBP",
            bar_execution=False,
            trade_execution=False,
            latency_ms=LATENCY_MS,
        )
        self.exchange = PaperExchange(loop, config=config, portfolio=portfolio, **shared)
        engine.register_client(self.exchange)
        self.strategy = Strategy(StrategyConfig(order_id_tag="001"))
        self.strategy.register(trader_id=TestIdStubs.trader_id(), portfolio=portfolio, **shared)
        for component in (engine, self.risk_engine, self.strategy):
            component.start()
        self.exchange.connect()

    def show(self, asks: dict[int, str]) -> None:
        """From now on the book is this: quantity by price."""
        now_ns = self.clock.timestamp_ns()
        deltas = [OrderBookDelta.clear(BTC, 0, now_ns, now_ns)]
        for price, size in {**asks, 900_000: "1"}.items():
            side = OrderSide.SELL if price in asks else OrderSide.BUY
            made = self.instrument.make_price(price), self.instrument.make_qty(Decimal(size))
            deltas.append(OrderBookDelta(BTC, BookAction.ADD, BookOrder(side, *made, price), 0, 0, now_ns, now_ns))
        self.exchange.on_data(OrderBookDeltas(BTC, deltas))

    def lose_book(self) -> None:
        """The client drops its view of the book, as after a frame was lost; VALR's own is where it was."""
        now_ns = self.clock.timestamp_ns()
        self.exchange.on_data(OrderBookDeltas(BTC, [OrderBookDelta.clear(BTC, 0, now_ns, now_ns)]))

    def buy(self, size: str) -> Order:
        order = self.strategy.order_factory.market(BTC, OrderSide.BUY, self.instrument.make_qty(Decimal(size)))
        self.strategy.submit_order(order)
        return order


def trading(body: Callable[[Desk], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        desk = Desk(asyncio.get_running_loop())
        async with asyncio.timeout(20):
            await body(desk)

    asyncio.run(run())


async def filled(order: Order) -> None:
    while not order.is_closed:
        await asyncio.sleep(0.001)


def test_an_order_trades_at_the_book_that_it_meets() -> None:
    async def body(desk: Desk) -> None:
        desk.show({1_000_000: "1"})
        sent_ns = desk.clock.timestamp_ns()
        order = desk.buy("0.1")
        assert order.filled_qty == 0
        desk.show({1_001_000: "1"})
        await filled(order)
        assert order.avg_px == 1_001_000
        assert order.ts_last - sent_ns >= LATENCY_MS * 1e6

    trading(body)


def test_an_order_larger_than_the_best_level_goes_through_the_book_and_pays_valr_s_fee() -> None:
    async def body(desk: Desk) -> None:
        desk.show({1_000_000: "0.04", 1_002_000: "1"})
        order = desk.buy("0.1")
        await filled(order)
        assert order.avg_px == 1_001_200
        paid = sum(money.as_decimal() for money in order.commissions())
        assert paid == Decimal("100120") * desk.instrument.taker_fee

    trading(body)


def test_a_fee_that_valr_has_changed_since_is_the_one_that_is_paid() -> None:
    async def body(desk: Desk) -> None:
        desk.show({1_000_000: "1"})
        fields = CurrencyPair.to_dict(desk.instrument) | {"taker_fee": "0.001"}
        desk.exchange.on_data(CurrencyPair.from_dict(fields))
        order = desk.buy("0.1")
        await filled(order)
        assert [str(money) for money in order.commissions()] == ["100.00 ZAR"]

    trading(body)


def test_orders_arrive_in_the_order_in_which_they_were_sent() -> None:
    async def body(desk: Desk) -> None:
        desk.show({1_000_000: "1"})
        first, second = desk.buy("0.1"), desk.buy("0.2")
        await filled(second)
        assert first.is_closed
        assert first.ts_last < second.ts_last

    trading(body)


def test_orders_that_meet_no_book_wait_for_it_and_keep_their_order() -> None:
    async def body(desk: Desk) -> None:
        desk.show({1_000_000: "1"})
        first = desk.buy("0.1")
        desk.lose_book()
        await asyncio.sleep(LATENCY_MS / 1e3 + 0.01)  # it has arrived
        second = desk.buy("0.2")
        await asyncio.sleep(LATENCY_MS / 1e3 + 0.01)
        assert not any(order.is_closed for order in (first, second))

        desk.show({1_001_000: "1"})
        await filled(second)
        assert first.is_closed
        assert first.ts_last < second.ts_last
        assert first.avg_px == second.avg_px == 1_001_000

    trading(body)


def test_an_order_that_an_earlier_process_sent_is_said_to_be_gone_when_somebody_asks() -> None:
    async def body(desk: Desk) -> None:
        made = desk.strategy.order_factory.market(BTC, OrderSide.BUY, desk.instrument.make_qty(Decimal("0.1")))
        fields = OrderInitialized.to_dict(made.init_event)
        order = sent_before(fields, desk.exchange.account_id, desk.clock.timestamp_ns())
        desk.strategy.cache.add_order(order)
        desk.strategy.query_order(order)
        await filled(order)
        assert order.status is OrderStatus.REJECTED

    trading(body)
