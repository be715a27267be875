"""What the pages show, in a real browser, while a node is at work."""

import json
import re
import urllib.request

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.integration.dashboard_pages.stage import Dashboard, ScriptedNode, Visit, part

pytestmark = [pytest.mark.venue, pytest.mark.xdist_group("dashboard_pages")]
PATHS = ("/", "/trades", "/decisions", "/events", "/controls")


def test_the_overview_shows_the_account_and_what_it_holds(page: Page) -> None:
    expect(part(page, "headline")).to_contain_text("R101 312.48".replace(" ", "\u00a0"))
    expect(part(page, "positions").locator("tbody tr")).to_have_count(2)
    expect(part(page, "positions")).to_contain_text("stop works")
    expect(part(page, "tiers").locator("tbody tr")).to_have_count(4)
    expect(part(page, "readiness")).to_contain_text("ready for entries")


def test_the_first_figures_are_there_before_any_script_and_make_way_for_the_page(
    context: BrowserContext, dashboard: Dashboard, node: ScriptedNode
) -> None:
    page = context.new_page()
    page.route("**/_nicegui/**", lambda route: route.abort())
    page.goto(dashboard.url)
    expect(page.locator("#first")).to_contain_text("R101 312.48".replace(" ", "\u00a0"))
    page.unroute("**/_nicegui/**")
    page.goto(dashboard.url)
    expect(part(page, "tiers").locator("tbody tr")).to_have_count(4)
    expect(page.locator("#first")).to_have_count(0)
    page.close()


def test_the_chart_is_drawn_and_told(page: Page) -> None:
    chart = page.get_by_role("img", name=re.compile("Equity curve: R"))
    expect(chart.locator("svg path").first).to_be_attached()
    told = chart.get_attribute("aria-label")
    page.get_by_role("button", name="4H", exact=True).click()
    expect(page.get_by_role("button", name="4H", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(chart).not_to_have_attribute("aria-label", told or "")


def test_an_unknown_figure_is_a_dash_that_says_why(page: Page) -> None:
    beta = part(page, "risk-figures").locator("div").filter(has_text="Beta").locator(".figure span")
    expect(beta).to_have_text("–")
    expect(beta).to_have_attribute("aria-label", re.compile("unknown: .{10,}"))
    expect(beta).to_have_attribute("title", re.compile(".{10,}"))


def test_a_decision_leads_to_its_whole_story(page: Page) -> None:
    part(page, "decisions").locator("tbody a").first.click()
    expect(part(page, "chapter-1")).to_be_visible()
    assert "/decisions/" in page.url


def test_a_story_tells_every_check_that_failed(visit: Visit, node: ScriptedNode) -> None:
    with urllib.request.urlopen(f"{visit.url}/api/v1/decisions?outcome=rejected-by-guardian&count=1") as reply:
        (decision,) = json.load(reply)
    page = visit.open(f"/decisions/{decision['decision_id']}")
    for name in ("position", "sector"):
        expect(page.locator("#content")).to_contain_text(re.compile(f"{name} .* of equity after the order"))


def test_a_decision_that_is_not_known_is_said_to_be_none(visit: Visit, node: ScriptedNode) -> None:
    expect(visit.open("/decisions/nowhere").locator("#content")).to_contain_text("No such decision")


@pytest.mark.parametrize("name", ["trades", "decisions", "events"])
def test_the_ledgers_go_back_in_time_and_fit_a_phone(visit: Visit, name: str) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 844})
    page = visit.open(f"/{name}")
    expect(part(page, name).locator("tbody tr").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("width", [320, 390, 768, 1440, 2560])
def test_nothing_is_wider_than_the_window(visit: Visit, node: ScriptedNode, path: str, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 844})
    assert visit.open(path).evaluate("document.documentElement.scrollWidth") <= width
