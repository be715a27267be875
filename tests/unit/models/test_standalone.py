"""Training on a machine that knows no engine: a command over saved arrays, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import torch

from helios_nautilus.errors import ConfigError
from helios_nautilus.models.__main__ import main
from helios_nautilus.models.assignment import Assignment, load_assignment, save_assignment
from helios_nautilus.models.checkpoint import load_model
from helios_nautilus.models.dataset import SplitConfig, split_by_share
from helios_nautilus.models.network import PRESETS
from helios_nautilus.models.recipe import train_model
from helios_nautilus.models.resume import Checkpoints, checkpoint_path
from tests.unit.models.synthetic import QUICK, make_arrays

ASSIGNMENT = Assignment(
    split=SplitConfig(train=0.6, validation=0.2), optimiser=msgspec.structs.replace(QUICK, epochs=1, piece_blocks=16)
)
BARE = """
import runpy, sys
from importlib.abc import MetaPathFinder

class Wall(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("nautilus_trader", "pyarrow", "rich", "click"):
            raise ImportError(f"{name} is not installed on this machine")

sys.meta_path.insert(0, Wall())
runpy.run_module("helios_nautilus.models", run_name="__main__", alter_sys=True)
"""


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-c", BARE, *map(str, arguments)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False, env=environment)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    save_assignment(ASSIGNMENT, make_arrays(hours=40), folder)
    return folder


def test_arrays_are_trained_on_without_the_engine_to_the_same_weights(exported, tmp_path):
    done = run("train", exported, tmp_path / "model")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "epoch  1" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    arrays = make_arrays(hours=40)
    here = train_model(
        arrays,
        split_by_share(arrays, ASSIGNMENT.split),
        PRESETS["helios-nano"],
        ASSIGNMENT.optimiser,
        created_ns=0,
    )
    there = load_model(tmp_path / "model")
    assert there.card.training == msgspec.to_builtins(ASSIGNMENT.optimiser)
    for one, two in zip(here.network.parameters(), there.network.parameters(), strict=True):
        assert torch.equal(one, two)


def test_training_that_was_interrupted_goes_on_with_the_same_command(exported, tmp_path, capsys, monkeypatch):
    """That one survives SIGKILL as well is in test_resume.py and, with `helios train`, among the acceptance tests."""
    settings = ("--set", "optimiser.epochs=2", "--set", "optimiser.batch_size=2", "--checkpoint-mins", "0")
    given = ["train", str(exported), str(tmp_path / "model"), *settings]
    save = Checkpoints.save

    def save_and_stop(checkpoints, key, snapshot):
        save(checkpoints, key, snapshot)
        if snapshot.place.epoch and snapshot.place.batch:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", save_and_stop)
        assert main(given) == 1
    words = "helios: interrupted; the same command goes on from the last checkpoint\n"
    assert capsys.readouterr().err == words
    assert checkpoint_path(tmp_path / "model").exists()
    assert main(given) == 0
    assert capsys.readouterr().out.startswith("going on after epoch 1 and 1 batches of the next")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--preset", "helios-7"), "preset helios-7 is none of helios-nano, helios-small, helios-40m"),
        (("--set", "optimiser.epochs=0"), "epochs"),
        (("--set", "optimiser.epoch=3"), "unknown field `epoch`"),
    ],
)
def test_wrong_settings_are_one_line_and_a_failure(exported, tmp_path, capsys, arguments, words):
    assert main(["train", str(exported), str(tmp_path / "model"), *arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("helios: ")
    assert words in line


def test_model_that_is_there_is_not_trained_over(exported, tmp_path, capsys):
    assert main(["train", str(exported), str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "exists already" in err


def test_what_to_train_travels_with_the_arrays(exported, tmp_path):
    assert load_assignment(exported) == ASSIGNMENT
    assert load_assignment(tmp_path) == Assignment()


def test_settings_of_the_command_come_before_those_of_the_file():
    changed = ASSIGNMENT.changed(["preset=helios-40m", "optimiser.learning_rate=3e-4", "split.train=0.5"])
    assert (changed.preset, changed.optimiser.learning_rate, changed.split.train) == ("helios-40m", 3e-4, 0.5)
    assert changed.optimiser.batch_size == QUICK.batch_size


@pytest.mark.parametrize(
    ("setting", "words"),
    [("optimiser.epochs", "write it like"), ("preset.size=3", "leads nowhere"), ("optimiser.seed=x", "Expected `int`")],
)
def test_setting_that_means_nothing_is_refused(setting, words):
    with pytest.raises(ConfigError, match=words):
        ASSIGNMENT.changed([setting])


def test_damaged_settings_are_a_clear_error(tmp_path):
    (tmp_path / "training.json").write_text("{")
    with pytest.raises(ConfigError, match=r"training\.json"):
        load_assignment(tmp_path)
