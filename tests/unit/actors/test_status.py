from collections.abc import Mapping
from typing import Any

import pytest
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.actors.guardian import Guardian, GuardianConfig
from helios_nautilus.actors.readiness import Item
from helios_nautilus.actors.status import Sources, StatusActor, StatusConfig
from helios_nautilus.adapters.valr.constants import VALR_VENUE
from helios_nautilus.domain.lifecycle import Guard
from helios_nautilus.domain.portfolio.kill_switch import KillState
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.domain.watchdog import Vitals
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.status import NodeStatus
from helios_nautilus.journal.writer import WriterStatus
from helios_nautilus.messages import (
    TOPIC_CONTROLS,
    TOPIC_PIPELINE,
    TOPIC_PREDICTIONS,
    TOPIC_VITALS,
    ControlsChanged,
    PipelineEvent,
    Stage,
)
from tests.fakes import BTC, ETH, SOL, START_NS, Kit, prediction

MILLION = 1_000_000.0


class Shown:
    """A node with a status, and what it says."""

    def __init__(self, kit: Kit, journal: MemoryJournal, *others: Any) -> None:
        self.kit = kit
        self.heard: list[NodeStatus] = []
        self.items = (Item(name="journal", missing=""), Item(name="bars", missing="none of BTCZAR.VALR"))
        self.guards: Mapping[InstrumentId, Guard] = {}
        config = GuardianConfig(instrument_ids=(BTC, ETH, SOL), venue=VALR_VENUE, is_live=True)
        self.guardian = kit.start(Guardian(config, journal))
        sources = Sources(
            guardian=self.guardian,
            needs=lambda: self.items,
            guards=lambda: self.guards,
            journal=lambda: WriterStatus(waiting=3, kept=10, stored=9, lost=1, is_direct=True, is_healthy=False),
            forecast=lambda _name: None,
        )
        settings = StatusConfig(
            instrument_ids=(BTC, ETH, SOL),
            venue=VALR_VENUE,
            account_currency="ZAR",
            base="1m",
            run_id="small-paper-1",
            mode="paper",
            name="small",
            model_id="m",
            started_ns=START_NS,
        )
        self.actor = kit.start(StatusActor(settings, sources, [*others, self.heard.append]))

    def next(self) -> NodeStatus:
        """What is said within the next second."""
        self.kit.advance_to(self.kit.clock.timestamp_ns() + NS_PER_SEC)
        return self.heard[-1]

    def quote(self, bid: float, ask: float) -> None:
        instrument, now_ns = self.kit.cache.instrument(BTC), self.kit.clock.timestamp_ns()
        prices, size = (instrument.make_price(bid), instrument.make_price(ask)), instrument.make_qty(1)
        tick = QuoteTick(BTC, *prices, size, size, now_ns, now_ns)
        self.kit.cache.add_quote_tick(tick)
        self.guardian.handle_quote_tick(tick)


@pytest.fixture
def shown(kit: Kit, journal: MemoryJournal) -> Shown:
    return Shown(kit, journal)


def test_every_second_the_node_says_whose_it_is_and_what_it_lacks(shown: Shown) -> None:
    first, second = shown.next(), shown.next()

    assert second.ts_ns - first.ts_ns == NS_PER_SEC
    assert (first.run_id, first.mode, first.name, first.model_id) == ("small-paper-1", "paper", "small", "m")
    assert not first.is_ready
    assert {need.name: need.missing for need in first.needs} == {"journal": "", "bars": "none of BTCZAR.VALR"}
    assert (first.journal_waiting, first.journal_lost, first.is_journal_healthy) == (3, 1, False)
    shown.items = shown.items[:1]
    assert shown.next().is_ready


def test_before_anything_is_known_nothing_is_made_up(shown: Shown) -> None:
    status = shown.actor.assemble()

    assert (status.equity, status.peak, status.drawdown, status.exposure) == (None, None, None, None)
    assert (status.positions, status.clock_skew_ms) == ((), None)
    assert {market.price for market in status.markets} == {None}
    shown.items = ()
    assert not shown.next().is_ready


