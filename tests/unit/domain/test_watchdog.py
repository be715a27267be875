from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_MIN, NS_PER_SEC
from helios_nautilus.domain.watchdog import COMPLAINTS, Growth, Vitals, Watch, WatchdogRules
from helios_nautilus.errors import ConfigError

WELL = Vitals(
    ts_ns=0,
    loop_lag_ms=1.0,
    clock_skew_secs=0.01,
    memory_mb=500.0,
    memory_growth_mb=0.0,
    quote_age_secs={"BTCZAR.VALR": 1.0},
    bar_age_secs={"BTCZAR.VALR": 30.0},
    is_journal_healthy=True,
)
ILL: Mapping[str, Vitals] = {
    "loop": replace(WELL, loop_lag_ms=2_001.0),
    "clock": replace(WELL, clock_skew_secs=-1.1),
    "memory": replace(WELL, memory_growth_mb=1_025.0),
    "quote_age": replace(WELL, quote_age_secs={"BTCZAR.VALR": 301.0}),
    "bar_age": replace(WELL, bar_age_secs={"BTCZAR.VALR": 181.0}),
    "keeping": replace(WELL, is_journal_healthy=False),
}


def test_there_is_a_case_here_for_everything_that_can_be_wrong() -> None:
    assert set(ILL) == set(COMPLAINTS)


@pytest.mark.parametrize("name", ILL)
def test_what_is_past_its_limit_is_told_once_when_it_begins_and_once_when_it_ends(name: str) -> None:
    watch, calm_ns = Watch(WatchdogRules()), 10 * NS_PER_SEC
    assert watch.examine(WELL) == []

    begun = watch.examine(replace(ILL[name], ts_ns=1 * NS_PER_SEC))
    again = watch.examine(replace(ILL[name], ts_ns=2 * NS_PER_SEC))
    assert [(change.name, change.begins) for change in begun] == [(name, True)]
    assert again == []
    assert watch.complaint(name) == begun[0].words

    assert watch.examine(replace(WELL, ts_ns=2 * NS_PER_SEC + calm_ns - 1)) == [], "it may come again"
    over = watch.examine(replace(WELL, ts_ns=2 * NS_PER_SEC + calm_ns))
    assert [(change.name, change.begins, change.words) for change in over] == [(name, False, begun[0].words)]
    assert watch.complaint(name) == ""


def test_what_is_not_known_yet_is_no_complaint() -> None:
    unknown: dict[str, float | None] = {"BTCZAR.VALR": None}
    vitals = replace(WELL, clock_skew_secs=None, quote_age_secs=unknown, bar_age_secs=unknown)

    assert Watch(WatchdogRules()).examine(vitals) == []


def test_a_limit_that_is_met_exactly_is_kept() -> None:
    assert Watch(WatchdogRules()).examine(replace(WELL, loop_lag_ms=2_000.0, clock_skew_secs=1.0)) == []


def test_memory_above_its_limit_is_told_whether_it_grew_or_not() -> None:
    (change,) = Watch(WatchdogRules(max_memory_mb=400.0)).examine(WELL)

    assert (change.name, change.words) == ("memory", "500 MB are in use, limit 400 MB")


def test_limits_that_would_never_or_always_be_past_are_refused() -> None:
    with pytest.raises(ConfigError, match="max_loop_lag_ms"):
        WatchdogRules(max_loop_lag_ms=0.0)


def test_growth_is_measured_from_the_lowest_of_the_last_hour_and_not_from_before() -> None:
    growth = Growth()
    assert growth.update(0, 100.0) == 0.0
    assert growth.update(30 * NS_PER_MIN, 150.0) == 50.0
    assert growth.update(NS_PER_HOUR + 1, 160.0) == 10.0


@given(st.lists(st.floats(0.0, 1e5), min_size=1, max_size=100))
def test_growth_is_never_more_than_the_rise_above_the_lowest_ever_and_never_below_nothing(values: list[float]) -> None:
    growth = Growth()
    for minute, value in enumerate(values):
        grown = growth.update(minute * NS_PER_MIN, value)
        assert 0.0 <= grown <= value - min(values[: minute + 1])


@pytest.mark.parametrize(
    ("quote_age", "bar_age", "age"),
    [
        (400.0, 60.0, 400.0),  # trades, but no quote since: the quotes are lost
        (2.0, 4_000.0, 2.0),  # nobody trades, the book moves
        (310.0, 290.0, 290.0),  # the top of the book stood still through the last trades
        (400.0, 350.0, 350.0),
        (400.0, None, 400.0),
        (None, 60.0, 777.0),  # no quote ever: as long as the node waits
    ],
)
def test_a_quiet_market_is_not_a_dead_one(quote_age: float | None, bar_age: float | None, age: float) -> None:
    vitals = replace(WELL, quote_age_secs={"A": quote_age}, bar_age_secs={"A": bar_age})
    assert vitals.data_age_secs("A", 777.0) == age
