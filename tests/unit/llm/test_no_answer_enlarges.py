"""Whatever a model says, in whatever form it reaches us: no term comes out larger or looser than Aether proposed it."""

import asyncio
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from helios_nautilus.domain.decision.policy import GateRules, Terms, clamp
from helios_nautilus.domain.decision.schema import GateAnswer
from helios_nautilus.errors import GateError
from helios_nautilus.llm.anthropic_provider import read_message
from helios_nautilus.llm.openai_provider import read_completion
from helios_nautilus.llm.reply import ModelReply, read_answer
from tests.integration.llm.apis import calling, saying
from tests.unit.llm.scripted import CONTEXT, ScriptedModel, gate

numbers = st.floats(allow_nan=True, allow_infinity=True)
terms = st.builds(
    Terms,
    confidence=st.floats(0.0, 1.0),
    notional=st.floats(0.0, 1e12),
    leverage=st.floats(1.0, 3.0),
    stop=st.floats(0.0, 1.0),
    target=st.floats(0.0, 2.0),
    costs=st.floats(0.0, 0.1),
)
answers = st.builds(
    GateAnswer,
    decision=st.sampled_from(["APPROVE", "MODIFY", "REJECT", "ENLARGE"]),
    reasoning=st.text(max_size=20),
    confidence_adjustment=numbers,
    position_size_multiplier=numbers,
    risk_flags=st.just(()),
    suggested_leverage=st.none() | numbers,
    suggested_stop=st.none() | numbers,
    suggested_target=st.none() | numbers,
)
"""Any at all, also those that the decoder would not let through."""
json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
likely = st.fixed_dictionaries(
    {
        "decision": st.sampled_from(["APPROVE", "MODIFY"]) | json_values,
        "reasoning": st.just("Good.") | json_values,
        "confidence_adjustment": st.floats(0.0, 1.0) | st.floats(-10.0, 1e9),
        "position_size_multiplier": st.floats(0.0, 1.0) | st.floats(-10.0, 1e9),
        "risk_flags": st.just([]) | json_values,
    },
    optional={
        "suggested_leverage": st.none() | st.floats(0.0, 1e3),
        "suggested_stop": st.none() | st.floats(0.0, 1e3),
        "suggested_target": st.none() | st.floats(0.0, 1e3),
        "side": st.just("SHORT"),
        "notional": st.just(1e9),
    },
)
texts = st.text(max_size=60) | (json_values | likely).map(lambda value: msgspec.json.encode(value).decode())
endings = st.sampled_from(["answered", "refused", "cut"])


def _assert_no_larger(answer: GateAnswer, proposed: Terms) -> None:
    after = clamp(answer, proposed, GateRules()).terms
    assert 0.0 <= after.notional <= proposed.notional
    assert 1.0 <= after.leverage <= proposed.leverage
    assert after.stop <= proposed.stop
    assert after.target <= proposed.target
    assert after.confidence <= proposed.confidence
    assert after.costs == proposed.costs
    # The side is not among the terms: there is no word by which an answer could turn it.
    assert "side" not in Terms.__struct_fields__ + GateAnswer.__struct_fields__


@given(answers, terms)
def test_no_answer_however_built(answer: GateAnswer, proposed: Terms) -> None:
    _assert_no_larger(answer, proposed)


@given(endings, texts, terms)
def test_no_text_however_it_ends(ending: str, text: str, proposed: Terms) -> None:
    _assert_no_larger(read_answer(ending, text), proposed)


@given(st.binary(max_size=200) | json_values.map(msgspec.json.encode), terms)
def test_no_bytes_in_the_place_of_an_apis_reply(raw: bytes, proposed: Terms) -> None:
    for read in (read_message, read_completion):
        try:
            reply = read(raw)
        except GateError:
            continue
        _assert_no_larger(read_answer(reply.ending, reply.text), proposed)


@given(likely, terms)
def test_no_call_of_the_tool_in_a_proper_reply(arguments: dict[str, Any], proposed: Terms) -> None:
    text = msgspec.json.encode(arguments).decode()
    for reply in (
        read_message(calling("anthropic", text).body),
        read_completion(calling("openai", text).body),
        read_message(saying("anthropic", text).body),
        read_completion(saying("openai", text).body),
    ):
        assert reply.text == text
        _assert_no_larger(read_answer(reply.ending, reply.text), proposed)


@settings(max_examples=30)
@given(endings, texts, terms, st.sampled_from(["reject", "rules"]))
def test_no_reply_through_the_whole_chain(ending: Any, text: str, proposed: Terms, on_failure: Any) -> None:
    rules = GateRules(provider="anthropic", on_failure=on_failure)
    model = ScriptedModel(ModelReply(ending=ending, text=text, model="m"))
    reply = asyncio.run(gate(model, rules=rules).ask(replace(CONTEXT, terms=proposed)))
    assert reply.source == "live"
    _assert_no_larger(reply.answer, proposed)
