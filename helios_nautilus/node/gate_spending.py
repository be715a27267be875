"""What the gate has spent before a start: the day's budget is the day's, however often a node is started in it."""

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.connect import open_journal
from helios_nautilus.journal.records import GateCallRecord, Mode
from helios_nautilus.llm.budget import Spent, count_spent
from helios_nautilus.node.startup import Tell


def spent_since(mode: Mode, since_ns: int, tell: Tell) -> Spent:
    """What a mode's runs have spent since a stamp, by the journal.

    Without a journal nobody knows; that is told, and the budget begins anew, for the gate's word is worth more than the
    day's dollars.
    """
    try:
        with open_journal() as journal:
            return count_spent(journal.records_since(mode, since_ns, GateCallRecord), since_ns)
    except JournalError as error:
        tell("gate", f"today's budget begins anew: what was spent of it cannot be known ({error})")
        return Spent()
