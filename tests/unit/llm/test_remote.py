"""The chain over scripted models: order, deadline, retries, money, slots and cancellation."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from helios_nautilus.domain.decision.policy import GateRules
from helios_nautilus.journal.records import GateCallRecord
from helios_nautilus.llm.cassette import Cassette
from helios_nautilus.llm.reply import CallFailed, GateCall, GateReply, ModelReply
from tests.unit.llm.scripted import CONTEXT, COST, ScriptedModel, budget, gate, says

BROKEN = CallFailed("connection", "the connection broke")
QUICK = GateRules(provider="anthropic", on_failure="reject", deadline_ms=50, latency_ms=0)


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0)


def test_a_call_is_what_the_journal_keeps_of_it() -> None:
    kept = {field.name: field.type for field in msgspec.structs.fields(GateCallRecord)}
    told = {field.name for field in msgspec.structs.fields(GateCall)}
    assert told == kept.keys() - {"ts_ns", "decision_id", "instrument_id"}


def test_the_first_provider_that_answers_is_the_gate() -> None:
    first, second = ScriptedModel(says()), ScriptedModel(says(), name="openai")
    reply = asyncio.run(gate(first, second).ask(CONTEXT))
    assert (reply.source, reply.provider, reply.answer.decision) == ("live", "anthropic", "APPROVE")
    assert second.asked == []


def test_the_next_provider_is_asked_the_same_in_its_own_words() -> None:
    first, second = ScriptedModel(BROKEN), ScriptedModel(says(decision="REJECT"), name="openai")
    reply = asyncio.run(gate(first, second).ask(CONTEXT))
    assert (reply.source, reply.provider, reply.answer.decision) == ("live", "openai", "REJECT")
    assert first.asked[0].user == second.asked[0].user
    assert [call.outcome for call in reply.calls] == ["connection", "answered"]


@pytest.mark.parametrize(("on_failure", "source"), [("reject", "failed"), ("rules", "ruled")])
def test_when_nobody_answers_it_goes_by_on_failure_and_says_why(on_failure: str, source: str) -> None:
    rules = msgspec.convert({"provider": "anthropic", "on_failure": on_failure}, GateRules)
    models = ScriptedModel(BROKEN), ScriptedModel(CallFailed("overloaded", "it is overloaded"), name="openai")
    reply = asyncio.run(gate(*models, rules=rules).ask(CONTEXT))
    assert (reply.source, reply.provider) == (source, on_failure)
    assert "the connection broke; it is overloaded" in reply.answer.reasoning
    assert reply.answer.risk_flags[0] == "gate_failed"
    assert reply.request_hash == reply.calls[0].request_hash


def test_a_rejection_of_the_first_is_no_reason_to_ask_another() -> None:
    second = ScriptedModel(says(), name="openai")
    for text in ("nonsense", "{}", ""):
        first = ScriptedModel(ModelReply(ending="answered", text=text, model="m"))
        assert asyncio.run(gate(first, second).ask(CONTEXT)).answer.decision == "REJECT"
    assert second.asked == []


def test_a_provider_that_never_answers_leaves_time_for_the_next() -> None:
    rules = GateRules(provider="anthropic", deadline_ms=200, latency_ms=0)
    reply = asyncio.run(gate(ScriptedModel(None), ScriptedModel(says(), name="openai"), rules=rules).ask(CONTEXT))
    assert [call.outcome for call in reply.calls] == ["timeout", "answered"]


def test_the_deadline_ends_the_question_and_nothing_stays_under_way() -> None:
    model = ScriptedModel(None)
    reply = asyncio.run(gate(model, rules=QUICK, attempts=5).ask(CONTEXT))
    assert [call.outcome for call in reply.calls] == ["timeout"]
    assert model.under_way == 0


def test_what_may_help_is_tried_again_and_what_cannot_is_not() -> None:
    model = ScriptedModel(CallFailed("rate_limited", "wait", 0.0), BROKEN, says())
    reply = asyncio.run(gate(model, attempts=3).ask(CONTEXT))
    assert [call.outcome for call in reply.calls] == ["rate_limited", "connection", "answered"]
    for code in ("unauthorised", "bad_request"):
        model = ScriptedModel(CallFailed(code, "no"), says())
        assert [call.outcome for call in asyncio.run(gate(model, attempts=3).ask(CONTEXT)).calls] == [code]


def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    model = ScriptedModel(CallFailed("rate_limited", "wait", 30.0), says())
    reply = asyncio.run(gate(model, attempts=2).ask(CONTEXT))
    assert [call.outcome for call in reply.calls] == ["rate_limited"]


def test_an_answer_costs_what_its_tokens_cost_and_the_budget_knows_it() -> None:
    purse = budget(usd=1.0)
    reply = asyncio.run(gate(ScriptedModel(says()), spend=purse).ask(CONTEXT))
    assert reply.calls[0].cost_usd == pytest.approx(COST)
    assert (purse.spent.calls, purse.spent.usd) == (1, pytest.approx(COST))


def test_an_answer_without_a_count_of_tokens_costs_the_most_it_can() -> None:
    silent = ModelReply(ending="answered", text=says().text, model="m")
    reply = asyncio.run(gate(ScriptedModel(silent)).ask(CONTEXT))
    assert reply.calls[0].cost_usd > COST / 2


@pytest.mark.parametrize(("code", "is_charged"), [("timeout", True), ("connection", True), ("overloaded", False)])
def test_a_failure_costs_the_estimate_only_where_the_work_may_have_been_done(code: str, is_charged: bool) -> None:
    purse = budget()
    reply = asyncio.run(gate(ScriptedModel(CallFailed(code, "no")), spend=purse).ask(CONTEXT))  # type: ignore[arg-type]
    assert (reply.calls[0].cost_usd > 0.0) is is_charged
    assert purse.spent.usd == pytest.approx(reply.calls[0].cost_usd)


def test_a_spent_budget_is_a_failure_without_a_call() -> None:
    model = ScriptedModel(says())
    reply = asyncio.run(gate(model, spend=budget(usd=0.0)).ask(CONTEXT))
    assert ([call.outcome for call in reply.calls], reply.answer.decision) == (["over_budget"], "REJECT")
    assert model.asked == []


def test_questions_under_way_together_cannot_overdraw_the_day() -> None:
    model = ScriptedModel(says())

    async def work() -> list[GateReply]:
        asked = gate(model, spend=budget(calls=2))
        return list(await asyncio.gather(*(asked.ask(CONTEXT) for _ in range(5))))

    outcomes = sorted(call.outcome for reply in asyncio.run(work()) for call in reply.calls)
    assert outcomes == ["answered"] * 2 + ["over_budget"] * 3
    assert len(model.asked) == 2


def test_a_breaker_that_stays_shut_gives_the_money_back() -> None:
    purse = budget()
    model = ScriptedModel(CallFailed("overloaded", "no"))

    async def work() -> GateReply:
        asked = gate(model, spend=purse, failures=2)
        for _ in range(4):
            reply = await asked.ask(CONTEXT)
        return reply

    assert [call.outcome for call in asyncio.run(work()).calls] == ["breaker_open"]
    assert (len(model.asked), purse.spent.calls) == (2, 2)


def test_no_more_questions_are_under_way_than_allowed_and_the_next_waits_its_deadline_out() -> None:
    model, other, purse = ScriptedModel(None), ScriptedModel(says()), budget()

    async def work() -> GateReply:
        slots = asyncio.Semaphore(2)
        asked = gate(model, slots=slots)
        questions = [asyncio.create_task(asked.ask(CONTEXT)) for _ in range(2)]
        await _until(lambda: model.under_way == 2)
        reply = await gate(other, rules=QUICK, slots=slots, spend=purse).ask(CONTEXT)
        for question in questions:
            question.cancel()
        await asyncio.gather(*questions, return_exceptions=True)
        return reply

    assert [call.outcome for call in asyncio.run(work()).calls] == ["busy"]
    assert (other.asked, purse.spent.calls) == ([], 0)


def test_a_cancelled_question_frees_its_slot_and_keeps_the_money_counted() -> None:
    model, purse = ScriptedModel(None, says()), budget()

    async def work() -> GateReply:
        asked = gate(model, spend=purse, slots=asyncio.Semaphore(1))
        question = asyncio.create_task(asked.ask(CONTEXT))
        await _until(lambda: model.under_way == 1)
        question.cancel()
        with pytest.raises(asyncio.CancelledError):
            await question
        return await asked.ask(CONTEXT)

    assert asyncio.run(work()).source == "live"
    assert purse.spent.calls == 2
    assert purse.spent.usd > COST


def test_an_answer_is_recorded_once_and_then_replayed(tmp_path: Path) -> None:
    model = ScriptedModel(says(position_size_multiplier=0.5, decision="MODIFY"))

    async def work() -> tuple[GateReply, GateReply]:
        asked = gate(model, cassette=Cassette(tmp_path / "gate.jsonl"))
        return await asked.ask(CONTEXT), await asked.ask(CONTEXT)

    live, recorded = asyncio.run(work())
    assert (live.source, recorded.source, len(model.asked)) == ("live", "recorded", 1)
    assert recorded.answer == live.answer
    assert recorded.calls[0].cost_usd == 0.0


def test_closing_the_gate_closes_every_model() -> None:
    models = ScriptedModel(says()), ScriptedModel(says(), name="openai")
    asyncio.run(gate(*models).close())
    assert [model.is_closed for model in models] == [True, True]
