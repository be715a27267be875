"""What a quant sees: typed columns, exact money, one line a decision, and the kill switch as it stands."""

from decimal import Decimal

import psycopg
import pytest
from msgspec.structs import replace

from helios_nautilus.journal.decisions import OUTCOMES, DecisionFilter
from helios_nautilus.journal.postgres import PostgresJournal
from helios_nautilus.journal.records import CheckResult, GuardianRecord, KillSwitchRecord, Record
from helios_nautilus.report.funnel import FILLED, STEPS, follow
from tests.integration.journal.samples import BTC, RUN, answer, order, predict, propose, size, small_run, trade


def keep(kept: PostgresJournal, *records: Record) -> str:
    return kept.store_run([RUN, *records], RUN).run_id


def test_typed_columns_say_what_the_body_says(kept: PostgresJournal, connection: psycopg.Connection) -> None:
    keep(kept, *trade())
    row = connection.execute("SELECT p_buy, p_sell, model_id, veto FROM ml_predictions").fetchone()
    assert row == (0.7, 0.1, "feedbeef", "")
    assert connection.execute("SELECT approved, regime FROM aether_risk_decisions").fetchone() == (True, "MEDIUM")


def test_money_and_prices_are_exact(kept: PostgresJournal, connection: psycopg.Connection) -> None:
    keep(kept, *trade())
    (fill,) = connection.execute(
        "SELECT quantity, price, commission_value, notional::text FROM fills, aether_risk_decisions"
    )
    assert fill == (Decimal("0.00500000"), Decimal("1000000.10"), Decimal("5.00000050"), "5000.1")


@pytest.mark.parametrize(
    ("words", "column"),
    [
        ("calm\x00 seas", "calm seas"),
        ("\x00\x00", ""),
        (r"an escape spelled out: \u0000", r"an escape spelled out: \u0000"),
        ("after a backslash: \\\x00", "after a backslash: \\"),
    ],
)
def test_text_that_no_column_can_hold_stays_in_the_body(
    kept: PostgresJournal, connection: psycopg.Connection, words: str, column: str
) -> None:
    said = replace(answer("D-1", 2_000), reasoning=words)
    run_id = keep(kept, said)
    assert connection.execute("SELECT reasoning FROM llm_strategic_decisions").fetchone() == (column,)
    assert kept.records(run_id)[-1] == said


def test_the_journal_view_is_everything_in_order(kept: PostgresJournal, connection: psycopg.Connection) -> None:
    keep(kept, *trade())
    sources = [row[0] for row in connection.execute("SELECT source FROM journal")]
    assert sources[:3] == ["runs", "ml_predictions", "strategy_signals"]
    assert len(sources) == 1 + len(trade())


def test_the_kill_switch_stands_where_it_was_last_put(kept: PostgresJournal, connection: psycopg.Connection) -> None:
    states = [KillSwitchRecord(ts_ns=3_000, state=state, trigger="OPERATOR", words="") for state in ("HALT", "NORMAL")]
    keep(kept, *states)
    assert connection.execute("SELECT mode, state FROM trading_mode_state").fetchall() == [("backtest", "NORMAL")]


FAILED = GuardianRecord(
    ts_ns=2_000,
    decision_id="D-1",
    instrument_id=BTC,
    passed=False,
    checks=tuple(
        CheckResult(name=name, passed=passed, value=0.2, limit=0.1, words="")
        for name, passed in (("drawdown", False), ("leverage", True), ("rate", False))
    ),
)
SIGNAL, SIZE, YES = propose("D-1", 2_000), size("D-1", 2_000), answer("D-1", 2_000)
ENDS: dict[tuple[str, str], list[Record]] = {
    ("entered", "filled"): trade()[1:],
    ("exit", "directional"): [replace(SIGNAL, action="exit")],
    ("rejected-by-strategy", "no_answer"): [],
    ("rejected-by-strategy", "hold"): [replace(SIGNAL, action="dropped", reason="hold")],
    ("rejected-by-aether", "no_answer"): [SIGNAL],
    ("rejected-by-aether", "no_edge"): [SIGNAL, size("D-1", 2_000, approved=False)],
    ("rejected-by-gate", "no_answer"): [SIGNAL, SIZE],
    ("rejected-by-gate", "extreme_volatility"): [SIGNAL, SIZE, answer("D-1", 2_000, "REJECT")],
    ("rejected-by-guardian", "no_answer"): [SIGNAL, SIZE, YES],
    ("rejected-by-guardian", "drawdown+rate"): [SIGNAL, SIZE, YES, FAILED],
    ("rejected-by-venue", "no_answer"): [SIGNAL, SIZE, YES, replace(FAILED, passed=True)],
    ("rejected-by-venue", "EXPIRED"): [
        *(SIGNAL, SIZE, YES, replace(FAILED, passed=True)),
        *(order("D-1", 2_000, status) for status in ("SUBMITTED", "EXPIRED")),
    ],
}


