"""Fixtures for whoever tests a strategy or an actor."""

import pytest

from helios_nautilus.journal.memory import MemoryJournal
from tests.fakes import BTC, ETH, SOL, Kit, Tiers


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
