"""Outcomes that are not known, lines that break, restarts: nothing is lost, doubled or guessed."""

import asyncio
from decimal import Decimal

import msgspec
import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import CancelAllOrders
from nautilus_trader.model.enums import OrderSide, OrderStatus
from nautilus_trader.model.identifiers import ClientOrderId

from helios_nautilus.adapters.valr.settlement import Doubt
from helios_nautilus.simulator.exchange.faults import Fault, FaultScript
from tests.integration.valr_exec.desk import BTCZAR, PERPETUAL, Desk, simulator, trading, until

SILENCE = tuple(
    Fault(kind="drop_frame", on=f"account {frame}*", nth=1, times=0)
    for frame in ("ORDER_", "OPEN_ORDERS_UPDATE", "NEW_ACCOUNT_TRADE")
)
"""The account socket stays open and says nothing about orders."""


def test_the_engines_own_checks_invent_no_fill_that_the_silent_socket_owes() -> None:
    async def scenario() -> None:
        async with trading(*SILENCE, open_check_secs=0.2) as desk:
            order = desk.submit(desk.limit(OrderSide.SELL, away="1.1"))
            await desk.sees(order, "Accepted")
            for size in ("0.002", "0.003"):
                desk.trade_against(order, size)
            await until(lambda: order.filled_qty == Decimal("0.005"), lambda: str(desk.kinds(order)))
            traded = {row.trade_id for row in desk.exchange.dump().fills}
            assert {fill.trade_id.value for fill in desk.fills(order)} <= traded
            assert len(desk.fills(order)) == 2

    asyncio.run(scenario())


def test_a_position_is_reported_after_the_fill_that_made_it_and_no_order_is_made_up() -> None:
    async def scenario() -> None:
        async with trading(*SILENCE, margin=True) as desk:
            order = desk.submit(desk.limit(away="0.99", instrument_id=PERPETUAL))
            await desk.sees(order, "Accepted")
            desk.trade_against(order, "0.004")
            (report,) = await desk.position_reports()
            (position,) = desk.cache.positions_open()
            assert report.signed_decimal_qty == position.signed_decimal_qty() == Decimal("0.004")

    asyncio.run(scenario())


def test_what_traded_while_the_socket_was_down_is_found_once() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            order = desk.submit(desk.limit(OrderSide.SELL, away="1.1"))
            await desk.sees(order, "Accepted")
            desk.trade_against(order, "0.003")
            await until(lambda: order.filled_qty == Decimal("0.003"))
            desk.cut_sockets()
            desk.trade_against(order, "0.007")
            await until(lambda: order.status is OrderStatus.FILLED, lambda: str(desk.kinds(order)))
            assert [str(fill.last_qty) for fill in desk.fills(order)] == ["0.00300000", "0.00700000"]

    asyncio.run(scenario())


def test_an_order_given_while_the_socket_is_down_waits_for_the_reconciliation() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            desk.cut_sockets()
            await until(lambda: not desk.client._catch_up.is_in_step)
            order = desk.submit(desk.limit())
            await desk.sees(order, "Accepted")
            assert desk.client._catch_up.is_in_step

    asyncio.run(scenario())


NEVER_BACK = Fault(kind="refuse_login", on="account", nth=2, times=0, status=0)
"""Once lost, the account socket stays away; the rest of the venue works."""


@pytest.mark.parametrize("closes_by", ["reduce_only", "size"])
def test_while_we_are_out_of_step_nothing_is_opened_and_what_only_closes_still_goes(closes_by: str) -> None:
    async def scenario() -> None:
        async with trading(NEVER_BACK, command_timeout_secs=0.3) as desk:
            bought = desk.submit(desk.market(size="0.01"))
            await until(lambda: bought.status is OrderStatus.FILLED)
            desk.cut_sockets()
            await until(lambda: not desk.client._catch_up.is_in_step)
            entry = desk.submit(desk.limit())
            await desk.sees(entry, "Denied")
            assert "in step" in desk.strategy.seen[-1].reason
            way = {"reduce_only": True} if closes_by == "reduce_only" else {}
            closing = desk.submit(desk.market(OrderSide.SELL, size="0.005", **way))
            await until(lambda: closing.status is OrderStatus.FILLED, lambda: str(desk.kinds(closing)))

    asyncio.run(scenario())


