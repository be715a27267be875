"""The training loop: arrays in, the best network out.

Market signals are weak and neighbouring labels overlap by hours, so everything here leans against over-fitting: the
untrained network predicts the base rates, steps are small, weights decay, and the epoch that validates best is kept,
which may well be the one before the first. Calibration and the card come after, in `models.recipe`.
"""

from collections.abc import Callable, Iterator
from math import cos, pi
from time import perf_counter
from typing import Any, Final

import numpy as np
import torch
from msgspec import Struct
from scipy.special import log_softmax
from torch import Tensor, nn

from helios_nautilus.domain.bars import Bools, Floats
from helios_nautilus.domain.labels import Label
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.errors import ConfigError, NotEnoughHistoryError
from helios_nautilus.models.calibrate import log_loss
from helios_nautilus.models.checkpoint import EpochLog
from helios_nautilus.models.dataset import Arrays, Scaler, Span, Splits, fit_scaler
from helios_nautilus.models.network import N_CLASSES, Device, HeliosNetwork, NetworkConfig, State, choose_device
from helios_nautilus.models.predict import predict_pieces
from helios_nautilus.models.sequences import Blocks, Chunk, Piece, cut_pieces

_WARM_UP_NS: Final = NS_PER_DAY
"""How much history the state of the network sees before the first validation decision."""


class TrainConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to train. Defaults suit `helios-nano` on a month of a few instruments."""

    seed: int = 0
    epochs: int = 12
    patience: int = 4
    """Epochs without a better validation log-loss before training stops."""
    batch_size: int = 16
    """Pieces of history side by side."""
    piece_blocks: int = 128
    """Length of a piece, in bars of the slowest timeframe: as far as the state is carried in training."""
    chunk_blocks: int = 16
    """How far gradients flow back, in bars of the slowest timeframe."""
    learning_rate: float = 1e-3
    warm_up: float = 0.1
    """Share of the training during which the learning rate rises."""
    weight_decay: float = 0.05
    clip_norm: float = 1.0
    class_balance: float = 0.25
    """Rare classes weigh (1 / frequency) ** class_balance; probabilities stay those of the data."""
    device: Device = "auto"

    def __post_init__(self) -> None:
        if min(self.epochs, self.patience, self.batch_size, self.piece_blocks, self.chunk_blocks) < 1:
            raise ConfigError("train: epochs, patience, batch_size, piece_blocks and chunk_blocks must be 1 or more")
        if self.learning_rate <= 0 or self.clip_norm <= 0 or not 0 <= self.warm_up < 1:
            raise ConfigError("train: learning_rate and clip_norm must be above 0, warm_up in [0, 1)")


type Progress = Callable[[EpochLog], None]


class Fitted(Struct, frozen=True, kw_only=True):
    """What `fit_network` leaves: the best network, how its inputs are scaled, the base rates, and the log."""

    network: HeliosNetwork
    scaler: Scaler
    prior: tuple[float, ...]
    log: tuple[EpochLog, ...]


def fit_network(
    arrays: Arrays, splits: Splits, network: NetworkConfig, config: TrainConfig, progress: Progress | None = None
) -> Fitted:
    """Train a network on the training span; early stopping on the validation span's log-loss.

    On a CPU, the same seed, arrays and number of threads give the same network. ``progress`` hears of every epoch.
    """
    device = choose_device(config.device)
    rng = np.random.default_rng(config.seed)
    blocks, scaler, prior = Blocks(arrays), fit_scaler(arrays, splits.train), class_prior(arrays, splits.train)
    pieces = blocks.pieces(splits.train)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        net = HeliosNetwork(network, arrays.n_features, arrays.timeframes)
        net.start_at(prior)
        net.to(device)
        optimiser = torch.optim.AdamW(_parameter_groups(net, config.weight_decay), lr=config.learning_rate)
        log_weight = -config.class_balance * torch.tensor(prior, device=device).log()

        best_loss, best_weights = validation_loss(net, scaler, arrays, blocks, splits.validation), _copy_weights(net)
        log = [EpochLog(epoch=0, train_loss=None, validation_loss=best_loss, seconds=0.0)]
        since_best = 0
        for epoch in range(config.epochs):
            started = perf_counter()
            batches = _batches(cut_pieces(pieces, config.piece_blocks, rng), config.batch_size)
            losses = []
            for index, batch in enumerate(batches):
                _set_rate(optimiser, config, (epoch + index / len(batches)) / config.epochs)
                chunks = blocks.stream(batch, scaler, config.chunk_blocks)
                losses += _train_on(net, optimiser, chunks, log_weight, config.clip_norm)
            loss = validation_loss(net, scaler, arrays, blocks, splits.validation)
            seconds = perf_counter() - started
            log.append(EpochLog(epoch=epoch + 1, train_loss=_mean(losses), validation_loss=loss, seconds=seconds))
            if progress is not None:
                progress(log[-1])
            since_best += 1
            if loss < best_loss:
                best_loss, best_weights, since_best = loss, _copy_weights(net), 0
            if since_best == config.patience:
                break
        net.load_state_dict(best_weights)
    return Fitted(network=net.eval(), scaler=scaler, prior=prior, log=tuple(log))


def _train_on(
    net: HeliosNetwork,
    optimiser: torch.optim.Optimizer,
    chunks: Iterator[Chunk],
    log_weight: Tensor,
    clip_norm: float,
) -> list[Tensor]:
    """One optimiser step per chunk, the state carried from chunk to chunk; returns the losses."""
    net.train()
    state: State | None = None
    losses = []
    for chunk in chunks:
        x_mbtf = tuple(torch.from_numpy(x).to(log_weight.device) for x in chunk.x)
        logits_bdk, _, state = net(x_mbtf, state or net.initial_state(len(chunk.instrument)))
        state = tuple(branch.detach() for branch in state)
        if (chunk.label == Label.UNKNOWN).all():
            continue
        loss = _weighted_loss(logits_bdk, torch.from_numpy(chunk.label).to(log_weight.device), log_weight)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), clip_norm)
        optimiser.step()
        losses.append(loss.detach())
    return losses


def _weighted_loss(logits_bdk: Tensor, label_bd: Tensor, log_weight: Tensor) -> Tensor:
    """Cross-entropy with class weights that leaves the probabilities those of the data.

    Weighted classes make a network learn p(k|x) w_k instead of p(k|x). Adding log w_k to its logits inside the loss
    takes that tilt upon the loss, so that the logits themselves stay unweighted.
    """
    return nn.functional.cross_entropy(
        logits_bdk.flatten(0, 1) + log_weight,
        label_bd.flatten().long(),
        weight=log_weight.exp(),
        ignore_index=int(Label.UNKNOWN),
    )


def validation_loss(net: HeliosNetwork, scaler: Scaler, arrays: Arrays, blocks: Blocks, span: Span) -> float:
    """Log-loss over a span's labelled decisions, the state warmed up on the history before it."""
    pieces = blocks.pieces(span, warm_up_blocks=_WARM_UP_NS // blocks.block_ns)
    if not pieces:
        raise NotEnoughHistoryError("the validation span has no unbroken features; train on a longer window")
    logits = predict_pieces(net, scaler, arrays, blocks, pieces).logits
    rows = labelled_rows(arrays, span, logits)
    return log_loss(log_softmax(logits[rows], axis=1), arrays.label[rows])


def labelled_rows(arrays: Arrays, span: Span, logits: Floats) -> Bools:
    """Which decisions (d, instruments) of a span have both a known label and a prediction; at least one, or error."""
    rows: Bools = span.holds(arrays.ts_ns)[:, None] & (arrays.label >= 0) & np.isfinite(logits).all(axis=2)
    if not rows.any():
        raise NotEnoughHistoryError("a span has no labelled decision with unbroken features; train on a longer window")
    return rows


def class_prior(arrays: Arrays, train: Span) -> tuple[float, ...]:
    """Base rates of the classes in the training span, one row of each added so that none is 0."""
    label = arrays.label[train.holds(arrays.ts_ns)]
    counts = np.bincount(label[label >= 0], minlength=N_CLASSES) + 1.0
    return tuple((counts / counts.sum()).tolist())


def _batches(pieces: list[Piece], size: int) -> list[list[Piece]]:
    return [pieces[at : at + size] for at in range(0, len(pieces), size)]


def _set_rate(optimiser: torch.optim.Optimizer, config: TrainConfig, progress: float) -> None:
    """Linear warm-up, then half a cosine down to nothing; ``progress`` runs from 0 to 1."""
    if progress < config.warm_up:
        share = (progress + 1e-3) / config.warm_up
    else:
        share = 0.5 * (1.0 + cos(pi * (progress - config.warm_up) / (1.0 - config.warm_up)))
    for group in optimiser.param_groups:
        group["lr"] = config.learning_rate * share


def _parameter_groups(net: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weights decay; biases and norms do not."""
    weights = [each for each in net.parameters() if each.ndim > 1]
    others = [each for each in net.parameters() if each.ndim == 1]
    return [{"params": weights, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def _copy_weights(net: nn.Module) -> dict[str, Tensor]:
    return {name: each.detach().clone() for name, each in net.state_dict().items()}


def _mean(losses: list[Tensor]) -> float | None:
    return float(torch.stack(losses).mean()) if losses else None
