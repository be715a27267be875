"""Temperature scaling: one number, fitted on validation rows, that makes probabilities mean what they say."""

from typing import Final

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.labels import LabelArray

_MAX_TEMPERATURE: Final = 10.0


def fit_temperature(logits: Floats, label: LabelArray) -> float:
    """The T that minimises the log-loss of ``softmax(logits / T)`` (Guo et al. 2017, section 4.2).

    ``logits`` (n, k) and labels (n,), all known; T is kept within [1/10, 10].
    """

    def loss(log_temperature: float) -> float:
        return log_loss(log_softmax(logits / np.exp(log_temperature), axis=1), label)

    bound = np.log(_MAX_TEMPERATURE)
    return float(np.exp(minimize_scalar(loss, bounds=(-bound, bound), method="bounded").x))


def probabilities(logits: Floats, temperature: float) -> Floats:
    """Calibrated probabilities of logits (..., k)."""
    # By hand, because scipy's dispatch takes longer than the network's last layer.
    scaled = logits / temperature
    p: Floats = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return p / p.sum(axis=-1, keepdims=True)


def calibrated(log_p: Floats, temperature: float) -> Floats:
    """Log-probabilities (n, k) after temperature scaling."""
    scaled: Floats = log_softmax(log_p / temperature, axis=1)
    return scaled


def log_loss(log_p: Floats, label: LabelArray) -> float:
    """Mean of -log p of what happened, for log-probabilities (n, k)."""
    return float(-log_p[np.arange(len(label)), label].mean())
