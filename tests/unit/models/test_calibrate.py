import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from helios_nautilus.models.calibrate import fit_temperature, log_loss, probabilities


@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 3.0])
def test_temperature_undoes_what_made_logits_too_sure(overconfidence):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (20_000, 3))
    label = (softmax(logits, axis=1).cumsum(axis=1) < rng.uniform(size=(20_000, 1))).sum(axis=1).astype(np.int8)
    assert fit_temperature(logits * overconfidence, label) == pytest.approx(overconfidence, rel=0.06)


def test_calibration_never_makes_the_fitted_rows_worse():
    rng = np.random.default_rng(1)
    logits, label = rng.normal(0, 2, (500, 3)), rng.integers(0, 3, 500).astype(np.int8)
    temperature = fit_temperature(logits, label)
    assert log_loss(np.log(probabilities(logits, temperature)), label) <= log_loss(log_softmax(logits, axis=1), label)


def test_separable_rows_keep_the_temperature_within_its_bounds():
    label = np.array([0, 1, 2] * 10, dtype=np.int8)
    logits = 5.0 * np.eye(3)[label]
    assert 0.1 <= fit_temperature(logits, label) <= 10.0
    assert fit_temperature(-logits, label) == pytest.approx(10.0, rel=0.01)


def test_probabilities_sum_to_one_also_for_huge_logits():
    assert probabilities(np.array([1e4, -1e4, 0.0]), 1.0).tolist() == [1.0, 0.0, 0.0]
