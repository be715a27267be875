"""`helios retrain` on a small market: what is due is trained, judged and told."""

from pathlib import Path

import pytest

from tests.acceptance.cli import SMALL, helios, refuse, snapshot, succeed, write_config

SOON = ("--every", "3d", "--window", "8d")
"""On ten days of data that is one candidate, of the days up to 2026-01-10."""
NAME = "helios-nano-20260110T0000-8d"


@pytest.fixture(autouse=True)
def config(desk: Path) -> Path:
    settings = {**SMALL, "model.registry": "registry", "training.optimiser.epochs": 1}
    return write_config(desk / "weekly.toml", settings)


def test_candidate_is_trained_once_and_not_promoted_without_proof() -> None:
    (outcome,) = succeed("retrain", "weekly.toml", *SOON, "--json").json
    assert (outcome["name"], outcome["made"], outcome["promoted"]) == (NAME, "now", False)
    assert [one["name"] for one in succeed("models", "list", "--registry", "registry", "--json").json] == [NAME]

    before = snapshot(Path("registry"))
    told = succeed("retrain", "weekly.toml", *SOON).out.splitlines()
    assert told[0].startswith(f"{NAME}: kept, not promoted: its test span has")
    assert told[1] == "0 of 1 promoted as champion of registry"
    assert snapshot(Path("registry")) == before


def test_what_cannot_be_done_is_said_in_one_line(desk: Path) -> None:
    assert "every: 'weekly' is no length of time" in refuse("retrain", "weekly.toml", "--every", "weekly")
    assert "take a shorter window" in refuse("retrain", "weekly.toml", "--every", "7d", "--window", "180d")
    assert "name a folder as model.registry" in refuse("retrain", "small.toml", *SOON)
    assert helios("retrain", "weekly.toml", "--since", "yesterday").code == 2


def test_run_that_follows_a_history_without_a_promotion_is_refused(desk: Path) -> None:
    write_config(desk / "follow.toml", {**SMALL, "model.registry": "registry", "model.follow": "history"})
    assert "has no champion for features" in refuse("backtest", "follow.toml")
    write_config(desk / "nowhere.toml", {**SMALL, "model.follow": "history"})
    assert "follow = history needs a registry" in refuse("backtest", "nowhere.toml")