def test_a_sale_of_more_than_the_position_is_no_exit() -> None:
    async def scenario() -> None:
        async with trading(NEVER_BACK, command_timeout_secs=0.3) as desk:
            desk.cut_sockets()
            await until(lambda: not desk.client._catch_up.is_in_step)
            # The account holds bitcoin, and none of it was bought here.
            order = desk.submit(desk.market(OrderSide.SELL))
            await desk.sees(order, "Denied")

    asyncio.run(scenario())


def test_an_order_that_is_canceled_while_it_waits_to_go_is_never_sent() -> None:
    async def scenario() -> None:
        async with trading(NEVER_BACK, command_timeout_secs=5.0) as desk:
            desk.cut_sockets()
            await until(lambda: not desk.client._catch_up.is_in_step)
            orders = [desk.submit(desk.limit(away=away)) for away in ("0.9", "0.8")]
            await until(lambda: len(desk.client._waiting) == 2)
            desk.strategy.cancel_order(orders[0])
            desk.client.cancel_all_orders(cancel_all(desk))
            for order in orders:
                await desk.sees(order, "Canceled")
            assert desk.orders_at_venue() == 0

    asyncio.run(scenario())


def test_an_order_that_cannot_leave_is_canceled_and_not_rejected() -> None:
    async def scenario() -> None:
        async with trading(command_timeout_secs=0.3) as desk:
            bought = desk.submit(desk.market(size="0.01"))
            await until(lambda: bought.status is OrderStatus.FILLED)
            await desk.exchange.stop()
            order = desk.submit(desk.market(OrderSide.SELL, reduce_only=True))
            await desk.sees(order, "Canceled")
            assert desk.kinds(order) == ["Initialized", "Submitted", "Canceled"]

    asyncio.run(scenario())


def test_an_order_is_canceled_although_the_cancel_may_overtake_it() -> None:
    async def scenario() -> None:
        async with trading() as desk:
            for _ in range(5):
                order = desk.submit(desk.limit())
                desk.strategy.cancel_order(order)
                await desk.sees(order, "Canceled")
                assert not desk.kinds(order).count("Rejected")
            resting = desk.submit(desk.limit())
            await desk.sees(resting, "Accepted")
            early = Doubt(wish="cancel", reason="no such order", is_refused=True, is_early=True)
            desk.client._settlement.soon(desk.client._tracker.track(resting), doubt=early)
            await desk.sees(resting, "Canceled")

    asyncio.run(scenario())


def test_an_order_that_never_arrived_is_over_although_somebody_wanted_it_canceled_meanwhile() -> None:
    async def scenario() -> None:
        async with trading(Fault(kind="timeout_before", on="POST /v?/orders/*", nth=1)) as desk:
            order = desk.submit(desk.limit())
            await desk.sees(order, "Submitted")
            desk.strategy.cancel_order(order)
            await desk.sees(order, "Canceled")
            assert (desk.orders_at_venue(), "Accepted" in desk.kinds(order)) == (0, False)

    asyncio.run(scenario())


