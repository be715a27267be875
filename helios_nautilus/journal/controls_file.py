"""An operator's switches in a file: what was switched off stays off after a restart."""

from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from helios_nautilus.disk import replace_file

type Switchable = Literal["prediction", "aether", "gate"]
"""Guardian is not: it is what bounds a loss."""


class Controls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All switches, and in a sentence how they came to stand so."""

    entries_on: bool = True
    off: frozenset[Switchable] = frozenset()
    words: str = ""


class ControlsFile:
    """Keeps `Controls` as JSON at ``path``; the folder must exist, and modes must not share a path."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Controls:
        """The switches saved last; all on if there is no file, entries off if there is one that cannot be read."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Controls)
        except FileNotFoundError:
            return Controls()
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            words = f"{self._path} cannot be read ({error}); entries are off until they are switched on again"
            return Controls(entries_on=False, words=words)

    def save(self, controls: Controls) -> None:
        """Replace the file in one step, on the disk before this returns; `OSError` leaves the old one."""
        content = msgspec.json.encode(controls, order="deterministic")
        replace_file(self._path, msgspec.json.format(content) + b"\n")
