"""Every fault does what its name says, when its trigger says, and the same way for a seed."""

import asyncio
import json
from decimal import Decimal
from itertools import pairwise
from typing import Any

import aiohttp
import msgspec
import pytest

from helios_nautilus.domain.timeframe import NS_PER_MS
from helios_nautilus.simulator.exchange.faults import Fault, FaultScript
from helios_nautilus.simulator.exchange.signatures import sign
from tests.integration.simulator.client import Client, running
from tests.integration.simulator.test_rest import limit_order, on_exchange
from tests.integration.simulator.test_sockets import Book

PLACE = "POST /v2/orders/limit"


def script(*faults: Fault, seed: int = 1) -> FaultScript:
    return FaultScript(seed=seed, fault=faults)


def with_fault(fault: Fault, test: Any, **options: Any) -> None:
    on_exchange(test, faults=script(fault), **options)


async def place(client: Client) -> tuple[int, Any]:
    return await client.call("POST", "/v2/orders/limit", limit_order("BUY", "0.001", "1000000"))


@pytest.mark.parametrize(
    ("kind", "status", "orders"), [("rate_limit", 429, 0), ("error_before", 503, 0), ("error_after", 503, 1)]
)
def test_a_refused_request_took_effect_only_where_the_fault_says_so(kind: str, status: int, orders: int) -> None:
    async def test(client: Client) -> None:
        assert (await place(client))[0] == status
        assert len(await client.get("/v1/orders/open")) == orders
        assert (await place(client))[0] == 201

    with_fault(Fault(kind=kind, on=PLACE, nth=1), test)


