from io import StringIO
from typing import Any

from markupsafe import escape
from rich.console import Console

from helios_nautilus.journal.records import EventRecord, GateCallRecord, GateRecord
from helios_nautilus.report.gate_use import GateUse, count_gate, gate_words
from helios_nautilus.report.page import render_page
from helios_nautilus.report.summary import summarise
from helios_nautilus.report.terminal import print_summary
from tests.integration.journal.samples import gate_call
from tests.unit.report.runs import fake_run


def answer(source: Any, decision_id: str = "d") -> GateRecord:
    return GateRecord(
        ts_ns=1,
        decision_id=decision_id,
        instrument_id="BTCZAR.VALR",
        provider="anthropic",
        decision="APPROVE",
        reasoning="",
        multiplier=1.0,
        risk_flags=(),
        notional=1.0,
        leverage=1.0,
        stop=0.01,
        target=0.02,
        latency_ms=800.0,
        source=source,
    )


def call(source: Any, outcome: str, decision_id: str = "d", **more: Any) -> GateCallRecord:
    return gate_call(decision_id, source=source, outcome=outcome, **more)


def test_answers_are_counted_by_where_they_came_from_and_calls_by_what_they_cost() -> None:
    live: dict[str, Any] = {"cost_usd": 0.004, "input_tokens": 700, "cache_read_tokens": 900, "output_tokens": 200}
    use = count_gate(
        [
            call("live", "answered", "a", latency_ms=1_000.0, **live),
            answer("live", "a"),
            call("failed", "timeout", "b", cost_usd=0.015),
            call("live", "answered", "b", latency_ms=3_000.0, **live),
            answer("live", "b"),
            call("failed", "over_budget", "c"),
            answer("ruled", "c"),
            EventRecord(ts_ns=1, kind="gate_dropped", words=""),
        ]
    )
    assert use.sources == {"live": 2, "ruled": 1}
    assert (use.answers, use.calls, use.dropped, use.missing) == (3, 3, 1, 0)
    assert use.failures == {"timeout": 1, "over_budget": 1}
    assert (round(use.cost_usd, 6), use.tokens_in, use.tokens_out, use.latency_ms) == (0.023, 3_200, 400, 2_000.0)


def test_what_was_recorded_costs_nothing_and_what_is_missing_is_said() -> None:
    use = count_gate(
        [
            call("recorded", "answered", "a", input_tokens=700),
            answer("recorded", "a"),
            call("failed", "missing", "b"),
            answer("ruled", "b"),
        ]
    )
    assert (use.calls, use.cost_usd, use.tokens_in, use.missing) == (0, 0.0, 0, 1)
    words = gate_words(use)
    assert words.startswith(
        "The gate's answers: 1 recorded earlier, 1 given by the rules. Missing from the recorded answers: 1;"
    )
    assert "helios gate record" in words
    assert "went out" not in words


def test_a_gate_that_was_never_asked_says_nothing() -> None:
    assert gate_words(count_gate([])) == ""


def test_the_summary_counts_the_gate_of_a_run() -> None:
    run = fake_run()
    use = summarise(run.records, run.prices).gate
    assert isinstance(use, GateUse)
    assert use.answers == sum(isinstance(record, GateRecord) for record in run.records) == use.sources["ruled"]


def test_page_and_terminal_say_where_the_answers_came_from() -> None:
    run = fake_run()
    summary = summarise(run.records, run.prices)
    words = gate_words(summary.gate)
    console = Console(file=StringIO(), width=200)

    print_summary(summary, console)

    assert words.startswith("The gate's answers: ")
    assert words in console.file.getvalue()  # type: ignore[attr-defined]
    assert str(escape(words)) in render_page(run.records, run.prices, summary)
