"""The sockets: subscriptions, books that verify, the choreography of account events, and who gets closed when."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID
from zlib import crc32

import aiohttp
import pytest

from tests.integration.simulator.client import Client, Socket
from tests.integration.simulator.shapes import differences, payload
from tests.integration.simulator.test_rest import limit_order, on_exchange


def on_account(test: Callable[[Client, Socket], Awaitable[None]], **options: Any) -> None:
    async def run(client: Client) -> None:
        async with client.socket("/ws/account") as socket:
            await socket.frame("AUTHENTICATED")
            await socket.settled()
            await test(client, socket)

    on_exchange(run, **options)


def on_trade(test: Callable[[Client, Socket], Awaitable[None]], *, logs_in: bool = False, **options: Any) -> None:
    async def run(client: Client) -> None:
        async with client.socket("/ws/trade", headers=None if logs_in else {}) as socket:
            await test(client, socket)

    on_exchange(run, **options)


class Book:
    """A client's book, kept from OB_L1 frames by the documented rules."""

    def __init__(self) -> None:
        self.sides: dict[str, dict[Decimal, tuple[str, str]]] = {"a": {}, "b": {}}

    def apply(self, frame: dict[str, Any]) -> int:
        """Take a frame in; the checksum of what we have now."""
        if frame["type"] == "OB_L1_SNAPSHOT":
            self.__init__()  # type: ignore[misc]
        for name, levels in self.sides.items():
            for price, quantity in frame["d"][name]:
                levels.pop(Decimal(price), None)
                if quantity != "0":
                    levels[Decimal(price)] = (price, quantity)
        bids = [self.sides["b"][price] for price in sorted(self.sides["b"], reverse=True)[:25]]
        asks = [self.sides["a"][price] for price in sorted(self.sides["a"])[:25]]
        rows = [":".join(side[i]) for i in range(25) for side in (bids, asks) if i < len(side)]
        return crc32(":".join(rows).encode())


def test_a_book_starts_with_a_snapshot_and_every_diff_follows_in_sequence_and_verifies() -> None:
    async def test(client: Client, socket: Socket) -> None:
        await socket.subscribe("OB_L1_DIFF", "BTCZAR")
        await socket.until(lambda frames: len(frames) >= 2)
        client.exchange.advance(300)
        await socket.settled()
        frames = socket.of("OB_L1_SNAPSHOT", "OB_L1_DIFF")
        assert [frame["type"] for frame in frames[:2]] == ["OB_L1_SNAPSHOT", "OB_L1_DIFF"]
        assert len(frames) > 20
        assert all(later["d"]["sq"] == earlier["d"]["sq"] + 1 for earlier, later in pairwise(frames))
        book = Book()
        assert all(book.apply(frame) == frame["d"]["cs"] for frame in frames)
        for frame, name in zip(frames, ("ws_trade_OB_L1_SNAPSHOT_w", "ws_trade_OB_L1_DIFF_w"), strict=False):
            assert differences(frame, payload(name)) == []

    on_trade(test)


def test_the_order_by_order_book_counts_entries_and_verifies() -> None:
    async def test(client: Client, socket: Socket) -> None:
        await socket.subscribe("FULL_ORDERBOOK_UPDATE", "BTCZAR")
        await socket.until(lambda frames: len(frames) >= 2)
        client.exchange.advance(120)
        await socket.settled()
        first, *updates = socket.of("FULL_ORDERBOOK_SNAPSHOT", "FULL_ORDERBOOK_UPDATE")
        assert differences(first, payload("synthetic_ws_trade_FULL_ORDERBOOK_01_SNAPSHOT")) == []
        assert updates
        sides: dict[str, dict[Decimal, dict[str, str]]] = {"Asks": {}, "Bids": {}}
        sequence = first["data"]["SequenceNumber"]
        for frame in (first, *updates):
            data = frame["data"]
            entries = sum(len(level["Orders"]) for name in sides for level in data[name])
            sequence += 0 if frame is first else entries
            assert data["SequenceNumber"] == sequence
            for name, levels in sides.items():
                for level in data[name]:
                    orders = levels.setdefault(Decimal(level["Price"]), {})
                    for order in level["Orders"]:
                        if order["quantity"] == "0":
                            orders.pop(order["orderId"], None)
                        else:
                            orders[order["orderId"]] = order["quantity"]
            assert data["Checksum"] == order_checksum(sides)

    on_trade(test)


