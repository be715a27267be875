"""Figures of a run, against numbers worked out by hand."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from helios_nautilus.domain.performance import (
    equity_returns,
    max_drawdown,
    measure_performance,
    sharpe,
    time_in_market,
    trade_stats,
    value_at_risk,
)
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR
from helios_nautilus.errors import DataError

MIDNIGHT = 20_000 * NS_PER_DAY


def days(count: int) -> np.ndarray:
    return MIDNIGHT + np.arange(count) * NS_PER_DAY


def hours(*offsets: float) -> np.ndarray:
    return MIDNIGHT + np.round(np.array(offsets) * NS_PER_HOUR).astype(np.int64)


def test_a_curve_of_four_days_worked_out_by_hand():
    result = measure_performance(days(5), np.array([100.0, 110.0, 99.0, 108.9, 98.01]))

    # Daily returns 0.1, -0.1, 0.1, -0.1: mean 0, deviation 0.1 x sqrt(4/3), downside 0.1 / sqrt(2).
    assert result.total_return == pytest.approx(-0.0199)
    assert result.annual_return == pytest.approx(0.9801 ** (365 / 4) - 1)
    assert result.annual_volatility == pytest.approx(0.1 * math.sqrt(4 / 3 * 365))
    assert result.sharpe == pytest.approx(0.0, abs=1e-12)
    assert result.sortino == pytest.approx(0.0, abs=1e-12)
    assert result.max_drawdown is not None
    assert result.max_drawdown.depth == pytest.approx(1 - 98.01 / 110)
    assert result.calmar == pytest.approx((0.9801 ** (365 / 4) - 1) / (1 - 98.01 / 110))
    assert result.var_95 is None


def test_sharpe_and_sortino_of_unequal_days():
    result = measure_performance(days(4), np.cumprod([100.0, 1.02, 0.99, 1.02]))

    # Returns 0.02, -0.01, 0.02: mean 0.01, variance (0.01^2 + 0.02^2 + 0.01^2) / 2 = 0.0003.
    assert result.sharpe == pytest.approx(0.01 / math.sqrt(0.0003) * math.sqrt(365))
    assert result.sortino == pytest.approx(0.01 / math.sqrt(0.0001 / 3) * math.sqrt(365))


def test_of_many_samples_a_day_the_last_counts_and_a_day_without_one_keeps_the_last_known():
    stamps = hours(0.1, 5, 23.9, 30, 80)
    returns = equity_returns(stamps, np.array([100.0, 300.0, 110.0, 121.0, 133.1]))

    assert returns == pytest.approx([0.1, 0.1, 0.0, 0.1])


def test_a_sample_at_midnight_belongs_to_the_day_it_closes():
    returns = equity_returns(hours(0, 24, 25), np.array([100.0, 110.0, 121.0]))

    assert returns == pytest.approx([0.1, 0.1])


def test_of_samples_with_one_stamp_the_last_counts():
    assert equity_returns(hours(1, 24, 24), np.array([100.0, 50.0, 110.0])) == pytest.approx([0.1])


def test_a_drawdown_names_its_peak_its_trough_and_its_recovery():
    fall = max_drawdown(days(7), np.array([100.0, 120.0, 120.0, 90.0, 119.0, 120.0, 130.0]))

    assert fall is not None
    assert fall.depth == pytest.approx(0.25)
    assert (fall.peak_ns, fall.trough_ns, fall.recovered_ns) == tuple(int(day) for day in days(7)[[2, 3, 5]])


def test_a_drawdown_still_going_on_has_no_recovery():
    fall = max_drawdown(days(3), np.array([100.0, 50.0, 99.0]))

    assert fall is not None
    assert fall.recovered_ns is None


def test_a_drawdown_between_two_midnights_is_seen():
    fall = measure_performance(hours(0, 6, 24), np.array([100.0, 60.0, 100.0])).max_drawdown

    assert fall is not None
    assert fall.depth == pytest.approx(0.4)


def test_a_curve_that_never_falls_has_no_drawdown_and_no_ratios_to_a_loss():
    result = measure_performance(days(4), np.array([100.0, 101.0, 103.0, 104.0]))

    assert result.max_drawdown is None
    assert result.calmar is None
    assert result.sortino is None
    assert result.sharpe is not None


@pytest.mark.parametrize("growth", [1.0, 1.01])
def test_equity_of_constant_growth_has_no_sharpe_ratio(growth: float):
    assert measure_performance(days(30), 100.0 * growth ** np.arange(30)).sharpe is None


@pytest.mark.parametrize("curve", [[], [100.0], [100.0, 101.0]])
def test_below_two_days_nothing_is_annualised(curve: list[float]):
    result = measure_performance(days(len(curve)), np.array(curve))

    assert result.annual_return is None
    assert result.annual_volatility is None
    assert result.sharpe is None
    assert result.sortino is None
    assert result.calmar is None


def test_a_ruined_account_is_said_as_ruined():
    result = measure_performance(days(4), np.array([100.0, 50.0, 0.0, 0.0]))

    assert result.total_return == -1.0
    assert result.annual_return == -1.0
    assert result.max_drawdown is not None
    assert result.max_drawdown.depth == 1.0
    assert result.sharpe is None


def test_growth_too_wild_to_annualise_is_unknown_rather_than_infinite():
    assert measure_performance(days(3), np.array([1.0, 1e3, 1e6])).annual_return is None


def test_value_at_risk_is_the_loss_of_the_worst_twentieth():
    daily = np.arange(-10, 11) / 100.0

    assert value_at_risk(daily) == pytest.approx(0.09)
    assert value_at_risk(daily[:19]) is None


def test_time_in_market_is_weighted_by_time():
    assert time_in_market(hours(0, 1, 4, 10), np.array([0.0, 0.2, 0.0, 0.5])) == pytest.approx(0.3)


def test_time_in_market_is_unknown_without_exposures_or_without_time():
    assert measure_performance(days(3), np.full(3, 100.0)).time_in_market is None
    assert time_in_market(hours(1, 1), np.ones(2)) is None


def test_trades_worked_out_by_hand():
    stats = trade_stats(np.array([30.0, -10.0, 0.0, 10.0, -10.0]))

    assert stats.count == 5
    assert stats.win_rate == pytest.approx(0.4)
    assert (stats.mean_win, stats.mean_loss) == (20.0, 10.0)
    assert stats.profit_factor == pytest.approx(2.0)


def test_without_a_loss_there_is_no_profit_factor_and_without_trades_no_win_rate():
    won, none = trade_stats(np.array([1.0])), trade_stats(np.empty(0))

    assert (won.win_rate, won.profit_factor, won.mean_loss) == (1.0, None, None)
    assert (none.count, none.win_rate, none.profit_factor) == (0, None, None)


@pytest.mark.parametrize(
    "broken",
    [
        {"ts_ns": days(3)[::-1]},
        {"ts_ns": days(2)},
        {"equity": np.array([1.0, np.nan, 1.0])},
        {"exposure": np.zeros(2)},
        {"exposure": np.full(3, np.inf)},
        {"pnl": np.array([np.nan])},
    ],
    ids=["backwards", "too short", "nan equity", "exposure too short", "infinite exposure", "nan pnl"],
)
def test_a_broken_curve_is_refused(broken: dict[str, np.ndarray]):
    with pytest.raises(DataError):
        measure_performance(**{"ts_ns": days(3), "equity": np.ones(3), **broken})


CURVES = st.lists(st.tuples(st.floats(1e-3, 1e9), st.integers(0, 3 * NS_PER_DAY)), max_size=40)


def unpack(curve: list[tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    waits = np.array([wait for _, wait in curve], dtype=np.int64)
    return MIDNIGHT + np.cumsum(waits), np.array([equity for equity, _ in curve], dtype=np.float64)


@given(curve=CURVES, pnl=st.lists(st.floats(-1e9, 1e9), max_size=20))
def test_every_figure_is_finite_or_unknown(curve: list[tuple[float, int]], pnl: list[float]):
    stamps, equity = unpack(curve)
    result = measure_performance(stamps, equity, pnl=np.array(pnl), exposure=np.maximum(0.0, equity - 1.0))

    def walk(value: object) -> None:
        for inner in value.values() if isinstance(value, dict) else []:
            walk(inner)
        assert not isinstance(value, float) or math.isfinite(value)

    walk(msgspec.to_builtins(result))
    assert result.max_drawdown is None or 0.0 < result.max_drawdown.depth <= 1.0
    assert result.time_in_market is None or 0.0 <= result.time_in_market <= 1.0


@given(curve=CURVES)
def test_daily_returns_compound_to_the_total_return(curve: list[tuple[float, int]]):
    stamps, equity = unpack(curve)
    assume(
        not len(equity) or equity.min() > 1e-4 * equity.max()
    )  # a return that loses all but nothing has no digits left to compound
    returns = equity_returns(stamps, equity)
    if len(returns):
        assert np.prod(1.0 + returns) == pytest.approx(equity[-1] / equity[0], rel=1e-6)


@given(curve=CURVES, currency=st.floats(0.01, 100.0))
def test_the_currency_does_not_matter(curve: list[tuple[float, int]], currency: float):
    stamps, equity = unpack(curve)
    ours, theirs = equity_returns(stamps, equity), equity_returns(stamps, equity * currency)

    assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-9)


def test_the_sharpe_ratio_of_a_simulated_edge_is_recovered():
    daily = np.random.default_rng(3).normal(0.001, 0.02, 200_000)

    assert sharpe(daily) == pytest.approx(0.05 * math.sqrt(365), abs=0.15)
