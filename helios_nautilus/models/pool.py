"""Two models' probabilities made one: a weighted mean of their log-probabilities, the weight fitted on validation.

The logarithmic pool (Genest and Zidek 1986). Where one of the two adds nothing, its weight goes to 0.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.labels import LabelArray
from helios_nautilus.models.calibrate import log_loss


def fit_weight(log_p_a: Floats, log_p_b: Floats, label: LabelArray) -> float:
    """The share of model a in [0, 1] that minimises the log-loss of the pool on rows (n, k) with labels (n,)."""

    def loss(weight: float) -> float:
        return log_loss(pool(log_p_a, log_p_b, weight), label)

    inner = float(minimize_scalar(loss, bounds=(0.0, 1.0), method="bounded").x)
    # The search never quite reaches the ends, and an end is the honest answer where one model adds nothing.
    return min((0.0, inner, 1.0), key=loss)


def pool(log_p_a: Floats, log_p_b: Floats, weight: float) -> Floats:
    """Log-probabilities (n, k) of the pool in which model a has the given weight."""
    pooled: Floats = log_softmax(weight * np.asarray(log_p_a) + (1.0 - weight) * np.asarray(log_p_b), axis=1)
    return pooled
