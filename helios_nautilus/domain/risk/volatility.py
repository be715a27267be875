"""One sigma for everyone: labels, Aether and the position lifecycle take their volatility from here.

A `VolatilityTracker` follows one pair. Between fits the variance recursion moves its forecast with every close; a fit
replaces the parameters and runs the recursion again over the window. Fitting is split in three, so that an actor can
do the slow part in a thread::

    fit = fit_garch(tracker.window(), tracker.rules, tracker.fit)     # in a thread
    tracker.install(fit, ts_ns)                                       # back on the loop
"""

import math
from collections import deque
from typing import Literal

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Floats, Ints
from helios_nautilus.domain.risk.garch import GarchFit, Source, filter_variance, fit_garch, next_variance
from helios_nautilus.domain.risk.regime import Regime, RegimeHistory
from helios_nautilus.domain.risk.volatility_rules import VolatilityRules
from helios_nautilus.domain.timeframe import NS_PER_HOUR
from helios_nautilus.errors import DataError

__all__ = ["Trigger", "VolatilityForecast", "VolatilityRules", "VolatilityTracker", "volatility_path"]

type Trigger = Literal["first", "schedule", "regime_change", "move"]

_DAYS_PER_YEAR = 365


class VolatilityForecast(Struct, frozen=True, kw_only=True):
    """Volatility of the coming bar, as a fraction scaled to a day and to a year, known at ``ts_ns``."""

    ts_ns: int
    vol_daily: float
    vol_annual: float
    regime: Regime
    source: Source


