"""Where the bets under way outlive the process, and beside them what a kill may keep from the journal."""

from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from helios_nautilus.domain.kept_bets import KeptBet
from helios_nautilus.journal.records import FillRecord, PositionRecord

type MoneyRecord = FillRecord | PositionRecord
"""Records of what changed the account: none of them may be lost."""


class Pending(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record that was on its way to the journal of a run; nobody knows whether it arrived."""

    run_id: str
    record: MoneyRecord


class BetStore(Protocol):
    """Keeps bets through a kill. A record of theirs is kept before the journal gets it, so no kill can lose it."""

    def load(self) -> tuple[KeptBet, ...]:
        """The bets saved last; none if there never were any or they cannot be read. Never raises."""
        ...

    def save(self, bets: Iterable[KeptBet], record: MoneyRecord | None = None) -> None:
        """Keep these in the place of all before, and a record that goes to the journal next.

        Raises `OSError` if it cannot.
        """
        ...


class MemoryBetStore:
    """Keeps them as long as the process lives."""

    def __init__(self) -> None:
        self._bets: tuple[KeptBet, ...] = ()
        self.records: list[MoneyRecord] = []
        """All that were ever given."""

    def load(self) -> tuple[KeptBet, ...]:
        """The bets saved last."""
        return self._bets

    def save(self, bets: Iterable[KeptBet], record: MoneyRecord | None = None) -> None:
        """Remember these instead."""
        self._bets = tuple(bets)
        if record is not None:
            self.records.append(record)
