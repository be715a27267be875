"""What it costs to keep a backtest in the journal, in a server of its own under a temporary home."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from msgspec.structs import replace

from benchmarks.row import Row, rate, time_call, timing
from benchmarks.world import World
from helios_nautilus.config import LoadedConfig
from helios_nautilus.journal.connect import open_journal
from helios_nautilus.journal.embedded import start_server, stop_server
from helios_nautilus.node.backtest import BacktestResult, run_backtest


def journal_rows(world: World) -> Iterator[Row]:
    """The start of the server, records a second by COPY, and how many times as long a run takes that is kept.

    A run is kept as `helios backtest` does it, its connection included; the server, which starts once, is not.
    """
    with TemporaryDirectory(prefix="helios-bench-journal-") as home:
        folder = Path(home) / "server"
        start_server(folder)
        stop_server(folder)
        yield Row(what="journal: start of its server", p50=time_call(lambda: start_server(folder)))
        url = start_server(folder)
        for predictions in ("model", "catalogue"):
            model = replace(world.config.model, predictions=predictions)
            loaded = LoadedConfig(config=replace(world.config, model=model), text="")
            if not world.quick:  # compiles what is not compiled yet
                run_backtest(loaded)
            yield from _compare(loaded, url, world.count(5))
        stop_server(folder)


def _compare(loaded: LoadedConfig, url: str, turns: int) -> Iterator[Row]:
    runs, keeps, count = [], [], 0
    for turn in range(turns):
        started = perf_counter()
        result = run_backtest(loaded)
        runs.append(perf_counter() - started)
        keeps.append(_keep(result, url, turn))
        count = len(result.journal)
    way = "in-line" if loaded.config.model.predictions == "model" else "replayed"
    ratios = [(run + keep) / run for run, keep in zip(runs, keeps, strict=True)]
    yield timing(f"journal: backtest kept, {way} predictions", keeps)
    yield rate(f"journal: records of a backtest kept, {way} predictions", "records", count, keeps)
    yield Row(what=f"journal: kept / not kept, {way} predictions", unit="x", p50=float(np.median(ratios)), target=1.2)


def _keep(result: BacktestResult, url: str, turn: int) -> float:
    """Seconds to keep a run; every turn's chain is another, or there would be nothing to do."""
    run = replace(result.run, notes=(*result.run.notes, f"turn {turn}"))
    records = [run, *list(result.journal)[1:]]
    started = perf_counter()
    with open_journal(url) as journal:
        journal.store_run(records, run)
    return perf_counter() - started
