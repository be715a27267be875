import sys

import numpy as np
import pytest

from helios_nautilus.errors import ConfigError
from helios_nautilus.models.baselines import (
    BoostingConfig,
    LogisticConfig,
    Table,
    fit_boosting,
    fit_logistic,
    fit_prior,
)
from helios_nautilus.models.calibrate import log_loss

FITS = [fit_prior, fit_logistic, fit_boosting]


def make_table(seed, *, n=3000, signal=1.0, curved=False):
    """One column of six tells the label, straight or bent."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 6)).astype(np.float32)
    clue = x[:, 2] ** 2 - 1.0 if curved else x[:, 2]
    score = signal * clue + rng.standard_normal(n)
    label = np.where(score > 0.6, 2, np.where(score < -0.6, 0, 1)).astype(np.int8)
    return Table(x=x, label=label)


def loss(fit, train, validation, test):
    return log_loss(fit(train, validation)(test.x), test.label)


@pytest.mark.parametrize("fit", FITS)
def test_a_baseline_gives_log_probabilities(fit):
    train, validation, test = (make_table(seed) for seed in (1, 2, 3))
    p = np.exp(fit(train, validation)(test.x))
    assert p.shape == (3000, 3)
    np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize("fit", FITS[1:])
def test_a_baseline_finds_what_is_there_and_nothing_where_nothing_is(fit):
    clear, none = ([make_table(seed, signal=signal) for seed in (1, 2, 3)] for signal in (1.0, 0.0))
    assert loss(fit, *clear) < 0.9 * loss(fit_prior, *clear)
    assert loss(fit, *none) == pytest.approx(loss(fit_prior, *none), rel=0.02)


def test_trees_find_a_bend_that_a_linear_model_cannot():
    tables = [make_table(seed, curved=True) for seed in (1, 2, 3)]
    assert loss(fit_boosting, *tables) < 0.95 * loss(fit_logistic, *tables)


@pytest.mark.parametrize("fit", FITS)
def test_the_same_rows_give_the_same_baseline(fit):
    train, validation, test = (make_table(seed) for seed in (1, 2, 3))
    np.testing.assert_array_equal(fit(train, validation)(test.x), fit(train, validation)(test.x))


def test_a_class_that_never_occurred_in_training_is_possible_all_the_same():
    train, validation, test = (make_table(seed) for seed in (1, 2, 3))
    kept = train.label != 0
    train = Table(x=train.x[kept], label=train.label[kept])
    assert np.isfinite(fit_logistic(train, validation)(test.x)).all()


def test_the_scale_of_a_column_does_not_matter_to_the_linear_model():
    train, validation, test = (make_table(seed) for seed in (1, 2, 3))
    factor = np.array([1e-6, 1.0, 1e4, 1.0, 1.0, 1.0], dtype=np.float32)
    wide = [Table(x=each.x * factor, label=each.label) for each in (train, validation, test)]
    assert loss(fit_logistic, *wide) == pytest.approx(loss(fit_logistic, train, validation, test), rel=1e-3)


def test_without_the_extra_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    table = make_table(1, n=50)
    with pytest.raises(ConfigError, match="need lightgbm: install Helios with the extra 'evaluate'"):
        fit_boosting(table, table, BoostingConfig())


@pytest.mark.parametrize(
    ("config", "wrong"),
    [
        (LogisticConfig, {"strengths": ()}),
        (LogisticConfig, {"strengths": (0.0,)}),
        (LogisticConfig, {"max_rows": 0}),
        (BoostingConfig, {"rounds": 0}),
        (BoostingConfig, {"leaves": 1}),
        (BoostingConfig, {"share_of_rows": 1.5}),
        (BoostingConfig, {"learning_rate": 0.0}),
    ],
)
def test_settings_that_fit_nothing_are_refused(config, wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        config(**wrong)
