"""What is wrong with a node as long as its status says so: told once when it begins and once when it is over."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.journal.status import NodeStatus
from helios_nautilus.watch.alert import Alert
from helios_nautilus.watch.settings import AlertSettings, Level

_OF_NEEDS: Final = {
    "loop": ("loop_lag", 0.0),
    "clock": ("clock_skew", 0.0),
    "memory": ("memory", 0.0),
    "quote_age": ("stale_data", 0.0),
    # At a start the first bar is yet to come.
    "bars": ("stale_data", 90.0),
}
"""Needs of an entry that are worth telling by themselves: the kind of alert, and for how many seconds they may lack."""
_SECS_PER_MIN: Final = 60.0


class Condition(Struct, frozen=True, kw_only=True):
    """Something that holds now."""

    level: Level
    kind: str
    subject: str = ""
    words: str
    patience_secs: float = 0.0
    """How long it must hold before it is told."""

    def alert(self, ts_ns: int, *, is_over: bool = False) -> Alert:
        """The alert that tells it."""
        kind, subject = self.kind, self.subject
        return Alert(level=self.level, kind=kind, subject=subject, words=self.words, ts_ns=ts_ns, is_over=is_over)


class Conditions:
    """Compares each status with the one before."""

    def __init__(self, settings: AlertSettings) -> None:
        self._settings = settings
        self._since_ns: dict[tuple[str, str], int] = {}
        self._told: dict[tuple[str, str], Condition] = {}

    def update(self, status: NodeStatus) -> Iterator[Alert]:
        """What has begun for long enough, and what is over."""
        found = {(each.kind, each.subject): each for each in find_conditions(status, self._settings)}
        self._since_ns = {key: self._since_ns.get(key, status.ts_ns) for key in found}
        for key in [key for key in self._told if key not in found]:
            yield self._told.pop(key).alert(status.ts_ns, is_over=True)
        for key, condition in found.items():
            held_secs = (status.ts_ns - self._since_ns[key]) / NS_PER_SEC
            if key not in self._told and held_secs >= condition.patience_secs:
                self._told[key] = condition
                yield condition.alert(status.ts_ns)


def find_conditions(status: NodeStatus, settings: AlertSettings) -> Iterator[Condition]:
    """All that is wrong by a status."""
    yield from _of_positions(status, settings)
    yield from _of_predictions(status, settings)
    if not status.is_journal_healthy:
        words = f"the journal may lose what is appended now ({status.journal_lost:,} records lost so far)"
        yield Condition(level="critical", kind="journal_losing", words=words)
    for need in status.needs:
        if need.missing and need.name in _OF_NEEDS:
            kind, patience_secs = _OF_NEEDS[need.name]
            yield Condition(
                level="warning", kind=kind, subject=need.name, words=need.missing, patience_secs=patience_secs
            )
    if not status.is_ready:
        missing = "; ".join(f"{need.name}: {need.missing}" for need in status.needs if need.missing)
        patience_secs = settings.not_ready_mins * _SECS_PER_MIN
        words = f"entries are closed: {missing}"
        yield Condition(level="warning", kind="not_ready", words=words, patience_secs=patience_secs)


def _of_positions(status: NodeStatus, settings: AlertSettings) -> Iterator[Condition]:
    for position in status.positions:
        if not position.is_guarded:
            yield Condition(
                level="critical",
                kind="unguarded",
                subject=position.instrument_id,
                words=f"{position.side} {position.quantity:g} {position.instrument_id} has no working stop",
                patience_secs=settings.unguarded_secs,
            )


def _of_predictions(status: NodeStatus, settings: AlertSettings) -> Iterator[Condition]:
    """Ready and silent: nothing else says that the features of every pair have a hole."""
    for tier in status.tiers:
        silent_mins = (status.ts_ns - max(tier.last_ns, status.started_ns)) / NS_PER_SEC / _SECS_PER_MIN
        if tier.tier == "prediction" and tier.is_on and status.is_ready and silent_mins > settings.silent_mins:
            words = f"ready for entries, and no prediction for {silent_mins:.0f} minutes"
            yield Condition(level="warning", kind="no_predictions", words=words)
