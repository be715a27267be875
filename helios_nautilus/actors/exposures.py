"""What is held and what may yet be, over all strategies, as Guardian's checks want it; asked of the engine's cache."""

from collections.abc import Mapping

from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.position import Position

from helios_nautilus.amounts import is_dust
from helios_nautilus.domain.portfolio.guardian import Exposure


def open_positions(cache: Cache) -> list[Position]:
    """The open positions; the cache keeps them in an order that differs from run to run, and sums with it."""
    return sorted(cache.positions_open(), key=lambda position: position.id.value)


def closable_positions(cache: Cache) -> list[Position]:
    """Those that an order could close: all but dust."""
    return [each for each in open_positions(cache) if not is_dust(cache.instrument(each.instrument_id), each.quantity)]


def exposure_of(position: Position, prices: Mapping[str, float]) -> Exposure:
    """A position at the newest price of its instrument, at its entry's where there is none."""
    name = position.instrument_id.value
    return Exposure(
        instrument_id=name,
        base=position.base_currency.code if position.base_currency else name,
        notional=position.signed_qty * prices.get(name, position.avg_px_open),
    )


def pending_entries(cache: Cache) -> tuple[Exposure, ...]:
    """Entries that may still fill: neither closed nor reducing, by the tag their strategy gave them.

    Those that wait for their way to the venue are among them; the cache lists them neither as open nor as in flight.
    """
    names = cache.client_order_ids() - cache.client_order_ids_closed()
    orders = (cache.order(name) for name in sorted(names, key=lambda name: name.value))
    return tuple(
        Exposure(
            instrument_id=order.instrument_id.value,
            base=cache.instrument(order.instrument_id).base_currency.code,
            notional=order.leaves_qty.as_double() * order.price.as_double() * (1 if order.is_buy else -1),
        )
        for order in orders
        if order.tags and "ENTRY" in order.tags
    )
