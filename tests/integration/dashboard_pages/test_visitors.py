"""Who is let in, and what they may do; and a dashboard that goes away and comes back."""

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from helios_nautilus.dashboard.settings import token_path
from helios_nautilus.dashboard.tokens import TokenFile
from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.journal.command_rows import open_rows
from tests.integration.dashboard_pages.day import status
from tests.integration.dashboard_pages.stage import Dashboard, ScriptedNode, Visit
from tests.integration.dashboard_pages.test_reading import check_contrast

pytestmark = pytest.mark.xdist_group("dashboard_pages")


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home of its own: with the first token in it everyone needs one."""
    folder = Path(mkdtemp(prefix="helios-home-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def tokens(home: Path) -> TokenFile:
    return TokenFile(token_path(home / "dashboard"))


@pytest.fixture(scope="module")
def viewer(tokens: TokenFile) -> str:
    return tokens.add("naledi", "viewer", time.time_ns())


@pytest.fixture(scope="module")
def guarded(database: str, home: Path, viewer: str) -> Iterator[Dashboard]:
    """The live dashboard, for those with a token; its node was heard of ten minutes ago."""
    with open_rows(database) as rows:
        rows.put_status(status(time.time_ns() - 10 * NS_PER_MIN, mode="live"))
    dashboard = Dashboard(database, "live", HELIOS_HOME=str(home))
    dashboard.start()
    yield dashboard
    dashboard.kill()


@pytest.fixture
def stranger(context: BrowserContext, guarded: Dashboard) -> Iterator[Visit]:
    context.clear_cookies()
    visit = Visit(context, guarded.url)
    yield visit
    visit.close()


def log_in(visit: Visit, token: str) -> Page:
    page = visit.open("/login")
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Log in").click()
    return page


def test_a_stranger_is_led_to_the_login_and_a_wrong_token_leads_nowhere(stranger: Visit) -> None:
    stranger.page.goto(f"{stranger.url}/controls")
    expect(stranger.page).to_have_title(re.compile("Log in"))
    page = log_in(stranger, "helios_guessed")
    expect(page.get_by_role("alert")).to_contain_text("This token is not valid")
    check_contrast(page)
    log_in(stranger, "")
    expect(page).to_have_title(re.compile("Log in"))


def test_a_viewer_sees_everything_and_may_order_nothing(stranger: Visit, viewer: str) -> None:
    page = log_in(stranger, viewer)
    expect(page.get_by_role("button", name="Emergency stop")).to_be_disabled()
    expect(page.locator(".bar")).to_contain_text("naledi")
    page = stranger.open("/controls")
    for button in page.locator(".page button:not([hidden])").all():
        expect(button).to_be_disabled()
    expect(page.get_by_role("switch", name="Aether")).to_have_attribute("title", re.compile("role admin"))


def test_live_is_unmistakable_and_a_node_that_is_gone_is_said_to_be(stranger: Visit, viewer: str) -> None:
    page = log_in(stranger, viewer)
    expect(page.locator(".mode")).to_have_text("LIVE")
    expect(page.locator(".mode")).to_have_css("background-color", "rgb(192, 22, 34)")
    expect(page.locator(".bar").get_by_role("status")).to_contain_text("node not running since")


def test_a_visitor_whose_token_is_revoked_is_shown_out_at_once(stranger: Visit, tokens: TokenFile) -> None:
    page = log_in(stranger, tokens.add("leaver", "admin", time.time_ns()))
    expect(page.get_by_role("button", name="Emergency stop").first).to_be_enabled()
    tokens.revoke("leaver")
    expect(page).to_have_title(re.compile("Log in"))


@pytest.mark.venue
def test_a_page_comes_back_by_itself_after_the_server_restarts(
    visit: Visit, dashboard: Dashboard, node: ScriptedNode
) -> None:
    page = visit.open("/")
    dashboard.stop()
    expect(page.locator("#popup")).to_be_visible()
    dashboard.start()
    node.tell(loop_lag_ms=88.8)
    expect(page.locator('[data-part="machine"]')).to_contain_text("88.8 ms")
    visit.complaints.clear()  # of the connection that was refused meanwhile
