"""A short slice of either soak; the whole of them are `make soak-paper` and `make soak-live`."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.soak.market import Plan, is_recorded
from tests.soak.run import Kind, soak

SECS = 60.0
SHORT = Plan(past_days=4, epochs=1)

pytestmark = [
    pytest.mark.venue,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not is_recorded(), reason="the recorded minutes are not here (../shared/data)"),
]


@pytest.mark.parametrize("kind", ["paper", "live"])
def test_through_twenty_minutes_of_market_and_many_faults_nothing_is_lost_doubled_or_naked(
    tmp_path: Path, kind: Kind, own_home: Path
) -> None:
    assert os.environ["HELIOS_HOME"] == str(own_home)
    outcome = asyncio.run(soak(kind, tmp_path, SHORT, secs=SECS, seed=1))
    assert outcome.mistakes == []
    assert outcome.counts["trades"] > 0
    assert outcome.strikes
