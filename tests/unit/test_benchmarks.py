"""The benchmarks themselves: they run from a bare checkout and leave no figure out. What they measure is not judged."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = {
    "features, one streaming bar: 1 x bars",
    "features, one streaming bar: 1 x bars, trades, book",
    "features, one streaming bar: 3 x bars",
    "features, one streaming bar: 3 x bars, trades, book",
    "features, batch: bars",
    "prediction step: helios-nano, CPU",
    "prediction step: helios-small, CPU",
    "prediction step: helios-40m, CPU",
    "GARCH refit on 30 days of 5 m: cold",
    "GARCH refit on 30 days of 5 m: warm",
    "volatility tracker: one close",
    "sizing",
    "gate: answer of the rules, clamps",
    "Guardian: all checks, ten positions",
    "decision: all tiers, rules gate",
    "report of the backtest",
    "catalogue: rows of a CSV imported",
    "backtest: empty strategy",
    "backtest: five tiers, replayed predictions",
    "backtest: five tiers, in-line predictions",
    "backtest: replayed / empty, engine",
    "backtest: replayed / empty, whole",
    "backtest: in-line / empty, engine",
    "backtest: in-line / empty, whole",
}


@pytest.mark.slow
def test_a_quick_run_yields_every_row_and_says_where_it_ran(tmp_path):
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    assert figures["quick"]
    assert {"cpu", "cores", "load", "python", "packages", "commit"} <= figures["machine"].keys()
    rows = {row["what"]: row for row in figures["rows"]}
    assert {what for what in rows if "CUDA" not in what} == ROWS
    assert all(row["p50"] > 0 for row in rows.values())
    assert all(isinstance(row["met"], bool) for row in rows.values() if row["target"] is not None)
    assert all(what.split(":")[0] in done.stdout for what in ROWS)
