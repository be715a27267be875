import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.errors import NotEnoughHistoryError
from helios_nautilus.models.bootstrap import DayBootstrap, bootstrap_difference, day_of, ratio, with_count


def draw(seed=0):
    return np.random.default_rng(seed)


def days(n, rows_a_day):
    return np.repeat(np.arange(n), rows_a_day)


def test_interval_of_independent_days_is_that_of_the_textbook():
    values = draw(1).normal(size=400)
    got = DayBootstrap(days(400, 1), draw(), draws=4000, block_days=1.0).interval(with_count(values), ratio)
    half = 1.96 * values.std() / 20
    assert got.estimate == pytest.approx(values.mean())
    assert (got.low, got.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.1 * half)


def test_rows_of_a_day_that_say_the_same_make_nothing_surer():
    of_days = draw(1).normal(size=60)
    alone = DayBootstrap(days(60, 1), draw()).interval(with_count(of_days), ratio)
    repeated = DayBootstrap(days(60, 50), draw()).interval(with_count(np.repeat(of_days, 50)), ratio)
    assert (repeated.low, repeated.high) == pytest.approx((alone.low, alone.high))


def test_spells_of_days_widen_the_interval():
    spells = np.repeat(draw(1).normal(size=40), 10)
    width = {}
    for block_days in (1.0, 10.0):
        got = DayBootstrap(days(400, 1), draw(), block_days=block_days).interval(with_count(spells), ratio)
        width[block_days] = got.high - got.low
    assert width[10.0] > 1.8 * width[1.0]


def test_interval_holds_the_truth_about_as_often_as_it_says():
    held = 0
    for seed in range(200):
        got = DayBootstrap(days(80, 1), draw(seed), draws=300).interval(
            with_count(draw(1000 + seed).normal(size=80)), ratio
        )
        held += got.low <= 0.0 <= got.high
    assert 0.87 < held / 200 <= 1.0


def test_the_same_seed_draws_the_same_days():
    loss_a, loss_b, day = draw(1).random(90), draw(2).random(90), days(30, 3)
    assert bootstrap_difference(loss_a, loss_b, day, draw(3)) == bootstrap_difference(loss_a, loss_b, day, draw(3))


def test_lower_losses_are_a_difference_above_zero():
    loss, day = draw(1).random(900), days(30, 30)
    got = bootstrap_difference(loss, loss - 0.1, day, draw())
    assert (got.low, got.estimate, got.high) == pytest.approx((0.1, 0.1, 0.1))
    unsure = bootstrap_difference(loss, draw(2).permutation(loss), day, draw())
    assert unsure.low < 0.0 < unsure.high


def test_a_single_day_says_nothing():
    assert DayBootstrap(days(1, 9), draw()).interval(with_count(np.arange(9.0)), ratio) is None
    with pytest.raises(NotEnoughHistoryError, match="longer test span"):
        bootstrap_difference(np.ones(9), np.zeros(9), days(1, 9), draw())


def test_share_of_nothing_is_no_figure():
    assert DayBootstrap(days(5, 2), draw()).interval(np.zeros((10, 2)), ratio) is None


def test_days_begin_at_midnight_utc():
    assert day_of(np.array([0, NS_PER_DAY - 1, NS_PER_DAY])).tolist() == [0, 0, 1]


@settings(max_examples=40)
@given(n=st.integers(2, 30), seed=st.integers(0, 1000), block_days=st.floats(1.0, 50.0))
def test_every_draw_has_as_many_days_as_there_are(n, seed, block_days):
    """A statistic that counts the days gives the same figure in every draw."""
    got = DayBootstrap(days(n, 1), draw(seed), draws=50, block_days=block_days).interval(
        with_count(np.ones(n)), lambda sums: sums[:, 1]
    )
    assert (got.low, got.estimate, got.high) == (n, n, n)
