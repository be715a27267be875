"""An operator's switches: nothing new is entered, and nothing that is held is touched."""

import pytest

from helios_nautilus.domain.plan import CloseReason
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import OrderRecord, SignalRecord
from helios_nautilus.messages import TOPIC_CONTROLS, ControlsChanged, Stage
from helios_nautilus.strategies.helios import HeliosStrategy
from tests.fakes import BTC, ETH, START_NS, Kit, Tiers, helios, prediction, proposal

BUY = {"p_buy": 0.5, "p_sell": 0.2}
ALL_ON = ControlsChanged(ts_ns=START_NS, entries_on=True)
ENTRIES_OFF = ControlsChanged(ts_ns=START_NS, entries_on=False)


def without(*tiers: str) -> ControlsChanged:
    return ControlsChanged(ts_ns=START_NS, entries_on=True, off=frozenset(tiers))


@pytest.fixture
def strategy(kit: Kit, tiers: Tiers, journal: MemoryJournal) -> HeliosStrategy:
    return kit.start(helios(journal))


def switch(kit: Kit, controls: ControlsChanged) -> None:
    kit.msgbus.publish(TOPIC_CONTROLS, controls)


def enter(kit: Kit, strategy: HeliosStrategy) -> None:
    """A long bet in BTC under its stop and target."""
    strategy.on_prediction(prediction(BTC, **BUY))
    kit.venue.accept(kit.order("ENTRY"))
    kit.venue.fill(kit.order("ENTRY"), 1_000_000)
    kit.venue.accept(kit.order("STOP"), kit.order("TARGET"))


@pytest.mark.parametrize("controls", [ENTRIES_OFF, without("prediction"), without("aether", "gate")])
def test_what_is_switched_off_keeps_every_entry_out(
    kit: Kit, strategy: HeliosStrategy, journal: MemoryJournal, controls: ControlsChanged
) -> None:
    switch(kit, controls)

    strategy.on_prediction(prediction(BTC, **BUY))

    assert [(signal.action, signal.reason) for signal in journal.of(SignalRecord)] == [("dropped", "switched_off")]


@pytest.mark.parametrize("controls", [ALL_ON, without("gate")])
def test_with_all_on_or_the_gate_alone_off_entries_go_on(
    kit: Kit, strategy: HeliosStrategy, controls: ControlsChanged
) -> None:
    switch(kit, ENTRIES_OFF)
    switch(kit, controls)

    strategy.on_prediction(prediction(BTC, **BUY))

    assert strategy.has_bet(BTC)


def test_a_position_keeps_its_stop_and_can_be_left(kit: Kit, strategy: HeliosStrategy) -> None:
    enter(kit, strategy)

    switch(kit, ENTRIES_OFF)

    assert strategy.has_bet(BTC)
    assert kit.order("STOP").is_open
    assert strategy.leave(BTC, CloseReason.SIGNAL)


def test_a_proposal_under_way_ends(kit: Kit, strategy: HeliosStrategy, tiers: Tiers) -> None:
    tiers.hold_back(Stage.GATE)
    strategy.propose(proposal(ETH))

    switch(kit, without("prediction"))

    assert not strategy.is_pending(ETH)


def test_an_entry_that_works_is_taken_back(kit: Kit, strategy: HeliosStrategy) -> None:
    strategy.on_prediction(prediction(BTC, **BUY))
    kit.venue.accept(kit.order("ENTRY"))

    switch(kit, ENTRIES_OFF)

    assert kit.order("ENTRY").is_pending_cancel


def test_no_strategy_can_propose_past_the_switch(kit: Kit, strategy: HeliosStrategy, journal: MemoryJournal) -> None:
    switch(kit, ENTRIES_OFF)

    strategy.propose(proposal(BTC))

    assert not strategy.has_bet(BTC)
    assert [record.status for record in journal.of(OrderRecord)] == ["DENIED"]
