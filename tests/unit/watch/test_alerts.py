"""What an operator is told, by what is fed in; ``told`` is what would be sent."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.errors import ConfigError
from helios_nautilus.journal.records import (
    AS_ASKED,
    CheckResult,
    EventRecord,
    GuardianRecord,
    KillSwitchRecord,
    RebalanceRecord,
    Record,
    WeightChange,
)
from helios_nautilus.journal.status import Need, NodeStatus, TierStatus
from helios_nautilus.watch.alert import Alert, Source, encode_alert
from helios_nautilus.watch.alerts import Alerts
from helios_nautilus.watch.settings import AlertSettings
from tests.integration.journal.samples import BTC, RUN, any_record, any_struct, gate_call, order, status

HALT = KillSwitchRecord(ts_ns=1, state="HALT", trigger="DRAWDOWN", words="16.00% below its peak")
CLEARED = KillSwitchRecord(ts_ns=2, state="NORMAL", trigger="CLEARED", words="HALT cleared by ann: seen")
STOPPED = EventRecord(ts_ns=1, kind="stopped", words=AS_ASKED)


class Scene:
    """Alerts as configured, and what they told."""

    def __init__(self, **changed: object) -> None:
        self.told: list[Alert] = []
        self.alerts = Alerts(AlertSettings(**changed), self.told.append)  # type: ignore[arg-type]

    def feed(self, *records: Record) -> list[Alert]:
        for record in records:
            self.alerts.on_record(record)
        return self.told

    def show(self, *shown: NodeStatus) -> list[Alert]:
        for each in shown:
            self.alerts.on_status(each)
        return self.told


def well(secs: float = 1.0) -> NodeStatus:
    """A node that lacks nothing, after so many seconds."""
    return replace(status(int(secs * NS_PER_SEC)), is_ready=True, needs=(), is_journal_healthy=True, positions=())


def lacking(name: str, secs: float) -> NodeStatus:
    return replace(well(secs), is_ready=False, needs=(Need(name="journal"), Need(name=name, missing="it is not well")))


def unguarded(secs: float) -> NodeStatus:
    held = replace(status(1).positions[0], is_guarded=False)
    return replace(well(secs), positions=(held,))


def heads(told: list[Alert]) -> list[tuple[str, str]]:
    return [(alert.level, alert.kind) for alert in told]


# Records


@pytest.mark.parametrize(
    ("record", "head"),
    [
        (RUN, ("info", "start")),
        (STOPPED, ("info", "stopped")),
        (replace(STOPPED, words="the engine stopped by itself"), ("critical", "stopped_by_itself")),
        (HALT, ("critical", "halt")),
        (replace(HALT, state="REDUCE_ONLY", trigger="DAILY_LOSS"), ("warning", "reduce_only")),
        (EventRecord(ts_ns=1, kind="drift", words="miss rate: 0.8 is above 0.75"), ("warning", "drift")),
        (EventRecord(ts_ns=1, kind="pipeline_error", words="gate: broke"), ("warning", "pipeline_error")),
        (EventRecord(ts_ns=1, kind="not_flat", words="0.1 is not closed after 10 s"), ("critical", "not_flat")),
        (EventRecord(ts_ns=1, kind="adopted", words="0.1 are held of no known bet"), ("warning", "adopted")),
        (EventRecord(ts_ns=1, kind="command", words="halt by ann (cli): test; done: HALT"), ("info", "command")),
        (order("D", 1, "REJECTED"), ("info", "order_rejected")),
        (replace(order("D", 1, "DENIED"), role="STOP"), ("warning", "order_rejected")),
        (
            GuardianRecord(ts_ns=1, decision_id="D", instrument_id=BTC, passed=False, checks=()),
            ("info", "guardian_rejection"),
        ),
        (RebalanceRecord(ts_ns=1, reason="DAILY", equity=1.0, changes=(), cash=1.0), ("info", "rebalanced")),
    ],
)
def test_a_record_worth_telling(record: Record, head: tuple[str, str]) -> None:
    assert heads(Scene().feed(record)) == [head]


def test_a_gate_over_its_budget_is_told_a_gate_that_answered_is_not() -> None:
    call = gate_call(outcome="over_budget")
    assert heads(Scene().feed(call, replace(call, outcome="answered"))) == [("warning", "gate_over_budget")]


def test_what_guardian_rejected_is_told_in_the_words_of_the_checks_that_failed() -> None:
    checks = tuple(
        CheckResult(name=name, passed=name == "rate", value=0.2, limit=0.1, words=f"{name} in words")
        for name in ("rate", "drawdown", "leverage")
    )
    (alert,) = Scene().feed(GuardianRecord(ts_ns=1, decision_id="D", instrument_id=BTC, passed=False, checks=checks))
    assert (alert.subject, alert.words) == (f"{BTC} drawdown, leverage", "drawdown in words; leverage in words")


def test_a_rebalancing_is_told_with_what_is_traded() -> None:
    change = WeightChange(instrument_id=BTC, current=0.1, target=0.2, change=0.1, view=None)
    idle = replace(change, instrument_id="ETHZAR.VALR", change=0.0)
    (alert,) = Scene().feed(RebalanceRecord(ts_ns=1, reason="DAILY", equity=1.0, changes=(change, idle), cash=0.8))
    assert alert.words == f"{BTC} +10.0%; cash 80.0%"


def test_clearing_the_kill_switch_ends_what_was_told_of_it_and_nothing_else() -> None:
    told = Scene().feed(HALT, CLEARED)
    assert [(alert.kind, alert.is_over) for alert in told] == [("halt", False), ("halt", True)]
    assert Scene().feed(CLEARED) == []


def test_what_a_halt_could_not_close_is_over_when_it_is_closed() -> None:
    stuck = EventRecord(ts_ns=1, kind="not_flat", words="0.1 is not closed after 10 s", instrument_id=BTC)
    closed = replace(stuck, ts_ns=2, kind="flat", words=f"{BTC} is closed")
    told = Scene().feed(closed, stuck, replace(closed, instrument_id="ETHZAR.VALR"), closed)
    assert [(alert.kind, alert.subject, alert.is_over) for alert in told] == [
        ("not_flat", BTC, False),
        ("not_flat", BTC, True),
    ]


def test_every_command_is_told_though_they_come_close_together() -> None:
    words = "halt by ann (cli): test; done: HALT", "resume by ann (cli): test; done: NORMAL"
    told = Scene().feed(*(EventRecord(ts_ns=1, kind="command", words=each) for each in words))
    assert [alert.words for alert in told] == list(words)


def test_what_is_less_urgent_than_wanted_is_not_told() -> None:
    assert heads(Scene(level="critical").feed(RUN, replace(HALT, state="REDUCE_ONLY"), HALT)) == [("critical", "halt")]


# Status


def test_a_node_that_is_well_is_not_told_of() -> None:
    assert Scene().show(well(1), well(10_000)) == []


def test_a_journal_that_loses_rows_is_told_when_it_begins_and_when_it_is_over() -> None:
    sick = replace(well(2), is_journal_healthy=False)
    told = Scene().show(well(1), sick, replace(sick, ts_ns=3 * NS_PER_SEC), well(4), well(5))
    assert [(alert.level, alert.kind, alert.is_over) for alert in told] == [
        ("critical", "journal_losing", False),
        ("critical", "journal_losing", True),
    ]


def test_a_position_may_be_without_a_stop_for_moments_not_for_long() -> None:
    scene = Scene(unguarded_secs=5.0)
    assert scene.show(unguarded(1), unguarded(5), well(6), unguarded(7), unguarded(11.9)) == []
    assert heads(scene.show(unguarded(12))) == [("critical", "unguarded")]


def test_entries_may_be_closed_for_a_while_not_for_long() -> None:
    scene = Scene(not_ready_mins=5.0)
    assert scene.show(lacking("account", 1), lacking("account", 300)) == []
    (alert,) = scene.show(lacking("account", 301))
    assert (alert.level, alert.kind, alert.words) == (
        "warning",
        "not_ready",
        "entries are closed: account: it is not well",
    )


def predicted(secs: float, last_secs: float, *, is_on: bool = True) -> NodeStatus:
    """A node at so many seconds whose last prediction was at so many."""
    tier = TierStatus(tier="prediction", is_on=is_on, last_ns=int(last_secs * NS_PER_SEC))
    return replace(well(secs), tiers=(tier,))


def test_a_node_that_is_ready_and_predicts_nothing_is_told() -> None:
    scene = Scene(silent_mins=30.0)
    assert scene.show(predicted(1_800, 0), predicted(2_000, 300), predicted(9_000, 0, is_on=False)) == []
    assert scene.show(replace(predicted(9_000, 0), is_ready=False)) == [], "that is told by itself"
    assert heads(scene.show(predicted(2_101, 300))) == [("warning", "no_predictions")]


@pytest.mark.parametrize(
    ("need", "kind"),
    [("clock", "clock_skew"), ("loop", "loop_lag"), ("memory", "memory"), ("quote_age", "stale_data")],
)
def test_what_the_watchdog_misses_is_told_at_once(need: str, kind: str) -> None:
    assert heads(Scene().show(lacking(need, 1))) == [("warning", kind)]


def test_the_first_bar_of_a_run_may_be_on_its_way() -> None:
    scene = Scene()
    assert scene.show(lacking("bars", 1), lacking("bars", 90)) == []
    assert heads(scene.show(lacking("bars", 91))) == [("warning", "stale_data")]


def test_what_is_held_when_a_node_stops_is_told_for_nobody_watches_it_any_more() -> None:
    scene = Scene()
    scene.show(replace(well(1), positions=status(1).positions))
    assert heads(scene.feed(STOPPED)) == [("info", "stopped"), ("critical", "left_open")]
    assert scene.told[1].words == f"LONG 0.02 {BTC} is held, and no node watches its stop any more"


def test_a_node_that_stops_with_nothing_held_leaves_nothing_to_be_told() -> None:
    scene = Scene()
    scene.show(replace(well(1), positions=status(1).positions), well(2))
    assert heads(scene.feed(STOPPED)) == [("info", "stopped")]


# Repeats


def test_the_same_is_told_once_in_a_window_and_then_how_often_it_was() -> None:
    scene = Scene(repeat_mins=15.0)
    error = EventRecord(ts_ns=0, kind="pipeline_error", words="gate: broke")
    scene.feed(*(replace(error, ts_ns=minute * NS_PER_MIN) for minute in range(5)))
    scene.show(well(60 * 14.9))
    assert [alert.count for alert in scene.told] == [1]
    scene.show(well(60 * 15), well(60 * 15 + 1))
    assert [alert.count for alert in scene.told] == [1, 4]


def test_another_subject_is_another_alert() -> None:
    first = replace(order("D", 1, "REJECTED"), role="STOP")
    told = Scene().feed(first, replace(first, instrument_id="ETHZAR.VALR"), first)
    assert [alert.subject for alert in told] == [f"{BTC} STOP", "ETHZAR.VALR STOP"]


def test_a_condition_that_flutters_is_told_once_over_once_and_at_the_end_of_the_window_how_often() -> None:
    scene = Scene(repeat_mins=1.0)
    for secs in range(1, 40, 2):
        scene.show(lacking("loop", secs), well(secs + 1))
    assert [alert.is_over for alert in scene.told] == [False, True]
    scene.show(well(61))
    assert [(alert.is_over, alert.count) for alert in scene.told] == [(False, 1), (True, 1), (False, 19)]


def test_a_halt_after_a_halt_that_was_cleared_is_told_at_once() -> None:
    told = Scene().feed(HALT, replace(HALT, ts_ns=2), replace(CLEARED, ts_ns=3), replace(HALT, ts_ns=4))
    assert [(alert.is_over, alert.ts_ns) for alert in told] == [(False, 1), (True, 3), (False, 4)]


def test_what_is_held_back_when_a_run_ends_is_told_then() -> None:
    scene = Scene()
    error = EventRecord(ts_ns=1, kind="pipeline_error", words="gate: broke")
    scene.feed(error, error, error)
    scene.alerts.flush()
    assert [alert.count for alert in scene.told] == [1, 2]


@settings(max_examples=60)
@given(st.lists(st.integers(0, 3_600), max_size=30).map(sorted))
def test_nothing_that_happened_is_left_out_of_the_count(seconds: list[int]) -> None:
    scene = Scene()
    for secs in seconds:
        scene.feed(EventRecord(ts_ns=secs * NS_PER_SEC, kind="pipeline_error", words="gate: broke"))
    scene.alerts.flush()
    assert sum(alert.count for alert in scene.told) == len(seconds)


@settings(max_examples=60)
@given(st.lists(any_record(), max_size=5), st.lists(any_struct(NodeStatus), max_size=3))
def test_whatever_is_heard_can_be_told(records: list[Record], shown: list[NodeStatus]) -> None:
    scene = Scene()
    scene.feed(*records)
    scene.show(*shown)
    for alert in scene.told:
        assert len(json.loads(encode_alert(replace(alert, ts_ns=0), Source(mode="paper", run_id="r")))["words"]) <= 500


# Words


def test_a_message_for_a_program_and_for_a_chat() -> None:
    alert = Alert(level="critical", kind="could_not_flatten", subject=BTC, words="0.1 is left", ts_ns=10**18, count=3)
    assert json.loads(encode_alert(alert, Source(mode="live", run_id="valr-live-1"))) == {
        "level": "critical",
        "kind": "could_not_flatten",
        "subject": BTC,
        "words": "0.1 is left",
        "is_over": False,
        "count": 3,
        "mode": "live",
        "run_id": "valr-live-1",
        "ts": "2001-09-09T01:46:40.000000Z",
        "text": "[LIVE] CRITICAL: could not flatten (3 times): 0.1 is left (valr-live-1)",
    }


def test_a_message_of_many_words_is_cut() -> None:
    alert = Alert(level="info", kind="start", words="x" * 10_000, ts_ns=0, is_over=True)
    message = json.loads(encode_alert(alert, Source(mode="paper", run_id="r")))
    assert len(message["words"]) == 500
    assert message["text"].startswith("[PAPER] INFO over: start: xxx")


@pytest.mark.parametrize("changed", [{"repeat_mins": 0.0}, {"attempts": 0}, {"unguarded_secs": -1.0}])
def test_limits_that_mean_nothing_are_refused(changed: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="every limit must be above 0"):
        AlertSettings(**changed)  # type: ignore[arg-type]
