"""A second reader of the venue's JSON, small enough to be plainly right: where is a struct not what was sent?"""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any

import msgspec

from helios_nautilus.adapters.valr.api.wire import IsoNanos

SAME_WORD = {
    "Order price has been modified due to slippage limits": "Repriced Due To Slippage",
    "Partially Filled and Cancelled Due To Slippage": "Partially Filled Due To Slippage",
}
"""Two wordings of one state."""


def misreadings(value: Any, sent: Any, at: str = "$") -> Iterator[str]:
    """Every place at which ``value`` says something else than the JSON document ``sent``."""
    if isinstance(value, msgspec.Struct):
        yield from _misread_struct(value, sent, at)
    elif isinstance(value, list | tuple):
        if not isinstance(sent, list) or len(sent) != len(value):
            yield f"{at}: {value!r} of {sent!r}"
            return
        for i, (one, other) in enumerate(zip(value, sent, strict=True)):
            yield from misreadings(one, other, f"{at}[{i}]")
    elif not is_reading_of(value, sent):
        yield f"{at}: {value!r:.200} of {sent!r:.200}"


def is_reading_of(value: Any, sent: Any) -> bool:
    """A scalar says what was sent."""
    if isinstance(value, bool) or value is None:
        return value is sent
    if isinstance(value, IsoNanos):
        return int(value) == time_of(sent)
    if isinstance(value, Enum):
        known = {member.value for member in type(value)}
        if value.value == "?":
            return isinstance(sent, str) and sent not in known
        return isinstance(sent, str) and str(value.value).lower() == SAME_WORD.get(sent, sent).lower()
    if isinstance(value, str):
        return isinstance(sent, str) and sent == str(value)
    return bool(number_of(sent) == value)


def number_of(sent: Any) -> Decimal | None:
    """The number in a JSON number or text; None for anything else."""
    if isinstance(sent, bool) or not isinstance(sent, str | int | Decimal):
        return None
    try:
        number = Decimal(sent)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def time_of(sent: Any) -> int | None:
    """Nanoseconds UTC of a time as the venue writes it; None for anything else."""
    if not isinstance(sent, str):
        return None
    whole, _, fraction = sent.removesuffix("Z").partition(".")
    try:
        moment = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return round(moment.timestamp()) * 10**9 + int(fraction.ljust(9, "0") or 0)


def _misread_struct(value: msgspec.Struct, sent: Any, at: str) -> Iterator[str]:
    if not isinstance(sent, dict):
        yield f"{at}: a {type(value).__name__} of {sent!r:.200}"
        return
    for field in msgspec.structs.fields(value):
        held = getattr(value, field.name)
        if field.encode_name in sent:
            yield from misreadings(held, sent[field.encode_name], f"{at}.{field.encode_name}")
        elif field.required or held != _default_of(field):
            yield f"{at}.{field.encode_name}: {held!r:.200} was never sent"


def _default_of(field: msgspec.structs.FieldInfo) -> Any:
    return field.default_factory() if field.default is msgspec.NODEFAULT else field.default