@pytest.mark.parametrize(("kind", "ends"), [("error_before", "Rejected"), ("error_after", "Accepted")])
def test_a_crowd_of_orders_in_doubt_is_looked_for_in_lists_and_not_one_by_one(kind: str, ends: str) -> None:
    counted = Fault(kind="slow_reply", on="GET /v1/orders/*", secs=0.0, probability=1.0, times=0)
    unanswered = Fault(kind=kind, on="POST /v?/orders/*", probability=1.0, times=0)

    async def scenario() -> None:
        async with trading(counted, unanswered) as desk:
            asked = len(desk.exchange.faults.strikes)
            orders = [desk.submit(desk.limit()) for _ in range(60)]
            for order in orders:
                await desk.sees(order, ends)
            questions = [strike for strike in desk.exchange.faults.strikes[asked:] if strike.kind == "slow_reply"]
            # Once they are thought to be nowhere, each gets its own three questions.
            assert len(questions) < (280 if ends == "Rejected" else 60)
            assert desk.orders_at_venue() == (0 if ends == "Rejected" else 60)

    asyncio.run(scenario())


def test_a_stop_that_has_triggered_is_canceled_again_where_the_first_cancel_did_nothing() -> None:
    async def scenario() -> None:
        async with trading(Fault(kind="error_before", on="DELETE *", nth=1)) as desk:
            price, trigger = desk.price(OrderSide.BUY, "0.9"), desk.price(OrderSide.SELL, "1.0")
            size = desk.instrument().make_qty(Decimal("0.01"))
            stop = desk.strategy.order_factory.stop_limit(BTCZAR, OrderSide.BUY, size, price, trigger)
            desk.submit(stop)
            await desk.sees(stop, "Accepted")
            desk.submit(desk.market())
            await desk.sees(stop, "Triggered")
            desk.strategy.cancel_order(stop)
            await desk.sees(stop, "Canceled")
            assert "CancelRejected" not in desk.kinds(stop)

    asyncio.run(scenario())


def test_what_another_hand_did_while_the_socket_was_down_is_reported() -> None:
    async def scenario() -> None:
        async with simulator() as (exchange, login):
            mine, other = Desk(exchange, login), Desk(exchange, login)
            await mine.open()
            await other.open()
            known = mine.submit(mine.limit())
            await mine.sees(known, "Accepted")
            mine.client._socket._config = msgspec.structs.replace(mine.client._socket._config, retry_first_secs=5.0)
            mine.cut_sockets()
            await until(lambda: not mine.client._catch_up.is_in_step)
            filled = other.submit(other.market(client_order_id=ClientOrderId("OTHER-1")))
            await until(lambda: filled.status is OrderStatus.FILLED, lambda: str(other.kinds(filled)))
            await until(lambda: mine.cache.order(filled.client_order_id) is not None)
            assert mine.cache.order(filled.client_order_id).filled_qty == filled.filled_qty
            await mine.close()
            await other.close()

    asyncio.run(scenario())


def test_after_a_restart_a_spot_position_is_made_of_its_orders_and_was_never_short() -> None:
    async def scenario() -> None:
        async with simulator() as (exchange, login):
            before = Desk(exchange, login)
            await before.open()
            for side, size in ((OrderSide.BUY, "0.01"), (OrderSide.SELL, "0.004"), (OrderSide.BUY, "0.002")):
                order = before.submit(before.market(side, size=size))
                await until(lambda order=order: order.status is OrderStatus.FILLED)
            (held,) = before.cache.positions_open()
            await before.close()
            after = Desk(exchange, login)
            await after.open()
            (found,) = after.cache.positions_open()
            assert (found.quantity, found.entry) == (held.quantity, OrderSide.BUY)
            assert found.avg_px_open == pytest.approx(held.avg_px_open)
            assert not after.cache.position_snapshots(found.id)
            await after.close()

    asyncio.run(scenario())


