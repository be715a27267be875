from collections.abc import Callable

import pytest

from helios_nautilus.llm.breaker import Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Callable[[], float]) -> Breaker:
    return Breaker(3, 60.0, clock)


def _fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        assert breaker.admits()
        breaker.failed()


def test_it_opens_after_so_many_failures_in_a_row(breaker: Breaker) -> None:
    _fail(breaker, 2)
    assert breaker.admits()
    breaker.succeeded()
    _fail(breaker, 3)
    assert not breaker.admits()


def test_after_the_cooldown_one_call_tries_and_only_one(breaker: Breaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.now += 59.9
    assert not breaker.admits()
    clock.now += 0.1
    assert breaker.admits()
    assert not breaker.admits()


def test_a_trial_that_succeeds_closes_it(breaker: Breaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.now += 60.0
    assert breaker.admits()
    breaker.succeeded()
    _fail(breaker, 2)
    assert breaker.admits()


def test_a_trial_that_fails_opens_it_for_another_cooldown(breaker: Breaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.now += 60.0
    _fail(breaker, 1)
    clock.now += 59.0
    assert not breaker.admits()
    clock.now += 1.0
    assert breaker.admits()


def test_a_provider_that_asks_for_rest_gets_it_at_once_and_not_for_ever(breaker: Breaker, clock: Clock) -> None:
    breaker.failed(rest_secs=5.0)
    assert not breaker.admits()
    clock.now += 5.0
    assert breaker.admits()
    breaker.failed(rest_secs=1e9)
    clock.now += 600.0
    assert breaker.admits()


def test_another_call_that_fails_meanwhile_does_not_cut_the_rest_short(breaker: Breaker, clock: Clock) -> None:
    breaker.failed(rest_secs=60.0)
    breaker.failed()
    clock.now += 59.9
    assert not breaker.admits()
    clock.now += 0.1
    assert breaker.admits()
