"""The models of a run: loaded, and refused where its predictions would not be fair or not be of the run's bets."""

from collections.abc import Iterator
from pathlib import Path

from nautilus_trader.core.datetime import unix_nanos_to_iso8601

from helios_nautilus.config import HeliosConfig
from helios_nautilus.errors import ConfigError, LookaheadError, ModelError, SpecMismatchError
from helios_nautilus.models.checkpoint import Model, load_model
from helios_nautilus.models.registry import Registry
from helios_nautilus.models.schedule import in_charge
from helios_nautilus.models.succession import Term


def load_terms(config: HeliosConfig) -> tuple[Term, ...]:
    """The models of a run with their times in charge, oldest first.

    That is one for always, or where ``model.follow`` is ``history`` those that were in charge during the backtest.
    Raises what `load_run_model` raises, and `LookaheadError` for a model in charge before the end of its own data.
    """
    if config.model.follow == "current":
        return (Term(model=load_run_model(config)),)
    return tuple(_load_history(config))


def _load_history(config: HeliosConfig) -> Iterator[Term]:
    assert config.model.registry is not None, "the configuration has seen to it"
    registry, name, window = Registry(config.model.registry), config.model.pointer, config.backtest
    changes = in_charge(registry.pointer(config.spec.hash, config.plan, name).history, window.start_ns, window.end_ns)
    if not changes:
        raise ModelError(
            f"no {name} of {registry.folder} was in charge between {window.start} and {window.end}: "
            "train models on earlier data ('helios retrain')"
        )
    for change, end_ns in changes:
        model = load_model(registry.follow(change, name), config.spec.hash, config.model.device)
        if model.card.data_end_ns > change.ts_ns:
            raise LookaheadError(
                f"model {change.model} was in charge from {unix_nanos_to_iso8601(change.ts_ns)} on, but has seen data "
                f"up to {unix_nanos_to_iso8601(model.card.data_end_ns)}; retrain under a pointer of its own"
            )
        yield Term(model=model, start_ns=change.ts_ns, end_ns=end_ns)


def load_run_model(config: HeliosConfig, start_ns: int | None = None) -> Model:
    """Read the model that a configuration names: that of a folder, or the one a registry has in charge.

    Raises `ModelError` where there is no sound one, `SpecMismatchError` where it was trained on other features or for
    another exit plan, `ConfigError` where it has seen data from after ``start_ns``, the start of the run,
    which is the backtest's by default.
    """
    start_ns = config.backtest.start_ns if start_ns is None else start_ns
    folder = _find_folder(config)
    model = load_model(folder, config.spec.hash, config.model.device)
    if model.card.data_end_ns > start_ns:
        raise ConfigError(
            f"the model in {folder} has seen data up to {unix_nanos_to_iso8601(model.card.data_end_ns)}, "
            f"after the run starts at {unix_nanos_to_iso8601(start_ns)[:16]}; train it on an earlier window"
        )
    if model.card.plan != config.plan:
        raise SpecMismatchError(
            f"the model in {folder} was trained for another exit plan than [plan] says; train it again"
        )
    return model


def _find_folder(config: HeliosConfig) -> Path:
    model = config.model
    if model.registry is None:
        return model.folder
    return Registry(model.registry).champion(config.spec.hash, config.plan, pointer=model.pointer)
