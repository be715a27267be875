"""Volatility regimes: where today's volatility stands among the pair's own."""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from enum import StrEnum

from msgspec import Struct

from helios_nautilus.domain.risk.volatility_rules import Thresholds, VolatilityRules


class Regime(StrEnum):
    """How volatile a pair is by its own standards, calmest first."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    EXTREME = "EXTREME"


class PerRegime(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One figure a regime."""

    low: float
    medium: float
    high: float
    extreme: float

    @property
    def values(self) -> tuple[float, float, float, float]:
        """The figures, calmest regime first."""
        return self.low, self.medium, self.high, self.extreme

    def at(self, regime: Regime) -> float:
        """The figure of a regime."""
        return self.values[_SEVERITY[regime]]


_REGIMES = tuple(Regime)
_SEVERITY = {regime: severity for severity, regime in enumerate(_REGIMES)}


class RegimeHistory:
    """The pair's own daily volatilities, kept sorted, against which the next one is ranked.

    Until ``regime_min_days`` of them are known, the cold-start thresholds of the base currency decide.
    """

    def __init__(self, rules: VolatilityRules, base_currency: str) -> None:
        self._percentiles = rules.percentiles
        self._cold_start = rules.thresholds(base_currency)
        self._capacity = int(rules.regime_days * rules.bars_per_day)
        self._needed = int(rules.regime_min_days * rules.bars_per_day)
        self._arrived: deque[float] = deque()
        self._ranked: list[float] = []

    def __len__(self) -> int:
        return len(self._arrived)

    def rank(self, vol_daily: float) -> float:
        """Share of the history below ``vol_daily``, equals counted half; the history must not be empty."""
        below, not_above = bisect_left(self._ranked, vol_daily), bisect_right(self._ranked, vol_daily)
        return (below + not_above) / (2 * len(self._ranked))

    def classify(self, vol_daily: float) -> Regime:
        """Regime of a volatility against what came before it."""
        if len(self) < self._needed:
            return _place(vol_daily, self._cold_start)
        return _place(self.rank(vol_daily), self._percentiles)

    def add(self, vol_daily: float) -> None:
        """Append a volatility and drop the one that has left the window."""
        if len(self) == self._capacity:
            del self._ranked[bisect_left(self._ranked, self._arrived.popleft())]
        self._arrived.append(vol_daily)
        insort(self._ranked, vol_daily)


def _place(value: float, thresholds: Thresholds) -> Regime:
    """First regime whose upper end lies above ``value``."""
    return _REGIMES[bisect_right(thresholds, value)]
