"""Checkpoints of a training under way: one file with all that it needs to go on as if nothing had happened.

They are written between batches. There no state of the network is carried over, and every batch draws its random
numbers from a seed of its own, so weights, the optimiser's moments and a place are all there is. The file is in
safetensors format with JSON in its header; it is written aside and moved in, so a kill leaves the one before.
"""

from pathlib import Path
from time import perf_counter
from typing import Any, Final

import msgspec
import torch
from msgspec import Struct
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from helios_nautilus.errors import ModelError
from helios_nautilus.models.checkpoint import EpochLog
from helios_nautilus.models.progress import Clock

type Tensors = dict[str, Tensor]

_HEADER: Final = "helios"
_FORMAT: Final = 1


class Place(Struct, frozen=True, kw_only=True):
    """How far a training has come."""

    epoch: int = 0
    """Epochs that are over."""
    batch: int = 0
    """Batches of the next one that are over."""
    pieces: int
    """How many pieces go side by side: fewer than set once memory has run out."""
    loss_sum: float = 0.0
    """Over the steps of the epoch under way."""
    steps: int = 0
    seconds: float = 0.0


class Snapshot(Struct, frozen=True, kw_only=True):
    """A training under way."""

    place: Place
    log: tuple[EpochLog, ...]
    weights: Tensors
    best: Tensors
    """The weights that validated best so far."""
    optimiser: Tensors
    """What the optimiser remembers: ``<number of the parameter>.<name>``."""


class _Header(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: int = _FORMAT
    key: str
    place: Place
    log: tuple[EpochLog, ...]


def checkpoint_path(model: Path) -> Path:
    """Where the training of a model that is to lie at ``model`` leaves its checkpoint: beside it, out of sight."""
    return model.with_name(f".{model.name}.training")


class Checkpoints:
    """The file that a training writes over as it goes: at the end of every epoch, and every ``every_secs`` within."""

    def __init__(self, path: Path, *, every_secs: float = 300.0, clock: Clock = perf_counter) -> None:
        self.path = path
        self._draft = path.with_name(f"{path.name}.draft")
        self._every_secs, self._clock = every_secs, clock
        self._saved = clock()

    def is_due(self) -> bool:
        """Whether the last one is old enough for the next."""
        return self._clock() - self._saved >= self._every_secs

    def save(self, key: str, snapshot: Snapshot) -> None:
        """Write a snapshot; ``key`` names everything that the training's outcome depends on."""
        header = _Header(key=key, place=snapshot.place, log=snapshot.log)
        tensors = {
            f"{part}.{name}": tensor.detach().cpu().contiguous()
            for part in ("weights", "best", "optimiser")
            for name, tensor in getattr(snapshot, part).items()
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            save_file(tensors, self._draft, metadata={_HEADER: msgspec.json.encode(header).decode()})
            self._draft.replace(self.path)
        finally:
            self._draft.unlink(missing_ok=True)
        self._saved = self._clock()

    def load(self, key: str) -> Snapshot | None:
        """What was written last, None if nothing was; `ModelError` if it is damaged or of another training."""
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                header = msgspec.json.decode((file.metadata() or {}).get(_HEADER, ""), type=_Header)
                parts: dict[str, Tensors] = {"weights": {}, "best": {}, "optimiser": {}}
                for full_name in file.keys() if header.key == key else ():
                    part, _, name = full_name.partition(".")
                    parts[part][name] = file.get_tensor(full_name)
        except (OSError, SafetensorError, msgspec.DecodeError, KeyError) as error:
            raise ModelError(f"the checkpoint {self.path} cannot be read ({error})") from error
        if header.format != _FORMAT or header.key != key:
            raise ModelError(f"the checkpoint {self.path} is of other settings, other arrays or another device")
        return Snapshot(place=header.place, log=header.log, **parts)

    def discard(self) -> None:
        """Remove the file: the training it belongs to is over and its model kept."""
        for path in (self.path, self._draft):
            path.unlink(missing_ok=True)


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> Tensors:
    """What an optimiser remembers, by names that `restore_optimiser` knows."""
    state = optimiser.state_dict()["state"]
    return {f"{number}.{name}": tensor for number, each in state.items() for name, tensor in each.items()}


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Tensors) -> None:
    """Give back to a new optimiser of the same parameters what an old one remembered."""
    state: dict[int, dict[str, Any]] = {}
    for full_name, tensor in tensors.items():
        number, _, name = full_name.partition(".")
        state.setdefault(int(number), {})[name] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