def order_checksum(sides: dict[str, dict[Decimal, dict[str, str]]]) -> int:
    ranked = [
        [pair for price in sorted(sides[name], reverse=name == "Bids") for pair in sides[name][price].items()][:25]
        for name in ("Bids", "Asks")
    ]
    rows = [":".join(side[i]) for i in range(25) for side in ranked if i < len(side)]
    return crc32(":".join(rows).encode())


TRADE_EVENTS = [
    ("NEW_TRADE", "BTCZAR", "ws_trade_NEW_TRADE", ("id",)),
    ("NEW_TRADE_BUCKET", "BTCZAR", "ws_trade_NEW_TRADE_BUCKET", ("quoteVolume",)),
    ("MARKET_SUMMARY_UPDATE", "BTCZAR", "ws_trade_MARKET_SUMMARY_UPDATE_w", ()),
    ("MARK_PRICE_UPDATE", "BTCUSDTPERP", "ws_trade_MARK_PRICE_UPDATE_w", ()),
    ("AGGREGATED_ORDERBOOK_UPDATE", "BTCZAR", "ws_trade_AGGREGATED_ORDERBOOK_UPDATE", ()),
    ("OB_L1_D1_SNAPSHOT", "BTCZAR", "ws_trade_OB_L1_D1_SNAPSHOT", ()),
    ("FUNDING_RUN_COMPLETED", "BTCUSDTPERP", "ws_trade_FUNDING_RUN_COMPLETED", ()),
    ("PNL_RUN_COMPLETED", "BTCUSDTPERP", "ws_trade_PNL_RUN_COMPLETED", ()),
]


@pytest.mark.parametrize(("event", "pair", "name", "optional"), TRADE_EVENTS)
def test_public_frames_have_the_recorded_shapes(event: str, pair: str, name: str, optional: tuple[str, ...]) -> None:
    async def test(client: Client, socket: Socket) -> None:
        await socket.subscribe(event, pair)
        await socket.frame("SUBSCRIBED")
        client.exchange.advance(70)
        frame = await socket.frame(event)
        assert differences(frame, payload(name), optional=frozenset(optional)) == []

    # A minute before four o'clock, when both runs are due.
    on_trade(test, minute_of_day=239)


def test_a_later_subscribe_replaces_the_list_and_an_empty_one_ends_it() -> None:
    async def test(client: Client, socket: Socket) -> None:
        await socket.subscribe("NEW_TRADE", "BTCZAR", "ethzar")
        await socket.until(lambda frames: len(frames) == 2)
        await socket.subscribe("NEW_TRADE", "SOLZAR")
        await socket.until(lambda frames: len(frames) == 5)
        await socket.subscribe("NEW_TRADE")
        await socket.until(lambda frames: len(frames) == 6)
        assert [(frame["type"], frame["message"][10:]) for frame in socket.frames] == [
            ("SUBSCRIBED", "BTCZAR"),
            ("SUBSCRIBED", "ETHZAR"),
            ("UNSUBSCRIBED", "BTCZAR"),
            ("UNSUBSCRIBED", "ETHZAR"),
            ("SUBSCRIBED", "SOLZAR"),
            ("UNSUBSCRIBED", "SOLZAR"),
        ]

    on_trade(test)


def test_wrong_pairs_and_broken_json_are_told_and_the_socket_stays() -> None:
    async def test(client: Client, socket: Socket) -> None:
        await socket.subscribe("OB_L1_DIFF", "NOPEUSDTPERP", "LTCBTC")
        await socket.send("{")
        await socket.send({"type": "PING"})
        await socket.frame("PONG")
        errors = socket.of("ERROR")
        assert errors[0] == payload("ws_trade_ERROR_invalid_combination")
        assert errors[2] == payload("ws_trade_ERROR_invalid_json")
        assert socket.frames[-1] == payload("ws_PONG_no_subscriptions")

    on_trade(test)


