"""How a running node stops: entries off, orders back, positions closed if so configured, then the engine.

The first signal begins that, a second one leaves out the waiting.
"""

import asyncio
import signal
from typing import Final

from nautilus_trader.live.node import TradingNode

from helios_nautilus.actors.readiness import Readiness
from helios_nautilus.config import NodeSection
from helios_nautilus.domain.plan import CloseReason
from helios_nautilus.node.startup import Tell
from helios_nautilus.strategies.tiered import TieredStrategy

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_LOOK_SECS: Final = 0.1


class Shutdown:
    """Stops a node once it is asked to; all of it happens on the node's loop."""

    def __init__(
        self, node: TradingNode, readiness: Readiness, strategy: TieredStrategy, settings: NodeSection, tell: Tell
    ) -> None:
        self._node = node
        self._readiness = readiness
        self._strategy = strategy
        self._settings = settings
        self._tell = tell
        self._winding: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    @property
    def was_asked(self) -> bool:
        """Somebody wanted the node to stop."""
        return self._winding is not None

    def listen(self, loop: asyncio.AbstractEventLoop) -> None:
        """Obey the signals of an operator and of the system, in the place of the engine's own handlers."""
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.request)

    def request(self) -> None:
        """Begin to stop; asked again, hurry."""
        if self._winding is None:
            self._winding = asyncio.get_running_loop().create_task(self._wind_down())
        else:
            self._hurry.set()

    async def _wind_down(self) -> None:
        if self._node.trader.is_running:
            flatten = self._settings.flatten_on_stop
            self._tell("stop", "entries are off; " + ("closing positions" if flatten else "positions stay open"))
            self._readiness.close_entries()
            self._strategy.stand_down(CloseReason.MANUAL, flatten=flatten)
            await self._settle(flatten=flatten)
        await self._node.stop_async()

    async def _settle(self, *, flatten: bool) -> None:
        """Wait until nothing is under way, for as long as is allowed and nobody hurries."""
        deadline = asyncio.get_running_loop().time() + self._settings.stop_secs
        while not self._strategy.is_settled(flatten=flatten):
            if self._hurry.is_set() or asyncio.get_running_loop().time() > deadline:
                self._tell("stop", "not everything was closed: look at the venue's orders and positions")
                return
            await asyncio.sleep(_LOOK_SECS)
