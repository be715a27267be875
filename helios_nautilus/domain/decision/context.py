"""What a gate sees before it answers: one typed context, in the sections of its question.

A figure that is not known is None and is said as unknown; no section invents one.
"""

import math
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from helios_nautilus.domain.decision.market import MarketHistory
from helios_nautilus.domain.decision.news import News
from helios_nautilus.domain.decision.policy import GateRules, Terms
from helios_nautilus.domain.decision.regimes import (
    CorrelationRegime,
    LiquidityRegime,
    RegimeRules,
    TrendRegime,
    VolatilityRegime,
    correlation_regime,
    liquidity_regime,
    mean_correlation,
    trend_regime,
)
from helios_nautilus.domain.plan import Side
from helios_nautilus.domain.timeframe import NS_PER_DAY

RECENT_PREDICTIONS: Final = 10


class MarketConditions(Struct, frozen=True, kw_only=True):
    """The market of one instrument as of its newest bar. Changes, spread and percentile are fractions."""

    price: float | None = None
    change_24h: float | None = None
    change_7d: float | None = None
    change_30d: float | None = None
    trend: TrendRegime = TrendRegime.UNKNOWN
    volatility: VolatilityRegime = VolatilityRegime.UNKNOWN
    liquidity: LiquidityRegime = LiquidityRegime.UNKNOWN
    volume_percentile: float | None = None
    correlation: CorrelationRegime = CorrelationRegime.UNKNOWN
    mean_correlation: float | None = None
    spread: float | None = None
    """Relative to the mid price."""
    imbalance: float | None = None
    """(bid - ask) / (bid + ask) of book depth by notional."""


class Predictions(Struct, frozen=True, kw_only=True):
    """Tier 2's word on this bar."""

    model_id: str = ""
    p_buy: float | None = None
    p_sell: float | None = None
    p_hold: float | None = None
    attention: tuple[float, float, float] | None = None
    """Weight of each timeframe, fastest first."""


class RiskFigures(Struct, frozen=True, kw_only=True):
    """What Aether sized with."""

    vol_daily: float | None = None
    p_win: float | None = None
    payoff: float | None = None
    """b: mean win / mean loss."""
    kelly_full: float | None = None
    fraction: float | None = None
    """Of equity, after all reductions and caps."""


class OpenPosition(Struct, frozen=True, kw_only=True):
    """One position held now; ``weight`` is its value as a fraction of equity."""

    instrument_id: str
    side: Side
    weight: float | None = None


class PortfolioState(Struct, frozen=True, kw_only=True):
    """What is held now. ``positions`` is None if that is not known, empty if nothing is held."""

    equity: float | None = None
    drawdown: float | None = None
    exposure: float | None = None
    """Gross value of open positions / equity."""
    positions: tuple[OpenPosition, ...] | None = None


class PastPrediction(Struct, frozen=True, kw_only=True):
    """An earlier prediction of the same instrument whose outcome is known."""

    ts_ns: int
    """Of the prediction."""
    side: Side
    confidence: float
    is_hit: bool | None = None
    """Whether the side was right; None where neither was."""
    net_return: float | None = None
    """Of its plan, net of costs; None where the label's rule does not say."""


class GateContext(Struct, frozen=True, kw_only=True):
    """The gate's question: may this entry be made on these terms?"""

    ts_ns: int
    decision_id: str
    instrument_id: str
    side: Side
    terms: Terms
    market: MarketConditions = MarketConditions()
    predictions: Predictions = Predictions()
    risk: RiskFigures = RiskFigures()
    portfolio: PortfolioState = PortfolioState()
    recent: tuple[PastPrediction, ...] = ()
    """The last `RECENT_PREDICTIONS`, oldest first."""
    news: News | None = None
    """None: no source answered."""

    @property
    def has_news(self) -> bool:
        """Whether any source of news or sentiment answered."""
        return self.news is not None


def confidence_factor(context: GateContext, rules: GateRules) -> float:
    """What the gate takes off the confidence before it weighs it: 5 % while there are no news.

    It acts on the gate's own judgement (the confidence it compares and reports), never on Aether's size.
    """
    return 1.0 if context.has_news else rules.no_news_factor


def observe_market(
    instrument_id: str,
    histories: Mapping[str, MarketHistory],
    now_ns: int,
    rules: RegimeRules,
    *,
    volatility: VolatilityRegime,
    spread: float | None = None,
    imbalance: float | None = None,
) -> MarketConditions:
    """Market conditions of one instrument of a universe; ``histories`` holds every instrument of it."""
    history = histories[instrument_id]
    percentile = history.volume_percentile()
    correlation = mean_correlation((each.daily_closes(now_ns) for each in histories.values()), rules.correlation_days)
    return MarketConditions(
        price=history.price,
        change_24h=history.change(NS_PER_DAY),
        change_7d=history.change(7 * NS_PER_DAY),
        change_30d=history.change(30 * NS_PER_DAY),
        trend=trend_regime(history.daily_closes(now_ns), rules),
        volatility=volatility,
        liquidity=liquidity_regime(percentile, rules),
        volume_percentile=percentile,
        correlation=correlation_regime(correlation, rules),
        mean_correlation=correlation,
        spread=_finite(spread),
        imbalance=_finite(imbalance),
    )


def _finite(figure: float | None) -> float | None:
    return figure if figure is not None and math.isfinite(figure) else None
