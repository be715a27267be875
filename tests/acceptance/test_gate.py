"""A slice of ``python -m benchmarks.promotion``: what the gate lets pass on markets whose worth is known."""

import pytest

from benchmarks.promotion import EFFICIENT, MOMENTUM, try_gate

pytestmark = pytest.mark.slow


def test_a_model_of_an_efficient_market_is_refused_for_want_of_an_edge_though_it_is_ahead_of_all_baselines() -> None:
    trial = try_gate(7, EFFICIENT)
    assert all(rival.lead is not None and rival.lead.low > 0 for rival in trial.standing.rivals)
    (objection,) = trial.objections
    assert objection.startswith("it knows nothing sure about the side")


def test_a_model_of_a_market_with_momentum_passes() -> None:
    trial = try_gate(2, MOMENTUM)
    assert trial.objections == ()
