"""From what a user types to what is meant: a run by the beginning of its id, a decision by any of its names."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.protocol import Found, JournalReader, StoredRun
from helios_nautilus.journal.tables import unknown_run

_NAMED: Final = 5


class Match(Struct, frozen=True, kw_only=True):
    """The decision that a name means, and the others that it is the name of as well."""

    found: Found
    others: tuple[Found, ...]


def match_run(runs: Sequence[StoredRun], prefix: str) -> StoredRun:
    """The run whose id is or alone begins so; `JournalError` where there is none, or several."""
    exact = next((run for run in runs if run.run_id == prefix), None)
    if exact is not None:
        return exact
    matching = [run for run in runs if run.run_id.startswith(prefix)]
    if not matching:
        raise unknown_run(prefix)
    if len(matching) > 1:
        raise JournalError(f"several runs begin with {prefix}: {_list([run.run_id for run in matching])}")
    return matching[0]


def match_decision(journal: JournalReader, name: str, run_prefix: str | None = None) -> Match:
    """The decision that a decision, client order, position or trade id names, in the newest run that has it.

    Of several in one run it is the last. `JournalError` if the name, or the run, is not known.
    """
    run_id = None if run_prefix is None else match_run(journal.runs(), run_prefix).run_id
    found = journal.find(name, run_id)
    if not found:
        where = "any run" if run_id is None else f"run {run_id}"
        raise JournalError(
            f"no decision, order, position or trade {name} in {where}; 'helios journal decisions' lists what there is"
        )
    newest = [each for each in found if each.run_id == found[0].run_id][-1]
    return Match(found=newest, others=tuple(each for each in found if each != newest))


def describe_others(match: Match) -> list[str]:
    """Where else the name is found, in sentences for a reader."""
    own = [each.decision_id for each in match.others if each.run_id == match.found.run_id]
    runs = list(dict.fromkeys(each.run_id for each in match.others if each.run_id != match.found.run_id))
    words = []
    if own:
        words.append(f"In this run the name also belongs to {_list(own)}.")
    if runs:
        words.append(f"Also in {_list(runs)}: this is the newest run; choose another with --run.")
    return words


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
