"""The model of a run: loaded, and refused where its predictions would not be fair or not be of the run's bets."""

from nautilus_trader.core.datetime import unix_nanos_to_iso8601

from helios_nautilus.config import HeliosConfig
from helios_nautilus.errors import ConfigError, SpecMismatchError
from helios_nautilus.models.checkpoint import Model, load_model


def load_run_model(config: HeliosConfig) -> Model:
    """Read the model that a configuration names.

    Raises `ModelError` where there is no sound one, `SpecMismatchError` where it was trained on other features or for
    another exit plan, `ConfigError` where it has seen data of the backtest's window.
    """
    folder = config.model.folder
    model = load_model(folder, config.spec.hash)
    if model.card.data_end_ns > config.backtest.start_ns:
        raise ConfigError(
            f"the model in {folder} has seen data up to {unix_nanos_to_iso8601(model.card.data_end_ns)}, "
            f"after the backtest starts at {config.backtest.start}; train it on an earlier window"
        )
    if model.card.plan != config.plan:
        raise SpecMismatchError(
            f"the model in {folder} was trained for another exit plan than [plan] says; train it again"
        )
    return model
