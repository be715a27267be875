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
from helios_nautilus.models.predict import Predictor

_WARM_UP: Final = 5


def model_rows(world: World) -> Iterator[Row]:
    """A decision of one instrument by each preset, with random weights: the numbers do not matter here."""
    yield timing("prediction step: helios-nano, CPU", _decide(world, "helios-nano", "cpu", 2_000), target=1e-3)
    yield timing("prediction step: helios-small, CPU", _decide(world, "helios-small", "cpu", 1_000))
    yield timing("prediction step: helios-40m, CPU", _decide(world, "helios-40m", "cpu", 200), target=30e-3)
    if torch.cuda.is_available():
        yield timing("prediction step: helios-40m, CUDA", _decide(world, "helios-40m", "cuda", 200), target=1e-3)


def _decide(world: World, preset: str, device: str, count: int) -> list[float]:
    """Seconds of ``count`` decisions in a row: the bars since the last one observed, then the decision."""
    model = _random_model(world.model, preset, device)
    predictor, lengths_ns = Predictor(model, 1), model.card.timeframes.lengths_ns
    features = np.random.default_rng(0).standard_normal((512, model.card.n_features))
    base_ns, decision_ns = lengths_ns[0], model.card.timeframes.decision_ns

    def observe_and_decide(from_ns: int) -> None:
        for ts_ns in range(from_ns + base_ns, from_ns + decision_ns + 1, base_ns):
            for timeframe, length_ns in enumerate(lengths_ns):
                if ts_ns % length_ns == 0:
                    predictor.observe(timeframe, 0, features[ts_ns // base_ns % len(features)], ts_ns)
        predictor.decide(0, from_ns + decision_ns)

    first_ns = 20_000 * NS_PER_DAY
    starts = range(first_ns, first_ns + (_WARM_UP + world.count(count)) * decision_ns, decision_ns)
    return [time_call(partial(observe_and_decide, from_ns)) for from_ns in starts][_WARM_UP:]


def _random_model(model: Model, preset: str, device: str) -> Model:
    """Another network in the model's place."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = HeliosNetwork(PRESETS[preset], model.card.n_features, model.card.timeframes)
    return replace(model, network=network.to(device).eval().requires_grad_(requires_grad=False))
