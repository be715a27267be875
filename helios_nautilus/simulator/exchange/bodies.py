"""Reading the JSON bodies of commands: a field that is missing or wrong is refused by its name.

Booleans may be strings and numbers may be numbers or strings, as VALR's own samples have them.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

from helios_nautilus.simulator.exchange.listing import Pair
from helios_nautilus.simulator.exchange.orders import Side
from helios_nautilus.simulator.exchange.refusals import invalid_field

_MOST_DIGITS: Final = 18
"""More than any market needs, and few enough for exact products."""

type Body = Mapping[str, object]


def side_of(body: Body) -> Side:
    """A required side; requests are upper case."""
    side = body.get("side")
    if side not in ("BUY", "SELL"):
        raise invalid_field("side", "must be BUY or SELL")
    return Side.BUY if side == "BUY" else Side.SELL


def amount_of(body: Body, name: str) -> Decimal:
    """A required amount above 0."""
    value = body.get(name)
    try:
        if isinstance(value, bool):
            raise InvalidOperation
        amount = Decimal(str(value))
    except InvalidOperation:
        raise invalid_field(name, "must be a decimal") from None
    if not amount.is_finite() or amount <= 0:
        raise invalid_field(name, "must be greater than 0")
    if amount.adjusted() > _MOST_DIGITS or len(amount.as_tuple().digits) > _MOST_DIGITS:
        raise invalid_field(name, f"must not have more than {_MOST_DIGITS} digits")
    return amount


def price_of(body: Body, name: str, pair: Pair) -> Decimal:
    """A required price on the pair's ticks."""
    price = amount_of(body, name)
    if not pair.is_on_tick(price):
        raise invalid_field(name, f"must be a multiple of {pair.tick:f}")
    return price


def flag_of(body: Body, name: str) -> bool:
    """A boolean or its text; nothing is false."""
    value = body.get(name)
    if value in (None, False, "false"):
        return False
    if value in (True, "true"):
        return True
    raise invalid_field(name, "must be true or false")


def choice_of[E: StrEnum](body: Body, name: str, kind: type[E], default: E | None) -> E:
    """One of an enum; nothing is the default, or refused without one."""
    value = body.get(name)
    if value is None and default is not None:
        return default
    try:
        return kind(str(value))
    except ValueError:
        raise invalid_field(name, f"must be one of {', '.join(kind)}") from None


def text_of(body: Body, name: str) -> str | None:
    """A text; nothing and the empty one are None."""
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid_field(name, "must be a string")
    return value or None
