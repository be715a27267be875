"""How figures are written for a reader: money, shares, prices, times. Unknown is always a dash."""

import math
import textwrap
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC

type Figure = float | Decimal

UNKNOWN: Final = "–"
SPACE: Final = "\u00a0"
"""No-break space: between thousands, and between a number and its unit."""
_MINUS: Final = "\u2212"
_COIN_DECIMALS: Final = {"BTC": 8, "ETH": 8}


def money(value: Figure | None, currency: str, *, signed: bool = False) -> str:
    """An amount such as ``R1 234 567.89``; other currencies carry their code: ``USDT 1 234.50``."""
    if (amount := _known(value)) is None:
        return UNKNOWN
    digits = _grouped(amount, _COIN_DECIMALS.get(currency, 2))
    return _sign(amount, digits, signed=signed) + money_prefix(currency) + digits


def money_prefix(currency: str) -> str:
    """What stands before an amount of a currency."""
    return "R" if currency == "ZAR" else f"{currency}{SPACE}"


def percent(value: Figure | None, *, places: int = 2, signed: bool = False) -> str:
    """A fraction as ``12.34 %``."""
    if (share := _known(value)) is None:
        return UNKNOWN
    digits = _grouped(share * 100, places)
    return f"{_sign(share, digits, signed=signed)}{digits}{SPACE}%"


def ratio(value: Figure | None) -> str:
    """A plain figure with two decimals, such as a Sharpe ratio."""
    if (known := _known(value)) is None:
        return UNKNOWN
    digits = _grouped(known, 2)
    return _sign(known, digits) + digits


def whole(value: int) -> str:
    """A whole number with spaced thousands."""
    return _grouped(value, 0)


def price(value: Figure | None) -> str:
    """A price to about six significant digits, never fewer than its whole part."""
    if (known := _known(value)) is None:
        return UNKNOWN
    magnitude = math.floor(math.log10(abs(float(known)))) if known else 5
    digits = _grouped(known, min(max(0, 5 - magnitude), 10))
    return _sign(known, digits) + digits


def quantity(value: Decimal) -> str:
    """An exact amount, without trailing zeros."""
    return format(value.normalize() + 0, "f")


def measure(value: Figure | None) -> str:
    """A figure of unknown unit, to four significant digits."""
    return UNKNOWN if (known := _known(value)) is None else f"{float(known):.4g}".replace("-", _MINUS)


def moment(ts_ns: int) -> str:
    """A stamp as ``2026-01-31 13:05`` (UTC)."""
    return datetime.fromtimestamp(ts_ns // NS_PER_SEC, UTC).strftime("%Y-%m-%d %H:%M")


def duration(length_ns: float | None) -> str:
    """A length of time in its two largest units, such as ``3 h 55 min``."""
    if (length := _known(length_ns)) is None:
        return UNKNOWN
    hours, minutes = divmod(round(length / NS_PER_MIN), 60)
    days, hours_left = divmod(hours, 24)
    if days:
        return f"{days}{SPACE}d {hours_left}{SPACE}h"
    return f"{hours}{SPACE}h {minutes}{SPACE}min" if hours else f"{minutes}{SPACE}min"


def tone(value: Figure | None) -> str:
    """``gain``, ``loss`` or nothing: how a figure is coloured."""
    known = _known(value)
    return "" if not known else "gain" if known > 0 else "loss"


def wrap(words: str, width: int, indent: str = "") -> str:
    """Broken into lines, though never between a number and its unit, where Rich would do so."""
    return textwrap.fill(words, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _known(value: Figure | None) -> Figure | None:
    return value if value is not None and math.isfinite(value) else None


def _grouped(value: Figure, places: int) -> str:
    return f"{abs(value):,.{places}f}".replace(",", SPACE)


def _sign(value: Figure, digits: str, *, signed: bool = False) -> str:
    if not any(digit in digits for digit in "123456789"):
        return ""
    if value < 0:
        return _MINUS
    return "+" if signed else ""
