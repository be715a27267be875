"""An efficient market leaves no edge to be found; a market with momentum leaves one. Both in the same small setting.

Close to the demo and quicker: 28 days instead of 45, six epochs instead of twelve, a longer validation for its share,
and an account that may go either way. One market of each sort, for each costs a training; seed 4 with momentum and
seed 7 without come out the same. Over more seeds, at the demo's own length, strength 0 never led to a trade and the
default strength did for about half of the markets: nine days of validation are some fifty bets, and what they do not
show clearly is not traded. `make promotion` puts forty markets before the gate.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.cli import SMALL, succeed, write_config

SETTINGS = {
    **SMALL,
    "name": "edge",
    "account.kind": "margin",
    "aether.sizing.margin": True,
    "backtest.start": "2026-01-24",
    "backtest.end": "2026-01-29",
    "training.window.end": "2026-01-24",
    "training.split.train": 0.5,
    "training.split.validation": 0.4,
    "training.optimiser.epochs": 6,
    "training.optimiser.learning_rate": 0.002,
    "model.predictions": "catalogue",
}
DEFAULT_STRENGTH = 1.0

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with contextlib.chdir(tmp_path):
        write_config(tmp_path / "edge.toml", SETTINGS)
        yield tmp_path


def trade(seed: int, strength: float) -> dict[str, Any]:
    """Make a market, train on it, trade its last five days."""
    market = ("--seed", str(seed), "--strength", str(strength), "--days", "28", "--trades-days", "0")
    succeed("data", "demo", "--catalog", "market", *market)
    succeed("train", "edge.toml")
    succeed("predict", "edge.toml")
    summary: dict[str, Any] = succeed("backtest", "edge.toml", "--json").json
    return summary


def test_efficient_market_shows_no_edge_and_the_report_says_so(folder: Path) -> None:
    summary = trade(seed=4, strength=0.0)
    steps = {step["name"]: step for step in summary["funnel"]["steps"]}
    assert steps["sized"]["entered"] > 1000
    assert steps["sized"]["kept"] == 0
    reasons = {reason["code"]: reason["count"] for reason in steps["sized"]["reasons"]}
    assert max(reasons, key=reasons.__getitem__) in {"no_edge", "low_confidence"}
    assert reasons["no_edge"] > 0
    page = (folder / "reports" / summary["run"]["run_id"] / "index.html").read_text()
    assert "predictions became a trade" in page
    assert "no edge left after costs" in page


@pytest.mark.usefixtures("folder")
def test_market_with_momentum_is_traded() -> None:
    summary = trade(seed=7, strength=DEFAULT_STRENGTH)
    assert summary["total"]["performance"]["trades"]["count"] >= 3
    assert summary["run"]["data_label"] == f"synthetic (seed 7, strength {DEFAULT_STRENGTH})"
    assert not any("min_edge" in note for note in summary["run"]["notes"])
