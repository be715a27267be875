"""VALR's clock against the node's: asked over REST now and then, off the way of any order."""

import asyncio
from collections.abc import Callable
from typing import Final

from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.errors import VenueError
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.history import fetch_venue_time
from helios_nautilus.domain.timeframe import NS_PER_SEC

_FORGOTTEN_AFTER: Final = 3
"""So many questions in a row without an answer, and the skew is unknown."""


class VenueClock:
    """Keeps the skew, as of the last answer; ``now_ns`` is the clock that is compared.

    Where venue time runs at another ``speed`` the skew is told in the machine's own seconds. A question that is not
    answered within ``deadline_secs`` is given up.
    """

    def __init__(
        self,
        url: str,
        now_ns: Callable[[], int],
        every_secs: float,
        speed: float = 1.0,
        deadline_secs: float = 5.0,
    ) -> None:
        self._http = HttpConfig(base_url=url, timeout_secs=deadline_secs, deadline_secs=deadline_secs)
        self._now_ns = now_ns
        self._every_secs = every_secs
        self._speed = speed
        self._skew_secs: float | None = None
        self._task: asyncio.Task[None] | None = None

    def skew_secs(self) -> float | None:
        """Venue's clock minus ours; None while unknown."""
        return self._skew_secs

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Ask at once, and then on and on."""
        self._task = loop.create_task(self._run())

    async def stop(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        http = ValrHttp(self._http)
        failures = 0
        try:
            while True:
                try:
                    self._skew_secs, failures = await self._ask(http), 0
                except VenueError:
                    failures += 1
                    if failures >= _FORGOTTEN_AFTER:
                        self._skew_secs = None
                await asyncio.sleep(self._every_secs)
        finally:
            await http.close()

    async def _ask(self, http: ValrHttp) -> float:
        """The answer was true half-way between question and answer, as far as anybody can tell."""
        asked_ns = self._now_ns()
        venue_ns = await fetch_venue_time(http)
        return (venue_ns - (asked_ns + self._now_ns()) / 2.0) / NS_PER_SEC / self._speed
