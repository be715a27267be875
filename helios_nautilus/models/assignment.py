"""What to train on given arrays: a size, a split and the settings, as a file that can travel with them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from helios_nautilus.errors import ConfigError
from helios_nautilus.models.dataset import Arrays, SplitConfig, save_arrays
from helios_nautilus.models.network import PRESETS
from helios_nautilus.models.train_config import TrainConfig

_FILE: Final = "training.json"


class Assignment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that a training needs beside the arrays. The fields are those of a run's configuration."""

    preset: str = "helios-nano"
    split: SplitConfig = SplitConfig()
    optimiser: TrainConfig = TrainConfig()

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise ConfigError(f"preset {self.preset} is none of {', '.join(PRESETS)}")

    def changed(self, settings: Iterable[str]) -> "Assignment":
        """The same with some fields set otherwise, each written like ``optimiser.epochs=3``; or `ConfigError`."""
        fields = msgspec.to_builtins(self)
        for setting in settings:
            path, is_set, text = setting.partition("=")
            if not is_set:
                raise ConfigError(f"'{setting}' sets nothing; write it like optimiser.epochs=3")
            _set(fields, path.split("."), text)
        return _decode(fields, "settings")


def save_assignment(assignment: Assignment, arrays: Arrays, folder: Path) -> None:
    """Write arrays and what to train on them, for ``python -m helios_nautilus.models train``."""
    save_arrays(arrays, folder)
    (folder / _FILE).write_bytes(msgspec.json.format(msgspec.json.encode(assignment)))


def load_assignment(folder: Path) -> Assignment:
    """What lies with the arrays in a folder, or the defaults; `ConfigError` if it cannot be read."""
    path = folder / _FILE
    if not path.exists():
        return Assignment()
    try:
        return _decode(msgspec.json.decode(path.read_bytes()), str(path))
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error


def _set(fields: dict[str, Any], path: list[str], text: str) -> None:
    for name in path[:-1]:
        inner = fields.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{'.'.join(path)} leads nowhere: {name} is a value")
        fields = inner
    try:
        fields[path[-1]] = msgspec.json.decode(text)
    except msgspec.DecodeError:
        fields[path[-1]] = text


def _decode(fields: Any, where: str) -> Assignment:
    try:
        return msgspec.convert(fields, Assignment)
    except (msgspec.ValidationError, ConfigError) as error:
        raise ConfigError(f"{where}: {error}") from error
