"""The exchange of a paper node: Nautilus's sandbox, filled from VALR's books, with the time an order takes to arrive.

Nautilus's own sandbox has orders arrive at once, and so at prices that nobody could have had.
"""

from asyncio import AbstractEventLoop
from collections import defaultdict, deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from nautilus_trader.adapters.sandbox.config import SandboxExecutionClientConfig
from nautilus_trader.adapters.sandbox.execution import SandboxExecutionClient
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.execution.messages import (
    CancelAllOrders,
    CancelOrder,
    GenerateFillReports,
    GenerateOrderStatusReports,
    GeneratePositionStatusReports,
    ModifyOrder,
    QueryOrder,
    SubmitOrder,
    SubmitOrderList,
    TradingCommand,
)
from nautilus_trader.execution.reports import FillReport, OrderStatusReport, PositionStatusReport
from nautilus_trader.live.factories import LiveExecClientFactory
from nautilus_trader.model.enums import OrderStatus
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.portfolio.base import PortfolioFacade

from helios_nautilus.journal.records import AccountHolding
from helios_nautilus.node.paper_reports import fill_reports, order_report, position_report

_LOOK_SECS: Final = 0.05


class PaperExchangeConfig(SandboxExecutionClientConfig, frozen=True, kw_only=True):
    """The sandbox's configuration; a command arrives ``latency_ms`` after it was sent, all in their order.

    ``holdings`` are positions of an earlier run. They come back by reconciliation, whose fills move the account, so
    the starting balances are those from before they were bought.
    """

    latency_ms: float = 250.0
    holdings: tuple[AccountHolding, ...] = ()


class PaperExchange(SandboxExecutionClient):
    """See the module. Until it arrives, an order stays as it was made."""

    def __init__(self, loop: AbstractEventLoop, *, config: PaperExchangeConfig, **parts: Any) -> None:
        super().__init__(loop=loop, config=config, **parts)
        self._latency_secs = config.latency_ms / 1e3
        self._arrivals = loop
        self._at_the_door: defaultdict[InstrumentId, deque[Callable[[], object]]] = defaultdict(deque)
        # As they are defined now, which is what the starting balances count on; the venue may soon tell others.
        self._holdings = tuple(
            (self._cache.instrument(InstrumentId.from_str(each.instrument_id)), each) for each in config.holdings
        )

    async def generate_order_status_reports(self, command: GenerateOrderStatusReports) -> list[OrderStatusReport]:
        """Orders of an earlier run that opened what is still held."""
        return [order_report(*each, self.account_id) for each in self._held(command.instrument_id)]

    async def generate_fill_reports(self, command: GenerateFillReports) -> list[FillReport]:
        """Their fills."""
        held = self._held(command.instrument_id)
        return [report for each in held for report in fill_reports(*each, self.account_id)]

    async def generate_position_status_reports(
        self, command: GeneratePositionStatusReports
    ) -> list[PositionStatusReport]:
        """What was held when this run began; asked at the start only."""
        return [position_report(*each, self.account_id) for each in self._held(command.instrument_id)]

    def _held(self, wanted: InstrumentId | None) -> list[tuple[Instrument, AccountHolding]]:
        return [(instrument, each) for instrument, each in self._holdings if wanted in (None, instrument.id)]

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

    async def _query_order(self, command: QueryOrder) -> None:
        """An order that is sent and has not been answered at once was sent to the exchange of an earlier process."""
        order = self._cache.order(command.client_order_id)
        if order is not None and order.status is OrderStatus.SUBMITTED:
            self.generate_order_rejected(
                command.strategy_id,
                command.instrument_id,
                command.client_order_id,
                "the exchange it was sent to is gone",
                self._clock.timestamp_ns(),
            )

    def _later[T: TradingCommand](self, deliver: Callable[[T], object], command: T) -> None:
        self._arrivals.call_later(self._latency_secs, self._arrive, deliver, command)

    def _arrive[T: TradingCommand](self, deliver: Callable[[T], object], command: T) -> None:
        at_the_door = self._at_the_door[command.instrument_id]
        at_the_door.append(partial(deliver, command))
        if len(at_the_door) == 1:
            self._let_in(command.instrument_id)

    def _let_in(self, instrument_id: InstrumentId) -> None:
        """Take what has arrived, in its order; while our view of the book is being made anew it waits.

        VALR's own book has not gone, and the matching engine forgets a market order that finds an empty one.
        """
        at_the_door = self._at_the_door[instrument_id]
        if not self._has_book(instrument_id):
            self._arrivals.call_later(_LOOK_SECS, self._let_in, instrument_id)
            return
        deliver = at_the_door.popleft()
        if at_the_door:
            self._arrivals.call_soon(self._let_in, instrument_id)
        self.exchange.process(self._clock.timestamp_ns())
        deliver()

    def _has_book(self, instrument_id: InstrumentId) -> bool:
        book = self.exchange.get_book(instrument_id)
        return book.best_bid_price() is not None and book.best_ask_price() is not None


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
