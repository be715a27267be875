"""What cannot be true of an order of ours, however well-formed the venue's words are.

Checked before a word is counted: one that is counted first and fails in the engine's hands would be lost for good.
Every doubt is a `WireError`; whoever reads it asks the venue again.
"""

from typing import Final

from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.orders import Order

from helios_nautilus.adapters.valr.api.enums import Side
from helios_nautilus.adapters.valr.api.errors import WireError
from helios_nautilus.adapters.valr.api.schemas.account import Fill
from helios_nautilus.adapters.valr.fills import commission_of, order_side_of
from helios_nautilus.adapters.valr.reports import VenueOrder
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_SEC

MAX_SKEW_SECS: Final = 2.0
"""Beyond this the venue's clock is wrong, or ours is."""


def check_fill(fill: Fill, order: Order, instrument: Instrument) -> None:
    """A trade that can be one of that order, in figures that the engine can hold."""
    what = f"trade {fill.id}"
    _check_order(what, fill.currency_pair, fill.side, order, instrument)
    try:
        if fill.price <= 0 or fill.quantity <= 0:
            raise ValueError(f"it is of {fill.quantity} at {fill.price}")
        instrument.make_price(fill.price)
        instrument.make_qty(fill.quantity)
        commission_of(fill, instrument)
    except (ValueError, ArithmeticError) as error:
        raise WireError(f"{what} of {order.client_order_id}: {error}", is_malformed=False) from error


def check_state(state: VenueOrder, order: Order, instrument: Instrument) -> None:
    """A state that can be that order's, in figures that the engine can hold."""
    what = f"order {state.order_id}"
    _check_order(what, state.currency_pair, state.side, order, instrument)
    try:
        if not 0 <= state.remaining_quantity <= state.original_quantity or state.price < 0:
            raise ValueError(f"{state.remaining_quantity} of {state.original_quantity} at {state.price} is left")
        instrument.make_price(state.price)
        # An order by quote amount that never traded has no quantity in base.
        if state.original_quantity:
            instrument.make_qty(state.original_quantity)
    except ValueError as error:
        raise WireError(f"{what}, {order.client_order_id}: {error}", is_malformed=False) from error


def check_stamp(stamp_ns: int, now_ns: int) -> None:
    """A time that has come: one far ahead would have us look for what we missed in the future alone."""
    if stamp_ns > now_ns + NS_PER_DAY:
        raise WireError(f"a word of {(stamp_ns - now_ns) // NS_PER_DAY} days ahead", is_malformed=False)


def is_ahead(stamp_ns: int, now_ns: int) -> bool:
    """A time of a clock that is wrong: what bears it does not outlast the next word, which is stamped earlier."""
    return stamp_ns > now_ns + MAX_SKEW_SECS * NS_PER_SEC


def _check_order(what: str, pair: str, side: Side, order: Order, instrument: Instrument) -> None:
    if pair != instrument.raw_symbol.value or order_side_of(side) is not order.side:
        text = f"{what}: {side.value} {pair} is said of {order.client_order_id}, which is not that"
        raise WireError(text, is_malformed=False)
