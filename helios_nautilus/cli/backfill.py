"""`helios data backfill`: fetch what a catalogue lacks from the venue."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from helios_nautilus.cli.output import json_option, print_json, show_time
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.errors import HeliosError
from helios_nautilus.history.backfill import BackfillReport, OnMinutes, backfill
from helios_nautilus.history.candles import VALR_ADDRESS, CandleSource

_TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


@click.command("backfill")
@click.argument("pairs", nargs=-1, required=True)
@click.option("--from", "start", required=True, type=_TIME, metavar="DATE", help="2026-01-31 or 2026-01-31T12:00, UTC.")
@click.option(
    "--to", "end", type=_TIME, metavar="DATE", help="Stop before it; without it the last minute that is over."
)
@click.option(
    "--catalog", type=click.Path(path_type=Path, file_okay=False), default=Path("catalog/valr"), show_default=True
)
@click.option("--url", default=VALR_ADDRESS, show_default=True, help="Another address, e.g. that of 'helios sim'.")
@json_option
def backfill_command(
    pairs: tuple[str, ...], start: datetime, end: datetime | None, catalog: Path, url: str, as_json: bool
) -> None:
    """Fetch one-minute bars of PAIRS (BTCZAR ETHZAR ...) from VALR: those that the catalogue lacks.

    Needs no key. May be interrupted at any time: what was fetched is kept, and the same command goes on. A minute
    without a trade becomes no bar; it is noted, and not asked for again.
    """
    symbols = [pair.upper().removesuffix(".VALR") for pair in pairs]
    with _progress(as_json) as on_minutes:
        try:
            reports = asyncio.run(_run(url.rstrip("/"), symbols, catalog, start, end, on_minutes))
        except KeyboardInterrupt:
            raise HeliosError("interrupted; what was fetched is kept, run the same command to go on") from None
    if as_json:
        print_json([{"catalog": catalog, **msgspec.to_builtins(report)} for report in reports])
        return
    for report in reports:
        click.echo(_describe(report))


async def _run(
    url: str, symbols: list[str], catalog: Path, start: datetime, end: datetime | None, on_minutes: OnMinutes
) -> list[BackfillReport]:
    source = CandleSource(url)
    try:
        end_ns = None if end is None else _nanos(end)
        return await backfill(source, symbols, catalog, _nanos(start), end_ns, on_minutes)
    finally:
        await source.close()


def _nanos(moment: datetime) -> int:
    return int(moment.replace(tzinfo=UTC).timestamp()) * NS_PER_SEC


def _describe(report: BackfillReport) -> str:
    words = (
        f"{report.instrument_id} to {show_time(report.last_ns)}: {report.missing:,} minutes were missing, "
        f"{report.filled:,} filled, {report.empty:,} without a trade by the venue's word"
    )
    if report.doubtful:
        words += f", {report.doubtful:,} left open (days of which the venue shows a trade but no minute)"
    return f"{words}; now {report.rows:,} bars"


@contextmanager
def _progress(as_json: bool) -> Iterator[OnMinutes]:
    """Drawn on standard error where somebody watches; there the client's warnings are shown as well."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=as_json or not console.is_terminal, transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def advance(symbol: str, minutes: int, total: int) -> None:
            if symbol not in tasks:
                tasks[symbol] = progress.add_task(f"{symbol}, minutes", total=total)
            progress.advance(tasks[symbol], minutes)

        handler = _Notes(progress)
        client = logging.getLogger("helios_nautilus.adapters.valr.api")
        client.addHandler(handler)
        try:
            yield advance
        finally:
            client.removeHandler(handler)


class _Notes(logging.Handler):
    """Pauses and repeats, above the progress; nowhere if that is not drawn."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        """Show one line."""
        if not self._progress.disable:
            self._progress.console.print(record.getMessage(), markup=False)
