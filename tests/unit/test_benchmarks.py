"""The benchmarks themselves: they run from a bare checkout and leave no figure out. What they measure is not judged."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.soak import time_in_queue

ROOT = Path(__file__).parents[2]
ROWS = {
    "features, one streaming bar: 1 x bars",
    "features, one streaming bar: 1 x bars, trades, book",
    "features, one streaming bar: 3 x bars",
    "features, one streaming bar: 3 x bars, trades, book",
    "features, batch: bars",
    "prediction step: helios-nano, CPU",
    "prediction step: helios-nano, CPU, int8",
    "prediction step: helios-small, CPU",
    "prediction step: helios-small, CPU, int8",
    "prediction step: helios-40m, CPU",
    "prediction step: helios-40m, CPU, int8",
    "prediction step: helios-40m, CPU, three pairs at once",
    "prediction, whole history: helios-nano, CPU",
    "prediction, whole history: helios-small, CPU",
    "prediction, whole history: helios-40m, CPU",
    "training step: helios-nano, CPU",
    "training step: helios-small, CPU",
    "training step: helios-40m, CPU",
    "evaluation of 100 000 rows",
    "GARCH refit on 30 days of 5 m: cold",
    "GARCH refit on 30 days of 5 m: warm",
    "volatility tracker: one close",
    "sizing",
    "gate: answer of the rules, clamps",
    "Guardian: all checks, ten positions",
    "Guardian: mark at a quote, ten held",
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
    "journal: start of its server",
    "journal: backtest kept, in-line predictions",
    "journal: records of a backtest kept, in-line predictions",
    "journal: kept / not kept, in-line predictions",
    "journal: backtest kept, replayed predictions",
    "journal: records of a backtest kept, replayed predictions",
    "journal: kept / not kept, replayed predictions",
    "VALR, frame to object: book of 40 levels, 4 change",
    "VALR, frame to object: book of 40 levels, 40 change",
    "VALR, frame to object: snapshot, 40 levels a side",
    "VALR, frame to object: trade",
    "VALR, frame to object: bar",
    "VALR, frame to events: order accepted and filled",
    "VALR, frame to events: order accepted and cancelled",
    "VALR, soak: message in the socket to object on the bus",
    "VALR, soak: the same, reckoned without waits for a core",
    "VALR, soak: messages",
    "VALR, soak: lost or out of order",
    "VALR, soak: memory for 10 000 messages more",
    "VALR, line cut: noticed",
    "VALR, line cut: noticed, at worst",
    "VALR, line cut: quotes back",
    "VALR, line cut: quotes back, at worst",
    "VALR, line silent: noticed",
    "VALR, line silent: noticed, at worst",
    "VALR, line silent: quotes back",
    "VALR, line silent: quotes back, at worst",
    "VALR, lines lost: quotes before the book was back",
}
DEPENDS = {"CUDA", "memory"}
"""Rows that not every machine has."""


@given(st.lists(st.tuples(st.integers(0, 1_000), st.integers(0, 100)), min_size=1))
def test_customers_of_a_queue_wait_for_those_before_them(customers: list[tuple[int, int]]) -> None:
    customers.sort(key=lambda customer: customer[0])
    spent, free_at = [], 0
    for arrived_at, service in customers:
        free_at = max(free_at, arrived_at) + service
        spent.append(free_at - arrived_at)
    arrived, served = np.array(customers).T
    assert time_in_queue(arrived, served).tolist() == spent


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_quick_run_yields_every_row_and_says_where_it_ran(tmp_path):
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    assert figures["quick"]
    assert {"cpu", "cores", "load", "python", "packages", "commit"} <= figures["machine"].keys()
    rows = {row["what"]: row for row in figures["rows"]}
    assert _everywhere(rows) == _everywhere(ROWS)
    assert rows["VALR, soak: lost or out of order"]["p50"] == 0
    assert rows["VALR, lines lost: quotes before the book was back"]["p50"] == 0
    assert all(row["p50"] > 0 for row in rows.values() if row["unit"] not in ("", "B"))
    assert all(isinstance(row["met"], bool) for row in rows.values() if row["target"] is not None)
    assert all(what.split(":")[0] in done.stdout for what in ROWS)


def _everywhere(rows: Iterable[str]) -> set[str]:
    return {what for what in rows if not any(word in what for word in DEPENDS)}
