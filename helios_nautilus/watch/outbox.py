"""Alerts on their way: a bounded queue, the most urgent first, delivered on a thread of its own."""

import heapq
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Final, Literal

from msgspec import Struct

from helios_nautilus.watch.alert import URGENCY, Alert
from helios_nautilus.watch.webhook import DeliveryError

type Delivered = Literal["sent", "failed", "dropped"]

_LIMIT: Final = 200
_FIRST_PAUSE_SECS: Final = 1.0
_LONGEST_PAUSE_SECS: Final = 60.0
_MOST_DOUBLINGS: Final = 30


class _Item(Struct, order=True):
    """Sorted by urgency, then age."""

    urgency: int
    place: int
    alert: Alert
    tries: int = 0


class Outbox:
    """Delivers what it is given, without the giver waiting.

    Parameters
    ----------
    deliver
        Called on the outbox's thread; raises `DeliveryError`.
    attempts
        How often an alert is tried.
    on_result
        Told what became of each alert, on either thread.
    on_trouble
        Gets a sentence when deliveries begin to fail, and when they work again.
    limit
        How many wait at most; beyond it the least urgent is dropped.
    first_pause_secs
        Pause after a failure; it doubles with each in a row, up to a minute.

    """

    def __init__(
        self,
        deliver: Callable[[Alert], None],
        attempts: int,
        on_result: Callable[[Alert, Delivered], None],
        on_trouble: Callable[[str], None],
        limit: int = _LIMIT,
        first_pause_secs: float = _FIRST_PAUSE_SECS,
    ) -> None:
        self._deliver = deliver
        self._attempts = attempts
        self._on_result = on_result
        self._on_trouble = on_trouble
        self._limit = limit
        self._first_pause_secs = first_pause_secs
        self._items: list[_Item] = []
        self._places = count()
        self._changed = threading.Condition()
        self._deadline: float | None = None
        """Set when the outbox is closed, on the monotonic clock."""
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="helios-alerts", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def put(self, alert: Alert) -> None:
        """Add an alert; never waits."""
        dropped = None
        with self._changed:
            heapq.heappush(self._items, _Item(URGENCY[alert.level], next(self._places), alert))
            if len(self._items) > self._limit:
                dropped = max(self._items)
                self._items.remove(dropped)
                heapq.heapify(self._items)
            self._changed.notify_all()
        if dropped is not None:
            self._on_result(dropped.alert, "dropped")

    def close(self, timeout_secs: float) -> None:
        """Try what waits once more, without pauses, and end; what is not through by then is dropped."""
        with self._changed:
            self._deadline = time.monotonic() + timeout_secs
            self._changed.notify_all()
        self._thread.join(timeout_secs)

    def _run(self) -> None:
        while (item := self._take()) is not None:
            self._try(item)

    def _take(self) -> _Item | None:
        """The most urgent, when there is one; None when the outbox is closed and empty, or out of time."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._deadline is not None)
            if self._deadline is not None and time.monotonic() > self._deadline:
                while self._items:
                    self._on_result(heapq.heappop(self._items).alert, "dropped")
            return heapq.heappop(self._items) if self._items else None

    def _try(self, item: _Item) -> None:
        is_last = self._deadline is not None or item.tries + 1 >= self._attempts
        try:
            self._deliver(item.alert)
        except DeliveryError as error:
            self._failed(item, error, is_last=is_last or error.is_final)
            return
        if self._failures:
            self._failures = 0
            self._tell("alerts are delivered again")
        self._on_result(item.alert, "sent")

    def _failed(self, item: _Item, error: DeliveryError, *, is_last: bool) -> None:
        self._failures += 1
        if self._failures == 1:
            self._tell(f"alerts are not delivered: {error}")
        if is_last:
            self._on_result(item.alert, "failed")
            return
        item.tries += 1
        doublings = min(self._failures - 1, _MOST_DOUBLINGS)
        pause_secs = min(self._first_pause_secs * 2.0**doublings, _LONGEST_PAUSE_SECS)
        with self._changed:
            heapq.heappush(self._items, item)
            self._changed.wait_for(lambda: self._deadline is not None, pause_secs)

    def _tell(self, words: str) -> None:
        with suppress(Exception):  # a listener's mistake must not end the deliveries
            self._on_trouble(words)
