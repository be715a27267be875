"""Fold results on disk, so that an evaluation that was interrupted goes on where it was.

A fold is a folder with its figures as JSON and its arrays as .npy files, written aside and moved in whole. It lies
under a key of everything that went into it, so that other settings or other data never meet it.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct

from helios_nautilus.models.contest import FoldResult
from helios_nautilus.models.dataset import Splits
from helios_nautilus.models.importance import Importance

_FIGURES: Final = "fold.json"
_ARRAYS: Final = ("decision", "instrument", "attention")


class _Figures(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a result that is not an array."""

    splits: Splits
    temperature: dict[str, float]
    network_weight: float
    train_rows: int
    validation_rows: int
    importance: tuple[Importance, ...]


def key_of(*ingredients: Any) -> str:
    """16 hexadecimal digits of settings, hashes and the like: whatever msgspec can write."""
    return hashlib.sha256(msgspec.json.encode(ingredients, order="sorted")).hexdigest()[:16]


class KeptFolds:
    """The folds of one evaluation, numbered from 0, in ``folder/key``."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder / key

    def load(self, number: int) -> FoldResult | None:
        """A fold that was kept; None where there is none, or none that can be read: it is then made anew."""
        folder = self._folder / f"fold-{number}"
        try:
            figures = msgspec.json.decode((folder / _FIGURES).read_bytes(), type=_Figures)
            raw = {name: _read(folder / f"raw_{name}.npy") for name in figures.temperature}
            arrays = {name: _read(folder / f"{name}.npy") for name in _ARRAYS}
        except (OSError, ValueError, msgspec.DecodeError):
            return None
        return FoldResult(raw=raw, **arrays, **msgspec.structs.asdict(figures))

    def save(self, number: int, result: FoldResult) -> None:
        """Keep a fold; one of that number is replaced."""
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".fold-{number}-", dir=self._folder))
        try:
            for name in _ARRAYS:
                np.save(draft / f"{name}.npy", getattr(result, name))
            for name, log_p in result.raw.items():
                np.save(draft / f"raw_{name}.npy", log_p)
            figures = _Figures(**{name: getattr(result, name) for name in _Figures.__struct_fields__})
            (draft / _FIGURES).write_bytes(msgspec.json.encode(figures))
            target = self._folder / f"fold-{number}"
            shutil.rmtree(target, ignore_errors=True)
            draft.rename(target)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise


def _read(path: Path) -> Any:
    return np.load(path, allow_pickle=False)
