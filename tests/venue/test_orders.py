"""Execution ids of the acceptance matrix, by commands of a strategy in a real node."""

import asyncio

from tests.venue.node import BTCZAR, trading


def test_a_limit_order_rests_and_is_cancelled() -> None:
    async def scenario() -> None:
        async with trading() as floor:
            node = floor.node
            node.tell(
                "submit", id="L-1", type="LIMIT", instrument=BTCZAR, side="BUY", size="0.01", price=floor.price("BUY")
            )
            await node.sees("L-1", "Accepted")
            floor.trade_against("L-1", "0.004")
            await node.agrees(lambda shown: shown.orders["L-1"].filled == "0.00400000")
            node.tell("cancel", orders=["L-1"])
            await node.sees("L-1", "Canceled")
            assert node.story("L-1") == ["Initialized", "Submitted", "Accepted", "Filled", "PendingCancel", "Canceled"]

    asyncio.run(scenario())
