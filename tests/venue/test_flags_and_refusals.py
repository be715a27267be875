"""E60-E73, E78, A01, A02: the flags of an order, rewards, and what is refused, by whom and with which event."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from tests.venue.floors import Shared, is_filled, take_back
from tests.venue.node import BTCZAR, PERPETUAL, Floor

REWARDED_TIER = 6
"""The lowest at which VALR pays makers on rand pairs: 0.01 %."""


@contextmanager
def tier(floor: Floor, number: int) -> Iterator[None]:
    """Let the account pay what so much trading earns."""
    account = floor.exchange.venue.accounts[floor.login.account_id]
    before, account.tier = account.tier, number
    yield
    account.tier = before


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_e60_a_post_only_order_rests_and_trades_as_maker(spot: Shared, side: str) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E60-{side}"
        floor.rest(order, side, post_only=True)
        await floor.node.sees(order, "Accepted")
        floor.trade_against(order, "0.01")
        assert (await floor.node.sees(order, "Filled"))["liquidity_side"] == "MAKER"

    spot.run(scenario)


@pytest.mark.parametrize(("side", "currency"), [("BUY", "ZAR"), ("SELL", "BTC")])
def test_e60_a_negative_makers_fee_is_a_negative_commission_in_what_was_given(
    spot: Shared, side: str, currency: str
) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E60-REWARD-{side}"
        with tier(floor, REWARDED_TIER):
            floor.rest(order, side, post_only=True)
            await floor.node.sees(order, "Accepted")
            floor.trade_against(order, "0.01")
        fill = await floor.node.sees(order, "Filled")
        amount, charged_in = fill["commission"].split()
        given = Decimal("0.01") if side == "SELL" else Decimal("0.01") * Decimal(fill["last_px"])
        assert charged_in == currency
        assert abs(Decimal(amount) + given * Decimal("0.0001")) < Decimal("0.005")
        assert Decimal(amount) < 0
        assert fill["liquidity_side"] == "MAKER"

    spot.run(scenario)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_e61_a_reduce_only_limit_order_closes_a_perpetuals_position(futures: Shared, side: str) -> None:
    async def scenario(floor: Floor) -> None:
        opened, closing = f"E61-OPEN-{side}", f"E61-CLOSE-{side}"
        floor.submit(opened, "MARKET", side, "0.01", PERPETUAL)
        await is_filled(floor, opened)
        floor.rest(closing, "SELL" if side == "BUY" else "BUY", "0.01", PERPETUAL, reduce_only=True)
        await floor.node.sees(closing, "Accepted")
        floor.trade_against(closing, "0.01")
        await floor.node.agrees(lambda shown: PERPETUAL not in shown.positions)

    futures.run(scenario)


def test_e61_a_reduce_only_order_larger_than_the_position_only_closes_it(futures: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.submit("E61-OPEN", "MARKET", "BUY", "0.01", PERPETUAL)
        await is_filled(floor, "E61-OPEN")
        floor.submit("E61-MORE", "MARKET", "SELL", "0.03", PERPETUAL, reduce_only=True)
        shown = await floor.node.agrees(lambda shown: PERPETUAL not in shown.positions)
        assert shown.orders["E61-MORE"].filled == "0.0100"

    futures.run(scenario)


def test_e61_a_resting_reduce_only_order_is_cut_and_canceled_with_its_position(futures: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.submit("E61-IN", "MARKET", "BUY", "0.02", PERPETUAL)
        await is_filled(floor, "E61-IN")
        floor.rest("E61-REST", "SELL", "0.02", PERPETUAL, reduce_only=True)
        await floor.node.sees("E61-REST", "Accepted")
        floor.submit("E61-HALF", "MARKET", "SELL", "0.005", PERPETUAL)
        await floor.node.agrees(lambda shown: shown.orders["E61-REST"].quantity == "0.0150")
        floor.node.tell("close", instrument=PERPETUAL)
        await floor.node.sees("E61-REST", "Canceled")

    futures.run(scenario)


def test_e61_on_spot_the_adapter_keeps_a_reduce_only_order_within_the_position(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        held = (await floor.node.show()).positions[BTCZAR]
        floor.rest("E61-SPOT", "SELL", "0.5", reduce_only=True)
        await floor.node.sees("E61-SPOT", "Accepted")
        assert str(floor.order("E61-SPOT").quantity) == held
        await take_back(floor, "E61-SPOT")

    spot.run(scenario)


def test_e62_a_display_quantity_is_denied(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.rest("E62", display="0.001")
        assert "iceberg" in (await floor.node.sees("E62", "Denied"))["reason"]

    spot.run(scenario)


def test_e63_parameters_reach_the_adapter_and_have_no_meaning_there(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        floor.rest("E63", params={"anything": 1})
        await floor.node.sees("E63", "Accepted")
        await take_back(floor, "E63")

    spot.run(scenario)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_e70_a_post_only_order_that_would_cross_is_rejected_as_such(spot: Shared, side: str) -> None:
    async def scenario(floor: Floor) -> None:
        order = f"E70-{side}"
        away = "1.01" if side == "BUY" else "0.99"
        floor.submit(order, "LIMIT", side, "0.01", price=floor.price(side, away), post_only=True)
        assert (await floor.node.sees(order, "Rejected"))["due_post_only"]

    spot.run(scenario)


def test_e71_with_nothing_to_reduce_the_venue_rejects_on_a_perpetual(futures: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        for kind in ("LIMIT", "MARKET"):
            price = {"price": floor.price("BUY", "0.9", PERPETUAL)} if kind == "LIMIT" else {}
            floor.submit(f"E71-{kind}", kind, "BUY", "0.01", PERPETUAL, reduce_only=True, **price)
            await floor.node.sees(f"E71-{kind}", "Rejected")

    futures.run(scenario)


def test_e71_with_nothing_to_reduce_it_is_denied_on_spot(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        # There is BTC in stock: a buy would add to it.
        floor.rest("E71", "BUY", reduce_only=True)
        assert "no open position" in (await floor.node.sees("E71", "Denied"))["reason"]

    spot.run(scenario)


@pytest.mark.parametrize(
    ("kind", "options", "word"),
    [
        ("MARKET_TO_LIMIT", {}, "MARKET_TO_LIMIT"),
        ("LIMIT", {"tif": "AT_THE_OPEN"}, "AT_THE_OPEN"),
        ("LIMIT", {"tif": "IOC", "post_only": True}, "GTC"),
        ("LIMIT", {"quote_quantity": True, "size": "5000"}, "base"),
    ],
)
def test_e72_e73_a02_what_the_venue_lacks_is_denied_and_never_submitted(
    spot: Shared, kind: str, options: dict[str, Any], word: str
) -> None:
    async def scenario(floor: Floor) -> None:
        order = "-".join(["E72", kind.replace("_", ""), *(name.replace("_", "") for name in options)])
        size = options.pop("size", "0.01")
        price = {"price": floor.price("BUY")} if kind == "LIMIT" else {}
        floor.submit(order, kind, "BUY", size, **price, **options)
        assert word in (await floor.node.sees(order, "Denied"))["reason"]
        assert "Submitted" not in floor.node.story(order)

    spot.run(scenario)


def test_e78_refusals_inside_a_list_are_told_apart(futures: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        terms = {"type": "LIMIT", "instrument": BTCZAR, "side": "BUY"}
        orders = [
            {"id": "E78-RESTS", "size": "0.01", "price": floor.price("BUY"), **terms},
            {"id": "E78-CROSSES", "size": "0.01", "price": floor.price("BUY", "1.01"), "post_only": True, **terms},
            {"id": "E78-FILLS", "size": "0.01", "price": floor.price("BUY", "1.01"), **terms},
            {"id": "E78-LARGE", "size": "0.1", "price": "60000000", **terms, "side": "SELL"},
            {"id": "E78-NOTHING", "size": "0.01", "price": floor.price("BUY"), "tif": "IOC", **terms},
        ]
        floor.node.tell("submit_list", orders=orders)
        assert (await floor.node.sees("E78-CROSSES", "Rejected"))["due_post_only"]
        assert "Maximum order size" in (await floor.node.sees("E78-LARGE", "Rejected"))["reason"]
        await floor.node.sees("E78-NOTHING", "Canceled")
        await is_filled(floor, "E78-FILLS")
        await take_back(floor, "E78-RESTS")

    futures.run(scenario)


def test_a01_a_rejection_has_the_venues_own_words(futures: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        # The engine does not know how much quote an order may be worth there.
        floor.rest("A01", size="9")
        assert "Maximum order size" in (await floor.node.sees("A01", "Rejected"))["reason"]

    futures.run(scenario)


def test_a02_an_id_that_does_not_fit_is_denied(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        order = "A02-" + "9" * 60
        floor.rest(order)
        assert "50" in (await floor.node.sees(order, "Denied"))["reason"]

    spot.run(scenario)


def test_e63_any_client_order_id_comes_back_as_it_was(spot: Shared) -> None:
    async def scenario(floor: Floor) -> None:
        order = "Zulu_1.a:b/Z"
        floor.rest(order)
        await floor.node.sees(order, "Accepted")
        await take_back(floor, order)

    spot.run(scenario)
