import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.domain.drift import Alarm, FeatureDrift, Limits, Outcomes, fit_deciles, population_stability
from helios_nautilus.errors import ConfigError


def rows(count: int, *, seed: int = 0, shift: float = 0.0) -> np.ndarray:
    """Three features: a normal one, one with fat tails, and one of two values only."""
    rng = np.random.default_rng(seed)
    return np.column_stack(
        (rng.normal(shift, 1.0, count), rng.standard_t(3, count) + shift, rng.integers(0, 2, count) + shift)
    )


def test_rows_of_the_training_span_itself_have_not_moved():
    x = rows(5_000)
    drift = FeatureDrift(fit_deciles(x), len(x))
    drift.update(x)
    assert drift.stability() == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)


def test_the_index_is_the_sum_over_bins_of_share_gained_times_its_log_ratio():
    expected, actual = np.array([[0.5, 0.5]]), np.array([[0.6, 0.4]])
    assert population_stability(expected, actual)[0] == pytest.approx(0.1 * np.log(1.2) - 0.1 * np.log(0.8))


def test_other_rows_of_the_same_kind_move_little_and_shifted_ones_much():
    deciles = fit_deciles(rows(20_000))
    same, moved = FeatureDrift(deciles, 5_000), FeatureDrift(deciles, 5_000)
    same.update(rows(5_000, seed=1))
    moved.update(rows(5_000, seed=1, shift=0.7))
    assert max(same.stability()) < 0.01
    assert min(moved.stability()[:2]) > 0.25


def test_nothing_is_said_before_the_window_is_full():
    drift = FeatureDrift(fit_deciles(rows(100)), 50)
    drift.update(rows(49))
    assert drift.stability() is None
    drift.update(rows(1))
    assert drift.stability() is not None


@settings(max_examples=40)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.integers(1, 60))
def test_rows_in_pieces_give_what_the_newest_window_gives_at_once(pieces, window):
    x = rows(sum(pieces) + window, seed=3, shift=0.3)
    deciles = fit_deciles(rows(400))
    streamed, at = FeatureDrift(deciles, window), 0
    for count in (window, *pieces):
        streamed.update(x[at : at + count])
        at += count
    at_once = FeatureDrift(deciles, window)
    at_once.update(x[-window:])
    np.testing.assert_array_equal(streamed.stability(), at_once.stability())


def test_hit_rate_and_confidence_are_those_of_the_newest_outcomes():
    outcomes = Outcomes(4)
    for confidence, is_hit in ((0.9, False), (0.6, True), (0.7, True)):
        outcomes.add(confidence, is_hit)
    assert (outcomes.hit_rate, outcomes.confidence) == (None, None)
    outcomes.add(0.6, False)
    assert outcomes.hit_rate == 0.5
    outcomes.add(0.5, True)
    assert outcomes.hit_rate == 0.75
    assert outcomes.confidence == pytest.approx(0.6)


def test_an_alarm_rings_above_its_limit_and_falls_silent_below_a_lower_one():
    alarm = Alarm(Limits(alert=0.5, clear=0.3))
    told = [(value, alarm.is_raised) for value in (0.4, 0.5, 0.51, 0.4, 0.9, 0.31, 0.3, 0.4) if alarm.update(value)]
    assert told == [(0.51, True), (0.3, False)]


def test_limits_that_could_flutter_are_refused():
    with pytest.raises(ConfigError, match="clear must lie in"):
        Limits(alert=0.3, clear=0.4)
