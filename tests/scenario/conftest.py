"""A house with everything that Helios runs in it, shared by the tests of a module."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.integration.dashboard_pages.conftest import browser
from tests.integration.dashboard_pages.stage import Visit
from tests.scenario.house import House, housing
from tests.venue.commands import opened

__all__ = ["browser"]

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in Path(item.path).parents:
            item.add_marker(pytest.mark.venue)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, own_home: Path) -> Iterator[House]:
    """Over an account of money alone: equity moves by what is traded, and by nothing else."""
    with (
        opened(tmp_path_factory.mktemp("house"), "--deposit", "ZAR=1000000") as venue,
        housing(venue, own_home) as house,
    ):
        yield house


@pytest.fixture
def visit(browser: Browser, house: House) -> Iterator[Visit]:
    """A visitor who was never here; nothing may be complained of, and nothing asked of another host."""
    context = browser.new_context()
    visit = Visit(context, house.dashboard.url)
    yield visit
    visit.close()
    context.close()
