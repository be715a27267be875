"""A run that will be killed, and what is kept of its bets."""

import pytest

from helios_nautilus.journal.bet_store import MemoryBetStore
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.strategies.tiered import TieredStrategy
from tests.fakes import Kit, Tiers, terms
from tests.unit.strategies.restart import PLAN, recovering


@pytest.fixture
def store() -> MemoryBetStore:
    return MemoryBetStore()


@pytest.fixture
def first(kit: Kit, tiers: Tiers, store: MemoryBetStore) -> TieredStrategy:
    """The run that will be killed; R10 000 with a stop 2 % and a target 4 % away."""
    tiers.agreed = terms(notional=10_000, stop=0.02, target=0.04)
    return recovering(kit, MemoryJournal(), store, plan=PLAN)
