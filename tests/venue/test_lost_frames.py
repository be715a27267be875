"""Frames of the account are lost without a sign: whoever asks now and then, the client or the engine, notices."""

import asyncio
from typing import Any

import pytest

from tests.venue.ledger import equals_ledger
from tests.venue.node import BTCZAR, PERPETUAL, trading


@pytest.mark.parametrize(
    "setup",
    [
        {"execution": {"check_interval_secs": 0.5}},
        {"execution": {"check_interval_secs": 0.5}, "open_check_secs": 0.5, "position_check_secs": 0.5},
    ],
    ids=["the client alone", "both"],
)
def test_books_are_right_again_after_every_frame_about_a_fill_was_lost(setup: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with trading(**setup) as floor:
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


def test_the_engines_own_check_brings_the_venues_fill_and_not_one_it_made_up() -> None:
    async def scenario() -> None:
        async with trading(execution={"check_interval_secs": None}, open_check_secs=0.5) as floor:
            node = floor.node
            node.tell(
                "submit", id="L-1", type="LIMIT", instrument=BTCZAR, side="BUY", size="0.01", price=floor.price("BUY")
            )
            await node.sees("L-1", "Accepted")
            floor.play("drop_frame", on="account *_*", probability=1.0, times=0)
            floor.trade_against("L-1", "0.004")
            shown = await node.agrees(lambda shown: shown.orders["L-1"].filled == "0.00400000")
            (fill,) = floor.exchange.dump().fills
            assert shown.orders["L-1"].trade_ids == (fill.trade_id,)
            assert "Accepted" not in node.story("L-1")[3:]

    asyncio.run(scenario())


def test_a_reduce_only_fill_waits_for_the_lost_one_that_it_reduces() -> None:
    async def scenario() -> None:
        async with trading(instruments=[PERPETUAL], margin=True) as floor:
            node = floor.node
            floor.play("drop_frame", on="account NEW_ACCOUNT_TRADE *", nth=1, times=1)
            node.tell("submit", id="M-1", type="MARKET", instrument=PERPETUAL, side="BUY", size="0.01")
            await node.sees("M-1", "Accepted")
            price = floor.price("BUY", "0.99", PERPETUAL)
            terms = {"type": "LIMIT", "instrument": PERPETUAL, "side": "SELL", "size": "0.004", "price": price}
            node.tell("submit", id="R-1", reduce_only=True, **terms)
            shown = await equals_ledger(floor)
            assert shown.positions == {PERPETUAL: "0.0060"}
            fills = [each["client_order_id"] for each in node.of("OrderFilled")]
            assert fills == sorted(fills)

    asyncio.run(scenario())
