"""The kill switch: what moves it, that it only tightens by itself, and that it survives."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.portfolio.kill_switch import (
    KillState,
    KillStatus,
    KillSwitch,
    KillSwitchRules,
    MemoryKillStore,
    Trigger,
)
from helios_nautilus.domain.portfolio.valuation import EquityMark, EquityTracker
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR
from helios_nautilus.errors import ConfigError, HeliosError

MIDNIGHT = 20_000 * NS_PER_DAY


class FullDisk(MemoryKillStore):
    def save(self, status: KillStatus) -> None:
        raise OSError("no space left")


def a_switch(store: MemoryKillStore | None = None, **rules: object) -> KillSwitch:
    return KillSwitch(KillSwitchRules(**rules), store or MemoryKillStore())


def a_mark(equity: float, peak: float = 100.0, day_start: float = 100.0, ts_ns: int = MIDNIGHT) -> EquityMark:
    return EquityMark(ts_ns=ts_ns, equity=equity, peak=peak, day_start=day_start)


def test_a_new_switch_is_normal():
    assert a_switch().state is KillState.NORMAL


def test_a_drawdown_past_the_limit_halts_and_says_why():
    status = a_switch().on_equity(a_mark(84.0, day_start=84.0))

    assert status == KillStatus(
        state=KillState.HALT,
        trigger=Trigger.DRAWDOWN,
        words="equity is 16.00% below its peak, limit 15.00%; "
        "find out what lost it, then 'helios resume --rebase' measures from then on",
        ts_ns=MIDNIGHT,
    )


def test_a_bad_day_reduces_only():
    status = a_switch().on_equity(a_mark(94.0))

    assert status is not None
    assert (status.state, status.trigger) == (KillState.REDUCE_ONLY, Trigger.DAILY_LOSS)


def test_reaching_a_limit_is_not_past_it():
    assert a_switch().on_equity(a_mark(95.0)) is None
    assert a_switch().on_equity(a_mark(85.0, day_start=85.0)) is None


def test_a_crash_past_both_limits_halts():
    status = a_switch().on_equity(a_mark(80.0))

    assert status is not None
    assert (status.state, status.trigger) == (KillState.HALT, Trigger.DRAWDOWN)


def test_a_new_day_brings_a_new_baseline_but_the_latch_stays():
    switch, tracker = a_switch(), EquityTracker()

    def mark(equity: float, hours: int) -> KillStatus | None:
        found = tracker.update(equity, MIDNIGHT + hours * NS_PER_HOUR)
        assert found is not None
        return switch.on_equity(found)

    assert mark(100.0, 1) is None
    assert mark(94.0, 23) is not None
    assert mark(94.0, 25) is None
    assert tracker.last is not None
    assert tracker.last.daily_loss == 0.0
    assert switch.state is KillState.REDUCE_ONLY

    switch.clear(who="ann", why="a new day", ts_ns=MIDNIGHT + 26 * NS_PER_HOUR)
    assert mark(93.0, 27) is None
    assert mark(89.0, 28) is not None


def test_five_pipeline_errors_in_a_row_reduce_only_and_a_success_starts_the_count_again():
    switch = a_switch()
    for _ in range(4):
        assert switch.on_pipeline_error("features late", MIDNIGHT) is None
    switch.on_pipeline_ok()
    for _ in range(4):
        assert switch.on_pipeline_error("features late", MIDNIGHT) is None
    status = switch.on_pipeline_error("model timed out", MIDNIGHT)

    assert status is not None
    assert (status.state, status.trigger) == (KillState.REDUCE_ONLY, Trigger.PIPELINE_ERRORS)
    assert "model timed out" in status.words


@pytest.mark.parametrize("age", [301.0, math.inf, math.nan, None])
def test_stale_or_missing_data_matter_only_with_positions_open(age: float | None):
    switch = a_switch()

    assert switch.on_data_age(age, has_positions=False, ts_ns=MIDNIGHT) is None
    assert switch.on_data_age(300.0, has_positions=True, ts_ns=MIDNIGHT) is None
    status = switch.on_data_age(age, has_positions=True, ts_ns=MIDNIGHT)
    assert status is not None
    assert (status.state, status.trigger) == (KillState.REDUCE_ONLY, Trigger.STALE_DATA)


def test_a_reconciliation_mismatch_halts():
    status = a_switch().on_mismatch("venue holds 0.2 BTC, we hold 0.1", MIDNIGHT)

    assert status is not None
    assert (status.state, status.trigger) == (KillState.HALT, Trigger.RECONCILIATION)


def test_an_operator_can_tighten_but_not_loosen_without_clearing():
    switch = a_switch()

    assert switch.stop(KillState.HALT, who="ann", why="news", ts_ns=MIDNIGHT) is not None
    assert switch.stop(KillState.REDUCE_ONLY, who="ann", why="calmer", ts_ns=MIDNIGHT) is None
    assert switch.stop(KillState.NORMAL, who="ann", why="calm", ts_ns=MIDNIGHT) is None
    assert switch.state is KillState.HALT
    assert switch.status.words == "HALT by ann: news"


def test_reduce_only_can_still_become_halt():
    switch = a_switch()
    switch.on_equity(a_mark(94.0))

    assert switch.on_mismatch("a fill we do not know", MIDNIGHT) is not None
    assert switch.state is KillState.HALT


def test_clearing_names_who_and_why():
    switch = a_switch()
    switch.on_mismatch("orders differ", MIDNIGHT)
    status = switch.clear(who="ann", why="books agree again", ts_ns=MIDNIGHT + 1)

    assert switch.state is KillState.NORMAL
    assert (status.trigger, status.words) == (Trigger.CLEARED, "HALT cleared by ann: books agree again")


@pytest.mark.parametrize(("who", "why"), [("", "fine"), ("ann", " ")])
def test_clearing_without_a_name_or_a_reason_is_refused(who: str, why: str):
    switch = a_switch()
    switch.on_mismatch("orders differ", MIDNIGHT)

    with pytest.raises(HeliosError, match="who clears it and why"):
        switch.clear(who=who, why=why, ts_ns=MIDNIGHT)
    assert switch.state is KillState.HALT


def test_clearing_forgets_the_errors_counted_so_far():
    switch = a_switch(max_pipeline_errors=2)
    switch.on_pipeline_error("late", MIDNIGHT)
    switch.clear(who="ann", why="fixed", ts_ns=MIDNIGHT)

    assert switch.on_pipeline_error("late", MIDNIGHT) is None


def test_a_restart_finds_the_switch_as_it_was():
    store = MemoryKillStore()
    a_switch(store).on_mismatch("orders differ", MIDNIGHT)
    restarted = a_switch(store)

    assert restarted.state is KillState.HALT
    restarted.clear(who="ann", why="checked", ts_ns=MIDNIGHT)
    assert a_switch(store).state is KillState.NORMAL


def test_a_store_that_fails_cannot_keep_trading_alive():
    switch = a_switch(FullDisk())
    status = switch.on_mismatch("orders differ", MIDNIGHT)

    assert status is not None
    assert switch.state is KillState.HALT
    assert "no space left" in status.words


def test_a_clearing_that_cannot_be_stored_does_not_count():
    switch = a_switch(FullDisk(KillStatus(state=KillState.HALT)))

    with pytest.raises(OSError, match="no space"):
        switch.clear(who="ann", why="checked", ts_ns=MIDNIGHT)
    assert switch.state is KillState.HALT


def test_how_far_a_trigger_moves_the_switch_is_configured():
    assert a_switch(on_daily_loss=KillState.HALT).on_equity(a_mark(94.0)).state is KillState.HALT


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_drawdown": 0.0},
        {"max_daily_loss": 1.0},
        {"max_pipeline_errors": 0},
        {"max_data_age_secs": math.nan},
        {"on_mismatch": KillState.NORMAL},
    ],
)
def test_rules_that_would_disarm_the_switch_are_a_config_error(wrong: dict[str, object]):
    with pytest.raises(ConfigError, match="kill switch"):
        KillSwitchRules(**wrong)


EVENTS = st.one_of(
    st.tuples(st.just("equity"), st.floats(-10.0, 200.0)),
    st.tuples(st.just("age"), st.floats(0.0, 1000.0)),
    st.tuples(st.just("stop"), st.sampled_from(KillState)),
    st.sampled_from([("ok", None), ("error", None), ("mismatch", None)]),
)


@given(st.lists(EVENTS, max_size=40))
def test_without_a_clearing_the_switch_only_ever_tightens(events: list[tuple[str, object]]):
    store = MemoryKillStore()
    switch = a_switch(store)
    act = {
        "equity": lambda equity: switch.on_equity(a_mark(equity)),
        "age": lambda age: switch.on_data_age(age, has_positions=True, ts_ns=0),
        "stop": lambda state: switch.stop(state, who="ann", why="a test", ts_ns=0),
        "ok": lambda _: switch.on_pipeline_ok(),
        "error": lambda _: switch.on_pipeline_error("late", 0),
        "mismatch": lambda _: switch.on_mismatch("orders differ", 0),
    }
    for name, value in events:
        before = switch.state.level
        moved = act[name](value)
        assert switch.state.level >= before
        assert (moved is not None) == (switch.state.level > before)
        assert store.load() == switch.status
