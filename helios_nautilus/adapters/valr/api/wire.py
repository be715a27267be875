"""How the venue's JSON becomes Python: decimals exactly as sent, times in nanoseconds, one error for all the rest."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Annotated, Any, Final, get_args

import msgspec
from msgspec import Meta, Struct

from helios_nautilus.adapters.valr.api.errors import WireError

MAX_MAGNITUDE: Final = 30
"""Powers of ten a sane amount stays within: ``"1e999999"`` is a legal decimal that fills the memory when written."""

type Key = Annotated[str, Meta(pattern=r"\A[!-~]{1,64}\Z")]
"""An id, a pair or a currency: what the engine makes names of. Over any other text its core aborts the process."""
type KeyOrNone = Annotated[str, Meta(pattern=r"\A[!-~]{0,64}\Z")]
"""The same, empty where there is nothing to name: the currency of a fee that was not charged."""
type TradeKey = Annotated[str, Meta(pattern=r"\A[!-~]{1,36}\Z")]
"""The id of a trade, for which the engine has less room."""
type Millis = Annotated[int, Meta(ge=0, le=9_223_372_036_854)]
"""Epoch milliseconds whose nanoseconds the engine can hold."""
type Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""A sequence number, a checksum or a number of things."""

_LAST_NS: Final = 2**63 - 1
_MAX_TEXT: Final = 300
_ISO: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{0,9}))?Z?", re.ASCII)
_DIGITS: Final = re.compile(r"\d{1,9}", re.ASCII)
_NS_PER_SEC: Final = 1_000_000_000


class IsoNanos(int):
    """Nanoseconds UTC; on the wire ``2025-07-15T12:19:21.501Z``, 0 to 9 digits of fraction, at times without the Z."""


class TextInt(int):
    """A small count that the venue writes as ``"8"`` in one place and as ``8`` in another."""


class WireStruct(Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of what the venue sends. Fields we do not know are ignored; every decimal is a finite, sane number."""

    def __post_init__(self) -> None:
        for name in _decimal_fields(type(self)):
            value = getattr(self, name)
            if value is not None and not (value.is_finite() and -MAX_MAGNITUDE <= value.adjusted() <= MAX_MAGNITUDE):
                raise ValueError(f"{name} is not an amount")


class WireDecoder[T]:
    """Bytes to ``T``, or `WireError` and nothing else."""

    def __init__(self, wire_type: Any, name: str | None = None) -> None:
        self._name = name or getattr(wire_type, "__name__", "reply")
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(wire_type, dec_hook=_decode_special)

    def decode(self, raw: bytes) -> T:
        """The value in ``raw``."""
        try:
            return self._decoder.decode(raw)
        except msgspec.ValidationError as error:
            raise WireError(f"not a {self._name}: {str(error)[:_MAX_TEXT]}", is_malformed=False) from error
        # Broken UTF-8 and endless nesting come as other errors than msgspec's own.
        except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
            raise WireError(f"not JSON: {error}", is_malformed=True) from error


def parse_iso_ns(text: str) -> int:
    """Nanoseconds UTC of an ISO time; `ValueError` for anything else."""
    match = _ISO.fullmatch(text)
    if match is None:
        raise ValueError("not a time")
    whole, fraction = match.groups()
    stamp_ns = _second_of(whole) * _NS_PER_SEC + int((fraction or "").ljust(9, "0"))
    if not 0 <= stamp_ns <= _LAST_NS:
        raise ValueError("not a time of this age")
    return stamp_ns


def format_iso(stamp_ns: int) -> str:
    """The time of a query parameter, cut to milliseconds as the venue's own stamps are."""
    millis = stamp_ns // 1_000_000
    return f"{datetime.fromtimestamp(millis // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{millis % 1000:03d}Z"


@lru_cache(maxsize=1024)
def _second_of(whole: str) -> int:
    """Cached: the frames of one second share it."""
    return int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())


def _decode_special(wire_type: type, value: object) -> object:
    if wire_type is IsoNanos and isinstance(value, str):
        return IsoNanos(parse_iso_ns(value))
    if wire_type is TextInt:
        if isinstance(value, int) and not isinstance(value, bool):
            return TextInt(value)
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            return TextInt(value)
    raise ValueError(f"expected {wire_type.__name__}")


@cache
def _decimal_fields(struct: type[Struct]) -> tuple[str, ...]:
    return tuple(field.name for field in msgspec.structs.fields(struct) if _holds_decimal(field.type))


def _holds_decimal(field_type: Any) -> bool:
    return field_type is Decimal or Decimal in get_args(field_type)
