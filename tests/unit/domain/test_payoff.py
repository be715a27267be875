import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.domain.payoff import PayoffTable, fit_payoff
from helios_nautilus.domain.plan import Side

SIDES = list(Side)


def market(seed: int, n: int = 4000) -> tuple[np.ndarray, ...]:
    """Probabilities that mean what they say, with wins twice as large as losses."""
    rng = np.random.default_rng(seed)
    p_buy, p_sell = rng.uniform(0.1, 0.5, n), rng.uniform(0.1, 0.5, n)
    net_long = np.where(rng.uniform(size=n) < p_buy, 0.04, -0.02) * rng.uniform(0.9, 1.1, n)
    net_short = np.where(rng.uniform(size=n) < p_sell, 0.04, -0.02) * rng.uniform(0.9, 1.1, n)
    return p_buy, p_sell, net_long, net_short


def test_table_recovers_the_win_rate_and_payoff_it_was_made_from():
    table = fit_payoff(*market(1, 40_000))
    for side in SIDES:
        for p in (0.15, 0.3, 0.45):
            found = table.lookup(side, p)
            assert found.p_win == pytest.approx(p, abs=0.04)
            assert found.payoff == pytest.approx(2.0, abs=0.1)
            assert found.count >= 100


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(0, 400),
    decimals=st.integers(0, 4),
    min_count=st.integers(1, 100),
    win=st.floats(0.0, 1.0),
)
def test_any_rows_give_a_usable_table_whose_win_rate_never_falls(seed, n, decimals, min_count, win):
    rng = np.random.default_rng(seed)
    p = np.round(rng.uniform(size=n), decimals)
    net = np.where(rng.uniform(size=n) < win, 1.0, -1.0) * rng.uniform(0.001, 0.05, n)
    net[rng.uniform(size=n) < 0.1] = np.nan
    net[rng.uniform(size=n) < 0.1] = 0.0
    bet = np.isfinite(net) & (net != 0)
    table = fit_payoff(p, 1.0 - p, net, -net, min_count=min_count)
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


def test_noise_that_would_invert_neighbours_is_pooled():
    p = np.repeat([0.2, 0.4], 100)
    net = np.concatenate((np.repeat([0.01, -0.01], 50), np.repeat([0.01, -0.01], [40, 60])))
    bins = fit_payoff(p, p, net, net, min_count=10).long
    assert [(each.count, each.win_rate) for each in bins] == [(200, 0.45)]


def test_small_top_bin_joins_the_one_below():
    p = np.concatenate((np.linspace(0.1, 0.4, 990), np.full(10, 0.9)))
    net = np.tile([0.02, -0.01], 500)
    net[-10:] = 0.02
    top = fit_payoff(p, p, net, net, min_count=50).lookup(Side.LONG, 0.95)
    assert top.count >= 50
    assert top.p_win < 1.0


def test_unfilled_entries_and_unknown_outcomes_are_no_bets():
    p = np.full(400, 0.3)
    net = np.tile([0.02, -0.01, 0.0, np.nan], 100)
    only = fit_payoff(p, p, net, net).lookup(Side.LONG, 0.3)
    assert (only.count, only.p_win) == (200, 0.5)
    assert only.payoff == pytest.approx(2.0)


@pytest.mark.parametrize("net", [np.full(300, -0.01), np.full(300, 0.01), np.zeros(0)], ids=["loses", "wins", "none"])
def test_side_that_shows_only_one_kind_of_ending_gives_no_reason_to_trade(net):
    p = np.linspace(0, 1, len(net))
    found = fit_payoff(p, p, net, net).lookup(Side.LONG, 0.9)
    assert found.p_win == 0.0
    assert found.payoff == 1.0


def test_bin_without_a_win_keeps_a_rate_of_zero_and_a_finite_payoff():
    p = np.concatenate((np.full(500, 0.1), np.full(500, 0.6)))
    net = np.concatenate((np.full(500, -0.01), np.tile([0.03, -0.01], 250)))
    table = fit_payoff(p, p, net, net)
    assert table.lookup(Side.LONG, 0.1).p_win == 0.0
    assert table.lookup(Side.LONG, 0.1).payoff == pytest.approx(3.0)
    assert table.lookup(Side.LONG, 0.6).p_win == 0.5


def test_lookup_beyond_the_fitted_range_takes_the_outermost_bin():
    table = fit_payoff(*market(2))
    assert table.lookup(Side.SHORT, 0.0) == table.lookup(Side.SHORT, 0.05)
    assert table.lookup(Side.SHORT, 1.0) == table.lookup(Side.SHORT, 0.499)


def test_table_survives_json():
    table = fit_payoff(*market(3))
    assert msgspec.json.decode(msgspec.json.encode(table), type=PayoffTable) == table
