"""Four kills of the campaign; the whole of it is `make kill-matrix`."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.kill_matrix.campaign import play
from tests.kill_matrix.market import PLAN
from tests.kill_matrix.moments import Kind, draw_moments
from tests.soak.market import is_recorded

pytestmark = [
    pytest.mark.venue,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not is_recorded(), reason="the recorded minutes are not here (../shared/data)"),
]

AIMS = (Kind.ENTRY_FILLED, Kind.FILL_KEPT, Kind.HALT, Kind.EXIT_SENT)


def test_killed_at_a_fill_before_its_stop_or_its_row_at_a_halt_and_before_an_exit_is_answered_nothing_is_lost(
    tmp_path: Path, own_home: Path
) -> None:
    assert os.environ["HELIOS_HOME"] == str(own_home)
    moments = [draw_moments(1, 1, PLAN.speed, only=kind)[0] for kind in AIMS]
    outcome = asyncio.run(play(tmp_path, 1, moments, tell=lambda _killed: None))
    assert [(killed.kind, killed.came) for killed in outcome.kills] == [(kind, True) for kind in AIMS]
    assert [killed.mistakes for killed in outcome.kills] == [[]] * len(AIMS)
    assert outcome.mistakes == []
