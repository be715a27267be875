"""Our own orders: what the venue has said of each, and the events that follow from it.

The engine's cache runs behind the events we send, so the truth about an order under way is kept here. Everything may
come twice and in any order, by stream and by REST: what was said already says nothing new. An order is closed only
when all its fills are in; `OrderTracker.apply` tells when some are missing. A fill that the engine would refuse, since
the order is not that large as far as it knows, is held until the venue has said how large the order is.
"""

from collections import OrderedDict
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

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
from helios_nautilus.adapters.valr.soundness import check_fill, check_state, is_ahead

_UNSENT: Final = frozenset({OrderStatus.INITIALIZED, OrderStatus.EMULATED, OrderStatus.RELEASED})
_UNACCEPTED: Final = _UNSENT | {OrderStatus.SUBMITTED}
_GUESSES: Final = frozenset({OrderStatus.REJECTED, OrderStatus.CANCELED, OrderStatus.EXPIRED})
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
        self.is_triggered = order.order_type in _STOPS and (
            order.ts_triggered > 0 or order.status is OrderStatus.TRIGGERED
        )
        self.price = order.price.as_decimal() if order.has_price else None
        self.quantity = order.quantity.as_decimal()
        self.asked: Decimal | None = None
        """What was asked of the venue instead of that, in base."""
        self.is_sized_in_quote = order.is_quote_quantity
        """``quantity`` is an amount of quote, until the venue tells what it came to in base."""
        self.awaits_size = False
        """Another size was asked for: the fill that completes this one must not, for the engine takes no more then."""
        self.newest = (0, Decimal(0), False)
        """The newest state taken in; see `_freshness`."""
        self.held: list[Fill] = []
        """Fills that wait for the order's size to be known."""
        self._is_accepted = False
        self._is_ended = order.is_closed
        self._is_final = False
        self._is_complete = False
        self._filled = order.filled_qty.as_decimal()

    @property
    def filled(self) -> Decimal:
        """Base quantity of the fills that are in, whoever brought them to the engine."""
        return max(self._filled, self.order.filled_qty.as_decimal())

    @property
    def traded(self) -> Decimal:
        """Base quantity of all fills known, the held ones too."""
        return self.filled + sum((fill.quantity for fill in self.held), Decimal(0))

    @property
    def is_accepted(self) -> bool:
        """The engine has been told that the venue has it, by us or by a report."""
        return self._is_accepted or self.order.status not in _UNACCEPTED

    @property
    def is_closed(self) -> bool:
        """Its last event has been sent, by us or by the engine."""
        return self._is_ended or self.order.is_closed

    @property
    def is_given_up(self) -> bool:
        """The engine has closed it by guess, without a word of the venue."""
        return self.order.status in _GUESSES and not self._is_ended

    @property
    def is_settled(self) -> bool:
        """The engine has taken in all that was sent."""
        return self.order.filled_qty.as_decimal() >= self.filled and self.order.is_closed is self.is_closed

    @property
    def is_final(self) -> bool:
        """The engine takes nothing more, not even a fill that comes too late: a canceled order would take that."""
        return self._is_final or (self.order.is_closed and self.order.status is not OrderStatus.CANCELED)

    def end(self, *, is_final: bool = False) -> None:
        """No event comes after this, but perhaps a fill that is late."""
        self._is_ended = True
        self._is_final = is_final

    @property
    def pair(self) -> str:
        """The venue's symbol."""
        return self.instrument.raw_symbol.value

    def accept(self) -> None:
        """The engine knows that the venue has it."""
        self._is_accepted = True

    @property
    def is_complete(self) -> bool:
        """A fill has ended it: the engine does not end by itself an order that shrinks to what has traded."""
        return self._is_complete or self.order.status is OrderStatus.FILLED

    def add_fill(self, quantity: Decimal) -> None:
        """Count one more fill."""
        self._filled = self.filled + quantity
        self._is_complete = self._filled == self.quantity

    def fits(self, fill: Fill) -> bool:
        """The order is large enough for it, as far as the engine knows."""
        if self.is_sized_in_quote:
            return False
        left = self.quantity - self.filled - fill.quantity
        return left > 0 or (left == 0 and not self.awaits_size)


