"""Orders from a strategy to the simulated exchange and back, through the real engines."""

import asyncio
from decimal import Decimal

import pytest
from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderStatus, TimeInForce
from nautilus_trader.model.objects import Currency

from helios_nautilus.errors import ConfigError
from helios_nautilus.simulator.exchange.faults import Fault
from tests.integration.valr_exec.desk import BTCZAR, PERPETUAL, Desk, simulator, trading, until


def test_a_limit_order_rests_and_is_cancelled() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            order = desk.submit(desk.limit())
            await desk.sees(order, "Accepted")
            assert desk.at_venue(order).customer_order_id == order.client_order_id.value
            desk.strategy.cancel_order(order)
            await desk.sees(order, "Canceled")
            assert desk.kinds(order) == ["Initialized", "Submitted", "Accepted", "PendingCancel", "Canceled"]

    asyncio.run(scenario())


def test_a_market_buy_pays_its_fee_in_base() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            order = desk.submit(desk.market())
            await until(lambda: order.status is OrderStatus.FILLED)
            assert order.filled_qty == Decimal("0.001")
            assert {fill.liquidity_side for fill in desk.fills(order)} == {LiquiditySide.TAKER}
            assert {fill.commission.currency for fill in desk.fills(order)} == {Currency.from_str("BTC")}
            paid = sum(fill.commission.as_decimal() for fill in desk.fills(order))
            assert abs(paid - Decimal("0.001") * desk.instrument().taker_fee) < Decimal("0.0000001")
            account = desk.cache.account(desk.client.account_id)
            await until(
                lambda: (
                    abs(account.balance_total(Currency.from_str("BTC")).as_decimal() - desk.ledger_total("BTC"))
                    <= Decimal("0.00000001")
                )
            )

    asyncio.run(scenario())


def test_a_market_sell_pays_its_fee_in_rand() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            order = desk.submit(desk.market(OrderSide.SELL))
            await until(lambda: order.status is OrderStatus.FILLED)
            assert {fill.commission.currency.code for fill in desk.fills(order)} == {"ZAR"}

    asyncio.run(scenario())


def test_a_market_order_in_quote_spends_that_amount() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            order = desk.strategy.order_factory.market(
                BTCZAR, OrderSide.BUY, desk.instrument().make_qty(5000), quote_quantity=True
            )
            desk.submit(order)
            await until(lambda: order.status is OrderStatus.FILLED, lambda: str(desk.kinds(order)))
            spent = sum(fill.last_qty.as_decimal() * fill.last_px.as_decimal() for fill in desk.fills(order))
            assert 4900 < spent <= 5000
            assert not order.is_quote_quantity

    asyncio.run(scenario())


def test_a_crossing_post_only_order_is_rejected_as_such() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            order = desk.submit(desk.limit(away="1.1", post_only=True))
            await desk.sees(order, "Rejected")
            assert desk.strategy.seen[-1].due_post_only
            assert not desk.fills(order)

    asyncio.run(scenario())


def test_an_ioc_that_finds_nothing_is_cancelled() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            order = desk.submit(desk.limit(time_in_force=TimeInForce.IOC))
            await desk.sees(order, "Canceled")
            assert "Rejected" not in desk.kinds(order)

    asyncio.run(scenario())


def test_too_little_money_is_the_venues_rejection() -> None:
    async def scenario() -> None:
        async with trading(margin=True) as desk:
            order = desk.submit(desk.limit(size="9"))
            await desk.sees(order, "Rejected")
            assert order.venue_order_id is None

    asyncio.run(scenario())


def test_what_the_venue_lacks_is_denied_before_submission() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            order = desk.submit(desk.limit(reduce_only=True))
            await desk.sees(order, "Denied")
            assert "Submitted" not in desk.kinds(order)

    asyncio.run(scenario())


def test_a_modify_keeps_the_order_and_changes_price_and_size() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            order = desk.submit(desk.limit())
            await desk.sees(order, "Accepted")
            price = desk.price(OrderSide.BUY, "0.8")
            desk.strategy.modify_order(order, desk.instrument().make_qty(Decimal("0.02")), price)
            await desk.sees(order, "Updated")
            assert (order.price, order.quantity) == (price, Decimal("0.02"))
            assert desk.at_venue(order).quantity == Decimal("0.02")

    asyncio.run(scenario())


def test_a_modify_that_would_cross_is_refused_and_the_order_stays() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            order = desk.submit(desk.limit(post_only=True))
            await desk.sees(order, "Accepted")
            desk.strategy.modify_order(order, price=desk.price(OrderSide.BUY, "1.1"))
            await desk.sees(order, "ModifyRejected")
            assert order.status is OrderStatus.ACCEPTED

    asyncio.run(scenario())


