"""Every fault does what its name says, when its trigger says, and the same way for a seed."""

import asyncio
import json
from decimal import Decimal
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from helios_nautilus.simulator.exchange.faults import Fault, FaultScript
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


def test_a_skewed_clock_refuses_signatures_that_were_right() -> None:
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


async def _run_once(seed: int) -> tuple[list[str], list[Any], object]:
    faults = script(
        Fault(kind="drop_frame", on=DIFF, probability=0.1, times=0),
        Fault(kind="duplicate_frame", on=DIFF, probability=0.1, times=0),
        Fault(kind="error_after", on="POST *", probability=0.5, times=0),
        seed=seed,
    )
    async with running(faults) as client, client.socket("/ws/trade", headers={}) as socket:
        await socket.subscribe("OB_L1_DIFF", "BTCZAR")
        await socket.frame("OB_L1_SNAPSHOT")
        for _ in range(5):
            await place(client)
            client.exchange.advance(20)
        await socket.settled()
        return socket.texts, client.exchange.faults.strikes, client.exchange.dump()


def test_a_seed_gives_the_same_run_to_the_last_byte_and_another_seed_another() -> None:
    first, again, other = (asyncio.run(_run_once(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first[1] != other[1]
    assert first[1]


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
