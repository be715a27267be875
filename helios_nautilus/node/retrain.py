"""Trains a model anew at every date of a cadence, and puts it in charge where the gate lets it pass.

What a candidate is and when it may be in charge is decided as if its date were today: it is trained, judged and let
through on data up to its date alone, and its promotion bears the stamp at which it could have been ready.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec
from msgspec import Struct, structs
from nautilus_trader.core.datetime import unix_nanos_to_iso8601

from helios_nautilus.config import HeliosConfig
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.errors import ConfigError, ModelError, NotEnoughHistoryError
from helios_nautilus.history.array_cache import Rules, cached_arrays
from helios_nautilus.history.catalogue import find_series
from helios_nautilus.models.checkpoint import ModelCard
from helios_nautilus.models.dataset import split_by_share
from helios_nautilus.models.network import PRESETS
from helios_nautilus.models.pointer import Change
from helios_nautilus.models.progress import Watcher
from helios_nautilus.models.promotion import find_objections, promote
from helios_nautilus.models.recipe import code_commit, train_model
from helios_nautilus.models.registry import Registry
from helios_nautilus.models.resume import Checkpoints, checkpoint_path
from helios_nautilus.models.schedule import Cadence, Candidate, find_due
from helios_nautilus.models.train import TrainConfig

_WHO = "helios retrain"


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a candidate."""

    name: str
    until_ns: int
    """The end of its data."""
    ready_ns: int
    """Since when it is in charge, if it is promoted."""
    made: Literal["now", "earlier", "not"]
    """When it was trained: in this call, in an earlier one, or it could not be."""
    promoted: bool = False
    objections: tuple[str, ...] = ()
    """Why it is not promoted."""


def retrain(
    config: HeliosConfig, cadence: Cadence, *, since_ns: int, created_ns: int, watcher: Watcher | None = None
) -> Iterator[Outcome]:
    """Train what is due since a stamp and not yet in the registry, oldest first, and promote it through the gate.

    Broken off at any moment, the same call goes on. ``watcher`` hears how each training goes. Raises `ConfigError`
    where the configuration names no registry, `NotEnoughHistoryError` where nothing is due, and `ModelError` for a
    model of a candidate's name that was trained in another way.
    """
    if config.model.registry is None:
        raise ConfigError("retraining needs a registry to keep its models in: name a folder as model.registry")
    first_ns, last_ns = _data_span(config)
    due = find_due(cadence, since_ns, first_ns, last_ns)
    if not due:
        raise NotEnoughHistoryError(
            f"{config.data.catalog} has data from {_stamp(first_ns)} to {_stamp(last_ns)}: no {cadence.window} end at "
            f"a date that is due every {cadence.every} since {_stamp(since_ns)}; take a shorter window or an earlier "
            "date"
        )
    registry = Registry(config.model.registry)
    for candidate in due:
        yield _bring_up(registry, config, candidate, created_ns, watcher)


def _data_span(config: HeliosConfig) -> tuple[int, int]:
    """The span of which all instruments have data: the open of the first bar, the close of the last."""
    base_ns = config.spec.base_ns
    found = [find_series(config.data.catalog, name, base_ns) for name in config.data.instruments]
    present = [series for series in found if series is not None]
    if len(present) < len(found):
        raise NotEnoughHistoryError(f"{config.data.catalog} lacks bars of some of {', '.join(config.data.instruments)}")
    return max(series.first_ns for series in present) - base_ns, min(series.last_ns for series in present)


def _bring_up(
    registry: Registry, config: HeliosConfig, candidate: Candidate, created_ns: int, watcher: Watcher | None
) -> Outcome:
    """Train a candidate unless it is there, and promote it unless it is promoted or something speaks against it."""
    name = candidate.name(config.model.preset)
    outcome = Outcome(name=name, until_ns=candidate.until_ns, ready_ns=candidate.ready_ns, made="earlier")
    if name not in registry.names():
        try:
            _train(registry, config, candidate, created_ns, watcher)
        except NotEnoughHistoryError as error:
            return structs.replace(outcome, made="not", objections=(str(error),))
        outcome = structs.replace(outcome, made="now")
    card = registry.card(name)
    _check_settings(name, card, config, candidate)
    history = _history(registry, config)
    if any(change.model == name for change in history):
        return structs.replace(outcome, promoted=True)
    objections = (*find_objections(card), *_find_delays(card, candidate, history))
    if objections:
        return structs.replace(outcome, objections=objections)
    why = f"trained on the {candidate.window} up to {_stamp(candidate.until_ns)}"
    promote(registry, name, ts_ns=candidate.ready_ns, who=_WHO, why=why, pointer=config.model.pointer)
    return structs.replace(outcome, promoted=True)


def _train(
    registry: Registry, config: HeliosConfig, candidate: Candidate, created_ns: int, watcher: Watcher | None
) -> None:
    training, name = config.training, candidate.name(config.model.preset)
    rules = Rules(spec=config.spec, plan=config.plan, label=training.label, volatility=config.aether.volatility)
    arrays = cached_arrays(config.data.catalog, rules, candidate.start_ns, candidate.until_ns)
    checkpoints = Checkpoints(checkpoint_path(registry.folder / name))
    model = train_model(
        arrays,
        split_by_share(arrays, training.split),
        PRESETS[config.model.preset],
        _optimiser(config, candidate),
        created_ns=created_ns,
        code_commit=code_commit(),
        watcher=watcher,
        checkpoints=checkpoints,
    )
    registry.add(model, name)
    checkpoints.discard()


def _optimiser(config: HeliosConfig, candidate: Candidate) -> TrainConfig:
    """The training settings with the candidate's own seed."""
    optimiser = config.training.optimiser
    return structs.replace(optimiser, seed=candidate.seed(optimiser.seed))


def _check_settings(name: str, card: ModelCard, config: HeliosConfig, candidate: Candidate) -> None:
    """A model of this name that was there must be what training it now would give, up to the data's own changes."""
    made_of = card.spec_hash, card.plan, card.label, card.network, card.training
    wanted = (
        config.spec.hash,
        config.plan,
        config.training.label,
        PRESETS[config.model.preset],
        msgspec.to_builtins(_optimiser(config, candidate)),
    )
    if made_of != wanted or not candidate.start_ns < card.data_start_ns <= card.data_end_ns <= candidate.until_ns:
        raise ModelError(
            f"{config.model.registry} holds a model {name} that was trained with other settings than these; "
            "name another folder as model.registry"
        )


def _history(registry: Registry, config: HeliosConfig) -> tuple[Change, ...]:
    wanted = config.model.pointer, config.spec.hash, config.plan
    found = (each.history for each in registry.pointers() if (each.name, each.spec_hash, each.plan) == wanted)
    return next(found, ())


def _find_delays(card: ModelCard, candidate: Candidate, history: tuple[Change, ...]) -> Iterator[str]:
    """Why a model cannot have been in charge when it should, in words."""
    secs, allowed = sum(epoch.seconds for epoch in card.log), (candidate.ready_ns - candidate.until_ns) / NS_PER_SEC
    if secs > allowed:
        yield f"training took {secs / 3600:.1f} hours, but {allowed / 3600:g} are allowed for it"
    if history and history[-1].ts_ns > candidate.ready_ns:
        yield f"{history[-1].model} has been put in charge for a later time already"


def _stamp(ts_ns: int) -> str:
    return str(unix_nanos_to_iso8601(ts_ns))[:16]
