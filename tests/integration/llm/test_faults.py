"""Providers that fail, through the real client packages: what is done about it, and that the key is nowhere."""

import asyncio
import traceback
from collections.abc import Callable
from dataclasses import replace as changed
from pathlib import Path

import msgspec
import pytest

from helios_nautilus.errors import ConfigError
from helios_nautilus.llm.anthropic_provider import AnthropicModel
from helios_nautilus.llm.openai_provider import OpenAiModel
from helios_nautilus.llm.prompt import build_prompt
from helios_nautilus.llm.reply import CallFailed, GateReply
from tests.integration.llm.apis import APIS, PATHS, Api, Wire, calling, declining, refusing, saying
from tests.integration.llm.gates import CONTEXT, ENVIRON, KEY, answer, ask, settings
from tests.integration.llm.server import ModelServer

both = pytest.mark.parametrize("api", APIS)
other: dict[str, Api] = {"anthropic": "openai", "openai": "anthropic"}


def _billing(api: Api, tokens: int) -> Wire:
    wire = calling(api, answer())
    counted = b'"completion_tokens":200' if api == "openai" else b'"output_tokens":200'
    assert counted in wire.body
    return changed(wire, body=wire.body.replace(counted, counted[:-3] + str(tokens).encode()))


FAULTS: dict[str, tuple[Callable[[Api], Wire], str]] = {
    "401": (lambda api: refusing(api, 401, "authentication_error", f"bad key {KEY}"), "unauthorised"),
    "403": (lambda api: refusing(api, 403, "permission_error", "no"), "unauthorised"),
    "400": (lambda api: refusing(api, 400, "invalid_request_error", f"{KEY} is wrong\nhere"), "bad_request"),
    "404": (lambda api: refusing(api, 404, "not_found_error", "model: none such"), "bad_request"),
    "429": (lambda api: refusing(api, 429, "rate_limit_error", "slow down", retry_after="30"), "rate_limited"),
    "500": (lambda api: refusing(api, 500, "api_error", KEY), "server_error"),
    "503": (lambda api: refusing(api, 503, "api_error", "away"), "overloaded"),
    "529": (lambda api: refusing(api, 529, "overloaded_error", "overloaded"), "overloaded"),
    "no JSON": (lambda api: Wire(body=f"<html>{KEY}</html>".encode()), "malformed"),
    "JSON of another shape": (lambda api: Wire(body=b'{"unexpected":7}'), "malformed"),
    "broken UTF-8": (lambda api: Wire(body=b'{"model":"\xff\xfe'), "malformed"),
    "a negative bill": (lambda api: _billing(api, -1_000_000), "malformed"),
    "nothing": (lambda api: Wire(body=b""), "malformed"),
    "half a body": (lambda api: changed(calling(api, answer()), manner="half"), "connection"),
    "no gzip": (lambda api: Wire(body=b"plain", headers={"Content-Encoding": "gzip"}), "connection"),
    "a slow stream": (lambda api: changed(calling(api, answer()), manner="slow"), "timeout"),
    "silence": (lambda api: Wire(manner="silent"), "timeout"),
}
faults = pytest.mark.parametrize(("fault", "outcome"), FAULTS.values(), ids=FAULTS.keys())
SHORT_MS = 400
"""A deadline that a fault of time runs into; everything else is answered long before."""


def _deadline(outcome: str) -> int:
    return SHORT_MS if outcome == "timeout" else 20_000


@both
@faults
def test_a_failed_call_is_no_entry_where_failures_reject(
    server: ModelServer, api: Api, fault: Callable[[Api], Wire], outcome: str
) -> None:
    server.reply(fault(api))
    reply = ask(server.url, api, deadline_ms=_deadline(outcome))
    (call,) = reply.calls
    assert (reply.answer.decision, reply.source, reply.provider) == ("REJECT", "failed", "reject")
    assert (call.outcome, call.source, call.answer) == (outcome, "failed", "")
    assert call.words
    assert "\n" not in call.words
    assert call.words in reply.answer.reasoning


