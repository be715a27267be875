"""How sure a figure is: confidence intervals by drawing whole days again.

Neighbouring rows share prices and overlapping outcomes, and all instruments of a moment move together, so rows are
far from independent. Days are nearly so. Blocks of days are drawn, of random length, because calm and wild days come
in spells: the stationary bootstrap of Politis and Romano (1994).
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Floats, Ints
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.errors import NotEnoughHistoryError

MIN_DAYS: Final = 2
"""One day says nothing about another."""
MIN_TEST_DAYS: Final = 10
"""A verdict takes so many: an interval drawn from fewer days is too narrow to tell skill from luck."""
MEAN_BLOCK_DAYS: Final = 3.0
_LEVEL: Final = 0.95


class Interval(Struct, frozen=True, kw_only=True):
    """A figure and the ends of its confidence interval (two-sided, 95 % unless said otherwise)."""

    estimate: float
    low: float
    high: float


type Statistic = Callable[[Floats], Floats]
"""Figures (n,) of sums (n, columns); NaN where they give none."""


class DayBootstrap:
    """Draws of the days on which some rows lie, made once and shared by all figures of these rows.

    So figures are compared on the same days. ``day`` (n,) numbers the day of each row, as `day_of` does.
    """

    def __init__(
        self, day: Ints, rng: np.random.Generator, *, draws: int = 1000, block_days: float = MEAN_BLOCK_DAYS
    ) -> None:
        self._days, self._at = np.unique(day, return_inverse=True)
        self._weights = _draw(len(self._days), rng, draws, block_days)

    @property
    def days(self) -> int:
        """Days on which the rows lie."""
        return len(self._days)

    def interval(self, columns: Floats, statistic: Statistic, *, level: float = _LEVEL) -> Interval | None:
        """The percentile interval of a statistic of column sums; ``columns`` is (n, k).

        None if there is no figure, or fewer than `MIN_DAYS` days.
        """
        if len(self._days) < MIN_DAYS:
            return None
        sums = np.column_stack([np.bincount(self._at, each, minlength=len(self._days)) for each in columns.T])
        estimate, drawn = float(statistic(sums.sum(axis=0, keepdims=True))[0]), statistic(self._weights @ sums)
        drawn = drawn[np.isfinite(drawn)]
        if not np.isfinite(estimate) or len(drawn) == 0:
            return None
        low, high = np.quantile(drawn, ((1.0 - level) / 2, (1.0 + level) / 2))
        return Interval(estimate=estimate, low=float(low), high=float(high))


def bootstrap_difference(
    loss_a: Floats, loss_b: Floats, day: Ints, rng: np.random.Generator, draws: int = 1000, *, level: float = _LEVEL
) -> Interval:
    """By how much the mean of ``loss_b`` lies below that of ``loss_a``: above 0 where b is better.

    Losses and days (n,) are of the same rows. `NotEnoughHistoryError` for rows of fewer than `MIN_DAYS` days.
    """
    found = DayBootstrap(day, rng, draws=draws).interval(with_count(loss_a - loss_b), ratio, level=level)
    if found is None:
        raise NotEnoughHistoryError(f"losses of fewer than {MIN_DAYS} days cannot be compared; take a longer test span")
    return found


def day_of(ts_ns: Ints) -> Ints:
    """Number of the UTC day in which each stamp lies."""
    return ts_ns // NS_PER_DAY


def with_count(values: Floats) -> Floats:
    """Columns (n, 2) whose `ratio` is the mean of the values (n,)."""
    return np.column_stack((values, np.ones(len(values))))


def ratio(sums: Floats) -> Floats:
    """First column / second: a mean, or a share."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = sums[:, 0] / sums[:, 1]
    return found


def _draw(n_days: int, rng: np.random.Generator, draws: int, block_days: float) -> Floats:
    """How often each draw holds each day (draws, days): blocks of geometric length, wrapped at the end."""
    begins = rng.random((draws, n_days)) < 1.0 / block_days
    begins[:, :1] = True
    place = np.arange(n_days)
    begun = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    first = np.take_along_axis(rng.integers(n_days, size=(draws, n_days)), begun, axis=1)
    drawn = (first + place - begun) % n_days + n_days * np.arange(draws)[:, None]
    return np.bincount(drawn.ravel(), minlength=draws * n_days).reshape(draws, n_days).astype(np.float64)