class VolatilityTracker:
    """Volatility of one pair, from its closes alone.

    Deterministic: equal closes and equal refits give equal forecasts. The forecast returned at a close is made of that
    close and earlier ones; a fit installed at a close counts from the next one.
    """

    def __init__(self, rules: VolatilityRules, base_currency: str) -> None:
        self.rules = rules
        self.fit: GarchFit | None = None
        """Parameters in use; none while there are too few returns even for an EWMA."""
        self.forecast: VolatilityForecast | None = None
        """The newest forecast; none while the volatility is unknown."""
        self._bar_ns = rules.bar_ns
        self._bars_per_day = rules.bars_per_day
        self._returns = _Window(rules.window_bars)
        self._history = RegimeHistory(rules, base_currency)
        self._hour: deque[tuple[int, float]] = deque()
        self._variance = 0.0
        self._fitted_ns: int | None = None
        self._fitted_regime: Regime | None = None

    def update(self, ts_ns: int, close: float) -> VolatilityForecast | None:
        """Take the next close and return the forecast for the coming bar, or none while it is unknown.

        Across a hole there is no return, and the variance waits. `DataError` for a close that is not a positive number
        or not later than the one before.
        """
        ret = self._return_to(ts_ns, close)
        if ret is not None:
            self._returns.append(ret)
            self._step(ret)
        self.forecast = self._forecast_at(ts_ns)
        return self.forecast

    def refit_due(self, ts_ns: int) -> Trigger | None:
        """Why a fit is due at the close just taken, or none.

        "first" once there are enough returns, "move" for a large one within the last hour and since the last fit,
        "regime_change" against the regime right after the last fit (not within the cool-down), "schedule" by the clock.
        """
        if self._fitted_ns is None:
            return "first" if len(self._returns) >= self.rules.min_returns else None
        age_ns = ts_ns - self._fitted_ns
        if self._has_moved_since(self._fitted_ns):
            return "move"
        if age_ns >= self.rules.cooldown_ns and self._has_changed_regime():
            return "regime_change"
        return "schedule" if age_ns >= self.rules.refit_ns else None

    def window(self) -> Floats:
        """Log returns in percent a fit looks at, oldest first, as a copy."""
        return self._returns.values().copy()

    def install(self, fit: GarchFit, ts_ns: int) -> None:
        """Use the parameters of ``fit`` from now on, whatever closes have come in since its window was taken."""
        self._variance = filter_variance(fit, self._returns.values())
        self.fit = fit
        self._fitted_ns = ts_ns
        self._fitted_regime = None

    def refit(self, ts_ns: int) -> GarchFit:
        """Fit and install in place."""
        fit = fit_garch(self._returns.values(), self.rules, self.fit)
        self.install(fit, ts_ns)
        return fit

    def advance(self, ts_ns: int, close: float) -> VolatilityForecast | None:
        """Take the next close as `update` does, and refit in place if that is due: how history is followed."""
        forecast = self.update(ts_ns, close)
        if self.refit_due(ts_ns):
            self.refit(ts_ns)
        return forecast

    def _return_to(self, ts_ns: int, close: float) -> float | None:
        """Log return in percent since the close one bar before, or none across a hole."""
        if not 0.0 < close < math.inf:
            raise DataError(f"close {close} at {ts_ns} is not a price")
        last_ns, last_close = self._hour[-1] if self._hour else (None, close)
        if last_ns is not None and ts_ns <= last_ns:
            raise DataError(f"close at {ts_ns} does not come after the one at {last_ns}; feed closes in time order")
        while self._hour and self._hour[0][0] < ts_ns - NS_PER_HOUR:
            self._hour.popleft()
        self._hour.append((ts_ns, close))
        if last_ns is None or ts_ns - last_ns != self._bar_ns:
            return None
        return 100.0 * math.log(close / last_close)

    def _step(self, ret: float) -> None:
        """Move the variance by one return; the first parameters are an EWMA's."""
        if self.fit is not None:
            self._variance = next_variance(self.fit, self._variance, ret)
        elif len(self._returns) == self.rules.ewma_min_returns:
            returns = self._returns.values()
            self.fit = fit_garch(returns, self.rules)
            self._variance = filter_variance(self.fit, returns)

    def _forecast_at(self, ts_ns: int) -> VolatilityForecast | None:
        vol_daily = math.sqrt(self._variance * self._bars_per_day) / 100.0
        if self.fit is None or not 0.0 < vol_daily < math.inf:
            return None
        regime = self._history.classify(vol_daily)
        self._history.add(vol_daily)
        self._fitted_regime = self._fitted_regime or regime
        return VolatilityForecast(
            ts_ns=ts_ns,
            vol_daily=vol_daily,
            vol_annual=vol_daily * math.sqrt(_DAYS_PER_YEAR),
            regime=regime,
            source=self.fit.source,
        )

    def _has_moved_since(self, since_ns: int) -> bool:
        """Whether the newest close lies more than ``refit_move`` from one of the last hour, ``since_ns`` or later."""
        newest = self._hour[-1][1]
        limit = self.rules.refit_move
        closes = [close for ts_ns, close in self._hour if ts_ns >= since_ns]
        return bool(closes) and (newest / min(closes) - 1.0 > limit or 1.0 - newest / max(closes) > limit)

    def _has_changed_regime(self) -> bool:
        return self.forecast is not None and self.forecast.regime is not self._fitted_regime


def volatility_path(ts_ns: Ints, close: Floats, rules: VolatilityRules, base_currency: str) -> Floats:
    """Daily volatility known at each close, as a fraction, by one pass of the tracker; NaN where unknown.

    ``ts_ns`` and ``close`` have shape (n,), in time order; so has the result. Nothing looks ahead: a fit made at a
    close counts from the next one, as it does live.
    """
    tracker = VolatilityTracker(rules, base_currency)
    path = np.full(len(close), np.nan)
    for i, (stamp, price) in enumerate(zip(ts_ns.tolist(), close.tolist(), strict=True)):
        forecast = tracker.advance(stamp, price)
        if forecast is not None:
            path[i] = forecast.vol_daily
    return path


class _Window:
    """The last ``capacity`` numbers, always contiguous."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._buffer = np.empty(2 * capacity)
        self._end = 0

    def __len__(self) -> int:
        return min(self._end, self._capacity)

    def append(self, value: float) -> None:
        if self._end == len(self._buffer):
            self._buffer[: self._capacity] = self._buffer[self._capacity :]
            self._end = self._capacity
        self._buffer[self._end] = value
        self._end += 1

    def values(self) -> Floats:
        """Oldest first, as a view that the next append may overwrite."""
        return self._buffer[self._end - len(self) : self._end]
