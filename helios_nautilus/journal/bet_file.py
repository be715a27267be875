"""The bets under way in a file, and the newest records of what they did: what a node picks up after a kill."""

from collections import deque
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from typing import Final

from msgspec import Struct

from helios_nautilus.domain.kept_bets import KeptBet
from helios_nautilus.errors import HeliosError
from helios_nautilus.journal.bet_store import MoneyRecord, Pending
from helios_nautilus.journal.state_file import StateFile

NEWEST: Final = 64
"""Records of a run that are kept: many more than there can be in the moment that a row takes to the disk."""


class _Content(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    bets: tuple[KeptBet, ...]
    pending: tuple[Pending, ...]


class BetFile:
    """Keeps what a run gives it, see `StateFile`, and what earlier runs left until somebody calls `settle`.

    A file that cannot be read costs the bets' plans, not the positions: those come back from the venue and get a
    guard of their own. It is kept aside, and ``on_trouble`` hears of it.
    """

    def __init__(self, path: Path, run_id: str, on_trouble: Callable[[str], None]) -> None:
        self._file = StateFile(path, _Content)
        self._run_id = run_id
        self._on_trouble = on_trouble
        self._is_lost = False
        self._earlier: tuple[Pending, ...] | None = None
        self._own: deque[Pending] = deque(maxlen=NEWEST)

    def load(self) -> tuple[KeptBet, ...]:
        """The bets saved last; none if there is no file, or none that can be read."""
        content = self._read()
        if self._earlier is None:
            self._earlier = tuple(each for each in content.pending if each.run_id != self._run_id)
        return content.bets

    def may_be_open(self) -> bool:
        """Whether a bet that was saved is not closed; yes as well if nobody can read what was."""
        return any(not bet.is_closed for bet in self.load()) or self._is_lost

    def left(self) -> tuple[Pending, ...]:
        """The newest records of earlier runs: their journals may lack some of them."""
        if self._earlier is None:
            self.load()
        return self._earlier or ()

    def settle(self) -> None:
        """The journals have all that is `left`; it is kept no longer."""
        self._earlier = ()

    def save(self, bets: Iterable[KeptBet], record: MoneyRecord | None = None) -> None:
        """See `BetStore`, and `StateFile.save`."""
        if record is not None:
            self._own.append(Pending(run_id=self._run_id, record=record))
        self._file.save(_Content(bets=tuple(bets), pending=(*self.left(), *self._own)))

    def _read(self) -> _Content:
        nothing = _Content(bets=(), pending=())
        try:
            return self._file.load() or nothing
        except HeliosError as error:
            self._is_lost = True
            self._on_trouble(f"{error}; {self._put_aside()}")
            return nothing

    def _put_aside(self) -> str:
        path = self._file.path
        names = (path.with_name(f"{path.name}.unreadable-{number}") for number in count(1))
        aside = next(name for name in names if not name.exists())
        try:
            path.rename(aside)
        except OSError as error:
            return f"nor be put aside ({error})"
        return f"it is kept as {aside.name}"
