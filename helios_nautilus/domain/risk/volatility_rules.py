"""Every number of the volatility model, as one config section."""

from msgspec import Struct, field

from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, parse_timeframe
from helios_nautilus.errors import ConfigError

type Thresholds = tuple[float, float, float]
"""Upper ends of LOW, MEDIUM and HIGH."""


def _cold_start() -> dict[str, Thresholds]:
    return {"BTC": (0.02, 0.04, 0.06), "ETH": (0.025, 0.05, 0.075), "SOL": (0.03, 0.06, 0.09)}


class VolatilityRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How volatility is estimated, refitted and ranked. Volatilities and moves are fractions, not percent."""

    bar: str = "5m"
    window_days: int = 30
    """Bars a fit looks at, counted in days of bars: a hole makes the window reach further back."""
    min_returns: int = 100
    """Fewer returns than this, outliers not counted: EWMA instead of GARCH."""
    outlier_sigmas: float = 5.0
    """Returns further from the mean than this many standard deviations are kept out of the estimation."""
    ewma_lambda: float = 0.99
    """Decay a bar. 0.99 halves a weight in 69 bars, about six hours of 5 m; RiskMetrics' 0.94 is meant for days."""
    ewma_min_returns: int = 20
    """Fewer returns than this: volatility is unknown."""
    refit_hours: float = 4.0
    refit_move: float = 0.05
    """A refit is due at once when the price has moved this far within an hour and since the last fit."""
    refit_cooldown_mins: int = 60
    """Least time between a fit and one for a change of regime, so that a volatility that wavers around a
    threshold does not refit on every bar."""
    percentiles: Thresholds = (0.25, 0.75, 0.95)
    regime_days: int = 30
    """Length of the pair's own history of forecasts, counted in days of bars."""
    regime_min_days: int = 7
    """A shorter history than this is not ranked; the cold-start thresholds stand in."""
    cold_start: dict[str, Thresholds] = field(default_factory=_cold_start)
    """Daily volatilities by base currency."""
    cold_start_other: Thresholds = (0.02, 0.04, 0.06)
    """The same for every other base currency."""

    def __post_init__(self) -> None:
        if not 0 < self.bar_ns <= NS_PER_HOUR:
            raise ConfigError(f"volatility: bar {self.bar} is too long; it must be at most 1h")
        if not 0.0 < self.ewma_lambda < 1.0:
            raise ConfigError("volatility: ewma_lambda must lie between 0 and 1")
        if not 2 <= self.ewma_min_returns < self.min_returns <= self.window_bars:
            raise ConfigError("volatility: 2 <= ewma_min_returns < min_returns <= bars in window_days does not hold")
        if not 0 < self.regime_min_days <= self.regime_days:
            raise ConfigError("volatility: 0 < regime_min_days <= regime_days does not hold")
        if min(self.outlier_sigmas, self.refit_hours, self.refit_move) <= 0 or self.refit_cooldown_mins < 0:
            raise ConfigError("volatility: outlier_sigmas, refit_hours and refit_move must be above 0")
        for low, medium, high in (self.percentiles, self.cold_start_other, *self.cold_start.values()):
            if not 0.0 < low < medium < high:
                raise ConfigError(f"volatility: thresholds {low}, {medium}, {high} must be above 0 and rise")

    @property
    def bar_ns(self) -> int:
        """Length of a bar in nanoseconds."""
        return parse_timeframe(self.bar)

    @property
    def bars_per_day(self) -> float:
        """Bars in 24 hours; 288 of 5 m."""
        return NS_PER_DAY / self.bar_ns

    @property
    def window_bars(self) -> int:
        """Returns a fit looks at."""
        return int(self.window_days * self.bars_per_day)

    @property
    def refit_ns(self) -> int:
        """Time between scheduled fits in nanoseconds."""
        return int(self.refit_hours * NS_PER_HOUR)

    @property
    def cooldown_ns(self) -> int:
        """Least time between a fit and one for a change of regime, in nanoseconds."""
        return self.refit_cooldown_mins * NS_PER_MIN

    def thresholds(self, base_currency: str) -> Thresholds:
        """Cold-start thresholds of a pair by its base currency."""
        return self.cold_start.get(base_currency, self.cold_start_other)
