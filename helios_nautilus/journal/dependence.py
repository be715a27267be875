"""Which of a tier's words depend on the state of the account, and which records change that state.

The account is what is held, what is working and what it is worth. A run that traded otherwise once has another account
from there on, so a difference in what depends on it says nothing against the tier.
"""

from collections.abc import Collection, Sequence
from typing import Final

from helios_nautilus.journal.changes import Change
from helios_nautilus.journal.records import (
    ContextRecord,
    FillRecord,
    GateRecord,
    GuardianRecord,
    KillSwitchRecord,
    OrderRecord,
    PositionRecord,
    PredictionRecord,
    Record,
    SignalRecord,
    SizingRecord,
    VolatilityRecord,
)

_SIZED_BY: Final = frozenset({"equity", "drawdown"})
"""What Aether is told of the account."""
_SIZE: Final = _SIZED_BY | {
    *("approved", "reason", "words", "kelly_after_drawdown", "capped_by"),
    *("fraction", "notional", "leverage", "risk", "reward"),
}
"""What comes of it: all else in a sizing is the market's, the model's and the settings'."""
_TOLD: Final = frozenset({"portfolio", "recent", "terms", "risk"})
"""The parts of a gate's context that are the account's, or of a size that was."""


def moves_account(record: Record) -> bool:
    """Whether the record, had it been another, would have left another account."""
    if isinstance(record, SignalRecord):
        return record.action == "exit"
    return isinstance(record, OrderRecord | FillRecord | PositionRecord | KillSwitchRecord)


def depends_on_account(records: Sequence[Record], changes: Collection[Change]) -> bool:
    """Whether another account explains how two records of one place differ; none of ``changes`` if one is missing."""
    fields = {change.field for change in changes}
    match records[0]:
        case PredictionRecord() | VolatilityRecord():
            return False
        case SizingRecord() if fields:
            return fields <= _SIZE and bool(fields & _SIZED_BY)
        case ContextRecord() if fields:
            return {field.split(".")[1] for field in fields if "." in field} <= _TOLD
        case GateRecord() if fields:
            return False  # its context, which was the same, has all of the account that it was told
        case GuardianRecord() if fields:
            return _measures_otherwise(fields)
        case OrderRecord(role="ENTRY") | FillRecord(role="ENTRY"):
            return not fields & {"price", "quantity", "order_type"}
    return True


def shows_own_setting(records: Sequence[Record], changes: Collection[Change]) -> bool:
    """Whether the difference is one that nothing a tier is told could have made: Guardian writes its limits down."""
    return isinstance(records[0], GuardianRecord) and any(change.field.endswith(".limit") for change in changes)


def _measures_otherwise(fields: Collection[str]) -> bool:
    """Whether all checks that differ do so by what they measured, and not by what they made of it."""
    parts = [field.rpartition(".") for field in fields if field != "passed"]
    measured = {check for check, _, what in parts if what == "value"}
    return all(check in measured for check, _, _ in parts)
