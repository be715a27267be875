"""One fold's contest: all models trained on the same rows, calibrated on the same, and asked about the same.

What comes out is what each said about the fold's test rows, before anyone has looked at the answers: `models.judge`
does that, over all folds together. A fold takes minutes to hours, so its result is kept on disk (`models.kept_folds`).
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from msgspec import Struct
from scipy.special import log_softmax

from helios_nautilus.domain.bars import Bools, Floats, Ints
from helios_nautilus.domain.labels import LabelArray
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.errors import NotEnoughHistoryError
from helios_nautilus.models.baselines import (
    BoostingConfig,
    Classifier,
    LogisticConfig,
    Table,
    fit_boosting,
    fit_logistic,
    fit_prior,
)
from helios_nautilus.models.calibrate import calibrated, fit_temperature, log_loss
from helios_nautilus.models.dataset import Arrays, Scaler, Span, Splits
from helios_nautilus.models.folds import check_splits
from helios_nautilus.models.importance import Importance, lesions
from helios_nautilus.models.network import HeliosNetwork
from helios_nautilus.models.pool import fit_weight, pool
from helios_nautilus.models.predict import ArrayPredictions, predict_pieces
from helios_nautilus.models.rows import judged, predictable, tabulate
from helios_nautilus.models.sequences import Blocks

PRIOR: Final = "prior"
LOGISTIC: Final = "logistic"
BOOSTING: Final = "boosting"
NETWORK: Final = "network"
ENSEMBLE: Final = "ensemble"
BASELINES: Final = (PRIOR, LOGISTIC, BOOSTING)
MODELS: Final = (*BASELINES, NETWORK, ENSEMBLE)

_WARM_UP_NS: Final = NS_PER_DAY
"""How much history the state of the network sees before the first decision asked for."""
_EXCHANGE_SEED: Final = 0

type Tell = Callable[[str], None]
"""Hears in a few words what is being done."""


class Entrant(Struct, frozen=True, kw_only=True):
    """Trained networks that count as one: their logits are averaged."""

    members: tuple[tuple[HeliosNetwork, Scaler], ...]

    def predict(self, arrays: Arrays, span: Span) -> ArrayPredictions:
        """Logits and attention of the decisions in a span, the state warmed up on the history before it."""
        blocks = Blocks(arrays)
        # A block that the span's end cuts through is predicted whole, so that none of its decisions is missing.
        reaching = Span(start_ns=span.start_ns, end_ns=span.end_ns + blocks.block_ns)
        pieces = blocks.pieces(reaching, warm_up_blocks=-(-_WARM_UP_NS // blocks.block_ns))
        found = [predict_pieces(network, scaler, arrays, blocks, pieces) for network, scaler in self.members]
        return ArrayPredictions(
            logits=np.mean([each.logits for each in found], axis=0),
            attention=np.mean([each.attention for each in found], axis=0),
        )


class FoldResult(Struct, frozen=True, kw_only=True):
    """What every model said about the test rows (n) of one fold."""

    splits: Splits
    decision: Ints
    """Places of the rows in the arrays (n,)."""
    instrument: Ints
    raw: dict[str, Floats]
    """Log-probabilities (n, 3) by model, before calibration."""
    temperature: dict[str, float]
    """What makes them honest, fitted on the validation span."""
    network_weight: float
    """Share of the network in the ensemble; the rest is boosting."""
    attention: Floats
    """(n, timeframes)."""
    train_rows: int
    validation_rows: int
    importance: tuple[Importance, ...] = ()

    def log_p(self, model: str) -> Floats:
        """Calibrated log-probabilities (n, 3)."""
        return calibrated(self.raw[model], self.temperature[model])


class Panel(Struct, frozen=True, kw_only=True):
    """All models of a fold but the ensemble, trained."""

    classifiers: dict[str, Classifier]
    entrant: Entrant

    def ask(self, arrays: Arrays, rows: Bools, span: Span, models: tuple[str, ...]) -> tuple[dict[str, Floats], Floats]:
        """Log-probabilities (n, 3) of the rows by model, and the network's attention (n, timeframes)."""
        x = tabulate(arrays, rows)
        said = {name: classify(x) for name, classify in self.classifiers.items() if name in models}
        predictions = self.entrant.predict(arrays, span)
        said[NETWORK] = log_softmax(predictions.logits[rows], axis=1)
        return said, predictions.attention[rows]


