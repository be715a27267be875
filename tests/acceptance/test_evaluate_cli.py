"""`helios evaluate` on a small market: a judgement of what was never seen, kept fold by fold."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.cli import SMALL, refuse, succeed, write_config

JUDGED: dict[str, Any] = {
    **SMALL,
    "name": "judged",
    "training.optimiser.epochs": 1,
    "evaluation.walk_forward.folds": 1,
    "evaluation.walk_forward.first": 0.6,
    "evaluation.boosting.rounds": 20,
    "evaluation.logistic.strengths": [0.01],
    "evaluation.draws": 100,
}


@pytest.fixture
def config(desk: Path) -> Path:
    write_config(desk / "judged.toml", JUDGED)
    return desk / "judged.toml"


def test_evaluation_leaves_a_page_and_the_figures_that_json_prints(config: Path) -> None:
    judgement = succeed("evaluate", "judged.toml", "--json").json
    assert [showing["model"] for showing in judgement["showings"]] == [
        "prior",
        "logistic",
        "boosting",
        "network",
        "ensemble",
    ]
    assert {showing["metrics"]["count"] for showing in judgement["showings"]} == {judgement["count"]}
    assert {part["part"] for part in judgement["importance"]} >= {"price", "indicators", "1m", "5m", "15m"}
    folder = Path("reports", "judged")
    assert json.loads((folder / "evaluation.json").read_text()) == judgement
    assert (folder / "evaluation.html").read_text().rstrip().endswith("</html>")

    again = succeed("evaluate", "judged.toml")
    assert "logistic regression on" not in again.out
    assert "too few for a verdict" in again.out
    assert "evaluation.html" in again.out


def test_trained_model_is_judged_on_the_test_span_of_its_card(config: Path) -> None:
    judgement = succeed("evaluate", "judged.toml", "--model", "model", "--json").json
    card = json.loads(Path("model", "card.json").read_text())
    assert [fold["splits"] for fold in judgement["folds"]] == [card["splits"]]
    (network,) = (showing for showing in judgement["showings"] if showing["model"] == "network")
    assert network["metrics"]["log_loss"] == pytest.approx(card["test_metrics"]["log_loss"], abs=0.01)
    assert Path("reports", "judged-model", "evaluation.html").exists()


def test_model_of_another_window_is_refused(config: Path) -> None:
    write_config(config, {**JUDGED, "training.window.end": "2026-01-08"})
    assert "was trained on other data" in refuse("evaluate", "judged.toml", "--model", "model")