@pytest.mark.parametrize("end", ENDS, ids=":".join)
def test_every_decision_has_one_end_and_a_reason(kept: PostgresJournal, end: tuple[str, str]) -> None:
    keep(kept, predict("D-1", 2_000), *ENDS[end])
    (found,) = kept.decisions(DecisionFilter(), 10)
    assert (found.outcome, found.reason) == end
    assert (found.decision_id, found.instrument_id, found.side, found.p_side) == ("D-1", BTC, "LONG", 0.7)
    assert found.outcome in OUTCOMES


@pytest.mark.parametrize("end", [end for end in ENDS if end[0] != "exit"], ids=":".join)
def test_the_reports_funnel_comes_to_the_same_end(end: tuple[str, str]) -> None:
    fate = follow([predict("D-1", 2_000), *ENDS[end]])["D-1"]
    if fate.passed == FILLED:
        assert end[0] == "entered"
    else:
        assert end == (f"rejected-by-{STEPS[fate.passed][1].lower()}", "+".join(fate.codes))


def test_each_tiers_word_on_a_decision_is_looked_up_and_not_searched_for(connection: psycopg.Connection) -> None:
    """Or a list of decisions would take the square of their number."""
    connection.execute("SET enable_seqscan = off")
    plan = "\n".join(line for (line,) in connection.execute("EXPLAIN SELECT * FROM decisions ORDER BY ts_event DESC"))
    assert "ml_predictions_ts_event" in plan
    for table in ("strategy_signals", "aether_risk_decisions", "llm_strategic_decisions", "guardian_checks", "orders"):
        assert f"{table}_decision_id" in plan
    assert "fills_decision_id" in plan


@pytest.mark.parametrize(
    ("wanted", "decision_ids"),
    [
        (DecisionFilter(), ["D-2", "D-1"]),
        (DecisionFilter(outcome="entered"), ["D-1"]),
        (DecisionFilter(outcome="rejected-by-aether"), ["D-2"]),
        (DecisionFilter(run_id=RUN.run_id), ["D-2", "D-1"]),
        (DecisionFilter(run_id="another"), []),
        (DecisionFilter(instrument_id=BTC, side="LONG"), ["D-2", "D-1"]),
        (DecisionFilter(instrument_id="ETHZAR.VALR"), []),
        (DecisionFilter(side="SHORT"), []),
        (DecisionFilter(since_ns=2_001), ["D-2"]),
        (DecisionFilter(since_ns=2_000, until_ns=3_000), ["D-1"]),
    ],
    ids=str,
)
def test_decisions_are_picked_by_what_is_asked(
    kept: PostgresJournal, wanted: DecisionFilter, decision_ids: list[str]
) -> None:
    keep(kept, *small_run()[1:])
    assert [found.decision_id for found in kept.decisions(wanted, 10)] == decision_ids
    assert [found.decision_id for found in kept.decisions(wanted, 1)] == decision_ids[:1]


def test_the_tail_is_the_last_rows_in_order(kept: PostgresJournal) -> None:
    run_id = keep(kept, *small_run()[1:])
    rows = list(kept.rows(run_id))
    assert kept.tail(run_id, 3) == rows[-3:]
    assert kept.tail(run_id, 100) == rows
