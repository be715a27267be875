"""`helios models`: from two trained models to one in charge, and back, with a history that says how.

Two days of test are too few for the gate, whatever the models are worth: so it refuses, and is overruled.
"""

import contextlib
import json
import shutil
from pathlib import Path

import pytest

from tests.acceptance.cli import SMALL, helios, refuse, succeed, write_config

REGISTRY = ("--registry", "models")
SAID = ("--why", "a try", "--who", "ann")


@pytest.fixture(scope="module")
def trained(small_market: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small market with a registry of two models, one of a single epoch; not to be written to."""
    folder = tmp_path_factory.mktemp("trained")
    shutil.copytree(small_market, folder, dirs_exist_ok=True)
    with contextlib.chdir(folder):
        Path("models").mkdir()
        Path("model").rename("models/first")
        short = {**SMALL, "model.folder": "models/second", "training.optimiser.epochs": 1}
        succeed("train", str(write_config(Path("second.toml"), short)))
        write_config(Path("small.toml"), {**SMALL, "model.registry": "models"})
    return folder


@pytest.fixture
def registry(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it to work in."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "models"


def promote(name: str) -> None:
    succeed("models", "promote", name, *SAID, "--force", *REGISTRY)


def in_charge() -> list[str]:
    lines = succeed("models", "list", *REGISTRY, "--json").json
    return [line["name"] for line in lines if line["in_charge"]]


def test_list_shows_what_each_model_is_worth(registry: Path) -> None:
    first, second = succeed("models", "list", *REGISTRY, "--json").json
    assert (first["name"], second["name"]) == ("first", "second")
    assert first["network"] == "helios-nano"
    assert set(first["skill"]) == {"prior", "logistic", "boosting"}
    assert all(isinstance(skill, float) for skill in first["skill"].values())
    table = succeed("models", "list", *REGISTRY).out
    assert all(words in table for words in ("models: 2 models", "first", first["model_id"], "nano"))


def test_an_unreadable_model_does_not_hide_the_others(registry: Path) -> None:
    (registry / "first" / "card.json").write_text("{}")
    first, second = succeed("models", "list", *REGISTRY, "--json").json
    assert "no readable model card" in first["trouble"]
    assert second["trouble"] is None
    succeed("models", "list", *REGISTRY)


def test_show_tells_the_card_in_words(registry: Path) -> None:
    words = succeed("models", "show", "first", *REGISTRY).out
    for part in ("helios-nano", "seed 0", "calibration: temperature", "lead over LightGBM", "the gate refuses it"):
        assert part in words
    assert succeed("models", "show", "first", *REGISTRY, "--json").json["format"] == 2


def test_compare_says_whether_the_figures_can_be_compared(registry: Path) -> None:
    sides = succeed("models", "compare", "first", "second", *REGISTRY, "--json").json
    assert sides["unlike"] == []
    assert sides["first"]["count"] == sides["second"]["count"] > 0
    assert "Both are of the same rows" in succeed("models", "compare", "first", "second", *REGISTRY).out
    path = registry / "second" / "card.json"
    card = json.loads(path.read_text())
    card["splits"]["test"]["start_ns"] -= 1
    path.write_text(json.dumps(card))
    assert "Not the same rows (another test span)" in succeed("models", "compare", "first", "second", *REGISTRY).out


def test_the_gate_refuses_and_says_why_and_can_be_overruled(registry: Path) -> None:
    line = refuse("models", "promote", "first", *SAID, *REGISTRY)
    assert line.startswith("first is not promoted: its test span has ")
    assert "--force" in line
    promote("first")
    assert in_charge() == ["first"]
    words = succeed("models", "show", "first", *REGISTRY).out
    assert "champion since" in words
    assert "by ann: a try (forced)" in words


def test_roll_back_returns_to_the_model_before(registry: Path) -> None:
    promote("first")
    assert "first is the first champion" in refuse("models", "rollback", "first", *SAID, *REGISTRY)
    promote("second")
    pointer = succeed("models", "rollback", "second", *SAID, *REGISTRY, "--json").json
    assert [change["action"] for change in pointer["history"]] == ["promote", "promote", "roll_back"]
    assert in_charge() == ["first"]


def test_a_run_follows_the_champion_of_its_registry(registry: Path) -> None:
    assert "has no champion for features" in refuse("predict", "small.toml")
    promote("first")
    assert "small.toml: model" in succeed("models", "verify", "small.toml", *REGISTRY).out
    assert sum(succeed("predict", "small.toml", "--json").json.values()) > 0


def test_a_run_of_another_plan_has_another_champion(registry: Path) -> None:
    promote("first")
    other = write_config(Path("other.toml"), {**SMALL, "model.registry": "models", "plan.hold_mins": 60})
    assert "has no champion" in refuse("backtest", str(other))


def test_verify_finds_the_damaged_model_and_the_pointer_that_leads_to_it(registry: Path) -> None:
    promote("first")
    assert succeed("models", "verify", *REGISTRY).out.count(": sound") == 3
    weights = registry / "first" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    outcome = helios("models", "verify", *REGISTRY)
    assert outcome.code == 1
    assert outcome.out.count("SHA-256 differs") == 2
    assert "second: sound" in outcome.out
    assert "SHA-256 differs" in refuse("backtest", "small.toml")


@pytest.mark.parametrize("command", ["show", "promote", "rollback"])
def test_a_model_that_is_not_there_is_named(registry: Path, command: str) -> None:
    said = () if command == "show" else SAID
    assert "nobody" in refuse("models", command, "nobody", *said, *REGISTRY)
