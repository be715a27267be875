"""All waiting conditional orders: they reserve nothing and rest on no book until a price reaches a trigger.

Then a reduce-only order takes their place; of two legs the other is gone with it. VALR names one reason of a removal,
CANCELLED_BY_USER; the others here are guesses.
"""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from helios_nautilus.simulator.exchange.conditional_orders import Conditional, Leg, TriggerType
from helios_nautilus.simulator.exchange.engine import Engine
from helios_nautilus.simulator.exchange.events import ConditionalAdded, ConditionalRemoved, Event
from helios_nautilus.simulator.exchange.identity import IdSource
from helios_nautilus.simulator.exchange.orders import Order, OrderType, Status, TimeInForce
from helios_nautilus.simulator.exchange.positions import Position
from helios_nautilus.simulator.exchange.refusals import Code, Refusal

BY_USER: Final = "CANCELLED_BY_USER"
_TRIGGERED: Final = "TRIGGERED"
_POSITION_CLOSED: Final = "POSITION_CLOSED"


class Conditionals:
    """Places, removes and triggers conditional orders."""

    def __init__(self, engine: Engine, ids: IdSource, publish: Callable[[Event], None]) -> None:
        self._engine = engine
        self._ids = ids
        self._publish = publish
        self._waiting: dict[str, Conditional] = {}
        self.history: defaultdict[str, list[Conditional]] = defaultdict(list)
        """By account, oldest first, the waiting ones included."""

    def of(self, account_id: str, symbol: str | None = None) -> list[Conditional]:
        """An account's waiting orders, oldest first."""
        mine = (one for one in self._waiting.values() if one.account_id == account_id)
        return [one for one in mine if symbol in (None, one.pair.symbol)]

    def waits_for(self, symbol: str) -> bool:
        """An order of the pair waits."""
        return any(one.pair.symbol == symbol for one in self._waiting.values())

    def find(
        self, account_id: str, symbol: str, *, order_id: str | None = None, customer_order_id: str | None = None
    ) -> Conditional:
        """An account's order by one of its ids, waiting or not; an unknown one is refused."""
        for one in reversed(self.history[account_id]):
            wanted = one.order_id == order_id if order_id else one.customer_order_id == customer_order_id
            if wanted and one.pair.symbol == symbol:
                return one
        raise Refusal(Code.INVALID_ORDER)

    def place(self, one: Conditional) -> None:
        """Let an order wait; refused where it would not wait at all."""
        self._check_waits(one)
        self._waiting[one.order_id] = one
        self.history[one.account_id].append(one)
        self._publish(ConditionalAdded(one))

    def amend(
        self, one: Conditional, quantity: Decimal, take_profit: Leg | None, stop_loss: Leg | None, now_ns: int
    ) -> None:
        """Change a waiting order; a `Refusal` leaves it as it was."""
        if one.order_id not in self._waiting:
            raise Refusal(Code.INVALID_ORDER)
        before = one.take_profit, one.stop_loss
        one.take_profit, one.stop_loss = take_profit, stop_loss
        try:
            self._check_waits(one)
        except Refusal:
            one.take_profit, one.stop_loss = before
            raise
        one.quantity, one.updated_ns = quantity, now_ns
        self._publish(ConditionalAdded(one))

    def cancel(self, one: Conditional, now_ns: int) -> None:
        """Remove a waiting order for its owner."""
        if one.order_id not in self._waiting:
            raise Refusal(Code.INVALID_ORDER)
        self._remove(one, Status.CANCELLED, BY_USER, now_ns)

    def check(self, now_ns: int) -> None:
        """Trigger what the prices have reached, and drop what has no position any more."""
        for one in list(self._waiting.values()):
            position = self._engine.positions.get(one.account_id, one.pair.symbol)
            if position is None or position.position_id != one.position_id:
                self._remove(one, Status.CANCELLED, _POSITION_CLOSED, now_ns)
                continue
            price = self._price(one)
            leg = one.leg_at(price) if price else None
            if leg is not None:
                self._remove(one, Status.FILLED, _TRIGGERED, now_ns)
                self._engine.submit(self._order(one, leg, position, now_ns), now_ns)

    def _check_waits(self, one: Conditional) -> None:
        price = self._price(one)
        if price and one.leg_at(price) is not None:
            raise Refusal(Code.TRIGGERED_AT_ONCE)

    def _price(self, one: Conditional) -> Decimal | None:
        margin = self._engine.margin
        prices = margin.last_prices if one.trigger_type is TriggerType.LAST_TRADED else margin.mark_prices
        return prices.get(one.pair.symbol)

    def _remove(self, one: Conditional, status: Status, reason: str, now_ns: int) -> None:
        del self._waiting[one.order_id]
        one.status, one.updated_ns = status, now_ns
        self._publish(ConditionalRemoved(one, reason))

    def _order(self, one: Conditional, leg: Leg, position: Position, now_ns: int) -> Order:
        is_market = leg.price is None
        return Order(
            order_id=self._ids.uuid(now_ns),
            account_id=one.account_id,
            pair=one.pair,
            side=position.side.opposite,
            type=OrderType.MARKET if is_market else OrderType.LIMIT,
            time_in_force=TimeInForce.IOC if is_market else TimeInForce.GTC,
            quantity=min(one.quantity or position.quantity, position.quantity),
            price=leg.price or Decimal(0),
            customer_order_id=one.customer_order_id,
            reduce_only=True,
            created_ns=now_ns,
        )
