import pytest

from helios_nautilus.domain.plan import CloseReason, Side
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import PositionRecord, SignalRecord
from helios_nautilus.messages import TOPIC_KILL_SWITCH, TOPIC_PREDICTIONS, KillSwitchChanged, Stage
from helios_nautilus.strategies.helios import HeliosStrategy
from tests.fakes import BTC, ETH, PERPETUAL, START_NS, Kit, Tiers, at, helios, prediction

BUY = {"p_buy": 0.5, "p_sell": 0.2}
SELL = {"p_buy": 0.2, "p_sell": 0.5}
HOLD = {"p_buy": 0.2, "p_sell": 0.3}


@pytest.fixture
def strategy(kit: Kit, tiers: Tiers, journal: MemoryJournal) -> HeliosStrategy:
    return kit.start(helios(journal))


def words(journal: MemoryJournal) -> list[tuple[str, str]]:
    """What the strategy made of each prediction."""
    return [(signal.action, signal.reason) for signal in journal.of(SignalRecord)]


def switch(kit: Kit, *, entries_allowed: bool, flatten: bool = False) -> None:
    change = KillSwitchChanged(ts_ns=START_NS, entries_allowed=entries_allowed, flatten=flatten, words="a test")
    kit.msgbus.publish(TOPIC_KILL_SWITCH, change)


def hold_a_position(kit: Kit, strategy: HeliosStrategy) -> None:
    """A long bet in BTC, entered at a million, under its stop and target."""
    strategy.on_prediction(prediction(BTC, **BUY))
    kit.venue.accept(kit.order("ENTRY"))
    kit.venue.fill(kit.order("ENTRY"), 1_000_000)
    kit.venue.accept(kit.order("STOP"), kit.order("TARGET"))


# What is proposed


def test_a_prediction_that_leans_to_buy_is_proposed_as_it_was_made(
    kit: Kit, strategy: HeliosStrategy, tiers: Tiers, journal: MemoryJournal
) -> None:
    kit.msgbus.publish(TOPIC_PREDICTIONS, prediction(BTC, minute=5, p_buy=0.375, p_sell=0.125, price=1_234_567.0))

    (request,) = tiers.requests[Stage.AETHER]
    proposal = request.dossier.proposal
    assert (proposal.decision_id, proposal.strategy_id) == ("BTCZAR.VALR-20260105T0005", strategy.id.value)
    assert (proposal.instrument_id, proposal.side, proposal.price) == (BTC, Side.LONG, 1_234_567.0)
    assert (proposal.p_buy, proposal.p_sell, proposal.p_hold) == (0.375, 0.125, 0.5)
    assert proposal.ts_ns == at(5)
    assert words(journal) == [("proposed", "directional")]


def test_without_shorts_a_sell_is_dropped_before_any_tier_is_asked(
    strategy: HeliosStrategy, tiers: Tiers, journal: MemoryJournal
) -> None:
    strategy.on_prediction(prediction(**SELL))

    assert tiers.requests[Stage.AETHER] == []
    assert words(journal) == [("dropped", "no_shorts")]


def test_with_shorts_a_sell_is_proposed(kit: Kit, tiers: Tiers, journal: MemoryJournal) -> None:
    strategy = kit.start(helios(journal, allow_shorts=True))

    strategy.on_prediction(prediction(**SELL))

    (request,) = tiers.requests[Stage.AETHER]
    assert request.dossier.proposal.side is Side.SHORT


def test_a_vetoed_prediction_is_neither_proposed_nor_a_reason_to_leave(
    kit: Kit, strategy: HeliosStrategy, tiers: Tiers, journal: MemoryJournal
) -> None:
    hold_a_position(kit, strategy)
    asked = len(tiers.requests[Stage.AETHER])

    strategy.on_prediction(prediction(ETH, minute=10, veto="out_of_distribution", **BUY))
    strategy.on_prediction(prediction(BTC, minute=10, veto="out_of_distribution", **SELL))

    assert len(tiers.requests[Stage.AETHER]) == asked
    assert kit.orders("EXIT") == []
    assert words(journal)[-2:] == [("dropped", "out_of_distribution")] * 2


def test_a_prediction_on_another_instrument_is_none_of_our_business(
    strategy: HeliosStrategy, tiers: Tiers, journal: MemoryJournal
) -> None:
    strategy.on_prediction(prediction(PERPETUAL, **BUY))

    assert tiers.requests[Stage.AETHER] == []
    assert words(journal) == []


def test_a_second_proposal_waits_for_the_answer_to_the_first_but_not_in_another_instrument(
    strategy: HeliosStrategy, tiers: Tiers, journal: MemoryJournal
) -> None:
    tiers.hold_back(Stage.GATE)

    strategy.on_prediction(prediction(BTC, minute=5, **BUY))
    strategy.on_prediction(prediction(BTC, minute=10, **BUY))
    strategy.on_prediction(prediction(ETH, minute=10, **BUY))

    assert words(journal) == [("proposed", "directional"), ("dropped", "pending"), ("proposed", "directional")]


