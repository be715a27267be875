"""What a strategy holds and has working, asked of the engine, and the few commands that all ways of a bet share."""

from collections.abc import Iterable

from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.orders import Order
from nautilus_trader.model.position import Position
from nautilus_trader.trading.strategy import Strategy

from helios_nautilus.amounts import is_dust


class Desk:
    """A strategy's place at the engine; usable once the strategy is registered."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy

    def instrument(self, instrument_id: InstrumentId) -> Instrument:
        """The definition of a traded instrument."""
        return self._strategy.cache.instrument(instrument_id)

    def order(self, order_id: ClientOrderId | None) -> Order | None:
        """An order, if the engine knows it."""
        return None if order_id is None else self._strategy.cache.order(order_id)

    def position(self, instrument_id: InstrumentId) -> Position | None:
        """What is held of an instrument; dust is nothing."""
        positions = self._strategy.cache.positions_open(instrument_id=instrument_id, strategy_id=self._strategy.id)
        return positions[0] if positions and not self.is_dust(positions[0]) else None

    def positions(self) -> list[Position]:
        """Everything that is held but dust."""
        positions = self._strategy.cache.positions_open(strategy_id=self._strategy.id)
        return [position for position in positions if not self.is_dust(position)]

    def is_dust(self, position: Position) -> bool:
        """Less is held than the venue trades: a fee in the base currency may leave that, and no order can close it."""
        return is_dust(self.instrument(position.instrument_id), position.quantity)

    def working(self) -> list[Order]:
        """The strategy's orders that the venue has open."""
        return self._strategy.cache.orders_open(strategy_id=self._strategy.id)

    def are_closed(self, order_ids: Iterable[ClientOrderId | None]) -> bool:
        """Whether none of these can trade any more; the engine forgets only orders that are long over."""
        found = map(self.order, order_ids)
        return all(order is None or order.is_closed for order in found)

    def works(self, order_id: ClientOrderId | None) -> bool:
        """Whether an order waits for its price, at the venue or emulated here."""
        order = self.order(order_id)
        return order is not None and (order.is_open or order.is_emulated)

    def cancel_at_venue(self, order_id: ClientOrderId | None) -> None:
        """Take an order back that the venue has open; one that is emulated here goes on."""
        order = self.order(order_id)
        if order is not None and order.is_open and not order.is_emulated:
            self.cancel(order_id)

    def cancel(self, order_id: ClientOrderId | None) -> None:
        """Take an order back, if there is anything to take back and nobody did."""
        order = self.order(order_id)
        if order is None or order.is_pending_cancel:
            return
        if order.is_open or order.is_inflight or order.is_emulated:
            self._strategy.cancel_order(order)