@both
@faults
def test_a_failed_call_goes_to_the_next_provider(
    server: ModelServer, api: Api, fault: Callable[[Api], Wire], outcome: str
) -> None:
    server.reply(fault(api), calling(other[api], answer()))
    reply = ask(server.url, api, deadline_ms=5 * _deadline(outcome), fallbacks=(other[api],))
    assert (reply.answer.decision, reply.source, reply.provider) == ("APPROVE", "live", other[api])
    assert [call.outcome for call in reply.calls] == [outcome, "answered"]
    assert reply.request_hash == reply.calls[1].request_hash != reply.calls[0].request_hash


@both
@faults
def test_a_fault_leaves_the_key_in_nothing_that_outlives_it(
    server: ModelServer, api: Api, fault: Callable[[Api], Wire], outcome: str, tmp_path: Path
) -> None:
    server.reply(fault(api))
    reply = ask(server.url, api, deadline_ms=_deadline(outcome), on_failure="rules", cassette=tmp_path / "c.jsonl")
    _assert_silent(reply)
    assert not (tmp_path / "c.jsonl").exists()


@both
@faults
def test_the_error_of_a_fault_holds_the_key_nowhere(
    server: ModelServer, api: Api, fault: Callable[[Api], Wire], outcome: str
) -> None:
    server.reply(fault(api))

    async def work() -> BaseException:
        plain = settings(server.url)
        model = AnthropicModel(plain.anthropic, KEY) if api == "anthropic" else OpenAiModel(plain.openai, KEY)
        request = model.request(build_prompt(CONTEXT))
        with pytest.raises((CallFailed, TimeoutError)) as caught:
            async with asyncio.timeout(_deadline(outcome) / 1000):
                await model.send(request, 20.0)
        await model.close()
        assert KEY not in repr(model)
        return caught.value

    error = asyncio.run(work())
    assert KEY not in _told(error)
    assert isinstance(error, TimeoutError if outcome == "timeout" else CallFailed)


@both
@pytest.mark.parametrize("say", [declining, lambda api: saying(api, f"your key is {KEY}")], ids=["refused", "repeated"])
def test_a_provider_that_repeats_the_key_does_not_get_it_into_the_journal(
    server: ModelServer, api: Api, say: Callable[[Api], Wire], tmp_path: Path
) -> None:
    server.reply(say(api))
    _assert_silent(ask(server.url, api, cassette=tmp_path / "c.jsonl"))
    assert KEY not in (tmp_path / "c.jsonl").read_text()


@both
def test_a_refused_key_is_not_tried_twice_and_a_busy_provider_is(server: ModelServer, api: Api) -> None:
    server.reply(refusing(api, 401, "authentication_error", "no"), calling(api, answer()))
    assert [call.outcome for call in ask(server.url, api, attempts=2).calls] == ["unauthorised"]
    server.reply(refusing(api, 529, "overloaded_error", "busy"), calling(api, answer()))
    assert [call.outcome for call in ask(server.url, api, attempts=2).calls] == ["overloaded", "answered"]


@both
def test_retry_after_is_honoured_where_it_ends_within_the_deadline(server: ModelServer, api: Api) -> None:
    refusal = refusing(api, 429, "rate_limit_error", "wait", retry_after="0.05")
    server.reply(refusal, calling(api, answer()))
    reply = ask(server.url, api, attempts=2, deadline_ms=20_000)
    assert [call.outcome for call in reply.calls] == ["rate_limited", "answered"]
    server.reply(refusing(api, 429, "rate_limit_error", "wait", retry_after="60"), calling(api, answer()))
    reply = ask(server.url, api, attempts=2, deadline_ms=20_000)
    assert [call.outcome for call in reply.calls] == ["rate_limited"]
    assert len(server.asked) == 1


