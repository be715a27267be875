"""Models that are kept: a folder of model folders, and the pointers that say which of them is in charge.

A pointer belongs to one feature specification and one exit plan (`models.pointer`). Whether a model deserves to be in
charge is not asked here but at the gate, `models.promotion`.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.errors import ModelError
from helios_nautilus.models.checkpoint import Model, ModelCard, hash_card, load_card, load_model, save_model
from helios_nautilus.models.pointer import (
    CHAMPION,
    Change,
    Pointer,
    is_name,
    pointer_file_name,
    read_pointer,
    write_pointer,
)


class Finding(Struct, frozen=True, kw_only=True):
    """What `Registry.verify` says of a model or a pointer; ``trouble`` is None if all is well."""

    what: str
    trouble: str | None


class Registry:
    """The models in a folder. Reading never writes, writers take turns, and what is wrong is a `ModelError`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> tuple[str, ...]:
        """Names of the model folders, sound or not; none where there is no registry."""
        if not self.folder.is_dir():
            return ()
        return tuple(sorted(path.name for path in self.folder.iterdir() if path.is_dir() and is_name(path.name)))

    def folder_of(self, name: str) -> Path:
        """Where a model lies."""
        if name not in self.names():
            known = ", ".join(self.names()) or "none"
            raise ModelError(f"{self.folder} holds no model named {name}; there are: {known}")
        folder = self.folder / name
        if folder.is_symlink():
            raise ModelError(f"{folder} is a link: a registry holds its own models; copy it there")
        return folder

    def card(self, name: str) -> ModelCard:
        """The card of a model."""
        return load_card(self.folder_of(name))

    def add(self, model: Model, name: str) -> Path:
        """Keep a model under a name of its own, and return its folder."""
        if not is_name(name):
            raise ModelError(f"a model cannot be named '{name}': letters, digits, '_', '-' and '.' make up its folder")
        save_model(model, self.folder / name)
        return self.folder / name

    def pointers(self) -> tuple[Pointer, ...]:
        """All pointers."""
        return tuple(read_pointer(path) for path in self._pointer_paths())

    def champion(self, spec_hash: str, plan: ExitPlan, *, pointer: str = CHAMPION) -> Path:
        """Folder of the model in charge of some features and a plan, its card being the one that was promoted."""
        return self.follow(self.pointer(spec_hash, plan, pointer).current, pointer)

    def pointer(self, spec_hash: str, plan: ExitPlan, name: str = CHAMPION) -> Pointer:
        """The pointer of a name for some features and a plan, with its history."""
        path = self.folder / pointer_file_name(name, spec_hash, plan)
        if not path.exists():
            raise ModelError(
                f"{self.folder} has no {name} for features {spec_hash} and this exit plan; "
                "promote a model that was trained for them ('helios models promote')"
            )
        return read_pointer(path)

    def follow(self, change: Change, pointer: str) -> Path:
        """Folder of the model that a change put in charge, its card being the one that was promoted."""
        folder = self.folder_of(change.model)
        load_card(folder)
        if hash_card(folder) != change.card_sha256:
            raise ModelError(
                f"{folder} is not the model {change.model_id} that was made {pointer}: its card has changed since; "
                "promote it again or roll it back ('helios models')"
            )
        return folder

    def promote(
        self,
        name: str,
        *,
        ts_ns: int,
        who: str,
        why: str,
        objections: tuple[str, ...] = (),
        pointer: str = CHAMPION,
    ) -> Pointer:
        """Put a model in charge of its own features and plan, once all of it was read and found sound.

        ``objections`` is what the gate has against it, kept in the history.
        """
        folder = self.folder_of(name)
        model = load_model(folder)
        card = model.card
        change = Change(
            action="promote",
            model=name,
            model_id=model.model_id,
            card_sha256=hash_card(folder),
            ts_ns=ts_ns,
            who=who,
            why=why,
            objections=objections,
        )
        with self._turn():
            path = self.folder / pointer_file_name(pointer, card.spec_hash, card.plan)
            if path.exists():
                found = read_pointer(path).followed_by(change)
            else:
                found = Pointer(name=pointer, spec_hash=card.spec_hash, plan=card.plan, history=(change,))
            write_pointer(self.folder, found)
        return found

    def roll_back(self, name: str, *, ts_ns: int, who: str, why: str, pointer: str = CHAMPION) -> Pointer:
        """Withdraw the model in charge, sound or not: the one before it is in charge again."""
        with self._turn():
            found = next((each for each in self.pointers() if (each.name, each.current.model) == (pointer, name)), None)
            if found is None:
                raise ModelError(f"{name} is no {pointer} in {self.folder}: there is nothing to roll back")
            before = found.before()
            self.follow(before, pointer)
            found = found.followed_by(
                Change(
                    action="roll_back",
                    model=before.model,
                    model_id=before.model_id,
                    card_sha256=before.card_sha256,
                    ts_ns=ts_ns,
                    who=who,
                    why=why,
                )
            )
            write_pointer(self.folder, found)
        return found

    def verify(self) -> tuple[Finding, ...]:
        """Read every model whole, then follow every pointer."""
        found = [Finding(what=name, trouble=self._trouble_of_model(name)) for name in self.names()]
        found += [Finding(what=path.name, trouble=self._trouble_of_pointer(path)) for path in self._pointer_paths()]
        return tuple(found)

    def _trouble_of_model(self, name: str) -> str | None:
        try:
            load_model(self.folder_of(name))
        except ModelError as error:
            return str(error)
        return None

    def _trouble_of_pointer(self, path: Path) -> str | None:
        try:
            pointer = read_pointer(path)
            load_model(self.follow(pointer.current, pointer.name), pointer.spec_hash)
        except ModelError as error:
            return str(error)
        return None

    def _pointer_paths(self) -> list[Path]:
        return sorted(self.folder.glob("[!.]*.json")) if self.folder.is_dir() else []

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One writer at a time; a killed one holds up nobody."""
        try:
            handle = os.open(self.folder, os.O_RDONLY)
        except OSError as error:
            raise ModelError(f"there is no registry at {self.folder}: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
            os.fsync(handle)
        finally:
            os.close(handle)
