"""A node's time beside a simulator that replays the past fast."""

import socket
import time

import pytest

from helios_nautilus.config import VenueSection
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MS, NS_PER_SEC
from helios_nautilus.errors import DataError
from helios_nautilus.node import pace
from helios_nautilus.node.pace import find_pace
from helios_nautilus.simulator.exchange.clock import RunningClock
from helios_nautilus.simulator.exchange.opening import synthetic_markets
from tests.integration.serving import serving

SPEED = 20.0


def test_a_node_s_time_is_that_of_a_simulator_which_replays_the_past_at_twenty_times_the_speed() -> None:
    markets = synthetic_markets(seed=4, days=2)
    opens_ns = int(markets["BTCZAR"].bars.ts_ns[0]) + NS_PER_DAY
    clock = RunningClock(opens_ns, SPEED)
    with serving(markets, opens_ns, clock=clock) as exchange:
        found = find_pace(VenueSection(http_url=exchange.url, speed=SPEED))
    before_ns, now_ns, after_ns = clock.now_ns(), found.now_ns(), clock.now_ns()
    assert before_ns - 2 * NS_PER_SEC < now_ns < after_ns + 2 * NS_PER_SEC
    assert not found.is_wall
    assert abs(found.wall_ns - time.time_ns()) < 60 * NS_PER_SEC
    assert found.to_venue(found.wall_ns + NS_PER_MS) - found.venue_ns == 20 * NS_PER_MS


def test_a_venue_that_does_not_tell_its_time_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_PATIENCE_SECS", 0.2)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(DataError, match="does not tell its time"):
            find_pace(VenueSection(http_url=url, speed=SPEED))
