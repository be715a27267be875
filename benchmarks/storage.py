"""The edges: files into the catalogue, records into a report."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
from msgspec.structs import replace

from benchmarks.row import Row, rate, time_call, time_calls, timing
from benchmarks.world import World
from helios_nautilus.config import LoadedConfig
from helios_nautilus.history.catalogue import load_market_data
from helios_nautilus.history.importer import import_bars
from helios_nautilus.node.backtest import run_backtest
from helios_nautilus.report.page import write_report


def import_rows(world: World) -> Iterator[Row]:
    """A CSV of one pair's bars, into an empty catalogue each time."""
    data = world.config.data
    name = data.instruments[0]
    bars = load_market_data(data.catalog, [name], bar=data.base)[name].bars
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bars.csv"
        columns = {column: getattr(bars, column) for column in ("open", "high", "low", "close", "volume")}
        pa_csv.write_csv(pa.table({"close_time": bars.ts_ns} | columns), file)
        seconds = [
            time_call(partial(import_bars, [file], name, Path(folder) / f"catalogue-{turn}"))
            for turn in range(world.count(10))
        ]
    yield rate("catalogue: rows of a CSV imported", "rows", len(bars), seconds)


def report_rows(world: World) -> Iterator[Row]:
    """The page and the summary of a run with replayed predictions."""
    config = replace(world.config, model=replace(world.config.model, predictions="catalogue"))
    result = run_backtest(LoadedConfig(config=config, text=""))
    write = partial(write_report, result.journal, result.prices, config.reports / result.run.run_id)
    yield timing("report of the backtest", time_calls(write, world.count(10)))
