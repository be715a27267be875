"""Trainings that are broken off, and one that is carried to another machine: no work is lost, no weight differs."""

import shutil
import signal
from pathlib import Path

import pytest

from helios_nautilus.models.__main__ import main as train_arrays
from tests.acceptance.cli import SMALL, launch, snapshot, succeed, write_config


@pytest.mark.slow
def test_interrupted_training_leaves_the_model_that_was_there(desk: Path) -> None:
    write_config(desk / "long.toml", {**SMALL, "training.optimiser.epochs": 500, "training.optimiser.patience": 500})
    before = snapshot(Path())
    process = launch("train", "long.toml")
    assert process.stdout is not None
    assert any("epoch" in line for line in process.stdout)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    words = "helios: interrupted; the same command goes on from the last checkpoint"
    assert (process.returncode, err.split("\n")) == (1, [words, ""])
    after = snapshot(Path())
    assert after.keys() - before.keys() == {".model.training"}
    assert {name: after[name] for name in before} == before


@pytest.mark.slow
def test_killed_training_goes_on_and_ends_with_the_weights_of_one_that_was_not(desk: Path) -> None:
    longer = {**SMALL, "training.optimiser.epochs": 3}
    write_config(desk / "killed.toml", {**longer, "model.folder": "killed"})
    process = launch("train", "killed.toml", "--checkpoint-mins", "0")
    assert process.stdout is not None
    assert any("epoch  1" in line for line in process.stdout)
    process.kill()
    process.communicate()
    assert Path(".killed.training").exists()
    again = succeed("train", "killed.toml")
    assert "going on after epoch " in again.out
    assert again.err == ""
    assert not Path(".killed.training").exists()
    write_config(desk / "whole.toml", {**longer, "model.folder": "whole"})
    succeed("train", "whole.toml")
    assert Path("killed/model.safetensors").read_bytes() == Path("whole/model.safetensors").read_bytes()


@pytest.mark.slow
def test_training_carried_to_another_machine_gives_the_model_of_this_one(desk: Path) -> None:
    out = succeed("train", "small.toml", "--export", "carried").out
    assert "labelled decisions" in out
    # Over there it is `python -m helios_nautilus.models`, without the engine: see test_standalone.py.
    assert train_arrays(["train", "carried", "brought"]) == 0
    assert Path("brought/model.safetensors").read_bytes() == Path("model/model.safetensors").read_bytes()
    shutil.rmtree("model")
    Path("brought").rename("model")
    assert "model is up to date" in succeed("train", "small.toml").out
