from typing import Any

import pytest

from helios_nautilus.actors.llm_gate import LlmGate, LlmGateConfig
from helios_nautilus.domain.decision.context import GateContext
from helios_nautilus.domain.decision.policy import GateRules
from helios_nautilus.domain.decision.schema import GateAnswer
from helios_nautilus.domain.plan import Side
from helios_nautilus.domain.risk.sizing import Sizing
from helios_nautilus.domain.timeframe import NS_PER_MS
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import GateRecord
from helios_nautilus.messages import TOPIC_PORTFOLIO, Dossier, PortfolioState, Stage, StageReply, StageRequest
from tests.fakes import BTC, ETH, SOL, START_NS, Kit, at, proposal, terms

APPROVAL = {
    "decision": "APPROVE",
    "reasoning": "A test says so.",
    "confidence_adjustment": 1.0,
    "position_size_multiplier": 1.0,
    "risk_flags": (),
}


class Scripted:
    """A provider that says what it was told to, and remembers what it was asked."""

    name = "scripted"

    def __init__(self, **words: Any) -> None:
        self.answer_given = GateAnswer(**APPROVAL | words)
        self.asked: list[GateContext] = []

    def answer(self, context: GateContext) -> GateAnswer:
        self.asked.append(context)
        return self.answer_given


def start(kit: Kit, journal: MemoryJournal, provider: Scripted, *, latency_ms: int = 0) -> LlmGate:
    config = LlmGateConfig(instrument_ids=(BTC, ETH), rules=GateRules(latency_ms=latency_ms))
    return kit.start(LlmGate(config, journal, provider))


def ask(kit: Kit) -> list[StageReply]:
    """Put a sized proposal before the gate; the list holds its answer once there is one."""
    replies: list[StageReply] = []
    dossier = Dossier(
        proposal=proposal(BTC), sizing=Sizing(side=Side.LONG, regime="MEDIUM", vol_daily=0.03), terms=terms()
    )
    kit.msgbus.send(Stage.GATE.endpoint, StageRequest(dossier=dossier, reply=replies.append))
    return replies


# The answer


def test_an_approval_leaves_the_terms_as_aether_made_them(kit: Kit, journal: MemoryJournal) -> None:
    start(kit, journal, Scripted())

    (reply,) = ask(kit)

    assert (reply.stage, reply.approved, reply.dossier.terms) == (Stage.GATE, True, terms())


def test_the_answer_comes_after_the_simulated_latency_and_not_before(kit: Kit, journal: MemoryJournal) -> None:
    start(kit, journal, Scripted(), latency_ms=800)

    replies = ask(kit)

    kit.advance_to(START_NS + 800 * NS_PER_MS - 1)
    assert replies == []
    assert journal.of(GateRecord) == []
    kit.advance_to(START_NS + 800 * NS_PER_MS)
    assert len(replies) == len(journal.of(GateRecord)) == 1


def test_a_rejection_is_a_no_and_its_words_are_journalled(kit: Kit, journal: MemoryJournal) -> None:
    start(kit, journal, Scripted(decision="REJECT", reasoning="Thin books.", risk_flags=("thin_liquidity",)))

    (reply,) = ask(kit)

    assert (reply.approved, reply.reason) == (False, "gate_rejected")
    (record,) = journal.of(GateRecord)
    assert (record.provider, record.decision) == ("scripted", "REJECT")
    assert record.reasoning.startswith("Thin books.")
    assert record.risk_flags == ("thin_liquidity",)
    assert record.notional == 0


def test_the_gate_can_shrink_and_tighten(kit: Kit, journal: MemoryJournal) -> None:
    start(kit, journal, Scripted(decision="MODIFY", position_size_multiplier=0.5, suggested_stop=0.015))

    (reply,) = ask(kit)

    after = reply.dossier.known_terms
    assert (after.notional, after.stop, after.target) == (terms().notional / 2, 0.015, terms().target)
    assert journal.of(GateRecord)[0].decision == "MODIFY"


def test_the_gate_cannot_enlarge_or_loosen_and_the_journal_says_what_it_asked_for(
    kit: Kit, journal: MemoryJournal
) -> None:
    start(kit, journal, Scripted(suggested_leverage=3.0, suggested_stop=0.5, suggested_target=0.9))

    (reply,) = ask(kit)

    assert reply.dossier.terms == terms()
    (record,) = journal.of(GateRecord)
    assert [words.split()[0] for words in record.clamped] == ["leverage", "stop", "target"]


def test_a_gate_that_is_stopped_closes_its_endpoint_and_gives_no_late_answer_until_it_goes_on(
    kit: Kit, journal: MemoryJournal
) -> None:
    gate = start(kit, journal, Scripted(), latency_ms=800)
    replies = ask(kit)

    gate.stop()
    kit.advance_to(at(1))

    assert Stage.GATE.endpoint not in kit.msgbus.endpoints()
    assert replies == []
    gate.resume()
    assert Stage.GATE.endpoint in kit.msgbus.endpoints()


# What it is told


def test_the_context_holds_what_is_known_at_this_moment_and_says_unknown_of_the_rest(
    kit: Kit, journal: MemoryJournal
) -> None:
    provider = Scripted()
    gate = start(kit, journal, provider)
    kit.advance_to(at(5))
    kit.bar(gate, 1_000_000, BTC, timeframe="5m")

    ask(kit)

    (context,) = provider.asked
    assert (context.ts_ns, context.instrument_id, context.side) == (at(5), BTC.value, Side.LONG)
    assert (context.market.price, context.market.volatility) == (1_000_000, "MEDIUM")
    assert (context.market.spread, context.market.change_24h) == (None, None)
    assert (context.portfolio.equity, context.portfolio.positions) == (None, ())
    assert context.predictions.p_buy == pytest.approx(0.7)


def test_the_context_names_what_is_held_with_its_weight_where_that_is_known(kit: Kit, journal: MemoryJournal) -> None:
    kit.hold(SOL, 2_000.0, notional=10_000)
    kit.hold(ETH, 50_000.0, notional=10_000)
    provider = Scripted()
    gate = start(kit, journal, provider)
    kit.bar(gate, 50_000, ETH, timeframe="5m")
    tell_equity(kit, 100_000)

    ask(kit)

    (context,) = provider.asked
    weights = [(position.instrument_id, position.weight) for position in context.portfolio.positions]
    assert weights == [(ETH.value, pytest.approx(0.1)), (SOL.value, None)], "SOL is another strategy's instrument"


def tell_equity(kit: Kit, equity: float) -> None:
    state = PortfolioState(
        ts_ns=START_NS, equity=equity, peak=equity, drawdown=0.0, daily_loss=0.0, exposure=0.0, open_positions=0
    )
    kit.msgbus.publish(TOPIC_PORTFOLIO, state)
