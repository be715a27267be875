"""The rows that models are judged on, and what a model without a memory sees of them.

A row is a decision of an instrument that the network can make and that has a label. Baselines are trained and judged
on exactly the rows of the network, from the newest closed bar of each timeframe.
"""

import numpy as np

from helios_nautilus.domain.bars import Bools
from helios_nautilus.models.dataset import Arrays, Float32s, Span
from helios_nautilus.models.sequences import Blocks


def predictable(arrays: Arrays, blocks: Blocks) -> Bools:
    """Which decisions (d, instruments) the network can make: an unbroken run leads up to each."""
    can = np.zeros(arrays.label.shape, dtype=bool)
    can[blocks.decisions_of_rows] = blocks.valid[blocks.rows]
    return can


def judged(arrays: Arrays, can: Bools, span: Span) -> Bools:
    """Which of the predictable decisions ``can`` (d, instruments) lie in a span and have a label."""
    rows: Bools = can & (arrays.label >= 0) & span.holds(arrays.ts_ns)[:, None]
    return rows


def tabulate(arrays: Arrays, rows: Bools) -> Float32s:
    """Unscaled features (n, 3 x features), fastest timeframe first, of the chosen rows (d, instruments) in order."""
    decision, instrument = np.nonzero(rows)
    columns = []
    for series in arrays.series:
        newest = np.searchsorted(series.ts_ns, arrays.ts_ns[decision], side="right") - 1
        columns.append(np.asarray(series.x[newest, instrument]))
    return np.concatenate(columns, axis=1)
