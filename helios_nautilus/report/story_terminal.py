"""A story in a terminal: one block a tier, labels on the left, words on the right."""

from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from helios_nautilus.report.numerals import wrap
from helios_nautilus.report.story import Story
from helios_nautilus.report.story_parts import Chapter, Fact, Sheet

_STYLES: Final = {"gain": "green", "loss": "red", "": ""}
_INDENT: Final = 3
_LABEL_WIDTH: Final = 13
_GAP: Final = 2
_NARROWEST: Final = 20


def print_story(story: Story, console: Console) -> None:
    """Print a story, at the console's width."""
    run = story.run
    data = "SYNTHETIC DATA, " if run.is_synthetic else ""
    console.print(Text(story.decision_id, style="bold"))
    console.print(Text(wrap(story.headline, console.width)))
    where = f"{run.strategy} · {run.mode.upper()} · {data}{run.data_label} · run {run.run_id} · times in UTC"
    console.print(Text(wrap(where, console.width), style="dim"))
    for number, chapter in enumerate(story.chapters, start=1):
        console.print()
        _print_chapter(number, chapter, console)
    for words in story.also:
        console.print(Text(wrap(words, console.width), style="yellow"))


def _print_chapter(number: int, chapter: Chapter, console: Console) -> None:
    title = Text(f"{number:>2} ", style="dim")
    title.append(chapter.title, style="bold")
    title.append(f": {chapter.summary}", style=_STYLES[chapter.tone])
    title.append(f"  {chapter.clock}", style="dim")
    console.print(title)
    if chapter.facts:
        console.print(Padding(_facts(chapter.facts, console.width), (0, 0, 0, _INDENT)))
    if chapter.sheet is not None:
        console.print(Padding(_sheet(chapter.sheet), (0, 0, 0, _INDENT)))


def _facts(facts: tuple[Fact, ...], width: int) -> Table:
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    grid.add_column(width=_LABEL_WIDTH, no_wrap=True, style="dim")
    grid.add_column(no_wrap=True)
    left = max(width - _INDENT - _LABEL_WIDTH - 2 * _GAP, _NARROWEST)
    for fact in facts:
        grid.add_row(Text(fact.label), Text(wrap(fact.words, left)))
    return grid


def _sheet(sheet: Sheet) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, _GAP, 0, 0))
    for name in sheet.header:
        table.add_column(name, no_wrap=name != sheet.header[-1])
    for row in sheet.rows:
        table.add_row(*map(Text, row), style="red" if row[0] == "FAILED" else "")
    return table
