"""Nautilus's fixed-point amounts: as float64 without the rounding error of its own conversion, and in another currency.

``as_double`` divides a large integer, and 61 787 comes out as 61787.00000000001. Features, volatilities and labels are
made of the float64 nearest to the decimal; so must be what streams in.
"""

from decimal import Decimal

import numpy as np
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Currency, Price, Quantity

from helios_nautilus.domain.bars import Floats


def exact(amount: Price | Quantity) -> float:
    """The float64 nearest to an amount, as long as it has at most 15 digits."""
    scale = 10.0**amount.precision
    return round(amount.as_double() * scale) / scale


def exact_all(doubles: Floats, precision: int) -> Floats:
    """`exact` of many amounts of one precision, given what ``as_double`` makes of them."""
    scale = 10.0**precision
    nearest: Floats = np.round(doubles * scale) / scale
    return nearest


def commission_value(fill: OrderFilled, account_currency: Currency) -> Decimal:
    """A fill's commission in the account's currency; one in the base currency is worth what the fill's price says."""
    commission = fill.commission.as_decimal()
    return commission if fill.commission.currency == account_currency else commission * fill.last_px.as_decimal()


def is_dust(instrument: Instrument, quantity: Quantity) -> bool:
    """Less than the venue trades: a fee in the base currency may leave that, and no order can close it."""
    least = instrument.size_increment if instrument.min_quantity is None else instrument.min_quantity
    return bool(quantity < least)
