"""Which records an operator is told of at once."""

from collections.abc import Iterator
from functools import singledispatch
from typing import Final

from helios_nautilus.journal.records import (
    AS_ASKED,
    EventRecord,
    GateCallRecord,
    GuardianRecord,
    KillSwitchRecord,
    OrderRecord,
    RebalanceRecord,
    Record,
    RunRecord,
)
from helios_nautilus.watch.alert import Alert
from helios_nautilus.watch.settings import Level

_STATES: Final[dict[str, Level]] = {"HALT": "critical", "REDUCE_ONLY": "warning"}
_EVENTS: Final[dict[str, Level]] = {
    "not_flat": "critical",
    "unhandled": "critical",
    "pipeline_error": "warning",
    "drift": "warning",
    "adopted": "warning",
    "prediction_late": "warning",
    "prediction_failed": "warning",
    "recovered": "info",
    "command": "info",
    "stopped": "info",
}
"""Kinds of events that are told. An exit does not close its position (``not_flat``); a position of no known bet got a
stop (``adopted``), one of an earlier run got its own back (``recovered``)."""
_ENDS: Final = {"flat": "not_flat"}
"""Which kind is over with which."""
_TOLD_APART: Final = frozenset({"drift", "command", "unhandled"})
"""Each is another: they are told apart by their words."""


@singledispatch
def alerts_of(record: Record) -> Iterator[Alert]:
    """What a record is worth telling; of most kinds nothing."""
    yield from ()


@alerts_of.register
def _(record: RunRecord) -> Iterator[Alert]:
    words = f"{record.strategy} with model {record.model_id} on {', '.join(record.instrument_ids)}"
    yield Alert(level="info", kind="start", words=words, ts_ns=record.ts_ns)


@alerts_of.register
def _(record: KillSwitchRecord) -> Iterator[Alert]:
    """Clearing the switch ends whatever of the two was told."""
    for state, level in _STATES.items():
        if record.state in (state, "NORMAL"):
            yield Alert(
                level=level,
                kind=state.lower(),
                words=record.words,
                ts_ns=record.ts_ns,
                is_over=record.state == "NORMAL",
            )


@alerts_of.register
def _(record: GuardianRecord) -> Iterator[Alert]:
    if not record.passed:
        subject = f"{record.instrument_id} {', '.join(record.failed)}"
        words = "; ".join(check.words for check in record.checks if not check.passed)
        yield Alert(level="info", kind="guardian_rejection", subject=subject, words=words, ts_ns=record.ts_ns)


@alerts_of.register
def _(record: GateCallRecord) -> Iterator[Alert]:
    if record.outcome == "over_budget":
        yield Alert(
            level="warning",
            kind="gate_over_budget",
            subject=record.provider,
            words=record.words or "the budget of the day is spent",
            ts_ns=record.ts_ns,
        )


@alerts_of.register
def _(record: OrderRecord) -> Iterator[Alert]:
    """An entry that is refused is an entry less; anything else may leave a position as it is."""
    if record.status in ("REJECTED", "DENIED"):
        yield Alert(
            level="info" if record.role == "ENTRY" else "warning",
            kind="order_rejected",
            subject=f"{record.instrument_id} {record.role}",
            words=f"{record.role} {record.side} {record.quantity} {record.instrument_id}: {record.reason}",
            ts_ns=record.ts_ns,
        )


@alerts_of.register
def _(record: RebalanceRecord) -> Iterator[Alert]:
    changes = ", ".join(f"{each.instrument_id} {each.change:+.1%}" for each in record.changes if each.change)
    words = f"{changes or 'nothing to trade'}; cash {record.cash:.1%}"
    yield Alert(level="info", kind="rebalanced", subject=record.reason, words=words, ts_ns=record.ts_ns)


@alerts_of.register
def _(record: EventRecord) -> Iterator[Alert]:
    if record.kind == "stopped" and record.words != AS_ASKED:
        yield Alert(level="critical", kind="stopped_by_itself", words=record.words, ts_ns=record.ts_ns)
        return
    kind = _ENDS.get(record.kind, record.kind)
    if (level := _EVENTS.get(kind)) is not None:
        subject = record.words if kind in _TOLD_APART else record.instrument_id
        is_over = record.kind in _ENDS
        yield Alert(level=level, kind=kind, subject=subject, words=record.words, ts_ns=record.ts_ns, is_over=is_over)
