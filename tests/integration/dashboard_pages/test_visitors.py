"""Who is let in, and what they may do; and a dashboard that goes away and comes back."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from helios_nautilus.dashboard.settings import token_path
from helios_nautilus.dashboard.tokens import TokenFile
from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.journal.command_rows import open_rows
from tests.integration.dashboard_pages.day import status
from tests.integration.dashboard_pages.stage import Dashboard, ScriptedNode, Visit, part

pytestmark = [pytest.mark.venue, pytest.mark.xdist_group("dashboard_pages")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of its own: with the first token in it everyone needs one."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def viewer(home: Path) -> str:
    return TokenFile(token_path(home / "dashboard")).add("naledi", "viewer", 1)


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


def test_live_is_unmistakable_and_a_node_that_is_gone_is_said_to_be(stranger: Visit, viewer: str) -> None:
    page = log_in(stranger, viewer)
    expect(page.locator(".mode")).to_have_text("LIVE")
    expect(page.locator(".mode")).to_have_css("background-color", "rgb(192, 22, 34)")
    expect(page.locator(".bar").get_by_role("status")).to_contain_text("node not running since")
    expect(page.get_by_role("alert").first).to_contain_text("nothing watches the stops of what it held (2)")
    expect(part(page, "positions")).to_contain_text("NOT WATCHED")
    expect(part(page, "readiness")).not_to_contain_text("ready for entries")


def test_who_logs_out_in_one_tab_is_shown_out_of_every_other(
    stranger: Visit, context: BrowserContext, guarded: Dashboard, viewer: str
) -> None:
    page = log_in(stranger, viewer)
    other = Visit(context, guarded.url)
    other.open("/controls").get_by_role("button", name="Log out").click()
    expect(page).to_have_title(re.compile("Log in"))
    other.close()


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
