"""All lives together: what their journal, their logs and the exchange's ledger say of each other."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.completion import COMPLETED
from helios_nautilus.journal.connect import home_folder, open_journal
from helios_nautilus.journal.records import EventRecord
from tests.kill_matrix.verdict import Use, mistakes_of_journal, mistakes_of_orders, uses_of
from tests.soak.stops import Heard
from tests.soak.verdict import Ledger

_MISHAPS: Final = re.compile(r"Traceback \(most|panicked at")
_COUNTED: Final = ("recovered", "gone", "adopted", "stray_cancelled", "not_flat", COMPLETED)


class Reckoning(NamedTuple):
    """What there was, and what is wrong with it."""

    counts: dict[str, int]
    mistakes: list[str]


def reckon(run_ids: Iterable[str], outputs: Iterable[Path], kept: Mapping[str, Use], ledger: Ledger) -> Reckoning:
    """Judge lives by their ids and outputs; ``kept`` is what orders were for that the store knew at a kill.

    The journal is in HELIOS_HOME.
    """
    stories, mistakes = dict[str, list[Heard]](), list[str]()
    with open_journal() as journal:
        for run_id in run_ids:
            try:
                journal.verify(run_id)
            except JournalError as error:
                mistakes.append(f"journal: {error}")
            stories[run_id] = [Heard(row.ts_recorded, row.record()) for row in journal.rows(run_id)]
    uses = {**kept, **uses_of(list(stories.values()))}
    mistakes += mistakes_of_orders(ledger, uses) + mistakes_of_journal(stories, ledger)
    mistakes += _mishaps((*outputs, *(home_folder() / "logs").iterdir()))
    return Reckoning(_counts(stories, ledger), mistakes)


def _mishaps(texts: Iterable[Path]) -> Iterator[str]:
    for path in texts:
        if found := _MISHAPS.search(path.read_text(errors="replace")):
            yield f"{path.name}: {found.group()}"


def _counts(stories: Mapping[str, Sequence[Heard]], ledger: Ledger) -> dict[str, int]:
    records = [heard.record for story in stories.values() for heard in story]
    events = Counter(each.kind for each in records if isinstance(each, EventRecord))
    return {
        "lives": len(stories),
        "orders": sum(row.account_id == ledger.account_id for row in ledger.dump.orders),
        "fills": sum(fill.account_id == ledger.account_id for fill in ledger.dump.fills),
        "rows": len(records),
        **{f"events '{kind}'": events[kind] for kind in _COUNTED},
    }
