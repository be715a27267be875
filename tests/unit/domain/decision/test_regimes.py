import numpy as np
import pytest

from helios_nautilus.domain.decision.regimes import (
    CorrelationRegime,
    LiquidityRegime,
    RegimeRules,
    TrendRegime,
    correlation_regime,
    liquidity_regime,
    mean_correlation,
    trend_regime,
)
from helios_nautilus.errors import ConfigError

RULES = RegimeRules()


def test_rising_closes_are_bullish_falling_ones_bearish() -> None:
    rising = np.linspace(100.0, 200.0, 50)
    assert trend_regime(rising, RULES) is TrendRegime.BULLISH
    assert trend_regime(rising[::-1].copy(), RULES) is TrendRegime.BEARISH


def test_a_rise_whose_last_close_falls_under_its_average_is_sideways() -> None:
    closes = np.linspace(100.0, 200.0, 50)
    closes[-1] = 150.0
    assert trend_regime(closes, RULES) is TrendRegime.SIDEWAYS


def test_flat_closes_are_sideways() -> None:
    assert trend_regime(np.full(60, 100.0), RULES) is TrendRegime.SIDEWAYS


def test_forty_nine_closes_tell_no_trend() -> None:
    assert trend_regime(np.linspace(100.0, 200.0, 49), RULES) is TrendRegime.UNKNOWN


def test_only_the_last_fifty_closes_count() -> None:
    closes = np.concatenate([np.full(50, 10_000.0), np.linspace(100.0, 200.0, 50)])
    assert trend_regime(closes, RULES) is TrendRegime.BULLISH


@pytest.mark.parametrize(
    ("percentile", "regime"),
    [
        (None, LiquidityRegime.UNKNOWN),
        (0.0, LiquidityRegime.THIN),
        (0.09, LiquidityRegime.THIN),
        (0.10, LiquidityRegime.NORMAL),
        (0.75, LiquidityRegime.NORMAL),
        (0.76, LiquidityRegime.DEEP),
    ],
)
def test_liquidity_follows_the_pairs_own_volume(percentile: float | None, regime: LiquidityRegime) -> None:
    assert liquidity_regime(percentile, RULES) is regime


@pytest.mark.parametrize(
    ("mean", "regime"),
    [
        (None, CorrelationRegime.UNKNOWN),
        (-0.3, CorrelationRegime.DECOUPLED),
        (0.5, CorrelationRegime.DECOUPLED),
        (0.51, CorrelationRegime.COUPLED),
        (0.8, CorrelationRegime.COUPLED),
        (0.81, CorrelationRegime.CRISIS),
    ],
)
def test_correlation_follows_the_universes_mean(mean: float | None, regime: CorrelationRegime) -> None:
    assert correlation_regime(mean, RULES) is regime


def _closes(returns: np.ndarray) -> np.ndarray:
    return 100.0 * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))


def test_mean_correlation_is_the_average_over_all_pairs() -> None:
    rng = np.random.default_rng(3)
    returns = rng.normal(0.0, 0.02, size=(3, 30))
    pairs = [np.corrcoef(returns[i], returns[j])[0, 1] for i, j in ((0, 1), (0, 2), (1, 2))]
    assert mean_correlation(map(_closes, returns), 30) == pytest.approx(np.mean(pairs))


def test_only_the_last_thirty_returns_count() -> None:
    rng = np.random.default_rng(4)
    common, early = rng.normal(0.0, 0.02, 30), rng.normal(0.0, 0.1, (2, 20))
    pair = [_closes(np.concatenate([part, common])) for part in early]
    assert mean_correlation(pair, 30) == pytest.approx(1.0)


def test_instruments_with_little_history_or_a_frozen_price_are_left_out() -> None:
    rng = np.random.default_rng(5)
    first, second = _closes(rng.normal(0, 0.02, 30)), _closes(rng.normal(0, 0.02, 30))
    with_others = mean_correlation([first, second, first[-30:], np.full(31, 7.0)], 30)
    assert with_others == mean_correlation([first, second], 30)


def test_one_instrument_has_no_correlation() -> None:
    alone = _closes(np.random.default_rng(6).normal(0, 0.02, 30))
    assert mean_correlation([alone], 30) is None
    assert mean_correlation([alone, alone[-30:]], 30) is None
    assert mean_correlation([], 30) is None


@pytest.mark.parametrize(
    "change",
    [
        {"trend_fast_days": 50},
        {"trend_slow_days": 121},
        {"thin_below": 0.8},
        {"correlation_days": 1},
        {"coupled_above": 0.9},
    ],
    ids=str,
)
def test_thresholds_that_contradict_each_other_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="regimes"):
        RegimeRules(**change)  # type: ignore[arg-type]
