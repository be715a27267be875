"""An operator's switches in a file: what was switched off stays off after a restart."""

from pathlib import Path
from typing import Literal

from msgspec import Struct

from helios_nautilus.errors import HeliosError
from helios_nautilus.journal.state_file import StateFile

type Switchable = Literal["prediction", "aether", "gate"]
"""Guardian is not: it is what bounds a loss."""


class Controls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All switches, and in a sentence how they came to stand so."""

    entries_on: bool = True
    off: frozenset[Switchable] = frozenset()
    words: str = ""


class ControlsFile:
    """Keeps `Controls`, see `StateFile`."""

    def __init__(self, path: Path) -> None:
        self._file = StateFile(path, Controls, is_sorted=True)

    def load(self) -> Controls:
        """The switches saved last; all on if there is no file, entries off if there is one that cannot be read."""
        try:
            return self._file.load() or Controls()
        except HeliosError as error:
            words = f"{error}; entries are off until they are switched on again"
            return Controls(entries_on=False, words=words)

    def save(self, controls: Controls) -> None:
        """See `StateFile.save`."""
        self._file.save(controls)
