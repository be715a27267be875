"""What the training span's inputs looked like: the measure of what is novel, and of what has drifted since.

Both are fitted on the training span alone and kept in the model's card.
"""

from typing import Final

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.drift import Deciles, fit_deciles
from helios_nautilus.models.dataset import Arrays, Float32s, Scaler, Series, Span

OUT_OF_DISTRIBUTION: Final = "out_of_distribution"
_QUANTILE: Final = 0.9995
_MARGIN: Final = 1.25
"""The furthest training rows are not novel: what is must lie clearly beyond them."""
_MOST_ROWS: Final = 200_000
"""More rows than these are thinned evenly; a quantile is known well enough by then."""
_CHUNK: Final = 1 << 14


class FeatureProfile(Struct, frozen=True, kw_only=True):
    """Of each timeframe, fastest first: how far out a bar may lie, and the deciles of its unscaled features."""

    distance_limit: tuple[float, float, float]
    deciles: tuple[Deciles, Deciles, Deciles]

    def novelty(self, scaled_mbf: Float32s) -> Floats:
        """How novel decisions (b,) are, from the newest bar of each timeframe: above 1 is beyond the limit."""
        worst: Floats = (distance(scaled_mbf) / np.array(self.distance_limit)[:, None]).max(axis=0)
        return worst


def veto_of(novelty: float) -> str:
    """Why a prediction must not be acted on; nothing if it may."""
    return OUT_OF_DISTRIBUTION if novelty > 1 else ""


def distance(scaled: Float32s) -> Floats:
    """Mean square of scaled and clipped features (..., f): about 1 in the training span."""
    square: Floats = np.square(scaled, dtype=np.float64).mean(axis=-1)
    return square


def fit_profile(arrays: Arrays, scaler: Scaler, train: Span) -> FeatureProfile:
    """The profile of the training span's ready rows."""
    rows = [_ready_rows(series, train) for series in arrays.series]
    first, second, third = (fit_deciles(each.astype(np.float64)) for each in rows)
    high, medium, low = (
        max(float(np.quantile(distance(scaler.apply(index, each)), _QUANTILE)) * _MARGIN, np.finfo(float).tiny)
        for index, each in enumerate(rows)
    )
    return FeatureProfile(distance_limit=(high, medium, low), deciles=(first, second, third))


def measure_novelty(arrays: Arrays, scaler: Scaler, profile: FeatureProfile) -> Floats:
    """`FeatureProfile.novelty` of every decision (d, instruments) of a history; anything where it is not ready."""
    worst = np.zeros(arrays.label.shape)
    for index, series in enumerate(arrays.series):
        far = np.concatenate(
            [distance(scaler.apply(index, series.x[at : at + _CHUNK])) for at in range(0, len(series.ts_ns), _CHUNK)]
        )
        newest = np.searchsorted(series.ts_ns, arrays.ts_ns, side="right") - 1
        np.maximum(worst, far[newest] / profile.distance_limit[index], out=worst)
    return worst


def _ready_rows(series: Series, span: Span) -> Float32s:
    """Features (n, f) of a span's ready bars, evenly thinned to `_MOST_ROWS`."""
    at, instrument = np.nonzero(series.ready & span.holds(series.ts_ns)[:, None])
    step = -(-len(at) // _MOST_ROWS)
    rows: Float32s = np.asarray(series.x[at[::step], instrument[::step]])
    return rows
