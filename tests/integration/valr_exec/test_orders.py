"""What a real node cannot be brought to from outside: engines, client and simulator in one process."""

import asyncio
from decimal import Decimal

import pytest
from nautilus_trader.model.enums import OrderSide, OrderStatus

from helios_nautilus.errors import ConfigError
from tests.integration.valr_exec.desk import PERPETUAL, Desk, simulator, trading, until


def test_too_little_money_is_the_venues_rejection() -> None:
    async def scenario() -> None:
        async with trading(margin=True) as desk:
            order = desk.submit(desk.limit(size="9"))
            await desk.sees(order, "Rejected")
            assert order.venue_order_id is None

    asyncio.run(scenario())


def test_a_perpetual_opens_a_position_that_is_reported_and_closed_reduce_only() -> None:
    async def scenario() -> None:
        async with trading(margin=True) as desk:
            order = desk.submit(desk.market(instrument_id=PERPETUAL, size="0.01"))
            await until(lambda: order.status is OrderStatus.FILLED, lambda: str(desk.kinds(order)))
            assert {fill.commission.currency.code for fill in desk.fills(order)} == {"USDT"}
            (report,) = await desk.position_reports()
            assert (report.instrument_id, report.signed_decimal_qty) == (PERPETUAL, Decimal("0.01"))
            close = desk.submit(desk.market(OrderSide.SELL, instrument_id=PERPETUAL, size="0.01", reduce_only=True))
            await until(lambda: close.status is OrderStatus.FILLED, lambda: str(desk.kinds(close)))
            assert not desk.cache.positions_open()

    asyncio.run(scenario())


def test_the_engines_check_of_positions_leaves_a_spot_position_alone() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            order = desk.submit(desk.market())
            await until(lambda: order.status is OrderStatus.FILLED)
            (position,) = desk.cache.positions_open()
            held = position.quantity
            desk.engine._position_check_threshold_ns = 0
            await desk.engine._check_positions_consistency()
            assert [each.quantity for each in desk.cache.positions_open()] == [held]
            assert desk.cache.orders() == [order]

    asyncio.run(scenario())


def test_spot_is_closed_by_the_engines_own_reduce_only_order_although_the_fee_was_paid_in_base() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            bought = desk.submit(desk.market(size="0.01"))
            await until(lambda: bought.status is OrderStatus.FILLED)
            (position,) = desk.cache.positions_open()
            sold = desk.submit(desk.market(OrderSide.SELL, size="0.01", reduce_only=True))
            await until(lambda: sold.status is OrderStatus.FILLED, lambda: str(desk.kinds(sold)))
            assert sold.quantity < Decimal("0.01")
            assert position.is_closed
            # To the last digit what there was before.
            await until(lambda: desk.ledger_total("BTC") == 1)

    asyncio.run(scenario())


def test_the_primary_account_is_no_margin_account() -> None:
    async def scenario() -> None:
        async with simulator(label=None) as (exchange, login):
            desk = Desk(exchange, login, margin=True)
            with pytest.raises(ConfigError, match="neither margin nor futures"):
                await desk.client._connect()
            await desk.client._disconnect()

    asyncio.run(scenario())
