"""The recipe: split, train, calibrate, fit the payoff table, judge on the test span, write the card."""

import subprocess
from pathlib import Path

import msgspec
import numpy as np

from helios_nautilus import __version__
from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.labels import Label
from helios_nautilus.domain.payoff import PayoffTable, fit_payoff
from helios_nautilus.models.calibrate import fit_temperature, probabilities
from helios_nautilus.models.checkpoint import Model, ModelCard, build_model
from helios_nautilus.models.dataset import Arrays, Span, Splits
from helios_nautilus.models.evaluate import Metrics, evaluate
from helios_nautilus.models.network import NetworkConfig, count_parameters
from helios_nautilus.models.predict import predict_pieces
from helios_nautilus.models.profile import fit_profile
from helios_nautilus.models.progress import Watcher
from helios_nautilus.models.resume import Checkpoints
from helios_nautilus.models.rivals import meet_rivals
from helios_nautilus.models.sequences import Blocks
from helios_nautilus.models.threads import one_thread, threads
from helios_nautilus.models.train import Fitted, Progress, TrainConfig, fit_network, labelled_rows


def train_model(
    arrays: Arrays,
    splits: Splits,
    network: NetworkConfig,
    config: TrainConfig,
    *,
    created_ns: int,
    code_commit: str | None = None,
    progress: Progress | None = None,
    watcher: Watcher | None = None,
    checkpoints: Checkpoints | None = None,
) -> Model:
    """Train and judge a model. The test span is looked at once, after everything else is fixed.

    See `fit_network` for who hears of the training and how it goes on after a break. `LookaheadError` where the
    splits, or what the scaler was fitted on, would let the training know what comes later.
    """
    with threads(config.threads):
        fitted = fit_network(arrays, splits, network, config, progress, watcher=watcher, checkpoints=checkpoints)
    with one_thread():
        return _judge_fitted(arrays, splits, network, config, created_ns, code_commit, fitted)


def _judge_fitted(
    arrays: Arrays,
    splits: Splits,
    network: NetworkConfig,
    config: TrainConfig,
    created_ns: int,
    code_commit: str | None,
    fitted: Fitted,
) -> Model:
    blocks = Blocks(arrays)
    logits = predict_pieces(fitted.network, fitted.scaler, arrays, blocks, blocks.pieces()).logits
    validation = labelled_rows(arrays, splits.validation, logits)
    temperature = fit_temperature(logits[validation], arrays.label[validation])
    p = probabilities(logits, temperature)
    card = ModelCard(
        helios_version=__version__,
        created_ns=created_ns,
        network=network,
        n_features=arrays.n_features,
        parameters=count_parameters(fitted.network),
        timeframes=arrays.timeframes,
        plan=arrays.plan,
        label=arrays.label_config,
        instrument_ids=arrays.instrument_ids,
        spec=arrays.spec,
        spec_hash=arrays.spec_hash,
        scaler=fitted.scaler,
        profile=fit_profile(arrays, fitted.scaler, splits.train),
        temperature=temperature,
        payoff=_fit_payoff(arrays, splits.validation, p),
        prior=fitted.prior,
        data_hash=arrays.data_hash,
        data_start_ns=int(arrays.ts_ns[0]),
        data_end_ns=int(arrays.ts_ns[-1]),
        splits=splits,
        seed=config.seed,
        code_commit=code_commit,
        training=msgspec.to_builtins(config),
        validation_metrics=_judge(arrays, splits.validation, p, fitted),
        test_metrics=_judge(arrays, splits.test, p, fitted),
        raw_test_metrics=_judge(arrays, splits.test, probabilities(logits, 1.0), fitted),
        standing=meet_rivals(arrays, splits, p, fitted.prior, seed=config.seed),
        log=fitted.log,
    )
    return build_model(fitted.network, card)


def _fit_payoff(arrays: Arrays, span: Span, p: Floats) -> PayoffTable:
    rows = span.holds(arrays.ts_ns)
    return fit_payoff(
        p[rows][..., Label.BUY].ravel(),
        p[rows][..., Label.SELL].ravel(),
        arrays.net_long[rows].ravel(),
        arrays.net_short[rows].ravel(),
        np.repeat(arrays.ts_ns[rows], len(arrays.instrument_ids)),
        hold_ns=arrays.plan.hold_ns,
    )


def _judge(arrays: Arrays, span: Span, p: Floats, fitted: Fitted) -> Metrics:
    rows = span.holds(arrays.ts_ns)
    return evaluate(
        p[rows].reshape(-1, p.shape[-1]),
        arrays.label[rows].ravel(),
        arrays.net_long[rows].ravel(),
        arrays.net_short[rows].ravel(),
        prior=fitted.prior,
    )


def code_commit() -> str | None:
    """The commit of the code that runs, if it runs from a checkout, for the card."""
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return asked.stdout.strip() or None
