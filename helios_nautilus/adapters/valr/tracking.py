"""Our own orders: what the venue has said of each, and the events that follow from it.

The engine's cache runs behind the events we send, so the truth about an order under way is kept here. Everything may
come twice and in any order, by stream and by REST: what was said already says nothing new. An order is closed only
when all its fills are in; `OrderTracker.apply` tells when some are missing.
"""

from collections import OrderedDict
from decimal import Decimal
from typing import Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.execution.client import ExecutionClient
from nautilus_trader.model.enums import OrderStatus, OrderType, TimeInForce
from nautilus_trader.model.identifiers import PositionId, TradeId, VenueOrderId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.orders import Order

from helios_nautilus.adapters.valr.api import enums as venue
from helios_nautilus.adapters.valr.api.schemas.account import Fill
from helios_nautilus.adapters.valr.api.schemas.orders import OrderSummary
from helios_nautilus.adapters.valr.fills import SeenTrades, commission_of, liquidity_of, order_side_of
from helios_nautilus.adapters.valr.order_ids import to_client_order_id
from helios_nautilus.adapters.valr.reports import VenueOrder, failure_of, filled_quantity

_UNSENT: Final = frozenset({OrderStatus.INITIALIZED, OrderStatus.EMULATED, OrderStatus.RELEASED})
_UNACCEPTED: Final = _UNSENT | {OrderStatus.SUBMITTED}
_STOPS: Final = frozenset({OrderType.STOP_LIMIT, OrderType.LIMIT_IF_TOUCHED})
_UNMATCHED: Final = ("did not match", "could not be filled", "insufficient liquidity")
"""How the venue words the end of an IOC or FOK that found nothing. No code tells it from a refusal, and both end the
order without a fill: a wording we do not know makes it rejected instead of canceled, nothing worse."""


class TrackedOrder:
    """One order of ours and how far its events have come."""

    def __init__(self, order: Order, instrument: Instrument) -> None:
        self.order = order
        self.instrument = instrument
        self.venue_order_id = None if order.venue_order_id is None else order.venue_order_id.value
        self.is_accepted = order.status not in _UNACCEPTED
        self.is_triggered = order.ts_triggered > 0 if order.order_type in _STOPS else False
        self._is_ended = False
        self.price = order.price.as_decimal() if order.has_price else None
        self.quantity = order.quantity.as_decimal()
        self.updated_ns = 0
        self.held: list[Fill] = []
        """Fills of an order sized in quote, until its size in base is known."""
        self._filled = order.filled_qty.as_decimal()

    @property
    def filled(self) -> Decimal:
        """Base quantity of the fills that are in, whoever brought them to the engine."""
        return max(self._filled, self.order.filled_qty.as_decimal())

    @property
    def is_closed(self) -> bool:
        """Its last event has been sent, by us or by the engine."""
        return self._is_ended or self.order.is_closed

    @property
    def is_settled(self) -> bool:
        """The engine has taken in all that was sent."""
        return self.order.filled_qty.as_decimal() >= self.filled and self.order.is_closed is self.is_closed

    def end(self) -> None:
        """No event comes after this."""
        self._is_ended = True

    @property
    def pair(self) -> str:
        """The venue's symbol."""
        return self.instrument.raw_symbol.value

    def add_fill(self, quantity: Decimal) -> None:
        """Count one more fill."""
        self._filled = self.filled + quantity


