"""Frames of the account are lost without a sign: the client notices by asking now and then."""

import asyncio

from tests.venue.ledger import equals_ledger
from tests.venue.node import BTCZAR, trading


def test_books_are_right_again_after_every_frame_about_a_fill_was_lost() -> None:
    async def scenario() -> None:
        async with trading(execution={"check_interval_secs": 0.5}) as floor:
            node = floor.node
            node.tell(
                "submit", id="L-1", type="LIMIT", instrument=BTCZAR, side="BUY", size="0.01", price=floor.price("BUY")
            )
            await node.sees("L-1", "Accepted")
            await equals_ledger(floor)
            floor.play("drop_frame", on="account *_*", probability=1.0, times=0)
            floor.trade_against("L-1", "0.004")
            shown = await equals_ledger(floor)
            assert shown.orders["L-1"].filled == "0.00400000"

    asyncio.run(scenario())
