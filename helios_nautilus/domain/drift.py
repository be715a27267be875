"""Whether a model still sees the market it was trained on, and is still right as often as it says.

Three figures: how far the distribution of each feature has moved from the training span's, how often the newest
predictions hit, and how far that is from their confidence. What becomes of them is the monitor's business.
"""

from collections import deque
from typing import Final

import numpy as np
from msgspec import Struct
from numba import njit
from numpy.typing import NDArray

from helios_nautilus.domain.bars import Floats, Ints
from helios_nautilus.errors import ConfigError

BINS: Final = 10
_MIN_SHARE: Final = 1e-4
"""An empty bin counts as this share: its logarithm must exist."""


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An alert is raised above one limit and taken back below a lower one, so that it does not flutter."""

    alert: float
    clear: float

    def __post_init__(self) -> None:
        if not 0 <= self.clear <= self.alert:
            raise ConfigError("drift: clear must lie in [0, alert]")


class DriftRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is measured over which past, and what is too much."""

    window_hours: int = 336
    """Past whose features are compared with the training span. Shorter than two weeks, every calm one would be news."""
    stability: Limits = Limits(alert=0.25, clear=0.15)
    """Population stability index, the mean of a timeframe's features."""
    outcomes: int = 100
    """Newest predictions with a known outcome that are judged."""
    miss_rate: Limits = Limits(alert=0.75, clear=0.65)
    """Share of them whose likelier side was wrong. Wide, because a hundred neighbours are a few independent bets."""
    calibration: Limits = Limits(alert=0.25, clear=0.15)
    """Distance of their mean confidence from the share that was right."""

    def __post_init__(self) -> None:
        if min(self.window_hours, self.outcomes) < 1:
            raise ConfigError("drift: window_hours and outcomes must be 1 or more")


class Deciles(Struct, frozen=True, kw_only=True):
    """Inner edges of ten bins of each feature (f, 9), and the share of the training span in each bin (f, 10).

    A value belongs to the bin that begins at it. Where a feature repeats its values, shares are not all a tenth.
    """

    edges: tuple[tuple[float, ...], ...]
    share: tuple[tuple[float, ...], ...]


def fit_deciles(x_nf: Floats) -> Deciles:
    """Deciles of every column of rows (n, f)."""
    edges = np.ascontiguousarray(np.quantile(x_nf, np.arange(1, BINS) / BINS, axis=0).T)
    share = _count(edges, np.asarray(x_nf, dtype=np.float64)) / len(x_nf)
    return Deciles(edges=tuple(map(tuple, edges.tolist())), share=tuple(map(tuple, share.tolist())))


def population_stability(expected: Floats, actual: Floats) -> Floats:
    """PSI (f,) of shares (f, bins): sum of (a - e) ln(a / e) (Siddiqi 2006, ch. 10); 0 where nothing has moved.

    Below 0.1 is commonly taken as stable and above 0.25 as moved, for independent rows; bars are anything but.
    """
    e, a = np.maximum(expected, _MIN_SHARE), np.maximum(actual, _MIN_SHARE)
    psi: Floats = ((a - e) * np.log(a / e)).sum(axis=1)
    return psi


class FeatureDrift:
    """Population stability of one timeframe's features over the newest ``rows`` bars of all instruments."""

    def __init__(self, deciles: Deciles, rows: int) -> None:
        self._edges = np.array(deciles.edges)
        self._expected = np.array(deciles.share)
        self._bins = np.zeros((rows, len(self._edges)), dtype=np.int8)
        self._counts = np.zeros((len(self._edges), BINS), dtype=np.int64)
        self._seen = 0

    def update(self, x_nf: Floats) -> None:
        """Take rows (n, f), oldest first; as many fall out of the window once it is full."""
        _slide(self._edges, self._bins, self._counts, self._seen, np.asarray(x_nf, dtype=np.float64))
        self._seen += len(x_nf)

    def stability(self) -> Floats | None:
        """PSI of each feature (f,); None until the window is full."""
        if self._seen < len(self._bins):
            return None
        return population_stability(self._expected, self._counts / len(self._bins))


class Outcomes:
    """The newest predictions whose label turned out to be BUY or SELL: their confidence and whether they were right."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._past: deque[tuple[float, bool]] = deque(maxlen=count)

    def add(self, confidence: float, is_hit: bool) -> None:
        """Take a prediction: P(likelier side) / (P(BUY) + P(SELL)), and whether the label was that side."""
        self._past.append((confidence, is_hit))

    @property
    def hit_rate(self) -> float | None:
        """Share of hits; None until there are enough."""
        return self._mean(1)

    @property
    def confidence(self) -> float | None:
        """Mean confidence: what the hit rate would be if the model were calibrated; None until there are enough."""
        return self._mean(0)

    def _mean(self, column: int) -> float | None:
        if len(self._past) < self._count:
            return None
        return float(sum(each[column] for each in self._past) / self._count)


class Alarm:
    """Remembers whether a figure is beyond its limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.is_raised = False

    def update(self, value: float) -> bool:
        """Take a figure; True if the alarm was raised or taken back by it."""
        was_raised = self.is_raised
        self.is_raised = value > (self.limits.clear if was_raised else self.limits.alert)
        return self.is_raised is not was_raised


@njit(cache=True)
def _count(edges: Floats, x: Floats) -> Ints:
    """How many rows (n, f) lie in each bin (f, bins)."""
    counts = np.zeros((len(edges), edges.shape[1] + 1), np.int64)
    for row in x:
        for f in range(len(edges)):
            counts[f, np.searchsorted(edges[f], row[f], side="right")] += 1
    return counts


@njit(cache=True)
def _slide(edges: Floats, bins: NDArray[np.int8], counts: Ints, seen: int, x: Floats) -> None:
    """Count rows in, and out again the rows whose places in the ring they take."""
    for n in range(len(x)):
        place = (seen + n) % len(bins)
        for f in range(len(edges)):
            if seen + n >= len(bins):
                counts[f, bins[place, f]] -= 1
            bins[place, f] = np.searchsorted(edges[f], x[n, f], side="right")
            counts[f, bins[place, f]] += 1
