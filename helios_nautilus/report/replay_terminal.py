"""A replay's findings in a terminal: the answer first, then who differs and why, then the first differences."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from helios_nautilus.journal.changes import Change
from helios_nautilus.journal.conditions import Conditions, describe_data
from helios_nautilus.journal.differences import Difference
from helios_nautilus.report import numerals
from helios_nautilus.report.numerals import wrap
from helios_nautilus.report.replay import Blame, ReplayReport

_SHOWN: Final = 5
_FIELDS_SHOWN: Final = 8
_INDENT: Final = "   "
_LONGEST_VALUE: Final = 60


def print_replay(report: ReplayReport, console: Console) -> None:
    """Print what a replay found, at the console's width."""
    style = "green" if report.is_identical else "red"
    console.print(Text(wrap(_answer(report), console.width), style=f"bold {style}"))
    for line in describe_conditions(report.conditions):
        console.print(Text(wrap(line, console.width, _INDENT)))
    for blame in report.blamed:
        console.print(Text(wrap(_blame(blame), console.width, _INDENT), style="yellow"))
    if report.is_identical:
        return
    console.print()
    console.print(_table(report))
    _print_causes(report, console)


def _answer(report: ReplayReport) -> str:
    found = report.comparison
    count = numerals.whole(found.decisions)
    if report.is_identical:
        return f"Identical: run {report.run_id} comes out the same in all of its {count} decisions."
    return (
        f"Different: {numerals.whole(found.decisions_differing)} of {count} decisions of run {report.run_id} come out "
        f"otherwise. {report.first_tier} is the first tier that differs."
    )


def describe_conditions(conditions: Conditions) -> Iterator[str]:
    """What a replay was made with that the first run was not, in lines for a reader."""
    for change in conditions.settings:
        before, after = (_value("default" if each is None else each) for each in (change.before, change.after))
        yield f"Changed setting: {change.field} {before} → {after}"
    for change in conditions.versions:
        yield f"Changed version: {change.field} {_value(change.before)} → {_value(change.after)}"
    if conditions.model is not None:
        yield f"Changed model: {conditions.model.before} → {conditions.model.after}"
    if conditions.data is not None:
        yield f"Changed data: {describe_data(conditions.data)}"


def _blame(blame: Blame) -> str:
    return f"{blame.tier} differs from equal inputs. Why: {'; '.join(blame.reasons)}."


def _table(report: ReplayReport) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("Tier")
    for name in ("Compared", "Equal", "Differs by itself", "Follows from another"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in report.comparison.tiers:
        if row.compared:
            figures = (row.compared, row.equal, row.causes, row.consequences)
            table.add_row(row.tier, *map(numerals.whole, figures), style="yellow" if row.causes else "")
    return table


def _print_causes(report: ReplayReport, console: Console) -> None:
    causes = [each for each in report.comparison.differences if each.is_cause]
    for difference in causes[:_SHOWN]:
        console.print()
        console.print(Text(_title(difference), style="bold"))
        for change in sorted(difference.changes, key=_is_prose)[:_FIELDS_SHOWN]:
            console.print(Text(wrap(_change(change), console.width, _INDENT)))
        if len(difference.changes) > _FIELDS_SHOWN:
            console.print(Text(f"{_INDENT}and {len(difference.changes) - _FIELDS_SHOWN} more fields", style="dim"))
    if len(causes) > _SHOWN:
        left = numerals.whole(len(causes) - _SHOWN)
        console.print(Text(f"\n{left} more differ by themselves; --json names them all.", style="dim"))


def _title(difference: Difference) -> str:
    what = difference.decision_id or difference.instrument_id or "the account"
    kind = {"changed": "", "missing": ": only the recorded run has it", "added": ": only the replay has it"}
    return f"{numerals.moment(difference.ts_ns)} {difference.tier}, {what}{kind[difference.kind]}"


def _is_prose(change: Change) -> bool:
    """Figures come first: a sentence only says them again."""
    return change.field.rpartition(".")[2] in ("words", "reasoning")


def _change(change: Change) -> str:
    if change.field == "ts_ns":
        return f"time: {_instant(change.before)} → {_instant(change.after)}"
    return f"{change.field.replace('_', ' ')}: {_value(change.before)} → {_value(change.after)}"


def _instant(ts_ns: int) -> str:
    """A stamp to the millisecond, UTC."""
    return str(np.datetime64(ts_ns, "ns").astype("datetime64[ms]")).replace("T", " ")


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.8g}"
    words = "none" if value is None else str(value)
    return words if len(words) <= _LONGEST_VALUE else f"{words[:_LONGEST_VALUE]}…"
