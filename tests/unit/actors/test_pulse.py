from asyncio import TimerHandle
from collections.abc import Callable
from typing import Any, cast

import pytest

from helios_nautilus.actors.pulse import Pulse


class HandLoop:
    """A loop whose time the test moves; what is due is called when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due: list[tuple[float, Callable[[], Any]]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], Any]) -> TimerHandle:
        entry = (self.now + delay, callback)
        self.due.append(entry)
        return cast(TimerHandle, Handle(self, entry))

    def come_to(self, now: float) -> None:
        """The loop is free at this time."""
        self.now = now
        ripe = [entry for entry in self.due if entry[0] <= now]
        for entry in ripe:
            self.due.remove(entry)
            entry[1]()


class Handle:
    def __init__(self, loop: HandLoop, entry: tuple[float, Callable[[], Any]]) -> None:
        self._loop, self._entry = loop, entry

    def cancel(self) -> None:
        if self._entry in self._loop.due:
            self._loop.due.remove(self._entry)


@pytest.fixture
def loop() -> HandLoop:
    return HandLoop()


def test_a_loop_that_comes_in_time_is_not_late(loop: HandLoop) -> None:
    pulse = Pulse(loop)
    pulse.start()
    for step in range(1, 11):
        loop.come_to(100.0 + step * 0.1)

    assert pulse.take_worst_ms() == pytest.approx(0.0, abs=1e-6)


def test_the_longest_delay_is_told_once(loop: HandLoop) -> None:
    pulse = Pulse(loop)
    pulse.start()
    loop.come_to(100.4)
    loop.come_to(100.5)

    assert pulse.take_worst_ms() == pytest.approx(300.0)
    assert pulse.take_worst_ms() == pytest.approx(0.0, abs=1e-6)


def test_a_beat_that_is_overdue_right_now_counts(loop: HandLoop) -> None:
    pulse = Pulse(loop)
    pulse.start()
    loop.now = 105.1

    assert pulse.take_worst_ms() == pytest.approx(5_000.0)


def test_stopped_it_is_never_woken_and_never_late(loop: HandLoop) -> None:
    pulse = Pulse(loop)
    pulse.start()
    pulse.stop()
    loop.now = 200.0

    assert loop.due == []
    assert pulse.take_worst_ms() == 0.0
