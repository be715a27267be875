"""How good predictions are: skill over the base rates, direction, calibration, and money.

Plain numpy on rows of probabilities, so that baselines are judged by the very same code. A figure that the rows
cannot give is None, never NaN.
"""

from typing import Final

import numpy as np
from msgspec import Struct
from scipy.stats import spearmanr

from helios_nautilus.domain.bars import Floats, Ints
from helios_nautilus.domain.labels import Label, LabelArray
from helios_nautilus.models.calibrate import log_loss

_MIN_P: Final = 1e-12


class ConfidenceBin(Struct, frozen=True, kw_only=True):
    """A tenth of the rows that moved, by directional confidence."""

    confidence_from: float
    count: int
    accuracy: float


class Metrics(Struct, frozen=True, kw_only=True):
    """What `evaluate` measures; returns are fractions of the entry value, net of costs."""

    count: int
    log_loss: float | None
    prior_log_loss: float | None
    skill: float | None
    """1 - log-loss / log-loss of the prior: above 0 is better than knowing the base rates only."""
    accuracy: float | None
    """Shown because everyone asks; decides nothing."""
    balanced_accuracy: float | None
    """Mean recall of the classes that occur."""
    mcc: float | None
    """Matthews correlation of three classes (Gorodkin 2004)."""
    directional_accuracy: float | None
    """Among rows labelled BUY or SELL: how often the likelier side was right."""
    directional_deciles: tuple[ConfidenceBin, ...]
    information_coefficient: float | None
    """Rank correlation of P(BUY) - P(SELL) with half the difference of both plans' net returns."""
    calibration_error: float | None
    """Expected calibration error in ten equal bins, mean of the three classes."""
    taken: int
    """Rows whose likelier side reached the directional confidence asked for, with a known outcome."""
    taken_mean_net: float | None
    """Mean net return of that side's plan on those rows."""


def evaluate(
    p: Floats,
    label: LabelArray,
    net_long: Floats,
    net_short: Floats,
    *,
    prior: tuple[float, ...],
    min_confidence: float = 0.55,
) -> Metrics:
    """Judge probabilities (n, 3) in the order of `Label` against labels and both plans' net returns (n,).

    ``prior`` holds the base rates of the training span. Rows with an unknown label or a NaN probability are left out.
    """
    known = (label >= 0) & np.isfinite(p).all(axis=1)
    p, label, net_long, net_short = p[known], label[known], net_long[known], net_short[known]
    model_loss = log_loss(np.log(np.maximum(p, _MIN_P)), label) if len(label) else None
    prior_loss = float(-np.log(np.maximum(prior, _MIN_P))[label].mean()) if len(label) else None
    confusion = np.zeros((3, 3), dtype=np.int64)
    np.add.at(confusion, (label, p.argmax(axis=1)), 1)
    deciles = _directional_deciles(p, label)
    taken, taken_mean_net = _taken(p, net_long, net_short, min_confidence)
    return Metrics(
        count=len(label),
        log_loss=model_loss,
        prior_log_loss=prior_loss,
        skill=1.0 - model_loss / prior_loss if model_loss is not None and prior_loss else None,
        accuracy=_ratio(int(confusion.trace()), len(label)),
        balanced_accuracy=_balanced_accuracy(confusion),
        mcc=_mcc(confusion),
        directional_accuracy=_ratio(
            sum(each.accuracy * each.count for each in deciles), sum(each.count for each in deciles)
        ),
        directional_deciles=deciles,
        information_coefficient=_information_coefficient(p, net_long, net_short),
        calibration_error=_calibration_error(p, label),
        taken=taken,
        taken_mean_net=taken_mean_net,
    )


def directional_confidence(p: Floats) -> Floats:
    """P(likelier side) / (P(BUY) + P(SELL)) of probabilities (n, 3); 0.5 where neither has any."""
    both = p[:, Label.BUY] + p[:, Label.SELL]
    stronger = np.maximum(p[:, Label.BUY], p[:, Label.SELL])
    confidence: Floats = np.divide(stronger, both, out=np.full(len(p), 0.5), where=both > 0)
    return confidence


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None


def _balanced_accuracy(confusion: Ints) -> float | None:
    occurring = confusion.sum(axis=1) > 0
    if not occurring.any():
        return None
    return float((confusion.diagonal()[occurring] / confusion.sum(axis=1)[occurring]).mean())


def _mcc(confusion: Ints) -> float | None:
    # Gorodkin's R_K, with the counts of classes as they occurred (t) and as they were predicted (q).
    t, q, n = confusion.sum(axis=1).astype(float), confusion.sum(axis=0).astype(float), float(confusion.sum())
    spread = (n * n - q @ q) * (n * n - t @ t)
    return float((confusion.trace() * n - t @ q) / np.sqrt(spread)) if spread > 0 else None


def _directional_deciles(p: Floats, label: LabelArray) -> tuple[ConfidenceBin, ...]:
    moved = label != Label.HOLD
    p, label = p[moved], label[moved]
    confidence = directional_confidence(p)
    is_right = (p[:, Label.BUY] > p[:, Label.SELL]) == (label == Label.BUY)
    order = np.argsort(confidence, kind="stable")
    return tuple(
        ConfidenceBin(
            confidence_from=float(confidence[rows[0]]), count=len(rows), accuracy=float(is_right[rows].mean())
        )
        for rows in np.array_split(order, 10)
        if len(rows)
    )


def _information_coefficient(p: Floats, net_long: Floats, net_short: Floats) -> float | None:
    lean, gain = p[:, Label.BUY] - p[:, Label.SELL], (net_long - net_short) / 2
    known = np.isfinite(gain)
    lean, gain = lean[known], gain[known]
    if len(lean) < 3 or np.ptp(lean) == 0 or np.ptp(gain) == 0:
        return None
    return float(spearmanr(lean, gain).statistic)


def _calibration_error(p: Floats, label: LabelArray) -> float | None:
    if len(label) == 0:
        return None
    errors = []
    for each in range(p.shape[1]):
        at = np.minimum((p[:, each] * 10).astype(int), 9)
        gap = np.bincount(at, weights=p[:, each] - (label == each), minlength=10)
        errors.append(np.abs(gap).sum() / len(label))
    return float(np.mean(errors))


def _taken(p: Floats, net_long: Floats, net_short: Floats, min_confidence: float) -> tuple[int, float | None]:
    net = np.where(p[:, Label.BUY] > p[:, Label.SELL], net_long, net_short)
    rows = np.isfinite(net) & (directional_confidence(p) >= min_confidence)
    return int(rows.sum()), _ratio(float(net[rows].sum()), int(rows.sum()))
