"""What a page tells of single decisions: every tier's records side by side, and which decisions to tell of."""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from helios_nautilus.journal.records import (
    FillRecord,
    GateRecord,
    GuardianRecord,
    OrderRecord,
    PositionRecord,
    PredictionRecord,
    Record,
    SignalRecord,
    SizingRecord,
)
from helios_nautilus.report.funnel import FILLED, PROPOSED, SIZED, STEPS, Fate
from helios_nautilus.report.wording import NO_ANSWER, phrases

DECLINED_SHOWN: Final = 50
"""Of the decisions that Aether declined, this many of the latest are told."""
PASSED_SHOWN: Final = 400
"""Of those that got past Aether, so many at most: the filled ones before the others, the latest before the earlier."""


class Decision(Struct, frozen=True, kw_only=True):
    """One decision with the last word of each tier; None where a tier has said nothing."""

    decision_id: str
    anchor: str
    fate: Fate
    prediction: PredictionRecord | None = None
    signal: SignalRecord | None = None
    sizing: SizingRecord | None = None
    gate: GateRecord | None = None
    guardian: GuardianRecord | None = None
    orders: tuple[OrderRecord, ...] = ()
    fills: tuple[FillRecord, ...] = ()
    position: PositionRecord | None = None

    @property
    def is_filled(self) -> bool:
        """Whether the entry was filled, even in part."""
        return any(fill.role == "ENTRY" for fill in self.fills)

    @property
    def stopped_by(self) -> str:
        """The tier that ended it; empty if none did."""
        return "" if self.fate.passed == FILLED else STEPS[self.fate.passed][1]

    @property
    def stopped_why(self) -> str:
        """Why it went no further, in plain words."""
        return phrases(self.fate.codes)

    @property
    def trail(self) -> list[OrderRecord | FillRecord]:
        """The last state of each of its orders, and its fills, in time order."""
        latest = {order.client_order_id: order for order in self.orders}
        return sorted([*latest.values(), *self.fills], key=lambda record: record.ts_ns)


class Selection(Struct, frozen=True, kw_only=True):
    """The decisions that a page tells of, in time order, and how many it leaves out."""

    passed: tuple[Decision, ...]
    """Past Aether, or filled without its consent."""
    passed_left_out: int
    declined: tuple[Decision, ...]
    """Proposed, and declined by Aether."""
    declined_left_out: int

    def anchors(self) -> dict[str, str]:
        """Where on the page to find a decision, by its id."""
        return {decision.decision_id: decision.anchor for decision in self.passed + self.declined}


def select_decisions(records: Iterable[Record], fates: Mapping[str, Fate]) -> Selection:
    """All decisions that got past Aether and the latest that it declined, within the two limits above."""
    records = list(records)
    filled = dict.fromkeys(r.decision_id for r in records if isinstance(r, FillRecord) and r.role == "ENTRY")
    fates = {**fates, **{key: Fate(passed=0, codes=(NO_ANSWER,)) for key in filled if key not in fates}}
    passed = [key for key, fate in fates.items() if fate.passed >= SIZED or key in filled]
    declined = [key for key, fate in fates.items() if fate.passed == PROPOSED and key not in filled]
    shown = set(sorted(passed, key=filled.__contains__)[-PASSED_SHOWN:]) | set(declined[-DECLINED_SHOWN:])
    told = _tell(records, {key: fate for key, fate in fates.items() if key in shown})
    return Selection(
        passed=tuple(told[key] for key in passed if key in shown),
        passed_left_out=max(0, len(passed) - PASSED_SHOWN),
        declined=tuple(told[key] for key in declined if key in shown),
        declined_left_out=max(0, len(declined) - DECLINED_SHOWN),
    )


def _tell(records: Iterable[Record], fates: Mapping[str, Fate]) -> dict[str, Decision]:
    """The story of each of some decisions."""
    words: dict[str, dict[str, Record]] = {key: {} for key in fates}
    orders: dict[str, list[OrderRecord]] = {key: [] for key in fates}
    fills: dict[str, list[FillRecord]] = {key: [] for key in fates}
    for record in records:
        if (key := getattr(record, "decision_id", "")) not in fates:
            continue
        match record:
            case OrderRecord():
                orders[key].append(record)
            case FillRecord():
                fills[key].append(record)
            case _ if name := _FIELD_OF.get(type(record)):
                words[key][name] = record
    return {
        key: Decision(
            decision_id=key,
            anchor=f"decision-{number}",
            fate=fate,
            orders=tuple(orders[key]),
            fills=tuple(fills[key]),
            **words[key],  # type: ignore[arg-type]  # _FIELD_OF pairs each name with its record's type
        )
        for number, (key, fate) in enumerate(fates.items(), start=1)
    }


_FIELD_OF: Final[dict[type[Record], str]] = {
    PredictionRecord: "prediction",
    SignalRecord: "signal",
    SizingRecord: "sizing",
    GateRecord: "gate",
    GuardianRecord: "guardian",
    PositionRecord: "position",
}