def test_a_position_is_shown_at_the_price_of_now_with_what_watches_over_it(kit: Kit, journal: MemoryJournal) -> None:
    kit.hold(BTC, MILLION)
    shown = Shown(kit, journal)
    kit.report(ZAR=90_000, BTC=0.01)
    shown.guards = {
        BTC: Guard(decision_id="d1", stop_price=980_000.0, target_price=1_040_000.0, deadline_ns=5, is_working=True)
    }
    kit.advance_to(START_NS + 2 * NS_PER_SEC)
    shown.quote(1_009_000, 1_011_000)

    (position,) = shown.next().positions

    assert (position.instrument_id, position.side, position.decision_id) == (BTC.value, "LONG", "d1")
    assert (position.price, position.value, position.pnl) == pytest.approx((1_010_000, 10_100, 100))
    assert (position.stop_price, position.target_price, position.deadline_ns) == (980_000.0, 1_040_000.0, 5)
    assert position.is_guarded
    status = shown.heard[-1]
    assert (status.equity, status.cash, status.exposure) == pytest.approx((100_100, 90_000, 10_100 / 100_100))


def test_a_position_that_nothing_watches_over_is_shown_as_that(kit: Kit, journal: MemoryJournal) -> None:
    kit.hold(BTC, MILLION)
    shown = Shown(kit, journal)

    (position,) = shown.next().positions

    assert (position.is_guarded, position.stop_price, position.decision_id) == (False, None, "")


def test_what_the_watchdog_measured_is_passed_on(shown: Shown) -> None:
    vitals = Vitals(
        ts_ns=START_NS,
        loop_lag_ms=12.0,
        clock_skew_secs=-0.25,
        memory_mb=321.0,
        memory_growth_mb=0.0,
        quote_age_secs={BTC.value: 1.5, ETH.value: None, SOL.value: 2.0},
        bar_age_secs={BTC.value: 30.0, ETH.value: None, SOL.value: 31.0},
        is_journal_healthy=True,
    )
    shown.kit.msgbus.publish(TOPIC_VITALS, vitals)

    status = shown.next()

    assert (status.loop_lag_ms, status.clock_skew_ms, status.memory_mb) == (12.0, -250.0, 321.0)
    assert [(market.quote_age_secs, market.bar_age_secs) for market in status.markets] == [
        (1.5, 30.0),
        (None, None),
        (2.0, 31.0),
    ]


def test_the_kill_switch_and_its_words_are_shown(shown: Shown) -> None:
    shown.guardian.operate(KillState.REDUCE_ONLY, "ann", "a test")

    status = shown.next()

    assert (status.kill_state, status.kill_words) == ("REDUCE_ONLY", "REDUCE_ONLY by ann: a test")


def test_each_tier_is_shown_with_its_last_word_and_its_failures(shown: Shown) -> None:
    bus = shown.kit.msgbus
    bus.publish(TOPIC_PREDICTIONS, prediction())
    for stage, ok, words in ((Stage.GATE, False, "gate_late"), (Stage.GUARDIAN, True, "position")):
        event = PipelineEvent(decision_id="d", ts_ns=START_NS + 7, stage=stage, ok=ok, words=words)
        bus.publish(TOPIC_PIPELINE, event)

    status = shown.next()

    assert {tier.tier: (tier.words, tier.errors) for tier in status.tiers} == {
        "prediction": ("BTCZAR.VALR: buy 70%, sell 10%, hold 20%", 0),
        "aether": ("d: passed", 0),
        "gate": ("d: passed", 1),
        "guardian": ("d: position", 0),
    }
    assert status.pipeline_errors == 0, "a walk that reached Guardian starts the count again"


def test_the_operator_s_switches_are_shown(shown: Shown) -> None:
    controls = ControlsChanged(ts_ns=START_NS, entries_on=False, off=frozenset({"gate"}))
    shown.kit.msgbus.publish(TOPIC_CONTROLS, controls)

    status = shown.next()

    assert not status.entries_on
    assert [tier.tier for tier in status.tiers if not tier.is_on] == ["gate"]


def test_a_listener_that_breaks_keeps_nothing_from_the_others(kit: Kit, journal: MemoryJournal) -> None:
    def broken(_status: NodeStatus) -> None:
        raise RuntimeError("a listener's own mistake")

    shown = Shown(kit, journal, broken)

    assert shown.next() is not shown.next()


def test_a_node_that_stops_says_how_it_was_at_last_and_no_more(shown: Shown) -> None:
    shown.next()
    before = len(shown.heard)
    shown.actor.stop()
    assert len(shown.heard) == before + 1

    shown.kit.msgbus.publish(TOPIC_PREDICTIONS, prediction())
    assert shown.actor.assemble().tiers[0].words == ""
