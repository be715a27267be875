"""Exact decimal money: reading, writing and splitting amounts without losing a digit."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import Final

EXACT: Final = Context(prec=60, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
"""Arithmetic that raises rather than rounds: VALR's fees and balances carry every digit they were computed with."""

_ROOMY: Final = Context(prec=60, traps=[InvalidOperation, DivisionByZero, Overflow])

ZERO: Final = Decimal(0)
SHARE_PLACES: Final = 12


def text(value: Decimal) -> str:
    """Plain digits: no exponent, no trailing zeros, no negative zero."""
    digits = f"{value:f}"
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return "0" if digits == "-0" else digits


def times(left: Decimal, right: Decimal) -> Decimal:
    """The exact product."""
    return EXACT.multiply(left, right)


def floor_places(value: Decimal, places: int) -> Decimal:
    """Towards zero to so many decimals."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN, context=_ROOMY)


def floor_ratio(dividend: Decimal, divisor: Decimal, places: int) -> Decimal:
    """The largest amount of so many decimals whose product with ``divisor`` does not exceed ``dividend``."""
    step = Decimal(1).scaleb(-places)
    # Integer division of decimals is exact; a rounded quotient could step over the budget.
    return times(_ROOMY.divide_int(dividend, times(divisor, step)), step)


def share_of(value: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """What ``part`` of ``whole`` carries of ``value``, to 12 decimals; all of it when the part is the whole."""
    if part == whole:
        return value
    return ratio(times(value, part), whole, SHARE_PLACES)


def ratio(dividend: Decimal, divisor: Decimal, places: int) -> Decimal:
    """A quotient rounded to so many decimals, half to even."""
    quotient = _ROOMY.divide(dividend, divisor)
    return quotient.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN, context=_ROOMY)


def from_float(value: float) -> Decimal:
    """The shortest decimal that reads back as the float: recorded prices keep the digits they were written with."""
    return Decimal(repr(float(value)))
