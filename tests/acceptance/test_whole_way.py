"""The whole way on a small market, command by command: make it, train, predict, trade, verify."""

import contextlib
import json
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from helios_nautilus.strategies.helios import HeliosStrategy
from tests.acceptance.cli import EAGER, MARKET, helios, snapshot, succeed, write_config


@pytest.fixture(scope="module", autouse=True)
def folder(small_market: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that all tests of this module work in, one after another."""
    folder = tmp_path_factory.mktemp("whole_way") / "desk"
    shutil.copytree(small_market, folder)
    with contextlib.chdir(folder):
        write_config(folder / "replay.toml", {**EAGER, "model.predictions": "catalogue"})
        yield folder


@pytest.fixture(scope="module")
def eager() -> dict[str, Any]:
    """What a run with trades prints as JSON."""
    return succeed("backtest", "eager.toml", "--json").json


def report_of(summary: dict[str, Any]) -> Path:
    return Path("reports", summary["run"]["run_id"])


def test_market_that_is_there_is_not_made_again() -> None:
    assert succeed(*MARKET).out.startswith("Already there: 43,200 bars")
    assert succeed(*MARKET, "--json").json["written"] is False


def test_market_passes_its_checks() -> None:
    assert succeed("data", "verify", "--catalog", "market").out.endswith("0 violations, 0 warnings\n")
    assert succeed("data", "verify", "--catalog", "market", "--json").json == []
    assert [one["missing"] for one in succeed("data", "gaps", "--catalog", "market", "--json").json] == [0, 0, 0]
    assert len(succeed("data", "list", "--catalog", "market", "--json").json) == 3


def test_second_training_says_that_the_model_is_up_to_date(folder: Path) -> None:
    before = snapshot(folder / "model")
    assert "model is up to date" in succeed("train", "small.toml").out
    assert succeed("train", "small.toml", "--json").json == json.loads((folder / "model" / "card.json").read_text())
    assert snapshot(folder / "model") == before


def test_training_tells_the_card_as_json(folder: Path) -> None:
    write_config(folder / "other.toml", {**EAGER, "model.folder": "other", "training.optimiser.epochs": 1})
    card = succeed("train", "other.toml", "--json").json
    assert [epoch["epoch"] for epoch in card["log"]] == [0, 1]
    assert card["parameters"] < 1_000_000


def test_trades_are_made_and_every_tier_is_on_record(eager: dict[str, Any]) -> None:
    steps = {step["name"]: step for step in eager["funnel"]["steps"]}
    assert list(steps) == ["proposed", "sized", "approved", "passed", "filled"]
    assert steps["filled"]["kept"] > 0
    assert eager["total"]["performance"]["trades"]["count"] > 0
    assert eager["funnel"]["entries_without_consent"] == []
    assert all(step["dropped"] == sum(reason["count"] for reason in step["reasons"]) for step in steps.values())
    assert steps["approved"]["dropped"] > 0
    assert steps["passed"]["dropped"] > 0


def test_equity_is_the_starting_balance_and_what_the_trades_made(eager: dict[str, Any]) -> None:
    assert eager["open_positions"] == 0
    made = sum(result["pnl"] for result in eager["instruments"].values())
    assert eager["total"]["pnl"] == pytest.approx(made, abs=0.01 * eager["total"]["performance"]["trades"]["count"])


def test_report_is_whole_and_says_what_the_data_are(eager: dict[str, Any]) -> None:
    page = (report_of(eager) / "index.html").read_text()
    assert page.rstrip().endswith("</html>")
    assert "synthetic (seed 4, strength 1.0)" in page
    assert "min_edge is lowered to -1.5" in page
    assert sorted(path.name for path in report_of(eager).iterdir()) == ["index.html", "summary.json"]


def test_summary_on_disk_is_what_json_prints(eager: dict[str, Any]) -> None:
    assert json.loads((report_of(eager) / "summary.json").read_text()) == eager


def test_second_run_trades_the_same(eager: dict[str, Any]) -> None:
    again = succeed("backtest", "eager.toml", "--json").json
    assert again["run"]["trade_hash"] == eager["run"]["trade_hash"]
    assert again == eager


def test_replayed_predictions_trade_the_same_as_the_model_in_line(eager: dict[str, Any]) -> None:
    written = succeed("predict", "replay.toml", "--json").json
    assert written == {"BTCZAR.VALR": 576, "ETHZAR.VALR": 576, "SOLZAR.VALR": 576}
    replayed = succeed("backtest", "replay.toml", "--json").json
    assert replayed["run"]["trade_hash"] == eager["run"]["trade_hash"]
    assert replayed["total"] == eager["total"]


def test_run_without_an_edge_makes_no_trade_and_says_why(folder: Path) -> None:
    outcome = succeed("backtest", "small.toml")
    summary_path = next(path for path in (folder / "reports").glob("small-*/summary.json"))
    assert '"count": 0' in summary_path.read_text()
    assert "None of" in outcome.out
    assert "predictions became a trade" in outcome.out
    assert "predictions became a trade" in summary_path.with_name("index.html").read_text()


def test_run_looks_ahead_nowhere() -> None:
    findings = succeed("verify", "lookahead", "eager.toml", "--days", "0.1", "--times", "1", "--json").json
    assert {finding["passed"] for finding in findings} == {True}


def interrupt(*_: object) -> None:
    signal.raise_signal(signal.SIGINT)


def interrupt_compiled_code(*_: object) -> None:
    """What numba's dispatcher raises when the signal arrives inside of it."""
    raise SystemError("returned a result with an exception set") from KeyboardInterrupt()


@pytest.mark.parametrize("moment", [interrupt, interrupt_compiled_code])
def test_interrupted_run_leaves_no_report(
    folder: Path, monkeypatch: pytest.MonkeyPatch, moment: Callable[..., None]
) -> None:
    write_config(folder / "long.toml", {**EAGER, "name": "long"})
    before = snapshot(folder)
    monkeypatch.setattr(HeliosStrategy, "on_prediction", moment)
    outcome = helios("backtest", "long.toml")
    assert outcome.code == 1
    assert outcome.err.strip() == "helios: interrupted; nothing half-done was kept"
    assert snapshot(folder) == before
