"""One decision told whole, as `helios why` tells it."""

import asyncio

from helios_nautilus.dashboard.pages.live import Facts, Figure, Words, panel, tag
from helios_nautilus.dashboard.pages.sheet import Cell, Column, Row, Sheet
from helios_nautilus.dashboard.view import View
from helios_nautilus.errors import JournalError
from helios_nautilus.report.story import Story
from helios_nautilus.report.story_parts import Chapter


async def build_story(view: View, name: str) -> None:
    """Build the page of the decision that a decision, order, position or trade id names."""
    try:
        story = await asyncio.to_thread(view.story, name)
    except JournalError as error:
        Words(str(error), tag="p", classes="answer alarm")
        return
    if story is None:
        Words("No such decision", tag="h1")
        Words(f"The journal has no decision, order, position or trade {name}.", tag="p", classes="muted")
    else:
        _tell(story)


def _tell(story: Story) -> None:
    run = story.run
    data = f"SYNTHETIC DATA, {run.data_label}" if run.is_synthetic else run.data_label
    with tag("div", "chapters"):
        with tag("header"):
            Words(story.decision_id, tag="h1")
            Words(story.headline, tag="p", classes="verdict")
        Words(f"{run.strategy} · {data} · run {run.run_id} · times in UTC", tag="p", classes="muted small")
        for number, chapter in enumerate(story.chapters, start=1):
            _build_chapter(number, chapter)
        for words in story.also:
            Words(words, tag="p", classes="warn")


def _build_chapter(number: int, chapter: Chapter) -> None:
    with panel(chapter.title, f"chapter-{number}") as header:
        with header:
            Words(chapter.summary, classes=chapter.tone)
            Words(chapter.clock, classes="aside right")
        if chapter.facts:
            Facts(f"facts-{number}").show([Figure(label=fact.label, words=fact.words) for fact in chapter.facts])
        if chapter.sheet is not None:
            sheet = Sheet(chapter.title, [Column(title, "words") for title in chapter.sheet.header], "")
            sheet.show([Row(key=str(at), cells=tuple(map(Cell, row))) for at, row in enumerate(chapter.sheet.rows)])
