"""Tier 2: what a decision costs in service, the steps of its new bars included."""

from collections.abc import Iterator
from functools import partial
from typing import Final

import numpy as np
import torch
from msgspec.structs import replace

from benchmarks.row import Row, time_call, timing
from benchmarks.world import World
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.models.checkpoint import Model
from helios_nautilus.models.network import PRESETS, HeliosNetwork
from helios_nautilus.models.precision import Precision
from helios_nautilus.models.service import Predictor

_WARM_UP: Final = 5
_COUNTS: Final = {"helios-nano": 2_000, "helios-small": 1_000, "helios-40m": 200}
_TARGETS: Final = {"helios-nano": 1e-3, "helios-40m": 30e-3}
_CUDA_TARGETS: Final = {"helios-40m": 1e-3}


def model_rows(world: World) -> Iterator[Row]:
    """A decision of one instrument by each preset, with random weights: the numbers do not matter here."""
    for preset, count in _COUNTS.items():
        what, target = f"prediction step: {preset}, CPU", _TARGETS.get(preset)
        yield timing(what, _decide(world, preset, count), target)
        yield timing(f"{what}, int8", _decide(world, preset, count, precision="int8"), target)
    yield timing("prediction step: helios-40m, CPU, three pairs at once", _decide(world, "helios-40m", 200, pairs=3))
    if torch.cuda.is_available():
        for preset, count in _COUNTS.items():
            seconds = _decide(world, preset, count, device="cuda")
            yield timing(f"prediction step: {preset}, CUDA", seconds, _CUDA_TARGETS.get(preset))


def random_model(model: Model, preset: str, device: str = "cpu") -> Model:
    """Another network in the model's place."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = HeliosNetwork(PRESETS[preset], model.card.n_features, model.card.timeframes)
    return replace(model, network=network.to(device).eval().requires_grad_(requires_grad=False))


def _decide(
    world: World, preset: str, count: int, *, device: str = "cpu", precision: Precision = "fp32", pairs: int = 1
) -> list[float]:
    """Seconds of ``count`` decisions in a row: the bars since the last one observed, then the decision."""
    model = random_model(world.model, preset, device)
    predictor, lengths_ns = Predictor(model, pairs, precision), model.card.timeframes.lengths_ns
    features = np.random.default_rng(0).standard_normal((512, model.card.n_features))
    base_ns, decision_ns = lengths_ns[0], model.card.timeframes.decision_ns

    def observe_and_decide(from_ns: int) -> None:
        for ts_ns in range(from_ns + base_ns, from_ns + decision_ns + 1, base_ns):
            for timeframe, length_ns in enumerate(lengths_ns):
                if ts_ns % length_ns == 0:
                    for pair in range(pairs):
                        predictor.observe(timeframe, pair, features[(ts_ns // base_ns + pair) % len(features)], ts_ns)
        predictor.decide(from_ns + decision_ns)

    first_ns = 20_000 * NS_PER_DAY
    starts = range(first_ns, first_ns + (_WARM_UP + world.count(count)) * decision_ns, decision_ns)
    return [time_call(partial(observe_and_decide, from_ns)) for from_ns in starts][_WARM_UP:]
