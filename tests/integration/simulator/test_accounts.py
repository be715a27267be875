"""Sub-accounts, transfers between them, and what a key may not do."""

from decimal import Decimal
from typing import Any

import pytest

from helios_nautilus.simulator.exchange.accounts import INTERNAL_TRANSFER, TRADE, VIEW
from helios_nautilus.simulator.exchange.opening import open_account
from tests.integration.simulator.client import Client
from tests.integration.simulator.shapes import differences, payload
from tests.integration.simulator.test_rest import limit_order, on_exchange

LEDGERS = "/v1/account/transactionhistory"


def with_key(client: Client, *permissions: str, label: str | None = None) -> Client:
    """Another client of the same exchange; without a label its key is the primary account's."""
    venue = client.exchange.venue
    credentials = open_account(venue, label=label, permissions=permissions, deposits={"ZAR": "1000", "USDT": "50"})
    return Client(client.exchange, credentials, client.session)


async def transfer(client: Client, source: object, target: object, amount: str, **more: object) -> tuple[int, Any]:
    body = {"fromId": source, "toId": target, "currencyCode": "ZAR", "amount": amount, "allowBorrow": False, **more}
    return await client.call("POST", "/v1/account/subaccounts/transfer", body)


async def balance(client: Client, currency: str = "ZAR") -> Decimal:
    rows = await client.get("/v1/account/balances")
    return next(Decimal(row["available"]) for row in rows if row["currency"] == currency)


def test_a_sub_account_is_registered_listed_renamed_and_deleted() -> None:
    async def test(client: Client) -> None:
        primary = with_key(client, VIEW, TRADE)
        status, made = await primary.call("POST", "/v1/account/subaccount", {"label": "arbitrage"})
        assert (status, differences(made, payload("rest_account_subaccount_register"))) == (200, [])
        listed = await primary.get("/v1/account/subaccounts")
        assert differences(listed, payload("rest_account_subaccounts")) == []
        assert {"label": "arbitrage", "id": made["id"]} in listed
        assert {"label": "Primary", "id": "0"} in listed
        assert (await primary.call("PUT", "/v1/account/subaccount", made | {"label": "other"})) == (202, None)
        assert await primary.get(f"/v1/account/subaccount/{made['id']}") == {"id": made["id"], "label": "other"}
        assert (await primary.call("DELETE", "/v1/account/subaccount", {"id": int(made["id"])})) == (204, None)
        assert made["id"] not in {row["id"] for row in await primary.get("/v1/account/subaccounts")}

    on_exchange(test)


def test_two_sub_accounts_cannot_have_one_label() -> None:
    async def test(client: Client) -> None:
        primary = with_key(client, VIEW, TRADE)
        assert await primary.call("POST", "/v1/account/subaccount", {"label": "trader"}) == (
            403,
            payload("rest_error_subaccount_label_exists"),
        )

    on_exchange(test)


def test_a_sub_account_with_money_or_margin_cannot_be_deleted() -> None:
    async def test(client: Client) -> None:
        primary, rich = with_key(client, VIEW, TRADE), client.credentials.account_id
        assert await primary.call("DELETE", "/v1/account/subaccount", {"id": rich}) == (
            400,
            payload("rest_error_subaccount_has_balances"),
        )
        venue = client.exchange.venue
        poor = venue.accounts.open_sub_account("poor").account_id
        assert (await primary.call("DELETE", "/v1/account/subaccount", {"id": poor}))[1]["code"] == -19225

    on_exchange(test)


def test_margin_is_switched_on_for_a_sub_account_alone_and_stays_on() -> None:
    async def test(client: Client) -> None:
        primary = with_key(client, VIEW, TRADE)
        switch = {"accountStatusFieldName": "FUTURES_ENABLED", "enabled": True}
        assert (await primary.call("PUT", "/v1/margin/account/status", switch))[1]["code"] == -21100
        _, made = await primary.call("POST", "/v1/account/subaccount", {"label": "futures"})
        account = client.exchange.venue.accounts[made["id"]]
        assert not account.futures_enabled
        body = '{"accountStatusFieldName": "FUTURES_ENABLED", "enabled": true}'
        headers = primary.headers("PUT", "/v1/margin/account/status", body, made["id"])
        assert (await primary.call("PUT", "/v1/margin/account/status", switch, headers)) == (200, None)
        assert account.futures_enabled
        status, refused = await client.call("PUT", "/v1/margin/account/status", switch | {"enabled": False})
        assert (status, refused["code"]) == (400, -11)

    on_exchange(test)


