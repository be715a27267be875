import pytest
from msgspec.structs import replace

from helios_nautilus.journal.records import FillRecord, PositionRecord, SizingRecord
from helios_nautilus.report import decisions
from helios_nautilus.report.decisions import select_decisions
from helios_nautilus.report.funnel import SIZED, follow
from tests.unit.report.runs import fake_run

RUN = fake_run()
SELECTION = select_decisions(RUN.records, follow(RUN.records))


def test_all_that_got_past_aether_are_told_in_time_order() -> None:
    sized = [record.decision_id for record in RUN.records if isinstance(record, SizingRecord) and record.approved]
    assert [decision.decision_id for decision in SELECTION.passed] == sized
    assert SELECTION.passed_left_out == 0


def test_of_the_declined_only_the_latest_are_told_and_the_others_counted() -> None:
    declined = [
        record.decision_id for record in RUN.records if isinstance(record, SizingRecord) and not record.approved
    ]
    shown = [decision.decision_id for decision in SELECTION.declined]
    assert shown == declined[-decisions.DECLINED_SHOWN :]
    assert SELECTION.declined_left_out == len(declined) - len(shown)


def test_a_filled_decision_is_never_left_out_for_one_that_was_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "PASSED_SHOWN", 14)
    selection = select_decisions(RUN.records, follow(RUN.records))
    entered = {record.decision_id for record in RUN.records if isinstance(record, FillRecord)}
    assert entered <= {decision.decision_id for decision in selection.passed}
    assert len(selection.passed) == 14
    assert selection.passed_left_out == len(SELECTION.passed) - 14


def test_every_closed_trade_finds_its_decision() -> None:
    anchors = SELECTION.anchors()
    assert all(r.decision_id in anchors for r in RUN.records if isinstance(r, PositionRecord))
    assert len(set(anchors.values())) == len(anchors)


def test_a_story_holds_every_tiers_words_and_the_trail_in_time_order() -> None:
    decision = next(decision for decision in SELECTION.passed if decision.position)
    assert decision.prediction
    assert decision.sizing
    assert decision.gate
    assert decision.guardian
    stamps = [step.ts_ns for step in decision.trail]
    assert stamps == sorted(stamps)
    assert len(decision.trail) == 4


def test_an_entry_that_aether_declined_but_was_filled_is_told_among_the_passed() -> None:
    key = next(record.decision_id for record in RUN.records if isinstance(record, FillRecord))
    records = [
        replace(r, approved=False, reason="no_edge") if isinstance(r, SizingRecord) and r.decision_id == key else r
        for r in RUN.records
    ]
    selection = select_decisions(records, follow(records))
    told = next(decision for decision in selection.passed if decision.decision_id == key)
    assert told.fate.passed < SIZED
    assert told.stopped_by == "Aether"
