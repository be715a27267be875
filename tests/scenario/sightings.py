"""Where something that happened can be seen: in the journal, on the dashboard, in the metrics and in an alert.

Of the dashboard both what its API answers and what its pages show in a browser."""

from collections.abc import Callable, Iterator
from typing import Final

from helios_nautilus.domain.portfolio.kill_switch import Trigger
from helios_nautilus.journal.records import CheckResult, GuardianRecord, KillSwitchRecord, Record
from tests.integration.dashboard_pages.stage import Visit
from tests.scenario.house import House, Node, eventually
from tests.venue.commands import of

PLACES: Final = ("journal", "api", "page", "metrics", "alert")
_SHOWN: Final = 100
"""Characters of a row's words."""


class Sightings:
    """A table of what was seen where; to look for something waits for it in the journal, then in each other place."""

    def __init__(self, house: House, visit: Visit) -> None:
        self._house = house
        self._visit = visit
        self._rows: dict[str, dict[str, str]] = {}

    def look_for_check(self, node: Node, name: str) -> None:
        """A check of Guardian's that an entry has not passed."""
        decision_id, check = eventually(lambda: next(_failures(node.records(), name), None))
        self._note(
            name,
            check.words,
            api=lambda: self._is_told_as_rejected(decision_id, check.words),
            page=lambda: self._is_shown(f"/decisions/{decision_id}", check.words),
            metrics=lambda: self._house.metric(f'helios_guardian_checks_total{{check="{name}",result="failed"}}'),
            alert=lambda: any(name in _failed_of(each["subject"]) for each in self._alerts("guardian_rejection")),
        )

    def look_for_move(self, node: Node, trigger: Trigger, state: str, way: str = "", *, count: int = 1) -> None:
        """A move of the kill switch, the ``count``-th of this run that this trigger made to this state."""
        record = eventually(lambda: next(_moves(node.records(), trigger, state, count), None))
        sample = f'helios_kill_switch_moves_total{{state="{state}",trigger="{trigger}"}}'
        self._note(
            f"{trigger} {way}".strip(),
            record.words,
            api=lambda: self._is_told_as_event(record),
            page=lambda: self._is_shown("/events", record.words),
            metrics=lambda: self._house.metric(sample) >= count,
            alert=lambda: any(each["words"] == record.words for each in self._alerts(state.lower())),
        )

    @property
    def names(self) -> set[str]:
        """What was seen everywhere."""
        return {name for name, row in self._rows.items() if set(row) >= set(PLACES)}

    def table(self) -> str:
        """The rows, and the words of each in the journal."""
        lines = [f"{'':27}{''.join(f'{place:11}' for place in PLACES)}"]
        for name, row in self._rows.items():
            where = "".join(f"{row.get(place, '-'):11}" for place in PLACES)
            lines.append(f"{name:27}{where}{row['words'][:_SHOWN]}")
        return "\n".join(lines)

    def _note(self, name: str, words: str, **places: Callable[[], object]) -> None:
        row = self._rows[name] = {"words": words, "journal": "seen"}
        for place, is_seen in places.items():
            try:
                eventually(is_seen)
            except AssertionError as error:
                raise AssertionError(f"{name} ({words}) is not to be seen: {place}") from error
            row[place] = "seen"

    def _is_told_as_rejected(self, decision_id: str, words: str) -> bool:
        found = self._house.get("decisions?outcome=rejected-by-guardian&count=500") or []
        return any(each["decision_id"] == decision_id and words in each["guardian"] for each in found)

    def _is_told_as_event(self, record: KillSwitchRecord) -> bool:
        found = self._house.get("events?count=500") or []
        return any((each["kind"], each["ts_ns"]) == ("kill_switch", record.ts_ns) for each in found)

    def _is_shown(self, path: str, words: str) -> bool:
        if not self._visit.page.url.endswith(path):
            self._visit.open(path)
        return words in self._visit.page.locator("#content").inner_text()

    def _alerts(self, kind: str) -> list[dict[str, str]]:
        return [each for each in self._house.receiver.messages() if each["kind"] == kind and not each["is_over"]]


def failed_checks(found: list[Record]) -> set[str]:
    """Names of the checks that some entry has not passed."""
    return {check.name for record in of(GuardianRecord, found) for check in record.checks if not check.passed}


def _failures(found: list[Record], name: str) -> Iterator[tuple[str, CheckResult]]:
    for record in of(GuardianRecord, found):
        yield from ((record.decision_id, check) for check in record.checks if check.name == name and not check.passed)


def _moves(found: list[Record], trigger: Trigger, state: str, count: int) -> Iterator[KillSwitchRecord]:
    moves = [each for each in of(KillSwitchRecord, found) if (each.trigger, each.state) == (trigger, state)]
    yield from moves[count - 1 : count]


def _failed_of(subject: str) -> list[str]:
    """The checks that an alert's subject names, after its instrument."""
    return subject.partition(" ")[2].split(", ")
