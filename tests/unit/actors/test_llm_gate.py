from typing import Any

import pytest
from nautilus_trader.model.data import BookOrder, OrderBookDepth10
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity

from helios_nautilus.actors.consult import Answered, OnTheSpot
from helios_nautilus.actors.llm_gate import LlmGate, LlmGateConfig
from helios_nautilus.domain.decision.context import GateContext
from helios_nautilus.domain.decision.news import Headline, News
from helios_nautilus.domain.decision.policy import GateRules
from helios_nautilus.domain.decision.schema import GateAnswer
from helios_nautilus.domain.plan import Side
from helios_nautilus.domain.risk.sizing import Sizing
from helios_nautilus.domain.timeframe import NS_PER_MS
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import ContextRecord, EventRecord, GateCallRecord, GateRecord
from helios_nautilus.llm.news import NewsDesk
from helios_nautilus.llm.reply import GateCall, GateReply
from helios_nautilus.messages import (
    TOPIC_CONTROLS,
    TOPIC_OUTCOMES,
    TOPIC_PORTFOLIO,
    ControlsChanged,
    Dossier,
    Outcome,
    PortfolioState,
    Stage,
    StageReply,
    StageRequest,
)
from tests.fakes import BTC, ETH, SOL, START_NS, Kit, at, proposal, terms

APPROVAL = {
    "decision": "APPROVE",
    "reasoning": "A test says so.",
    "confidence_adjustment": 1.0,
    "position_size_multiplier": 1.0,
    "risk_flags": (),
}


CALL = GateCall(
    provider="anthropic",
    model="claude",
    source="recorded",
    request_hash="abc",
    request="{}",
    answer="{}",
    outcome="answered",
    cost_usd=0.004,
)


class Scripted:
    """A provider that says what it was told to, and remembers what it was asked."""

    name = "scripted"

    def __init__(self, **words: Any) -> None:
        answer = GateAnswer(**APPROVAL | words)
        self.reply = GateReply(answer=answer, source="recorded", provider=self.name, request_hash="abc", calls=(CALL,))
        self.asked: list[GateContext] = []

    def ask(self, context: GateContext) -> GateReply:
        self.asked.append(context)
        return self.reply


class Patient:
    """Puts a question before nobody, until the test lets it be answered."""

    def __init__(self) -> None:
        self.waiting: list[Answered] = []

    def __call__(self, context: GateContext, done: Answered) -> None:
        self.waiting.append(done)

    def answer(self) -> None:
        self.waiting.pop()(Scripted().reply)


def start(
    kit: Kit,
    journal: MemoryJournal,
    provider: Scripted | Patient,
    *,
    latency_ms: int = 0,
    news: NewsDesk | None = None,
) -> LlmGate:
    config = LlmGateConfig(instrument_ids=(BTC, ETH), rules=GateRules(latency_ms=latency_ms), book=True)
    consult = provider if isinstance(provider, Patient) else OnTheSpot(provider)
    return kit.start(LlmGate(config, journal, consult, news=news))


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


def test_the_question_the_call_and_the_answer_are_journalled_in_their_order(kit: Kit, journal: MemoryJournal) -> None:
    provider = Scripted()
    start(kit, journal, provider, latency_ms=800)

    ask(kit)
    assert [type(record) for record in journal] == [ContextRecord]
    kit.advance_to(START_NS + 800 * NS_PER_MS)

    told, call, answer = journal
    assert isinstance(told, ContextRecord)
    assert isinstance(call, GateCallRecord)
    assert isinstance(answer, GateRecord)
    assert (told.ts_ns, told.context) == (START_NS, provider.asked[0])
    assert (call.decision_id, call.request_hash, call.cost_usd, call.source) == (
        told.decision_id,
        "abc",
        0.004,
        "recorded",
    )
    assert (answer.source, answer.request_hash, answer.latency_ms) == ("recorded", "abc", 800.0)


def test_an_answer_that_takes_its_time_is_passed_on_when_it_comes_with_the_time_it_took(
    kit: Kit, journal: MemoryJournal
) -> None:
    patient = Patient()
    start(kit, journal, patient)
    replies = ask(kit)

    kit.advance_to(START_NS + 1_200 * NS_PER_MS)
    assert replies == []
    patient.answer()

    assert [reply.approved for reply in replies] == [True]
    assert journal.of(GateRecord)[0].latency_ms == 1_200.0


def test_an_answer_after_the_deadline_is_dropped_and_its_cost_kept(kit: Kit, journal: MemoryJournal) -> None:
    patient = Patient()
    start(kit, journal, patient)
    replies = ask(kit)

    kit.advance_to(START_NS + 5_251 * NS_PER_MS)
    patient.answer()

    assert (replies, journal.of(GateRecord)) == ([], [])
    assert [call.cost_usd for call in journal.of(GateCallRecord)] == [0.004]
    (event,) = journal.of(EventRecord)
    assert (event.kind, event.words) == (
        "gate_dropped",
        "the gate's answer came after 5251 ms, too late, and was not used",
    )


def test_an_answer_to_a_gate_that_was_stopped_is_dropped(kit: Kit, journal: MemoryJournal) -> None:
    patient = Patient()
    gate = start(kit, journal, patient)
    replies = ask(kit)

    gate.stop()
    patient.answer()

    assert (replies, journal.of(GateRecord)) == ([], [])
    assert len(journal.of(GateCallRecord)) == 1
    assert "after 0 ms, when the gate was stopped," in journal.of(EventRecord)[0].words


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


