"""One look for all who watch, and what is shown when a look fails."""

import asyncio
import threading
from typing import Any

import pytest

from helios_nautilus.dashboard.pages.feed import Feed, Picture
from helios_nautilus.dashboard.pages.figures import freshness
from helios_nautilus.dashboard.shown import EquityCurve
from helios_nautilus.dashboard.view import describe_status
from helios_nautilus.errors import JournalError
from tests.integration.dashboard_pages.day import status

NOW = 1_800_000_000_000_000_000


class ScriptedView:
    """Counts what it is asked; ``trouble`` is raised instead of an answer."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.trouble: Exception | None = None
        self.answers = threading.Event()
        """Clear it, and nothing is answered until it is set."""
        self.answers.set()

    def status(self) -> Any:
        self.asked.append("status")
        self.answers.wait()
        if self.trouble is not None:
            raise self.trouble
        return describe_status("paper", status(NOW), NOW)

    def metrics(self) -> Any:
        self.asked.append("metrics")

    def equity(self, span: Any) -> EquityCurve:
        return EquityCurve(span=span, currency="ZAR", since_ns=0, points=())

    def commands(self, count: int = 0) -> list[Any]:
        return []

    predictions = decisions = trades = events = rebalances = commands


@pytest.fixture
def view() -> ScriptedView:
    return ScriptedView()


@pytest.fixture
def feed(view: Any) -> Feed:
    return Feed(view, clock=lambda: NOW)


def test_however_many_open_a_page_the_journal_is_read_once(feed: Feed, view: ScriptedView) -> None:
    async def many() -> list[Picture]:
        return await asyncio.gather(*(feed.picture() for _ in range(50)))

    pictures = asyncio.run(many())
    assert len({id(picture) for picture in pictures}) == 1
    assert view.asked == ["status", "metrics"]


def test_who_comes_after_nobody_watched_is_shown_nothing_old(view: Any) -> None:
    times = iter([NOW, NOW, NOW + 3_600_000_000_000, NOW + 3_600_000_000_000])
    feed = Feed(view, clock=lambda: next(times))

    async def twice() -> tuple[Picture, Picture]:
        return await feed.picture(), await feed.picture()

    before, after = asyncio.run(twice())
    assert after.now_ns - before.now_ns == 3_600_000_000_000
    assert view.asked.count("metrics") == 2


def test_one_look_is_told_to_all_who_watch(feed: Feed, view: ScriptedView) -> None:
    told: list[Picture] = []
    for _ in range(50):
        feed.changed.subscribe(told.append)
    asyncio.run(feed.look_now())
    assert len(told) == 50
    assert view.asked.count("status") == 1


@pytest.mark.parametrize("trouble", [JournalError("the database is away"), ValueError("a bug of ours")])
def test_a_look_that_fails_leaves_what_was_there_and_says_so(
    feed: Feed, view: ScriptedView, trouble: Exception
) -> None:
    async def look() -> tuple[Picture, Picture, Picture]:
        before = await feed.picture()
        view.trouble = trouble
        await feed.look_now()
        during = await feed.picture()
        view.trouble = None
        await feed.look_now()
        return before, during, await feed.picture()

    before, during, after = asyncio.run(look())
    assert (during.present, during.records) == (before.present, before.records)
    assert (before.trouble, during.trouble, after.trouble) == ("", str(trouble), "")


def test_a_look_that_never_comes_back_is_given_up_and_leaves_nothing_looking_live(view: Any) -> None:
    feed = Feed(view, clock=lambda: NOW, patience_secs=0.01)

    async def look() -> Picture:
        await feed.picture()
        view.answers.clear()
        try:
            await feed.look_now()
        finally:
            view.answers.set()
        return feed.newest

    picture = asyncio.run(look())
    assert picture.trouble == "the journal's database does not answer"
    assert freshness(picture) != ("live", "")
