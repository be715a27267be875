"""The journal of the run before gets what a kill kept from it, as soon as the database has all the rest of it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.bet_file import BetFile
from helios_nautilus.journal.bet_store import Pending
from helios_nautilus.journal.completion import complete
from helios_nautilus.journal.connect import is_brought_over, open_journal
from helios_nautilus.journal.writer import LiveJournal
from helios_nautilus.node.startup import Tell

_LOOK_SECS: Final = 0.5


async def complete_later(bets: BetFile, journal: LiveJournal, now_ns: Callable[[], int], tell: Tell) -> None:
    """Wait for the database, however long it is away, and complete what earlier runs left; the node trades meanwhile.

    If the node ends before, or it fails, the next start does it.
    """
    pending = bets.left()
    if not pending:
        return
    while not can_complete(pending, journal):
        await asyncio.sleep(_LOOK_SECS)
    try:
        count = await asyncio.to_thread(_complete, pending, now_ns())
    except JournalError as error:
        tell("journal", f"the last records of the run before are looked for at the next start: {error}")
        return
    bets.settle()
    if count:
        tell("journal", f"{count} of the last records of runs that were killed came from the file of their bets")


def can_complete(pending: Sequence[Pending], journal: LiveJournal) -> bool:
    """The journal has all that the runs' own writers kept."""
    return journal.status().is_direct and is_brought_over({each.run_id for each in pending})


def _complete(pending: Sequence[Pending], now_ns: int) -> int:
    with open_journal() as journal:
        return complete(journal, pending, now_ns)
