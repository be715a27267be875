"""A day on the exchange in which all happens that was recorded of VALR, and what the simulator says of it."""

import asyncio
from decimal import Decimal
from functools import cache
from typing import Any, Final
from uuid import UUID

from helios_nautilus.simulator.exchange.accounts import INTERNAL_TRANSFER, TRADE, VIEW
from helios_nautilus.simulator.exchange.opening import open_account
from helios_nautilus.simulator.exchange.orders import Side
from tests.integration.simulator.client import Client, Socket, running
from tests.integration.simulator.shapes import payload

type Said = dict[str, list[Any]]
"""What the simulator said of the kind of each payload."""

READS: Final = {
    "rest_public_pairs": "/v1/public/pairs",
    "rest_public_pairs_SPOT": "/v1/public/pairs/SPOT",
    "rest_public_pairs_FUTURE": "/v1/public/pairs/FUTURE",
    "rest_public_currencies": "/v1/public/currencies",
    "rest_public_ordertypes": "/v1/public/ordertypes",
    "rest_public_pair_ordertypes": "/v1/public/BTCZAR/ordertypes",
    "rest_public_pair_orderbook": "/v1/public/BTCZAR/orderbook",
    "rest_public_pair_orderbook_full": "/v1/public/BTCZAR/orderbook/full",
    "rest_public_pair_orderbook_inactive": "/v1/public/LTCBTC/orderbook",
    "rest_public_pair_trades": "/v1/public/BTCZAR/trades?limit=10",
    "rest_public_pair_trades_filtered": "/v1/public/ETHZAR/trades?limit=10&startTime=2020-01-01T08:51:21.604113Z",
    "rest_public_marketsummary": "/v1/public/marketsummary",
    "rest_public_pair_marketsummary": "/v1/public/BTCZAR/marketsummary",
    "rest_public_pair_buckets": "/v1/public/BTCZAR/buckets?limit=12&includeEmpty=true",
    "rest_public_pair_markprice_buckets": "/v1/public/BTCZAR/markprice/buckets",
    "rest_public_time": "/v1/public/time",
    "rest_public_time_w": "/v1/public/time",
    "rest_public_status_online": "/v1/public/status",
    "rest_public_futures_info": "/v1/public/futures/info",
    "rest_public_futures_funding_history": "/v1/public/futures/funding/history?currencyPair=BTCUSDTPERP",
    "rest_public_risklimit": "/v1/public/risklimit/BTCUSDTPERP",
    "rest_marketdata_pair_orderbook": "/v1/marketdata/BTCZAR/orderbook",
    "rest_marketdata_pair_orderbook_full": "/v1/marketdata/BTCZAR/orderbook/full",
    "rest_marketdata_pair_tradehistory": "/v1/marketdata/BTCZAR/tradehistory?skip=0&limit=10",
    "rest_account_api_keys_current_minimal": "/v1/account/api-keys/current",
    "rest_account_balances": "/v1/account/balances?excludeZeroBalances=true",
    "rest_account_balances_k": "/v1/account/balances",
    "rest_account_fees_trade": "/v1/account/fees/trade",
    "rest_account_fees_trade_perp": "/v1/account/fees/trade",
    "rest_account_tradehistory": "/v1/account/tradehistory?skip=0&limit=100",
    "rest_account_tradehistory_filtered": "/v1/account/tradehistory?startTime=2020-07-03T12:17:02.258Z",
    "rest_account_pair_tradehistory": "/v1/account/BTCZAR/tradehistory?limit=100",
    "rest_account_transactionhistory": "/v1/account/transactionhistory?skip=0&limit=100",
    "rest_account_transactionhistory_trades": "/v1/account/transactionhistory?transactionTypes=MARKET_BUY&currency=BTC",
    "rest_margin_account_status": "/v1/margin/account/status",
    "rest_margin_status_v1": "/v1/margin/status",
    "rest_margin_status_v2": "/v2/margin/status",
    "rest_margin_leverage": "/v1/margin/leverage/BTCUSDTPERP",
    "rest_positions_open": "/v1/positions/open",
    "rest_positions_open_k": "/v1/positions/open",
    "rest_positions_closed": "/v1/positions/closed",
    "rest_positions_closed_summary": "/v1/positions/closed/summary",
    "rest_positions_history": "/v1/positions/history?currencyPair=BTCUSDTPERP",
    "rest_positions_funding_history": "/v1/positions/funding/history?currencyPair=BTCUSDTPERP&skip=0&limit=100",
    "rest_orders_open": "/v1/orders/open",
    "rest_orders_open_k": "/v1/orders/open",
    "rest_orders_open_stops": "/v1/orders/open",
    "rest_orders_history_filled": "/v1/orders/history?skip=0&limit=2&statuses=FILLED",
    "rest_orders_history_stop_filled": "/v1/orders/history?skip=0&limit=1&statuses=FILLED",
    "rest_orders_history_failed": "/v1/orders/history?statuses=FAILED",
    "rest_orders_history_summary_simple": "/v1/orders/history/summary/customerorderid/bought",
    "rest_orders_history_summary_post_only_filled": "/v1/orders/history/summary/customerorderid/made",
    "rest_orders_history_summary_stop_failed": "/v1/orders/history/summary/customerorderid/stop-failed",
    "rest_orders_history_detail_failed": "/v1/orders/history/detail/customerorderid/crossing",
    "rest_orders_history_detail_modified": "/v1/orders/history/detail/customerorderid/changed",
    "rest_orders_history_detail_stop_active": "/v1/orders/history/detail/customerorderid/stop",
    "rest_orders_history_detail_unknown": "/v1/orders/history/detail/orderid/nope",
    "rest_orders_status_placed": "/v1/orders/BTCZAR/customerorderid/resting",
    "rest_orders_status_placed_k": "/v1/orders/BTCZAR/customerorderid/resting",
    "rest_orders_status_filled": "/v1/orders/BTCZAR/customerorderid/made",
    "rest_orders_status_failed_market": "/v1/orders/BTCZAR/customerorderid/too-dear",
    "rest_orders_status_partially_filled": "/v1/orders/BTCZAR/customerorderid/half",
    "rest_orders_status_cancelled": "/v1/orders/BTCZAR/customerorderid/gone",
    "rest_orders_status_stop_triggered": "/v1/orders/BTCZAR/customerorderid/stop-resting",
    "rest_orders_status_stop_active": "/v1/orders/BTCZAR/customerorderid/stop",
}
"""What is asked at the end of the day."""

