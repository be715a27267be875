"""What is measured on: a seeded synthetic market, a model trained on it, and the configuration of the demo."""

from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from helios_nautilus.config import HeliosConfig, Window, load_config
from helios_nautilus.history.arrays import export_arrays
from helios_nautilus.history.demo import write_demo
from helios_nautilus.models.checkpoint import Model, save_model
from helios_nautilus.models.dataset import Arrays, split_by_share
from helios_nautilus.models.network import PRESETS
from helios_nautilus.models.recipe import train_model
from helios_nautilus.node.predictions import write_predictions
from helios_nautilus.simulator.market import MarketConfig

_DEMO: Final = Path(__file__).parents[1] / "configs" / "backtest.toml"


class World(Struct, frozen=True, kw_only=True):
    """A temporary catalogue and model, and the configuration of a backtest on them."""

    config: HeliosConfig
    model: Model
    arrays: Arrays
    """What the model was trained on."""
    quick: bool
    words: str

    def count(self, full: int) -> int:
        """How many repetitions to make where a full run makes ``full``."""
        return max(full // 10, 1) if self.quick else full


def build_world(folder: Path, *, quick: bool) -> World:
    """Make the catalogue, train the model and write its predictions.

    In full this is the demo itself: 30 days to train on and 15 to trade. Quick, it is 11 days, the last day, and a
    single epoch, which leaves a model without opinion.
    """
    market = MarketConfig(days=14 if quick else 45)
    demo = load_config(_DEMO).config
    config = replace(
        demo,
        data=replace(demo.data, catalog=folder / "catalog"),
        model=replace(demo.model, folder=folder / "model"),
        reports=folder / "reports",
    )
    if quick:
        config = _shorten(config)
    write_demo(config.data.catalog, market)
    arrays = _read(config)
    model = _train(config, arrays)
    save_model(model, config.model.folder)
    write_predictions(config)
    days = (config.backtest.end_ns - config.backtest.start_ns) / 86_400e9
    words = (
        f"synthetic market (seed {market.seed}, {market.days} days, {len(config.data.instruments)} pairs), "
        f"{config.model.preset} trained for {len(model.card.log) - 1} epochs (seed {model.card.seed}), "
        f"a backtest of the last {days:g} days"
    )
    return World(config=config, model=model, arrays=arrays, quick=quick, words=words)


def _shorten(config: HeliosConfig) -> HeliosConfig:
    return replace(
        config,
        backtest=Window(start="2026-01-14", end="2026-01-15"),
        training=replace(
            config.training,
            window=Window(start="2026-01-01", end="2026-01-12"),
            optimiser=replace(config.training.optimiser, epochs=1),
        ),
    )


def _read(config: HeliosConfig) -> Arrays:
    training, window = config.training, config.training.window
    return export_arrays(
        config.data.catalog,
        config.spec,
        window.start_ns,
        window.end_ns,
        config.plan,
        training.label,
        config.aether.volatility,
    )


def _train(config: HeliosConfig, arrays: Arrays) -> Model:
    splits = split_by_share(arrays, config.training.split)
    return train_model(arrays, splits, PRESETS[config.model.preset], config.training.optimiser, created_ns=0)
