"""Asks the venue how things stand wherever its word is missing: after an unknown outcome, a refusal, a lost frame.

One task an order; a later question while one runs only adds its doubt. An order is asked about until its state and
all its fills are in; where many are in doubt at once, one look is for all of them. That the venue does not know an
order, or that a cancel or a modify changed nothing, is believed only after some patience, because a late request may
still be on its way.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal
from typing import Any, Final, Literal

from msgspec import Struct
from nautilus_trader.execution.client import ExecutionClient
from nautilus_trader.model.identifiers import VenueOrderId

from helios_nautilus.adapters.valr.api.errors import (
    NotFoundError,
    RefusedError,
    UnknownOrderError,
    UnknownOutcomeError,
    VenueError,
)
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.routes.orders import IdKind
from helios_nautilus.adapters.valr.api.schemas.account import Fill
from helios_nautilus.adapters.valr.api.schemas.orders import OpenOrder, OrderState
from helios_nautilus.adapters.valr.api.schemas.requests import CancelOrder
from helios_nautilus.adapters.valr.order_ids import to_customer_id
from helios_nautilus.adapters.valr.paging import read_by_id
from helios_nautilus.adapters.valr.reports import VenueOrder
from helios_nautilus.adapters.valr.survey import Survey
from helios_nautilus.adapters.valr.tracking import OrderTracker, TrackedOrder
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC

type Wish = Literal["cancel", "modify"]

OVERLAP_NS: Final = 60 * NS_PER_SEC
"""Fills are asked for from so long before the last one known: the venue's own stamps may be out of order."""
_FEW: Final = 5
"""So many orders in doubt are asked for one by one."""
_RECENT_NS: Final = 15 * NS_PER_MIN
"""A look at all orders goes back so far: beyond it would read page after page."""


class Patience(Struct, frozen=True, kw_only=True):
    """How long to wait for what, in seconds."""

    first_secs: float = 0.2
    """Between the first two questions; doubled up to ``most_secs``."""
    most_secs: float = 5.0
    unknown_secs: float = 12.0
    """An order unknown to the venue for so long never arrived there: more than an HTTP time-out."""
    unchanged_secs: float = 3.0
    """A cancel or modify of unknown outcome that shows no effect for so long had none."""


class Doubt(Struct, kw_only=True):
    """What is to be found out about an order."""

    wish: Wish | None = None
    reason: str = ""
    is_refused: bool = False
    """The venue said no to the wish; only the order's state is open."""
    is_early: bool = False
    """It said no since it did not know the order: a cancel may overtake the placement."""
    target: tuple[Decimal | None, Decimal] | None = None
    """Price and total quantity that a modify is to bring."""
    since_secs: float = 0.0
    """When it arose, by the loop's clock: what was asked before that does not answer it."""


