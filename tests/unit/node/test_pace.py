"""Venue time is a line over wall time; what the machine's own work may take is as long in venue time as it takes."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.config import VenueSection, load_config
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR, NS_PER_SEC
from helios_nautilus.errors import ConfigError
from helios_nautilus.node.pace import Pace, find_pace, in_venue_time
from tests.acceptance.cli import SMALL, write_config

TODAY_NS = 1_760_000_000 * NS_PER_SEC
THEN_NS = 1_735_689_600 * NS_PER_SEC
FAST = Pace(speed=20.0, venue_ns=THEN_NS, wall_ns=TODAY_NS)


def test_an_hour_of_ours_is_twenty_of_a_venue_at_speed_twenty() -> None:
    assert FAST.to_venue(TODAY_NS) == THEN_NS
    assert FAST.to_venue(TODAY_NS + NS_PER_HOUR) == THEN_NS + 20 * NS_PER_HOUR
    assert FAST.to_wall(THEN_NS + 20 * NS_PER_HOUR) == TODAY_NS + NS_PER_HOUR


@given(
    speed=st.floats(0.1, 1000.0),
    passed_ns=st.integers(-NS_PER_DAY, 7 * NS_PER_DAY),
    later_ns=st.integers(0, NS_PER_DAY),
)
def test_there_and_back_again_loses_less_than_a_microsecond_and_time_never_runs_backwards(
    speed: float, passed_ns: int, later_ns: int
) -> None:
    pace = Pace(speed=speed, venue_ns=THEN_NS, wall_ns=TODAY_NS)
    wall_ns = TODAY_NS + passed_ns
    assert abs(pace.to_wall(pace.to_venue(wall_ns)) - wall_ns) < 1_000
    assert pace.to_venue(wall_ns) <= pace.to_venue(wall_ns + later_ns)


def test_at_speed_one_venue_time_is_the_wall_clock_s_and_nobody_is_asked() -> None:
    pace = find_pace(VenueSection(http_url="http://127.0.0.1:1"))
    assert pace.is_wall
    assert pace.to_venue(TODAY_NS) == pace.to_wall(TODAY_NS) == TODAY_NS
    before_ns = time.time_ns()
    assert before_ns <= pace.now_ns() <= time.time_ns()


@pytest.mark.parametrize("speed", [0.0, -1.0, 1e6, float("nan")])
def test_a_speed_that_cannot_be_is_refused(speed: float) -> None:
    with pytest.raises(ConfigError, match="venue: speed"):
        VenueSection(speed=speed)


def test_deadlines_of_our_own_work_are_stretched_and_simulated_latencies_are_not(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path / "run.toml", {**SMALL, "venue.speed": 20.0})).config
    stretched = in_venue_time(config)
    assert stretched.model.deadline_ms == 20.0 * config.model.deadline_ms
    assert stretched.gate.deadline_ms == 20 * config.gate.deadline_ms
    assert stretched.execution.proposal_ttl_secs == 20.0 * config.execution.proposal_ttl_secs
    assert stretched.execution.latency_ms == config.execution.latency_ms
    assert stretched.plan == config.plan


def test_at_speed_one_the_settings_are_what_they_were(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path / "run.toml", SMALL)).config
    assert in_venue_time(config) is config
