"""Times as VALR writes and reads them."""

from datetime import UTC, datetime
from typing import Final

from helios_nautilus.domain.timeframe import NS_PER_MS, NS_PER_SEC
from helios_nautilus.simulator.exchange.refusals import invalid_field

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def iso(ts_ns: int) -> str:
    """UTC to the millisecond, e.g. ``2025-07-15T12:19:21.501Z``."""
    return f"{_seconds(ts_ns)}.{ts_ns // NS_PER_MS % 1000:03d}Z"


def iso_seconds(ts_ns: int) -> str:
    """UTC to the second, as candles have it."""
    return f"{_seconds(ts_ns)}Z"


def iso_nanos(ts_ns: int) -> str:
    """UTC to the nanosecond, as the server time has it."""
    return f"{_seconds(ts_ns)}.{ts_ns % NS_PER_SEC:09d}Z"


def parse_iso(value: str | None, field: str) -> int | None:
    """Nanoseconds of an ISO time; None for none."""
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise invalid_field(field, "must be an ISO 8601 time") from None
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * NS_PER_SEC + since.microseconds * 1000


def _seconds(ts_ns: int) -> str:
    return datetime.fromtimestamp(ts_ns // NS_PER_SEC, UTC).strftime("%Y-%m-%dT%H:%M:%S")
