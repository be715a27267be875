"""The dashboard over a live node that trades at the simulator: in a real browser, and before a crowd."""

import re
import time
from collections import Counter
from collections.abc import Iterator

import click
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.integration.dashboard_pages.stage import Visit, part
from tests.scenario.crowd import Measured, crowding, measure
from tests.scenario.house import House, Node, eventually
from tests.venue.commands import PATIENCE_SECS, has_entered

pytestmark = [pytest.mark.timeout(900), pytest.mark.usefixtures("node")]

MSECS = PATIENCE_SECS * 1e3
ROUNDS = 6
CROWD_SECS = 16.0
"""Of each time that is measured: with a crowd and without one by turns, so that the machine's other work is in both."""
LOADS = 5


@pytest.fixture(scope="module")
def trading(house: House) -> Iterator[Node]:
    """A node that holds something."""
    with house.node("ordinary", {}) as node:
        yield node


@pytest.fixture
def node(house: House, trading: Node) -> Node:
    eventually(house.held)
    eventually(lambda: has_entered(trading.records()))
    return trading


def is_live(page: Page) -> None:
    """The page is fresh, and nothing is said to be wrong."""
    expect(page.locator(".bar").get_by_role("status")).to_contain_text("live", timeout=MSECS)
    expect(page.locator(".banner:visible")).to_have_count(0, timeout=MSECS)


def test_what_a_node_holds_and_is_worth_is_shown_and_changes_by_itself(visit: Visit) -> None:
    page = visit.open("/")
    is_live(page)
    expect(page.locator(".mode")).to_have_text("LIVE")
    expect(part(page, "positions").locator("tbody tr").first).to_contain_text("stop works")
    expect(part(page, "headline")).to_contain_text("R")
    for name in ("headline", "machine"):
        shown = part(page, name).inner_text()
        expect(part(page, name)).not_to_have_text(shown, use_inner_text=True, timeout=MSECS)


def test_two_clicks_flatten_the_book_at_the_venue_and_the_answer_is_shown(visit: Visit, house: House) -> None:
    page = visit.open("/")
    is_live(page)
    assert house.held()
    page.get_by_role("button", name="Emergency stop").click()
    page.get_by_role("button", name="Stop and flatten").click()
    told = page.get_by_role("dialog").get_by_role("status")
    expect(told).to_contain_text(re.compile(r"emergency stop: done at .* UTC, after .* s\. HALT: closing "))
    eventually(lambda: not house.held())
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("alert").first).to_contain_text("HALT")
    expect(part(page, "positions")).to_contain_text("no open position")
    house.order("resume")
    is_live(page)


def test_a_page_comes_back_by_itself_after_the_dashboard_was_restarted(visit: Visit, house: House) -> None:
    page = visit.open("/")
    is_live(page)
    house.dashboard.stop()
    expect(page.locator("#popup")).to_be_visible()
    house.dashboard.start()
    expect(page.locator("#popup")).to_be_hidden(timeout=MSECS)
    is_live(page)
    visit.complaints.clear()  # of the connection that was refused meanwhile


def test_a_database_that_goes_away_is_told_and_forgotten_when_it_is_back(
    visit: Visit, house: House, node: Node
) -> None:
    page = visit.open("/")
    is_live(page)
    house.database.stop("fast")
    try:
        expect(page.locator(".banner:visible")).to_contain_text("journal", timeout=MSECS)
        assert house.get("status") is None
    finally:
        house.database.start()
    is_live(page)
    kept = len(node.records())
    eventually(lambda: len(node.records()) > kept)
    assert house.get("status")["is_running"]


def test_the_first_load_of_a_page_is_measured(browser: Browser, house: House, node: Node) -> None:
    loads = [first_load(browser, house) for _ in range(LOADS)]
    for what, secs in (("first figures", [first for first, _ in loads]), ("whole page", [whole for _, whole in loads])):
        click.echo(f"\n{what}: p50 {sorted(secs)[LOADS // 2]:.2f} s, slowest {max(secs):.2f} s of {LOADS}")


def first_load(browser: Browser, house: House) -> tuple[float, float]:
    """Seconds until a browser that was never here shows figures, and until it shows what the node holds."""
    context = browser.new_context()
    visit = Visit(context, house.dashboard.url)
    began = time.monotonic()
    page = visit.open("/")
    expect(part(page, "tiers").locator("tbody tr")).to_have_count(4)
    secs = time.monotonic() - began
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1e3
    visit.close()
    context.close()
    return painted, secs


def test_a_crowd_at_the_dashboard_gets_its_pages_while_the_node_answers_and_decides(house: House, node: Node) -> None:
    alone, watched = (Measured(acknowledgements=[], loop_lags=[]) for _ in range(2))
    answers = Counter[int]()
    for _ in range(ROUNDS):
        measure(house, CROWD_SECS, alone)
        with crowding(house.dashboard.url) as statuses:
            measure(house, CROWD_SECS, watched)
        answers += statuses
    assert set(answers) <= {200, 429}
    assert answers[200] > 0
    click.echo(f"\n{'':22}{'alone':>10}{'50 clients':>12}{'ratio':>8}   answers: {dict(answers)}")
    for name, before in alone.figures().items():
        after = watched.figures()[name]
        click.echo(f"{name:22}{before:9.3f}s{after:11.3f}s{after / max(before, 1e-9):8.2f}")
    assert min(alone.decided, watched.decided) > 0