def test_an_idle_socket_is_cut_after_a_minute_and_a_subscribed_one_is_not() -> None:
    async def test(client: Client, idle: Socket) -> None:
        async with client.socket("/ws/trade", headers={}) as busy:
            await busy.subscribe("NEW_TRADE", "BTCZAR")
            await busy.frame("SUBSCRIBED")
            await idle.settled()
            client.exchange.advance(61)
            assert await idle.closed() == aiohttp.WSCloseCode.ABNORMAL_CLOSURE
            await busy.settled()

    on_trade(test)


def test_a_socket_nobody_logged_in_on_ends_after_fifteen_minutes() -> None:
    async def test(client: Client, socket: Socket) -> None:
        await socket.subscribe("NEW_TRADE", "BTCZAR")
        await socket.frame("SUBSCRIBED")
        client.exchange.advance(15 * 60)
        assert await socket.closed() == aiohttp.WSCloseCode.ABNORMAL_CLOSURE

    on_trade(test)


def test_a_wrong_signature_closes_the_socket_with_1007() -> None:
    async def test(client: Client) -> None:
        headers = client.headers("GET", "/ws/trade")
        async with client.socket("/ws/account", headers) as socket:
            assert await socket.closed() == 1007
            assert socket.frames == []

    on_exchange(test)


def test_a_fresh_account_socket_gets_balances_then_open_orders() -> None:
    async def test(client: Client, socket: Socket) -> None:
        kinds = [frame["type"] for frame in socket.frames]
        assert kinds[0] == "AUTHENTICATED"
        assert kinds[-2:] == ["OPEN_ORDERS_UPDATE", "PONG"]
        assert set(kinds[1:-2]) == {"BALANCE_UPDATE"}

    on_account(test)


PLACE = {
    "side": "BUY",
    "quantity": "0.001",
    "price": "1000000",
    "pair": "BTCZAR",
    "postOnly": True,
    "customerOrderId": "ws-1",
}


def test_a_resting_order_is_answered_processed_and_listed_in_that_order() -> None:
    async def test(client: Client, socket: Socket) -> None:
        before = len(socket.frames)
        await socket.send({"type": "PLACE_LIMIT_ORDER", "clientMsgId": "m1", "payload": PLACE})
        reply = await socket.frame("PLACE_LIMIT_WS_RESPONSE")
        assert differences(reply, payload("ws_account_PLACE_LIMIT_WS_RESPONSE")) == []
        assert reply["clientMsgId"] == "m1"
        client.exchange.advance(0.01)
        await socket.settled()
        kinds = [frame["type"] for frame in socket.frames[before:]]
        assert kinds == [
            "PLACE_LIMIT_WS_RESPONSE",
            "ORDER_PROCESSED",
            "BALANCE_UPDATE",
            "OPEN_ORDERS_UPDATE",
            "PONG",
        ]

    on_account(test)


def test_a_fill_is_told_trade_by_trade_then_balances_and_open_orders() -> None:
    async def test(client: Client, socket: Socket) -> None:
        before = len(socket.frames)
        await client.call("POST", "/v2/orders/market", {"side": "BUY", "pair": "BTCZAR", "baseAmount": "0.0001"})
        await socket.settled()
        kinds = [frame["type"] for frame in socket.frames[before:]]
        assert kinds == [
            "ORDER_PROCESSED",
            "NEW_ACCOUNT_TRADE",
            "ORDER_STATUS_UPDATE",
            "NEW_ACCOUNT_HISTORY_RECORD",
            "BALANCE_UPDATE",
            "BALANCE_UPDATE",
            "OPEN_ORDERS_UPDATE",
            "PONG",
        ]

    on_account(test)


