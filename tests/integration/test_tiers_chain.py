"""All five tiers, real ones, on Nautilus's simulated venue; only the predictions are given by hand."""

from itertools import groupby
from typing import Any

import numpy as np
import pytest
from nautilus_trader.common.actor import Actor
from nautilus_trader.model.enums import TradingState

from helios_nautilus.actors.aether import Aether, AetherConfig
from helios_nautilus.actors.consult import OnTheSpot
from helios_nautilus.actors.guardian import Guardian, GuardianConfig
from helios_nautilus.actors.llm_gate import LlmGate, LlmGateConfig
from helios_nautilus.adapters.valr.constants import VALR_VENUE
from helios_nautilus.domain.decision.policy import GateRules
from helios_nautilus.domain.portfolio.kill_switch import KillSwitchRules
from helios_nautilus.domain.risk.volatility import VolatilityRules, VolatilityTracker
from helios_nautilus.domain.timeframe import NS_PER_MS, NS_PER_SEC
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import (
    EquityRecord,
    EventRecord,
    GateRecord,
    GuardianRecord,
    KillSwitchRecord,
    OrderRecord,
    PositionRecord,
    SizingRecord,
)
from helios_nautilus.llm.chain import build_provider
from tests.fakes import BTC, ETH, START_NS, Rig, at, flat, prediction, random_walk

M = 1_000_000.0


def five_tiers(
    rig: Rig, *others: Actor, latency_ms: int = 800, limits: KillSwitchRules | None = None, warm: bool = True
) -> None:
    """Guardian first, as in `node.tiers`, and the ``others`` last."""
    ids = tuple(rig.instruments)
    plan, gate = rig.strategy.config.plan, GateRules(provider="off", latency_ms=latency_ms)
    trackers = {each.value: warm_tracker(each.symbol.value[:3]) for each in ids} if warm else {}
    rig.use(
        Guardian(
            GuardianConfig(instrument_ids=ids, venue=VALR_VENUE, kill_switch=limits or KillSwitchRules()),
            rig.journal,
            risk_switch=rig.engine.kernel.risk_engine,
        ),
        Aether(AetherConfig(instrument_ids=ids, plan=plan), rig.journal, trackers=trackers),
        LlmGate(LlmGateConfig(instrument_ids=ids, rules=gate), rig.journal, OnTheSpot(build_provider(gate))),
        *others,
    )


def warm_tracker(base: str) -> VolatilityTracker:
    """Ten hours of about 3 % a day, up to the start."""
    tracker = VolatilityTracker(VolatilityRules(), base)
    steps = np.random.default_rng(0).normal(0.0, 0.03 / 288**0.5, 121)
    for number, close in enumerate((M * np.exp(np.cumsum(steps))).tolist()):
        tracker.update(at(5 * (number - 121)), close)
    tracker.refit(START_NS)
    return tracker


def kinds(journal: MemoryJournal, decision_id: str) -> list[str]:
    """What was journalled of a decision, without repetitions."""
    return [kind for kind, _ in groupby(type(record).__name__ for record in journal.about(decision_id))]


def test_a_decision_leaves_every_tiers_word_under_one_id_from_the_prediction_to_the_last_fill() -> None:
    rig = Rig()
    five_tiers(rig)
    rig.candles([*flat(M, 8), (M, M * 1.1, M, M * 1.1), *flat(M * 1.1, 5)])
    said = prediction(BTC, minute=5, price=M)
    rig.predict(said)

    journal = rig.run()

    assert kinds(journal, said.decision_id) == [
        "PredictionRecord",
        "SignalRecord",
        "SizingRecord",
        "ContextRecord",
        "GateRecord",
        "GuardianRecord",
        "OrderRecord",
        "FillRecord",
        "OrderRecord",
        "FillRecord",
        "PositionRecord",
        "OrderRecord",
    ]
    (sizing,), (gate,), (guardian,) = (journal.of(kind) for kind in (SizingRecord, GateRecord, GuardianRecord))
    assert sizing.approved
    assert gate.notional == sizing.notional
    assert guardian.passed


