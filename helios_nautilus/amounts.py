"""From Nautilus's fixed-point amounts to float64, without the rounding error of its own conversion.

``as_double`` divides a large integer, and 61 787 comes out as 61787.00000000001. Features, volatilities and labels are
made of the float64 nearest to the decimal; so must be what streams in.
"""

from nautilus_trader.model.objects import Price, Quantity


def exact(amount: Price | Quantity) -> float:
    """The float64 nearest to an amount, as long as it has at most 15 digits."""
    scale = 10.0**amount.precision
    return round(amount.as_double() * scale) / scale