def switch(kit: Kit, *off: str) -> None:
    kit.msgbus.publish(TOPIC_CONTROLS, ControlsChanged(ts_ns=START_NS, entries_on=True, off=frozenset(off)))


def test_a_gate_that_is_switched_off_lets_proposals_pass_unasked_and_the_journal_says_so(
    kit: Kit, journal: MemoryJournal
) -> None:
    provider = Scripted(decision="REJECT")
    start(kit, journal, provider)
    switch(kit, "gate")

    (reply,) = ask(kit)

    assert (reply.approved, reply.dossier.terms) == (True, terms())
    assert provider.asked == []
    (record,) = journal.of(GateRecord)
    assert (record.source, record.risk_flags) == ("off", ("gate_off",))


def test_a_gate_that_is_switched_on_again_is_asked_again(kit: Kit, journal: MemoryJournal) -> None:
    provider = Scripted(decision="REJECT")
    start(kit, journal, provider)
    switch(kit, "gate")
    switch(kit)

    (reply,) = ask(kit)

    assert not reply.approved
    assert len(provider.asked) == 1


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


def test_the_context_says_which_model_looked_where(kit: Kit, journal: MemoryJournal) -> None:
    provider = Scripted()
    start(kit, journal, provider)

    ask(kit)

    told = provider.asked[0].predictions
    assert (told.model_id, told.attention) == ("model-of-the-test", (0.5, 0.3, 0.2))


def test_the_context_holds_the_last_ten_outcomes_of_the_instrument_alone_the_oldest_first(
    kit: Kit, journal: MemoryJournal
) -> None:
    provider = Scripted()
    start(kit, journal, provider)
    for number in range(12):
        tell_outcome(kit, number / 1000)
    kit.msgbus.publish(TOPIC_OUTCOMES, outcome(ETH, 0.9))

    ask(kit)

    (context,) = provider.asked
    assert [past.net_return for past in context.recent] == [number / 1000 for number in range(2, 12)]
    assert (context.recent[0].side, context.recent[0].is_hit, context.recent[0].confidence) == (Side.LONG, True, 0.6)


def test_an_outcome_told_while_the_gate_is_stopped_is_not_heard_and_none_is_heard_twice_later(
    kit: Kit, journal: MemoryJournal
) -> None:
    provider = Scripted()
    gate = start(kit, journal, provider)
    gate.stop()
    tell_outcome(kit, 0.1)
    gate.resume()
    tell_outcome(kit, 0.2)

    ask(kit)

    assert [past.net_return for past in provider.asked[0].recent] == [0.2]


def test_a_fresh_book_tells_how_it_leans_and_an_old_one_nothing(kit: Kit, journal: MemoryJournal) -> None:
    provider = Scripted()
    gate = start(kit, journal, provider)
    gate.handle_order_book_depth(book(bid_size=30, ask_size=10))

    ask(kit)
    kit.advance_to(at(1) + 1)
    ask(kit)

    fresh, old = provider.asked
    assert fresh.market.imbalance == pytest.approx((99 * 30 - 101 * 10) / (99 * 30 + 101 * 10))
    assert old.market.imbalance is None


def test_the_desk_is_asked_for_news_of_the_base_currency_at_this_moment(kit: Kit, journal: MemoryJournal) -> None:
    news = News(headlines=(Headline(title="Bitcoin rises", source="wire", age_mins=3, sentiment=0.4),))
    asked: list[tuple[str, int]] = []

    class Desk:
        def news(self, base: str, now_ns: int) -> News | None:
            asked.append((base, now_ns))
            return news

    provider = Scripted()
    start(kit, journal, provider, news=Desk())
    kit.advance_to(at(3))

    ask(kit)

    assert asked == [("BTC", at(3))]
    assert provider.asked[0].news is news


def test_without_a_desk_news_are_unavailable(kit: Kit, journal: MemoryJournal) -> None:
    provider = Scripted()
    start(kit, journal, provider)
    ask(kit)
    assert provider.asked[0].news is None


def outcome(instrument_id: InstrumentId, net_return: float) -> Outcome:
    return Outcome(
        ts_ns=START_NS,
        decision_id="d",
        instrument_id=instrument_id,
        predicted_ns=START_NS - 1,
        side=Side.LONG,
        confidence=0.6,
        is_hit=True,
        net_return=net_return,
    )


def tell_outcome(kit: Kit, net_return: float) -> None:
    kit.msgbus.publish(TOPIC_OUTCOMES, outcome(BTC, net_return))


def book(*, bid_size: int, ask_size: int) -> OrderBookDepth10:
    """One level on either side at the start, at 99 and 101."""

    def levels(side: OrderSide, price: int, size: int) -> list[BookOrder]:
        first = BookOrder(side, Price.from_int(price), Quantity.from_int(size), 0)
        return [first, *[BookOrder(side, Price.from_int(0), Quantity.from_int(0), 0)] * 9]

    bids, asks = levels(OrderSide.BUY, 99, bid_size), levels(OrderSide.SELL, 101, ask_size)
    return OrderBookDepth10(BTC, bids, asks, [1] * 10, [1] * 10, 0, 0, START_NS, START_NS)