REFUSALS: Final = {
    "rest_orders_status_400_invalid": ("GET", "/v1/orders/BTCZAR/customerorderid/nope", None),
    "rest_error_invalid_request": ("GET", "/v1/public/pairs/NOPE", None),
    "rest_error_unsupported_pair": ("GET", "/v1/public/NOPE/orderbook", None),
    "rest_error_market_summary_not_found": ("GET", "/v1/public/LTCBTC/marketsummary", None),
    "rest_error_pair_not_active": ("POST", "/v2/orders/limit", {"pair": "LTCBTC", "price": "0.01"}),
    "rest_error_min_order_size": ("POST", "/v2/orders/limit", {"quantity": "0.000001"}),
    "rest_error_invalid_request_validation": ("POST", "/v2/orders/limit", {"side": "buy"}),
    "rest_error_order_type_not_allowed": (
        "POST",
        "/v2/orders/stop/limit",
        {"pair": "BTCUSDTPERP", "price": "50000", "stopPrice": "51000", "type": "STOP_LOSS_LIMIT"},
    ),
}


class Day:
    """One account's day on the exchange, and everything it was told."""

    def __init__(self, client: Client, said: Said) -> None:
        self.client = client
        self.said = said
        self.last = int(client.exchange.venue.engine.margin.last_prices["BTCZAR"])

    def hear(self, name: str, body: Any) -> Any:
        self.said.setdefault(name, []).append(body)
        return body

    async def send(self, name: str, verb: str, target: str, body: object, *, status: int) -> Any:
        """A request whose answer is of the kind of a payload."""
        found, reply = await self.client.call(verb, target, body)
        assert found == status, (name, found, reply)
        return self.hear(name, reply)

    def limit(self, **fields: object) -> dict[str, object]:
        """A limit order far below the market."""
        order = {"side": "BUY", "quantity": "0.001", "price": str(self.last // 2), "pair": "BTCZAR"}
        return order | {name: value for name, value in fields.items() if value is not None}

    def fill(self, customer_id: str, quantity: str) -> None:
        """The market takes so much of a resting order."""
        venue = self.client.exchange.venue
        orders = venue.engine.open_orders(self.client.credentials.account_id)
        order = next(order for order in orders if order.customer_order_id == customer_id)
        venue.engine.fill_from_market(order, Decimal(quantity), venue.now_ns)


async def trade(day: Day) -> None:
    """Orders of every fate, over REST."""
    last, client = day.last, day.client
    perpetual = {"pair": "BTCUSDTPERP"}
    buy = {"side": "BUY", "pair": "BTCZAR", "baseAmount": "0.001"}
    await day.send(
        "rest_orders_v2_market_201", "POST", "/v2/orders/market", buy | {"customerOrderId": "bought"}, status=201
    )
    await day.send(
        "rest_orders_v1_market_202", "POST", "/v1/orders/market", buy | {"customerOrderId": "bought-1"}, status=202
    )
    await day.send(
        "rest_orders_v2_market_400",
        *("POST", "/v2/orders/market", buy | {"side": "SELL", "baseAmount": "5", "customerOrderId": "too-dear"}),
        status=400,
    )
    await day.send("rest_orders_v2_limit_400", "POST", "/v2/orders/limit", day.limit(quantity="5"), status=400)
    await day.send("rest_orders_v2_limit_201", "POST", "/v2/orders/limit", day.limit(), status=201)
    await day.send(
        "rest_orders_v1_limit_202", "POST", "/v1/orders/limit", day.limit(customerOrderId="resting"), status=202
    )
    for name in ("made", "half"):
        await client.call("POST", "/v2/orders/limit", day.limit(customerOrderId=name, postOnly=True))
        day.fill(name, "0.001" if name == "made" else "0.0004")
    crossing = day.limit(price=str(last + 90_000), postOnly="true", customerOrderId="crossing")
    assert (await client.call("POST", "/v2/orders/limit", crossing))[0] == 400
    await modify_and_cancel(day)
    stop = day.limit(side="SELL", stopPrice=str(last // 2), type="STOP_LOSS_LIMIT", customerOrderId="stop")
    await day.send("rest_orders_v2_stop_limit_201", "POST", "/v2/orders/stop/limit", stop, status=201)
    later = stop | {"customerOrderId": "stop-1"}
    await day.send("rest_orders_v1_stop_limit_202", "POST", "/v1/orders/stop/limit", later, status=202)
    at_once = stop | {"stopPrice": str(last * 2), "customerOrderId": "stop-failed"}
    assert (await client.call("POST", "/v2/orders/stop/limit", at_once))[0] == 400
    await trigger_stops(day)
    for side, amount in (("BUY", "0.004"), ("SELL", "0.001")):
        assert (await client.call("POST", "/v2/orders/market", perpetual | {"side": side, "baseAmount": amount}))[
            0
        ] == 201
    assert (await client.call("PUT", "/v1/margin/leverage/BTCUSDTPERP", payload("rest_margin_req_leverage")))[0] == 202


async def trigger_stops(day: Day) -> None:
    """Two stops above the market, which the next trade there lets loose: one then rests, one trades."""
    market = {"pair": "BTCZAR", "baseAmount": "0.001"}
    # Trades at the bid: the ask lies above the last price, where stops may wait.
    assert (await day.client.call("POST", "/v2/orders/market", market | {"side": "SELL"}))[0] == 201
    best = day.client.exchange.venue.engine.books["BTCZAR"].best(Side.SELL)
    assert best is not None
    for name, price in (("stop-resting", day.last // 2), ("stop-filled", day.last + 50_000)):
        stop = day.limit(stopPrice=str(best), price=str(price), type="STOP_LOSS_LIMIT", customerOrderId=name)
        assert (await day.client.call("POST", "/v2/orders/stop/limit", stop))[0] == 201
    assert (await day.client.call("POST", "/v2/orders/market", market | {"side": "BUY"}))[0] == 201


async def modify_and_cancel(day: Day) -> None:
    client = day.client
    _, placed = await client.call("POST", "/v2/orders/limit", day.limit(quantity="0.002", customerOrderId="changed"))
    change = payload("rest_orders_req_modify") | {"orderId": placed["id"], "pair": "BTCZAR", "newPrice": "1000000"}
    change["newRemainingQuantity"] = "0.001"
    await day.send("rest_orders_v2_modify_201", "PUT", "/v2/orders/modify", change, status=201)
    await day.send("rest_orders_v2_modify_400", "PUT", "/v2/orders/modify", change, status=400)
    await day.send(
        "rest_orders_v1_modify_202", "PUT", "/v1/orders/modify", change | {"newPrice": "1000001"}, status=202
    )
    _, gone = await client.call("POST", "/v2/orders/limit", day.limit(customerOrderId="gone"))
    one = {"orderId": gone["id"], "pair": "BTCZAR"}
    await day.send("rest_orders_v2_cancel_200", "DELETE", "/v2/orders/order", one, status=200)
    await client.call("POST", "/v2/orders/limit", day.limit(customerOrderId="named"))
    named = payload("rest_orders_req_cancel_customer") | {"customerOrderId": "named", "pair": "BTCZAR"}
    await day.send("rest_orders_v2_cancel_customer_200", "DELETE", "/v2/orders/order", named, status=200)
    place = {"type": "PLACE_LIMIT", "data": day.limit(customerOrderId="batched")}
    small = {"type": "PLACE_LIMIT", "data": day.limit(quantity="0.000001")}
    batch = await day.send(
        "rest_batch_orders_200", "POST", "/v1/batch/orders", {"requests": [place, small]}, status=200
    )
    day.hear("rest_batch_orders_200_k", batch)
    day.hear("rest_error_min_order_size", batch["outcomes"][1]["error"])
    client.exchange.advance(0.1)
    change = {"type": "MODIFY_ORDER", "data": {"orderId": placed["id"], "pair": "BTCZAR", "newPrice": "1000002"}}
    change["data"] |= {"modifyMatchStrategy": "RETAIN_ORIGINAL"}
    await day.send("rest_batch_modify_200", "POST", "/v1/batch/orders", {"requests": [change]}, status=200)


async def read(day: Day) -> None:
    """Everything that can be asked at the end of the day, and what is refused."""
    for name, target in READS.items():
        day.hear(name, await day.client.get(target))
    page = await day.client.get("/v1/public/BTCZAR/trades?limit=1")
    older = f"/v1/public/BTCZAR/trades?limit=5&beforeId={page[0]['id']}"
    day.hear("rest_public_pair_trades_beforeId", await day.client.get(older))
    page = await day.client.get("/v1/account/transactionhistory?limit=1")
    older = f"/v1/account/transactionhistory?limit=100&transactionTypes=MARKET_BUY&beforeId={page[0]['id']}"
    day.hear("rest_account_transactionhistory_beforeId", await day.client.get(older))
    for name, (verb, target, fields) in REFUSALS.items():
        status, body = await day.client.call(verb, target, None if fields is None else day.limit(**fields))
        assert status >= 400, name
        day.hear(name, body)
    for name, target in (("", "/v1/orders"), ("_pair", "/v1/orders/BTCZAR")):
        await day.client.call("POST", "/v2/orders/limit", day.limit())
        await day.send(f"rest_orders_cancel_all{name}_200", "DELETE", target, None, status=200)
    day.client.exchange.venue.is_read_only = True
    day.hear("rest_public_status_readonly", await day.client.get("/v1/public/status"))
    day.client.exchange.venue.is_read_only = False


TRADE_EVENTS: Final = {
    "NEW_TRADE": ("ws_trade_NEW_TRADE",),
    "NEW_TRADE_BUCKET": ("ws_trade_NEW_TRADE_BUCKET",),
    "MARKET_SUMMARY_UPDATE": ("ws_trade_MARKET_SUMMARY_UPDATE_w",),
    "MARK_PRICE_UPDATE": ("ws_trade_MARK_PRICE_UPDATE", "ws_trade_MARK_PRICE_UPDATE_w"),
    "AGGREGATED_ORDERBOOK_UPDATE": ("ws_trade_AGGREGATED_ORDERBOOK_UPDATE",),
    "OB_L1_D1_SNAPSHOT": ("ws_trade_OB_L1_D1_SNAPSHOT",),
    "OB_L1_SNAPSHOT": ("ws_trade_OB_L1_SNAPSHOT", "ws_trade_OB_L1_SNAPSHOT_w", "synthetic_ws_trade_OB_L1_01_SNAPSHOT"),
    "OB_L1_DIFF": (
        *("ws_trade_OB_L1_DIFF", "ws_trade_OB_L1_DIFF_w"),
        *(f"synthetic_ws_trade_OB_L1_0{n}_DIFF" for n in (2, 3, 4)),
    ),
    "FULL_ORDERBOOK_SNAPSHOT": ("ws_trade_FULL_ORDERBOOK_SNAPSHOT", "synthetic_ws_trade_FULL_ORDERBOOK_01_SNAPSHOT"),
    "FULL_ORDERBOOK_UPDATE": (
        "ws_trade_FULL_ORDERBOOK_UPDATE",
        *(f"synthetic_ws_trade_FULL_ORDERBOOK_0{n}_UPDATE" for n in (2, 3, 4)),
    ),
    "FUNDING_RUN_COMPLETED": ("ws_trade_FUNDING_RUN_COMPLETED",),
    "PNL_RUN_COMPLETED": ("ws_trade_PNL_RUN_COMPLETED",),
    "SUBSCRIBED": ("ws_trade_SUBSCRIBED",),
    "UNSUBSCRIBED": ("ws_trade_UNSUBSCRIBED",),
    "PONG": ("ws_PONG",),
}
ACCOUNT_EVENTS: Final = (
    *("BALANCE_UPDATE", "OPEN_ORDERS_UPDATE", "ORDER_PROCESSED", "NEW_ACCOUNT_TRADE", "NEW_ACCOUNT_HISTORY_RECORD"),
    *("MODIFY_ORDER_OUTCOME", "FAILED_CANCEL_ORDER", "OPEN_POSITION_UPDATE", "REDUCE_POSITION", "POSITION_CLOSED"),
    *(
        "LEVERAGE_UPDATED",
        "MARGIN_INFO",
        "CANCEL_ON_DISCONNECT_UPDATE",
        "PLACE_LIMIT_WS_RESPONSE",
        "PLACE_MARKET_WS_RESPONSE",
    ),
    *("MODIFY_ORDER_WS_RESPONSE", "CANCEL_ORDER_WS_RESPONSE"),
)


async def watch(day: Day, socket: Socket) -> None:
    """The public socket, from its first word to the runs at four o'clock."""
    await socket.send(payload("ws_req_PING"))
    day.hear("ws_PONG_no_subscriptions", await socket.frame("PONG"))
    await socket.subscribe("OB_L1_DIFF", "NOPEUSDTPERP")
    await socket.send("{")
    await socket.until(lambda frames: len(socket.of("ERROR")) == 2)
    for name, error in zip(("invalid_combination", "invalid_json"), socket.of("ERROR"), strict=True):
        day.hear(f"ws_trade_ERROR_{name}", error)
    socket.frames.clear()
    events = ("OB_L1_DIFF", *(event for event in TRADE_EVENTS if "SNAPSHOT" not in event or "_D1_" in event))
    pairs = ["BTCZAR", "BTCUSDTPERP"]
    await socket.send(
        {"type": "SUBSCRIBE", "subscriptions": [{"event": event, "pairs": pairs} for event in dict.fromkeys(events)]}
    )
    await socket.settled()
    day.client.exchange.advance(70)
    await socket.subscribe("NEW_TRADE")
    await socket.settled()
    for event, names in TRADE_EVENTS.items():
        for name in names:
            for frame in socket.of(event):
                day.hear(name, frame)


async def command(day: Day, socket: Socket) -> None:
    """Orders over the private socket, with a message id each."""
    exchange = day.client.exchange

    async def order(kind: str, reply: str, **fields: object) -> None:
        recorded = payload(f"ws_account_req_{kind}")
        await socket.send(recorded | {"payload": recorded["payload"] | fields})
        await socket.frame(reply)
        exchange.advance(0.01)

    low = str(day.last // 2)
    await order("PLACE_LIMIT_ORDER", "PLACE_LIMIT_WS_RESPONSE", pair="BTCZAR", price=low, quantity="0.001")
    await order(
        "PLACE_MARKET_ORDER", "PLACE_MARKET_WS_RESPONSE", pair="BTCZAR", baseAmount="0.0001", customerOrderId="ws-2"
    )
    mine = exchange.venue.engine.open_orders(day.client.credentials.account_id)
    order_id = next(one.order_id for one in mine if one.customer_order_id == "WS-JSON-2933586967831375")
    ids = {"orderId": order_id, "pair": "BTCZAR"}
    price = str(day.last // 2 + 1)
    await order("MODIFY_ORDER", "MODIFY_ORDER_WS_RESPONSE", **ids, newPrice=price, newRemainingQuantity="0.001")
    day.fill("WS-JSON-2933586967831375", "0.0004")
    await order("CANCEL_LIMIT_ORDER", "CANCEL_ORDER_WS_RESPONSE", **ids)
    await day.client.call("DELETE", "/v1/orders/order", {"orderId": str(UUID(int=7)), "pair": "BTCZAR"})
    for side in ("BUY", "SELL"):
        body = {"side": side, "pair": "ETHUSDTPERP", "baseAmount": "0.01"}
        assert (await day.client.call("POST", "/v2/orders/market", body))[0] == 201
    await socket.send(payload("ws_account_req_SUBSCRIBE_MARGIN_INFO"))
    await socket.send(payload("ws_account_req_CANCEL_ON_DISCONNECT") | {"payload": {"cancelOnDisconnect": False}})
    exchange.advance(0.1)
    await socket.settled()


def sort_account_frames(day: Day, socket: Socket) -> None:
    """Each frame to the payload of its type, and of its status where there are several."""
    day.hear("ws_AUTHENTICATED", socket.frames[0])
    for event in ACCOUNT_EVENTS:
        for frame in socket.of(event):
            # Of the ledger's lines a purchase was recorded; funding and profit have fewer fields.
            if event != "NEW_ACCOUNT_HISTORY_RECORD" or frame["data"]["transactionType"]["type"] == "MARKET_BUY":
                day.hear(f"ws_account_{event}", frame)
    for status in ("Order Modified", "Partially Filled"):
        for frame in socket.of("ORDER_STATUS_UPDATE"):
            if frame["data"]["orderStatusType"] == status:
                day.hear(f"ws_account_ORDER_STATUS_UPDATE_{status.replace(' ', '_')}", frame)
    # VALR's second example is the same ledger line of another account.
    day.said["ws_account_NEW_ACCOUNT_HISTORY_RECORD_2"] = day.said["ws_account_NEW_ACCOUNT_HISTORY_RECORD"]


async def live() -> Said:
    said: Said = {}
    # A minute before four o'clock, when both runs of the perpetuals are due.
    async with running(minute_of_day=239) as client:
        day = Day(client, said)
        for version in ("v1", "v2"):
            day.hear(f"rest_margin_status_{version}_none", await client.get(f"/{version}/margin/status"))
        async with client.socket("/ws/account") as account, client.socket("/ws/trade", headers={}) as market:
            await account.frame("AUTHENTICATED")
            await trade(day)
            await command(day, account)
            await watch(day, market)
            await account.settled()
            sort_account_frames(day, account)
        await read(day)
    async with running(label=None) as client:
        day = Day(client, said)
        await own_sub_accounts(day)
    return said


async def own_sub_accounts(day: Day) -> None:
    """What the primary account alone may do, and what it may not."""
    venue, rights = day.client.exchange.venue, (VIEW, TRADE, INTERNAL_TRANSFER)
    day.client.credentials = open_account(venue, key="ab" * 32, secret="cd" * 32, permissions=rights, deposits={})
    label = payload("rest_account_subaccount")["label"]
    made = await day.send(
        "rest_account_subaccount_register", "POST", "/v1/account/subaccount", {"label": label}, status=200
    )
    day.hear("rest_account_subaccount", await day.client.get(f"/v1/account/subaccount/{made['id']}"))
    day.hear("rest_account_subaccounts", await day.client.get("/v1/account/subaccounts"))
    again = {"label": label}
    await day.send("rest_error_subaccount_label_exists", "POST", "/v1/account/subaccount", again, status=403)
    transfer = payload("rest_account_req_subaccounts_transfer") | {"fromId": 0, "toId": int(made["id"])}
    transfer |= {"currencyCode": "ZAR", "amount": "10"}
    await day.send(
        "rest_account_subaccounts_transfer", "POST", "/v1/account/subaccounts/transfer", transfer, status=200
    )
    one = {"id": made["id"]}
    await day.send("rest_error_subaccount_has_balances", "DELETE", "/v1/account/subaccount", one, status=400)
    day.hear("rest_account_balances_all", await day.client.get("/v1/account/balances/all"))
    target = "/v1/account/transactionhistory?transactionTypes=INTERNAL_TRANSFER&currency=ZAR"
    day.hear("rest_account_transactionhistory_internal_transfer", await day.client.get(target))
    target = "/v1/account/transactionhistory/subaccounts?skip=0&limit=100"
    day.hear("rest_account_transactionhistory_subaccounts", await day.client.get(target))
    perpetual = {"pair": "BTCUSDTPERP", "side": "BUY", "baseAmount": "0.001"}
    await day.send("rest_error_futures_not_enabled", "POST", "/v2/orders/market", perpetual, status=400)
    borrowing = day.limit(allowMargin=True)
    await day.send("rest_error_margin_not_enabled", "POST", "/v2/orders/limit", borrowing, status=400)


@cache
def said_of_all() -> Said:
    return asyncio.run(live())
