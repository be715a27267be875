"""Frames of the account socket, each to whom it concerns. Orders we know get events, others are reported whole."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.execution.reports import ExecutionMassStatus
from nautilus_trader.model.identifiers import VenueOrderId

from helios_nautilus.adapters.valr.account import AccountBook
from helios_nautilus.adapters.valr.api.errors import VenueError
from helios_nautilus.adapters.valr.api.schemas import account_socket as frames
from helios_nautilus.adapters.valr.api.schemas.orders import LiveOrder, OrderUpdate
from helios_nautilus.adapters.valr.reporting import Reporter
from helios_nautilus.adapters.valr.settlement import Settlement
from helios_nautilus.adapters.valr.tracking import OrderTracker

GRACE_SECS: Final = 1.0
"""How long the socket may take to tell what a reply or another frame has promised, before it is asked for."""
_EXTERNAL_SECS: Final = 1.0
"""Words about an order of unknown hand are gathered for so long, and reported together."""


class Inbox:
    """Sorts frames; ``report`` sends an order of another hand to the engine."""

    def __init__(
        self,
        tracker: OrderTracker,
        settlement: Settlement,
        reporter: Reporter,
        account: AccountBook,
        cache: Cache,
        *,
        now_ns: Callable[[], int],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        report: Callable[[ExecutionMassStatus], None],
        log: Any,
    ) -> None:
        self._tracker = tracker
        self._settlement = settlement
        self._reporter = reporter
        self._account = account
        self._cache = cache
        self._now_ns = now_ns
        self._spawn = spawn
        self._report = report
        self._log = log
        self._externals: set[str] = set()

    def take(self, raw: bytes) -> None:
        """Act on one frame; `WireError` for one that cannot be read."""
        frame = frames.ACCOUNT_FRAMES.decode(raw)
        match frame:
            case frames.NewFill(data=fill):
                if self._tracker.on_fill(fill) is None:
                    self._on_external(fill.currency_pair, fill.order_id)
            case frames.OrderStatusUpdate(data=update):
                self._on_state(update)
            case frames.OpenOrdersUpdate():
                for order in frame.orders:
                    self._on_open_order(order)
            case frames.OrderProcessed(data=outcome):
                self._on_processed(outcome)
            case frames.BalanceUpdate(data=balance):
                self._account.on_balance(balance)
            case frames.MarginInfo(data=margin):
                self._account.on_margin(margin)
            case frames.CancelFailed(data=failure) | frames.OrderFailed(data=failure):
                tracked = self._tracker.find(failure.order_id, failure.customer_order_id)
                if tracked is not None:
                    self._settlement.soon(tracked)
            case _:
                # The rest repeats what other frames or replies say.
                pass

    def _on_state(self, state: OrderUpdate) -> None:
        tracked = self._tracker.find(state.order_id, state.customer_order_id)
        if tracked is None:
            self._on_external(state.currency_pair, state.order_id)
        elif not self._tracker.apply(tracked, state):
            self._settlement.soon(tracked, delay_secs=GRACE_SECS)

    def _on_open_order(self, state: LiveOrder) -> None:
        """The list may be older than what we know: it proves no more than that the order is there."""
        tracked = self._tracker.find(state.order_id, state.customer_order_id)
        if tracked is None:
            self._on_external(state.currency_pair, state.order_id)
        else:
            self._tracker.rest(tracked, state)

    def _on_processed(self, outcome: frames.ProcessedOrder) -> None:
        tracked = self._tracker.find(outcome.order_id, outcome.customer_order_id)
        if tracked is None:
            return
        if outcome.success:
            self._tracker.accept(tracked, outcome.order_id, self._now_ns())
        else:
            tracked.venue_order_id = tracked.venue_order_id or outcome.order_id
            reason = outcome.failure_reason or "the venue failed the order"
            self._tracker.reject(tracked, reason, self._now_ns())

    def _on_external(self, pair: str, order_id: str) -> None:
        """An order that is not ours: reported whole, once its words are gathered, unless it is known by then."""
        if order_id not in self._externals and self._cache.client_order_id(VenueOrderId(order_id)) is None:
            self._externals.add(order_id)
            self._spawn(self._report_external(pair, order_id))

    async def _report_external(self, pair: str, order_id: str) -> None:
        try:
            await asyncio.sleep(_EXTERNAL_SECS)
            status = await self._reporter.whole_order(pair, order_id)
        except VenueError as error:
            self._log.warning(f"External order {order_id}: {error}")
            return
        finally:
            self._externals.discard(order_id)
        if status is not None and self._tracker.find(order_id, None) is None:
            self._report(status)
