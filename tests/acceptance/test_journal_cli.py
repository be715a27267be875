"""Backtests are kept, whatever becomes of them, and `helios journal` lists, shows, proves, exports and prunes them."""

import json
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest
from psycopg.conninfo import make_conninfo

from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.errors import HeliosError
from helios_nautilus.journal.connect import open_journal
from helios_nautilus.journal.embedded import start_server
from helios_nautilus.journal.postgres import PostgresJournal, connect
from helios_nautilus.journal.protocol import StoredRun
from helios_nautilus.node import backtest as node_backtest
from tests.acceptance.cli import EAGER, helios, refuse, succeed, write_config
from tests.integration.journal.samples import RUN, small_run

_numbers = count()
HALF_A_DAY = {**EAGER, "backtest.end": "2026-01-09T12:00"}


@pytest.fixture(autouse=True)
def database(helios_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database and a working directory of this test's own."""
    monkeypatch.chdir(tmp_path)
    server, name = start_server(helios_home / "journal"), f"acceptance_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = make_conninfo(server, dbname=name)
    monkeypatch.setenv("HELIOS_DATABASE_URL", url)
    return url


@pytest.fixture
def desk(desk: Path) -> Path:
    """Runs of half a day are enough here."""
    write_config(desk / "eager.toml", HALF_A_DAY)
    return desk


@pytest.fixture
def two_runs(database: str) -> Iterator[list[StoredRun]]:
    """One kept a hundred days ago, one just now."""
    with connect(database) as connection:
        yield [_store(connection, time.time_ns() - days * NS_PER_DAY, seed=days) for days in (100, 0)]


def _store(connection: psycopg.Connection, now_ns: int, seed: int) -> StoredRun:
    return PostgresJournal(connection, clock=lambda: now_ns).store_run(small_run(seed=seed), RUN)


def kept() -> list[StoredRun]:
    with open_journal() as journal:
        return journal.runs()


def test_a_backtest_is_kept_once_and_its_records_are_those_of_its_report(desk: Path) -> None:
    first, second = (succeed("backtest", "eager.toml").out for _ in range(2))
    (run,) = kept()
    assert f"Journal: {run.run_id} ({run.rows:,} records)" in first
    assert f"Journal: {run.run_id} (the same run is there already)" in second
    assert (desk / "reports" / run.run_id / "index.html").exists()
    with open_journal() as journal:
        kinds = {type(record).__name__ for record in journal.records(run.run_id)}
    assert {"RunRecord", "ModelRecord", "PredictionRecord", "FillRecord", "EquityRecord"} <= kinds
    assert succeed("journal", "verify", run.run_id).out == f"run {run.run_id}: {run.rows:,} rows, unbroken\n"


@pytest.mark.parametrize("way", ["option", "configuration"])
def test_a_backtest_that_is_not_to_be_kept_is_not(desk: Path, way: str) -> None:
    if way == "configuration":
        write_config(desk / "eager.toml", {**HALF_A_DAY, "journal.enabled": False})
    out = succeed("backtest", "eager.toml", *(["--no-journal"] if way == "option" else [])).out
    assert "journal" not in out.lower()
    assert kept() == []


def test_without_a_journal_a_backtest_runs_and_reports_and_one_line_says_why(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELIOS_DATABASE_URL", f"postgresql:///helios?host={desk}")
    outcome = succeed("backtest", "eager.toml", "--json")
    assert outcome.json["run"]["run_id"].startswith("eager-")
    lines = [line for line in outcome.err.splitlines() if "ournal" in line]
    assert len(lines) == 1
    assert lines[0].startswith("Not journalled: the journal's database: connection")


def test_a_backtest_that_fails_in_the_middle_is_kept_up_to_there(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise HeliosError("the engine stopped")

    monkeypatch.setattr(node_backtest, "_check_finished", fail)
    outcome = helios("backtest", "eager.toml")
    assert outcome.code == 1
    assert outcome.err.endswith("helios: the engine stopped\n")
    (run,) = kept()
    assert run.rows > 100
    succeed("journal", "verify", run.run_id)


def test_a_backtest_that_never_began_leaves_nothing(desk: Path) -> None:
    write_config(desk / "eager.toml", {**EAGER, "data.catalog": "nowhere"})
    assert helios("backtest", "eager.toml").code == 1
    assert kept() == []


def test_runs_are_listed_newest_first(two_runs: list[StoredRun]) -> None:
    old, new = two_runs
    listed = succeed("journal", "runs", "--json").json
    assert [(run["run_id"], run["rows"], run["head"]) for run in listed] == [
        (new.run_id, new.rows, new.head.hex()),
        (old.run_id, old.rows, old.head.hex()),
    ]
    out = succeed("journal", "runs").out
    assert out.index(new.run_id) < out.rindex(old.run_id)


def test_the_tail_shows_the_last_rows(two_runs: list[StoredRun]) -> None:
    shown = succeed("journal", "tail", two_runs[0].run_id, "-n", "2", "--json").json
    assert [(row["seq"], row["kind"]) for row in shown] == [(11, "SizingRecord"), (12, "EquityRecord")]
    assert shown[1]["body"]["equity"] == 100_190.5
    assert "100190.5" in succeed("journal", "tail", two_runs[0].run_id).out


def test_the_beginning_of_a_runs_id_is_enough(two_runs: list[StoredRun], tmp_path: Path) -> None:
    (new, old), to = ([run.run_id for run in kept()], str(tmp_path / "out"))
    assert (new, old) == (f"{RUN.run_id}.2", RUN.run_id)
    beginning = new[:-1]
    assert len(succeed("journal", "tail", beginning, "--json").json) == 10
    assert {each["run_id"] for each in succeed("journal", "decisions", "--run", beginning, "--json").json} == {new}
    assert [each["run_id"] for each in succeed("journal", "verify", beginning, "--json").json] == [new]
    succeed("journal", "export", beginning, "--to", to)
    assert (tmp_path / "out" / new / "fills.parquet").exists()
    assert f"several runs begin with small: {new}, {old}" in refuse("journal", "tail", "small")


def test_decisions_are_picked_by_their_end(two_runs: list[StoredRun]) -> None:
    newest = ("journal", "decisions", "--run", two_runs[1].run_id)
    (entered,) = succeed(*newest, "--outcome", "entered", "--json").json
    assert (entered["decision_id"], entered["outcome"]) == ("D-1", "entered")
    (declined,) = succeed(*newest, "--outcome", "rejected-by-aether", "--json").json
    assert (declined["decision_id"], declined["reason"]) == ("D-2", "no_edge")
    assert len(succeed("journal", "decisions", "--side", "LONG", "--limit", "3", "--json").json) == 3
    assert succeed(*newest, "--since", "1970-01-02", "--json").json == []
    assert len(succeed(*newest, "--until", "1970-01-02T12:00", "--instrument", "BTCZAR.VALR", "--json").json) == 2
    out = succeed(*newest).out
    assert "rejected-by-aether" in out
    assert "no_edge" in out


def test_verify_names_the_first_broken_row_and_fails(two_runs: list[StoredRun], database: str) -> None:
    assert [each["trouble"] for each in succeed("journal", "verify", "--json").json] == [None, None]
    old, new = two_runs
    with psycopg.connect(database) as burglar:
        burglar.execute("SET session_replication_role = replica")
        burglar.execute("DELETE FROM fills WHERE run_id = %s", [new.run_id])
    outcome = helios("journal", "verify")
    assert outcome.code == 1
    assert outcome.out.splitlines() == [
        f"run {new.run_id}: row 7 is missing or out of place, row 8 came instead",
        f"run {old.run_id}: {old.rows} rows, unbroken",
    ]
    assert helios("journal", "verify", old.run_id).code == 0
    with psycopg.connect(database) as burglar:
        burglar.execute("SET session_replication_role = replica")
        burglar.execute("DELETE FROM runs WHERE run_id = %s", [old.run_id])
    assert f"run {old.run_id}: row 0 is missing" in helios("journal", "verify").out
    findings = helios("journal", "verify", "--json")
    assert findings.code == 1
    assert "row 7 is missing" in findings.json[0]["trouble"]


def test_export_writes_a_file_a_table(two_runs: list[StoredRun], tmp_path: Path) -> None:
    run_id = two_runs[0].run_id
    written = succeed("journal", "export", run_id, "--to", str(tmp_path / "out"), "--json").json
    assert pq.read_metadata(tmp_path / "out" / run_id / "fills.parquet").num_rows == written["fills"] == 1
    assert "exists already" in refuse("journal", "export", run_id, "--to", str(tmp_path / "out"))
    succeed("journal", "export", run_id, "--format", "jsonl", "--to", str(tmp_path / "lines"))
    lines = (tmp_path / "lines" / run_id / "ml_predictions.jsonl").read_text().splitlines()
    assert [json.loads(line)["body"]["decision_id"] for line in lines] == ["D-1", "D-2"]


def test_pruning_takes_out_whole_old_runs_after_exporting_them(two_runs: list[StoredRun], tmp_path: Path) -> None:
    old, new = two_runs
    pruned = succeed("journal", "prune", "--older-than", "90d", "--export", str(tmp_path), "--yes", "--json").json
    assert [run["run_id"] for run in pruned] == [old.run_id]
    assert [run.run_id for run in kept()] == [new.run_id]
    assert (tmp_path / old.run_id / "fills.parquet").exists()
    assert succeed("journal", "prune", "--older-than", "90d").out == "no run is older than 90d\n"


def test_pruning_asks_first(two_runs: list[StoredRun], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    assert helios("journal", "prune", "--older-than", "90d").code == 1
    assert len(kept()) == 2


def test_a_broken_run_stops_the_pruning_before_anything_is_gone(two_runs: list[StoredRun], database: str) -> None:
    with psycopg.connect(database) as burglar:
        burglar.execute("SET session_replication_role = replica")
        burglar.execute("DELETE FROM equity_marks WHERE run_id = %s", [two_runs[0].run_id])
    assert "row 12 is missing" in refuse("journal", "prune", "--older-than", "90d", "--yes")
    assert len(kept()) == 2


@pytest.mark.parametrize(
    "command", [("tail", "x"), ("verify", "x"), ("export", "x", "--to", "y"), ("decisions", "--run", "x")]
)
def test_a_run_that_is_not_there_is_said_in_one_line(command: tuple[str, ...]) -> None:
    assert refuse("journal", *command) == "the journal knows no run x; 'helios journal runs' lists them"


def test_an_age_that_is_none_is_a_wrong_use() -> None:
    outcome = helios("journal", "prune", "--older-than", "long")
    assert outcome.code == 2
    assert "write it like 90d" in outcome.err
