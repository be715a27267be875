import asyncio
from pathlib import Path

import msgspec
import pytest

from helios_nautilus.domain.decision.policy import GateRules
from helios_nautilus.llm.cassette import Cassette
from helios_nautilus.llm.chain import build_provider
from helios_nautilus.llm.reply import GateReply, ModelReply
from helios_nautilus.llm.settings import LlmSettings
from tests.unit.llm.scripted import CONTEXT, ScriptedModel, gate, says


@pytest.fixture
def settings(tmp_path: Path) -> LlmSettings:
    return LlmSettings(cassette=tmp_path / "gate.jsonl")


def _record(settings: LlmSettings, model: ScriptedModel) -> GateReply:
    return asyncio.run(gate(model, cassette=Cassette(settings.cassette)).ask(CONTEXT))


@pytest.mark.parametrize(
    "reply",
    [
        says(decision="MODIFY", position_size_multiplier=0.5),
        ModelReply(ending="answered", text="no JSON", model="m"),
        ModelReply(ending="refused", text="", model="m", words="Cannot."),
        ModelReply(ending="cut", text=says().text, model="m"),
    ],
    ids=["answered", "undecodable", "refused", "cut"],
)
def test_a_recorded_answer_is_the_one_that_was_given(settings: LlmSettings, reply: ModelReply) -> None:
    live = _record(settings, ScriptedModel(reply))
    replayed = build_provider(GateRules(provider="anthropic"), settings).ask(CONTEXT)
    assert (replayed.source, replayed.provider) == ("recorded", "anthropic")
    assert replayed.answer == live.answer
    assert replayed.request_hash == live.request_hash
    (then,), (now,) = live.calls, replayed.calls
    assert now == msgspec.structs.replace(then, source="recorded", latency_ms=0.0, cost_usd=0.0)


def test_an_answer_of_a_fallback_is_found_too(settings: LlmSettings) -> None:
    _record(settings, ScriptedModel(says(), name="openai"))
    assert build_provider(GateRules(provider="recorded"), settings).ask(CONTEXT).provider == "openai"
    assert build_provider(GateRules(provider="anthropic"), settings).ask(CONTEXT).source == "ruled"


@pytest.mark.parametrize(("on_failure", "source"), [("rules", "ruled"), ("reject", "failed")])
def test_a_missing_answer_is_said_and_goes_by_on_failure(settings: LlmSettings, on_failure: str, source: str) -> None:
    rules = msgspec.convert({"provider": "anthropic", "on_failure": on_failure}, GateRules)
    reply = build_provider(rules, settings).ask(CONTEXT)
    assert (reply.source, reply.provider) == (source, on_failure)
    (call,) = reply.calls
    assert (call.outcome, call.source, call.request_hash) == ("missing", "failed", reply.request_hash)
    assert "gate.jsonl holds no answer" in reply.answer.reasoning


def test_another_context_is_another_question(settings: LlmSettings) -> None:
    _record(settings, ScriptedModel(says()))
    terms = msgspec.structs.replace(CONTEXT.terms, confidence=0.55)
    provider = build_provider(GateRules(provider="anthropic"), settings)
    assert provider.ask(msgspec.structs.replace(CONTEXT, terms=terms)).calls[0].outcome == "missing"


def test_another_decision_with_the_same_figures_is_the_same_question(settings: LlmSettings) -> None:
    _record(settings, ScriptedModel(says()))
    later = msgspec.structs.replace(CONTEXT, decision_id="d-2", ts_ns=10**18)
    assert build_provider(GateRules(provider="anthropic"), settings).ask(later).source == "recorded"
