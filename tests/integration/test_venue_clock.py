"""The node's clock against the simulator's, over REST."""

import asyncio
import time
from collections.abc import Callable

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.node.venue_clock import VenueClock
from helios_nautilus.simulator.exchange.faults import Fault, FaultScript
from tests.integration.valr_exec.desk import simulator, until

SOON = 0.01


async def asked(url: str, now_ns: Callable[[], int], until_known: Callable[[VenueClock], bool]) -> VenueClock:
    clock = VenueClock(url, now_ns, SOON, deadline_secs=0.2)
    clock.start(asyncio.get_running_loop())
    await until(lambda: until_known(clock))
    return clock


def test_a_clock_that_agrees_has_no_skew_to_speak_of_and_one_that_is_slow_has_all_of_it() -> None:
    async def scenario() -> None:
        async with simulator() as (exchange, _):
            for behind_secs in (0, 7):
                clock = await asked(
                    exchange.url,
                    lambda behind_secs=behind_secs: time.time_ns() - behind_secs * NS_PER_SEC,  # type: ignore[misc]
                    lambda clock: clock.skew_secs() is not None,
                )
                skew = clock.skew_secs()
                assert skew is not None
                assert abs(skew - behind_secs) < 2.0
                await clock.stop()

    asyncio.run(scenario())


def test_where_venue_time_runs_faster_the_skew_is_told_in_the_machine_s_own_seconds() -> None:
    async def scenario() -> None:
        async with simulator() as (exchange, _):
            clock = VenueClock(exchange.url, lambda: time.time_ns() - 200 * NS_PER_SEC, SOON, speed=20.0)
            clock.start(asyncio.get_running_loop())
            await until(lambda: clock.skew_secs() is not None)
            skew = clock.skew_secs()
            assert skew is not None
            assert abs(skew - 10.0) < 1.0
            await clock.stop()

    asyncio.run(scenario())


def test_a_venue_that_has_long_said_nothing_makes_the_skew_unknown_again_and_its_next_word_known() -> None:
    silent = FaultScript(fault=(Fault(kind="error_before", on="GET /v1/public/time", nth=1, times=0, status=400),))

    async def scenario() -> None:
        async with simulator() as (exchange, _):
            clock = await asked(exchange.url, time.time_ns, lambda clock: clock.skew_secs() is not None)
            exchange.play(silent)
            await until(lambda: clock.skew_secs() is None)
            exchange.play(FaultScript())
            await until(lambda: clock.skew_secs() is not None)
            await clock.stop()

    asyncio.run(scenario())
