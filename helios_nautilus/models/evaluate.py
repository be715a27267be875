"""How good predictions are: skill over the base rates, direction, calibration, and money.

Plain numpy on rows of probabilities, so that baselines are judged by the very same code. A figure that the rows
cannot give is None, never NaN.
"""

from typing import Final

import numpy as np
from msgspec import Struct
from scipy.stats import spearmanr

from helios_nautilus.domain.bars import Bools, Floats, Ints
from helios_nautilus.domain.labels import Label, LabelArray
from helios_nautilus.models.calibrate import log_loss

MIN_P: Final = 1e-12
"""Nothing is held to be less likely than this: one surprise must not decide a whole log-loss."""
TOP_SHARE: Final = 0.05
"""The most confident rows, which are judged apart: trades are taken there."""


class ConfidenceBin(Struct, frozen=True, kw_only=True):
    """A tenth of the rows that moved, by directional confidence."""

    confidence_from: float
    count: int
    accuracy: float


class CalibrationBin(Struct, frozen=True, kw_only=True):
    """Probabilities that lay in one tenth of the unit interval, those of all classes alike, and how often they held."""

    p_mean: float
    frequency: float
    count: int


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
    directional_top: float | None = None
    """The same among the `TOP_SHARE` of those rows with the highest directional confidence."""
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
    prior: tuple[float, ...] | Floats,
    min_confidence: float = 0.55,
) -> Metrics:
    """Judge probabilities (n, 3) in the order of `Label` against labels and both plans' net returns (n,).

    ``prior`` holds the base rates of the training span: three, or three for every row (n, 3). Rows with an unknown
    label or a NaN probability are left out.
    """
    base = np.broadcast_to(np.asarray(prior, dtype=np.float64), p.shape)
    known = (label >= 0) & np.isfinite(p).all(axis=1)
    p, label, net_long, net_short, base = p[known], label[known], net_long[known], net_short[known], base[known]
    model_loss = log_loss(np.log(np.maximum(p, MIN_P)), label) if len(label) else None
    prior_loss = log_loss(np.log(np.maximum(base, MIN_P)), label) if len(label) else None
    confusion = count_confusion(p, label)
    deciles = _directional_deciles(p, label)
    taken, taken_mean_net = _taken(p, net_long, net_short, min_confidence)
    return Metrics(
        count=len(label),
        log_loss=model_loss,
        prior_log_loss=prior_loss,
        skill=1.0 - model_loss / prior_loss if model_loss is not None and prior_loss else None,
        accuracy=_ratio(int(confusion.trace()), len(label)),
        balanced_accuracy=_balanced_accuracy(confusion),
        mcc=_known(float(matthews(confusion[None].astype(np.float64))[0])),
        directional_accuracy=_ratio(
            sum(each.accuracy * each.count for each in deciles), sum(each.count for each in deciles)
        ),
        directional_top=_directional_top(p, label),
        directional_deciles=deciles,
        information_coefficient=_information_coefficient(p, net_long, net_short),
        calibration_error=calibration_error(p, label),
        taken=taken,
        taken_mean_net=taken_mean_net,
    )


def directional_confidence(p: Floats) -> Floats:
    """P(likelier side) / (P(BUY) + P(SELL)) of probabilities (n, 3); 0.5 where neither has any."""
    both = p[:, Label.BUY] + p[:, Label.SELL]
    stronger = np.maximum(p[:, Label.BUY], p[:, Label.SELL])
    confidence: Floats = np.divide(stronger, both, out=np.full(len(p), 0.5), where=both > 0)
    return confidence


def count_confusion(p: Floats, label: LabelArray) -> Ints:
    """How often each class (rows of the table) was taken for each (columns), (k, k)."""
    confusion = np.zeros((p.shape[1], p.shape[1]), dtype=np.int64)
    np.add.at(confusion, (label, p.argmax(axis=1)), 1)
    return confusion