def test_there_is_one_bet_an_instrument(kit: Kit, strategy: HeliosStrategy, journal: MemoryJournal) -> None:
    hold_a_position(kit, strategy)

    strategy.on_prediction(prediction(BTC, minute=10, **BUY))

    assert words(journal)[-1] == ("dropped", "position_open")
    assert len(kit.orders("ENTRY")) == 1


def test_a_declined_proposal_leaves_nothing_behind(
    kit: Kit, strategy: HeliosStrategy, tiers: Tiers, journal: MemoryJournal
) -> None:
    tiers.decline(Stage.AETHER, "no_edge")

    strategy.on_prediction(prediction(BTC, **BUY))

    assert kit.cache.orders() == []
    assert not strategy.has_bet(BTC)
    assert not strategy.is_pending(BTC)


# When a position is left


@pytest.mark.parametrize("leaning", [BUY, HOLD], ids=["still a buy", "rather nothing than a sell"])
def test_a_position_stays_as_long_as_the_other_side_is_not_the_first_choice(
    kit: Kit, strategy: HeliosStrategy, journal: MemoryJournal, leaning: dict[str, float]
) -> None:
    hold_a_position(kit, strategy)

    strategy.on_prediction(prediction(BTC, minute=10, **leaning))

    assert words(journal)[-1] == ("dropped", "position_open")
    assert kit.orders("EXIT") == []


def test_a_position_is_left_without_asking_a_tier_when_the_signal_turns(
    kit: Kit, strategy: HeliosStrategy, tiers: Tiers, journal: MemoryJournal
) -> None:
    hold_a_position(kit, strategy)
    asked = {stage: len(requests) for stage, requests in tiers.requests.items()}

    strategy.on_prediction(prediction(BTC, minute=10, **SELL))
    kit.venue.fill(kit.order("EXIT"), 1_010_000)

    assert words(journal)[-1] == ("exit", "signal_turned")
    assert [position.close_reason for position in journal.of(PositionRecord)] == [CloseReason.SIGNAL]
    assert {stage: len(requests) for stage, requests in tiers.requests.items()} == asked


def test_an_entry_still_on_its_way_is_taken_back_when_the_signal_turns(kit: Kit, strategy: HeliosStrategy) -> None:
    strategy.on_prediction(prediction(BTC, minute=5, **BUY))
    kit.venue.accept(kit.order("ENTRY"))

    strategy.on_prediction(prediction(BTC, minute=10, **SELL))

    assert kit.order("ENTRY").is_pending_cancel
    assert kit.orders("EXIT") == []


# The kill switch


def test_nothing_is_proposed_while_entries_are_off(
    kit: Kit, strategy: HeliosStrategy, tiers: Tiers, journal: MemoryJournal
) -> None:
    switch(kit, entries_allowed=False)
    strategy.on_prediction(prediction(minute=5, **BUY))
    switch(kit, entries_allowed=True)
    strategy.on_prediction(prediction(minute=10, **BUY))

    assert words(journal) == [("dropped", "entries_off"), ("proposed", "directional")]


def test_with_entries_off_a_position_is_still_left_when_the_signal_turns(
    kit: Kit, strategy: HeliosStrategy, journal: MemoryJournal
) -> None:
    hold_a_position(kit, strategy)
    switch(kit, entries_allowed=False)

    strategy.on_prediction(prediction(minute=10, **SELL))

    assert words(journal)[-1] == ("exit", "signal_turned")


def test_the_kill_switch_ends_a_walk_that_is_under_way(kit: Kit, strategy: HeliosStrategy, tiers: Tiers) -> None:
    answers = tiers.hold_back(Stage.GATE)
    strategy.on_prediction(prediction(**BUY))

    switch(kit, entries_allowed=False)
    answers[0]()

    assert not strategy.is_pending(BTC)
    assert kit.cache.orders() == []


# Starting and stopping


def test_a_stopped_strategy_hears_nothing(kit: Kit, strategy: HeliosStrategy, journal: MemoryJournal) -> None:
    strategy.stop()

    kit.msgbus.publish(TOPIC_PREDICTIONS, prediction(**BUY))

    assert words(journal) == []


def test_an_answer_after_the_stop_enters_nothing(kit: Kit, strategy: HeliosStrategy, tiers: Tiers) -> None:
    answers = tiers.hold_back(Stage.GATE)
    strategy.on_prediction(prediction(**BUY))

    strategy.stop()
    answers[0]()

    assert kit.cache.orders() == []


def test_after_a_reset_the_strategy_starts_afresh(kit: Kit, strategy: HeliosStrategy, journal: MemoryJournal) -> None:
    hold_a_position(kit, strategy)
    switch(kit, entries_allowed=False)
    strategy.stop()

    strategy.reset()

    assert strategy.entries_allowed
    assert not strategy.has_bet(BTC)
