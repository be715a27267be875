"""A paper run in a database of its own, its scripted node, a dashboard's process over them, and a real browser."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from psycopg.conninfo import make_conninfo

from helios_nautilus.journal.embedded import start_server
from helios_nautilus.journal.postgres import PostgresJournal, connect
from tests.integration.dashboard_pages.day import day, status
from tests.integration.dashboard_pages.stage import Dashboard, ScriptedNode, Visit


@pytest.fixture(scope="session")
def database(helios_home: Path) -> str:
    """URL of a database with a day of a paper run."""
    server = start_server(helios_home / "journal")
    name = f"pages_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = make_conninfo(server, dbname=name)
    records = day(time.time_ns())
    with connect(url) as connection:
        PostgresJournal(connection).store_run(records, records[0])
    return url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed with its module: while it is open a loop runs in this thread, and no other test can run its own."""
    if (path := shutil.which("chromium")) is None:
        pytest.skip("needs Debian's chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=20_000)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> BrowserContext:
    """Of a visitor who was here before: what never changes of the pages is in the browser's cache."""
    return browser.new_context()


@pytest.fixture(scope="session")
def dashboard(database: str) -> Iterator[Dashboard]:
    """Without tokens, so that this machine may do everything."""
    dashboard = Dashboard(database)
    dashboard.start()
    yield dashboard
    dashboard.kill()


@pytest.fixture
def node(database: str) -> Iterator[ScriptedNode]:
    with ScriptedNode(database, status(time.time_ns())) as node:
        yield node


@pytest.fixture
def visit(context: BrowserContext, dashboard: Dashboard) -> Iterator[Visit]:
    """Opens pages of the dashboard; whatever a browser complains of meanwhile fails the test."""
    visit = Visit(context, dashboard.url)
    yield visit
    visit.close()


@pytest.fixture
def page(visit: Visit, node: ScriptedNode) -> Page:
    """The overview of a node at work."""
    return visit.open("/")