def test_a_transfer_moves_money_and_both_accounts_are_told() -> None:
    async def test(client: Client) -> None:
        primary, mine = with_key(client, VIEW, INTERNAL_TRANSFER), client.credentials.account_id
        before = await balance(client)
        async with client.socket("/ws/account") as socket:
            await socket.frame("OPEN_ORDERS_UPDATE")
            status, reply = await transfer(primary, 0, int(mine), "2.99")
            assert (status, differences(reply, payload("rest_account_subaccounts_transfer"))) == (200, [])
            await socket.until(lambda frames: any(frame["type"] == "NEW_ACCOUNT_HISTORY_RECORD" for frame in frames))
        assert (await balance(client), await balance(primary)) == (before + Decimal("2.99"), Decimal("997.01"))
        sent = await primary.get(f"{LEDGERS}?transactionTypes=INTERNAL_TRANSFER")
        assert differences(sent, payload("rest_account_transactionhistory_internal_transfer")) == []
        (received,) = await client.get(f"{LEDGERS}?transactionTypes=INTERNAL_TRANSFER")
        assert received["creditValue"] == "2.99"
        (mine_shown,) = await primary.get(f"{LEDGERS}/subaccounts")
        assert (mine_shown["id"], mine_shown["transactions"]) == (mine, [received])

    on_exchange(test)


@pytest.mark.parametrize(
    ("amount", "more", "status", "code"),
    [
        ("1000.01", {}, 400, -6),
        ("0", {}, 400, -11),
        ("1.001", {}, 403, -11),
        ("1", {"currencyCode": "NOPE"}, 400, -11),
        ("1", {"toId": "17"}, 400, -11),
        ("1", {"toId": "0"}, 400, -11),
    ],
)
def test_a_transfer_that_cannot_be_moves_nothing(amount: str, more: dict[str, object], status: int, code: int) -> None:
    async def test(client: Client) -> None:
        primary = with_key(client, VIEW, INTERNAL_TRANSFER)
        found, body = await transfer(primary, "0", client.credentials.account_id, amount, **more)
        assert (found, body["code"]) == (status, code)
        assert await balance(primary) == 1000

    on_exchange(test)


def test_a_sub_accounts_key_sends_only_its_own_money() -> None:
    async def test(client: Client) -> None:
        poor = with_key(client, VIEW, INTERNAL_TRANSFER, label="poor")
        own, other = poor.credentials.account_id, client.credentials.account_id
        assert (await transfer(poor, other, own, "1"))[1]["code"] == -11133
        assert (await transfer(poor, own, other, "1"))[0] == 200

    on_exchange(test)


def test_a_key_that_may_view_reads_but_neither_trades_nor_transfers() -> None:
    async def test(client: Client) -> None:
        viewer = with_key(client, VIEW, label="viewer")
        assert (await viewer.get("/v1/account/api-keys/current"))["permissions"] == ["View access"]
        order = limit_order("BUY", "0.001", "100000")
        for verb, target, body in (
            ("POST", "/v1/orders/limit", order),
            ("POST", "/v2/orders/limit", order),
            ("DELETE", "/v1/orders", None),
            ("PUT", "/v1/margin/leverage/BTCUSDTPERP", {"leverageMultiple": "5"}),
        ):
            assert (await viewer.call(verb, target, body))[0] == 401, target
        status, refused = await transfer(viewer, viewer.credentials.account_id, "0", "1")
        assert (status, refused["code"]) == (401, -11133)
        async with viewer.socket("/ws/account") as socket:
            await socket.send({"type": "PLACE_LIMIT_ORDER", "clientMsgId": "1", "payload": order})
            frames = await socket.until(lambda frames: any("error" in frame for frame in frames))
            assert frames[-1]["type"] == "PLACE_LIMIT_WS_RESPONSE"
        assert await viewer.get("/v1/orders/open") == []

    on_exchange(test)


def test_a_key_that_may_not_view_cannot_open_the_account_socket() -> None:
    async def test(client: Client) -> None:
        mute = with_key(client, TRADE, label="mute")
        assert (await mute.call("GET", "/v1/account/balances"))[0] == 401
        async with mute.socket("/ws/account") as socket:
            assert await socket.closed() == 1007

    on_exchange(test)


def test_what_happened_to_positions_is_listed_by_step_and_by_position() -> None:
    async def test(client: Client) -> None:
        for side, amount in (("BUY", "0.003"), ("BUY", "0.001"), ("SELL", "0.001"), ("SELL", "0.003")):
            body = {"pair": "BTCUSDTPERP", "side": side, "baseAmount": amount}
            assert (await client.call("POST", "/v2/orders/market", body))[0] == 201
        steps = await client.get("/v1/positions/history?currencyPair=BTCUSDTPERP")
        assert differences(steps, payload("rest_positions_history")) == []
        assert [step["updateType"] for step in steps] == ["Remove", "Reduce", "Increase", "New"]
        (summary,) = summaries = await client.get("/v1/positions/closed/summary")
        assert differences(summaries, payload("rest_positions_closed_summary")) == []
        closed = await client.get("/v1/positions/closed")
        assert [row["closeType"] for row in closed] == ["Trade", "Trade"]
        assert Decimal(summary["quantity"]) == Decimal("0.004")
        assert Decimal(summary["realisedPnl"]) == sum(Decimal(row["realisedPnl"]) for row in closed)

    on_exchange(test)
