"""A paper account that goes on after a restart: the engine's books, and what its exchange does with what was held."""

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.live.config import LiveExecEngineConfig
from nautilus_trader.live.execution_engine import LiveExecutionEngine
from nautilus_trader.model.data import BookOrder, OrderBookDelta, OrderBookDeltas
from nautilus_trader.model.enums import BookAction, OrderSide, OrderStatus
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Currency
from nautilus_trader.model.orders import Order
from nautilus_trader.model.position import Position
from nautilus_trader.portfolio.portfolio import Portfolio
from nautilus_trader.risk.engine import RiskEngine
from nautilus_trader.test_kit.stubs.component import TestComponentStubs
from nautilus_trader.test_kit.stubs.identifiers import TestIdStubs
from nautilus_trader.trading.config import StrategyConfig
from nautilus_trader.trading.strategy import Strategy

from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.domain.portfolio.ledger import AccountKind
from helios_nautilus.journal.records import AccountHolding, AccountRecord
from helios_nautilus.node.balances import write_balances
from helios_nautilus.node.paper_exchange import PaperExchange, PaperExchangeConfig
from helios_nautilus.node.paper_reports import balances_before
from tests.fakes import BTC, START_NS

ENTRY = Decimal("1000000.37")
"""Between two ticks, as an average is."""


def account(kind: AccountKind, quantity: str = "0.12345678") -> AccountRecord:
    held = AccountHolding(instrument_id=BTC.value, quantity=Decimal(quantity), entry_price=ENTRY, opened_ns=START_NS)
    base = {"BTC": held.quantity} if kind == "cash" else {}
    return AccountRecord(
        ts_ns=START_NS, kind=kind, balances={"ZAR": Decimal("54321.99"), **base}, holdings=(held,), continues="before"
    )


class Restart:
    """A node's execution side as it is after a restart, and a strategy that claims what was held."""

    def __init__(self, loop: asyncio.AbstractEventLoop, begins: AccountRecord) -> None:
        self.clock = LiveClock()
        msgbus = MessageBus(trader_id=TestIdStubs.trader_id(), clock=self.clock)
        self.cache = TestComponentStubs.cache()
        self.instrument: Instrument = build_instrument(BTC.value)
        self.cache.add_instrument(self.instrument)
        shared = {"msgbus": msgbus, "cache": self.cache, "clock": self.clock}
        portfolio = Portfolio(**shared)
        self.risk_engine = RiskEngine(portfolio=portfolio, **shared)
        self.engine = LiveExecutionEngine(
            loop=loop, config=LiveExecEngineConfig(reconciliation=True, inflight_check_interval_ms=0), **shared
        )
        before = balances_before(begins, {BTC.value: self.instrument})
        config = PaperExchangeConfig(
            venue="VALR",
            account_type=begins.kind.upper(),
            starting_balances=write_balances(before),
            holdings=begins.holdings,
            book_type="L2_MBP",
            bar_execution=False,
            trade_execution=False,
            latency_ms=1.0,
        )
        self.exchange = PaperExchange(loop, config=config, portfolio=portfolio, **shared)
        self.engine.register_client(self.exchange)
        self.strategy = Strategy(StrategyConfig(order_id_tag="001", external_order_claims=[BTC]))
        self.strategy.register(trader_id=TestIdStubs.trader_id(), portfolio=portfolio, **shared)
        self.engine.register_external_order_claims(self.strategy)

    async def start(self) -> None:
        """As the kernel does it: connect, reconcile, start the strategies."""
        self.engine.start()
        self.risk_engine.start()
        self.exchange.connect()
        assert await self.engine.reconcile_execution_state()
        self.strategy.start()
        now_ns = self.clock.timestamp_ns()
        deltas = [OrderBookDelta.clear(BTC, 0, now_ns, now_ns)]
        for side, price in ((OrderSide.BUY, 1_010_000), (OrderSide.SELL, 1_010_001)):
            made = self.instrument.make_price(price), self.instrument.make_qty(9)
            deltas.append(OrderBookDelta(BTC, BookAction.ADD, BookOrder(side, *made, price), 0, 0, now_ns, now_ns))
        self.exchange.on_data(OrderBookDeltas(BTC, deltas))

    @property
    def positions(self) -> list[Position]:
        return list(self.cache.positions_open(strategy_id=self.strategy.id))

    def balance(self, code: str) -> Decimal:
        held = self.cache.account_for_venue(self.exchange.venue)
        return Decimal(held.balance_total(Currency.from_str(code)).as_decimal())

    def leave(self) -> Order:
        """Close what is held, as every way out does: reduce-only."""
        (position,) = self.positions
        order = self.strategy.order_factory.market(
            BTC, position.closing_order_side(), position.quantity, reduce_only=True
        )
        self.strategy.submit_order(order, position_id=position.id)
        return order


def restarting(begins: AccountRecord, body: Callable[[Restart], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        desk = Restart(asyncio.get_running_loop(), begins)
        async with asyncio.timeout(20):
            await desk.start()
            await body(desk)
        desk.engine.stop()

    asyncio.run(run())


@pytest.mark.parametrize("quantity", ["0.12345678", "-0.12345678", "0.00000003"])
def test_a_margin_account_has_its_balance_and_its_position_at_the_average_price(quantity: str) -> None:
    async def body(desk: Restart) -> None:
        assert desk.balance("ZAR") == Decimal("54321.99")
        (position,) = desk.positions
        assert position.signed_decimal_qty() == Decimal(quantity)
        off = abs(Decimal(position.avg_px_open) - ENTRY) * abs(Decimal(quantity))
        assert off < Decimal("0.00000001"), "worth less than a tick of a lot"
        assert position.ts_opened == START_NS

    restarting(account("margin", quantity), body)


def test_a_cash_account_has_its_balances_and_what_was_bought() -> None:
    async def body(desk: Restart) -> None:
        assert desk.balance("ZAR") == Decimal("54321.99")
        assert desk.balance("BTC") == Decimal("0.12345678")
        (position,) = desk.positions
        assert position.signed_decimal_qty() == Decimal("0.12345678")

    restarting(account("cash"), body)


@pytest.mark.parametrize("kind", ["cash", "margin"])
def test_what_was_held_can_be_left_by_a_reduce_only_order(kind: AccountKind) -> None:
    async def body(desk: Restart) -> None:
        order = desk.leave()
        while not order.is_closed:
            await asyncio.sleep(0.001)
        assert order.status == OrderStatus.FILLED
        assert desk.positions == []
        proceeds, fee = Decimal("0.12345678") * 1_010_000, sum(each.as_decimal() for each in order.commissions())
        gain = proceeds - Decimal("0.12345678") * ENTRY if kind == "margin" else proceeds
        assert abs(desk.balance("ZAR") - (Decimal("54321.99") + gain - fee)) < Decimal("0.01")
        if kind == "cash":
            assert desk.balance("BTC") == 0

    restarting(account(kind), body)


def test_an_account_without_positions_has_nothing_to_reconcile() -> None:
    async def body(desk: Restart) -> None:
        assert desk.positions == []
        assert desk.balance("ZAR") == Decimal(100)

    begins = AccountRecord(ts_ns=START_NS, kind="margin", balances={"ZAR": Decimal(100)}, holdings=())
    restarting(begins, body)
