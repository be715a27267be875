"""`helios train` and `helios predict`: make a model, and write its predictions for replay."""

import sys
import time
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from helios_nautilus.cli.output import print_json
from helios_nautilus.config import HeliosConfig, load_config
from helios_nautilus.errors import HeliosError, ModelError
from helios_nautilus.history.array_cache import Rules, cached_arrays
from helios_nautilus.models.assignment import Assignment, save_assignment
from helios_nautilus.models.checkpoint import ModelCard, load_model, save_model
from helios_nautilus.models.dataset import Arrays, split_by_share
from helios_nautilus.models.network import PRESETS
from helios_nautilus.models.progress import Ticker
from helios_nautilus.models.recipe import code_commit, train_model
from helios_nautilus.models.resume import Checkpoints, checkpoint_path
from helios_nautilus.node.predictions import write_predictions


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Train again although the model folder is there.")
@click.option(
    "--export",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write arrays and settings to this folder and train nothing: 'python -m helios_nautilus.models train' does, "
    "on a machine that needs no engine and no market data.",
)
@click.option(
    "--checkpoint-mins", default=5.0, show_default=True, help="Minutes between checkpoints; each epoch ends with one."
)
@click.option("--json", "as_json", is_flag=True, help="Print the model's card as JSON and nothing else.")
def train(config: Path, replace: bool, export: Path | None, checkpoint_mins: float, as_json: bool) -> None:
    """Train the model of CONFIG on its training window.

    Does nothing where the folder already holds the model that this configuration and these data give. A training that
    was broken off goes on from its last checkpoint, and ends with the same model.
    """
    settings = load_config(config).config
    console = Console(stderr=as_json)
    console.print(f"reading {settings.data.catalog} and working out features and labels")
    training, folder = settings.training, settings.model.folder
    rules = Rules(spec=settings.spec, plan=settings.plan, label=training.label, volatility=settings.aether.volatility)
    arrays = cached_arrays(
        settings.data.catalog,
        rules,
        training.window.start_ns,
        training.window.end_ns,
        check=lambda arrays: split_by_share(arrays, training.split),
    )
    if export is not None:
        assignment = Assignment(preset=settings.model.preset, split=training.split, optimiser=training.optimiser)
        save_assignment(assignment, arrays, export)
        console.print(f"{export}: arrays of {(arrays.label >= 0).sum():,} labelled decisions and how to train on them")
        return
    card = None if replace or not folder.exists() else _current_card(folder, settings, arrays)
    if card is not None:
        console.print(f"{folder} is up to date")
    else:
        console.print(f"training {settings.model.preset} on {(arrays.label >= 0).sum():,} labelled decisions")
        card = _train(settings, arrays, console, 60.0 * checkpoint_mins)
    if as_json:
        print_json(card)
    else:
        _show(card, folder, console)


def _train(settings: HeliosConfig, arrays: Arrays, console: Console, checkpoint_secs: float) -> ModelCard:
    training, folder = settings.training, settings.model.folder
    checkpoints = Checkpoints(checkpoint_path(folder), every_secs=checkpoint_secs)
    ticker = Ticker(lambda words: console.print(words, soft_wrap=True), None if console.stderr else sys.stderr)
    try:
        model = train_model(
            arrays,
            split_by_share(arrays, training.split),
            PRESETS[settings.model.preset],
            training.optimiser,
            created_ns=time.time_ns(),
            code_commit=code_commit(),
            progress=ticker.epoch,
            watcher=ticker,
            checkpoints=checkpoints,
        )
    except KeyboardInterrupt:
        if not checkpoints.path.exists():
            raise
        raise HeliosError("interrupted; the same command goes on from the last checkpoint") from None
    save_model(model, folder, replace=folder.exists())
    checkpoints.discard()
    return model.card


def _current_card(folder: Path, settings: HeliosConfig, arrays: Arrays) -> ModelCard | None:
    """The card of the model there, if training again would give it: same data, features, labels and settings."""
    try:
        card = load_model(folder).card
    except ModelError as error:
        raise ModelError(f"{error}; --replace trains it anew") from error
    made_of = card.data_hash, card.spec_hash, card.plan, card.label, card.network, card.training, card.splits
    wanted = (
        arrays.data_hash,
        arrays.spec_hash,
        arrays.plan,
        arrays.label_config,
        PRESETS[settings.model.preset],
        msgspec.to_builtins(settings.training.optimiser),
        split_by_share(arrays, settings.training.split),
    )
    return card if made_of == wanted else None


def _show(card: ModelCard, folder: Path, console: Console) -> None:
    table = Table(title=f"{folder}: {card.parameters:,} parameters", title_justify="left")
    for column in ("", "validation", "test"):
        table.add_column(column, justify="left" if not column else "right")
    for name in ("count", "skill", "balanced_accuracy", "mcc", "directional_accuracy", "accuracy"):
        figures = (getattr(metrics, name) for metrics in (card.validation_metrics, card.test_metrics))
        table.add_row(name.replace("_", " "), *(_figure(figure) for figure in figures))
    console.print(table)


def _figure(figure: float | None) -> str:
    if figure is None:
        return "unknown"
    return f"{figure:,}" if isinstance(figure, int) else f"{figure:.4f}"


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON and nothing else.")
def predict(config: Path, as_json: bool) -> None:
    """Write the model's predictions over CONFIG's backtest window into its catalogue.

    A run with model.predictions = "catalogue" replays them instead of stepping the network.
    """
    counts = write_predictions(load_config(config).config)
    if as_json:
        click.echo(msgspec.json.encode(counts))
    else:
        for name, count in counts.items():
            click.echo(f"{name}: {count:,} predictions written")
