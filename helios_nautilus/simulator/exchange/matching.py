"""The order book of one pair: price levels, each a queue in time order, and the plan of what an order would match.

A plan changes nothing: whether an order is post-only, fill-or-kill, its owner's own counterpart or too expensive is
decided on the plan, and only then is it carried out. Prices and quantities are exact decimals.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from helios_nautilus.simulator.exchange.decimals import ZERO, floor_ratio, times
from helios_nautilus.simulator.exchange.orders import Order, Side


class Match(NamedTuple):
    """So much of a resting order, at its price."""

    maker: Order
    quantity: Decimal


class Change(NamedTuple):
    """What one order holds at one price from now on; 0 is gone."""

    side: Side
    price: Decimal
    order_id: str
    quantity: Decimal


class Level:
    """All orders at one price, oldest first."""

    __slots__ = ("orders", "price", "total")

    def __init__(self, price: Decimal) -> None:
        self.price = price
        self.orders: dict[str, Order] = {}
        self.total = ZERO


class OrderBook:
    """Both sides of one pair; `changes` collects what happened until somebody takes it."""

    def __init__(self) -> None:
        self._levels: dict[Side, dict[Decimal, Level]] = {Side.BUY: {}, Side.SELL: {}}
        # Bids are kept negated, so that the best price comes first on both sides.
        self._keys: dict[Side, list[Decimal]] = {Side.BUY: [], Side.SELL: []}
        self.changes: list[Change] = []

    def best(self, side: Side) -> Decimal | None:
        """The best price of a side."""
        keys = self._keys[side]
        return abs(keys[0]) if keys else None

    def levels(self, side: Side) -> Iterator[Level]:
        """Levels of a side, best first."""
        levels = self._levels[side]
        for key in self._keys[side]:
            yield levels[abs(key)]

    def total_at(self, side: Side, price: Decimal) -> Decimal:
        """Quantity at a price."""
        level = self._levels[side].get(price)
        return level.total if level else ZERO

    def add(self, order: Order) -> None:
        """Queue an order behind all others at its price."""
        levels = self._levels[order.side]
        level = levels.get(order.price)
        if level is None:
            level = levels[order.price] = Level(order.price)
            insort(self._keys[order.side], _key(order.side, order.price))
        level.orders[order.order_id] = order
        level.total += order.remaining
        self.changes.append(Change(order.side, order.price, order.order_id, order.remaining))

    def remove(self, order: Order) -> None:
        """Take an order off the book."""
        level = self._levels[order.side][order.price]
        del level.orders[order.order_id]
        level.total -= order.remaining
        self.changes.append(Change(order.side, order.price, order.order_id, ZERO))
        if not level.orders:
            self._drop(order.side, order.price)

    def shrink(self, order: Order, quantity: Decimal) -> None:
        """Cut a resting order by so much in its place of the queue; gone when nothing is left."""
        if quantity >= order.remaining:
            self.remove(order)
            order.remaining = ZERO
            return
        order.remaining -= quantity
        self._levels[order.side][order.price].total -= quantity
        self.changes.append(Change(order.side, order.price, order.order_id, order.remaining))

    def plan(self, side: Side, quantity: Decimal, limit: Decimal | None = None) -> list[Match]:
        """What an incoming order of this side would match by price, then time, up to ``quantity`` of base."""
        matches = []
        for maker in self._reachable(side, limit):
            if not quantity:
                break
            taken = min(quantity, maker.remaining)
            matches.append(Match(maker, taken))
            quantity -= taken
        return matches

    def plan_amount(self, side: Side, amount: Decimal, places: int) -> list[Match]:
        """The same up to ``amount`` of quote, the last quantity cut to so many decimals."""
        matches = []
        for maker in self._reachable(side, None):
            taken = min(maker.remaining, floor_ratio(amount, maker.price, places))
            if not taken:
                break
            matches.append(Match(maker, taken))
            amount -= times(taken, maker.price)
        return matches

    def take_changes(self) -> list[Change]:
        """What changed since the last call."""
        changes, self.changes = self.changes, []
        return changes

    def _reachable(self, side: Side, limit: Decimal | None) -> Iterator[Order]:
        for level in self.levels(side.opposite):
            if limit is not None and (limit - level.price) * side.sign < 0:
                return
            yield from level.orders.values()

    def _drop(self, side: Side, price: Decimal) -> None:
        del self._levels[side][price]
        keys = self._keys[side]
        del keys[bisect_left(keys, _key(side, price))]


def _key(side: Side, price: Decimal) -> Decimal:
    return price if side is Side.SELL else -price
