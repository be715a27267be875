import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR
from helios_nautilus.models.money import Bets, daily_ratio, daily_sums, deflate, take, trade

BUY, SELL, UNSURE = [0.1, 0.2, 0.7], [0.7, 0.2, 0.1], [0.3, 0.4, 0.3]


def bets(hours, p, net_long, net_short=None, instrument=None):
    n = len(hours)
    return Bets(
        ts_ns=np.array(hours, dtype=np.int64) * NS_PER_HOUR,
        instrument=np.array(instrument if instrument is not None else [0] * n),
        p=np.array(p, dtype=np.float64).reshape(n, 3),
        net_long=np.array(net_long, dtype=np.float64),
        net_short=np.array(net_short if net_short is not None else [-9.0] * n, dtype=np.float64),
    )


def test_the_likelier_side_is_traded_where_it_is_confident_enough():
    chosen, net = trade(bets([0, 9, 18], [BUY, UNSURE, SELL], [0.01, 5.0, 5.0], [5.0, 5.0, 0.02]), 0.6, NS_PER_HOUR)
    assert chosen.tolist() == [0, 2]
    assert net[chosen].tolist() == [0.01, 0.02]


def test_a_trade_blocks_its_instrument_until_its_hold_ends_and_no_other():
    hours, instrument = [0, 1, 2, 3, 4, 0, 1], [0, 0, 0, 0, 0, 1, 1]
    chosen, _ = trade(bets(hours, [BUY] * 7, [0.01] * 7, instrument=instrument), 0.5, 2 * NS_PER_HOUR)
    assert chosen.tolist() == [0, 2, 4, 5]


def test_an_entry_that_was_never_filled_is_no_trade_and_blocks_nothing():
    chosen, _ = trade(bets([0, 1, 2], [BUY] * 3, [0.0, 0.01, np.nan]), 0.5, 9 * NS_PER_HOUR)
    assert chosen.tolist() == [1]


def test_takings_say_what_overlapping_rows_and_single_trades_made():
    money = bets([0, 1, 24, 25], [BUY] * 4, [0.04, 0.02, -0.01, -0.03])
    (found,), (path,) = take(money, "taker", (0.5,), 2 * NS_PER_HOUR)
    assert (found.rows, found.trades) == (4, 2)
    assert found.rows_mean_net == pytest.approx(0.005)
    assert found.mean_net == pytest.approx(0.015)
    assert found.total_net == pytest.approx(0.03)
    assert found.win_rate == 0.5
    assert path.tolist() == pytest.approx([0.04, -0.01])


def test_a_threshold_that_nothing_reaches_makes_no_trade():
    (found,), (path,) = take(bets([0, 30], [UNSURE] * 2, [0.01] * 2), "maker", (0.9,), NS_PER_HOUR)
    assert (found.rows, found.trades, found.total_net) == (0, 0, 0.0)
    assert found.mean_net is None
    assert path.tolist() == [0.0, 0.0]


def test_days_without_a_trade_count_as_days():
    got = daily_sums(np.array([0, 0, 3]) * NS_PER_DAY, np.array([0.1, 0.2, 0.4]), 0, 5)
    assert got.tolist() == pytest.approx([0.3, 0.0, 0.0, 0.4, 0.0])


def test_with_one_trial_it_is_the_probabilistic_sharpe_ratio():
    """Bailey and Lopez de Prado (2012): for normal returns, the chance of a true ratio above 0."""
    daily = np.random.default_rng(1).normal(0.1, 1.0, 400)
    ratio = daily_ratio(daily)
    assert deflate(daily, np.zeros(0), 1) == pytest.approx(
        norm.cdf(ratio * np.sqrt(399 / (1 + ratio**2 / 2))), abs=0.01
    )


def test_the_best_of_many_worthless_variants_is_not_believed():
    rng = np.random.default_rng(2)
    variants = rng.normal(size=(200, 250))
    ratios = np.array([daily_ratio(each) for each in variants])
    best = variants[ratios.argmax()]
    assert deflate(best, ratios, 1) > 0.98
    assert deflate(best, ratios, 200) < 0.8


def test_a_true_edge_is_believed_all_the_same():
    daily = np.random.default_rng(3).normal(0.4, 1.0, 400)
    assert deflate(daily, np.zeros(0), 200) > 0.99


@pytest.mark.parametrize("daily", [np.zeros(100), np.ones(100), np.arange(5.0)])
def test_a_path_that_says_nothing_has_no_deflated_ratio(daily):
    assert deflate(daily, np.zeros(0), 10) is None


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 60), hold=st.integers(1, 30))
def test_no_two_trades_of_an_instrument_are_held_at_once_and_none_is_left_out(seed, n, hold):
    rng = np.random.default_rng(seed)
    hours, instrument = np.sort(rng.integers(0, 100, n)), rng.integers(0, 3, n)
    money = bets(hours, rng.dirichlet((1, 1, 1), n), rng.normal(size=n), rng.normal(size=n), instrument)
    chosen, _ = trade(money, 0.5, hold * NS_PER_HOUR)
    for each in range(3):
        taken = hours[chosen[instrument[chosen] == each]]
        assert (np.diff(taken) >= hold).all()
        for hour in hours[instrument == each]:
            assert any(start <= hour < start + hold for start in taken)
