"""A pointer: which model serves some features and a plan, and which did before, in one small file.

The file keeps every change ever made: who made it, when, why, and what the gate had said (`models.promotion`). The
card of the model is pinned by its hash, and the card pins the weights, so what serves is what was promoted.
"""

import hashlib
import re
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from helios_nautilus.disk import replace_file
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.errors import ConfigError, ModelError

CHAMPION: Final = "champion"
"""The pointer that runs follow."""
_NAME: Final = re.compile(r"\w[\w.-]*")


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a pointer's history. Once written it stays."""

    action: Literal["promote", "roll_back"]
    model: str
    """Name of the model that is in charge from here on."""
    model_id: str
    card_sha256: str
    ts_ns: int
    who: str
    why: str
    objections: tuple[str, ...] = ()
    """What the gate had against it: promoted all the same, it was forced."""

    @property
    def is_forced(self) -> bool:
        """Somebody overruled the gate."""
        return bool(self.objections)


class Pointer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which model is in charge of a feature specification and an exit plan; ``history`` is never empty."""

    format: Literal[1] = 1
    name: str
    spec_hash: str
    plan: ExitPlan
    history: tuple[Change, ...]
    """Oldest first; the last one counts."""

    @property
    def current(self) -> Change:
        """The change that counts."""
        return self.history[-1]

    @property
    def file_name(self) -> str:
        """One file for each name, feature specification and plan."""
        return pointer_file_name(self.name, self.spec_hash, self.plan)

    def standing(self) -> tuple[Change, ...]:
        """The promotions that were not rolled back, oldest first; `ModelError` if the history is impossible."""
        stack: list[Change] = []
        for change in self.history:
            if change.action == "promote":
                stack.append(change)
            elif len(stack) < 2 or change.model != stack[-2].model:
                raise ModelError(f"the history of {self.file_name} rolls back to what was never in charge")
            else:
                stack.pop()
        return tuple(stack)

    def before(self) -> Change:
        """The promotion that a roll back returns to; `ModelError` if there is none."""
        standing = self.standing()
        if len(standing) < 2:
            raise ModelError(f"{self.current.model} is the first {self.name}: there is none before it to return to")
        return standing[-2]

    def followed_by(self, change: Change) -> "Pointer":
        """The pointer with one more change."""
        return msgspec.structs.replace(self, history=(*self.history, change))


def is_name(text: str) -> bool:
    """Whether a text can name a model's folder or a pointer."""
    return _NAME.fullmatch(text) is not None


def pointer_file_name(name: str, spec_hash: str, plan: ExitPlan) -> str:
    """Like ``champion-0123456789ab.json``; `ConfigError` for a name that names no file."""
    if not is_name(name):
        raise ConfigError(f"a pointer cannot be named '{name}': letters, digits, '_', '-' and '.' make up its file")
    scope = msgspec.json.encode((spec_hash, plan), order="sorted")
    return f"{name}-{hashlib.sha256(scope).hexdigest()[:12]}.json"


def read_pointer(path: Path) -> Pointer:
    """Read a pointer; `ModelError` if it is damaged, or no pointer of this version."""
    if path.is_symlink():
        raise ModelError(f"{path} is a link: a registry keeps its own pointers; copy it there")
    try:
        pointer = msgspec.json.decode(path.read_bytes(), type=Pointer)
        is_its_own = pointer.file_name == path.name
    except (OSError, UnicodeDecodeError, msgspec.DecodeError, ConfigError, RecursionError) as error:
        raise ModelError(f"{path} is no readable pointer: {error}") from error
    if not is_its_own or not pointer.history:
        raise ModelError(f"{path} is no readable pointer: it says nothing, or what another file should")
    pointer.standing()
    return pointer


def write_pointer(folder: Path, pointer: Pointer) -> None:
    """Replace a pointer in one step, on the disk before this returns; `OSError` leaves the old one."""
    replace_file(folder / pointer.file_name, msgspec.json.format(msgspec.json.encode(pointer)) + b"\n")