def test_after_a_restart_no_open_order_is_taken_up_before_those_that_came_before_it() -> None:
    slow = Fault(kind="timeout_before", on="GET /v1/orders/history*", probability=1.0, times=3)

    async def scenario() -> None:
        async with simulator() as (exchange, login):
            before = Desk(exchange, login)
            await before.open()
            bought = before.submit(before.market(size="0.01"))
            await until(lambda: bought.status is OrderStatus.FILLED)
            selling = before.submit(before.limit(OrderSide.SELL, size="0.005", away="1.1"))
            await before.sees(selling, "Accepted")
            before.trade_against(selling, "0.004")
            await until(lambda: selling.filled_qty == Decimal("0.004"))
            await before.close()
            exchange.play(FaultScript(fault=(slow,)))
            after = Desk(exchange, login)
            await after.open()
            (found,) = after.cache.positions_open()
            assert (found.opening_order_id, found.entry) == (bought.client_order_id, OrderSide.BUY)
            assert not after.cache.position_snapshots(found.id)
            await after.close()

    asyncio.run(scenario())


def test_a_fill_amid_the_questions_of_a_restart_makes_up_no_order() -> None:
    slow = Fault(kind="slow_reply", on="GET /v1/positions/open*", secs=0.4, times=1, probability=1.0)

    async def scenario() -> None:
        async with simulator() as (exchange, login):
            before = Desk(exchange, login, margin=True)
            await before.open()
            resting = before.submit(before.limit(away="0.99", instrument_id=PERPETUAL))
            await before.sees(resting, "Accepted")
            before.trade_against(resting, "0.003")
            await until(lambda: resting.filled_qty == Decimal("0.003"))
            await before.close()
            exchange.play(FaultScript(fault=(slow,)))
            after = Desk(exchange, login, margin=True)
            opening = asyncio.create_task(after.open())
            await until(lambda: exchange.faults.strikes)
            before.trade_against(resting, "0.004")
            await opening
            (found,) = after.cache.orders()
            await until(lambda: found.filled_qty == Decimal("0.007"))
            assert found.client_order_id == resting.client_order_id
            await until(lambda: after.cache.positions_open()[0].quantity == Decimal("0.007"))
            await after.close()

    asyncio.run(scenario())


def test_after_a_restart_open_orders_and_missed_fills_are_taken_over_once() -> None:
    async def scenario() -> None:
        async with simulator() as (exchange, login):
            before = Desk(exchange, login)
            await before.open()
            resting = before.submit(before.limit())
            trading_order = before.submit(before.limit(OrderSide.SELL, away="1.1"))
            for order in (resting, trading_order):
                await before.sees(order, "Accepted")
            await before.close()
            before.trade_against(trading_order, "0.004")
            after = Desk(exchange, login)
            await after.open()
            found = {order.client_order_id: order for order in after.cache.orders()}
            assert found.keys() == {resting.client_order_id, trading_order.client_order_id}
            assert found[trading_order.client_order_id].filled_qty == Decimal("0.004")
            after.trade_against(trading_order, "0.006")
            await until(lambda: found[trading_order.client_order_id].status is OrderStatus.FILLED)
            assert len(found[trading_order.client_order_id].trade_ids) == 2
            assert found[resting.client_order_id].is_open
            await after.close()

    asyncio.run(scenario())


def cancel_all(desk: Desk) -> CancelAllOrders:
    """As a strategy gives it while orders of its own wait in the client."""
    strategy = desk.strategy
    return CancelAllOrders(strategy.trader_id, strategy.id, BTCZAR, OrderSide.NO_ORDER_SIDE, UUID4(), 0)


@pytest.mark.parametrize("side", [OrderSide.BUY, OrderSide.SELL])
def test_after_a_restart_a_perpetual_position_is_there_again(side: OrderSide) -> None:
    async def scenario() -> None:
        async with simulator() as (exchange, login):
            before = Desk(exchange, login, margin=True)
            await before.open()
            order = before.submit(before.market(side, size="0.01", instrument_id=PERPETUAL))
            await until(lambda: order.status is OrderStatus.FILLED)
            await before.close()
            after = Desk(exchange, login, margin=True)
            await after.open()
            (position,) = after.cache.positions_open()
            assert position.entry is side
            assert position.quantity == Decimal("0.01")
            await after.close()

    asyncio.run(scenario())
