"""The training loop: arrays in, the best network out.

Market signals are weak and neighbouring labels overlap by hours, so everything here leans against over-fitting: the
untrained network predicts the base rates, steps are small, weights decay, and the epoch that validates best is kept,
which may well be the one before the first. Calibration and the card come after, in `models.recipe`.

The order of an epoch follows from the seed and its number, and every batch draws its dropout from a seed of its own.
So a training that goes on from a checkpoint takes the very steps that it would have taken without a break.
"""

import hashlib
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Final

import msgspec
import numpy as np
import torch
from msgspec import Struct
from scipy.special import log_softmax
from torch import nn

from helios_nautilus.domain.bars import Bools, Floats
from helios_nautilus.domain.labels import base_rates
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.errors import ConfigError, ModelError, NotEnoughHistoryError
from helios_nautilus.models.calibrate import log_loss
from helios_nautilus.models.checkpoint import EpochLog
from helios_nautilus.models.dataset import Arrays, Scaler, Span, Splits, fit_scaler
from helios_nautilus.models.folds import check_splits
from helios_nautilus.models.leaks import check_scaler
from helios_nautilus.models.learner import Learner, Learnt
from helios_nautilus.models.network import HeliosNetwork, NetworkConfig, choose_device
from helios_nautilus.models.predict import predict_pieces
from helios_nautilus.models.progress import Clock, Meter, Watcher
from helios_nautilus.models.resume import (
    Checkpoints,
    Place,
    Snapshot,
    Tensors,
    optimiser_tensors,
    restore_optimiser,
)
from helios_nautilus.models.sequences import Blocks, Piece, batch_pieces, cut_pieces
from helios_nautilus.models.train_config import TrainConfig

__all__ = ["Fitted", "Progress", "TrainConfig", "class_prior", "fit_network", "labelled_rows", "validation_loss"]

_WARM_UP_NS: Final = NS_PER_DAY
"""How much history the state of the network sees before the first validation decision."""


type Progress = Callable[[EpochLog], None]


class Fitted(Struct, frozen=True, kw_only=True):
    """What `fit_network` leaves: the best network, how its inputs are scaled, the base rates, and the log."""

    network: HeliosNetwork
    scaler: Scaler
    prior: tuple[float, ...]
    log: tuple[EpochLog, ...]


def fit_network(
    arrays: Arrays,
    splits: Splits,
    network: NetworkConfig,
    config: TrainConfig,
    progress: Progress | None = None,
    *,
    watcher: Watcher | None = None,
    checkpoints: Checkpoints | None = None,
) -> Fitted:
    """Train a network on the training span; early stopping on the validation span's log-loss.

    On a CPU, the same seed, arrays and number of threads give the same network, also with a break: with
    ``checkpoints`` a training goes on from what was written there, or says to ``watcher`` why it starts over.
    ``progress`` hears of every epoch. `LookaheadError` where a label of a span could know prices of the next, or the
    scaler was fitted on more than the training span.
    """
    check_splits(arrays, splits)
    device = choose_device(config.device)
    scaler, prior = fit_scaler(arrays, splits.train), class_prior(arrays, splits.train)
    check_scaler(arrays, splits.train, scaler)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        net = HeliosNetwork(network, arrays.n_features, arrays.timeframes)
        net.start_at(prior)
        course = _Course(net.to(device), arrays, splits, scaler, prior, config, watcher)
        key = _key(arrays, splits, scaler, network, config, device)
        course.run(progress or (lambda _: None), checkpoints, key)
    return Fitted(network=net.eval(), scaler=scaler, prior=prior, log=tuple(course.log))


