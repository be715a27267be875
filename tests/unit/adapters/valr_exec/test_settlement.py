"""What the venue stamped with a wrong clock does not hide what it stamps with the right one."""

import asyncio

from helios_nautilus.adapters.valr.api.schemas.account import Fill
from helios_nautilus.adapters.valr.api.schemas.orders import OrderSummary
from helios_nautilus.adapters.valr.settlement import Settlement
from helios_nautilus.domain.timeframe import NS_PER_MIN
from tests.unit.adapters.valr_exec.test_account import venue
from tests.unit.adapters.valr_exec.test_tracking import resting
from tests.unit.adapters.valr_exec.wording import FUTURE, NOW_NS, Listener, at, fill, read, state


def settled(listener: Listener, *rows: dict[str, str], now_ns: int = NOW_NS) -> Settlement:
    """A resting purchase, and a venue with these fills."""
    listener.submit(resting(listener))
    return Settlement(
        venue(rows), listener.tracker, listener.client, now_ns=lambda: now_ns, spawn=asyncio.create_task, log=None
    )


def test_the_fill_of_an_order_that_was_made_in_the_future_is_found() -> None:
    listener = Listener()
    settlement = settled(listener, fill("a", "1", 30), now_ns=NOW_NS + 5 * NS_PER_MIN)
    row = state("Filled", "0", 30) | {"orderCreatedAt": at(FUTURE), "totalExecutedQuantity": "1"}
    assert asyncio.run(settlement.take_in(read(OrderSummary, row)))
    assert listener.kinds == ["Accepted", "Filled"]


def test_what_traded_before_a_fill_of_the_future_comes_before_it() -> None:
    listener = Listener()
    settlement = settled(listener, fill("a", "0.4", 30))
    asyncio.run(settlement.take_in_turn(read(Fill, fill("b", "0.6", FUTURE))))
    assert [event.trade_id.value for event in listener.order.events if hasattr(event, "trade_id")] == ["a", "b"]
