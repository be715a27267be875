"""Regimes: cold-start thresholds first, then the pair's own percentiles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.risk.regime import PerRegime, Regime, RegimeHistory
from helios_nautilus.domain.risk.volatility_rules import VolatilityRules

SHORT = VolatilityRules(bar="1h", min_returns=24, window_days=2, regime_days=5, regime_min_days=1)


@pytest.mark.parametrize(
    ("base", "vol_daily", "regime"),
    [
        ("BTC", 0.019, "LOW"),
        ("BTC", 0.02, "MEDIUM"),
        ("BTC", 0.04, "HIGH"),
        ("BTC", 0.06, "EXTREME"),
        ("ETH", 0.024, "LOW"),
        ("ETH", 0.074, "HIGH"),
        ("ETH", 0.075, "EXTREME"),
        ("SOL", 0.029, "LOW"),
        ("SOL", 0.059, "MEDIUM"),
        ("SOL", 0.09, "EXTREME"),
        ("XRP", 0.03, "MEDIUM"),
    ],
)
def test_without_history_the_base_currencys_thresholds_decide(base: str, vol_daily: float, regime: str) -> None:
    assert RegimeHistory(VolatilityRules(), base).classify(vol_daily) == regime


@pytest.mark.parametrize(
    ("percent", "regime"), [(24.5, "LOW"), (25.5, "MEDIUM"), (74.5, "MEDIUM"), (75.5, "HIGH"), (95.5, "EXTREME")]
)
def test_with_history_the_pairs_own_percentiles_decide(percent: float, regime: str) -> None:
    history = RegimeHistory(SHORT, "BTC")
    for percentile in np.random.default_rng(0).permutation(100) + 1:
        history.add(float(percentile))
    assert history.classify(percent) == regime


def test_the_thresholds_hold_until_enough_history_is_known() -> None:
    history = RegimeHistory(SHORT, "BTC")
    for _ in range(23):
        history.add(0.05)
    assert history.classify(0.051) is Regime.HIGH
    history.add(0.05)
    assert history.classify(0.051) is Regime.EXTREME


def test_a_volatility_that_never_changes_is_medium() -> None:
    history = RegimeHistory(SHORT, "BTC")
    for _ in range(60):
        history.add(0.3)
    assert history.classify(0.3) is Regime.MEDIUM


@given(st.lists(st.sampled_from([0.01, 0.02, 0.03]) | st.floats(1e-4, 1.0), min_size=1, max_size=300), st.data())
def test_the_rank_is_that_of_the_last_window(volatilities: list[float], data: st.DataObject) -> None:
    history = RegimeHistory(SHORT, "BTC")
    for volatility in volatilities:
        history.add(volatility)
    window = np.array(volatilities[-120:])
    probe = data.draw(st.sampled_from(volatilities) | st.floats(1e-4, 1.0))
    expected = ((window < probe).mean() + (window <= probe).mean()) / 2
    assert len(history) == len(window)
    assert history.rank(probe) == pytest.approx(expected)


def test_a_figure_per_regime_is_found_by_its_name() -> None:
    figures = PerRegime(low=1.0, medium=2.0, high=3.0, extreme=4.0)
    assert [figures.at(regime) for regime in Regime] == [1.0, 2.0, 3.0, 4.0]