class Contest(Struct, frozen=True, kw_only=True):
    """How the models of a fold are made."""

    fit_network: Callable[[Arrays, Splits], Entrant]
    logistic: LogisticConfig = LogisticConfig()
    boosting: BoostingConfig = BoostingConfig()
    seed: int = 0

    def train(self, arrays: Arrays, splits: Splits, rows: Mapping[str, Bools], tell: Tell) -> Panel:
        """Fit every model on the training rows, tuned on the validation rows."""
        train, validation = (
            Table(x=tabulate(arrays, rows[name]), label=arrays.label[rows[name]]) for name in ("train", "validation")
        )
        tell(f"logistic regression on {len(train.label):,} rows")
        logistic = fit_logistic(train, validation, self.logistic)
        tell("boosted trees")
        boosting = fit_boosting(train, validation, self.boosting, seed=self.seed)
        tell("network")
        return Panel(
            classifiers={PRIOR: fit_prior(train, validation), LOGISTIC: logistic, BOOSTING: boosting},
            entrant=self.fit_network(arrays, splits),
        )


def hold_contest(
    contest: Contest, arrays: Arrays, splits: Splits, tell: Tell, *, groups: Mapping[str, Ints] | None = None
) -> FoldResult:
    """Train all models on one fold and collect what they say about its test rows.

    With feature ``groups`` (places of their columns), the importance of each and of each timeframe is measured on
    those rows, too. Raises `LookaheadError` where a label could look across a boundary of the fold, and
    `NotEnoughHistoryError` where a span has no row that can be judged.
    """
    check_splits(arrays, splits)
    rows = _rows_of(arrays, splits)
    panel = contest.train(arrays, splits, rows, tell)
    tell("predictions")
    on_validation, _ = panel.ask(arrays, rows["validation"], splits.validation, MODELS)
    raw, attention = panel.ask(arrays, rows["test"], splits.test, MODELS)
    temperature, weight = _calibrate(on_validation, arrays.label[rows["validation"]])
    raw[ENSEMBLE] = _ensemble(raw, temperature, weight)
    decision, instrument = np.nonzero(rows["test"])
    return FoldResult(
        splits=splits,
        decision=decision,
        instrument=instrument,
        raw=raw,
        temperature=temperature,
        network_weight=weight,
        attention=attention,
        train_rows=int(rows["train"].sum()),
        validation_rows=int(rows["validation"].sum()),
        importance=_importance(panel, arrays, rows["test"], splits.test, temperature, groups, tell) if groups else (),
    )


def _rows_of(arrays: Arrays, splits: Splits) -> dict[str, Bools]:
    can = predictable(arrays, Blocks(arrays))
    rows = {name: judged(arrays, can, getattr(splits, name)) for name in Splits.__struct_fields__}
    for name, chosen in rows.items():
        if not chosen.any():
            raise NotEnoughHistoryError(f"the {name} span has no row with unbroken features; take a longer window")
    return rows


def _calibrate(said: dict[str, Floats], label: LabelArray) -> tuple[dict[str, float], float]:
    """Every model's temperature, and the network's weight in the ensemble. Base rates are honest as they are."""
    temperature = {name: fit_temperature(log_p, label) for name, log_p in said.items()} | {PRIOR: 1.0}
    network, boosting = (calibrated(said[name], temperature[name]) for name in (NETWORK, BOOSTING))
    weight = fit_weight(network, boosting, label)
    return temperature | {ENSEMBLE: fit_temperature(pool(network, boosting, weight), label)}, weight


def _ensemble(said: dict[str, Floats], temperature: dict[str, float], weight: float) -> Floats:
    network, boosting = (calibrated(said[name], temperature[name]) for name in (NETWORK, BOOSTING))
    return pool(network, boosting, weight)


def _importance(
    panel: Panel,
    arrays: Arrays,
    rows: Bools,
    span: Span,
    temperature: dict[str, float],
    groups: Mapping[str, Ints],
    tell: Tell,
) -> tuple[Importance, ...]:
    """What the network and the trees lose on the rows without each part of their inputs."""
    label = arrays.label[rows]

    def losses(of: Arrays) -> dict[str, float]:
        said, _ = panel.ask(of, rows, span, (BOOSTING,))
        return {name: log_loss(calibrated(log_p, temperature[name]), label) for name, log_p in said.items()}

    whole, found = losses(arrays), []
    _, scaler = panel.entrant.members[0]
    for lesion, part, altered in lesions(arrays, span, scaler, groups, np.random.default_rng(_EXCHANGE_SEED)):
        tell(f"importance of {part}")
        added = {name: loss - whole[name] for name, loss in losses(altered).items()}
        found.append(Importance(lesion=lesion, part=part, added_loss=added))
    return tuple(found)
