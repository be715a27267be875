import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.models.calibrate import log_loss
from helios_nautilus.models.pool import fit_weight, pool


def draw(seed, n=4000):
    """Log-probabilities of an honest model, of noise, and labels."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet((2, 2, 2), n)
    label = (p.cumsum(axis=1) < rng.uniform(size=(n, 1))).sum(axis=1).astype(np.int8)
    return np.log(p), np.log(rng.dirichlet((2, 2, 2), n)), label


def test_a_model_that_adds_nothing_gets_no_weight():
    honest, noise, label = draw(1)
    assert fit_weight(honest, noise, label) > 0.95
    assert fit_weight(noise, honest, label) < 0.05


def test_two_models_that_each_know_a_part_are_better_together():
    rng = np.random.default_rng(2)
    truth = rng.normal(size=(4000, 3))
    label = (truth + rng.gumbel(size=truth.shape)).argmax(axis=1).astype(np.int8)
    first, second = (truth + rng.normal(size=truth.shape) for _ in range(2))
    weight = fit_weight(first, second, label)
    assert weight == pytest.approx(0.5, abs=0.1)
    alone = min(log_loss(pool(each, each, 1.0), label) for each in (first, second))
    assert log_loss(pool(first, second, weight), label) < alone - 0.02


@settings(max_examples=40)
@given(seed=st.integers(0, 1000), weight=st.floats(0.0, 1.0))
def test_a_pool_is_a_probability_and_never_worse_fitted_than_either_model(seed, weight):
    honest, noise, label = draw(seed, n=50)
    np.testing.assert_allclose(np.exp(pool(honest, noise, weight)).sum(axis=1), 1.0)
    fitted = log_loss(pool(honest, noise, fit_weight(honest, noise, label)), label)
    assert fitted <= min(log_loss(honest, label), log_loss(noise, label)) + 1e-9
