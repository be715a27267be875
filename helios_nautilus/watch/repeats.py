"""Tells the same thing once within a window of time, and at its end how often it happened meanwhile."""

from collections.abc import Iterator

from msgspec.structs import replace

from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.watch.alert import Alert
from helios_nautilus.watch.recent import Recent


class Repeats:
    """A filter in front of whoever sends; time is that of the alerts.

    That something is over is told if its beginning was, and at once: it opens no window and waits for none. What is
    critical and was over begins anew: the next time it is told at once.
    """

    def __init__(self, window_mins: float) -> None:
        self._window_ns = int(window_mins * NS_PER_MIN)
        self._windows: dict[tuple[str, str, str], _Window] = {}
        self._standing = Recent[tuple[str, str, str], bool]()
        """Told, and not yet told to be over."""

    def offer(self, alert: Alert) -> Alert | None:
        """The alert if it is to be told now."""
        if alert.is_over:
            return self._end(alert)
        window = self._windows.get(alert.key)
        if window is not None and alert.ts_ns < window.ends_ns:
            window.hold(alert)
            return None
        # A window that has ended and was not looked at yet still knows what it held back.
        return self._tell(alert if window is None else replace(alert, count=1 + window.held), alert.ts_ns)

    def _end(self, alert: Alert) -> Alert | None:
        window = self._windows.get(alert.key)
        if window is not None:
            window.is_over = True
        if not self._standing.pop(alert.key):
            return None
        if window is None or alert.level != "critical":
            return alert
        del self._windows[alert.key]
        return replace(alert, count=max(1, window.held))

    def due(self, now_ns: int) -> Iterator[Alert]:
        """What the windows that have ended by now held back."""
        for key, window in [each for each in self._windows.items() if each[1].ends_ns <= now_ns]:
            del self._windows[key]
            if window.newest is not None:
                yield self._tell(replace(window.newest, count=window.held), now_ns, is_over=window.is_over)

    def flush(self, now_ns: int) -> Iterator[Alert]:
        """What all windows hold back: nothing is looked at any more."""
        for window in self._windows.values():
            window.ends_ns = min(window.ends_ns, now_ns)
        yield from self.due(now_ns)

    def _tell(self, alert: Alert, now_ns: int, *, is_over: bool = False) -> Alert:
        self._windows[alert.key] = _Window(now_ns + self._window_ns)
        if not is_over:
            self._standing.add(alert.key, True)
        return alert


class _Window:
    """One alert's time of silence, and what was held back in it."""

    def __init__(self, ends_ns: int) -> None:
        self.ends_ns = ends_ns
        self.held = 0
        self.newest: Alert | None = None
        self.is_over = False

    def hold(self, alert: Alert) -> None:
        self.held += 1
        self.newest = alert
        self.is_over = False
