"""``helios data``: make, fill, list and check catalogues of market data."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from helios_nautilus import history
from helios_nautilus.cli.backfill import backfill_command
from helios_nautilus.cli.output import json_option, print_json, print_table, show_time
from helios_nautilus.errors import DataError
from helios_nautilus.history.files import Stamp
from helios_nautilus.simulator.market import MarketConfig

_HOLES_SHOWN = 20
_DEFAULTS = MarketConfig()

_catalogs_option = click.option(
    "--catalog",
    type=click.Path(path_type=Path, file_okay=False),
    help="One catalogue; without it all that lie below the folder catalog.",
)


@click.group()
def data() -> None:
    """Market data: make, import, fetch, list and check catalogues."""


data.add_command(backfill_command)


@data.command()
@click.option(
    "--catalog", type=click.Path(path_type=Path, file_okay=False), default=Path("catalog/demo"), show_default=True
)
@click.option("--seed", default=_DEFAULTS.seed, show_default=True, help="Another seed is another market.")
@click.option("--days", default=_DEFAULTS.days, show_default=True, help="Length of the history.")
@click.option(
    "--strength",
    default=_DEFAULTS.strength,
    show_default=True,
    help="Of the predictable part; 0 is an efficient market.",
)
@click.option("--trades-days", default=_DEFAULTS.trades_days, show_default=True, help="Last days with single trades.")
@click.option("--replace", is_flag=True, help="Overwrite another synthetic market that is there.")
@json_option
def demo(catalog: Path, seed: int, days: int, strength: float, trades_days: int, replace: bool, as_json: bool) -> None:
    """Write the synthetic market (BTCZAR, ETHZAR, SOLZAR) into a catalogue.

    Synthetic data are invented: they show that everything works, never that a strategy makes money.
    """
    config = MarketConfig(seed=seed, days=days, strength=strength, trades_days=trades_days)
    with _progress() as progress:
        task = progress.add_task("Simulating", unit="instruments")
        report = history.write_demo(catalog, config, replace=replace, on_instrument=lambda _: progress.advance(task))
    if as_json:
        print_json({"catalog": catalog, **msgspec.to_builtins(report)})
        return
    click.echo(
        f"{'Wrote' if report.written else 'Already there:'} {report.bars:,} bars and {report.trades:,} trades of "
        f"{', '.join(report.instrument_ids)} in {catalog}, {report.label}"
    )


@data.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--instrument-id", required=True, help="Symbol and venue, e.g. BTCZAR.VALR.")
@click.option(
    "--stamp",
    type=click.Choice(["open", "close"]),
    help="What a row's time is; needed where its column does not say so.",
)
@click.option("--columns", default="", help="Columns that are not recognised, e.g. ts=Date,volume=Volume_BTC.")
@click.option("--bar", help="Length of the bars, e.g. 1m; found from the rows without it.")
@click.option(
    "--instruments",
    type=click.Path(path_type=Path, dir_okay=False),
    help="TOML file of instruments VALR does not list.",
)
@click.option(
    "--catalog", type=click.Path(path_type=Path, file_okay=False), default=Path("catalog/recorded"), show_default=True
)
@json_option
def import_(
    files: tuple[Path, ...],
    instrument_id: str,
    stamp: Stamp | None,
    columns: str,
    bar: str | None,
    instruments: Path | None,
    catalog: Path,
    as_json: bool,
) -> None:
    """Import bars from CSV, Parquet or Feather FILES: all of them, or nothing.

    Bars that are there already are skipped if they are equal and refused if they differ. Times are UTC.
    """
    with _progress() as progress:
        task = progress.add_task("Importing", unit="rows")
        report = history.import_bars(
            files,
            instrument_id,
            catalog,
            stamp=stamp,
            columns=history.parse_columns(columns),
            bar=bar,
            instruments=instruments,
            on_rows=lambda rows: progress.advance(task, rows),
        )
    if as_json:
        print_json({"catalog": catalog, "added": report.added, **msgspec.to_builtins(report)})
        return
    click.echo(
        f"Added {report.added:,} {report.bar} bars to {report.instrument_id} in {catalog}, {report.label}: now "
        f"{report.rows:,} from {show_time(report.first_ns)} to {show_time(report.last_ns)}"
    )


@data.command("list")
@_catalogs_option
@json_option
def list_(catalog: Path | None, as_json: bool) -> None:
    """List what the catalogues hold, and where it comes from."""
    found = {path: history.describe(path) for path in _catalogues(catalog)}
    if as_json:
        print_json([{"catalog": path, **_series_fields(one)} for path, series in found.items() for one in series])
        return
    for path, series in found.items():
        rows = [
            (one.instrument_id, one.kind, f"{one.rows:,}", show_time(one.first_ns), show_time(one.last_ns), one.label)
            for one in series
        ]
        print_table(str(path), ("Instrument", "Series", "Rows", "First", "Last", "Origin"), rows)


@data.command()
@_catalogs_option
@json_option
def gaps(catalog: Path | None, as_json: bool) -> None:
    """Show every hole in the bars, those without a trade by the venue's word apart. No bar is ever made up."""
    ledgers = [(path, one) for path in _catalogues(catalog) for one in history.read_ledger(path)]
    if as_json:
        print_json(
            [
                {"catalog": path, "missing": one.missing, "confirmed": one.confirmed, **msgspec.to_builtins(one)}
                for path, one in ledgers
            ]
        )
        return
    for path, one in ledgers:
        click.echo(
            f"{path} {one.instrument_id} {one.bar}, {one.label}: {one.rows:,} bars, "
            f"{one.missing:,} missing in {len(one.holes)} holes"
            + (f", {one.confirmed:,} not there because nobody traded" if one.confirmed else "")
        )
        _print_holes("", one.holes)
        _print_holes("Nobody traded, by the venue's word", one.empty)


