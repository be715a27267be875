"""Conditional orders of perpetuals: they wait beside a position, trigger on their price and reduce only."""

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.simulator.client import Client
from tests.integration.simulator.shapes import differences, payload
from tests.integration.simulator.test_rest import on_exchange

PERP = "BTCUSDTPERP"
PATH = "/v1/orders/conditionals"


async def hold(client: Client, side: str = "BUY") -> Decimal:
    """Open a position; the last price."""
    body = {"pair": PERP, "side": side, "baseAmount": "0.002"}
    assert (await client.call("POST", "/v2/orders/market", body))[0] == 201
    return client.exchange.venue.engine.margin.last_prices[PERP]


def bracket(last: Decimal, *, up: int, down: int, **more: object) -> dict[str, object]:
    """Take profit above and stop loss below; market orders both."""
    return {
        "pair": PERP,
        "quantity": "0",
        "triggerType": "LAST_TRADED",
        "takeProfitTriggerPrice": str(last + up),
        "takeProfitOrderPrice": "-1",
        "stopLossTriggerPrice": str(last - down),
        "stopLossOrderPrice": "-1",
        **more,
    }


async def position(client: Client) -> list[Any]:
    rows: list[Any] = await client.get(f"/v1/positions/open?currencyPair={PERP}")
    return rows


def test_a_bracket_is_placed_listed_changed_and_cancelled() -> None:
    async def test(client: Client) -> None:
        last = await hold(client)
        async with client.socket("/ws/account") as socket:
            body = bracket(last, up=5000, down=5000, customerOrderId="exit")
            status, placed = await client.call("POST", PATH, body)
            assert (status, differences(placed, payload("rest_conditionals_place_202"))) == (202, [])
            await socket.frame("ADD_CONDITIONAL_ORDER", orderId=placed["id"], conditionalType="OCO")
            (listed,) = await client.get(PATH)
            assert (listed["takeProfitTriggerPrice"], listed["takeProfitPlacePrice"]) == (str(last + 5000), "-1")
            change = {"customerOrderId": "exit", "pair": PERP, "newQuantity": "0.001"}
            status, changed = await client.call("PUT", f"{PATH}/modify", change)
            assert (status, differences(changed, payload("rest_conditionals_modify_202"))) == (202, [])
            shown = await client.get(f"{PATH}/conditional/{PERP}/customerorderid/exit")
            assert (shown["quantity"], shown["stopLossTriggerPrice"]) == ("0.001", str(last - 5000))
            removal = {"orderId": placed["id"], "pair": PERP}
            assert await client.call("DELETE", f"{PATH}/conditional", removal) == (202, None)
            await socket.frame("REMOVE_CONDITIONAL_ORDER", reason="CANCELLED_BY_USER", customerOrderId="exit")
        assert await client.get(PATH) == []
        (past,) = await client.get(f"{PATH}/{PERP}/history")
        assert past["orderStatusType"] == "Cancelled"

    on_exchange(test)


@pytest.mark.parametrize(
    ("side", "rises", "gains"), [("BUY", True, True), ("BUY", False, False), ("SELL", False, True)]
)
def test_the_leg_the_price_reaches_closes_the_position_and_the_other_is_gone(
    side: str, rises: bool, gains: bool
) -> None:
    async def test(client: Client) -> None:
        last = await hold(client, side)
        near, far = (1, 50_000) if rises else (50_000, 1)
        body = bracket(last, up=near, down=far)
        if side == "SELL":
            names = ("takeProfitTriggerPrice", "stopLossTriggerPrice")
            body |= dict(zip(names, (body[names[1]], body[names[0]]), strict=True))
        assert (await client.call("POST", PATH, body))[0] == 202
        async with client.socket("/ws/account") as socket:
            await move_last(client, last + (2 if rises else -2))
            await socket.frame("REMOVE_CONDITIONAL_ORDER", reason="TRIGGERED")
            await socket.frame("POSITION_CLOSED", pair=PERP)
        assert await client.get(PATH) == await position(client) == []

    on_exchange(test)


async def move_last(client: Client, price: Decimal) -> None:
    """Set the last price by hand and let a mark follow."""
    client.exchange.venue.engine.margin.last_prices[PERP] = price
    client.exchange.venue.conditionals.check(client.exchange.venue.now_ns)


def test_a_conditional_order_goes_with_its_position() -> None:
    async def test(client: Client) -> None:
        last = await hold(client)
        assert (await client.call("POST", PATH, bracket(last, up=50_000, down=50_000)))[0] == 202
        assert (await client.call("POST", "/v2/orders/market", {"pair": PERP, "side": "SELL", "baseAmount": "0.002"}))[
            0
        ] == 201
        client.exchange.advance(1)
        assert await client.get(PATH) == []

    on_exchange(test)


def test_cancelling_all_orders_leaves_conditionals_alone_and_the_other_way_round() -> None:
    async def test(client: Client) -> None:
        last = await hold(client)
        for name in ("one", "two"):
            body = bracket(last, up=50_000, down=50_000, customerOrderId=name)
            assert (await client.call("POST", PATH, body))[0] == 202
        assert await client.call("DELETE", "/v1/orders") == (200, [])
        status, gone = await client.call("DELETE", f"{PATH}/{PERP}")
        assert (status, [row["customerOrderId"] for row in gone]) == (200, ["one", "two"])
        assert await client.call("DELETE", PATH) == (200, [])

    on_exchange(test)


def test_what_would_trigger_at_once_or_has_no_position_is_refused() -> None:
    async def test(client: Client) -> None:
        last = client.exchange.venue.engine.margin.last_prices[PERP]
        status, refused = await client.call("POST", PATH, bracket(last, up=1, down=1))
        assert (status, refused["code"]) == (400, -11)
        last = await hold(client)
        assert await client.call("POST", PATH, bracket(last, up=-5, down=50_000)) == (
            400,
            payload("rest_conditionals_place_400"),
        )
        status, refused = await client.call("POST", PATH, bracket(last, up=1, down=1, quantity="-1"))
        assert (status, refused["code"]) == (400, -11)
        assert await client.get(PATH) == []

    on_exchange(test)


def test_a_changed_leverage_is_told() -> None:
    async def test(client: Client) -> None:
        async with client.socket("/ws/account") as socket:
            await client.call("PUT", f"/v1/margin/leverage/{PERP}", {"leverageMultiple": "25"})
            frame = await socket.frame("LEVERAGE_UPDATED", leverageMultiple=25)
            assert differences(frame, payload("ws_account_LEVERAGE_UPDATED")) == []

    on_exchange(test)
