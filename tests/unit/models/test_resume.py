"""A training that is broken off and goes on: the same steps, the same weights, or a clear word why not."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from helios_nautilus.domain.labels import Label
from helios_nautilus.models import resume
from helios_nautilus.models.dataset import Arrays, SplitConfig, split_by_share
from helios_nautilus.models.resume import Checkpoints, Snapshot, optimiser_tensors, restore_optimiser
from helios_nautilus.models.train import Fitted, TrainConfig, fit_network
from tests.unit.models.synthetic import QUICK, TINY, make_arrays
from tests.unit.models.watching import Notes

NETWORK = msgspec.structs.replace(TINY, dropout=0.2)
CONFIG = msgspec.structs.replace(QUICK, epochs=3, batch_size=6, piece_blocks=8, chunk_blocks=4)
SAVES_PER_EPOCH = 5
"""After each of four batches, and at the end."""

KILLED = """
import os, signal, sys
from pathlib import Path
from helios_nautilus.models.threads import one_thread
from tests.unit.models.test_resume import StopsAfter, make_arrays, train

def die():
    os.kill(os.getpid(), signal.SIGKILL)

with one_thread():
    train(make_arrays(hours=30), StopsAfter(Path(sys.argv[1]), int(sys.argv[2]), die))
"""


class BrokenOff(Exception):
    pass


def break_off() -> None:
    raise BrokenOff


class StopsAfter(Checkpoints):
    """Checkpoints after every batch; something happens right after one of them."""

    def __init__(self, path: Path, saves: int, happens: Callable[[], None] = break_off) -> None:
        super().__init__(path, every_secs=0.0)
        self.left, self.happens = saves, happens

    def save(self, key: str, snapshot: Snapshot) -> None:
        super().save(key, snapshot)
        self.left -= 1
        if not self.left:
            self.happens()


def train(
    arrays: Arrays, checkpoints: Checkpoints | None = None, config: TrainConfig = CONFIG, notes: Notes | None = None
) -> Fitted:
    splits = split_by_share(arrays, SplitConfig(train=0.6, validation=0.2))
    return fit_network(arrays, splits, NETWORK, config, checkpoints=checkpoints, watcher=notes)


def broken_off(arrays: Arrays, path: Path, saves: int, config: TrainConfig = CONFIG) -> None:
    with pytest.raises(BrokenOff):
        train(arrays, StopsAfter(path, saves), config)


def assert_same(one: Fitted, other: Fitted) -> None:
    for a, b in zip(one.log, other.log, strict=True):
        assert (a.epoch, a.train_loss, a.validation_loss) == (b.epoch, b.train_loss, b.validation_loss)
    for left, right in zip(one.network.parameters(), other.network.parameters(), strict=True):
        assert torch.equal(left, right)


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    return make_arrays(hours=30)


@pytest.fixture(scope="module")
def whole(arrays: Arrays) -> Fitted:
    return train(arrays)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "models" / ".net.training"


def test_writing_checkpoints_changes_nothing(arrays, whole, path):
    class Counted(StopsAfter):
        pass

    checkpoints = Counted(path, -1)
    assert_same(train(arrays, checkpoints), whole)
    assert -1 - checkpoints.left == CONFIG.epochs * SAVES_PER_EPOCH


@pytest.mark.parametrize("saves", [1, 4, 5, 8, 15])
def test_broken_off_anywhere_it_ends_with_the_same_curve_and_weights(arrays, whole, path, saves):
    broken_off(arrays, path, saves)
    assert_same(train(arrays, Checkpoints(path)), whole)


def test_broken_off_twice_it_ends_with_the_same_weights(arrays, whole, path):
    broken_off(arrays, path, 2)
    broken_off(arrays, path, 6)
    assert_same(train(arrays, Checkpoints(path)), whole)


def test_killed_at_a_checkpoint_it_goes_on_and_ends_with_the_same_weights(arrays, whole, path):
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), "7"], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    notes = Notes()
    assert_same(train(arrays, Checkpoints(path), notes=notes), whole)
    assert notes.words == ["going on after epoch 1 and 2 batches of the next"]


def test_killed_while_it_writes_a_checkpoint_the_one_before_is_left(arrays, whole, path, monkeypatch):
    broken_off(arrays, path, 3)
    before = path.read_bytes()

    def write_half(tensors, draft, metadata):
        save_file(tensors, draft, metadata=metadata)
        draft.write_bytes(draft.read_bytes()[:1000])
        raise BrokenOff

    with monkeypatch.context() as patch:
        patch.setattr(resume, "save_file", write_half)
        broken_off(arrays, path, 1)
    assert path.read_bytes() == before
    assert_same(train(arrays, Checkpoints(path)), whole)


def test_training_that_was_over_takes_no_further_step(arrays, whole, path):
    train(arrays, Checkpoints(path))
    notes = Notes()
    assert_same(train(arrays, Checkpoints(path), notes=notes), whole)
    assert notes.paces == []


def test_early_stopping_counts_the_epochs_before_the_break(path):
    arrays = make_arrays(hours=30, signal=0.0)
    config = msgspec.structs.replace(CONFIG, epochs=30, patience=2, learning_rate=0.05)
    whole = train(arrays, config=config)
    assert len(whole.log) < 31
    broken_off(arrays, path, SAVES_PER_EPOCH * (len(whole.log) - 2) + 1, config)
    assert_same(train(arrays, Checkpoints(path), config), whole)


def other_labels(arrays: Arrays) -> Arrays:
    label = arrays.label.copy()
    label[5] = Label.HOLD
    return msgspec.structs.replace(arrays, label=label)


def other_features(arrays: Arrays) -> Arrays:
    series = msgspec.structs.replace(arrays.series[0], x=arrays.series[0].x + np.float32(0.01))
    return msgspec.structs.replace(arrays, series=(series, *arrays.series[1:]))


@pytest.mark.parametrize(
    ("changed", "config"),
    [
        (None, msgspec.structs.replace(CONFIG, learning_rate=0.01)),
        (None, msgspec.structs.replace(CONFIG, seed=1)),
        (other_labels, CONFIG),
        (other_features, CONFIG),
    ],
    ids=["settings", "seed", "labels", "features"],
)
def test_checkpoint_of_another_training_is_left_aside_with_a_word(arrays, path, changed, config):
    broken_off(arrays, path, 3)
    others = changed(arrays) if changed else arrays
    notes = Notes()
    assert_same(train(others, Checkpoints(path), config, notes), train(others, config=config))
    (line,) = notes.words
    assert "is of other settings, other arrays or another device; training starts over" in line


@pytest.mark.parametrize("damage", [lambda data: data[:-1000], lambda data: b"", lambda data: b"\x80\x04" + data[2:]])
def test_damaged_checkpoint_is_left_aside_with_a_word(arrays, whole, path, damage):
    broken_off(arrays, path, 3)
    path.write_bytes(damage(path.read_bytes()))
    notes = Notes()
    assert_same(train(arrays, Checkpoints(path), notes=notes), whole)
    (line,) = notes.words
    assert "cannot be read" in line
    assert line.endswith("training starts over")


def test_file_that_only_is_in_the_same_format_is_left_aside(path):
    path.parent.mkdir()
    save_file({"weights.a": torch.zeros(2)}, path)
    with pytest.raises(resume.ModelError, match="cannot be read"):
        Checkpoints(path).load("key")


def test_checkpoint_is_due_once_its_time_has_passed(path):
    now = [100.0]
    checkpoints = Checkpoints(path, every_secs=60.0, clock=lambda: now[0])
    now[0] = 159.0
    assert not checkpoints.is_due()
    now[0] = 160.0
    assert checkpoints.is_due()


def test_optimiser_goes_on_where_another_left_off():
    def steps(net: nn.Linear, optimiser: torch.optim.Optimizer, count: int) -> None:
        for _ in range(count):
            optimiser.zero_grad()
            net(torch.ones(1, 3)).square().sum().backward()
            optimiser.step()

    torch.manual_seed(0)
    net = nn.Linear(3, 2)
    optimiser = torch.optim.AdamW(net.parameters(), fused=True)
    steps(net, optimiser, 3)
    twin = nn.Linear(3, 2)
    twin.load_state_dict(net.state_dict())
    other = torch.optim.AdamW(twin.parameters(), fused=True)
    restore_optimiser(other, {name: each.clone() for name, each in optimiser_tensors(optimiser).items()})
    steps(net, optimiser, 3)
    steps(twin, other, 3)
    assert torch.equal(net.weight, twin.weight)