class OrderTracker:
    """Finds our orders by the venue's words and sends their events through ``client``."""

    def __init__(
        self, client: ExecutionClient, cache: Cache, *, now_ns: Callable[[], int], log: Any, capacity: int = 5_000
    ) -> None:
        self._client = client
        self._cache = cache
        self._now_ns = now_ns
        self._log = log
        self._by_id: OrderedDict[str, TrackedOrder] = OrderedDict()
        self._by_venue_id: dict[str, TrackedOrder] = {}
        self._capacity = capacity
        self._seen = SeenTrades()
        self.newest_ns = 0
        """Till when we know of the venue's words by its stamps: where to look from after a gap."""

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
        tracked.accept()
        self._client.generate_order_accepted(*_ids(tracked), VenueOrderId(order_id), ts_event)
        if tracked.asked is not None and tracked.asked != tracked.quantity:
            self._resize(tracked, order_id, tracked.asked, ts_event)

    def rest(self, tracked: TrackedOrder, state: VenueOrder) -> None:
        """The venue lists the order as open, perhaps no longer truly: it is there, and a stop that rests triggered."""
        check_state(state, tracked.order, tracked.instrument)
        self.accept(tracked, state.order_id, state.created_ns)
        if not tracked.is_closed:
            self._trigger(tracked, state)

    def is_news(self, tracked: TrackedOrder, state: VenueOrder) -> bool:
        """The state shows another price or size than we know of, and is not older than what we know."""
        is_same = tracked.price is None or (state.price, state.original_quantity) == (tracked.price, tracked.quantity)
        return not (is_same or tracked.is_closed) and self._is_current(tracked, state)

    def reject(self, tracked: TrackedOrder, reason: str, ts_event: int) -> None:
        """The venue has refused or failed the order for good, and nothing of it has traded."""
        if tracked.is_closed:
            return
        order, words = tracked.order, reason.lower()
        is_unmatched = order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK) and any(w in words for w in _UNMATCHED)
        if tracked.is_accepted or is_unmatched:
            if tracked.venue_order_id is not None:
                self.accept(tracked, tracked.venue_order_id, ts_event)
            self._close(tracked, ts_event)
            return
        tracked.end(is_final=True)
        is_crossing = order.is_post_only and "post only" in words
        self._client.generate_order_rejected(*_ids(tracked), reason, ts_event, due_post_only=is_crossing)

    def withdraw(self, tracked: TrackedOrder, ts_event: int) -> None:
        """The order provably never left: it is over, and the venue has refused nothing."""
        if not tracked.is_closed:
            self._close(tracked, ts_event)

    def fail(self, tracked: TrackedOrder, order_id: str, reason: str, ts_event: int) -> bool:
        """The venue's engine failed the order. False unless it cannot have traded before that: then ask."""
        if tracked.venue_order_id is None:
            tracked.venue_order_id = order_id
            self._by_venue_id[order_id] = tracked
        if tracked.order.is_post_only and not tracked.traded:
            self.reject(tracked, reason, ts_event)
        return tracked.is_closed

    def on_fill(self, fill: Fill) -> TrackedOrder | None:
        """Take a fill in; the order if it is ours, else None. One that is held needs the order's state."""
        tracked = self.find(fill.order_id, fill.customer_order_id)
        if tracked is not None:
            check_fill(fill, tracked.order, tracked.instrument)
        self._heard_of(fill.traded_ns)
        if tracked is None or not self._seen.add(fill.id) or TradeId(fill.id) in tracked.order.trade_ids:
            return tracked
        self.accept(tracked, fill.order_id, fill.traded_ns)
        if tracked.is_closed:
            self._fill_late(tracked, fill)
        else:
            tracked.held.append(fill)
            self._release(tracked)
        return tracked

    def apply(self, tracked: TrackedOrder, state: VenueOrder, *, has_all_fills: bool = False) -> bool:
        """Send what ``state`` has of news; False if something is missing first.

        ``has_all_fills`` says that the fills have been asked for since the venue wrote ``state``.
        """
        check_state(state, tracked.order, tracked.instrument)
        self._heard_of(state.updated_ns)
        if tracked.is_closed:
            return True
        if state.status is venue.OrderStatus.FAILED:
            return self._apply_failure(tracked, state, has_all_fills=has_all_fills)
        self.accept(tracked, state.order_id, state.created_ns)
        if self._is_current(tracked, state):
            self._trigger(tracked, state)
            self._update(tracked, state)
            self._release(tracked)
        if state.status.is_open:
            # One sized in quote is a market order: it ends at once, and its fills wait for that.
            return not (tracked.is_sized_in_quote or tracked.held) and tracked.filled >= filled_quantity(state)
        return self._apply_end(tracked, state, has_all_fills=has_all_fills)

    def _heard_of(self, stamp_ns: int) -> None:
        """A stamp of the future, of a clock that was wrong for a while, says nothing of the time till then."""
        self.newest_ns = max(self.newest_ns, min(stamp_ns, self._now_ns()))

    def _is_current(self, tracked: TrackedOrder, state: VenueOrder) -> bool:
        """Not older than what we know, as far as that bears a stamp to go by."""
        return _freshness(state) >= tracked.newest or is_ahead(tracked.newest[0], self._now_ns())

    def _apply_failure(self, tracked: TrackedOrder, state: VenueOrder, *, has_all_fills: bool) -> bool:
        """Rejected, unless some of it has traded: then the rest is canceled."""
        reason = failure_of(state) or "the venue failed the order"
        if self.fail(tracked, state.order_id, reason, state.updated_ns):
            return True
        if not (has_all_fills or _has_total(state)):
            return False
        if tracked.traded or filled_quantity(state):
            return self._apply_end(tracked, state, has_all_fills=has_all_fills)
        self.reject(tracked, reason, state.updated_ns)
        return True

    def _apply_end(self, tracked: TrackedOrder, state: VenueOrder, *, has_all_fills: bool) -> bool:
        """Close the order once all that it traded is in. What has traded counts, whatever size we knew of."""
        if tracked.is_sized_in_quote and not _has_total(state):
            return False
        executed = filled_quantity(state)
        if tracked.traded < executed or (tracked.traded > executed and tracked.held and not has_all_fills):
            return False
        if tracked.held:
            least = Decimal(0) if tracked.is_sized_in_quote else state.original_quantity
            self._resize(tracked, state.order_id, max(tracked.traded, least), state.updated_ns)
            self._release(tracked)
        if tracked.is_complete:
            tracked.end(is_final=True)
        else:
            self._close(tracked, state.updated_ns, is_expired=state.status is venue.OrderStatus.EXPIRED)
        return True

    def _fill_late(self, tracked: TrackedOrder, fill: Fill) -> None:
        """A fill of an order that was over: the engine takes it for a canceled one alone, and opens that again."""
        if tracked.is_final or not tracked.fits(fill):
            self._log.error(
                f"{tracked.order.client_order_id}: traded {fill.quantity} at {fill.price} (trade {fill.id}) when "
                "it was over for the engine: the position there is off by that; stop, and start again to reconcile"
            )
            return
        self._fill(tracked, fill)
        if tracked.filled < tracked.quantity:
            self._close(tracked, int(fill.traded_ns))

    def _release(self, tracked: TrackedOrder) -> None:
        """Send the fills that fit, in the order in which they came."""
        waiting, tracked.held = tracked.held, []
        for fill in waiting:
            if tracked.fits(fill):
                self._fill(tracked, fill)
            else:
                tracked.held.append(fill)

    def _fill(self, tracked: TrackedOrder, fill: Fill) -> None:
        order, instrument = tracked.order, tracked.instrument
        if order.order_type in _STOPS and not tracked.filled:
            self._tell_triggered(tracked, fill.order_id, int(fill.traded_ns))
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
        if not is_armed and state.status.is_open and not tracked.filled:
            self._tell_triggered(tracked, state.order_id, state.updated_ns)

    def _tell_triggered(self, tracked: TrackedOrder, order_id: str, ts_event: int) -> None:
        # The engine has no way from a cancel under way to a trigger, and none from a fill.
        if not (tracked.is_triggered or tracked.is_closed or tracked.order.is_pending_cancel):
            tracked.is_triggered = True
            self._client.generate_order_triggered(*_ids(tracked), VenueOrderId(order_id), ts_event)

    def _update(self, tracked: TrackedOrder, state: VenueOrder) -> None:
        """A price or a total quantity that differs from what we know: somebody has modified the order."""
        is_news = self.is_news(tracked, state)
        tracked.newest = _freshness(state)
        if not is_news or not state.status.is_open:
            return
        tracked.price = state.price
        self._resize(tracked, state.order_id, state.original_quantity, state.updated_ns)

    def _resize(self, tracked: TrackedOrder, order_id: str, quantity: Decimal, ts_event: int) -> None:
        """Tell the engine the order's total quantity in base, and the price that it has by now."""
        order, instrument = tracked.order, tracked.instrument
        tracked.quantity, tracked.is_sized_in_quote, tracked.awaits_size = quantity, False, False
        self._client.generate_order_updated(
            *_ids(tracked),
            VenueOrderId(order_id),
            instrument.make_qty(quantity),
            None if tracked.price is None else instrument.make_price(tracked.price),
            order.trigger_price if order.has_trigger_price else None,
            ts_event,
            # Only says that the engine need not know the id yet: what told it is perhaps still on its way there.
            venue_order_id_modified=order.venue_order_id is None,
            is_quote_quantity=False,
        )

    def _close(self, tracked: TrackedOrder, ts_event: int, *, is_expired: bool = False) -> None:
        tracked.end(is_final=is_expired)
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


def _freshness(state: VenueOrder) -> tuple[int, Decimal, bool]:
    """Orders the states of one order in time: what happened in one of the venue's milliseconds bears one stamp."""
    return int(state.updated_ns), filled_quantity(state), state.status is venue.OrderStatus.ORDER_MODIFIED


def _has_total(state: VenueOrder) -> bool:
    """The venue says what has traded, not only what is left."""
    return isinstance(state, OrderSummary) and state.total_executed_quantity is not None


def _ids(tracked: TrackedOrder) -> tuple[object, object, object]:
    """The three ids with which every event begins."""
    order = tracked.order
    return order.strategy_id, order.instrument_id, order.client_order_id
