"""A04 and A05: whose order it is decides what is said about it, and a fill counts once on whatever ways it comes."""

from decimal import Decimal

import pytest

from helios_nautilus.simulator.exchange.faults import Fault, FaultScript
from helios_nautilus.simulator.exchange.orders import Order, OrderType, Side
from tests.venue.floors import Shared, is_filled, take_back
from tests.venue.node import ETHZAR, Floor


def place_by_hand(floor: Floor, side: Side, size: str, price: str) -> Order:
    """An order of the account that no node of ours placed, such as one by VALR's own page."""
    venue = floor.exchange.venue
    order = Order(
        order_id=venue.ids.uuid(venue.now_ns),
        account_id=floor.login.account_id,
        pair=venue.listing.pairs["ETHZAR"],
        side=side,
        type=OrderType.LIMIT,
        quantity=Decimal(size),
        price=Decimal(price),
        created_ns=venue.now_ns,
    )
    venue.engine.submit(order, venue.now_ns)
    return order


async def is_known(floor: Floor, order: Order, status: str) -> str:
    """Wait until the node has an order of the venue's in a state; what it is called there."""
    shown = await floor.node.agrees(
        lambda shown: any((o.venue_order_id, o.status) == (order.order_id, status) for o in shown.orders.values())
    )
    return next(name for name, found in shown.orders.items() if found.venue_order_id == order.order_id)


def test_a04_an_order_of_another_hand_is_reported_with_its_fills_and_its_end(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        order = place_by_hand(floor, Side.SELL, "0.1", floor.price("SELL", "1.1", ETHZAR))
        venue = floor.exchange.venue
        venue.engine.fill_from_market(order, Decimal("0.04"), venue.now_ns)
        name = await is_known(floor, order, "PARTIALLY_FILLED")
        assert "Submitted" not in floor.node.story(name)
        # From now on it is known, and what happens to it are events.
        venue.engine.fill_from_market(order, Decimal("0.02"), venue.now_ns)
        venue.engine.cancel(order, venue.now_ns)
        await is_known(floor, order, "CANCELED")

    spot.run(scenario)


def test_a04_an_order_of_another_hand_that_filled_at_once_is_reported(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        order = place_by_hand(floor, Side.BUY, "0.05", floor.price("BUY", "1.01", ETHZAR))
        await is_known(floor, order, "FILLED")

    spot.run(scenario)


def test_a05_frames_that_come_twice_or_late_count_once(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.exchange.play(
            FaultScript(
                fault=(
                    Fault(kind="duplicate_frame", on="account *_*", nth=1, times=0),
                    Fault(kind="reorder_frame", on="account *_*", nth=2, times=0),
                )
            )
        )
        floor.rest("A05-TWICE", "SELL")
        await floor.node.sees("A05-TWICE", "Accepted")
        for size in ("0.003", "0.003", "0.004"):
            floor.trade_against("A05-TWICE", size)
        await is_filled(floor, "A05-TWICE")
        floor.exchange.play(FaultScript())
        assert floor.node.story("A05-TWICE").count("Filled") == 3
        assert floor.node.story("A05-TWICE").count("Accepted") == 1

    spot.run(scenario)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a05_fills_before_and_behind_a_break_of_the_socket_count_once(spot: Shared, side: str) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"A05-{side}"
        floor.rest(order, side)
        await floor.node.sees(order, "Accepted")
        floor.trade_against(order, "0.003")
        await floor.node.sees(order, "Filled")
        floor.strike("drop_sockets", on="account")
        # Told by no frame: it is asked for after the reconnect, with the first one once more.
        floor.trade_against(order, "0.003")
        await floor.node.agrees(lambda shown: shown.orders[order].filled == "0.00600000")
        floor.exchange.play(FaultScript())
        floor.trade_against(order, "0.004")
        await is_filled(floor, order)
        assert floor.node.story(order).count("Filled") == 3

    spot.run(scenario)


def test_a05_an_order_given_while_the_socket_is_down_waits_and_is_placed_once(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.strike("drop_sockets", on="account")
        floor.exchange.play(FaultScript())
        floor.rest("A05-WAITS")
        await floor.node.sees("A05-WAITS", "Accepted")
        await take_back(floor, "A05-WAITS")

    spot.run(scenario)
