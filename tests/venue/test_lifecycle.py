"""E80-E87, A11: starts and stops, and restarts after the process was killed while the venue went on."""

import asyncio
from decimal import Decimal
from typing import Any

from helios_nautilus.simulator.exchange.faults import FaultScript
from tests.venue.ledger import differences, equals_ledger
from tests.venue.node import BTCZAR, PERPETUAL, Floor, exchange
from tests.venue.told import Command, Snapshot

BOTH: Any = {"instruments": (BTCZAR, PERPETUAL), "margin": True}


async def restart(floor: Floor) -> Snapshot:
    """Start another node after a kill. Before it has done anything its books equal the ledger; they are returned.

    All but the margin locked up: that the engine reckons by itself as it starts, until the venue's next word.
    """
    node = await floor.open_node(**BOTH)
    found = differences(await node.show(), floor.exchange.dump(), floor.login.account_id)
    assert [line for line in found if not line.startswith("balance ")] == []
    node.tell("query_funds")
    return await equals_ledger(floor)


def test_e80_e81_e82_e83_a_strategy_opens_on_start_and_leaves_nothing_behind_on_stop() -> None:
    async def scenario() -> None:
        async with exchange() as floor:
            resting = {"type": "LIMIT", "instrument": BTCZAR, "side": "BUY", "size": "0.01"}
            opens = (
                Command(do="subscribe", args={"what": "quotes", "instrument": BTCZAR}),
                Command(
                    do="submit",
                    args={"id": "E80", "type": "MARKET", "instrument": PERPETUAL, "side": "SELL", "size": "0.01"},
                ),
                Command(do="submit", args={"id": "E81-1", "price": floor.price("BUY"), **resting}),
                Command(do="submit", args={"id": "E81-2", "price": floor.price("BUY", "0.8"), **resting}),
            )
            closes = (
                Command(do="cancel_all", args={"instrument": BTCZAR}),
                Command(do="close", args={"instrument": PERPETUAL, "reduce_only": True}),
            )
            async with floor.running_node(at_start=opens, at_stop=closes, **BOTH) as node:
                for order in ("E81-1", "E81-2"):
                    await node.sees(order, "Accepted")
                await node.sees("E80", "Filled")
                await node.until(lambda: node.of("QuoteTick"))
                await equals_ledger(floor)
            assert node.of("Stopped")
            dump = floor.exchange.dump()
            assert sorted(row.status for row in dump.orders) == ["Cancelled", "Cancelled", "Filled", "Filled"]
            assert not dump.positions

    asyncio.run(scenario())


def test_e84_e85_a11_after_a_kill_open_orders_and_what_they_traded_meanwhile_are_taken_over() -> None:
    async def scenario() -> None:
        async with exchange() as floor:
            node = await floor.open_node(**BOTH)
            for order, side in (("RESTS", "BUY"), ("PART", "SELL"), ("WHOLE", "BUY"), ("GONE", "SELL")):
                floor.rest(order, side)
                await node.sees(order, "Accepted")
            floor.submit("ARMED", "STOP_LIMIT", "SELL", "0.01", trigger=floor.last("0.8"), price=floor.last("0.79"))
            await node.sees("ARMED", "Accepted")
            floor.trade_against("PART", "0.001")
            await node.sees("PART", "Filled")
            await node.kill()

            venue = floor.exchange.venue
            for order, size in (("PART", "0.002"), ("PART", "0.003"), ("WHOLE", "0.01")):
                floor.trade_against(order, size)
            venue.engine.cancel(floor.order("GONE"), venue.now_ns)
            first = await restart(floor)
            assert {name: order.status for name, order in first.orders.items()} == {
                "RESTS": "ACCEPTED",
                "ARMED": "ACCEPTED",
                "PART": "PARTIALLY_FILLED",
                "WHOLE": "FILLED",
                "GONE": "CANCELED",
            }
            assert {order.strategy_id for order in first.orders.values()} == {"PUPPET-001"}
            await floor.node.kill()

            # Once more, with nothing new: every id is the venue's, so nothing is made up a second time.
            assert (await restart(floor)).orders == first.orders
            floor.trade_against("PART", "0.004")
            await floor.node.agrees(lambda shown: shown.orders["PART"].status == "FILLED")
            floor.node.tell("cancel_all", instrument=BTCZAR)
            for order in ("RESTS", "ARMED"):
                await floor.node.sees(order, "Canceled")
            await equals_ledger(floor)
            assert await floor.node.stop() == 0

    asyncio.run(scenario())


def test_e86_e87_after_a_kill_a_long_a_short_and_a_spot_position_are_there_again() -> None:
    async def scenario() -> None:
        async with exchange() as floor:
            node = await floor.open_node(**BOTH)
            floor.submit("LONG", "MARKET", "BUY", "0.02", PERPETUAL)
            floor.submit("SPOT", "MARKET", "BUY", "0.01")
            await node.agrees(lambda shown: len(shown.positions) == 2)
            await equals_ledger(floor)
            await node.kill()

            found = await restart(floor)
            assert found.positions == {PERPETUAL: "0.0200", BTCZAR: "0.00996500"}
            floor.submit("SHORT", "MARKET", "SELL", "0.05", PERPETUAL)
            await floor.node.agrees(lambda shown: shown.positions[PERPETUAL] == "-0.0300")
            await equals_ledger(floor)
            await floor.node.kill()

            found = await restart(floor)
            assert found.positions == {PERPETUAL: "-0.0300", BTCZAR: "0.00996500"}
            for instrument in (PERPETUAL, BTCZAR):
                floor.node.tell("close", instrument=instrument)
            await floor.node.agrees(lambda shown: not shown.positions)
            await equals_ledger(floor)
            assert await floor.node.stop() == 0

    asyncio.run(scenario())


def test_e84_e85_killed_while_commands_are_on_their_way_the_next_node_finds_what_came_of_them() -> None:
    async def scenario() -> None:
        async with exchange() as floor:
            node = await floor.open_node(**BOTH)
            floor.rest("BEFORE", "SELL")
            await node.sees("BEFORE", "Accepted")
            floor.play("timeout_after", on="P* /v2/orders/*", nth=1, times=0, secs=30.0)
            floor.rest("UNDERWAY")
            floor.submit("TRADES", "MARKET", "SELL", "0.01")
            node.tell("modify", order="BEFORE", size="0.02")
            await node.until(lambda: len(floor.exchange.faults.strikes) == 3)
            await node.kill()

            floor.exchange.play(FaultScript())
            await restart(floor)
            shown = await equals_ledger(floor)
            assert {"BEFORE", "UNDERWAY", "TRADES"} == set(shown.orders)
            assert Decimal(shown.orders["BEFORE"].quantity) == Decimal("0.02")
            floor.node.tell("cancel_all", instrument=BTCZAR)
            for order in ("BEFORE", "UNDERWAY"):
                await floor.node.sees(order, "Canceled")
            await equals_ledger(floor)
            assert await floor.node.stop() == 0

    asyncio.run(scenario())