def _print_holes(title: str, holes: Sequence[history.Hole]) -> None:
    if holes:
        rows = [(show_time(hole.first_ns), show_time(hole.last_ns), f"{hole.missing:,}") for hole in holes]
        print_table(title, ("First missing", "Last missing", "Bars"), rows[:_HOLES_SHOWN])
    if len(holes) > _HOLES_SHOWN:
        click.echo(f"and {len(holes) - _HOLES_SHOWN} more; --json lists them all")


@data.command()
@_catalogs_option
@click.option("--allow-gaps", is_flag=True, help="Holes are no violation.")
@json_option
def verify(catalog: Path | None, allow_gaps: bool, as_json: bool) -> None:
    """Read every row and check it. Exit code 1 if anything is violated; bars without volume are only a warning."""
    found = {path: history.verify_catalogue(path, allow_gaps=allow_gaps) for path in _catalogues(catalog)}
    everything = [one for findings in found.values() for one in findings]
    violations = sum(one.is_violation for one in everything)
    if as_json:
        print_json(
            [{"catalog": path, **msgspec.to_builtins(one)} for path, findings in found.items() for one in findings]
        )
    else:
        for path, findings in found.items():
            _print_findings(path, findings)
        click.echo(f"{violations} violations, {len(everything) - violations} warnings")
    if violations:
        sys.exit(1)


def _print_findings(path: Path, findings: Sequence[history.Finding]) -> None:
    rows = [
        (
            "violation" if one.is_violation else "warning",
            f"{one.instrument_id} {one.series}",
            f"{one.count:,} {one.words}",
            "" if one.first_ns is None else show_time(one.first_ns),
        )
        for one in findings
    ]
    if rows:
        print_table(str(path), ("", "Series", "What", "First"), rows)


def _catalogues(given: Path | None) -> tuple[Path, ...]:
    found = (given,) if given else history.find_catalogues(Path("catalog"))
    if not found:
        raise DataError("there is no catalogue below catalog: make one with 'helios data demo' or 'helios data import'")
    return found


def _series_fields(series: history.Series) -> dict[str, Any]:
    return {
        "instrument_id": series.instrument_id,
        "series": series.kind,
        "rows": series.rows,
        "first_ns": series.first_ns,
        "last_ns": series.last_ns,
        "label": series.label,
        "is_synthetic": series.provenance.is_synthetic,
        "provenance": msgspec.to_builtins(series.provenance),
    }


def _progress() -> Progress:
    """Drawn on standard error, and only where somebody watches."""
    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}: {task.completed:,.0f} {task.fields[unit]}"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