def test_partial_fills_then_a_cancel_leave_what_was_traded() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            order = desk.submit(desk.limit(OrderSide.SELL, away="1.1"))
            await desk.sees(order, "Accepted")
            desk.trade_against(order, "0.004")
            desk.trade_against(order, "0.001")
            await until(lambda: order.filled_qty == Decimal("0.005"))
            desk.strategy.cancel_order(order)
            await desk.sees(order, "Canceled")
            assert order.filled_qty == Decimal("0.005")
            assert len(desk.fills(order)) == 2

    asyncio.run(scenario())


def test_cancel_all_takes_only_the_side_asked_for() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            buys = [desk.submit(desk.limit(away=away)) for away in ("0.9", "0.8")]
            sell = desk.submit(desk.limit(OrderSide.SELL, away="1.2"))
            for order in (*buys, sell):
                await desk.sees(order, "Accepted")
            desk.strategy.cancel_all_orders(BTCZAR, OrderSide.BUY)
            for order in buys:
                await desk.sees(order, "Canceled")
            assert sell.is_open

    asyncio.run(scenario())


def test_a_list_goes_as_one_batch_and_each_order_has_its_own_end() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            good, bad = desk.limit(), desk.limit(away="1.1", post_only=True)
            desk.strategy.submit_order_list(desk.strategy.order_factory.create_list([good, bad]))
            await desk.sees(good, "Accepted")
            await desk.sees(bad, "Rejected")

    asyncio.run(scenario())


def test_a_cancel_of_an_order_that_has_just_filled_ends_as_filled() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            order = desk.submit(desk.limit())
            await desk.sees(order, "Accepted")
            desk.trade_against(order, "0.01")
            desk.strategy.cancel_order(order)
            await until(lambda: order.status is OrderStatus.FILLED, lambda: str(desk.kinds(order)))
            assert "CancelRejected" not in desk.kinds(order)

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


def test_a_reduce_only_order_with_nothing_to_reduce_is_the_venues_rejection() -> None:
    async def scenario() -> None:
        async with trading(margin=True) as desk:
            order = desk.submit(desk.limit(instrument_id=PERPETUAL, reduce_only=True))
            await until(lambda: order.is_closed or order.is_open, lambda: str(desk.kinds(order)))
            assert desk.kinds(order)[-1] == "Rejected"

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


def test_a_reduce_only_order_on_spot_with_nothing_to_reduce_is_denied() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            order = desk.submit(desk.market(OrderSide.SELL, reduce_only=True))
            await desk.sees(order, "Denied")
            assert desk.orders_at_venue() == 0

    asyncio.run(scenario())


def test_the_primary_account_is_no_margin_account() -> None:
    async def scenario() -> None:
        async with simulator(label=None) as (exchange, login):
            desk = Desk(exchange, login, margin=True)
            with pytest.raises(ConfigError, match="neither margin nor futures"):
                await desk.client._connect()
            await desk.client._disconnect()

    asyncio.run(scenario())


def test_a_stop_limit_order_is_armed_and_cancelled() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            order = desk.strategy.order_factory.stop_limit(
                BTCZAR,
                OrderSide.SELL,
                desk.instrument().make_qty(Decimal("0.01")),
                price=desk.price(OrderSide.BUY, "0.8"),
                trigger_price=desk.price(OrderSide.BUY, "0.9"),
            )
            desk.submit(order)
            await desk.sees(order, "Accepted")
            assert str(desk.at_venue(order).status) == "Active"
            desk.strategy.cancel_order(order)
            await desk.sees(order, "Canceled")
            assert "Triggered" not in desk.kinds(order)

    asyncio.run(scenario())


def test_a_stop_triggers_when_the_last_price_gets_there() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            order = desk.strategy.order_factory.stop_limit(
                BTCZAR,
                OrderSide.SELL,
                desk.instrument().make_qty(Decimal("0.01")),
                price=desk.price(OrderSide.SELL, "1.1"),
                trigger_price=desk.price(OrderSide.BUY, "0.9999"),
            )
            desk.submit(order)
            await desk.sees(order, "Accepted")
            for _ in range(5):
                desk.submit(desk.market(OrderSide.SELL, size="0.15"))
            await desk.sees(order, "Triggered")
            assert order.is_open

    asyncio.run(scenario())


def test_a_modify_during_which_a_fill_arrives_leaves_what_truly_remains() -> None:
    async def scenario() -> None:
        async with trading(Fault(kind="fill_on_modify", fraction=0.4, nth=1)) as desk:
            order = desk.submit(desk.limit())
            await desk.sees(order, "Accepted")
            desk.strategy.modify_order(order, desk.instrument().make_qty(Decimal("0.02")))
            await until(lambda: order.quantity == Decimal("0.02") and order.filled_qty > 0, lambda: str(order))
            assert order.filled_qty == Decimal("0.004")
            assert order.leaves_qty == desk.at_venue(order).remaining == Decimal("0.016")

    asyncio.run(scenario())
