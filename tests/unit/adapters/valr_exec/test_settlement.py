"""What the venue stamped with a wrong clock does not hide what it stamps with the right one."""

import asyncio

import msgspec
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import ClientOrderId

from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.schemas.account import Fill
from helios_nautilus.adapters.valr.api.schemas.orders import OrderSummary
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.adapters.valr.settlement import Settlement
from tests.unit.adapters.valr.test_http import ScriptedTransport, reply
from tests.unit.adapters.valr_exec.wording import BTCZAR, NAME, NOW_NS, Listener, at, fill, read, state, told

FUTURE = 600
"""Nine minutes ahead."""


def settled(listener: Listener, *rows: dict[str, str]) -> Settlement:
    """A resting purchase, and a venue with these fills."""
    size, price = BTCZAR.make_qty(1), BTCZAR.make_price(1_000_000)
    listener.submit(listener.orders.limit(BTCZAR.id, OrderSide.BUY, size, price, client_order_id=ClientOrderId(NAME)))
    transport = ScriptedTransport(reply(200, msgspec.json.encode(rows)))
    http = ValrHttp(HttpConfig(base_url="https://venue.test"), Credentials("ab" * 32, "cd" * 32), transport=transport)
    return Settlement(
        http, listener.tracker, listener.client, now_ns=lambda: NOW_NS, spawn=asyncio.create_task, log=None
    )


def test_the_fill_of_an_order_that_was_made_in_the_future_is_found() -> None:
    listener = Listener()
    settlement = settled(listener, fill("a", "1", 30))
    row = state("Filled", "0", 30) | {"orderCreatedAt": at(FUTURE), "totalExecutedQuantity": "1"}
    assert asyncio.run(settlement.take_in(read(OrderSummary, row)))
    assert listener.kinds == ["Accepted", "Filled"]


def test_what_traded_before_a_fill_of_the_future_comes_before_it() -> None:
    listener = Listener()
    settlement = settled(listener, fill("a", "0.4", 30))
    asyncio.run(settlement.take_in_turn(read(Fill, fill("b", "0.6", FUTURE))))
    assert [event.trade_id.value for event in listener.order.events if hasattr(event, "trade_id")] == ["a", "b"]


def test_after_a_word_of_the_future_a_gap_is_looked_into_from_the_time_it_was_heard() -> None:
    listener = Listener()
    settled(listener)
    listener.hear(told("Placed", "1", FUTURE))
    assert listener.tracker.newest_ns == NOW_NS


def test_a_modify_counts_after_a_word_of_the_future() -> None:
    listener = Listener()
    settled(listener)
    listener.hear(told("Placed", "1", FUTURE), told("Order Modified", "2", 30, size="2"))
    assert listener.order.quantity == 2
    listener.hear(told("Placed", "1", 20))
    assert listener.order.quantity == 2, "an older word counts no more"
