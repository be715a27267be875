"""`helios evaluate`: judge a model against baselines on rows it has not seen, and leave a report."""

import time
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from helios_nautilus.cli.output import print_json
from helios_nautilus.config import HeliosConfig, load_config
from helios_nautilus.history.array_cache import Rules, cached_arrays
from helios_nautilus.models.checkpoint import EpochLog, load_model
from helios_nautilus.models.dataset import Arrays
from helios_nautilus.models.evaluation import Subject, hold_contests, judge, subject_of_model, subject_of_settings
from helios_nautilus.models.judgement import Judgement
from helios_nautilus.models.network import PRESETS
from helios_nautilus.report import findings
from helios_nautilus.report.evaluation import PAGE, figure, write_evaluation


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--model", "folder", type=click.Path(path_type=Path), help="Judge this trained model on the test span of its card."
)
@click.option("--json", "as_json", is_flag=True, help="Print the judgement as JSON and nothing else.")
def evaluate(config: Path, folder: Path | None, as_json: bool) -> None:
    """Judge the model of CONFIG against baselines on the same unseen rows, and write the report.

    Walks forward over the training window and trains the network anew in every fold; with --model, one trained model is
    judged instead. Folds that are done are kept in the report's folder: an interrupted evaluation goes on there.
    """
    settings = load_config(config).config
    console = Console(stderr=as_json)
    console.print(f"reading {settings.data.catalog} and working out features and labels")
    arrays = _read(settings, lambda arrays: _subject(settings, arrays, folder, console))
    subject = _subject(settings, arrays, folder, console)
    reports = settings.reports / subject.name
    columns = settings.spec.columns
    folds = hold_contests(arrays, subject, columns, reports / "folds", lambda words: console.print(f"  {words}"))
    judgement = judge(arrays, subject, folds, settings.evaluation, created_ns=time.time_ns())
    write_evaluation(judgement, reports)
    if as_json:
        print_json(judgement)
    else:
        _show(judgement, console, reports / PAGE)


def _read(settings: HeliosConfig, check: Callable[[Arrays], object]) -> Arrays:
    """The arrays of the training window; new ones that ``check`` refuses are not kept."""
    training = settings.training
    rules = Rules(spec=settings.spec, plan=settings.plan, label=training.label, volatility=settings.aether.volatility)
    return cached_arrays(settings.data.catalog, rules, training.window.start_ns, training.window.end_ns, check)


def _subject(settings: HeliosConfig, arrays: Arrays, folder: Path | None, console: Console) -> Subject:
    if folder is not None:
        model = load_model(folder, settings.spec.hash, settings.model.device)
        return subject_of_model(arrays, f"{settings.name}-{folder.name}", folder, model, settings.evaluation)

    def tell(epoch: EpochLog) -> None:
        console.print(f"    epoch {epoch.epoch:>2}  validation {epoch.validation_loss:.4f}  {epoch.seconds:.1f} s")

    network, training = PRESETS[settings.model.preset], settings.training.optimiser
    return subject_of_settings(arrays, settings.name, network, training, settings.evaluation, tell)


def _show(judgement: Judgement, console: Console, page: Path) -> None:
    columns = "skill", "mcc", "directional", "directional_top"
    table = Table(title=f"{judgement.count:,} unseen rows on {judgement.days} days", title_justify="left")
    for column in ("", "skill", "MCC", "direction", "most confident 5 %"):
        table.add_column(column, justify="right" if column else "left")
    for showing in judgement.showings:
        found = (getattr(showing, column) for column in columns)
        table.add_row(showing.model, *("–" if each is None else figure(each.estimate) for each in found))
    console.print(table)
    console.print(findings.headline(judgement), style="bold")
    for words in findings.sentences(judgement):
        console.print(words)
    for words in judgement.alarms:
        console.print(f"Too good to be true: {words}", style="red")
    console.print(f"Report: {page}", soft_wrap=True)