class OrderTracker:
    """Finds our orders by the venue's words and sends their events through ``client``."""

    def __init__(self, client: ExecutionClient, cache: Cache, *, capacity: int = 5_000) -> None:
        self._client = client
        self._cache = cache
        self._by_id: OrderedDict[str, TrackedOrder] = OrderedDict()
        self._by_venue_id: dict[str, TrackedOrder] = {}
        self._capacity = capacity
        self._seen = SeenTrades()
        self.newest_ns = 0
        """The venue's newest stamp seen: where to look from after a gap."""

    def track(self, order: Order) -> TrackedOrder:
        """The order's record, made if there is none."""
        known = self._by_id.get(order.client_order_id.value)
        if known is not None:
            return known
        instrument = self._cache.instrument(order.instrument_id)
        tracked = self._by_id[order.client_order_id.value] = TrackedOrder(order, instrument)
        if tracked.venue_order_id is not None:
            self._by_venue_id[tracked.venue_order_id] = tracked
        self._forget_closed()
        return tracked

    def find(self, order_id: str | None, customer_id: str | None) -> TrackedOrder | None:
        """Our order that the venue means; None for one that is not ours."""
        if order_id is not None and order_id in self._by_venue_id:
            return self._by_venue_id[order_id]
        client_order_id = to_client_order_id(customer_id)
        order = None if client_order_id is None else self._cache.order(client_order_id)
        if order is None and order_id is not None:
            client_order_id = self._cache.client_order_id(VenueOrderId(order_id))
            order = None if client_order_id is None else self._cache.order(client_order_id)
        if order is None or self._cache.instrument(order.instrument_id) is None or order.status in _UNSENT:
            return self._by_id.get(client_order_id.value) if client_order_id is not None else None
        tracked = self.track(order)
        # A client id may have been used before, by an order long closed.
        is_other = order_id is not None and tracked.venue_order_id not in (None, order_id)
        return None if is_other else tracked

    def open_orders(self) -> list[TrackedOrder]:
        """All that may still trade, those in flight included."""
        for order in [*self._cache.orders_open(venue=self._client.venue), *self._cache.orders_inflight()]:
            if order.instrument_id.venue == self._client.venue:
                self.track(order)
        return [tracked for tracked in self._by_id.values() if not tracked.is_closed]

    def accept(self, tracked: TrackedOrder, order_id: str, ts_event: int) -> None:
        """The venue has the order under this id."""
        if tracked.venue_order_id is None:
            tracked.venue_order_id = order_id
            self._by_venue_id[order_id] = tracked
        if tracked.is_accepted or tracked.is_closed:
            return
        tracked.is_accepted = True
        self._client.generate_order_accepted(*_ids(tracked), VenueOrderId(order_id), ts_event)

    def rest(self, tracked: TrackedOrder, state: VenueOrder) -> None:
        """The venue lists the order as open, perhaps no longer truly: it is there, and a stop that rests triggered."""
        self.accept(tracked, state.order_id, state.created_ns)
        if not tracked.is_closed:
            self._trigger(tracked, state)

    def reject(self, tracked: TrackedOrder, reason: str, ts_event: int) -> None:
        """The venue has refused or failed the order for good."""
        if tracked.is_closed:
            return
        order, words = tracked.order, reason.lower()
        is_unmatched = order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK) and any(w in words for w in _UNMATCHED)
        if tracked.is_accepted or is_unmatched:
            if tracked.venue_order_id is not None:
                self.accept(tracked, tracked.venue_order_id, ts_event)
            self._close(tracked, ts_event)
            return
        tracked.end()
        is_crossing = order.is_post_only and "post only" in words
        self._client.generate_order_rejected(*_ids(tracked), reason, ts_event, due_post_only=is_crossing)

    def on_fill(self, fill: Fill) -> TrackedOrder | None:
        """Take a fill in; the order if it is ours, else None."""
        self.newest_ns = max(self.newest_ns, fill.traded_ns)
        tracked = self.find(fill.order_id, fill.customer_order_id)
        if tracked is None or not self._seen.add(fill.id) or TradeId(fill.id) in tracked.order.trade_ids:
            return tracked
        self.accept(tracked, fill.order_id, fill.traded_ns)
        if tracked.order.is_quote_quantity and tracked.order.filled_qty == 0:
            tracked.held.append(fill)
        else:
            self._fill(tracked, fill)
        return tracked

    def apply(self, tracked: TrackedOrder, state: VenueOrder) -> bool:
        """Send what ``state`` has of news; False if fills are missing first (or, sized in quote, the summary is)."""
        self.newest_ns = max(self.newest_ns, state.updated_ns)
        if tracked.is_closed:
            return True
        if state.status is venue.OrderStatus.FAILED:
            tracked.venue_order_id = tracked.venue_order_id or state.order_id
            self.reject(tracked, failure_of(state) or "the venue failed the order", state.updated_ns)
            return True
        self.accept(tracked, state.order_id, state.created_ns)
        if tracked.held or (tracked.order.is_quote_quantity and not tracked.filled):
            return self._apply_in_quote(tracked, state)
        if state.updated_ns >= tracked.updated_ns:
            self._trigger(tracked, state)
            self._update(tracked, state)
        if tracked.filled < filled_quantity(state):
            return False
        if state.status is venue.OrderStatus.FILLED:
            tracked.end()
        elif not state.status.is_open:
            self._close(tracked, state.updated_ns, is_expired=state.status is venue.OrderStatus.EXPIRED)
        return True

    def _apply_in_quote(self, tracked: TrackedOrder, state: VenueOrder) -> bool:
        """How much base it came to is known at the end only; then the fills held back can go."""
        if state.status.is_open:
            return True
        if not isinstance(state, OrderSummary) or state.total_executed_quantity is None:
            return False
        executed = state.total_executed_quantity
        if sum((fill.quantity for fill in tracked.held), Decimal(0)) < executed:
            return False
        if not executed:
            self._close(tracked, state.updated_ns)
            return True
        size = tracked.instrument.make_qty(executed)
        self._client.generate_order_updated(
            *_ids(tracked), VenueOrderId(state.order_id), size, None, None, state.updated_ns, is_quote_quantity=False
        )
        held, tracked.held = tracked.held, []
        for fill in held:
            self._fill(tracked, fill)
        tracked.end()
        return True

    def _fill(self, tracked: TrackedOrder, fill: Fill) -> None:
        order, instrument = tracked.order, tracked.instrument
        tracked.add_fill(fill.quantity)
        position_id: PositionId | None = None
        self._client.generate_order_filled(
            *_ids(tracked),
            VenueOrderId(fill.order_id),
            position_id,
            TradeId(fill.id),
            order_side_of(fill.side),
            order.order_type,
            instrument.make_qty(fill.quantity),
            instrument.make_price(fill.price),
            instrument.quote_currency,
            commission_of(fill, instrument),
            liquidity_of(fill, instrument, order),
            int(fill.traded_ns),
        )

    def _trigger(self, tracked: TrackedOrder, state: VenueOrder) -> None:
        """A stop that rests, or more, has triggered."""
        is_armed = tracked.order.order_type not in _STOPS or state.status is venue.OrderStatus.ACTIVE
        if is_armed or tracked.is_triggered or not state.status.is_open:
            return
        tracked.is_triggered = True
        self._client.generate_order_triggered(*_ids(tracked), VenueOrderId(state.order_id), state.updated_ns)

    def _update(self, tracked: TrackedOrder, state: VenueOrder) -> None:
        """A price or a total quantity that differs from what we know: somebody has modified the order."""
        tracked.updated_ns = state.updated_ns
        is_same = (state.price, state.original_quantity) == (tracked.price, tracked.quantity)
        if tracked.price is None or is_same or not state.status.is_open:
            return
        tracked.price, tracked.quantity = state.price, state.original_quantity
        order, instrument = tracked.order, tracked.instrument
        self._client.generate_order_updated(
            *_ids(tracked),
            VenueOrderId(state.order_id),
            instrument.make_qty(state.original_quantity),
            instrument.make_price(state.price),
            order.trigger_price if order.has_trigger_price else None,
            state.updated_ns,
        )

    def _close(self, tracked: TrackedOrder, ts_event: int, *, is_expired: bool = False) -> None:
        tracked.end()
        venue_order_id = None if tracked.venue_order_id is None else VenueOrderId(tracked.venue_order_id)
        send = self._client.generate_order_expired if is_expired else self._client.generate_order_canceled
        send(*_ids(tracked), venue_order_id, ts_event)

    def _forget_closed(self) -> None:
        """Bounded: the oldest closed orders go, the cache still has them."""
        if len(self._by_id) <= self._capacity:
            return
        closed = [name for name, tracked in self._by_id.items() if tracked.is_closed]
        for name in closed[: self._capacity // 10]:
            gone = self._by_id.pop(name)
            if gone.venue_order_id is not None:
                self._by_venue_id.pop(gone.venue_order_id, None)


def _ids(tracked: TrackedOrder) -> tuple[object, object, object]:
    """The three ids with which every event begins."""
    order = tracked.order
    return order.strategy_id, order.instrument_id, order.client_order_id
