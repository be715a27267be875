"""`helios evaluate`: walk forward over a history, fold by fold, then judge all folds together.

Two ways in: train a network in every fold by the settings of a configuration, or judge one registered model on the test
span of its own card. The baselines are fitted anew either way, on exactly the rows of the network.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from msgspec import Struct

from helios_nautilus import __version__
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.errors import ConfigError, ModelError
from helios_nautilus.models.baselines import BoostingConfig, LogisticConfig
from helios_nautilus.models.bootstrap import day_of
from helios_nautilus.models.checkpoint import Model
from helios_nautilus.models.contest import (
    BASELINES,
    MODELS,
    Contest,
    Entrant,
    FoldResult,
    Tell,
    hold_contest,
)
from helios_nautilus.models.dataset import Arrays, Splits
from helios_nautilus.models.folds import WalkForwardConfig, walk_forward
from helios_nautilus.models.importance import group_columns
from helios_nautilus.models.judge import CANDIDATES, alarms, compare, count_money, cut_slices, draw_days, show
from helios_nautilus.models.judgement import EquityLine, FoldSummary, Judgement, Showing
from helios_nautilus.models.kept_folds import KeptFolds, key_of
from helios_nautilus.models.network import PRESETS, HeliosNetwork, NetworkConfig, count_parameters
from helios_nautilus.models.threads import one_thread
from helios_nautilus.models.train import Progress, TrainConfig, fit_network
from helios_nautilus.models.unseen import ENTRIES, gather


class EvaluationConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model is judged."""

    walk_forward: WalkForwardConfig = WalkForwardConfig()
    seeds: int = 1
    """Networks trained in each fold from as many seeds; their logits are averaged."""
    logistic: LogisticConfig = LogisticConfig()
    boosting: BoostingConfig = BoostingConfig()
    thresholds: tuple[float, ...] = (0.50, 0.55, 0.60, 0.65, 0.70)
    """Directional confidences at which money is counted."""
    variants_tried: int = 1
    """Models and settings that were tried on these data before this one: what the deflated Sharpe ratio answers for.
    The judged models, the thresholds and the two ways to enter multiply it."""
    draws: int = 1000
    """Bootstrap samples behind each interval."""
    seed: int = 0
    """Of the boosted trees and of the bootstrap; the networks' seeds count up from the optimiser's."""

    def __post_init__(self) -> None:
        if min(self.seeds, self.variants_tried, self.draws) < 1:
            raise ConfigError("evaluation: seeds, variants_tried and draws must be 1 or more")
        if not self.thresholds or not all(0.5 <= each < 1 for each in self.thresholds):
            raise ConfigError("evaluation: thresholds must lie in [0.5, 1), and there must be one")

    @property
    def trials(self) -> int:
        """Everything that could have been picked for its luck."""
        return self.variants_tried * len(CANDIDATES) * len(self.thresholds) * len(ENTRIES)


class Subject(Struct, frozen=True, kw_only=True):
    """What is judged, and on which folds."""

    name: str
    preset: str
    model_folder: str | None = None
    parameters: int
    folds: tuple[Splits, ...]
    contest: Contest
    key: str
    """Changes with everything that changes what a fold gives."""


def subject_of_settings(
    arrays: Arrays,
    name: str,
    network: NetworkConfig,
    training: TrainConfig,
    config: EvaluationConfig,
    progress: Progress | None = None,
) -> Subject:
    """A network that every fold trains anew, by the same settings. ``progress`` hears of every epoch."""
    folds = walk_forward(arrays, config.walk_forward)

    def train(arrays: Arrays, splits: Splits) -> Entrant:
        seeds = range(training.seed, training.seed + config.seeds)
        fits = (
            fit_network(arrays, splits, network, msgspec.structs.replace(training, seed=seed), progress)
            for seed in seeds
        )
        return Entrant(members=tuple((fitted.network, fitted.scaler) for fitted in fits))

    return Subject(
        name=name,
        preset=_preset(network),
        parameters=_count_parameters(network, arrays),
        folds=folds,
        contest=_contest(train, config),
        key=_key(arrays, config, network, training, config.seeds, folds),
    )


