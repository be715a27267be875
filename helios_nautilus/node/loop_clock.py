"""A live clock whose alerts and timers call back on the event loop's thread, as everything else of a node does.

Nautilus calls them from a thread of its own, in the middle of whatever the engine is doing.
"""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from nautilus_trader.common.component import LiveClock, TimeEvent
from nautilus_trader.system import kernel

type _Callback = Callable[[TimeEvent], None]


def loop_clock(loop: AbstractEventLoop) -> type[LiveClock]:
    """The class of the clocks that belong to a loop: a trader makes one for each component, without arguments.

    An alert is set until it has been heard: cancelled in time it is not heard any more, even if it was due.
    """

    class LoopClock(LiveClock):
        def __init__(self) -> None:
            super().__init__()
            self._set: dict[str, object] = {}

        @property
        def timer_names(self) -> list[str]:
            return sorted(self._set)

        def set_time_alert_ns(
            self, name: str, alert_time_ns: int, callback: _Callback, allow_past: bool = True
        ) -> None:
            setting = object()
            super().set_time_alert_ns(name, alert_time_ns, self._hop(name, setting, callback, is_once=True), allow_past)
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
            setting = object()
            hop = self._hop(name, setting, callback, is_once=False)
            super().set_timer_ns(name, interval_ns, start_time_ns, stop_time_ns, hop, *rest, **options)
            self._set[name] = setting

        def cancel_timer(self, name: str) -> None:
            super().cancel_timer(name)
            del self._set[name]

        def _hop(self, name: str, setting: object, callback: _Callback, *, is_once: bool) -> _Callback:
            """What Nautilus is to call from its thread."""

            def deliver(event: TimeEvent) -> None:
                if self._set.get(name) is setting:
                    if is_once:
                        del self._set[name]
                    callback(event)

            def hop(event: TimeEvent) -> None:
                with suppress(RuntimeError):  # the loop has been closed
                    loop.call_soon_threadsafe(deliver, event)

            return hop

    return LoopClock


@contextmanager
def on_loop(loop: AbstractEventLoop) -> Iterator[None]:
    """Whatever node is built meanwhile has such clocks; Nautilus lets nobody choose their class."""
    before = kernel.LiveClock  # type: ignore[attr-defined]
    kernel.LiveClock = loop_clock(loop)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        kernel.LiveClock = before  # type: ignore[attr-defined]
