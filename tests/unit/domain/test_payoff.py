import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.domain.payoff import PRIOR_BETS, PayoffTable, count_bets, fit_payoff
from helios_nautilus.domain.plan import Side
from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_MIN

SIDES = list(Side)
HOLD_NS = 4 * NS_PER_HOUR


def fit(p_buy, p_sell, net_long, net_short, *, step_ns=HOLD_NS, min_count=100):
    """A table of rows ``step_ns`` apart: a hold, unless said otherwise, so that each is a bet of its own."""
    ts_ns = step_ns * np.arange(len(p_buy))
    return fit_payoff(p_buy, p_sell, net_long, net_short, ts_ns, hold_ns=HOLD_NS, min_count=min_count)


def market(seed: int, n: int = 4000) -> tuple[np.ndarray, ...]:
    """Probabilities that mean what they say, with wins twice as large as losses."""
    rng = np.random.default_rng(seed)
    p_buy, p_sell = rng.uniform(0.1, 0.5, n), rng.uniform(0.1, 0.5, n)
    net_long = np.where(rng.uniform(size=n) < p_buy, 0.04, -0.02) * rng.uniform(0.9, 1.1, n)
    net_short = np.where(rng.uniform(size=n) < p_sell, 0.04, -0.02) * rng.uniform(0.9, 1.1, n)
    return p_buy, p_sell, net_long, net_short


def test_table_recovers_the_win_rate_and_payoff_it_was_made_from():
    table = fit(*market(1, 40_000))
    for side in SIDES:
        for p in (0.15, 0.3, 0.45):
            found = table.lookup(side, p)
            assert found.p_win == pytest.approx(p, abs=0.04)
            assert found.payoff == pytest.approx(2.0, abs=0.1)
            assert found.count >= 100


def test_expected_return_is_the_mean_of_what_plans_of_that_probability_made():
    p_buy, p_sell, net_long, net_short = market(3, 40_000)
    table = fit(p_buy, p_sell, net_long, net_short)
    near = np.abs(p_buy - 0.45) < 0.02
    assert table.expected_return(Side.LONG, 0.45) == pytest.approx(net_long[near].mean(), abs=0.002)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(0, 400),
    decimals=st.integers(0, 4),
    min_count=st.integers(1, 100),
    win=st.floats(0.0, 1.0),
    step_mins=st.integers(0, 300),
)
def test_any_rows_give_a_usable_table_whose_win_rate_never_falls(seed, n, decimals, min_count, win, step_mins):
    rng = np.random.default_rng(seed)
    p = np.round(rng.uniform(size=n), decimals)
    net = np.where(rng.uniform(size=n) < win, 1.0, -1.0) * rng.uniform(0.001, 0.05, n)
    net[rng.uniform(size=n) < 0.1] = np.nan
    net[rng.uniform(size=n) < 0.1] = 0.0
    bet = np.isfinite(net) & (net != 0)
    table = fit(p, 1.0 - p, net, -net, step_ns=step_mins * NS_PER_MIN, min_count=min_count)
    for side, bins in ((Side.LONG, table.long), (Side.SHORT, table.short)):
        rates = [each.win_rate for each in bins]
        assert rates == sorted(rates)
        assert [each.p_from for each in bins] == sorted({each.p_from for each in bins})
        assert bins[0].p_from == 0.0
        assert sum(each.count for each in bins) == bet.sum()
        assert len(bins) == 1 or min(each.count for each in bins) >= min_count
        for at in np.linspace(0, 1, 11):
            found = table.lookup(side, float(at))
            assert 0.0 <= found.p_win < 1.0
            assert np.isfinite(found.payoff)
            assert found.payoff > 0.0


@pytest.mark.parametrize(
    ("minutes", "bets"),
    [([7], 1.0), ([0, 0, 0], 1.0), ([0, 120], 1.5), ([240, 0, 5], 2.0), ([0, 240, 9000], 3.0), (range(0, 241, 5), 2.0)],
    ids=["one", "one on three pairs", "half overlapping", "in any order", "far apart", "a run of decisions"],
)
def test_bets_are_the_time_that_plans_cover(minutes, bets):
    assert count_bets(np.array(minutes) * NS_PER_MIN, HOLD_NS) == pytest.approx(bets)


