"""Fixtures for whoever tests a strategy or an actor, and a home for the journal that is not the user's."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from helios_nautilus.journal.memory import MemoryJournal
from tests.fakes import BTC, ETH, SOL, Kit, Tiers
from tests.home import open_home

# How long an example takes is the machine's business.
settings.register_profile("helios", deadline=None)
settings.load_profile("helios")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect without the garbage collector.

    What is imported stays, and looking through it over and over took a third of the time. It is looked through no more
    in the tests either.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that share a module's fixture on one worker: it may be a trained model.

    Of the others the slow ones come first, so that none of them is left to one worker while the rest are done.
    """
    for item in items:
        known = getattr(item, "_fixtureinfo").name2fixturedefs.values()  # noqa: B009 (pytest has no public name for it)
        if any(found.scope == "module" for definitions in known for found in definitions):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    items.sort(key=lambda item: item.get_closest_marker("slow") is None or "xdist_group" in item.keywords)


@pytest.fixture(scope="session", autouse=True)
def helios_home() -> Path:
    """A temporary home, for the processes that tests start as well."""
    return open_home("home")


@pytest.fixture(scope="module")
def own_home() -> Iterator[Path]:
    """A home that only this module's nodes live in: what an operator switches off stays off in it for the next node."""
    before = os.environ["HELIOS_HOME"]
    yield open_home("home")
    os.environ["HELIOS_HOME"] = before


@pytest.fixture
def journal() -> MemoryJournal:
    return MemoryJournal()


@pytest.fixture
def kit() -> Kit:
    """Three rand pairs and R100 000."""
    return Kit(BTC, ETH, SOL)


@pytest.fixture
def tiers(kit: Kit) -> Tiers:
    """All three say yes, at once."""
    return Tiers(kit.msgbus)
