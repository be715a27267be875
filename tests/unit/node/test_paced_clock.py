"""A clock in venue time: what the engine stamps and when it is called, twenty times as fast and months ago."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus, TimeEvent
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.data.engine import DataEngine
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId, StrategyId, TraderId
from nautilus_trader.model.objects import Quantity
from nautilus_trader.system import kernel

from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_MS, NS_PER_SEC
from helios_nautilus.node.loop_clock import on_loop, paced_clock
from helios_nautilus.node.pace import Pace

THEN: Final = datetime(2025, 1, 6, 12, 0, 7, tzinfo=UTC)
THEN_NS: Final = int(THEN.timestamp()) * NS_PER_SEC
SPEED: Final = 200.0
TRADER: Final = TraderId("TESTER-001")


def run(body: Callable[[LiveClock], Coroutine[Any, Any, None]]) -> None:
    async def with_clock() -> None:
        pace = Pace(speed=SPEED, venue_ns=THEN_NS, wall_ns=time.time_ns())
        async with asyncio.timeout(20):
            await body(paced_clock(asyncio.get_running_loop(), pace)())

    asyncio.run(with_clock())


async def heard(count: int, begin: Callable[[Callable[[TimeEvent], None]], None]) -> list[TimeEvent]:
    """The first events that a callback hears."""
    queue: asyncio.Queue[TimeEvent] = asyncio.Queue()
    begin(queue.put_nowait)
    return [await queue.get() for _ in range(count)]


def test_every_reading_is_venue_time() -> None:
    async def body(clock: LiveClock) -> None:
        readings_ns = (
            clock.timestamp_ns(),
            clock.timestamp_us() * 1_000,
            clock.timestamp_ms() * NS_PER_MS,
            int(clock.timestamp() * 1e6) * 1_000,
            clock.utc_now().value,
        )
        for reading_ns in readings_ns:
            assert THEN_NS - NS_PER_MS < reading_ns < THEN_NS + 20 * 60 * NS_PER_SEC

    run(body)


def test_an_alert_bears_the_stamp_it_was_set_for() -> None:
    async def body(clock: LiveClock) -> None:
        due_ns = clock.timestamp_ns() + 3 * NS_PER_SEC + 1
        (event,) = await heard(1, lambda hear: clock.set_time_alert_ns("alert", due_ns, hear))
        assert event.ts_event == due_ns
        assert event.ts_init >= due_ns
        assert clock.timestamp_ns() >= due_ns

    run(body)


def test_an_alert_of_the_past_goes_off_at_once_and_one_that_must_not_be_past_is_refused() -> None:
    async def body(clock: LiveClock) -> None:
        set_ns = clock.timestamp_ns()
        (event,) = await heard(1, lambda hear: clock.set_time_alert_ns("late", THEN_NS - NS_PER_MIN, hear))
        assert event.ts_event >= set_ns
        with pytest.raises(ValueError, match="was due"):
            clock.set_time_alert_ns("never", THEN_NS - NS_PER_MIN, print, allow_past=False)
        assert clock.timer_names == []

    run(body)


def test_a_timer_keeps_to_its_grid_of_venue_minutes_to_the_nanosecond() -> None:
    async def body(clock: LiveClock) -> None:
        start_ns = clock.timestamp_ns() // NS_PER_MIN * NS_PER_MIN
        events = await heard(4, lambda hear: clock.set_timer_ns("timer", NS_PER_MIN, start_ns, 0, hear))
        stamps = [event.ts_event for event in events]
        assert stamps == [stamps[0] + number * NS_PER_MIN for number in range(4)]
        assert stamps[0] > start_ns
        assert stamps[0] % NS_PER_MIN == 0
        off_grid_ns = (clock.next_time_ns("timer") + NS_PER_MIN // 2) % NS_PER_MIN - NS_PER_MIN // 2
        assert abs(off_grid_ns) < NS_PER_MS
        clock.cancel_timer("timer")

    run(body)


def test_dates_and_spans_of_python_work_as_well() -> None:
    async def body(clock: LiveClock) -> None:
        due = clock.utc_now() + timedelta(seconds=2)
        (event,) = await heard(1, lambda hear: clock.set_time_alert("alert", due, hear))
        assert event.ts_event == due.value
        first, second = await heard(2, lambda hear: clock.set_timer("timer", timedelta(seconds=2), callback=hear))
        assert second.ts_event - first.ts_event == 2 * NS_PER_SEC
        clock.cancel_timer("timer")

    run(body)


def test_the_engine_s_compiled_parts_see_venue_time() -> None:
    async def body(clock: LiveClock) -> None:
        order = OrderFactory(TRADER, StrategyId("S-001"), clock).market(
            InstrumentId.from_str("BTCZAR.VALR"), OrderSide.BUY, Quantity.from_str("1")
        )
        bus = MessageBus(TRADER, clock)
        engine = DataEngine(bus, Cache(), clock)
        for stamp_ns in (order.ts_init, engine._clock.timestamp_ns()):
            assert THEN_NS <= stamp_ns < THEN_NS + 20 * 60 * NS_PER_SEC
        assert "20250106" in order.client_order_id.value

    run(body)


def test_a_node_s_components_have_clocks_of_the_pace_and_afterwards_all_is_as_before() -> None:
    loop = asyncio.new_event_loop()
    try:
        with on_loop(loop, Pace(speed=SPEED, venue_ns=THEN_NS, wall_ns=time.time_ns())):
            first = kernel.LiveClock()  # type: ignore[attr-defined]
            second = first.__class__()
            assert max(first.timestamp_ns(), second.timestamp_ns()) < THEN_NS + 20 * 60 * NS_PER_SEC
        with on_loop(loop, Pace()):
            assert kernel.LiveClock().timestamp_ns() > THEN_NS + 1e16  # type: ignore[attr-defined]
        assert kernel.LiveClock is LiveClock  # type: ignore[attr-defined]
    finally:
        loop.close()
