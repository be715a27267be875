"""What must survive a restart, as JSON in a file: small, human-readable, and never half written."""

from pathlib import Path
from typing import Literal

import msgspec

from helios_nautilus.disk import replace_file
from helios_nautilus.errors import HeliosError


class StateFile[T]:
    """Keeps one ``kind`` at ``path``; the folder must exist, and modes must not share a path.

    Dictionaries keep their order. With ``is_sorted`` they and sets are sorted, so that equal values are equal files.
    """

    def __init__(self, path: Path, kind: type[T], *, is_sorted: bool = False) -> None:
        self.path = path
        self._kind = kind
        self._order: Literal["deterministic"] | None = "deterministic" if is_sorted else None

    def load(self) -> T | None:
        """What was saved last, None if there is no file; `HeliosError` says of one that it cannot be read, and why."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=self._kind)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, msgspec.MsgspecError, HeliosError) as error:
            raise HeliosError(f"{self.path} cannot be read ({error})") from error

    def save(self, value: T) -> None:
        """Replace the file in one step, on the disk before this returns; `OSError` leaves the old one."""
        content = msgspec.json.encode(value, order=self._order)
        replace_file(self.path, msgspec.json.format(content) + b"\n")
