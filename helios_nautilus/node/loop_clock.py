"""A live clock whose alerts and timers call back on the event loop's thread, as everything else of a node does.

Nautilus calls them from a thread of its own, in the middle of whatever the engine is doing. Where venue time runs
faster than the wall clock's, the clock shows and takes venue time.
"""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

from nautilus_trader.common.component import LiveClock, TimeEvent
from nautilus_trader.core.correctness import PyCondition
from nautilus_trader.system import kernel

from helios_nautilus.domain.timeframe import NS_PER_MS, NS_PER_SEC
from helios_nautilus.node.pace import Pace

type _Callback = Callable[[TimeEvent], None]


class _Setting:
    """A timer that is set, and what it is called beneath."""

    __slots__ = ("slot",)

    def __init__(self, slot: str) -> None:
        self.slot = slot


def loop_clock(loop: AbstractEventLoop) -> type[LiveClock]:
    """The class of the clocks that belong to a loop: a trader makes one for each component, without arguments.

    An alert is set until it has been heard: cancelled in time it is not heard any more, even if it was due. None comes
    early, as Nautilus's own do by up to a millisecond: who is called reads a time that has reached its stamp.
    Nautilus keeps the callback of every name that it was ever given, so beneath names are used again.
    """

    class LoopClock(LiveClock):
        def __init__(self) -> None:
            super().__init__()
            self._timers = LiveClock()
            self._set: dict[str, _Setting] = {}
            self._free: list[str] = []
            self._numbers = count()

        @property
        def timer_names(self) -> list[str]:
            return sorted(self._set)

        @property
        def timer_count(self) -> int:
            return len(self._set)

        def set_time_alert_ns(
            self, name: str, alert_time_ns: int, callback: _Callback, allow_past: bool = True
        ) -> None:
            setting = self._begin(name)
            hop = self._hop(name, setting, callback, is_once=True)
            self._timers.set_time_alert_ns(setting.slot, alert_time_ns, hop, allow_past)
            self._set[name] = setting

        def set_timer_ns(
            self,
            name: str,
            interval_ns: int,
            start_time_ns: int,
            stop_time_ns: int,
            callback: _Callback,
            *rest: Any,
            **options: Any,
        ) -> None:
            setting = self._begin(name)
            hop = self._hop(name, setting, callback, is_once=False)
            self._timers.set_timer_ns(setting.slot, interval_ns, start_time_ns, stop_time_ns, hop, *rest, **options)
            self._set[name] = setting

        def next_time_ns(self, name: str) -> int:
            return int(self._timers.next_time_ns(self._set[name].slot))

        def cancel_timer(self, name: str) -> None:
            PyCondition.is_in(name, self._set, "name", "timer_names")
            with suppress(KeyError):  # it has just gone off
                self._timers.cancel_timer(self._set[name].slot)
            self._end(name)

        def _begin(self, name: str) -> _Setting:
            PyCondition.not_in(name, self._set, "name", "timer_names")
            taken = self._timers.timer_names  # one that has just gone off may still be there
            slot = next((slot for slot in self._free if slot not in taken), "")
            if slot:
                self._free.remove(slot)
            return _Setting(slot or f"{next(self._numbers)}")

        def _end(self, name: str) -> None:
            self._free.append(self._set.pop(name).slot)

        def _hop(self, name: str, setting: _Setting, callback: _Callback, *, is_once: bool) -> _Callback:
            """What Nautilus is to call from its thread."""

            def deliver(event: TimeEvent) -> None:
                if self._set.get(name) is setting:
                    early_ns = event.ts_event - self._timers.timestamp_ns()
                    if early_ns > 0:
                        loop.call_later(early_ns / NS_PER_SEC, deliver, event)
                        return
                    if is_once:
                        self._end(name)
                    callback(TimeEvent(name, event.id, event.ts_event, event.ts_init))

            def hop(event: TimeEvent) -> None:
                with suppress(RuntimeError):  # the loop has been closed
                    loop.call_soon_threadsafe(deliver, event)

            return hop

    return LoopClock


def paced_clock(loop: AbstractEventLoop, pace: Pace) -> type[LiveClock]:
    """The same in venue time: a timer's stamps lie on its grid, as exactly as if time had not been stretched."""
    clock: Any = loop_clock(loop)

    class PacedClock(clock):  # type: ignore[misc]
        def timestamp_ns(self) -> int:
            return pace.to_venue(super().timestamp_ns())

        def timestamp_us(self) -> int:
            return self.timestamp_ns() // 1_000

        def timestamp_ms(self) -> int:
            return self.timestamp_ns() // NS_PER_MS

        def timestamp(self) -> float:
            return self.timestamp_ns() / NS_PER_SEC

        def set_time_alert_ns(
            self, name: str, alert_time_ns: int, callback: _Callback, allow_past: bool = True
        ) -> None:
            now_ns = self.timestamp_ns()
            _check_is_ahead(name, alert_time_ns, now_ns, allow_past=allow_past)
            due_ns = max(alert_time_ns, now_ns)
            super().set_time_alert_ns(name, pace.to_wall(due_ns), self._restamped(callback, lambda _: due_ns))

        def set_timer_ns(
            self,
            name: str,
            interval_ns: int,
            start_time_ns: int,
            stop_time_ns: int,
            callback: _Callback,
            allow_past: bool = True,
            fire_immediately: bool = False,
        ) -> None:
            start_ns = start_time_ns or self.timestamp_ns()
            first_ns = start_ns if fire_immediately else start_ns + interval_ns
            _check_is_ahead(name, first_ns, self.timestamp_ns(), allow_past=allow_past)

            def on_grid(wall_ns: int) -> int:
                return start_ns + round((pace.to_venue(wall_ns) - start_ns) / interval_ns) * interval_ns

            super().set_timer_ns(
                name,
                max(round(interval_ns / pace.speed), 1),
                pace.to_wall(start_ns),
                pace.to_wall(stop_time_ns) if stop_time_ns else 0,
                self._restamped(callback, on_grid),
                True,
                fire_immediately,
            )

        def next_time_ns(self, name: str) -> int:
            return pace.to_venue(super().next_time_ns(name))

        def _restamped(self, callback: _Callback, venue_ns_of: Callable[[int], int]) -> _Callback:
            def call(event: TimeEvent) -> None:
                stamp_ns = venue_ns_of(event.ts_event)
                callback(TimeEvent(event.name, event.id, stamp_ns, max(self.timestamp_ns(), stamp_ns)))

            return call

    return PacedClock


def _check_is_ahead(name: str, due_ns: int, now_ns: int, *, allow_past: bool) -> None:
    """`ValueError` as the engine's own clock has it."""
    if not allow_past and due_ns < now_ns:
        raise ValueError(f"Timer '{name}' was due {(now_ns - due_ns) / NS_PER_SEC:g} s ago")


@contextmanager
def on_loop(loop: AbstractEventLoop, pace: Pace) -> Iterator[None]:
    """Whatever node is built meanwhile has such clocks; Nautilus lets nobody choose their class."""
    before = kernel.LiveClock  # type: ignore[attr-defined]
    kernel.LiveClock = loop_clock(loop) if pace.is_wall else paced_clock(loop, pace)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        kernel.LiveClock = before  # type: ignore[attr-defined]
