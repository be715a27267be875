"""The REST face: every route answers in VALR's shapes, statuses and errors."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.simulator.exchange.signatures import sign
from tests.integration.simulator.client import Client, markets, running
from tests.integration.simulator.shapes import differences, payload


def on_exchange(test: Callable[[Client], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        async with running(**options) as client:
            await test(client)

    asyncio.run(run())


def test_signatures_equal_valrs_published_vectors() -> None:
    vectors = payload("auth_signing_vectors")
    assert len(vectors) > 2
    for one in vectors:
        parts = one["apiSecret"], one["timestamp"], one["verb"], one["path"], one["body"].encode(), one["subaccountId"]
        assert sign(*parts) == one["signature"]


PUBLIC = [
    ("/v1/public/pairs", "rest_public_pairs", ()),
    ("/v1/public/pairs/SPOT", "rest_public_pairs_SPOT", ()),
    ("/v1/public/pairs/FUTURE", "rest_public_pairs_FUTURE", ()),
    (
        "/v1/public/currencies",
        "rest_public_currencies",
        ("defaultNetworkType", "supportedNetworks", "paymentReferenceFieldName"),
    ),
    ("/v1/public/ordertypes", "rest_public_ordertypes", ()),
    ("/v1/public/BTCZAR/ordertypes", "rest_public_pair_ordertypes", ()),
    ("/v1/public/BTCZAR/orderbook", "rest_public_pair_orderbook", ()),
    ("/v1/public/BTCZAR/orderbook/full", "rest_public_pair_orderbook_full", ()),
    ("/v1/public/LTCBTC/orderbook", "rest_public_pair_orderbook_inactive", ()),
    ("/v1/public/BTCZAR/trades?limit=5", "rest_public_pair_trades", ()),
    ("/v1/public/marketsummary", "rest_public_marketsummary", ()),
    ("/v1/public/BTCZAR/marketsummary", "rest_public_pair_marketsummary", ()),
    ("/v1/public/BTCZAR/buckets?limit=5", "rest_public_pair_buckets", ()),
    ("/v1/public/BTCZAR/markprice/buckets", "rest_public_pair_markprice_buckets", ()),
    ("/v1/public/time", "rest_public_time", ()),
    ("/v1/public/status", "rest_public_status_online", ()),
    ("/v1/public/futures/info", "rest_public_futures_info", ()),
    ("/v1/public/futures/funding/history?currencyPair=BTCUSDTPERP", "rest_public_futures_funding_history", ()),
    ("/v1/public/risklimit/BTCUSDTPERP", "rest_public_risklimit", ()),
]


def test_public_routes_have_the_recorded_shapes() -> None:
    async def test(client: Client) -> None:
        client.exchange.advance(90)
        for target, name, optional in PUBLIC:
            body = await client.public(target)
            assert body, target
            assert differences(body, payload(name), optional=frozenset(optional), at=target) == []

    on_exchange(test)


ACCOUNT = [
    ("/v1/account/api-keys/current", "rest_account_api_keys_current_minimal", ()),
    ("/v1/account/balances", "rest_account_balances_k", ()),
    ("/v1/account/tradehistory", "rest_account_tradehistory", ("customerOrderId",)),
    ("/v1/account/BTCZAR/tradehistory", "rest_account_pair_tradehistory", ("customerOrderId",)),
    ("/v1/account/transactionhistory?transactionTypes=MARKET_BUY", "rest_account_transactionhistory_trades", ()),
    ("/v1/account/fees/trade", "rest_account_fees_trade_perp", ()),
    ("/v1/margin/account/status", "rest_margin_account_status", ()),
    ("/v1/orders/open", "rest_orders_open_k", ("customerOrderId", "stopPrice")),
    ("/v1/orders/history", "rest_orders_history_filled", ("customerOrderId", "stopPrice")),
    ("/v1/orders/history?statuses=FAILED", "rest_orders_history_failed", ("customerOrderId", "stopPrice")),
    ("/v1/orders/history/summary/customerorderid/bought", "rest_orders_history_summary_post_only_filled", ()),
    ("/v1/orders/history/detail/customerorderid/bought", "rest_orders_history_detail_failed", ()),
    ("/v1/orders/BTCZAR/customerorderid/resting", "rest_orders_status_placed", ()),
    ("/v1/orders/BTCZAR/customerorderid/stop", "rest_orders_status_stop_active", ()),
    ("/v1/positions/open", "rest_positions_open_k", ()),
    ("/v1/positions/closed", "rest_positions_closed", ()),
    ("/v1/margin/leverage/BTCUSDTPERP", "rest_margin_leverage", ()),
    ("/v2/margin/status", "rest_margin_status_v2", ()),
    ("/v1/marketdata/BTCZAR/orderbook", "rest_marketdata_pair_orderbook", ()),
]


def limit_order(side: str, quantity: str, price: str, **more: object) -> dict[str, object]:
    return {"side": side, "quantity": quantity, "price": price, "pair": "BTCZAR", **more}


async def trade_a_little(client: Client) -> None:
    """A fill, a resting order, a stop, a failure and a perpetual position that was partly closed."""
    last = int(client.exchange.venue.engine.margin.last_prices["BTCZAR"])
    perpetual = {"pair": "BTCUSDTPERP"}
    for target, body, expected in (
        (
            "/v2/orders/market",
            {"side": "BUY", "pair": "BTCZAR", "baseAmount": "0.001", "customerOrderId": "bought"},
            201,
        ),
        ("/v2/orders/limit", limit_order("BUY", "0.001", str(last - 90_000), customerOrderId="resting"), 201),
        ("/v2/orders/limit", limit_order("BUY", "0.001", str(last + 90_000), postOnly="true"), 400),
        (
            "/v2/orders/stop/limit",
            limit_order(
                "SELL",
                "0.001",
                str(last // 2),
                stopPrice=str(last // 2),
                type="STOP_LOSS_LIMIT",
                customerOrderId="stop",
            ),
            201,
        ),
        ("/v2/orders/market", perpetual | {"side": "BUY", "baseAmount": "0.002"}, 201),
        ("/v2/orders/market", perpetual | {"side": "SELL", "baseAmount": "0.001"}, 201),
    ):
        status, reply = await client.call("POST", target, body)
        assert status == expected, (target, body, reply)
    assert (await client.call("PUT", "/v1/margin/leverage/BTCUSDTPERP", {"leverageMultiple": "5"}))[0] == 202


def test_private_routes_have_the_recorded_shapes() -> None:
    async def test(client: Client) -> None:
        await trade_a_little(client)
        for target, name, optional in ACCOUNT:
            body = await client.get(target)
            assert body, target
            assert differences(body, payload(name), optional=frozenset(optional), at=target) == []

    on_exchange(test)


@pytest.mark.parametrize(
    ("verb", "target", "body", "status", "name"),
    [
        (
            "POST",
            "/v1/orders/limit",
            limit_order("BUY", "0.001", "1000000", customerOrderId="x"),
            202,
            "rest_orders_v1_limit_202",
        ),
        ("POST", "/v2/orders/limit", limit_order("BUY", "0.001", "1000000"), 201, "rest_orders_v2_limit_201"),
        ("POST", "/v2/orders/limit", limit_order("BUY", "2", "1700000"), 400, "rest_orders_v2_limit_400"),
        (
            "POST",
            "/v2/orders/limit",
            limit_order("BUY", "0.001", "1000000", pair="NOPE"),
            400,
            "rest_error_unsupported_pair",
        ),
        (
            "POST",
            "/v2/orders/limit",
            limit_order("BUY", "0.001", "0.01", pair="LTCBTC"),
            400,
            "rest_error_pair_not_active",
        ),
        ("POST", "/v2/orders/limit", limit_order("BUY", "0.000001", "1000000"), 400, "rest_error_min_order_size"),
        (
            "POST",
            "/v2/orders/limit",
            limit_order("buy", "0.001", "1000000"),
            400,
            "rest_error_invalid_request_validation",
        ),
        ("GET", "/v1/orders/BTCZAR/orderid/nope", None, 400, "rest_orders_status_400_invalid"),
        ("GET", "/v1/orders/history/detail/orderid/nope", None, 200, "rest_orders_history_detail_unknown"),
        ("GET", "/v1/public/NOPE/orderbook", None, 400, "rest_error_unsupported_pair"),
        ("GET", "/v1/public/LTCBTC/marketsummary", None, 404, "rest_error_market_summary_not_found"),
        ("GET", "/v1/public/pairs/NOPE", None, 400, "rest_error_invalid_request"),
    ],
)
def test_replies_and_errors_have_the_recorded_status_code_and_shape(
    verb: str, target: str, body: object, status: int, name: str
) -> None:
    async def test(client: Client) -> None:
        found_status, found = await client.call(verb, target, body)
        recorded = payload(name)
        assert (found_status, differences(found, recorded)) == (status, [])
        if isinstance(recorded, dict) and "code" in recorded:
            assert found["code"] == recorded["code"]

    on_exchange(test)


def test_a_cancel_by_customer_id_echoes_it_and_a_second_one_is_refused() -> None:
    async def test(client: Client) -> None:
        await client.call("POST", "/v2/orders/limit", limit_order("BUY", "0.001", "1000000", customerOrderId="mine-1"))
        named = {"customerOrderId": "mine-1", "pair": "BTCZAR"}
        assert await client.call("DELETE", "/v2/orders/order", named) == (200, {"id": "mine-1"})
        status, body = await client.call("DELETE", "/v2/orders/order", named)
        assert (status, body["code"]) == (400, -1)
        assert await client.get("/v1/orders/history") == []
        hidden = await client.get("/v1/orders/history?showZeroVolumeCancels=true")
        assert [row["orderStatusType"] for row in hidden] == ["Cancelled"]

    on_exchange(test)


def test_a_modify_answers_with_its_own_id_and_the_order_keeps_its() -> None:
    async def test(client: Client) -> None:
        _, placed = await client.call("POST", "/v2/orders/limit", limit_order("BUY", "0.002", "1000000"))
        change = {"orderId": placed["id"], "pair": "BTCZAR", "modifyMatchStrategy": "RETAIN_ORIGINAL"}
        status, body = await client.call("PUT", "/v2/orders/modify", change | {"newRemainingQuantity": "0.001"})
        assert status == 201
        assert body["id"] != placed["id"]
        status, body = await client.call("PUT", "/v2/orders/modify", change | {"newRemainingQuantity": "0.001"})
        assert (status, differences(body, payload("rest_orders_v2_modify_400"))) == (400, [])
        (order,) = await client.get("/v1/orders/open")
        assert (order["status"], order["remainingQuantity"]) == ("Order Modified", "0.001")

    on_exchange(test)


def test_a_batch_answers_each_item_and_refuses_modify_next_to_place() -> None:
    async def test(client: Client) -> None:
        place = {"type": "PLACE_LIMIT", "data": limit_order("BUY", "0.001", "1000000", customerOrderId="b-1")}
        small = {"type": "PLACE_LIMIT", "data": limit_order("BUY", "0.000001", "1000000")}
        status, body = await client.call("POST", "/v1/batch/orders", {"requests": [place, small]})
        assert (status, differences(body, payload("rest_batch_orders_200_k"))) == (200, [])
        assert [one["accepted"] for one in body["outcomes"]] == [True, False]
        assert body["batchId"] > 2**53
        modify = {"type": "MODIFY_ORDER", "data": {}}
        status, body = await client.call("POST", "/v1/batch/orders", {"requests": [place, modify]})
        assert (status, body["code"]) == (400, -21311)

    on_exchange(test)


def test_v1_says_accepted_before_the_engine_has_decided() -> None:
    async def test(client: Client) -> None:
        body = limit_order("BUY", "9", "2000000")
        status, placed = await client.call("POST", "/v1/orders/limit", body | {"price": "500000"})
        assert status == 202
        assert (await client.call("GET", f"/v1/orders/BTCZAR/orderid/{placed['id']}"))[0] == 400
        client.exchange.advance(0.01)
        order = await client.get(f"/v1/orders/BTCZAR/orderid/{placed['id']}")
        assert (order["orderStatusType"], order["failedReason"]) == ("Failed", "Insufficient Balance")

    on_exchange(test)


def test_buckets_are_newest_first_paged_by_300_and_both_ends_count() -> None:
    async def test(client: Client) -> None:
        now_secs = client.exchange.venue.now_ns // NS_PER_SEC
        target = f"/v1/public/BTCZAR/buckets?startTime={now_secs - 299 * 60}&endTime={now_secs}"
        rows = await client.public(target)
        starts = [row["startTime"] for row in rows]
        assert starts == sorted(starts, reverse=True)
        assert len(rows) == 299
        too_long = f"/v1/public/BTCZAR/buckets?startTime={now_secs - 400 * 60}&endTime={now_secs}"
        assert (await client.call("GET", too_long, headers={}))[0] == 400

    on_exchange(test)


def test_recorded_bars_come_back_from_buckets_digit_for_digit_before_and_after_the_opening() -> None:
    async def test(client: Client) -> None:
        client.exchange.advance(10 * 60)
        bars = markets()["BTCZAR"].bars
        now_ns = client.exchange.venue.now_ns
        first_ns = now_ns - 20 * NS_PER_MIN
        rows = await client.public(
            f"/v1/public/BTCZAR/buckets?startTime={first_ns // NS_PER_SEC}&endTime={now_ns // NS_PER_SEC - 60}"
        )
        wanted = bars.window(first_ns, now_ns)
        found = [[Decimal(row[name]) for name in ("open", "high", "low", "close", "volume")] for row in rows[::-1]]
        columns = zip(wanted.open, wanted.high, wanted.low, wanted.close, wanted.volume, strict=True)
        assert found == [[Decimal(repr(float(value))) for value in row] for row in columns]

    on_exchange(test)


def test_public_trades_page_backwards_without_overlap_or_hole() -> None:
    async def test(client: Client) -> None:
        client.exchange.advance(300)
        everything = [row["id"] for row in await client.public("/v1/public/BTCZAR/trades?limit=100")]
        paged: list[str] = []
        before = ""
        while len(paged) < len(everything):
            rows = await client.public(f"/v1/public/BTCZAR/trades?limit=7{before}")
            if not rows:
                break
            paged += [row["id"] for row in rows]
            before = f"&beforeId={rows[-1]['id']}"
        assert paged[: len(everything)] == everything

    on_exchange(test)


def test_a_wrong_signature_a_stale_stamp_and_a_missing_key_are_refused() -> None:
    async def test(client: Client) -> None:
        target = "/v1/account/balances"
        good = client.headers("GET", target)
        for headers, status, code in (
            (good | {"X-VALR-SIGNATURE": "0" * 128}, 401, -11252),
            (good | {"X-VALR-TIMESTAMP": "1"}, 401, -11252),
            ({}, 403, -11268),
        ):
            found_status, body = await client.call("GET", target, headers=headers)
            assert (found_status, body["code"]) == (status, code)

    on_exchange(test)


def test_a_primary_key_acts_for_a_sub_account_only_if_its_id_is_signed() -> None:
    async def test(client: Client) -> None:
        sub = client.exchange.venue.accounts.open_sub_account("sub").account_id
        target = "/v1/account/balances?excludeZeroBalances=true"
        signed = client.headers("GET", target, sub_account=sub)
        unsigned = client.headers("GET", target) | {"X-VALR-SUB-ACCOUNT-ID": sub}
        assert await client.call("GET", target, headers=signed) == (200, [])
        assert (await client.call("GET", target, headers=unsigned))[0] == 401

    on_exchange(test, label=None)


def test_the_query_is_signed_as_it_is_sent() -> None:
    async def test(client: Client) -> None:
        assert await client.get("/v1/orders/history?statuses=FILLED,CANCELLED&startTime=2024-01-01T00:00:00.000Z") == []

    on_exchange(test)


def test_the_thirty_first_public_request_of_a_minute_is_refused_until_the_next_minute() -> None:
    async def test(client: Client) -> None:
        statuses = [(await client.call("GET", "/v1/public/pairs/FUTURE", headers={}))[0] for _ in range(31)]
        assert statuses == [200] * 30 + [429]
        client.exchange.advance(60)
        assert (await client.call("GET", "/v1/public/pairs/FUTURE", headers={}))[0] == 200

    on_exchange(test, limit_scale=1.0)


def test_market_data_may_be_cached_as_long_as_valr_says_errors_included() -> None:
    async def test(client: Client) -> None:
        for pair in ("BTCZAR", "NOPE"):
            async with client.session.get(f"{client.exchange.url}/v1/public/{pair}/orderbook") as reply:
                assert reply.headers["cache-control"] == "max-age=30,public"

    on_exchange(test)


def test_the_ledger_dump_equals_what_the_api_says() -> None:
    async def test(client: Client) -> None:
        await trade_a_little(client)
        dump = await client.public("/simulator/ledger")
        account = client.credentials.account_id
        balances = {row["currency"]: row for row in await client.get("/v1/account/balances")}
        for row in dump["balances"]:
            if row["account_id"] == account:
                assert Decimal(row["total"]) == Decimal(balances[row["currency"]]["total"])
        fills = await client.get("/v1/account/tradehistory")
        assert [row["trade_id"] for row in dump["fills"]][::-1] == [row["id"] for row in fills]
        assert client.credentials.secret not in json.dumps(dump)

    on_exchange(test)
