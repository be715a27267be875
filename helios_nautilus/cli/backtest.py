"""`helios backtest`: run a configuration and leave a report."""

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from helios_nautilus.config import load_config
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.node.backtest import run_backtest
from helios_nautilus.report.numerals import money
from helios_nautilus.report.page import write_report
from helios_nautilus.report.terminal import print_summary


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON and nothing else.")
def backtest(config: Path, as_json: bool) -> None:
    """Run CONFIG through all five tiers on its catalogue and write the report."""
    loaded = load_config(config)
    window, currency = loaded.config.backtest, loaded.config.account.currency
    console = Console(stderr=as_json)
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[equity]}"), TimeElapsedColumn()
    with Progress(*columns, console=console) as bar:
        days = (window.end_ns - window.start_ns) / NS_PER_DAY
        task = bar.add_task(f"backtest {loaded.config.name}", total=days, equity="warming up")

        def advance(ts_ns: int, equity: float | None) -> None:
            shown = "" if equity is None else money(equity, currency)
            bar.update(task, completed=(ts_ns - window.start_ns) / NS_PER_DAY, equity=shown)

        result = run_backtest(loaded, advance)
        bar.update(task, completed=days)
    folder = loaded.config.reports / result.run.run_id
    summary = write_report(result.journal, result.prices, folder)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(summary)))
    else:
        print_summary(summary, console, folder)