def test_win_rate_lies_between_that_of_the_bin_and_that_of_the_side_by_the_weight_of_the_bets():
    p, net = np.repeat([0.2, 0.6], 200), np.concatenate((np.full(200, -0.01), np.tile([0.03, -0.01], 100)))
    few, many = (fit(p, p, net, net, step_ns=step).lookup(Side.LONG, 0.6).p_win for step in (NS_PER_MIN, HOLD_NS))
    assert many == pytest.approx((200 * 0.5 + PRIOR_BETS * 0.25) / (200 + PRIOR_BETS))
    bets = 1 + 199 / 240
    assert few == pytest.approx((bets * 0.5 + PRIOR_BETS * 0.25) / (bets + PRIOR_BETS))


def claims_of_noise(hold_ns: int) -> float:
    """How often the top bin shows an edge where there is none: nine days, three pairs, four hours each time alike.

    A lucky stretch of four hours fills a whole bin, with 144 rows that all won.
    """
    edges = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        ts_ns = np.repeat(np.arange(9 * 288) * 5 * NS_PER_MIN, 3)
        stretch = ts_ns // HOLD_NS
        win, p = rng.uniform(size=54) < 0.2, rng.uniform(size=54)
        net = np.where(win[stretch], 0.01, -0.01)
        p = np.clip(p[stretch] + rng.normal(0.0, 0.01, len(ts_ns)), 0.0, 1.0)
        top = fit_payoff(p, p, net, net, ts_ns, hold_ns=hold_ns).lookup(Side.LONG, 1.0)
        edges.append(top.p_win - (1.0 - top.p_win) / top.payoff)
    return np.mean(np.array(edges) > 0.0)


def test_lucky_stretch_shows_no_edge_because_overlapping_plans_are_one_bet():
    assert claims_of_noise(HOLD_NS) < 0.05
    assert claims_of_noise(hold_ns=1) > 0.15


def test_noise_that_would_invert_neighbours_is_pooled():
    p = np.repeat([0.2, 0.4], 100)
    net = np.concatenate((np.repeat([0.01, -0.01], 50), np.repeat([0.01, -0.01], [40, 60])))
    (only,) = fit(p, p, net, net, min_count=10).long
    assert only.count == 200
    assert only.win_rate == pytest.approx(0.45)


def test_small_top_bin_joins_the_one_below():
    p = np.concatenate((np.linspace(0.1, 0.4, 990), np.full(10, 0.9)))
    net = np.tile([0.02, -0.01], 500)
    net[-10:] = 0.02
    top = fit(p, p, net, net, min_count=50).lookup(Side.LONG, 0.95)
    assert top.count >= 50
    assert top.p_win < 1.0


def test_unfilled_entries_and_unknown_outcomes_are_no_bets():
    p = np.full(400, 0.3)
    net = np.tile([0.02, -0.01, 0.0, np.nan], 100)
    only = fit(p, p, net, net).lookup(Side.LONG, 0.3)
    assert (only.count, only.p_win) == (200, 0.5)
    assert only.payoff == pytest.approx(2.0)


@pytest.mark.parametrize("net", [np.full(300, -0.01), np.full(300, 0.01), np.zeros(0)], ids=["loses", "wins", "none"])
def test_side_that_shows_only_one_kind_of_ending_gives_no_reason_to_trade(net):
    p = np.linspace(0, 1, len(net))
    found = fit(p, p, net, net).lookup(Side.LONG, 0.9)
    assert found.p_win == 0.0
    assert found.payoff == 1.0


def test_bin_without_a_win_takes_the_mean_win_of_its_side():
    p = np.concatenate((np.full(500, 0.1), np.full(500, 0.6)))
    net = np.concatenate((np.full(500, -0.01), np.tile([0.03, -0.01], 250)))
    table = fit(p, p, net, net)
    assert table.lookup(Side.LONG, 0.1).p_win < 0.01
    assert table.lookup(Side.LONG, 0.1).payoff == pytest.approx(3.0)
    assert table.lookup(Side.LONG, 0.6).p_win == pytest.approx(0.5, abs=0.01)


def test_lookup_beyond_the_fitted_range_takes_the_outermost_bin():
    table = fit(*market(2))
    assert table.lookup(Side.SHORT, 0.0) == table.lookup(Side.SHORT, 0.05)
    assert table.lookup(Side.SHORT, 1.0) == table.lookup(Side.SHORT, 0.499)


def test_table_survives_json():
    table = fit(*market(3))
    assert msgspec.json.decode(msgspec.json.encode(table), type=PayoffTable) == table
