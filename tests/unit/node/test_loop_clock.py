import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

from nautilus_trader.common.component import LiveClock

from helios_nautilus.domain.timeframe import NS_PER_MS, NS_PER_SEC
from helios_nautilus.node.loop_clock import loop_clock


def run(body: Callable[[LiveClock], Coroutine[Any, Any, None]]) -> None:
    async def on_loop() -> None:
        async with asyncio.timeout(20):
            await body(loop_clock(asyncio.get_running_loop())())

    asyncio.run(on_loop())


def test_alerts_and_timers_call_back_on_the_loop_s_thread() -> None:
    async def body(clock: LiveClock) -> None:
        heard: asyncio.Queue[tuple[str, int]] = asyncio.Queue()

        def hear(event: Any) -> None:
            heard.put_nowait((event.name, threading.get_ident()))

        now_ns = clock.timestamp_ns()
        clock.set_time_alert_ns("alert", now_ns + NS_PER_MS, hear)
        clock.set_timer_ns("timer", NS_PER_MS, now_ns, 0, hear)
        told = {}
        while told.keys() != {"alert", "timer"}:
            told.update([await heard.get()])
        clock.cancel_timer("timer")
        assert set(told.values()) == {threading.get_ident()}

    run(body)


def test_no_alert_and_no_timer_calls_before_its_stamp_has_come() -> None:
    """Nautilus's own clock calls a third of them early, by up to a millisecond."""

    async def body(clock: LiveClock) -> None:
        read: asyncio.Queue[tuple[int, int]] = asyncio.Queue()

        def hear(event: Any) -> None:
            read.put_nowait((clock.timestamp_ns(), event.ts_event))

        for number in range(40):
            due_ns = clock.timestamp_ns() + NS_PER_MS + number * NS_PER_MS // 10
            clock.set_time_alert_ns("alert", due_ns, hear)
            set_ns = clock.timestamp_ns()
            now_ns, stamp_ns = await read.get()
            assert now_ns >= stamp_ns
            assert due_ns <= stamp_ns <= max(due_ns, set_ns), "its own, unless it was set when that had passed"
        clock.set_timer_ns("timer", NS_PER_MS * 3 // 2, clock.timestamp_ns(), 0, hear)
        for _ in range(20):
            now_ns, stamp_ns = await read.get()
            assert now_ns >= stamp_ns
        clock.cancel_timer("timer")

    run(body)


def test_an_alert_that_was_due_and_is_cancelled_before_it_is_heard_is_not_heard() -> None:
    async def body(clock: LiveClock) -> None:
        heard: list[str] = []
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        clock.set_time_alert_ns("first", clock.timestamp_ns(), lambda event: heard.append(event.name))
        while clock._timers.timer_names:  # the loop has no chance to run until it has gone off
            pass
        assert clock.timer_names == ["first"]
        clock.cancel_timer("first")
        clock.set_time_alert_ns("second", clock.timestamp_ns(), lambda _: over.set_result(None))
        await over
        assert (heard, clock.timer_names) == ([], [])

    run(body)


def test_an_alert_may_be_set_again_under_its_name() -> None:
    async def body(clock: LiveClock) -> None:
        heard: asyncio.Queue[int] = asyncio.Queue()
        for number in range(3):
            clock.set_time_alert_ns("again", clock.timestamp_ns(), lambda _, n=number: heard.put_nowait(n))
            assert await heard.get() == number

    run(body)


def test_however_many_alerts_have_been_set_the_clock_beneath_keeps_few_callbacks() -> None:
    class Heavy:
        """What a callback holds on to."""

    async def body(clock: LiveClock) -> None:
        heard: asyncio.Queue[str] = asyncio.Queue()

        def hear(event: Any) -> None:
            heard.put_nowait(event.name)

        held: list[weakref.ref[Heavy]] = []
        for number in range(100):
            heavy = Heavy()
            held.append(weakref.ref(heavy))
            clock.set_time_alert_ns(f"{number}", clock.timestamp_ns(), lambda event, _heavy=heavy: hear(event))
            clock.set_time_alert_ns("never", clock.timestamp_ns() + 3600 * NS_PER_SEC, lambda _, _heavy=heavy: None)
            clock.cancel_timer("never")
            assert await heard.get() == f"{number}"
        gc.collect()
        assert sum(each() is not None for each in held) <= 3
        assert clock.timer_count == 0

    run(body)
