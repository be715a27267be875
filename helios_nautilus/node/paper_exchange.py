"""The exchange of a paper node: Nautilus's sandbox, filled from VALR's books, with the time an order takes to arrive.

Nautilus's own sandbox has orders arrive at once, and so at prices that nobody could have had.
"""

from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Any

from nautilus_trader.adapters.sandbox.config import SandboxExecutionClientConfig
from nautilus_trader.adapters.sandbox.execution import SandboxExecutionClient
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.execution.messages import (
    CancelAllOrders,
    CancelOrder,
    ModifyOrder,
    SubmitOrder,
    SubmitOrderList,
)
from nautilus_trader.live.factories import LiveExecClientFactory
from nautilus_trader.portfolio.base import PortfolioFacade


class PaperExchangeConfig(SandboxExecutionClientConfig, frozen=True, kw_only=True):
    """The sandbox's configuration; a command arrives ``latency_ms`` after it was sent, all in their order."""

    latency_ms: float = 250.0


class PaperExchange(SandboxExecutionClient):
    """See the module. Until it arrives, an order stays as it was made."""

    def __init__(self, loop: AbstractEventLoop, *, config: PaperExchangeConfig, **parts: Any) -> None:
        super().__init__(loop=loop, config=config, **parts)
        self._latency_secs = config.latency_ms / 1e3
        self._arrivals = loop

    def submit_order(self, command: SubmitOrder) -> None:
        """Send it on its way, as all the others."""
        self._later(super().submit_order, command)

    def submit_order_list(self, command: SubmitOrderList) -> None:
        """See `submit_order`."""
        self._later(super().submit_order_list, command)

    def modify_order(self, command: ModifyOrder) -> None:
        """See `submit_order`."""
        self._later(super().modify_order, command)

    def cancel_order(self, command: CancelOrder) -> None:
        """See `submit_order`."""
        self._later(super().cancel_order, command)

    def cancel_all_orders(self, command: CancelAllOrders) -> None:
        """See `submit_order`."""
        self._later(super().cancel_all_orders, command)

    def _later[T](self, deliver: Callable[[T], object], command: T) -> None:
        self._arrivals.call_later(self._latency_secs, self._arrive, deliver, command)

    def _arrive[T](self, deliver: Callable[[T], object], command: T) -> None:
        self.exchange.process(self._clock.timestamp_ns())
        deliver(command)


def paper_exchange_factory(portfolio: PortfolioFacade) -> type[LiveExecClientFactory]:
    """What builds the exchange of the node whose portfolio this is: a node gives it to Nautilus's own factory alone."""

    class PaperExchangeFactory(LiveExecClientFactory):
        @staticmethod
        def create(  # type: ignore[override]
            loop: AbstractEventLoop,
            name: str,
            config: PaperExchangeConfig,
            msgbus: MessageBus,
            cache: Cache,
            clock: LiveClock,
        ) -> PaperExchange:
            return PaperExchange(loop, config=config, portfolio=portfolio, msgbus=msgbus, cache=cache, clock=clock)

    return PaperExchangeFactory