class _Course:
    """A training under way: everything that changes from step to step. Its place tells where it is."""

    def __init__(
        self,
        net: HeliosNetwork,
        arrays: Arrays,
        splits: Splits,
        scaler: Scaler,
        prior: tuple[float, ...],
        config: TrainConfig,
        watcher: Watcher | None,
        clock: Clock = perf_counter,
    ) -> None:
        self.net, self.config, self.log = net, config, list[EpochLog]()
        self._arrays, self._validation, self._scaler = arrays, splits.validation, scaler
        self._blocks = Blocks(arrays)
        self._runs = self._blocks.pieces(splits.train)
        self._learner = Learner(net, prior, config)
        self._place = Place(pieces=config.batch_size)
        self._best = _copy_weights(net)
        self._watcher, self._clock = watcher, clock

    def run(self, progress: Progress, checkpoints: Checkpoints | None, key: str) -> None:
        """Train to the end, from the last checkpoint if there is one; the network is left at its best."""
        if checkpoints is not None:
            self._resume(checkpoints, key)
        if not self.log:
            self.log.append(EpochLog(epoch=0, train_loss=None, validation_loss=self._validate(), seconds=0.0))
        self._meter = Meter(self.config.epochs, self._share(0, 1), self._clock)
        while not self._is_over():
            for _ in self._train_epoch():
                if checkpoints is not None and checkpoints.is_due():
                    checkpoints.save(key, self._snapshot())
            log = self._end_epoch()
            if checkpoints is not None:
                checkpoints.save(key, self._snapshot())
            progress(log)  # whoever hears of an epoch may rely on its being kept
        self.net.load_state_dict(self._best)

    def _is_over(self) -> bool:
        best = int(np.argmin([each.validation_loss for each in self.log]))
        return self._place.epoch == self.config.epochs or len(self.log) - 1 - best >= self.config.patience

    def _train_epoch(self) -> Iterator[None]:
        """Take the batches of the epoch that are left; yields after each."""
        rng = np.random.default_rng([self.config.seed, self._place.epoch])
        batches = batch_pieces(cut_pieces(self._runs, self.config.piece_blocks, rng), self.config.batch_size, rng)
        seconds, started = self._place.seconds, self._clock()
        for batch in batches[self._place.batch :]:
            torch.manual_seed(_seed(self.config.seed, self._place.epoch, self._place.batch))
            self._learner.set_rate(self._share(self._place.batch, len(batches)))
            self._train_batch(batch)
            done, seconds_now = self._place.batch + 1, seconds + self._clock() - started
            self._place = msgspec.structs.replace(self._place, batch=done, seconds=seconds_now)
            if self._watcher is not None:
                self._watcher.paced(self._meter.pace(self._place.epoch + 1, self._share(done, len(batches))))
            yield

    def _share(self, batch: int, batches: int) -> float:
        return (self._place.epoch + batch / max(batches, 1)) / self.config.epochs

    def _train_batch(self, batch: list[Piece]) -> None:
        """As many pieces side by side as memory allows; where it runs out, half as many from then on.

        The steps that such an attempt had taken until then are kept, uncounted: they were steps on the same pieces.
        """
        while batch:
            group = batch[: self._place.pieces]
            try:
                learnt = self._learner.learn(self._blocks.stream(group, self._scaler, self.config.chunk_blocks))
            except torch.OutOfMemoryError as error:
                if len(group) == 1:
                    raise ConfigError(
                        "train: the memory of the device does not hold even one piece; "
                        "choose a smaller preset or fewer chunk_blocks"
                    ) from error
                self._place = msgspec.structs.replace(self._place, pieces=len(group) // 2)
                self._note(f"out of memory with {len(group)} pieces side by side; going on with {len(group) // 2}")
            else:
                batch = batch[len(group) :]
                self._count(learnt)

    def _count(self, learnt: Learnt) -> None:
        place = self._place
        steps, loss_sum = place.steps + learnt.steps, place.loss_sum + learnt.loss_sum
        self._place = msgspec.structs.replace(place, steps=steps, loss_sum=loss_sum)
        self._meter.count(learnt.steps, learnt.decisions)

    def _validate(self) -> float:
        return validation_loss(self.net, self._scaler, self._arrays, self._blocks, self._validation)

    def _end_epoch(self) -> EpochLog:
        started, place = self._clock(), self._place
        loss = self._validate()
        log = EpochLog(
            epoch=place.epoch + 1,
            train_loss=place.loss_sum / place.steps if place.steps else None,
            validation_loss=loss,
            seconds=place.seconds + self._clock() - started,
        )
        if loss < min(each.validation_loss for each in self.log):
            self._best = _copy_weights(self.net)
        self.log.append(log)
        self._place = Place(epoch=place.epoch + 1, pieces=place.pieces)
        return log

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            place=self._place,
            log=tuple(self.log),
            weights=self.net.state_dict(),
            best=self._best,
            optimiser=optimiser_tensors(self._learner.optimiser),
        )

    def _resume(self, checkpoints: Checkpoints, key: str) -> None:
        try:
            found = checkpoints.load(key)
        except ModelError as error:
            self._note(f"{error}; training starts over")
            return
        if found is not None:
            device = next(self.net.parameters()).device
            self.net.load_state_dict(found.weights)
            restore_optimiser(self._learner.optimiser, found.optimiser)
            self._best = {name: each.to(device) for name, each in found.best.items()}
            self._place, self.log = found.place, list(found.log)
            self._note(f"going on after epoch {found.place.epoch} and {found.place.batch} batches of the next")

    def _note(self, words: str) -> None:
        if self._watcher is not None:
            self._watcher.noted(words)


def _key(
    arrays: Arrays, splits: Splits, scaler: Scaler, network: NetworkConfig, config: TrainConfig, device: str
) -> str:
    """A hash of everything that the weights depend on; the scaler stands for the features that it was fitted on."""
    settings = splits, scaler, network, config, arrays.timeframes, arrays.spec_hash, arrays.data_hash
    digest = hashlib.sha256(msgspec.json.encode((settings, device, str(torch.__version__))))
    for column in (arrays.ts_ns, arrays.label):
        digest.update(np.ascontiguousarray(column))
    return digest.hexdigest()


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
    return tuple(base_rates(label[label >= 0]).tolist())


def _seed(*numbers: int) -> int:
    """A seed for torch from several numbers, unlike that of any other numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])


def _copy_weights(net: nn.Module) -> Tensors:
    return {name: each.detach().clone() for name, each in net.state_dict().items()}
