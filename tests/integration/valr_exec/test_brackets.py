"""Brackets on spot, whose stop and target the engine emulates: VALR sees one plain order after the other."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from nautilus_trader.config import OrderEmulatorConfig
from nautilus_trader.execution.emulator import OrderEmulator
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import ContingencyType, OrderSide, OrderStatus, OrderType, TriggerType
from nautilus_trader.model.events import OrderInitialized
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order, OrderList, OrderUnpacker

from tests.integration.valr_exec.desk import BTCZAR, Desk, trading, until


class Emulation:
    """The engine's own emulator beside a desk, fed with quotes by the test."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        desk.bus.register("DataEngine.execute", lambda command: None)
        self.emulator = OrderEmulator(desk.portfolio, desk.bus, desk.cache, desk.clock, OrderEmulatorConfig())
        self.emulator.start()

    def quote(self, price: Any) -> None:
        """Both sides of the market stand at a price."""
        now_ns, one = self._desk.clock.timestamp_ns(), Quantity.from_int(1)
        tick = QuoteTick(BTCZAR, Price(price, 0), Price(price, 0), one, one, now_ns, now_ns)
        self._desk.cache.add_quote_tick(tick)
        self._desk.bus.publish(f"data.quotes.{BTCZAR.venue}.{BTCZAR.symbol}", tick)

    def bracket(self, **options: Any) -> list[Order]:
        """Given, with entry, stop and target; the stop is a tenth below the market and the target a tenth above."""
        desk, market = self._desk, self._desk.price(OrderSide.BUY, "1")
        bracket = desk.strategy.order_factory.bracket(
            BTCZAR,
            OrderSide.BUY,
            desk.instrument().make_qty(Decimal("0.01")),
            sl_trigger_price=desk.price(OrderSide.BUY, "0.9"),
            tp_price=desk.price(OrderSide.BUY, "1.1"),
            emulation_trigger=TriggerType.BID_ASK,
            **options,
        )
        orders = [without_trigger(bracket.first), *bracket.orders[1:]]
        self.quote(market)
        desk.strategy.submit_order_list(OrderList(bracket.id, orders))
        return orders


def without_trigger(entry: Order) -> Order:
    """The same entry, which the emulator does not hold back."""
    terms = OrderInitialized.to_dict(entry.init_event) | {"emulation_trigger": "NO_TRIGGER"}
    return OrderUnpacker.from_init(OrderInitialized.from_dict(terms))


@pytest.mark.parametrize("contingency", [ContingencyType.OUO, ContingencyType.OCO])
@pytest.mark.parametrize(("away", "is_stop"), [("0.85", True), ("1.15", False)])
def test_one_exit_closes_what_was_bought_less_its_fee_and_the_other_is_gone(
    contingency: ContingencyType, away: str, is_stop: bool
) -> None:
    async def scenario() -> None:
        async with trading() as desk:
            emulation = Emulation(desk)
            entry, stop, target = emulation.bracket(contingency_type=contingency)
            await until(lambda: entry.status is OrderStatus.FILLED, lambda: str(desk.kinds(entry)))
            assert desk.orders_at_venue() == 1
            exits = [desk.cache.order(each.client_order_id) for each in (stop, target)]
            assert [each.status for each in exits] == [OrderStatus.EMULATED, OrderStatus.EMULATED]
            emulation.quote(desk.price(OrderSide.BUY, away))
            taken, other = (stop, target) if is_stop else (target, stop)
            await until(
                lambda: desk.cache.order(taken.client_order_id).status is OrderStatus.FILLED,
                lambda: str(desk.kinds(taken)),
            )
            await until(lambda: desk.cache.order(other.client_order_id).status is OrderStatus.CANCELED)
            assert not desk.cache.positions_open()
            assert desk.cache.order(taken.client_order_id).filled_qty < Decimal("0.01")
            assert desk.orders_at_venue() == 2
            await until(lambda: desk.ledger_total("BTC") == 1)

    asyncio.run(scenario())


def test_a_post_only_entry_rests_at_the_venue_and_each_of_its_fills_arms_the_exits() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            emulation = Emulation(desk)
            entry, stop, target = emulation.bracket(
                entry_order_type=OrderType.LIMIT, entry_price=desk.price(OrderSide.BUY, "0.95"), entry_post_only=True
            )
            await desk.sees(entry, "Accepted")
            exits = [desk.cache.order(each.client_order_id) for each in (stop, target)]
            assert [each.status for each in exits] == [OrderStatus.INITIALIZED, OrderStatus.INITIALIZED]
            for size, filled in (("0.004", "0.004"), ("0.006", "0.01")):
                desk.trade_against(entry, size)
                await until(lambda filled=filled: entry.filled_qty == Decimal(filled))
                assert {(each.status, each.quantity.as_decimal()) for each in exits} == {
                    (OrderStatus.EMULATED, Decimal(filled))
                }
            emulation.quote(desk.price(OrderSide.BUY, "0.85"))
            await until(lambda: entry.is_closed and not desk.cache.positions_open(), lambda: str(desk.kinds(stop)))
            assert desk.orders_at_venue() == 2

    asyncio.run(scenario())


def test_a_bracket_that_the_engine_does_not_emulate_is_denied_whole() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            bracket = desk.strategy.order_factory.bracket(
                BTCZAR,
                OrderSide.BUY,
                desk.instrument().make_qty(Decimal("0.01")),
                sl_trigger_price=desk.price(OrderSide.BUY, "0.9"),
                tp_price=desk.price(OrderSide.BUY, "1.1"),
            )
            desk.strategy.submit_order_list(bracket)
            for order in bracket.orders:
                await desk.sees(order, "Denied")
            assert desk.orders_at_venue() == 0

    asyncio.run(scenario())
