"""What a network has to beat: base rates, a linear model, and boosted trees, on the same rows and the same columns.

They have no memory: each sees the newest closed bar of the three timeframes, which already sums up a hundred bars.
Each is calibrated and judged like the network itself. Scikit-learn and LightGBM come with the extra ``evaluate``.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.labels import LabelArray, base_rates
from helios_nautilus.errors import ConfigError
from helios_nautilus.models.calibrate import log_loss
from helios_nautilus.models.dataset import Float32s
from helios_nautilus.models.network import N_CLASSES

_MIN_P: Final = 1e-9


class Table(Struct, frozen=True, kw_only=True):
    """Rows of one span: features (n, columns) and labels (n,), all known."""

    x: Float32s
    label: LabelArray


type Classifier = Callable[[Float32s], Floats]
"""Log-probabilities (n, classes) of features (n, columns)."""


class LogisticConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Multinomial logistic regression on scaled and clipped columns."""

    strengths: tuple[float, ...] = (1e-4, 1e-2, 1.0)
    """Inverse penalties to choose from, by the validation log-loss."""
    clip: float = 8.0
    """Deviations that a scaled value keeps to, as the network's."""
    max_rows: int = 200_000
    """More rows than this are thinned evenly: a linear model has learnt all it can by then."""

    def __post_init__(self) -> None:
        if not self.strengths or min(self.strengths) <= 0 or self.clip <= 0 or self.max_rows < 1:
            raise ConfigError("logistic: strengths and clip must be above 0, max_rows 1 or more")


class BoostingConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """LightGBM with early stopping on the validation span. Cautious: neighbouring labels overlap."""

    rounds: int = 600
    patience: int = 30
    learning_rate: float = 0.05
    leaves: int = 31
    min_leaf: int = 1000
    """Rows of the smallest leaf, or a hundredth of the training rows if that is less."""
    share_of_columns: float = 0.5
    share_of_rows: float = 0.5
    ridge: float = 10.0

    def __post_init__(self) -> None:
        if min(self.rounds, self.patience, self.min_leaf) < 1 or self.leaves < 2:
            raise ConfigError("boosting: rounds, patience and min_leaf must be 1 or more, leaves 2 or more")
        if not (0 < self.share_of_columns <= 1 and 0 < self.share_of_rows <= 1):
            raise ConfigError("boosting: share_of_columns and share_of_rows must lie in (0, 1]")
        if self.learning_rate <= 0 or self.ridge < 0:
            raise ConfigError("boosting: learning_rate must be above 0, ridge not below it")


def fit_prior(train: Table, validation: Table) -> Classifier:
    """The base rates of the training span, whatever is seen. One row of each class is added, so that none is 0."""
    log_p = np.log(base_rates(train.label))
    return lambda x: np.tile(log_p, (len(x), 1))


def fit_logistic(train: Table, validation: Table, config: LogisticConfig | None = None) -> Classifier:
    """Logistic regression; the penalty is the one that validates best. The scaler knows the training rows alone."""
    config = config or LogisticConfig()
    linear = _require("sklearn.linear_model")
    mean, std = train.x.mean(axis=0, dtype=np.float64), train.x.std(axis=0, dtype=np.float64)
    std[std < 1e-9] = 1.0

    def scale(x: Float32s) -> Floats:
        scaled: Floats = np.clip((x - mean) / std, -config.clip, config.clip)
        return scaled

    step = max(1, len(train.label) // config.max_rows)
    x, label = scale(train.x[::step]), train.label[::step]
    x_val = scale(validation.x)
    best: tuple[float, Any] | None = None
    for strength in config.strengths:
        model = linear.LogisticRegression(C=strength, max_iter=200, tol=1e-3).fit(x, label)
        loss = log_loss(_log_p(model.predict_proba(x_val), model.classes_), validation.label)
        if best is None or loss < best[0]:
            best = loss, model
    assert best is not None
    chosen = best[1]
    return lambda x: _log_p(chosen.predict_proba(scale(x)), chosen.classes_)


def fit_boosting(
    train: Table, validation: Table, config: BoostingConfig | None = None, *, seed: int = 0, threads: int = 1
) -> Classifier:
    """Gradient-boosted trees (LightGBM), as many rounds as validate best. The same seed gives the same trees."""
    config = config or BoostingConfig()
    lightgbm = _require("lightgbm")
    settings = {
        "objective": "multiclass",
        "num_class": N_CLASSES,
        "learning_rate": config.learning_rate,
        "num_leaves": config.leaves,
        "min_data_in_leaf": max(1, min(config.min_leaf, len(train.label) // 100)),
        "feature_fraction": config.share_of_columns,
        "bagging_fraction": config.share_of_rows,
        "bagging_freq": 1,
        "lambda_l2": config.ridge,
        "num_threads": threads,
        "deterministic": True,
        "force_row_wise": True,
        "seed": seed,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(train.x, train.label)
    booster = lightgbm.train(
        settings,
        data,
        config.rounds,
        valid_sets=[lightgbm.Dataset(validation.x, validation.label, reference=data)],
        callbacks=[lightgbm.early_stopping(config.patience, verbose=False)],
    )
    return lambda x: np.log(np.maximum(booster.predict(x, num_threads=threads), _MIN_P))


def _require(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        package = {"sklearn": "scikit-learn"}.get(name.partition(".")[0], name)
        raise ConfigError(f"the baselines need {package}: install Helios with the extra 'evaluate'") from error


def _log_p(p: Floats, classes: LabelArray) -> Floats:
    """Log-probabilities of all classes; those that the training rows lack have hardly any."""
    full = np.full((len(p), N_CLASSES), _MIN_P)
    full[:, classes] = np.maximum(p, _MIN_P)
    return np.log(full)
