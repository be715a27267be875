import random
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

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
from helios_nautilus.report.funnel import Funnel, Step, count_funnel, fate_of, follow
from tests.unit.report.runs import fake_run

RUN = fake_run(days=4, trades=12)


def the_filled_decision() -> list[Record]:
    """Everything of one decision that went all the way."""
    key = next(r.decision_id for r in RUN.records if isinstance(r, FillRecord) and r.role == "ENTRY")
    return [record for record in RUN.records if getattr(record, "decision_id", None) == key]


STORY = the_filled_decision()


def story(**changes: dict[str, Any]) -> list[Record]:
    """The filled decision with some records changed, by type name; None leaves the type out."""
    kept = []
    for record in STORY:
        change = changes.get(type(record).__name__, {})
        if change is not None:
            kept.append(replace(record, **change))
    return kept


def assert_reconciles(funnel: Funnel) -> None:
    entered = funnel.predictions
    for step in funnel.steps:
        assert step.entered == entered
        assert step.kept + step.dropped == step.entered
        assert sum(reason.count for reason in step.reasons) == step.dropped
        assert all(reason.count > 0 for reason in step.reasons)
        entered = step.kept


def stopped_at(records: Iterable[Record]) -> tuple[str, str]:
    funnel = count_funnel(records)
    assert_reconciles(funnel)
    step: Step = next(step for step in funnel.steps if step.dropped)
    return step.name, step.reasons[0].code


def test_a_filled_decision_passes_every_step() -> None:
    funnel = count_funnel(STORY)
    assert [step.kept for step in funnel.steps] == [1, 1, 1, 1, 1]
    assert [step.share for step in funnel.steps] == [1.0] * 5
    assert funnel.entries_without_consent == ()


@pytest.mark.parametrize(
    ("changes", "step", "code"),
    [
        ({"SignalRecord": {"action": "dropped", "reason": "hold"}}, "proposed", "hold"),
        ({"SignalRecord": {"action": "exit", "reason": "signal_turned"}}, "proposed", "exit"),
        ({"SizingRecord": {"approved": False, "reason": "no_edge"}}, "sized", "no_edge"),
        (
            {"GateRecord": {"decision": "REJECT", "risk_flags": ("thin_liquidity", "odd")}},
            "approved",
            "thin_liquidity",
        ),
        ({"GateRecord": {"decision": "REJECT", "risk_flags": ()}}, "approved", "REJECT"),
        ({"GuardianRecord": {"passed": False, "checks": ()}}, "passed", "unnamed_check"),
        ({"FillRecord": None, "OrderRecord": {"status": "REJECTED"}}, "filled", "REJECTED"),
        (
            {"FillRecord": None, "OrderRecord": {"status": "DENIED", "reason": "too_small"}},
            "filled",
            "DENIED+too_small",
        ),
        ({"FillRecord": None, "OrderRecord": {"status": "DENIED", "reason": "no balance, 3 < 5"}}, "filled", "DENIED"),
        ({"SignalRecord": None}, "proposed", "no_answer"),
        ({"SizingRecord": None}, "sized", "no_answer"),
        ({"GateRecord": None}, "approved", "no_answer"),
        ({"GuardianRecord": None}, "passed", "no_answer"),
        ({"FillRecord": None, "OrderRecord": None}, "filled", "no_answer"),
    ],
)
def test_a_drop_is_counted_where_it_happened_with_its_reason(
    changes: dict[str, dict[str, Any]], step: str, code: str
) -> None:
    assert stopped_at(story(**changes)) == (step, code)


def test_an_entry_filled_without_the_consent_of_a_tier_is_named() -> None:
    records = story(SizingRecord={"approved": False, "reason": "no_edge"})
    assert count_funnel(records).entries_without_consent == (STORY[0].decision_id,)  # type: ignore[attr-defined]


def test_an_entry_filled_without_any_prediction_is_named() -> None:
    funnel = count_funnel(story(PredictionRecord=None))  # type: ignore[arg-type]
    assert funnel.predictions == 0
    assert len(funnel.entries_without_consent) == 1


def test_a_rebalancings_purchase_needs_neither_prediction_nor_gate_but_aether_and_guardian() -> None:
    asked = {"PredictionRecord": None, "GateRecord": None, "SignalRecord": {"reason": "rebalancing"}}
    bought = story(**asked)  # type: ignore[arg-type]
    assert count_funnel(bought).entries_without_consent == ()
    assert fate_of(STORY[0].decision_id, bought).codes == ()  # type: ignore[attr-defined]

    declined = story(**asked, GuardianRecord=None)  # type: ignore[arg-type]
    assert len(count_funnel(declined).entries_without_consent) == 1


def test_an_exit_fill_does_not_make_an_entry() -> None:
    exits = [r for r in STORY if not (isinstance(r, FillRecord | OrderRecord) and r.role == "ENTRY")]
    assert stopped_at(exits) == ("filled", "no_answer")


def test_a_tier_that_spoke_twice_is_counted_once_by_its_last_word() -> None:
    sizing = next(record for record in STORY if isinstance(record, SizingRecord))
    assert stopped_at([*STORY, replace(sizing, approved=False, reason="too_small")]) == ("sized", "too_small")


def test_a_partly_filled_entry_that_then_expired_is_filled() -> None:
    order = next(r for r in STORY if isinstance(r, OrderRecord) and r.role == "ENTRY")
    assert follow([*STORY, replace(order, status="EXPIRED", quantity=Decimal(1))]).popitem()[1].codes == ()


def test_an_unknown_code_is_shown_as_it_is() -> None:
    funnel = count_funnel(story(SizingRecord={"approved": False, "reason": "moon_phase"}))
    assert funnel.steps[1].reasons[0].words == "moon_phase"


def test_no_records_at_all_still_reconcile() -> None:
    funnel = count_funnel([])
    assert_reconciles(funnel)
    assert [step.share for step in funnel.steps] == [None] * 5


@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0, 1), repeats=st.integers(1, 3))
def test_every_step_reconciles_whatever_is_missing_or_repeated(seed: int, share: float, repeats: int) -> None:
    chance = random.Random(seed)
    kept = [record for record in RUN.records[:800] + STORY if chance.random() < share] * repeats
    chance.shuffle(kept)
    funnel = count_funnel(kept)
    assert_reconciles(funnel)
    assert funnel.predictions == len({r.decision_id for r in kept if isinstance(r, PredictionRecord)})


def test_the_fake_run_agrees_with_a_plain_count() -> None:
    steps = count_funnel(RUN.records).steps
    counts = [
        sum(isinstance(r, SignalRecord) and r.action == "proposed" for r in RUN.records),
        sum(isinstance(r, SizingRecord) and r.approved for r in RUN.records),
        sum(isinstance(r, GateRecord) and r.decision != "REJECT" for r in RUN.records),
        sum(isinstance(r, GuardianRecord) and r.passed for r in RUN.records),
        sum(isinstance(r, FillRecord) and r.role == "ENTRY" for r in RUN.records),
    ]
    assert [step.kept for step in steps] == counts
