"""A short slice of the campaign; the whole of it is `make chaos`."""

import pytest

from tests.chaos.run import play_seed
from tests.chaos.scenario import draw_scenario

CASH, KILLED_ON_MARGIN = 17, 24
SECS = 1.5


def test_the_seeds_are_what_their_names_say() -> None:
    cash, killed = draw_scenario(CASH, SECS), draw_scenario(KILLED_ON_MARGIN, SECS)
    assert (cash.is_margin, len(cash.kills_secs)) == (False, 0)
    assert (killed.is_margin, len(killed.kills_secs)) == (True, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [CASH, KILLED_ON_MARGIN])
def test_after_a_storm_of_faults_the_books_of_a_node_equal_the_ledger(seed: int) -> None:
    outcome = play_seed(seed, SECS)
    assert outcome.mistakes == [], outcome.keep_log()
    assert outcome.fills
    assert outcome.strikes