def test_account_frames_have_the_recorded_shapes() -> None:
    async def test(client: Client, socket: Socket) -> None:
        venue = client.exchange.venue
        await socket.send({"type": "PLACE_LIMIT_ORDER", "clientMsgId": "m", "payload": PLACE})
        await socket.frame("PLACE_LIMIT_WS_RESPONSE")
        client.exchange.advance(0.01)
        order = venue.engine.open_orders(client.credentials.account_id)[0]
        change = {"orderId": order.order_id, "pair": "BTCZAR", "newPrice": "1000001", "modifyMatchStrategy": "REPRICE"}
        await socket.send({"type": "MODIFY_ORDER", "clientMsgId": "m", "payload": change})
        await socket.frame("MODIFY_ORDER_WS_RESPONSE")
        client.exchange.advance(0.01)
        venue.engine.fill_from_market(order, Decimal("0.0004"), venue.now_ns)
        await socket.send(
            {"type": "CANCEL_LIMIT_ORDER", "clientMsgId": "m", "payload": {"orderId": order.order_id, "pair": "BTCZAR"}}
        )
        await socket.frame("CANCEL_ORDER_WS_RESPONSE")
        client.exchange.advance(0.01)
        await client.call("DELETE", "/v1/orders/order", {"orderId": str(UUID(int=7)), "pair": "BTCZAR"})
        client.exchange.advance(0.01)
        for side, size in (("BUY", "0.002"), ("SELL", "0.001"), ("SELL", "0.001")):
            body = {"side": side, "pair": "BTCUSDTPERP", "baseAmount": size}
            assert (await client.call("POST", "/v2/orders/market", body))[0] == 201
        await socket.send({"type": "SUBSCRIBE", "subscriptions": [{"event": "MARGIN_INFO"}]})
        await socket.send({"type": "CANCEL_ON_DISCONNECT", "payload": {"cancelOnDisconnect": False}})
        await socket.settled()
        optional = frozenset({"customerOrderId", "leverageMultiple", "marginFraction", "collateralizedMarginFraction"})
        for name in (
            "MODIFY_ORDER_WS_RESPONSE",
            "CANCEL_ORDER_WS_RESPONSE",
            "ORDER_PROCESSED",
            "BALANCE_UPDATE",
            "OPEN_ORDERS_UPDATE",
            "MODIFY_ORDER_OUTCOME",
            "NEW_ACCOUNT_TRADE",
            "FAILED_CANCEL_ORDER",
            "OPEN_POSITION_UPDATE",
            "REDUCE_POSITION",
            "POSITION_CLOSED",
            "MARGIN_INFO",
            "CANCEL_ON_DISCONNECT_UPDATE",
        ):
            frames = socket.of(name)
            assert frames, name
            for frame in frames:
                assert differences(frame, payload(f"ws_account_{name}"), optional=optional, at=name) == []
        for status in ("Order_Modified", "Partially_Filled"):
            frame = await socket.frame("ORDER_STATUS_UPDATE", orderStatusType=status.replace("_", " "))
            assert differences(frame, payload(f"ws_account_ORDER_STATUS_UPDATE_{status}")) == []
        record = await socket.frame("NEW_ACCOUNT_HISTORY_RECORD")
        assert differences(record, payload("ws_account_NEW_ACCOUNT_HISTORY_RECORD")) == []

    on_account(test)


def test_an_invalid_command_is_answered_with_an_error_in_the_usual_reply() -> None:
    async def test(client: Client, socket: Socket) -> None:
        await socket.send({"type": "PLACE_LIMIT_ORDER", "clientMsgId": "m", "payload": PLACE | {"side": "buy"}})
        reply = await socket.frame("PLACE_LIMIT_WS_RESPONSE")
        assert reply["error"]["code"] == -11
        assert reply["clientMsgId"] == "m"
        assert "data" not in reply

    on_account(test)


def test_commands_over_the_limit_are_told_so() -> None:
    async def test(client: Client, socket: Socket) -> None:
        for _ in range(5):
            await socket.send({"type": "PLACE_LIMIT_ORDER", "clientMsgId": "m", "payload": PLACE | {"side": "?"}})
        frame = await socket.frame("RATE_LIMIT_EXCEEDED")
        assert differences(frame, payload("ws_account_RATE_LIMIT_EXCEEDED_PLACE_LIMIT_ORDER")) == []

    on_account(test, limit_scale=0.01)


def test_cancel_on_disconnect_cancels_when_the_socket_drops() -> None:
    async def test(client: Client) -> None:
        async with client.socket("/ws/account") as socket:
            await socket.send({"type": "CANCEL_ON_DISCONNECT", "payload": {"cancelOnDisconnect": True}})
            await socket.frame("CANCEL_ON_DISCONNECT_UPDATE", cancelOnDisconnect="true")
            await client.call("POST", "/v2/orders/limit", limit_order("BUY", "0.001", "1000000"))
            assert len(await client.get("/v1/orders/open")) == 1
        async with asyncio.timeout(10):
            while await client.get("/v1/orders/open"):
                await asyncio.sleep(0)

    on_exchange(test)
