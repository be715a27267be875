"""VALR's account socket on one core: from the bytes of a frame to the events of the order that it is about."""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final
from uuid import UUID

import msgspec
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.message import Event
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import StrategyId, TraderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order

from benchmarks.instrument import PAIR, listed_instrument
from benchmarks.row import Row, time_call, timing
from benchmarks.world import World
from helios_nautilus.adapters.valr import VALR, ValrExecClientConfig, ValrLiveExecClientFactory
from helios_nautilus.adapters.valr.order_ids import to_customer_id

_TARGET_SECS: Final = 50e-6
_SIZE: Final = "1.00000000"
_PRICE: Final = "1850000"
_STAMP: Final = "2026-09-23T03:14:35.175Z"


def account_rows(world: World) -> Iterator[Row]:
    """Frames about orders that were sent and of which nothing has been heard yet: each makes two events."""
    count = world.count(2_000)
    yield timing("VALR, frame to events: order accepted and filled", _time(_fill, count), _TARGET_SECS)
    yield timing("VALR, frame to events: order accepted and cancelled", _time(_cancelled, count), _TARGET_SECS)


def _time(frame_of: Callable[[Order, str], bytes], count: int) -> list[float]:
    """Seconds of one frame for each of many orders, at a client that is not connected."""
    clock, trader_id = LiveClock(), TraderId("BENCH-001")
    bus, cache = MessageBus(trader_id, clock), Cache()
    events: list[Event] = []
    bus.register("ExecEngine.process", events.append)
    instrument = listed_instrument()
    cache.add_instrument(instrument)
    loop = asyncio.new_event_loop()  # never run: the client only wants to know it
    config = ValrExecClientConfig(api_key="0" * 64, api_secret="0" * 64)
    client = ValrLiveExecClientFactory.create(loop, VALR, config, bus, cache, clock)
    factory = OrderFactory(trader_id, StrategyId("BENCH-001"), clock)
    frames = []
    for number in range(count):
        order = factory.limit(instrument.id, OrderSide.BUY, Quantity.from_str(_SIZE), Price.from_str(_PRICE))
        cache.add_order(order)
        client.generate_order_submitted(order.strategy_id, order.instrument_id, order.client_order_id, 0)
        order.apply(events.pop())
        frames.append(frame_of(order, str(UUID(int=number + 1))))
    seconds = [time_call(partial(client._on_message, frame)) for frame in frames]  # what the socket calls
    loop.close()
    assert len(events) == 2 * count, "a frame came to less than it says"
    return seconds


def _fill(order: Order, order_id: str) -> bytes:
    data = {
        "price": _PRICE,
        "quantity": "0.001",
        "currencyPair": PAIR,
        "tradedAt": _STAMP,
        "side": "buy",
        "orderId": order_id,
        "id": order_id,
        "fee": "0.0000018",
        "feeCurrency": "BTC",
        "customerOrderId": to_customer_id(order.client_order_id),
    }
    return msgspec.json.encode({"type": "NEW_ACCOUNT_TRADE", "currencyPairSymbol": PAIR, "data": data})


def _cancelled(order: Order, order_id: str) -> bytes:
    data = {
        "orderId": order_id,
        "orderStatusType": "Cancelled",
        "currencyPair": PAIR,
        "originalPrice": _PRICE,
        "remainingQuantity": _SIZE,
        "originalQuantity": _SIZE,
        "orderSide": "buy",
        "orderType": "limit",
        "failedReason": "",
        "orderUpdatedAt": _STAMP,
        "orderCreatedAt": _STAMP,
        "customerOrderId": to_customer_id(order.client_order_id),
        "executedPrice": "0",
        "executedQuantity": "0",
        "executedFee": "0",
        "timeInForce": "GTC",
    }
    return msgspec.json.encode({"type": "ORDER_STATUS_UPDATE", "data": data})
