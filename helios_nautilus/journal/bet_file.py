"""The bets under way in a file: what a node picks up after a kill."""

from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path

import msgspec

from helios_nautilus.disk import replace_file
from helios_nautilus.domain.kept_bets import KeptBet


class BetFile:
    """Keeps the bets as JSON at ``path``; the folder must exist, and modes must not share a path.

    A file that cannot be read costs the bets' plans, not the positions: those come back from the venue and get a
    guard of their own. It is kept aside, and ``on_trouble`` hears of it.
    """

    def __init__(self, path: Path, on_trouble: Callable[[str], None]) -> None:
        self._path = path
        self._on_trouble = on_trouble

    def load(self) -> tuple[KeptBet, ...]:
        """The bets saved last; none if there is no file, or none that can be read."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=tuple[KeptBet, ...])
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            self._on_trouble(f"{self._path} cannot be read ({error}); {self._put_aside()}")
            return ()

    def save(self, bets: Iterable[KeptBet]) -> None:
        """Replace the file in one step, on the disk before this returns; `OSError` leaves the old one."""
        replace_file(self._path, msgspec.json.encode(tuple(bets)) + b"\n")

    def _put_aside(self) -> str:
        names = (self._path.with_name(f"{self._path.name}.unreadable-{number}") for number in count(1))
        aside = next(name for name in names if not name.exists())
        try:
            self._path.rename(aside)
        except OSError as error:
            return f"nor be put aside ({error})"
        return f"it is kept as {aside.name}"
