import math

import numpy as np
import pytest

from helios_nautilus.domain.decision.context import GateContext, confidence_factor, observe_market
from helios_nautilus.domain.decision.market import MarketHistory
from helios_nautilus.domain.decision.news import News
from helios_nautilus.domain.decision.policy import GateRules, Terms
from helios_nautilus.domain.decision.regimes import (
    CorrelationRegime,
    LiquidityRegime,
    RegimeRules,
    TrendRegime,
    VolatilityRegime,
)
from helios_nautilus.domain.plan import Side
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR

START = 20_000 * NS_PER_DAY
NOW = START + 60 * NS_PER_DAY


def _universe(days: int = 60) -> dict[str, MarketHistory]:
    """Two instruments that rise together on hourly bars."""
    rng = np.random.default_rng(2)
    noise = np.cumsum(rng.normal(0.0005, 0.002, 60 * 24))
    histories = {}
    for instrument_id, start in (("BTCZAR.VALR", 1_000_000.0), ("ETHZAR.VALR", 50_000.0)):
        history = histories[instrument_id] = MarketHistory(NS_PER_HOUR)
        for n in range(60 * 24 - days * 24, 60 * 24):
            history.update(START + (n + 1) * NS_PER_HOUR, start * math.exp(noise[n]), 1.0 + n % 7)
    return histories


def test_a_long_history_tells_every_regime() -> None:
    histories = _universe()
    market = observe_market(
        "BTCZAR.VALR", histories, NOW, RegimeRules(), volatility=VolatilityRegime.MEDIUM, spread=0.001, imbalance=-0.2
    )
    assert market.price == histories["BTCZAR.VALR"].price
    assert market.change_30d == histories["BTCZAR.VALR"].change(30 * NS_PER_DAY)
    assert market.trend is TrendRegime.BULLISH
    assert market.correlation is CorrelationRegime.CRISIS
    assert market.mean_correlation == pytest.approx(1.0)
    assert market.liquidity is LiquidityRegime.NORMAL
    assert (market.volatility, market.spread, market.imbalance) == (VolatilityRegime.MEDIUM, 0.001, -0.2)


def test_a_short_history_leaves_its_figures_unknown() -> None:
    market = observe_market("BTCZAR.VALR", _universe(days=2), NOW, RegimeRules(), volatility=VolatilityRegime.UNKNOWN)
    assert market.change_24h is not None
    assert (market.change_7d, market.change_30d, market.volume_percentile, market.spread) == (None, None, None, None)
    assert market.trend is TrendRegime.UNKNOWN
    assert market.liquidity is LiquidityRegime.UNKNOWN
    assert market.correlation is CorrelationRegime.UNKNOWN


def test_a_spread_that_is_no_number_is_unknown() -> None:
    market = observe_market(
        "BTCZAR.VALR",
        _universe(2),
        NOW,
        RegimeRules(),
        volatility=VolatilityRegime.LOW,
        spread=math.nan,
        imbalance=math.inf,
    )
    assert (market.spread, market.imbalance) == (None, None)


def test_absent_news_take_five_percent_off_the_confidence() -> None:
    terms = Terms(confidence=0.7, notional=1.0, leverage=1.0, stop=0.02, target=0.04, costs=0.006)
    silent = GateContext(ts_ns=NOW, decision_id="d", instrument_id="BTCZAR.VALR", side=Side.LONG, terms=terms)
    informed = GateContext(
        ts_ns=NOW, decision_id="d", instrument_id="BTCZAR.VALR", side=Side.LONG, terms=terms, news=News()
    )
    assert confidence_factor(silent, GateRules()) == 0.95
    assert confidence_factor(informed, GateRules()) == 1.0
