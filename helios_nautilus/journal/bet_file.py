"""The bets under way in a file: what a node picks up after a kill."""

from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path

from helios_nautilus.domain.kept_bets import KeptBet
from helios_nautilus.errors import HeliosError
from helios_nautilus.journal.state_file import StateFile


class BetFile:
    """Keeps the bets, see `StateFile`.

    A file that cannot be read costs the bets' plans, not the positions: those come back from the venue and get a
    guard of their own. It is kept aside, and ``on_trouble`` hears of it.
    """

    def __init__(self, path: Path, on_trouble: Callable[[str], None]) -> None:
        self._file = StateFile(path, tuple[KeptBet, ...])
        self._on_trouble = on_trouble

    def load(self) -> tuple[KeptBet, ...]:
        """The bets saved last; none if there is no file, or none that can be read."""
        try:
            return self._file.load() or ()
        except HeliosError as error:
            self._on_trouble(f"{error}; {self._put_aside()}")
            return ()

    def save(self, bets: Iterable[KeptBet]) -> None:
        """See `StateFile.save`."""
        self._file.save(tuple(bets))

    def _put_aside(self) -> str:
        path = self._file.path
        names = (path.with_name(f"{path.name}.unreadable-{number}") for number in count(1))
        aside = next(name for name in names if not name.exists())
        try:
            path.rename(aside)
        except OSError as error:
            return f"nor be put aside ({error})"
        return f"it is kept as {aside.name}"
