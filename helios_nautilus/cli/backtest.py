"""`helios backtest`: run a configuration, leave a report, and keep the run in the journal."""

from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from helios_nautilus.cli.output import print_json
from helios_nautilus.config import LoadedConfig, load_config
from helios_nautilus.domain.attribution import Trials
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.errors import HeliosError, JournalError
from helios_nautilus.journal.connect import open_journal
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import RunRecord
from helios_nautilus.node.attribution import try_without_tiers
from helios_nautilus.node.backtest import BacktestResult, run_backtest
from helios_nautilus.report.numerals import money
from helios_nautilus.report.page import write_report
from helios_nautilus.report.terminal import print_summary


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--attribution", is_flag=True, help="Decide three times more, each without one tier; say what it added.")
@click.option("--no-journal", is_flag=True, help="Do not keep the run in the journal.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON and nothing else.")
def backtest(config: Path, attribution: bool, no_journal: bool, as_json: bool) -> None:
    """Run CONFIG through all five tiers on its catalogue, write the report, and keep the run in the journal.

    A run that fails in the middle is kept up to there. Without a journal to be had it runs and reports all the same.
    """
    loaded = load_config(config)
    console = Console(stderr=as_json)
    journal = MemoryJournal()
    is_kept = loaded.config.journal.enabled and not no_journal
    try:
        result = _run(loaded, journal, console)
    except Exception as error:
        # Compiled code turns an interruption into the cause of an error of its own; an interrupted run is not kept.
        if is_kept and len(journal) and not isinstance(error.__cause__, KeyboardInterrupt):
            Console(stderr=True).print(_keep(journal), soft_wrap=True)
        raise
    where = _keep(journal) if is_kept else None
    folder = loaded.config.reports / result.run.run_id
    tiers = _try_without_tiers(loaded, journal, console) if attribution else None
    summary = write_report(result.journal, result.prices, folder, tiers)
    if as_json:
        print_json(summary)
    else:
        print_summary(summary, console, folder)
    if where is not None:
        console.print(where, soft_wrap=True)


def _run(loaded: LoadedConfig, journal: MemoryJournal, console: Console) -> BacktestResult:
    """Run, and show how far it is."""
    window, currency = loaded.config.backtest, loaded.config.account.currency
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[equity]}"), TimeElapsedColumn()
    with Progress(*columns, console=console) as bar:
        days = (window.end_ns - window.start_ns) / NS_PER_DAY
        task = bar.add_task(f"backtest {loaded.config.name}", total=days, equity="warming up")

        def advance(ts_ns: int, equity: float | None) -> None:
            shown = "" if equity is None else money(equity, currency)
            bar.update(task, completed=(ts_ns - window.start_ns) / NS_PER_DAY, equity=shown)

        result = run_backtest(loaded, advance, journal)
        bar.update(task, completed=days)
    return result


def _try_without_tiers(loaded: LoadedConfig, journal: MemoryJournal, console: Console) -> Trials | None:
    """What each tier added; where a run breaks without one, a yellow line says so and the report does without."""
    try:
        with console.status("the same decisions without Aether, without the gate, without Guardian"):
            return try_without_tiers(loaded.config, journal)
    except HeliosError as error:
        console.print(Text(f"Not attributed to tiers: {error}", style="yellow"), soft_wrap=True)
        return None


def _keep(journal: MemoryJournal) -> Text:
    """Keep a run, as far as it came; returns where it is, or in yellow why there is no journal to be had."""
    run = journal.of(RunRecord)[0]
    try:
        with open_journal() as kept:
            known = kept.run_ids()
            stored = kept.store_run(journal, run)
    except JournalError as error:
        return Text(f"Not journalled: {error}", style="yellow")
    what = "the same run is there already" if stored.run_id in known else f"{stored.rows:,} records"
    return Text(f"Journal: {stored.run_id} ({what})")
