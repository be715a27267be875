"""The test rows of all folds together: what every model said about them, and what came."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Floats, Ints
from helios_nautilus.domain.labels import LabelArray
from helios_nautilus.domain.plan import Liquidity
from helios_nautilus.models.contest import MODELS, FoldResult
from helios_nautilus.models.dataset import Arrays
from helios_nautilus.models.evaluate import MIN_P

ENTRIES: Final[tuple[Liquidity, ...]] = ("taker", "maker")
_REGIME_PERCENTILES: Final = (0.25, 0.75, 0.95)
"""Upper ends of LOW, MEDIUM and HIGH."""


class UnseenRows(Struct, frozen=True, kw_only=True):
    """The test rows (n) of all folds, oldest fold first, with what came and what was said."""

    ts_ns: Ints
    instrument: Ints
    fold: Ints
    regime: Ints
    """Place among `Regime`; -1 where the volatility is unknown."""
    label: LabelArray
    entry: Liquidity
    """How the plan enters."""
    nets: dict[Liquidity, tuple[Floats, Floats]]
    """Net returns of the long and the short plan by entry."""
    attention: Floats
    before: dict[str, Floats]
    """Probabilities (n, 3) by model, before calibration."""
    p: dict[str, Floats]
    """Probabilities (n, 3) by model."""


def gather(arrays: Arrays, folds: Sequence[FoldResult]) -> UnseenRows:
    """Lay the folds' test rows end to end."""
    decision = np.concatenate([fold.decision for fold in folds])
    instrument = np.concatenate([fold.instrument for fold in folds])
    nets = {entry: arrays.nets(entry) for entry in ENTRIES}
    return UnseenRows(
        ts_ns=arrays.ts_ns[decision],
        instrument=instrument,
        fold=np.repeat(np.arange(len(folds)), [len(fold.decision) for fold in folds]),
        regime=np.concatenate([_regimes(arrays, fold) for fold in folds]),
        label=arrays.label[decision, instrument],
        entry=arrays.plan.entry,
        nets={
            entry: (long[decision, instrument], short[decision, instrument]) for entry, (long, short) in nets.items()
        },
        attention=np.concatenate([fold.attention for fold in folds]),
        before={name: _probabilities([fold.raw[name] for fold in folds]) for name in MODELS},
        p={name: _probabilities([fold.log_p(name) for fold in folds]) for name in MODELS},
    )


def _probabilities(log_p: list[Floats]) -> Floats:
    p: Floats = np.maximum(np.exp(np.concatenate(log_p)), MIN_P)
    return p


def _regimes(arrays: Arrays, fold: FoldResult) -> Ints:
    """Regimes of a fold's rows by each instrument's own volatilities in the training span, known before the test."""
    regime = np.full(len(fold.decision), -1)
    past = arrays.vol_daily[fold.splits.train.holds(arrays.ts_ns)]
    for instrument in range(len(arrays.instrument_ids)):
        known = past[:, instrument][np.isfinite(past[:, instrument])]
        rows = np.flatnonzero(fold.instrument == instrument)
        now = arrays.vol_daily[fold.decision[rows], instrument]
        if len(known):
            placed = np.searchsorted(np.quantile(known, _REGIME_PERCENTILES), now, side="right")
            regime[rows] = np.where(np.isfinite(now), placed, -1)
    return regime
