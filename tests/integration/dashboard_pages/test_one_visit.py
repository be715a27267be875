"""What must hold after any change, on pages that are opened once for all of it. The files beside this one look further.

Each test says what the node tells; the pages follow, as they do for whoever has left one open.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from helios_nautilus.dashboard.settings import token_path
from helios_nautilus.dashboard.tokens import TokenFile
from helios_nautilus.journal.status import Need, TierStatus
from tests.integration.dashboard_pages.day import status
from tests.integration.dashboard_pages.stage import Dashboard, ScriptedNode, Visit, part
from tests.integration.dashboard_pages.test_reading import check_contrast, check_names

pytestmark = pytest.mark.xdist_group("dashboard_pages")
HOSTILE = "</script><img src=x onerror=window.hurt=1><script>window.hurt=1</script> ${window.hurt=1} `{{window.hurt=1}}"
HOSTILE_TIER = TierStatus(tier="gate", is_on=True, last_ns=1, words=HOSTILE)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def tokens(home: Path) -> TokenFile:
    return TokenFile(token_path(home / "dashboard"))


@pytest.fixture(scope="module")
def admin(tokens: TokenFile) -> str:
    return tokens.add("thabo", "admin", 1)


@pytest.fixture(scope="module")
def viewer(tokens: TokenFile) -> str:
    return tokens.add("naledi", "viewer", 1)


@pytest.fixture(scope="module")
def dashboard(database: str, home: Path, admin: str, viewer: str) -> Iterator[Dashboard]:
    """For those with a token."""
    dashboard = Dashboard(database, HELIOS_HOME=str(home))
    dashboard.start()
    yield dashboard
    dashboard.kill()


@pytest.fixture(scope="module")
def running(database: str) -> Iterator[ScriptedNode]:
    with ScriptedNode(database, status(time.time_ns())) as node:
        yield node


@pytest.fixture
def node(running: ScriptedNode) -> ScriptedNode:
    """At work, and all is well."""
    running.begin_anew()
    return running


@pytest.fixture(scope="module")
def office(browser: Browser, dashboard: Dashboard, admin: str) -> BrowserContext:
    """The browser of an admin who has logged in."""
    context = browser.new_context()
    log_in(context, dashboard, admin)
    return context


@pytest.fixture(scope="module")
def overview(office: BrowserContext, dashboard: Dashboard, running: ScriptedNode) -> Iterator[Page]:
    """What the browser complains of fails the last test."""
    visit = Visit(office, dashboard.url)
    yield visit.open("/")
    visit.close()


def log_in(context: BrowserContext, dashboard: Dashboard, token: str) -> None:
    """What the form does, without the page that it leads to."""
    answer = context.request.post(f"{dashboard.url}/session", form={"token": token}, max_redirects=0)
    assert answer.headers["location"] == "/"


def test_what_the_node_tells_anew_is_shown_without_a_reload_and_focus_stays(overview: Page, node: ScriptedNode) -> None:
    expect(part(overview, "readiness")).to_contain_text("ready for entries")
    held = part(overview, "positions").locator("tbody a").first
    held.focus()
    node.tell(loop_lag_ms=77.7, is_ready=False, needs=(Need(name="quotes", missing="SOLZAR has none"),))
    expect(part(overview, "machine")).to_contain_text("77.7 ms")
    expect(part(overview, "readiness")).to_contain_text("SOLZAR has none")
    expect(held).to_be_focused()
    node.tell(positions=())
    expect(part(overview, "positions")).to_contain_text("no open position")


def test_an_emergency_stop_takes_two_clicks_and_shows_the_answer(overview: Page, node: ScriptedNode) -> None:
    overview.get_by_role("button", name="Emergency stop").click()
    overview.get_by_role("button", name="Stop and flatten").click()
    expect(overview.get_by_role("dialog").get_by_role("status")).to_contain_text(
        re.compile(r"emergency stop: done at \d\d:\d\d:\d\d UTC, after .* s\. 2 positions are being closed")
    )
    (command,) = node.heard
    assert (command.verb, command.mode, command.origin, command.who) == ("halt", "paper", "dashboard", "thabo")
    overview.get_by_role("button", name="Close").click()
    expect(overview.get_by_role("alert").first).to_contain_text("HALT: no entries")


def test_words_of_others_are_shown_and_never_run(overview: Page, node: ScriptedNode) -> None:
    node.tell(kill_state="REDUCE_ONLY", kill_words=HOSTILE, run_id=HOSTILE, tiers=(HOSTILE_TIER,))
    for place in (overview.get_by_role("alert").first, part(overview, "tiers"), part(overview, "machine")):
        expect(place).to_contain_text(HOSTILE)
    assert overview.evaluate("window.hurt") is None


def test_everything_has_a_name_and_stands_out_from_its_background(overview: Page, node: ScriptedNode) -> None:
    node.tell(kill_state="HALT", kill_words="drawdown 15.2 % is past its limit of 15 %")
    expect(overview.get_by_role("alert").first).to_contain_text("drawdown 15.2 %")
    check_names(overview)
    for scheme in ("dark", "light"):
        overview.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        expect(overview.locator("body")).to_have_class(re.compile(f"body--{scheme}"))
        check_contrast(overview)


def test_nothing_is_wider_than_a_phone(overview: Page, node: ScriptedNode) -> None:
    overview.set_viewport_size({"width": 390, "height": 844})
    assert overview.evaluate("document.documentElement.scrollWidth") <= 390
    overview.set_viewport_size({"width": 1440, "height": 900})


def test_a_stranger_is_led_to_the_login_and_a_wrong_token_leads_nowhere(
    browser: Browser, dashboard: Dashboard, node: ScriptedNode
) -> None:
    visit = Visit(browser.new_context(), dashboard.url)
    visit.page.goto(f"{dashboard.url}/controls")
    for given in ("helios_guessed", ""):
        expect(visit.page).to_have_title(re.compile("Log in"))
        visit.page.get_by_label("Token").fill(given)
        visit.page.get_by_role("button", name="Log in").click()
    expect(visit.page.get_by_role("alert")).to_contain_text("This token is not valid")
    check_contrast(visit.page)
    visit.close()


def test_a_viewer_orders_nothing_whatever_the_browser_sends_and_is_shown_out_when_revoked(
    office: BrowserContext, dashboard: Dashboard, node: ScriptedNode, tokens: TokenFile, viewer: str
) -> None:
    node.tell(kill_state="REDUCE_ONLY", kill_words=HOSTILE)
    log_in(office, dashboard, viewer)
    visit = Visit(office, dashboard.url)
    page = visit.open("/controls")
    expect(page.locator(".bar")).to_contain_text("naledi")
    for button in page.locator("button:not([hidden])").filter(visible=True).all():
        if button.inner_text() != "Log out":
            expect(button).to_be_disabled()
    expect(page.get_by_role("switch", name="Aether")).to_have_attribute("title", re.compile("role admin"))
    expect(page.get_by_role("alert").first).to_contain_text(HOSTILE)
    assert page.evaluate("window.hurt") is None
    page.evaluate("document.querySelectorAll('button').forEach(each => each.disabled = false)")
    page.get_by_role("button", name="Emergency stop").first.click()
    page.get_by_role("button", name="Stop and flatten").click()
    told = page.get_by_role("dialog").get_by_role("status")
    expect(told).to_contain_text("not sent. this takes the role trader; naledi is a viewer")
    assert node.heard == []
    tokens.revoke("naledi")
    expect(page).to_have_title(re.compile("Log in"))
    visit.close()