def test_the_order_leaves_in_the_moment_guardian_passes_it_after_the_gates_time() -> None:
    rig = Rig()
    five_tiers(rig, latency_ms=800)
    rig.candles(flat(M, 15))
    said = prediction(BTC, minute=5, price=M)
    rig.predict(said)

    journal = rig.run()

    answered_ns = said.ts_init + 800 * NS_PER_MS
    assert journal.of(SizingRecord)[0].ts_ns == said.ts_init
    assert journal.of(GateRecord)[0].ts_ns == answered_ns
    assert journal.of(GuardianRecord)[0].ts_ns == answered_ns
    assert journal.of(OrderRecord)[0].ts_ns == answered_ns


def test_two_runs_of_the_same_leave_equal_journals() -> None:
    first, second = busy_run(), busy_run()

    assert list(first) == list(second)
    assert {type(record) for record in first} >= {
        PositionRecord,
        SizingRecord,
        GateRecord,
        GuardianRecord,
        EquityRecord,
    }


def busy_run() -> MemoryJournal:
    """Two pairs, three hours, a prediction every five minutes."""
    rig = Rig(BTC, ETH)
    five_tiers(rig)
    rng = np.random.default_rng(5)
    for seed, (instrument_id, first) in enumerate({BTC: M, ETH: 50_000.0}.items()):
        candles = random_walk(180, seed=seed, first=first, daily=0.2)
        rig.candles(candles, instrument_id)
        for minute in range(5, 180, 5):
            p_buy = float(rng.uniform(0.2, 0.7))
            close = candles[minute - 1][3]
            rig.predict(prediction(instrument_id, minute=minute, p_buy=p_buy, p_sell=0.25, price=close))
    return rig.run()


def test_without_a_known_volatility_nothing_is_entered() -> None:
    rig = Rig()
    five_tiers(rig, warm=False)
    rig.candles(flat(M, 15))
    rig.predict(prediction(BTC, minute=5, price=M))

    journal = rig.run()

    assert [sizing.reason for sizing in journal.of(SizingRecord)] == ["no_volatility"]
    assert journal.of(OrderRecord) == []


def test_a_gate_slower_than_a_proposal_lives_enters_nothing_and_after_five_times_stops_entries() -> None:
    rig = Rig(proposal_ttl_secs=0.5)
    five_tiers(rig, latency_ms=800)
    rig.candles(flat(M, 40))
    for minute in range(5, 36, 5):
        rig.predict(prediction(BTC, minute=minute, price=M))

    journal = rig.run()

    assert [event.words for event in journal.of(EventRecord)] == ["gate: gate_late"] * 5
    (record,) = journal.of(KillSwitchRecord)
    assert (record.state, record.trigger) == ("REDUCE_ONLY", "PIPELINE_ERRORS")
    assert journal.of(OrderRecord) == []


def halting_run(**settings: Any) -> tuple[Rig, MemoryJournal]:
    """BTC is held when a fall takes more than the drawdown allowed; another prediction comes later."""
    rig = Rig(**settings)
    five_tiers(rig, limits=KillSwitchRules(max_drawdown=0.0005))
    rig.candles([*flat(M, 7), *flat(M * 0.99, 15)])
    rig.predict(prediction(BTC, minute=5, price=M))
    rig.predict(prediction(BTC, minute=15, price=M * 0.99))
    return rig, rig.run()


def test_a_drawdown_past_its_limit_flattens_then_closes_the_engines_second_wall() -> None:
    rig, journal = halting_run()

    (position,) = journal.of(PositionRecord)
    (switch,) = journal.of(KillSwitchRecord)
    assert (switch.state, switch.trigger) == ("HALT", "DRAWDOWN")
    assert position.close_reason == "KILL"
    assert switch.ts_ns < position.ts_ns == pytest.approx(switch.ts_ns, abs=5 * NS_PER_SEC)
    assert rig.working_orders == []
    assert rig.engine.kernel.risk_engine.trading_state == TradingState.HALTED


def test_after_a_halt_nothing_is_proposed() -> None:
    _, journal = halting_run()

    assert kinds(journal, prediction(BTC, minute=15).decision_id) == ["PredictionRecord", "SignalRecord"]
    assert journal.of(EquityRecord)[-1].open_positions == 0
