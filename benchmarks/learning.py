"""A model beside the market: its training, predictions of a whole history, and its judgement."""

from collections.abc import Iterator
from functools import partial
from itertools import cycle, islice
from typing import Final

import numpy as np
import torch

from benchmarks.model import random_model
from benchmarks.row import Row, rate, time_call, time_calls, timing
from benchmarks.world import World
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.models.dataset import cut_arrays
from helios_nautilus.models.evaluate import evaluate
from helios_nautilus.models.learner import Learner
from helios_nautilus.models.network import PRESETS, HeliosNetwork
from helios_nautilus.models.predict import predict_arrays
from helios_nautilus.models.sequences import Blocks, cut_pieces
from helios_nautilus.models.threads import one_thread
from helios_nautilus.models.train_config import TrainConfig

_STEPS: Final = {"helios-nano": 50, "helios-small": 20, "helios-40m": 2}
_DAYS: Final = {"helios-nano": 8, "helios-small": 8, "helios-40m": 1}
"""How much history is predicted in one pass; quick, an eighth of it."""
_JUDGED: Final = 100_000


def learning_rows(world: World) -> Iterator[Row]:
    """By preset, and on CUDA as well where there is one; on one thread of the CPU."""
    with one_thread():
        for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
            for preset in PRESETS:
                yield _training_row(world, preset, device)
            for preset in PRESETS:
                yield _prediction_row(world, preset, device)
    yield _evaluation_row(world)


def _training_row(world: World, preset: str, device: str) -> Row:
    """Steps as `helios train` takes them by default: sixteen pieces of history side by side, four hours of each."""
    config, card, count = TrainConfig(), world.model.card, world.count(_STEPS[preset])
    network = HeliosNetwork(PRESETS[preset], card.n_features, card.timeframes).to(device)
    learner, blocks = Learner(network, card.prior, config), Blocks(world.arrays)
    learner.set_rate(0.5)
    pieces = cut_pieces(blocks.pieces(), config.piece_blocks, np.random.default_rng(0))
    beside = 1 if world.quick else config.batch_size
    longest = sorted(pieces, key=lambda piece: piece.first - piece.stop)[:beside]
    chunks = list(islice(cycle(blocks.stream(longest, card.scaler, config.chunk_blocks)), count + 1))
    seconds = [time_call(partial(learner.learn, [chunk])) for chunk in chunks][1:]
    return timing(f"training step: {preset}, {device.upper()}", seconds)


def _prediction_row(world: World, preset: str, device: str) -> Row:
    """Decisions of a whole history, as `helios predict` makes them."""
    end_ns = int(world.arrays.ts_ns[-1])
    length_ns = _DAYS[preset] * NS_PER_DAY // (8 if world.quick else 1)
    arrays = cut_arrays(world.arrays, end_ns - length_ns, end_ns)
    model = random_model(world.model, preset, device)
    seconds = time_calls(partial(predict_arrays, model, arrays), world.count(5))
    return rate(f"prediction, whole history: {preset}, {device.upper()}", "decisions", arrays.label.size, seconds)


def _evaluation_row(world: World) -> Row:
    rng = np.random.default_rng(0)
    p = rng.dirichlet((1.0, 1.0, 1.0), _JUDGED)
    label = rng.integers(0, 3, _JUDGED).astype(np.int8)
    net_long, net_short = rng.normal(0.0, 0.01, (2, _JUDGED))
    judge = partial(evaluate, p, label, net_long, net_short, prior=world.model.card.prior)
    return timing("evaluation of 100 000 rows", time_calls(judge, world.count(20)))