@both
def test_a_provider_that_asks_for_rest_is_not_asked_by_the_next_question(server: ModelServer, api: Api) -> None:
    server.reply(refusing(api, 429, "rate_limit_error", "wait", retry_after="60"), calling(api, answer()))
    reply = ask(server.url, api, times=2)
    assert [call.outcome for call in reply.calls] == ["breaker_open"]
    assert len(server.asked) == 1


@both
def test_a_provider_that_keeps_failing_is_left_alone(server: ModelServer, api: Api) -> None:
    server.reply(*[refusing(api, 500, "api_error", "broken")] * 5)
    reply = ask(server.url, api, times=5, breaker_failures=3)
    assert [call.outcome for call in reply.calls] == ["breaker_open"]
    assert len(server.asked) == 3


@both
def test_no_call_goes_out_once_the_day_is_spent(server: ModelServer, api: Api) -> None:
    server.reply(*[calling(api, answer())] * 3)
    reply = ask(server.url, api, times=3, daily_calls=2)
    assert ([call.outcome for call in reply.calls], reply.answer.decision) == (["over_budget"], "REJECT")
    assert len(server.asked) == 2
    server.reply(calling(api, answer()))
    assert ask(server.url, api, daily_usd=0.0).calls[0].outcome == "over_budget"
    assert server.asked == []


@both
def test_a_port_where_nobody_listens_is_unreachable_and_costs_nothing(api: Api) -> None:
    (call,) = ask("http://127.0.0.1:9", api).calls
    assert (call.outcome, call.cost_usd) == ("unreachable", 0.0)


@both
def test_a_call_that_may_have_been_charged_counts_as_estimated(server: ModelServer, api: Api) -> None:
    server.reply(Wire(manner="silent"))
    assert ask(server.url, api, deadline_ms=SHORT_MS).calls[0].cost_usd > 0.0
    server.reply(refusing(api, 529, "overloaded_error", "busy"))
    assert ask(server.url, api).calls[0].cost_usd == 0.0


@both
def test_a_provider_that_sends_us_elsewhere_does_not_send_the_key_along(server: ModelServer, api: Api) -> None:
    elsewhere = ModelServer(KEY)
    elsewhere.reply(calling(api, answer()))
    path = next(path for path, served in PATHS.items() if served == api)
    server.reply(Wire(status=307, headers={"Location": elsewhere.url + path}))
    reply = ask(server.url, api)
    elsewhere.close()
    assert reply.source == "failed"
    assert KEY not in str([asked.headers for asked in elsewhere.asked])


@both
def test_a_missing_key_is_told_by_the_name_of_its_variable(api: Api) -> None:
    name = f"{api.upper()}_API_KEY"
    with pytest.raises(ConfigError, match=f"set the environment variable {name}"):
        ask("http://127.0.0.1:9", api, environ={**ENVIRON, name: " "})


@both
@pytest.mark.parametrize("key", [f"\u201c{KEY}\u201d", f"{KEY}\n{KEY}", f"export {KEY}"], ids=ascii)
def test_a_key_that_cannot_be_one_is_told_without_showing_it(api: Api, key: str) -> None:
    with pytest.raises(ConfigError, match="holds characters that no key has") as caught:
        ask("http://127.0.0.1:9", api, environ=dict.fromkeys(ENVIRON, key))
    assert KEY not in _told(caught.value)


@both
def test_a_missing_package_is_told_with_how_to_get_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, api, None)
    with pytest.raises(ConfigError, match=r"pip install 'helios-nautilus\[llm\]'"):
        ask("http://127.0.0.1:9", api)


def _assert_silent(reply: GateReply) -> None:
    assert KEY not in repr(reply)
    assert KEY not in msgspec.json.encode(reply).decode()
    assert KEY not in repr(CONTEXT)


def _told(error: BaseException) -> str:
    """All that an error and those behind it hold, the requests in them too, and how it would be printed."""
    texts = [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
    request = getattr(error, "request", None)
    if request is not None:
        texts.append(repr(request.headers.raw))
    return "\n".join(texts + [_told(each) for each in (error.__cause__, error.__context__) if each is not None])
