"""Entry point: make a market, measure everything, print the table."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import click
import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from benchmarks.backtest import backtest_rows
from benchmarks.decision import decision_rows
from benchmarks.features import feature_rows
from benchmarks.journal import journal_rows
from benchmarks.learning import learning_rows
from benchmarks.machine import Machine, describe_machine
from benchmarks.marks import mark_rows
from benchmarks.model import model_rows
from benchmarks.reconnect import reconnect_rows
from benchmarks.row import Row
from benchmarks.soak import soak_rows
from benchmarks.storage import import_rows, report_rows
from benchmarks.tiers import tier_rows
from benchmarks.venue import venue_rows
from benchmarks.world import World, build_world

_PARTS: Final[dict[str, Callable[[World], Iterator[Row]]]] = {
    "features": feature_rows,
    "model": model_rows,
    "learning": learning_rows,
    "tiers": tier_rows,
    "decision": decision_rows,
    "marks": mark_rows,
    "report": report_rows,
    "import": import_rows,
    "backtest": backtest_rows,
    "journal": journal_rows,
    "venue": venue_rows,
    "soak": soak_rows,
    "reconnect": reconnect_rows,
}
_TIMES: Final = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))
_RATES: Final = ((1e6, "M/s"), (1e3, "k/s"))
_SIZES: Final = ((1e6, "MB"), (1e3, "kB"), (1.0, "B"))


class Measurements(Struct, frozen=True, kw_only=True):
    """All there is to say about one run of the benchmarks."""

    machine: Machine
    quick: bool
    data: str
    rows: list[Row]


@click.command()
@click.option("--quick", is_flag=True, help="Few repetitions on a small market: under a minute, less to be trusted.")
@click.option("--part", "parts", type=click.Choice(list(_PARTS)), multiple=True, help="Only this; may be repeated.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write the figures to FILE as well.")
def main(quick: bool, parts: tuple[str, ...], file: Path | None) -> None:
    """Measure the figures of SPEC.md section 12, on a temporary market made for it."""
    console = Console(width=None if sys.stdout.isatty() else 110)
    machine = describe_machine()
    with tempfile.TemporaryDirectory(prefix="helios-bench-") as folder, console.status("") as status:
        status.update("making a market and training a model")
        world = build_world(Path(folder), quick=quick)
        rows = []
        for row in chain.from_iterable(_PARTS[part](world) for part in parts or _PARTS):
            status.update(row.what)
            rows.append(row)
    measurements = Measurements(machine=machine, quick=quick, data=world.words, rows=rows)
    _print(measurements, console)
    if file is not None:
        document = msgspec.to_builtins(measurements)
        document["rows"] = [msgspec.to_builtins(row) | {"met": row.met} for row in rows]
        file.write_bytes(msgspec.json.format(msgspec.json.encode(document)))


def _print(measurements: Measurements, console: Console) -> None:
    table = Table(title="Helios, measured" + (" (quick)" if measurements.quick else ""), title_justify="left")
    table.add_column("what", no_wrap=True)
    for column in ("p50", "p95", "p99", "target", "met"):
        table.add_column(column, justify="right")
    for row in measurements.rows:
        figures = [_show(figure, row.unit) for figure in (row.p50, row.p95, row.p99)]
        table.add_row(row.what, *figures, _target(row), {None: "", True: "yes", False: "[red]no[/red]"}[row.met])
    console.print(table)
    machine = measurements.machine
    console.print(f"{machine.cpu}, {machine.cores} cores, load {', '.join(f'{each:.2f}' for each in machine.load)}")
    versions = ", ".join(f"{name} {number}" for name, number in machine.packages.items())
    console.print(f"Python {machine.python}, {versions}; commit {machine.commit}")
    console.print(f"Data: {measurements.data}.")


def _show(figure: float | None, unit: str) -> str:
    """A figure with three digits and the unit that suits it."""
    if figure is None:
        return ""
    if unit == "x":
        return f"{figure:.2f} x"
    if not unit:
        return f"{figure:.0f}"
    units = {"s": _TIMES, "B": _SIZES}.get(unit, _RATES)
    scale, name = next((each for each in units if abs(figure) >= each[0]), units[-1])
    return f"{figure / scale:.3g} {name}"


def _target(row: Row) -> str:
    if row.target is None:
        return ""
    judged = "" if row.judged == "p50" else f"{row.judged} "
    return f"{judged}{'>' if row.unit.endswith('/s') else '<'} {_show(row.target, row.unit)}"


if __name__ == "__main__":
    main()
