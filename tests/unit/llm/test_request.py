import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.decision.schema import GateAnswer
from helios_nautilus.llm.answer_tool import FIELD_WORDS, answer_tool
from helios_nautilus.llm.anthropic_provider import anthropic_request, messages_body
from helios_nautilus.llm.openai_provider import completions_body, openai_request
from helios_nautilus.llm.prompt import Prompt
from helios_nautilus.llm.request import GateRequest, hash_request
from helios_nautilus.llm.settings import AnthropicSettings, OpenAiSettings

PROMPT = Prompt(system="Judge.", user="A long in BTC.")
CLAUDE = anthropic_request(AnthropicSettings(), PROMPT)
GPT = openai_request(OpenAiSettings(), PROMPT)


def test_the_hash_is_of_the_canonical_json_with_sorted_keys() -> None:
    canonical = CLAUDE.canonical()
    assert CLAUDE.hash == hash_request(canonical)
    assert canonical == json.dumps(json.loads(canonical), sort_keys=True, separators=(",", ":")).encode()


def test_a_request_read_back_from_its_json_is_the_same_request() -> None:
    for request in (CLAUDE, GPT):
        assert msgspec.json.decode(request.canonical(), type=GateRequest) == request


def test_the_hash_of_a_question_is_pinned_so_that_old_cassettes_stay_good() -> None:
    """If this fails on purpose, every recorded answer is lost: say so in the change log."""
    bare = GateRequest(provider="openai", model="m", system="s", user="u", tool={"b": 1, "a": 2}, parameters={"n": 1})
    assert bare.canonical() == (
        b'{"model":"m","parameters":{"n":1},"provider":"openai","system":"s","tool":{"a":2,"b":1},"user":"u"}'
    )
    assert bare.hash == "382c19b4b1bdbe70c5ae7971f20675ce37a6b43db02d307d41d3490f812068a4"


@given(st.text(max_size=50), st.text(max_size=50))
def test_other_words_make_another_question_and_the_same_words_the_same(one: str, two: str) -> None:
    ask = [anthropic_request(AnthropicSettings(), Prompt(system="s", user=words)).hash for words in (one, two)]
    assert (ask[0] == ask[1]) is (one == two)


@pytest.mark.parametrize(
    ("changed", "is_another"),
    [
        (AnthropicSettings(model="claude-haiku-5-5"), True),
        (AnthropicSettings(effort="high"), True),
        (AnthropicSettings(thinking="none"), True),
        (AnthropicSettings(max_tokens=512), True),
        (AnthropicSettings(temperature=0.2), True),
        (AnthropicSettings(cache=False), False),
        (AnthropicSettings(base_url="https://elsewhere.example"), False),
        (AnthropicSettings(key_env="ANOTHER_KEY"), False),
    ],
    ids=str,
)
def test_only_what_decides_the_answer_is_in_the_hash(changed: AnthropicSettings, is_another: bool) -> None:
    assert (anthropic_request(changed, PROMPT).hash != CLAUDE.hash) is is_another


def test_everything_in_a_request_is_in_what_is_sent() -> None:
    for request, body in ((CLAUDE, messages_body(CLAUDE)), (GPT, completions_body(GPT))):
        sent = json.dumps(body)
        for part in (request.model, request.system, request.user, *request.tool.values()):
            assert json.dumps(part) in sent
    assert messages_body(CLAUDE)["max_tokens"] == 1024
    assert messages_body(CLAUDE)["output_config"] == {"effort": "low"}
    assert completions_body(GPT)["reasoning_effort"] == "none"


def test_the_tool_asks_for_every_field_of_the_answer_and_explains_it() -> None:
    schema = answer_tool()["schema"]
    assert set(schema["properties"]) == set(GateAnswer.__struct_fields__) == set(FIELD_WORDS)
    assert set(schema["required"]) == set(GateAnswer.__struct_fields__)
    assert schema["properties"]["decision"]["enum"] == ["APPROVE", "MODIFY", "REJECT"]
    assert "at most 1200 characters" in schema["properties"]["reasoning"]["description"]
    assert "above 0, at most 100" in schema["properties"]["suggested_leverage"]["description"]