@pytest.mark.parametrize(("kind", "orders"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_request_without_an_answer_took_effect_only_where_the_fault_says_so(kind: str, orders: int) -> None:
    async def test(client: Client) -> None:
        with pytest.raises(aiohttp.ClientError):
            await place(client)
        assert len(await client.get("/v1/orders/open")) == orders

    with_fault(Fault(kind=kind, on=PLACE, nth=1, secs=0.01), test)


def test_a_slow_reply_comes_after_its_time_and_took_effect() -> None:
    async def test(client: Client) -> None:
        began = asyncio.get_running_loop().time()
        assert (await place(client))[0] == 201
        assert asyncio.get_running_loop().time() - began >= 0.2
        assert len(await client.get("/v1/orders/open")) == 1

    with_fault(Fault(kind="slow_reply", on=PLACE, nth=1, secs=0.2), test)


def test_a_truncated_reply_is_no_json() -> None:
    async def test(client: Client) -> None:
        with pytest.raises(json.JSONDecodeError):
            await place(client)

    with_fault(Fault(kind="truncate_reply", on=PLACE, nth=1), test)


def test_a_fault_waits_for_the_nth_request_that_fits() -> None:
    async def test(client: Client) -> None:
        assert [(await place(client))[0] for _ in range(4)] == [201, 201, 503, 201]

    with_fault(Fault(kind="error_before", on=PLACE, nth=3), test)


def test_a_fault_by_time_waits_for_the_venues_clock() -> None:
    async def test(client: Client) -> None:
        assert (await place(client))[0] == 201
        client.exchange.advance(30)
        assert (await place(client))[0] == 503

    with_fault(Fault(kind="error_before", on=PLACE, after_secs=30), test)


async def diffs_of(client: Client, secs: float = 60) -> list[dict[str, Any]]:
    async with client.socket("/ws/trade", headers={}) as socket:
        await socket.subscribe("OB_L1_DIFF", "BTCZAR")
        await socket.frame("OB_L1_SNAPSHOT")
        client.exchange.advance(secs)
        await socket.settled()
        return socket.of("OB_L1_SNAPSHOT", "OB_L1_DIFF", "BROKEN")


DIFF = "trade OB_L1_DIFF BTCZAR"


@pytest.mark.parametrize(
    ("kind", "steps"),
    [("drop_frame", {1, 2}), ("duplicate_frame", {0, 1}), ("reorder_frame", {-1, 1, 2}), ("delay_frame", None)],
)
def test_a_spoiled_stream_shows_in_its_sequence(kind: str, steps: set[int] | None) -> None:
    async def test(client: Client) -> None:
        found = [frame["d"]["sq"] for frame in await diffs_of(client)]
        jumps = {later - earlier for earlier, later in pairwise(found)}
        assert jumps == steps if steps is not None else min(jumps) < 0 < 1 < max(jumps)

    with_fault(Fault(kind=kind, on=DIFF, nth=3, secs=20), test)


def test_a_bad_checksum_is_one_and_the_book_is_right_again_afterwards() -> None:
    async def test(client: Client) -> None:
        book = Book()
        verified = [book.apply(frame) == frame["d"]["cs"] for frame in await diffs_of(client)]
        assert verified.count(False) == 1
        assert not verified[3]

    with_fault(Fault(kind="bad_checksum", on=DIFF, nth=3), test)


def test_a_truncated_frame_is_no_json() -> None:
    async def test(client: Client) -> None:
        assert [frame["type"] for frame in await diffs_of(client)].count("BROKEN") == 1

    with_fault(Fault(kind="truncate_frame", on=DIFF, nth=3), test)


@pytest.mark.parametrize("code", [1006, 1012])
def test_a_dropped_socket_ends_with_its_code(code: int) -> None:
    async def test(client: Client) -> None:
        async with client.socket("/ws/trade", headers={}) as socket:
            await socket.subscribe("OB_L1_DIFF", "BTCZAR")
            await socket.frame("OB_L1_SNAPSHOT")
            client.exchange.advance(60)
            assert await socket.closed() == code

    with_fault(Fault(kind="drop_socket", on=DIFF, nth=3, code=code), test)


def test_a_stalled_socket_is_silent_until_the_stall_is_over_and_loses_nothing() -> None:
    async def test(client: Client) -> None:
        async with client.socket("/ws/account") as socket:
            await socket.frame("OPEN_ORDERS_UPDATE")
            client.exchange.advance(10)
            _, placed = await place(client)
            await socket.send({"type": "PING"})
            await client.get("/v1/orders/open")
            assert socket.of("ORDER_PROCESSED", "PONG") == []
            client.exchange.advance(20)
            await socket.frame("ORDER_PROCESSED", orderId=placed["id"])
            await socket.frame("PONG")

    with_fault(Fault(kind="stall_sockets", on="account", after_secs=10, secs=20), test)


def test_a_frame_can_stall_its_own_socket_which_gets_everything_later_and_in_order() -> None:
    async def test(client: Client) -> None:
        async with client.socket("/ws/trade", headers={}) as stalled:
            await stalled.subscribe("OB_L1_DIFF", "BTCZAR")
            await stalled.frame("OB_L1_SNAPSHOT")
            client.exchange.advance(40)
            await client.public("/v1/public/time")
            assert len(stalled.of("OB_L1_DIFF")) <= 2
            client.exchange.advance(60)
            await stalled.settled()
            found = [frame["d"]["sq"] for frame in stalled.of("OB_L1_SNAPSHOT", "OB_L1_DIFF")]
            assert found == list(range(found[0], found[0] + len(found)))
            assert len(found) > 3

    with_fault(Fault(kind="stall_socket", on=DIFF, nth=3, secs=60), test)


def test_all_sockets_of_a_name_can_be_dropped_at_a_time() -> None:
    async def test(client: Client) -> None:
        async with client.socket("/ws/account") as account, client.socket("/ws/trade", headers={}) as trade:
            await account.frame("OPEN_ORDERS_UPDATE")
            await trade.settled()
            client.exchange.advance(10)
            assert await account.closed() == 1006
            await trade.settled()

    with_fault(Fault(kind="drop_sockets", on="account", after_secs=10), test)


@pytest.mark.parametrize(("status", "code"), [(0, 1007), (503, None)])
def test_a_refused_login_is_a_close_or_a_status_and_the_next_one_works(status: int, code: int | None) -> None:
    async def test(client: Client) -> None:
        if code is None:
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await client.socket("/ws/account").__aenter__()
        else:
            async with client.socket("/ws/account") as socket:
                assert await socket.closed() == code
        async with client.socket("/ws/account") as socket:
            await socket.frame("AUTHENTICATED")

    with_fault(Fault(kind="refuse_login", on="account", nth=1, status=status), test)


def test_maintenance_refuses_writes_and_says_so_until_it_is_over() -> None:
    async def test(client: Client) -> None:
        client.exchange.advance(10)
        assert await client.public("/v1/public/status") == {"status": "read-only"}
        assert (await place(client))[0] == 503
        assert await client.get("/v1/orders/open") == []
        client.exchange.advance(20)
        assert await client.public("/v1/public/status") == {"status": "online"}
        assert (await place(client))[0] == 201

    with_fault(Fault(kind="maintenance", after_secs=10, secs=20), test)


def test_maintenance_refuses_commands_on_the_socket_without_closing_it() -> None:
    async def test(client: Client) -> None:
        async with client.socket("/ws/account") as socket:
            await socket.frame("OPEN_ORDERS_UPDATE")
            client.exchange.advance(10)
            order = limit_order("BUY", "0.001", "1000000")
            await socket.send({"type": "PLACE_LIMIT_ORDER", "clientMsgId": "1", "payload": order})
            assert "error" in await socket.frame("PLACE_LIMIT_WS_RESPONSE")
            client.exchange.advance(20)
            await socket.send({"type": "PLACE_LIMIT_ORDER", "clientMsgId": "2", "payload": order})
            await socket.until(lambda frames: any("data" in frame and "clientMsgId" in frame for frame in frames))

    with_fault(Fault(kind="maintenance", after_secs=10, secs=20), test)


def test_a_skewed_clock_refuses_logins_and_a_client_that_corrects_itself_is_let_in() -> None:
    async def test(client: Client) -> None:
        client.exchange.advance(10)
        async with client.socket("/ws/account") as socket:
            assert await socket.closed() == 1007
        venue_time = await client.public("/v1/public/time")
        assert isinstance(venue_time["epochTime"], int)
        stamp = str(client.exchange.client_ns() // NS_PER_MS)
        signature = sign(client.credentials.secret, stamp, "GET", "/v1/account/balances")
        names = {"X-VALR-API-KEY": client.credentials.key, "X-VALR-TIMESTAMP": stamp, "X-VALR-SIGNATURE": signature}
        assert (await client.call("GET", "/v1/account/balances", headers=names))[0] == 200

    with_fault(Fault(kind="clock_skew", after_secs=10, secs=-60), test)


def test_a_skewed_clock_refuses_signatures_signatures_that_were_right() -> None:
    async def test(client: Client) -> None:
        client.exchange.advance(10)
        status, body = await client.call("GET", "/v1/account/balances")
        assert (status, body["code"]) == (401, -11252)

    with_fault(Fault(kind="clock_skew", after_secs=10, secs=-60), test)


def test_an_order_can_be_partly_filled_while_it_is_modified() -> None:
    async def test(client: Client) -> None:
        _, placed = await client.call("POST", "/v2/orders/limit", limit_order("BUY", "0.004", "1000000"))
        change = {"orderId": placed["id"], "pair": "BTCZAR", "modifyMatchStrategy": "RETAIN_ORIGINAL"}
        assert (await client.call("PUT", "/v2/orders/modify", change | {"newTotalQuantity": "0.003"}))[0] == 201
        (order,) = await client.get("/v1/orders/open")
        assert (order["remainingQuantity"], order["originalQuantity"]) == ("0.001", "0.003")
        (fill,) = await client.get("/v1/account/tradehistory")
        assert Decimal(fill["quantity"]) == Decimal("0.002")

    with_fault(Fault(kind="fill_on_modify", on="BTCZAR", nth=1, fraction=0.5), test)


def test_an_order_can_be_filled_whole_while_it_is_modified_over_the_socket() -> None:
    async def test(client: Client) -> None:
        _, placed = await client.call("POST", "/v2/orders/limit", limit_order("BUY", "0.004", "1000000"))
        change = {"orderId": placed["id"], "pair": "BTCZAR", "modifyMatchStrategy": "RETAIN_ORIGINAL"}
        async with client.socket("/ws/account") as socket:
            await socket.frame("OPEN_ORDERS_UPDATE")
            await socket.send({"type": "MODIFY_ORDER", "payload": change | {"newRemainingQuantity": "0.001"}})
            await socket.frame("MODIFY_ORDER_WS_RESPONSE", requested=True)
            client.exchange.advance(1)
            await socket.frame("ORDER_STATUS_UPDATE", orderStatusType="Filled")
            await socket.frame("MODIFY_ORDER_OUTCOME", success=False, orderId=placed["id"])
        assert await client.get("/v1/orders/open") == []

    with_fault(Fault(kind="fill_on_modify", on="BTCZAR", nth=1, fraction=1.0), test)


async def _run_once(seed: int) -> tuple[list[list[str]], list[Any], bytes]:
    """A scripted client: its frames, its replies and the ledger, in bytes."""
    faults = script(
        Fault(kind="drop_frame", on=DIFF, probability=0.1, times=0),
        Fault(kind="duplicate_frame", on="account *", probability=0.1, times=0),
        Fault(kind="fill_on_modify", on="*", probability=0.5, times=0),
        Fault(kind="error_after", on="POST *", probability=0.5, times=0),
        seed=seed,
    )
    async with (
        running(faults) as client,
        client.socket("/ws/trade", headers={}) as trade,
        client.socket("/ws/account") as account,
    ):
        for event in ("OB_L1_DIFF", "FULL_ORDERBOOK_UPDATE", "NEW_TRADE", "MARKET_SUMMARY_UPDATE"):
            await trade.subscribe(event, "BTCZAR", "BTCUSDTPERP")
        await trade.settled()
        replies: list[Any] = []
        for i in range(5):
            replies.append(await place(client))
            body = {"pair": "BTCUSDTPERP", "side": "BUY" if i % 2 else "SELL", "baseAmount": "0.002"}
            replies.append(await client.call("POST", "/v2/orders/market", body))
            client.exchange.advance(20)
            for order in (await client.get("/v1/orders/open"))[:1]:
                change = {"orderId": order["orderId"], "pair": "BTCZAR", "newPrice": str(999_000 - i)}
                change |= {"modifyMatchStrategy": "REPRICE", "newTotalQuantity": "0.002"}
                replies.append(await client.call("PUT", "/v2/orders/modify", change))
        await trade.settled()
        await account.settled()
        replies.append(client.exchange.faults.strikes)
        return [trade.texts, account.texts], replies, msgspec.json.encode(client.exchange.dump())


def test_a_script_takes_the_place_of_the_one_before_with_all_that_it_had_to_come() -> None:
    async def test(client: Client) -> None:
        assert (await place(client))[0] == 503
        client.exchange.play(script(Fault(kind="rate_limit", on=PLACE, probability=1.0, times=0, retry_after_secs=3)))
        client.exchange.advance(20)
        assert (await place(client))[0] == 429
        client.exchange.play(FaultScript())
        assert (await place(client))[0] == 201
        assert [strike.kind for strike in client.exchange.faults.strikes] == ["error_before", "rate_limit"]

    faults = Fault(kind="error_before", on=PLACE, nth=1), Fault(kind="maintenance", after_secs=10.0, secs=60.0)
    on_exchange(test, faults=script(*faults))


def test_a_seed_gives_the_same_run_to_the_last_byte_and_another_seed_another() -> None:
    first, again, other = (asyncio.run(_run_once(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first[1] != other[1]
    assert len({strike.kind for strike in first[1][-1]}) > 2


def test_secrets_appear_in_no_text_of_the_simulator() -> None:
    async def test(client: Client) -> None:
        secret = client.credentials.secret
        async with client.socket("/ws/account") as socket:
            await socket.settled()
            bodies = [
                await client.call("GET", "/v1/account/api-keys/current"),
                await client.public("/simulator/ledger"),
            ]
            key = client.exchange.venue.accounts.key(client.credentials.key)
            assert secret not in json.dumps(bodies) + repr(key) + repr(client.credentials) + "".join(socket.texts)

    on_exchange(test)
