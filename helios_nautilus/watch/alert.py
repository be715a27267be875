"""One thing worth telling an operator, and how it is worded for a receiver."""

from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec import Struct

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.journal.records import Mode
from helios_nautilus.watch.settings import Level

URGENCY: Final[dict[Level, int]] = {"critical": 0, "warning": 1, "info": 2}
"""The lower, the sooner it is told."""
_MOST_WORDS: Final = 500


class Alert(Struct, frozen=True, kw_only=True):
    """Something happened at ``ts_ns`` (nanoseconds UTC), or with ``is_over`` it is past."""

    level: Level
    kind: str
    """A short code, e.g. ``halt``."""
    subject: str = ""
    """What it is about, e.g. an instrument; level, kind and subject together say whether two alerts are the same."""
    words: str
    ts_ns: int
    is_over: bool = False
    count: int = 1
    """How often it happened since it was told last."""

    @property
    def key(self) -> tuple[Level, str, str]:
        """Equal for the same alert."""
        return self.level, self.kind, self.subject


class Source(Struct, frozen=True, kw_only=True):
    """The node that tells."""

    mode: Mode
    run_id: str


class _Message(Struct, frozen=True, kw_only=True):
    """What a receiver gets; ``text`` is all of it for a chat."""

    level: Level
    kind: str
    subject: str
    words: str
    is_over: bool
    count: int
    mode: Mode
    run_id: str
    ts: str
    text: str


def encode_alert(alert: Alert, source: Source) -> bytes:
    """The JSON object that is posted."""
    words = alert.words if len(alert.words) <= _MOST_WORDS else f"{alert.words[: _MOST_WORDS - 1]}…"
    title = f"{alert.level.upper()}{' over' if alert.is_over else ''}: {alert.kind.replace('_', ' ')}"
    times = f" ({alert.count} times)" if alert.count > 1 else ""
    moment = datetime.fromtimestamp(alert.ts_ns / NS_PER_SEC, UTC)
    return msgspec.json.encode(
        _Message(
            level=alert.level,
            kind=alert.kind,
            subject=alert.subject,
            words=words,
            is_over=alert.is_over,
            count=alert.count,
            mode=source.mode,
            run_id=source.run_id,
            ts=f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z",
            text=f"[{source.mode.upper()}] {title}{times}: {words} ({source.run_id})",
        )
    )