def matthews(confusion_nkk: Floats) -> Floats:
    """Matthews correlation (n,) of several tables of confusion; Gorodkin's R_K (2004). NaN where there is none."""
    # The counts of classes as they occurred (t) and as they were predicted (q).
    t, q, n = confusion_nkk.sum(axis=2), confusion_nkk.sum(axis=1), confusion_nkk.sum(axis=(1, 2))
    spread = (n * n - (q * q).sum(axis=1)) * (n * n - (t * t).sum(axis=1))
    right = np.trace(confusion_nkk, axis1=1, axis2=2)
    found = np.full(len(n), np.nan)
    np.divide(right * n - (t * q).sum(axis=1), np.sqrt(spread), out=found, where=spread > 0)
    return found


def most_confident(confidence: Floats, share: float = TOP_SHARE) -> Bools:
    """Which of the rows (n,) are the given share with the highest confidence; at least one, if there is any."""
    chosen = np.zeros(len(confidence), dtype=bool)
    count = max(1, round(share * len(confidence)))
    chosen[np.argsort(confidence, kind="stable")[-count:]] = True
    return chosen


def is_right_side(p: Floats, label: LabelArray) -> Bools:
    """Of rows labelled BUY or SELL: whether the likelier side was right."""
    right: Bools = (p[:, Label.BUY] > p[:, Label.SELL]) == (label == Label.BUY)
    return right


def calibration_error(p: Floats, label: LabelArray) -> float | None:
    """Expected calibration error in ten equal bins, mean of the classes; None without rows."""
    if len(label) == 0:
        return None
    errors = []
    for each in range(p.shape[1]):
        at = np.minimum((p[:, each] * 10).astype(int), 9)
        gap = np.bincount(at, weights=p[:, each] - (label == each), minlength=10)
        errors.append(np.abs(gap).sum() / len(label))
    return float(np.mean(errors))


def calibration_curve(p: Floats, label: LabelArray) -> tuple[CalibrationBin, ...]:
    """What was said against what came, for probabilities (n, 3) and labels (n,), all known; empty bins are left out."""
    said, came = p.ravel(), (label[:, None] == np.arange(p.shape[1])).ravel()
    at = np.minimum((said * 10).astype(int), 9)
    count = np.bincount(at, minlength=10)
    sums = np.bincount(at, weights=said, minlength=10), np.bincount(at, weights=came, minlength=10)
    return tuple(
        CalibrationBin(p_mean=float(sums[0][i] / n), frequency=float(sums[1][i] / n), count=int(n))
        for i, n in enumerate(count)
        if n
    )


def _known(figure: float) -> float | None:
    return figure if np.isfinite(figure) else None


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None


def _balanced_accuracy(confusion: Ints) -> float | None:
    occurring = confusion.sum(axis=1) > 0
    if not occurring.any():
        return None
    return float((confusion.diagonal()[occurring] / confusion.sum(axis=1)[occurring]).mean())


def _directional_deciles(p: Floats, label: LabelArray) -> tuple[ConfidenceBin, ...]:
    moved = label != Label.HOLD
    p, label = p[moved], label[moved]
    confidence = directional_confidence(p)
    is_right = is_right_side(p, label)
    order = np.argsort(confidence, kind="stable")
    return tuple(
        ConfidenceBin(
            confidence_from=float(confidence[rows[0]]), count=len(rows), accuracy=float(is_right[rows].mean())
        )
        for rows in np.array_split(order, 10)
        if len(rows)
    )


def _directional_top(p: Floats, label: LabelArray) -> float | None:
    moved = label != Label.HOLD
    if not moved.any():
        return None
    p, label = p[moved], label[moved]
    return float(is_right_side(p, label)[most_confident(directional_confidence(p))].mean())


def _information_coefficient(p: Floats, net_long: Floats, net_short: Floats) -> float | None:
    lean, gain = p[:, Label.BUY] - p[:, Label.SELL], (net_long - net_short) / 2
    known = np.isfinite(gain)
    lean, gain = lean[known], gain[known]
    if len(lean) < 3 or np.ptp(lean) == 0 or np.ptp(gain) == 0:
        return None
    return float(spearmanr(lean, gain).statistic)


def _taken(p: Floats, net_long: Floats, net_short: Floats, min_confidence: float) -> tuple[int, float | None]:
    net = np.where(p[:, Label.BUY] > p[:, Label.SELL], net_long, net_short)
    rows = np.isfinite(net) & (directional_confidence(p) >= min_confidence)
    return int(rows.sum()), _ratio(float(net[rows].sum()), int(rows.sum()))