class Settlement:
    """The questions under way, at most one an order."""

    def __init__(
        self,
        http: ValrHttp,
        tracker: OrderTracker,
        client: ExecutionClient,
        *,
        now_ns: Callable[[], int],
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        log: Any,
        patience: Patience | None = None,
    ) -> None:
        self._http = http
        self._survey = Survey(http)
        self._tracker = tracker
        self._client = client
        self._now_ns = now_ns
        self._spawn = spawn
        self._log = log
        self._patience = patience or Patience()
        self._doubts: dict[str, Doubt] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def soon(self, tracked: TrackedOrder, *, delay_secs: float = 0.0, doubt: Doubt | None = None) -> None:
        """Find out about an order, unless it closes within ``delay_secs``."""
        name = tracked.order.client_order_id.value
        if tracked.is_closed:
            return
        if doubt is not None:
            doubt.since_secs = _loop_secs()
            self._doubts[name] = doubt
        if name not in self._tasks:
            self._tasks[name] = self._spawn(self._settle(tracked, delay_secs))

    async def now(self, tracked: TrackedOrder) -> None:
        """Find out about an order and return when it is settled."""
        self.soon(tracked)
        task = self._tasks.get(tracked.order.client_order_id.value)
        if task is not None:
            await asyncio.shield(task)

    async def sweep_fills(self, since_ns: int) -> list[Fill]:
        """Take in every fill since a stamp of the venue's, oldest first; those that are not of our orders.

        A stamp of the future, of a clock that was wrong for a while, hides nothing that has traded by now.
        """
        start_ns = min(since_ns, self._now_ns()) - OVERLAP_NS
        return [fill for fill in await self.read_fills(start_ns) if self._tracker.on_fill(fill) is None]

    async def take_in_turn(self, fill: Fill) -> None:
        """Take in a fill after all that came before it."""
        try:
            await self.sweep_fills(fill.traded_ns)
        except VenueError as error:
            self._log.warning(f"Cannot ask for the fills before {fill.id}: {error}")
        tracked = self._tracker.on_fill(fill)
        if tracked is not None and tracked.held:
            self.soon(tracked)

    async def read_fills(self, start_ns: int | None = None, end_ns: int | None = None) -> list[Fill]:
        """Every fill of the account within the times, oldest first, each once."""

        async def page_of(before_id: str | None) -> list[Fill]:
            return await self._http.get_fills(start_ns=start_ns, end_ns=end_ns, before_id=before_id)

        # Times in the past of the start do not always end the venue's pages.
        start = start_ns or 0
        rows = await read_by_id(page_of, lambda fill: fill.id, lambda fill: fill.traded_ns < start, "fills")
        # Turned round before sorting: fills of one time keep the venue's order.
        return sorted((fill for fill in reversed(rows) if fill.traded_ns >= start), key=lambda fill: fill.traded_ns)

    async def ask(self, pair: str, order_id: str | None, customer_id: str | None) -> OrderState | None:
        """State of an order by either id; None if the venue does not know it. Raises as reads do."""
        kind: IdKind = "customerorderid" if order_id is None else "orderid"
        name = order_id or customer_id or ""
        try:
            state = await self._http.get_order(pair, name, kind=kind)
        except (UnknownOrderError, NotFoundError):
            state = None
        if state is not None and state.status.is_open:
            return state
        # Closed orders: the summary has the totals, and some sources say that only the history knows them.
        try:
            return await self._http.get_order_summary(name, kind=kind)
        except (UnknownOrderError, NotFoundError):
            details = [] if state is not None else await self._http.get_order_detail(name, kind=kind)
            return details[0] if details else state

    async def take_in(self, state: VenueOrder) -> bool:
        """Send all that ``state`` and its fills have of news; False if fills are still missing."""
        tracked = self._tracker.find(state.order_id, state.customer_order_id)
        if tracked is None or self._tracker.apply(tracked, state):
            return True
        await self.sweep_fills(min(state.created_ns, tracked.order.ts_init))
        return self._tracker.apply(tracked, state, has_all_fills=True)

    async def revisit(self, tracked: Sequence[TrackedOrder]) -> list[OpenOrder]:
        """Find out about many: those that rest are seen in one list, the others are asked for. Others' open orders."""
        resting = {state.order_id: state for state in await self._http.get_open_orders()}
        for each in tracked:
            state = resting.get(each.venue_order_id or "")
            if state is not None and await self.take_in(state):
                continue
            await self.now(each)
        found = [(state, self._tracker.find(state.order_id, state.customer_order_id)) for state in resting.values()]
        for _, known in found:
            if known is not None and known.is_given_up:
                self.recall(known)
        return [state for state, known in found if known is None]

    def recall(self, tracked: TrackedOrder) -> None:
        """Take back an order that the engine has closed by guess and that the venue seems to have open."""
        name = tracked.order.client_order_id.value
        if name not in self._tasks:
            self._tasks[name] = self._spawn(self._recall(tracked))

    async def _recall(self, tracked: TrackedOrder) -> None:
        name = tracked.order.client_order_id.value
        try:
            state = await self.ask(tracked.pair, tracked.venue_order_id, to_customer_id(tracked.order.client_order_id))
            if state is None or not state.status.is_open:
                return
            self._log.error(
                f"{name}: the engine has given it up as {tracked.order.status_string()} and VALR has it open: "
                "it is canceled there"
            )
            await self._http.delete_order(CancelOrder(pair=tracked.pair, order_id=state.order_id))
        except VenueError as error:
            self._log.warning(f"{name}: given up by the engine and perhaps open at VALR, {error}")
        finally:
            self._tasks.pop(name, None)

    async def _settle(self, tracked: TrackedOrder, delay_secs: float) -> None:
        name = tracked.order.client_order_id.value
        try:
            await asyncio.sleep(delay_secs)
            started_secs, pause = _loop_secs(), self._patience.first_secs
            while not tracked.is_closed:
                try:
                    if await self._look(tracked, _loop_secs() - started_secs):
                        return
                except VenueError as error:
                    self._log.warning(f"{name}: its state is not known yet, {error}")
                await asyncio.sleep(pause)
                pause = min(2.0 * pause, self._patience.most_secs)
        finally:
            self._tasks.pop(name, None)
            self._doubts.pop(name, None)

    async def _look(self, tracked: TrackedOrder, waited_secs: float) -> bool:
        """One question; whether it settled the order."""
        asked_secs = _loop_secs()
        state = await self._state_of(tracked, is_last=waited_secs >= self._patience.unknown_secs)
        if state is None:
            return self._miss(tracked, waited_secs)
        if not await self.take_in(state):
            return False
        return tracked.is_closed or await self._conclude(tracked, state, asked_secs)

    async def _state_of(self, tracked: TrackedOrder, *, is_last: bool) -> VenueOrder | None:
        """None if the venue has none; that there is none for good is for the order's own question to say."""
        order = tracked.order
        customer_id = to_customer_id(order.client_order_id)
        is_recent = self._now_ns() - order.ts_init < _RECENT_NS
        if len(self._tasks) > _FEW and is_recent and not is_last:
            found = await self._survey.read(order.ts_init - OVERLAP_NS)
            state = found.get(tracked.venue_order_id or customer_id or "")
            if state is not None or tracked.venue_order_id is None:
                return state
        return await self.ask(tracked.pair, tracked.venue_order_id, customer_id)

    def _miss(self, tracked: TrackedOrder, waited_secs: float) -> bool:
        """The venue has no such order."""
        if waited_secs < self._patience.unknown_secs:
            return False
        # One that is being canceled counts as accepted, though nobody may ever have heard of it.
        if tracked.is_accepted and tracked.venue_order_id is not None:
            self._log.error(f"{tracked.order.client_order_id}: VALR had the order and knows it no more; left as it is")
            return True
        self._tracker.reject(tracked, "the venue does not know the order: it never arrived", self._now_ns())
        return True

    async def _conclude(self, tracked: TrackedOrder, state: VenueOrder, asked_secs: float) -> bool:
        """The order is open: was there a wish that it shows no trace of?"""
        doubt = self._doubts.get(tracked.order.client_order_id.value)
        if doubt is None or doubt.wish is None:
            return True
        if asked_secs < doubt.since_secs:
            return False
        if doubt.is_early:
            await self._cancel_again(tracked, state, doubt)
            return False
        if not doubt.is_refused:
            if doubt.target == (tracked.price, tracked.quantity):
                tracked.awaits_size = False
                return True
            if _loop_secs() - doubt.since_secs < self._patience.unchanged_secs:
                return False
        if doubt.wish == "cancel" and tracked.is_triggered and not tracked.filled:
            # The engine has no way back from a cancel under way to a trigger: it would wait for the cancel for ever.
            await self._cancel_again(tracked, state, doubt)
            return False
        self._deny_wish(tracked, doubt)
        return True

    async def _cancel_again(self, tracked: TrackedOrder, state: VenueOrder, doubt: Doubt) -> None:
        """The cancel before this one was there too early, or did nothing: the order would stay, unwanted."""
        try:
            await self._http.delete_order(CancelOrder(pair=tracked.pair, order_id=state.order_id))
            doubt.is_refused = False
        except RefusedError as error:
            doubt.reason = str(error)
        except UnknownOutcomeError:
            doubt.is_refused, doubt.reason = False, "the venue shows no effect of the cancel"
        doubt.is_early, doubt.since_secs = False, _loop_secs()

    def _deny_wish(self, tracked: TrackedOrder, doubt: Doubt) -> None:
        order, ts_event = tracked.order, self._now_ns()
        ids = (order.strategy_id, order.instrument_id, order.client_order_id, VenueOrderId(tracked.venue_order_id))
        if doubt.wish == "cancel":
            self._client.generate_order_cancel_rejected(*ids, doubt.reason, ts_event)
        else:
            tracked.awaits_size = False
            self._client.generate_order_modify_rejected(*ids, doubt.reason, ts_event)


def _loop_secs() -> float:
    """How long an answer may take is a matter of this machine's time, whatever the venue's clock shows."""
    return asyncio.get_running_loop().time()
