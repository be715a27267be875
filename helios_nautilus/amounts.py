"""From Nautilus's fixed-point amounts to float64, without the rounding error of its own conversion.

``as_double`` divides a large integer, and 61 787 comes out as 61787.00000000001. Features, volatilities and labels are
made of the float64 nearest to the decimal; so must be what streams in.
"""

import numpy as np
from nautilus_trader.model.objects import Price, Quantity

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
