"""What a training must not know, looked for in what it made: cheap, and done every time."""

from typing import Final

import numpy as np

from helios_nautilus.errors import LookaheadError
from helios_nautilus.models.dataset import Arrays, Scaler, Span

_TOLERANCE: Final = 1e-4
"""In deviations of the training span: far above the rounding of another order of summing."""


def check_scaler(arrays: Arrays, train: Span, scaler: Scaler) -> None:
    """`LookaheadError` unless the scaler says what the ready rows of the training span say, and no others.

    Worked out here by other means than in `fit_scaler`, so that a mistake there is not made twice.
    """
    for index, (series, name) in enumerate(zip(arrays.series, arrays.timeframes.names, strict=True)):
        rows = series.ready & train.holds(series.ts_ns)[:, None]
        x = series.x[rows].astype(np.float64)
        mean = np.add.reduce(x) / len(x)
        std = np.sqrt(np.maximum(np.einsum("nf,nf->f", x, x) / len(x) - mean * mean, 0.0))
        moves = std > 1e-6 * np.maximum(np.abs(mean), 1.0)
        given_mean, given_std = np.array(scaler.mean[index]), np.array(scaler.std[index])
        off = np.abs(given_mean - mean) > _TOLERANCE * np.where(moves, std, np.maximum(np.abs(mean), 1.0))
        off |= moves & (np.abs(given_std - std) > _TOLERANCE * std)
        if off.any():
            raise LookaheadError(
                f"{int(off.sum())} of {len(off)} columns of the {name} features are not scaled by the training span's "
                "own mean and deviation: the scaler has seen other rows; fit it on the training span alone"
            )
