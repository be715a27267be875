"""A paper run replayed from the catalogue. What was traded is a backtest's, so that its replay must be the same."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from helios_nautilus.config import load_config
from helios_nautilus.journal.connect import open_journal
from helios_nautilus.journal.records import EventRecord, FillRecord, ModelRecord, PredictionRecord, Record, RunRecord
from helios_nautilus.node.backtest import run_backtest
from tests.acceptance.cli import EAGER, Outcome, helios, write_config

HOUR = 3_600_000_000_000


@pytest.fixture(scope="module")
def traded(small_market: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Record]]:
    """The records of half a day, as a node's that was ready all the time; this module works in a folder of its own."""
    folder = tmp_path_factory.mktemp("session") / "desk"
    shutil.copytree(small_market, folder)
    with contextlib.chdir(folder):
        write_config(folder / "day.toml", {**EAGER, "name": "day", "backtest.end": "2026-01-09T12:00"})
        result = run_backtest(load_config(Path("day.toml")))
        run = replace(result.run, mode="paper", data_hash="")
        ready = EventRecord(ts_ns=run.start_ns, kind="ready", words="entries are open")
        yield [
            run,
            *(each for each in result.journal if isinstance(each, ModelRecord)),
            ready,
            *list(result.journal)[2:],
        ]


def replayed(records: list[Record], name: str, *options: str) -> tuple[Outcome, Any]:
    """Keep these records as a run and replay it; what was printed, and as JSON."""
    run = next(each for each in records if isinstance(each, RunRecord))
    renamed = replace(run, run_id=f"{name}-paper-20260109T000000")
    with open_journal() as journal:
        journal.store_run([renamed if each is run else each for each in records], renamed)
    outcome = helios("replay", renamed.run_id, *options)
    return outcome, json.loads(outcome.out) if options else None


def changed(records: list[Record], kind: type[Record], decision_id: str, **fields: Any) -> list[Record]:
    return [
        replace(each, **fields) if isinstance(each, kind) and getattr(each, "decision_id", "") == decision_id else each
        for each in records
    ]


def entries(records: list[Record]) -> list[FillRecord]:
    return [each for each in records if isinstance(each, FillRecord) and each.role == "ENTRY"]


def test_a_run_that_met_what_bars_tell_comes_out_the_same_trade_for_trade(traded: list[Record]) -> None:
    outcome, report = replayed(traded, "same", "--json")
    found = report["comparison"]
    assert outcome.code == 0, found["partings"]
    assert (
        found["predictions_equal"] == found["decisions"] == sum(isinstance(each, PredictionRecord) for each in traded)
    )
    assert found["agreeing"] == len(found["trades"]) == len({each.decision_id for each in entries(traded)}) > 0
    assert (found["causes"], found["changed_bar"]) == ({}, "")


def test_a_price_that_only_the_book_had_is_named_beside_the_replays(traded: list[Record]) -> None:
    first = entries(traded)[0]
    outcome, _ = replayed(changed(traded, FillRecord, first.decision_id, price=first.price + 7), "book")
    assert outcome.code == 1
    (line,) = (line for line in outcome.out.splitlines() if line.startswith(first.decision_id))
    assert "entry price by book" in line
    assert "book: 1 trade," in outcome.out


def test_hours_in_which_the_node_was_not_ready_are_not_traded_by_the_replay_either(traded: list[Record]) -> None:
    since_ns = entries(traded)[0].ts_ns - HOUR
    pause = [
        EventRecord(ts_ns=since_ns, kind="not_ready", words="bars: none"),
        EventRecord(ts_ns=since_ns + 4 * HOUR, kind="ready", words="entries are open"),
    ]
    quiet = [each for each in traded if not _is_between(each, since_ns, since_ns + 4 * HOUR)]
    _, report = replayed([*quiet, *pause], "pause", "--json")
    names = {pair["decision_id"] for pair in report["comparison"]["trades"]}
    assert not names & {each.decision_id for each in entries(traded) if each.ts_ns < since_ns + 4 * HOUR}


def _is_between(record: Record, since_ns: int, until_ns: int) -> bool:
    return since_ns < record.ts_ns < until_ns and not isinstance(record, RunRecord | ModelRecord)


def test_a_bar_that_is_another_today_is_named(traded: list[Record]) -> None:
    last = [each for each in traded if isinstance(each, PredictionRecord)][-1]
    told = changed(traded, PredictionRecord, last.decision_id, price=last.price + 1, p_buy=last.p_buy + 1e-12)
    outcome, _ = replayed(told, "bar")
    assert outcome.code == 1
    words = " ".join(outcome.out.split())
    assert f"Changed market data: the bar of {last.decision_id} closed at {last.price + 1:.10g} then" in words


def test_a_run_that_ended_before_it_began_to_trade_cannot_be_replayed(traded: list[Record]) -> None:
    outcome, _ = replayed(traded[:1], "stillborn")
    assert outcome.code == 2
    assert "ended before it had a model" in outcome.err
