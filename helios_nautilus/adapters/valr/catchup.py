"""Keeps us in step with the venue: whatever may have happened unseen is asked for before anything new is placed."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from helios_nautilus.adapters.valr.account import AccountBook
from helios_nautilus.adapters.valr.api.errors import VenueError
from helios_nautilus.adapters.valr.reporting import Reporter
from helios_nautilus.adapters.valr.settlement import Settlement
from helios_nautilus.adapters.valr.tracking import OrderTracker

_RETRY_SECS: Final = 2.0


class CatchUp:
    """Asks for balances, fills, then every order of ours that was open; ``on_stranger`` gets pair and id of others."""

    def __init__(
        self,
        account: AccountBook,
        reporter: Reporter,
        settlement: Settlement,
        tracker: OrderTracker,
        *,
        on_stranger: Callable[[str, str], None],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        log: Any,
    ) -> None:
        self._account = account
        self._reporter = reporter
        self._settlement = settlement
        self._tracker = tracker
        self._on_stranger = on_stranger
        self._spawn = spawn
        self._log = log
        self._in_step = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_wanted = False
        self._is_deaf = True
        """There is no line on which the venue could tell us what happens."""

    @property
    def is_in_step(self) -> bool:
        """Nothing that happened at the venue is unknown here, as far as we can tell."""
        return self._in_step.is_set()

    def lose_step(self) -> None:
        """The line is lost: things may happen unseen until `start_soon`."""
        self._in_step.clear()
        self._is_deaf = True

    def start_soon(self) -> None:
        """Ask for all of it; once more after the present time if that is under way already."""
        self._in_step.clear()
        self._is_wanted, self._is_deaf = True, False
        if self._task is None or self._task.done():
            self._task = self._spawn(self._run())

    async def wait(self, most_secs: float | None = None) -> bool:
        """Return when we are in step, or not within ``most_secs``; whether we are."""
        try:
            async with asyncio.timeout(most_secs):
                await self._in_step.wait()
        except TimeoutError:
            return False
        return True

    async def watch(self, every_secs: float) -> None:
        """Ask for all of it now and then, for ever: frames carry no count, and a lost one shows only so."""
        while True:
            await asyncio.sleep(every_secs)
            if not self.is_in_step:
                continue
            try:
                await self._ask()
            except VenueError as error:
                self._log.warning(f"Cannot check our books with the venue: {error}")

    async def _run(self) -> None:
        while self._is_wanted:
            self._is_wanted = False
            try:
                await self._ask()
            except VenueError as error:
                self._log.warning(f"Cannot catch up with the venue yet: {error}")
                self._is_wanted = True
            if self._is_wanted:
                await asyncio.sleep(_RETRY_SECS)
        if not self._is_deaf:
            self._in_step.set()

    async def _ask(self) -> None:
        await self._account.load()
        fills = await self._reporter.catch_up_fills()
        open_orders = await self._settlement.revisit(self._tracker.open_orders())
        strangers = {fill.order_id: fill.currency_pair for fill in fills}
        strangers |= {order.order_id: order.currency_pair for order in open_orders}
        for order_id, pair in strangers.items():
            self._on_stranger(pair, order_id)
