"""The funnel: how many predictions each tier let through, and why the others went no further.

Every prediction has exactly one fate, so at each step what was kept and what was dropped add up to what entered,
whatever the journal lacks.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise
from typing import Final

from msgspec import Struct

from helios_nautilus.journal.records import (
    FillRecord,
    GateRecord,
    GuardianRecord,
    OrderRecord,
    PredictionRecord,
    Record,
    SignalRecord,
    SizingRecord,
)
from helios_nautilus.report.wording import NO_ANSWER, phrases

type Codes = tuple[str, ...]

STEPS: Final = (
    ("proposed", "Strategy"),
    ("sized", "Aether"),
    ("approved", "Gate"),
    ("passed", "Guardian"),
    ("filled", "Venue"),
)
"""Name of each step and who decides it, in the order of a decision's way."""
PROPOSED, SIZED, _, _, FILLED = range(1, len(STEPS) + 1)
"""A fate's ``passed`` after each step."""
_REBALANCING: Final = "rebalancing"


class Fate(Struct, frozen=True, kw_only=True):
    """How many steps a decision passed, and the codes of what stopped it; no codes if it was filled."""

    passed: int
    codes: Codes = ()


class Reason(Struct, frozen=True, kw_only=True):
    """Why decisions were dropped at a step; several codes that held together are joined by ``+``."""

    code: str
    words: str
    count: int


class Step(Struct, frozen=True, kw_only=True):
    """One step: ``entered == kept + dropped`` and ``dropped`` is the sum of the reasons' counts."""

    name: str
    tier: str
    entered: int
    kept: int
    dropped: int
    share: float | None
    """Kept / entered; None where nothing entered."""
    reasons: tuple[Reason, ...]
    """Most frequent first."""


class Funnel(Struct, frozen=True, kw_only=True):
    """All steps, and the entries that were filled without a record of every tier's consent (there should be none).

    A rebalancing's purchases are nobody's prediction, and have the consent of Aether and Guardian alone.
    """

    predictions: int
    steps: tuple[Step, ...]
    entries_without_consent: tuple[str, ...]


def follow(records: Iterable[Record]) -> dict[str, Fate]:
    """Fate of every predicted decision, by its id, in the order of the predictions."""
    kept = list(records)
    answers = _answers(kept)
    predicted = dict.fromkeys(r.decision_id for r in kept if isinstance(r, PredictionRecord))
    return {decision_id: _fate(decision_id, answers) for decision_id in predicted}


def fate_of(decision_id: str, records: Iterable[Record]) -> Fate:
    """Fate of one decision, also of one that no prediction began."""
    return _fate(decision_id, _answers(records))


def count_funnel(records: Iterable[Record]) -> Funnel:
    """Count the fates of a run's decisions at each step."""
    records = list(records)
    fates = follow(records)
    reached = [sum(fate.passed >= step for fate in fates.values()) for step in range(len(STEPS) + 1)]
    dropped: list[Counter[Codes]] = [Counter() for _ in STEPS]
    for fate in fates.values():
        if fate.passed < FILLED:
            dropped[fate.passed][fate.codes] += 1
    return Funnel(
        predictions=len(fates),
        steps=tuple(
            Step(
                name=name,
                tier=tier,
                entered=entered,
                kept=kept,
                dropped=entered - kept,
                share=kept / entered if entered else None,
                reasons=_reasons(drops),
            )
            for (name, tier), (entered, kept), drops in zip(STEPS, pairwise(reached), dropped, strict=True)
        ),
        entries_without_consent=_entries_without_consent(records, fates),
    )


def _fate(decision_id: str, answers: Iterable[Mapping[str, Codes]]) -> Fate:
    for passed, answer in enumerate(answers):
        if codes := answer.get(decision_id, (NO_ANSWER,)):
            return Fate(passed=passed, codes=codes)
    return Fate(passed=FILLED)


def _answers(records: Iterable[Record]) -> tuple[dict[str, Codes], ...]:
    """What each step said of each decision: no codes is a yes. The last record of a step is its word.

    A rebalancing's purchase is not put before the gate.
    """
    answers: tuple[dict[str, Codes], ...] = tuple({} for _ in STEPS)
    proposed, sized, approved, passed, filled = answers
    for record in records:
        match record:
            case SignalRecord():
                proposed[record.decision_id] = _signal_codes(record)
                if record.reason == _REBALANCING:
                    approved[record.decision_id] = ()
            case SizingRecord():
                sized[record.decision_id] = () if record.approved else (record.reason,)
            case GateRecord():
                approved[record.decision_id] = _gate_codes(record)
            case GuardianRecord():
                passed[record.decision_id] = () if record.passed else record.failed or ("unnamed_check",)
            case FillRecord(role="ENTRY"):
                filled[record.decision_id] = ()
            case OrderRecord(role="ENTRY") if filled.get(record.decision_id) != ():
                filled[record.decision_id] = _order_codes(record)
    return answers


def _signal_codes(record: SignalRecord) -> Codes:
    if record.action == "proposed":
        return ()
    return ("exit",) if record.action == "exit" else (record.reason,)


def _gate_codes(record: GateRecord) -> Codes:
    """The gravest flag, which comes first; what else was worth watching did not drop the proposal."""
    return () if record.decision != "REJECT" else record.risk_flags[:1] or (record.decision,)


def _order_codes(record: OrderRecord) -> Codes:
    """Its status, and the reason if that is a code; a venue's free text would make every drop its own kind."""
    is_code = record.reason.isidentifier()
    return (record.status, record.reason) if is_code else (record.status,)


def _reasons(drops: Counter[Codes]) -> tuple[Reason, ...]:
    return tuple(
        Reason(code="+".join(codes), words=phrases(codes), count=count)
        for codes, count in sorted(drops.items(), key=lambda item: (-item[1], item[0]))
    )


def _entries_without_consent(records: Collection[Record], fates: Mapping[str, Fate]) -> tuple[str, ...]:
    entered = dict.fromkeys(r.decision_id for r in records if isinstance(r, FillRecord) and r.role == "ENTRY")
    begun = set(fates) | {r.decision_id for r in records if isinstance(r, SignalRecord) and r.reason == _REBALANCING}
    answers = _answers(records)
    return tuple(key for key in entered if key not in begun or _fate(key, answers).passed < FILLED)