def subject_of_model(arrays: Arrays, name: str, folder: Path, model: Model, config: EvaluationConfig) -> Subject:
    """A trained model as it is, on the spans of its card. `ModelError` where it comes from other data than these."""
    card = model.card
    trained_on = card.data_hash, card.spec_hash, card.label, card.plan
    if trained_on != (arrays.data_hash, arrays.spec_hash, arrays.label_config, arrays.plan):
        raise ModelError(
            f"the model in {folder} was trained on other data, features, labels or exit plan than this configuration's "
            "training window gives; evaluate it with the configuration that it was trained by"
        )
    entrant = Entrant(members=((model.network, card.scaler),))
    return Subject(
        name=name,
        preset=_preset(card.network),
        model_folder=str(folder),
        parameters=card.parameters,
        folds=(card.splits,),
        contest=_contest(lambda _arrays, _splits: entrant, config),
        key=_key(arrays, config, card.weights_sha256),
    )


def hold_contests(
    arrays: Arrays, subject: Subject, columns: tuple[str, ...], folder: Path, tell: Tell
) -> tuple[FoldResult, ...]:
    """Hold the contest of every fold that ``folder`` does not keep yet, oldest first.

    ``columns`` name the features of one timeframe; what their groups and the timeframes are worth is measured on the
    last fold.
    """
    kept, results = KeptFolds(folder, subject.key), []
    for number, splits in enumerate(subject.folds):
        result = kept.load(number)
        if result is None:
            groups = group_columns(columns) if number == len(subject.folds) - 1 else None
            tell(f"fold {number + 1} of {len(subject.folds)}")
            with one_thread():
                result = hold_contest(subject.contest, arrays, splits, tell, groups=groups)
            kept.save(number, result)
        results.append(result)
    return tuple(results)


def judge(
    arrays: Arrays, subject: Subject, folds: tuple[FoldResult, ...], config: EvaluationConfig, *, created_ns: int
) -> Judgement:
    """Set what all folds said against what came."""
    rows = gather(arrays, folds)
    draws = draw_days(rows, config.seed, config.draws)
    showings: list[Showing] = []
    equity: list[EquityLine] = []
    for model in MODELS:
        takings, lines = count_money(rows, model, config.thresholds, arrays.plan.hold_ns, config.trials)
        showings.append(show(rows, model, draws, takings))
        equity += lines if model in CANDIDATES else ()
    days = np.unique(day_of(rows.ts_ns))
    return Judgement(
        name=subject.name,
        helios_version=__version__,
        created_ns=created_ns,
        preset=subject.preset,
        parameters=subject.parameters,
        model_folder=subject.model_folder,
        instrument_ids=arrays.instrument_ids,
        timeframes=arrays.timeframes.names,
        label=arrays.label_config.kind,
        plan=arrays.plan,
        spec_hash=arrays.spec_hash,
        data_hash=arrays.data_hash,
        count=len(rows.label),
        days=len(days),
        trials=config.trials,
        folds=tuple(_summary(fold) for fold in folds),
        showings=tuple(showings),
        comparisons=tuple(compare(rows, model, each, draws) for model in CANDIDATES for each in BASELINES),
        slices=cut_slices(rows, arrays.instrument_ids),
        importance=folds[-1].importance,
        day_stamps_ns=tuple(((np.arange(days[0], days[-1] + 1) + 1) * NS_PER_DAY).tolist()),
        equity=tuple(equity),
        alarms=tuple(alarms(showings)),
    )


def _preset(network: NetworkConfig) -> str:
    return next((name for name, widths in PRESETS.items() if widths == network), "a network of its own widths")


def _count_parameters(network: NetworkConfig, arrays: Arrays) -> int:
    with torch.device("meta"):
        return count_parameters(HeliosNetwork(network, arrays.n_features, arrays.timeframes))


def _contest(train: Callable[[Arrays, Splits], Entrant], config: EvaluationConfig) -> Contest:
    return Contest(fit_network=train, logistic=config.logistic, boosting=config.boosting, seed=config.seed)


def _key(arrays: Arrays, config: EvaluationConfig, *subject: Any) -> str:
    return key_of(
        __version__,
        arrays.data_hash,
        arrays.spec_hash,
        # Labels also depend on the plan and on how volatility is estimated.
        hashlib.sha256(np.ascontiguousarray(arrays.label)).hexdigest(),
        (config.logistic, config.boosting, config.seed),
        subject,
    )


def _summary(fold: FoldResult) -> FoldSummary:
    return FoldSummary(
        splits=fold.splits,
        train_rows=fold.train_rows,
        validation_rows=fold.validation_rows,
        test_rows=len(fold.decision),
        temperature=fold.temperature,
        network_weight=fold.network_weight,
    )
