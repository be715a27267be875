"""Frames of the account socket, each to whom it concerns. Orders we know get events, others are reported whole."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.execution.reports import ExecutionMassStatus
from nautilus_trader.model.identifiers import VenueOrderId

from helios_nautilus.adapters.valr.account import AccountBook
from helios_nautilus.adapters.valr.api.errors import VenueError, WireError
from helios_nautilus.adapters.valr.api.schemas import account_socket as frames
from helios_nautilus.adapters.valr.api.schemas.account import Fill
from helios_nautilus.adapters.valr.api.schemas.frames import UnknownFrame
from helios_nautilus.adapters.valr.api.schemas.orders import LiveOrder, OrderUpdate
from helios_nautilus.adapters.valr.reporting import Reporter
from helios_nautilus.adapters.valr.settlement import Settlement
from helios_nautilus.adapters.valr.soundness import check_stamp
from helios_nautilus.adapters.valr.tracking import OrderTracker

GRACE_SECS: Final = 1.0
"""How long the socket may take to tell what a reply or another frame has promised, before it is asked for."""
_GATHER_SECS: Final = 1.0
"""Words about an order of unknown hand are gathered for so long, and reported together."""

_START_SECS: Final = 60.0
"""So long they wait for the engine to take up what there was before them; one without reconciliation never does."""


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
        self._strangers: set[str] = set()
        self.started = asyncio.Event()
        """The engine has been given the orders and fills of before, in their order."""

    def take(self, raw: bytes) -> None:
        """Act on one frame; `WireError` for one that cannot be read."""
        frame = frames.ACCOUNT_FRAMES.decode(raw)
        match frame:
            case frames.NewFill(data=fill):
                if frame.pair not in (None, fill.currency_pair):
                    raise WireError(f"a frame of {frame.pair} speaks of {fill.currency_pair}", is_malformed=False)
                self._on_fill(fill)
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
            case frames.CancelOnDisconnectUpdate(data=state):
                if not state.is_on:
                    self._log.error("VALR does not cancel our open orders if this connection is lost")
            case UnknownFrame():
                self._log.warning(f"Account socket: a frame of the unknown type {frame.type[:40]!r} was passed over")
            case _:
                # The rest repeats what other frames or replies say.
                pass

    def _on_fill(self, fill: Fill) -> None:
        check_stamp(fill.traded_ns, self._now_ns())
        known = self._tracker.find(fill.order_id, fill.customer_order_id)
        if known is not None and known.order.is_reduce_only and not known.is_closed:
            # Out of turn it could find no position to reduce: the engine then leaves it out of its position for good.
            self._spawn(self._settlement.take_in_turn(fill))
            return
        tracked = self._tracker.on_fill(fill)
        if tracked is None:
            self.on_stranger(fill.currency_pair, fill.order_id)
        elif tracked.held:
            self._settlement.soon(tracked, delay_secs=GRACE_SECS)

    def _on_state(self, state: OrderUpdate) -> None:
        check_stamp(state.updated_ns, self._now_ns())
        tracked = self._tracker.find(state.order_id, state.customer_order_id)
        if tracked is None:
            self.on_stranger(state.currency_pair, state.order_id)
        elif tracked.is_given_up and state.status.is_open:
            self._settlement.recall(tracked)
        elif not self._tracker.apply(tracked, state):
            self._settlement.soon(tracked, delay_secs=GRACE_SECS)

    def _on_open_order(self, state: LiveOrder) -> None:
        """The list may be older than what we know: it proves that the order is there, and is asked about otherwise.

        No other frame tells that a reduce-only order was cut to its position as it was placed.
        """
        tracked = self._tracker.find(state.order_id, state.customer_order_id)
        if tracked is None:
            self.on_stranger(state.currency_pair, state.order_id)
        elif tracked.is_given_up:
            self._settlement.recall(tracked)
        else:
            self._tracker.rest(tracked, state)
            if self._tracker.is_news(tracked, state):
                self._settlement.soon(tracked, delay_secs=GRACE_SECS)

    def _on_processed(self, outcome: frames.ProcessedOrder) -> None:
        tracked = self._tracker.find(outcome.order_id, outcome.customer_order_id)
        if tracked is None:
            return
        if outcome.success:
            self._tracker.accept(tracked, outcome.order_id, self._now_ns())
            return
        reason = outcome.failure_reason or "the venue failed the order"
        if not self._tracker.fail(tracked, outcome.order_id, reason, self._now_ns()):
            self._settlement.soon(tracked)

    def on_stranger(self, pair: str, order_id: str) -> None:
        """An order that is not ours: reported whole, once its words are gathered, unless it is known by then."""
        if order_id not in self._strangers and self._cache.client_order_id(VenueOrderId(order_id)) is None:
            self._strangers.add(order_id)
            self._spawn(self._report_stranger(pair, order_id))

    async def _report_stranger(self, pair: str, order_id: str) -> None:
        await asyncio.sleep(_GATHER_SECS)
        with suppress(TimeoutError):
            await asyncio.wait_for(self.started.wait(), _START_SECS)
        # From here on a new word of it counts again: the answers may have been written before it.
        self._strangers.discard(order_id)
        try:
            status = None
            if self._tracker.find(order_id, None) is None:
                status = await self._reporter.whole_order(pair, order_id)
        except VenueError as error:
            self._log.warning(f"Order {order_id} of another hand: {error}")
            return
        tracked = self._tracker.find(order_id, None)
        if tracked is not None:
            self._settlement.soon(tracked)
        elif status is not None:
            self._report(status)
