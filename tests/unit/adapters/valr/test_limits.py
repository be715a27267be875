"""Nobody is ever refused for frequency: requests wait their turn, and the venue's word is obeyed."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.adapters.valr.api.limits import MAX_PAUSE_SECS, VENUE_QUOTAS, Family, Quota, RateLimiter
from helios_nautilus.adapters.valr.api.routes.orders import OrderRoutes
from tests.unit.adapters.valr.virtual_time import VirtualClock, run_virtually

SMALL = {
    Family.PUBLIC: Quota(count=3, window_secs=10.0),
    Family.PLACE: Quota(count=2, window_secs=1.0),
    Family.KEY: Quota(count=8, window_secs=10.0),
    Family.ADDRESS: Quota(count=5, window_secs=10.0),
}
FAMILY_SETS = ([Family.PUBLIC, Family.ADDRESS], [Family.PLACE], [Family.KEY, Family.ADDRESS], [Family.ADDRESS])


async def grant_times(arrivals: Sequence[tuple[float, list[Family]]]) -> list[float]:
    """When each request of ``(arrival, families)`` was let through."""
    clock = VirtualClock()
    limiter = RateLimiter(clock, SMALL, headroom=1.0)

    async def ask(at: float, families: list[Family]) -> float:
        await clock.sleep(at)
        await limiter.acquire(families)
        return clock.monotonic()

    return await asyncio.gather(*(ask(at, families) for at, families in arrivals))


SECONDS = st.integers(0, 25_000).map(lambda millis: millis / 1000)
arrivals = st.lists(st.tuples(SECONDS, st.sampled_from(FAMILY_SETS)), min_size=1, max_size=40)


@settings(max_examples=150)
@given(arrivals)
def test_no_window_anywhere_holds_more_than_the_limit(requests: list[tuple[float, list[Family]]]) -> None:
    granted = run_virtually(grant_times(requests))
    for family, quota in SMALL.items():
        times = sorted(at for at, (_, families) in zip(granted, requests, strict=True) if family in families)
        for first, beyond in zip(times, times[quota.count :], strict=False):
            assert beyond - first >= quota.window_secs - 1e-9


@settings(max_examples=150)
@given(arrivals)
def test_every_request_gets_through_and_none_before_it_came(requests: list[tuple[float, list[Family]]]) -> None:
    granted = run_virtually(grant_times(requests))
    assert all(at >= arrival - 1e-6 for at, (arrival, _) in zip(granted, requests, strict=True))


@settings(max_examples=100)
@given(st.lists(SECONDS, min_size=2, max_size=20, unique=True))
def test_who_came_first_goes_first(times: list[float]) -> None:
    ordered = sorted(times)
    granted = run_virtually(grant_times([(at, [Family.PUBLIC]) for at in ordered]))
    assert granted == sorted(granted)


def test_requests_within_the_limit_do_not_wait() -> None:
    assert run_virtually(grant_times([(0.0, [Family.PUBLIC, Family.ADDRESS])] * 3)) == [0.0] * 3


def test_full_narrow_budget_does_not_hold_up_the_wide_one() -> None:
    crowd = [(0.0, [Family.PUBLIC, Family.ADDRESS])] * 4
    granted = run_virtually(grant_times([*crowd, (0.1, [Family.KEY, Family.ADDRESS])]))
    assert granted[3] >= 10.0
    assert granted[4] == pytest.approx(0.1)


def test_an_order_does_not_wait_for_a_crowd_of_questions() -> None:
    async def scenario() -> float:
        clock = VirtualClock()
        limiter = RateLimiter(clock)
        questions = [asyncio.create_task(limiter.acquire(OrderRoutes.ORDER.families)) for _ in range(2_000)]
        await clock.sleep(0.1)
        await limiter.acquire(OrderRoutes.PLACE_LIMIT.families)
        waited_secs = clock.monotonic()
        assert not all(question.done() for question in questions)
        await asyncio.gather(*questions)
        return waited_secs

    assert run_virtually(scenario()) == pytest.approx(0.1)


async def pause_then_ask(pause_of: Family, retry_after_secs: float | None, ask_for: list[Family]) -> float:
    clock = VirtualClock()
    limiter = RateLimiter(clock, SMALL)
    limiter.pause([pause_of], retry_after_secs)
    await limiter.acquire(ask_for)
    return clock.monotonic()


@pytest.mark.parametrize(("retry_after_secs", "waits"), [(None, 10.0), (3.0, 3.0), (0.0, 0.0), (1e9, MAX_PAUSE_SECS)])
def test_refusal_by_the_venue_holds_its_budgets_back(retry_after_secs: float | None, waits: float) -> None:
    assert run_virtually(pause_then_ask(Family.ADDRESS, retry_after_secs, [Family.KEY, Family.ADDRESS])) == waits


def test_pause_of_one_budget_leaves_the_others_alone() -> None:
    assert run_virtually(pause_then_ask(Family.PUBLIC, 30.0, [Family.PLACE])) == 0.0


async def cancelled_waiter() -> tuple[float, float]:
    clock = VirtualClock()
    limiter = RateLimiter(clock, SMALL, headroom=1.0)
    for _ in range(2):
        await limiter.acquire([Family.PLACE])
    waiting = asyncio.create_task(limiter.acquire([Family.PLACE]))
    await clock.sleep(0.5)
    waiting.cancel()
    await limiter.acquire([Family.PLACE])
    first = clock.monotonic()
    await limiter.acquire([Family.PLACE])
    return first, clock.monotonic()


def test_waiter_that_gives_up_costs_nobody_anything() -> None:
    assert run_virtually(cancelled_waiter()) == (1.0, 1.0)


def test_every_budget_has_a_quota() -> None:
    assert set(VENUE_QUOTAS) == set(Family)
