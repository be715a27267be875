"""Market regimes in words: trend, liquidity and correlation from figures, volatility as Aether names it.

A regime that its figures cannot tell is UNKNOWN; nothing is guessed from a shorter history.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Floats
from helios_nautilus.errors import ConfigError

MAX_DAYS: Final = 120
"""Most daily closes any regime may ask for; `market.MarketHistory` keeps as many."""


class TrendRegime(StrEnum):
    """Order of price and its two averages of daily closes."""

    BULLISH = "BULLISH"
    BEARISH = "BEARISH"
    SIDEWAYS = "SIDEWAYS"
    UNKNOWN = "UNKNOWN"


class VolatilityRegime(StrEnum):
    """Aether's word on volatility; UNKNOWN where it has none."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    EXTREME = "EXTREME"
    UNKNOWN = "UNKNOWN"


class LiquidityRegime(StrEnum):
    """Place of the last 24 hours' volume in the pair's own history."""

    DEEP = "DEEP"
    NORMAL = "NORMAL"
    THIN = "THIN"
    UNKNOWN = "UNKNOWN"


class CorrelationRegime(StrEnum):
    """How far the traded universe moves as one."""

    CRISIS = "CRISIS"
    COUPLED = "COUPLED"
    DECOUPLED = "DECOUPLED"
    UNKNOWN = "UNKNOWN"


class RegimeRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where one regime ends and the next begins. Percentiles and correlations are fractions.

    THIN is a reason to stay out, so it is kept for the thinnest tenth of the pair's history rather than a quarter.
    """

    trend_fast_days: int = 20
    trend_slow_days: int = 50
    thin_below: float = 0.10
    deep_above: float = 0.75
    correlation_days: int = 30
    coupled_above: float = 0.5
    crisis_above: float = 0.8

    def __post_init__(self) -> None:
        if not 0 < self.trend_fast_days < self.trend_slow_days <= MAX_DAYS:
            raise ConfigError(f"regimes: 0 < trend_fast_days < trend_slow_days <= {MAX_DAYS} does not hold")
        if not 0.0 <= self.thin_below < self.deep_above <= 1.0:
            raise ConfigError("regimes: 0 <= thin_below < deep_above <= 1 does not hold")
        if not 2 <= self.correlation_days < MAX_DAYS:
            raise ConfigError(f"regimes: correlation_days must be at least 2 and below {MAX_DAYS}")
        if not -1.0 <= self.coupled_above < self.crisis_above <= 1.0:
            raise ConfigError("regimes: -1 <= coupled_above < crisis_above <= 1 does not hold")


def trend_regime(daily_closes: Floats, rules: RegimeRules) -> TrendRegime:
    """Close > SMA20 > SMA50 is BULLISH, the reverse BEARISH, all else SIDEWAYS.

    ``daily_closes`` are those of consecutive days, oldest first; fewer than the slow average needs: UNKNOWN.
    """
    if len(daily_closes) < rules.trend_slow_days:
        return TrendRegime.UNKNOWN
    close = float(daily_closes[-1])
    fast = float(daily_closes[-rules.trend_fast_days :].mean())
    slow = float(daily_closes[-rules.trend_slow_days :].mean())
    if close > fast > slow:
        return TrendRegime.BULLISH
    if close < fast < slow:
        return TrendRegime.BEARISH
    return TrendRegime.SIDEWAYS


def liquidity_regime(volume_percentile: float | None, rules: RegimeRules) -> LiquidityRegime:
    """The regime of a 24-hour volume at this place (0..1) of the pair's own history."""
    if volume_percentile is None:
        return LiquidityRegime.UNKNOWN
    if volume_percentile > rules.deep_above:
        return LiquidityRegime.DEEP
    return LiquidityRegime.THIN if volume_percentile < rules.thin_below else LiquidityRegime.NORMAL


def correlation_regime(mean: float | None, rules: RegimeRules) -> CorrelationRegime:
    """The regime of a mean pairwise correlation."""
    if mean is None:
        return CorrelationRegime.UNKNOWN
    if mean > rules.crisis_above:
        return CorrelationRegime.CRISIS
    return CorrelationRegime.COUPLED if mean > rules.coupled_above else CorrelationRegime.DECOUPLED


def mean_correlation(daily_closes: Iterable[Floats], returns: int) -> float | None:
    """Mean pairwise Pearson correlation of the last ``returns`` daily log returns of several instruments.

    Each item holds one instrument's closes of consecutive days, oldest first, all ending with the same day.
    Instruments with too few closes, or whose price never moved, are left out; None if fewer than two remain.
    """
    rows = [np.diff(np.log(closes[-returns - 1 :])) for closes in daily_closes if len(closes) > returns]
    rows = [row for row in rows if np.ptp(row) > 0.0]
    if len(rows) < 2:
        return None
    matrix = np.corrcoef(rows)
    return float(matrix[np.triu_indices(len(rows), k=1)].mean())
