"""Metrics by what is fed to them; ``scraped`` is what Prometheus would read."""

from math import isnan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from helios_nautilus.domain.portfolio.kill_switch import Trigger
from helios_nautilus.domain.timeframe import NS_PER_MS, NS_PER_SEC
from helios_nautilus.journal.records import (
    CheckResult,
    EventRecord,
    GuardianRecord,
    KillSwitchRecord,
    RebalanceRecord,
    Record,
)
from helios_nautilus.journal.status import NodeStatus
from helios_nautilus.watch.record_metrics import RecordMetrics
from helios_nautilus.watch.status_metrics import StatusMetrics
from tests.integration.journal.samples import (
    BTC,
    answer,
    any_record,
    any_struct,
    fill,
    gate_call,
    order,
    predict,
    propose,
    size,
    status,
    trade,
)

NOON_NS = 1_769_860_800 * NS_PER_SEC
AT_NOON = "BTCZAR.VALR-20260131T1200"


class Scene:
    """Both kinds of metrics, and a clock that stands."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.now_ns = 0
        self.records = RecordMetrics(self.registry, lambda: self.now_ns)
        self.status = StatusMetrics(self.registry)

    def feed(self, *records: Record) -> "Scene":
        for record in records:
            self.records.on_record(record)
            self.status.on_record(record)
        return self

    def show(self, shown: NodeStatus) -> "Scene":
        self.records.on_status(shown)
        self.status.on_status(shown)
        return self

    def value(self, name: str, /, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


def scraped(scene: Scene) -> set[str]:
    """Names of all metrics, as a reader of the text finds them."""
    text = generate_latest(scene.registry).decode()
    return {family.name for family in text_string_to_metric_families(text)}


def test_a_trade_is_counted_from_its_prediction_to_its_profit() -> None:
    scene = Scene().feed(*trade())
    assert scene.value("helios_predictions_total", instrument=BTC, veto="none") == 1
    assert scene.value("helios_gate_verdicts_total", decision="APPROVE") == 1
    assert scene.value("helios_orders_total", role="ENTRY", status="SUBMITTED") == 1
    assert scene.value("helios_fills_total", role="ENTRY", liquidity="TAKER") == 1
    assert scene.value("helios_commission_account_currency_total") == 5.0000005
    assert scene.value("helios_positions_closed_total", reason="TAKE_PROFIT") == 1
    assert scene.value("helios_realised_pnl_account_currency") == 190.5


def test_each_decision_comes_to_one_end() -> None:
    checked = GuardianRecord(ts_ns=1, decision_id="D-4", instrument_id=BTC, passed=False, checks=())
    scene = Scene().feed(
        *trade("D-1"),
        fill("D-1", 2_002),
        replace(propose("D-2", 1), action="dropped", reason="hold"),
        size("D-3", 1, approved=False),
        answer("D-4", 1, "REJECT"),
        checked,
        replace(propose("D-5", 1), action="exit"),
        order("D-6", 1, "REJECTED", "O-6"),
    )
    ends = "entered", "exit", *(f"rejected-by-{who}" for who in ("strategy", "aether", "gate", "guardian", "venue"))
    assert [scene.value("helios_decisions_total", outcome=end) for end in ends] == [1.0] * len(ends)


def test_guardian_s_checks_are_counted_by_name_and_result() -> None:
    passed, failed = (
        CheckResult(name=name, passed=name == "drawdown", value=0.1, limit=0.15, words="")
        for name in ("drawdown", "rate")
    )
    record = GuardianRecord(ts_ns=1, decision_id="D", instrument_id=BTC, passed=False, checks=(passed, failed))
    scene = Scene().feed(record, record)
    assert scene.value("helios_guardian_checks_total", check="drawdown", result="passed") == 2
    assert scene.value("helios_guardian_checks_total", check="rate", result="failed") == 2


@pytest.mark.parametrize("trigger", Trigger)
def test_each_trigger_of_the_kill_switch_is_a_label(trigger: Trigger) -> None:
    scene = Scene().feed(KillSwitchRecord(ts_ns=1, state="HALT", trigger=trigger.value, words=""))
    assert scene.value("helios_kill_switch_moves_total", state="HALT", trigger=trigger.value) == 1


def test_what_the_gate_costs_and_how_long_it_takes() -> None:
    call = gate_call(outcome="timeout", latency_ms=1_500.0, cost_usd=0.25)
    scene = Scene().feed(call, replace(call, outcome="answered"))
    assert scene.value("helios_gate_calls_total", provider="anthropic", outcome="timeout") == 1
    assert scene.value("helios_gate_cost_usd_total", provider="anthropic") == 0.5
    assert scene.value("helios_gate_call_seconds_sum", provider="anthropic") == 3.0


def test_moves_of_the_kill_switch_rebalancings_and_events() -> None:
    scene = Scene().feed(
        KillSwitchRecord(ts_ns=1, state="HALT", trigger="DRAWDOWN", words=""),
        RebalanceRecord(ts_ns=1, reason="DAILY", equity=1.0, changes=(), cash=1.0),
        EventRecord(ts_ns=1, kind="pipeline_error", words="gate: broke"),
    )
    assert scene.value("helios_kill_switch_moves_total", state="HALT", trigger="DRAWDOWN") == 1
    assert scene.value("helios_rebalancings_total", reason="DAILY") == 1
    assert scene.value("helios_events_total", kind="pipeline_error") == 1


def test_latency_from_a_bar_s_close_to_prediction_and_decision() -> None:
    checked = GuardianRecord(
        ts_ns=NOON_NS + 900 * NS_PER_MS, decision_id=AT_NOON, instrument_id=BTC, passed=True, checks=()
    )
    scene = Scene().feed(predict(AT_NOON, NOON_NS + 200 * NS_PER_MS), checked, predict("no stamp", NOON_NS))
    assert scene.value("helios_prediction_seconds_count") == 1
    assert round(scene.value("helios_prediction_seconds_sum") or 0, 6) == 0.2
    assert round(scene.value("helios_decision_seconds_sum") or 0, 6) == 0.9


def test_latency_of_an_order_is_from_its_sending_to_the_venue_s_word_by_our_own_clock() -> None:
    scene = Scene().feed(order("D", 1, "SUBMITTED"))
    scene.now_ns = 40 * NS_PER_MS
    scene.feed(order("D", 99, "ACCEPTED"), order("D", 100, "ACCEPTED"), order("D", 1, "ACCEPTED", "O-foreign"))
    assert scene.value("helios_order_seconds_count", role="ENTRY") == 1
    assert scene.value("helios_order_seconds_sum", role="ENTRY") == 0.04


def test_an_order_that_is_refused_has_no_latency() -> None:
    scene = Scene().feed(order("D", 1, "SUBMITTED"), order("D", 2, "REJECTED"))
    assert scene.value("helios_order_seconds_count", role="ENTRY") is None


def test_a_commission_that_was_earned_does_not_break_the_count() -> None:
    scene = Scene().feed(replace(fill("D", 1), commission_value=-fill("D", 1).commission_value))
    assert scene.value("helios_commission_account_currency_total") == 0


def test_the_status_as_gauges() -> None:
    scene = Scene().show(status(7 * NS_PER_SEC))
    assert scene.value("helios_status_timestamp_seconds") == 7.0
    assert scene.value("helios_equity_account_currency") == 100_250.5
    assert scene.value("helios_drawdown_ratio") == 0.0074
    assert scene.value("helios_open_positions") == 1
    assert scene.value("helios_unguarded_positions") == 0
    assert scene.value("helios_position_value_account_currency", instrument=BTC) == 20_250.5
    assert scene.value("helios_need_met", need="journal") == 1
    assert scene.value("helios_need_met", need="quotes") == 0
    assert scene.value("helios_bar_age_seconds", instrument=BTC) == 31.0
    assert [scene.value("helios_kill_state", state=each) for each in ("NORMAL", "REDUCE_ONLY", "HALT")] == [1, 0, 0]
    named = {"mode": "paper", "run_id": "demo-paper-1", "name": "demo", "model_id": "m-1", "currency": "ZAR"}
    assert scene.value("helios_node_info", **named) == 1


def test_a_position_that_was_closed_is_worth_nothing() -> None:
    scene = Scene().show(status(1))
    scene.show(replace(status(2), positions=()))
    assert scene.value("helios_position_value_account_currency", instrument=BTC) == 0


def test_what_is_not_known_is_no_number() -> None:
    scene = Scene().show(replace(status(1), equity=None, clock_skew_ms=None))
    for name in ("helios_equity_account_currency", "helios_clock_skew_seconds"):
        value = scene.value(name)
        assert value is not None
        assert isnan(value)


def test_every_name_says_whose_it_is() -> None:
    names = scraped(Scene().feed(*trade()).show(status(1)))
    assert len(names) > 45
    assert [name for name in names if not name.startswith("helios_")] == []


@settings(max_examples=60)
@given(st.lists(any_record(), max_size=5), any_struct(NodeStatus))
def test_whatever_is_told_can_be_scraped(records: list[Record], shown: NodeStatus) -> None:
    assert scraped(Scene().feed(*records).show(shown))
