"""How the pages say times, sides and prices: short, in UTC, and a dash for what is not known."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from urllib.parse import quote

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.report import numerals
from helios_nautilus.report.numerals import SPACE, UNKNOWN

_SECS_PER_MIN: Final = 60
_SECS_PER_HOUR: Final = 3600
_SECS_PER_DAY: Final = 86_400
_FRESH_SECS: Final = 10


def pair(instrument_id: str) -> str:
    """``BTCZAR`` of ``BTCZAR.VALR``: there is one venue."""
    return instrument_id.partition(".")[0] or UNKNOWN


def clock(ts_ns: int, now_ns: int) -> str:
    """A time of day, with its date where that is not today's; UTC."""
    then, now = (datetime.fromtimestamp(stamp // NS_PER_SEC, UTC) for stamp in (ts_ns, now_ns))
    if then.date() == now.date():
        return f"{then:%H:%M:%S}"
    return f"{day(ts_ns)} {then:%H:%M}"


def day(ts_ns: int) -> str:
    """A date such as ``2026-01-31``, UTC."""
    return numerals.moment(ts_ns)[:10]


def lasting(secs: float) -> str:
    """A length of time in its largest unit or two: ``4.2 s``, ``48 s``, ``12 min``, ``3 h 20 min``, ``2 d 4 h``."""
    if secs < _FRESH_SECS:
        return f"{max(secs, 0.0):.1f}{SPACE}s"
    if secs < _SECS_PER_MIN:
        return f"{secs:.0f}{SPACE}s"
    if secs < _SECS_PER_HOUR:
        return f"{secs / _SECS_PER_MIN:.0f}{SPACE}min"
    return numerals.duration(secs * NS_PER_SEC)


def since(ts_ns: int, now_ns: int) -> str:
    """How long ago that was; ``never`` for 0."""
    return f"{lasting((now_ns - ts_ns) / NS_PER_SEC)} ago" if ts_ns else "never"


def left(deadline_ns: int | None, now_ns: int) -> str:
    """How long there is until then."""
    if deadline_ns is None:
        return UNKNOWN
    return "overdue" if deadline_ns <= now_ns else lasting((deadline_ns - now_ns) / NS_PER_SEC)


def quantity(value: float) -> str:
    """An amount of a coin, as exact as it was told."""
    return numerals.quantity(Decimal(repr(value)))


def story_path(decision_id: str) -> str:
    """Where the whole story of a decision is."""
    return f"/decisions/{quote(decision_id, safe='')}"
