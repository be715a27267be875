"""The market around the replayed price: forty levels a side that follow it, and its prints.

Customers' orders meet this liquidity by price and time: what rests before them at their price goes first, what the
replayed market trades through fills them.
"""

from collections.abc import Iterable
from decimal import Decimal

import numpy as np

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.simulator.exchange.decimals import ZERO, floor_places, from_float
from helios_nautilus.simulator.exchange.engine import Engine
from helios_nautilus.simulator.exchange.identity import IdSource
from helios_nautilus.simulator.exchange.ledger import MARKET
from helios_nautilus.simulator.exchange.listing import Pair
from helios_nautilus.simulator.exchange.orders import Order, OrderType, Side
from helios_nautilus.simulator.exchange.replay import Depth, Print

LEVELS = 40
_STEP_OF_PRICE = Decimal("0.0001")
"""Distance between levels: one basis point, in whole ticks."""
_RECORDED_FOR_NS = 30 * NS_PER_SEC
"""So long a recorded book stands without a newer one; after that its recording has ended."""


class Liquidity:
    """The replayed market's orders in one pair."""

    def __init__(
        self, engine: Engine, pair: Pair, ids: IdSource, rng: np.random.Generator, typical_size: Decimal
    ) -> None:
        self._engine = engine
        self._pair = pair
        self._ids = ids
        self._rng = rng
        self._size = max(typical_size, pair.base_range[0] * 2)
        self._quotes: dict[Side, dict[Decimal, Order]] = {Side.BUY: {}, Side.SELL: {}}
        self._drawn: tuple[Decimal, Decimal] | None = None
        """Best bid and ask of the ladder that was drawn last."""
        self._shown_ns: int | None = None
        """When the last recorded book was shown."""

    def open(self, price: Decimal, now_ns: int) -> None:
        """Set the first ladder around a price."""
        self._follow(price, Side.SELL, now_ns)
        self._engine.conclude(now_ns)

    def show(self, depth: Depth) -> None:
        """Show a recorded book; as long as they come the ladder is not drawn."""
        self._shown_ns, self._drawn = depth.at_ns, None
        self._forget_filled()
        self._requote(depth.bids, depth.asks, depth.at_ns)
        self._engine.conclude(depth.at_ns)

    def trade(self, one: Print) -> None:
        """Trade a recorded print: liquidity moves to its price, then its taker takes what rests there."""
        passive = one.taker_side.opposite
        self._forget_filled()
        if self._shown_ns is None or one.at_ns - self._shown_ns > _RECORDED_FOR_NS:
            self._follow(one.price, one.taker_side, one.at_ns)
        self._clear_way(passive, one.price)
        missing = one.quantity - self._engine.books[self._pair.symbol].total_at(passive, one.price)
        filler = self._order(passive, one.price, max(missing, ZERO), one.at_ns)
        if missing > 0:
            # What the recording traded was on the book: last in the queue, behind whoever waited there.
            self._engine.quote(filler, one.at_ns)
        self._engine.hit(self._order(one.taker_side, one.price, one.quantity, one.at_ns), one.at_ns)
        if filler.remaining:
            self._engine.withdraw(filler)
        self._forget_filled()
        self._engine.conclude(one.at_ns)

    def _follow(self, price: Decimal, taker_side: Side, now_ns: int) -> None:
        """Draw the ladder around a print: its price is the last one on the passive side."""
        step = max(price * _STEP_OF_PRICE // self._pair.tick, Decimal(1)) * self._pair.tick
        below = price // step * step
        if taker_side is Side.SELL:
            best_bid, best_ask = below, below + step
        else:
            best_ask = below if below == price else below + step
            best_bid = best_ask - step
        drawn = best_bid, best_ask
        if drawn == self._drawn and all(len(quotes) == LEVELS for quotes in self._quotes.values()):
            return
        self._drawn = drawn
        bids = (best_bid - i * step for i in range(LEVELS))
        asks = (best_ask + i * step for i in range(LEVELS))
        self._requote(self._sized(Side.BUY, bids), self._sized(Side.SELL, asks), now_ns)

    def _sized(self, side: Side, prices: Iterable[Decimal]) -> list[tuple[Decimal, Decimal]]:
        """Sizes of a drawn ladder: what already rests stays as it is, new levels are drawn."""
        quotes = self._quotes[side]
        return [
            (price, quotes[price].remaining if price in quotes else self._draw_size()) for price in prices if price > 0
        ]

    def _draw_size(self) -> Decimal:
        size = self._size * from_float(round(float(self._rng.lognormal(0.0, 0.8)), 6))
        return max(floor_places(size, self._pair.places), self._pair.base_range[0])

    def _requote(self, bids: list[tuple[Decimal, Decimal]], asks: list[tuple[Decimal, Decimal]], now_ns: int) -> None:
        targets = {Side.BUY: dict(bids), Side.SELL: dict(asks)}
        for side, quotes in self._quotes.items():
            for price, order in list(quotes.items()):
                if targets[side].get(price) != order.remaining:
                    del quotes[price]
                    self._engine.withdraw(order)
        for side, levels in targets.items():
            for price, size in levels.items():
                if price not in self._quotes[side]:
                    order = self._order(side, price, size, now_ns)
                    self._engine.quote(order, now_ns)
                    self._quotes[side][price] = order
        self._forget_filled()

    def _clear_way(self, passive: Side, price: Decimal) -> None:
        """Withdraw what is better than a print on either side: the recorded market was not there."""
        for side in Side:
            worst = price if side is passive else price + passive.sign * self._pair.tick
            for at, order in list(self._quotes[side].items()):
                if (at - worst) * side.sign > 0:
                    del self._quotes[side][at]
                    self._engine.withdraw(order)

    def _forget_filled(self) -> None:
        """What customers have taken since the last step is on the book no more."""
        for quotes in self._quotes.values():
            for price in [price for price, order in quotes.items() if not order.remaining]:
                del quotes[price]

    def _order(self, side: Side, price: Decimal, quantity: Decimal, now_ns: int) -> Order:
        return Order(
            order_id=self._ids.uuid(now_ns),
            account_id=MARKET,
            pair=self._pair,
            side=side,
            type=OrderType.LIMIT,
            quantity=quantity,
            price=price,
            created_ns=now_ns,
        )
