"""How the two APIs put things on the wire: bodies of replies and refusals, after the providers' references.

A model's answer is the same in both; what is around it differs.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

type Api = Literal["anthropic", "openai"]
type Manner = Literal["whole", "half", "slow", "silent"]

APIS: tuple[Api, ...] = ("anthropic", "openai")
PATHS: dict[str, Api] = {"/v1/messages": "anthropic", "/v1/chat/completions": "openai"}
TOOL = "judge_entry"


@dataclass(frozen=True)
class Wire:
    """One HTTP reply, and the manner in which it is sent."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    manner: Manner = "whole"


def calling(api: Api, arguments: str) -> Wire:
    """The model calls the tool with these arguments, which need not be JSON for OpenAI's API."""
    if api == "openai":
        function = {"name": TOOL, "arguments": arguments}
        tool_calls = [{"id": "call_1", "type": "function", "function": function}]
        return _completion({"role": "assistant", "content": None, "tool_calls": tool_calls}, "tool_calls")
    block = f'{{"type":"tool_use","id":"toolu_1","name":"{TOOL}","input":{arguments}}}'
    return _message(f'{{"type":"thinking","thinking":"","signature":"c2ln"}},{block}', "tool_use")


def saying(api: Api, text: str) -> Wire:
    """The model says something instead of calling the tool."""
    if api == "openai":
        return _completion({"role": "assistant", "content": text, "tool_calls": None}, "stop")
    return _message(json.dumps({"type": "text", "text": text}), "end_turn")


def declining(api: Api) -> Wire:
    """The provider's filter ends the reply."""
    if api == "openai":
        return _completion({"role": "assistant", "content": None, "refusal": None}, "content_filter")
    details = {"type": "refusal", "category": None, "explanation": "Cannot help with that."}
    return _message("", "refusal", stop_details=details)


def cutting(api: Api, arguments: str) -> Wire:
    """The model runs into its limit of words."""
    whole = calling(api, arguments).body
    if api == "openai":
        return Wire(body=whole.replace(b'"finish_reason":"tool_calls"', b'"finish_reason":"length"'))
    return Wire(body=whole.replace(b'"stop_reason":"tool_use"', b'"stop_reason":"max_tokens"'))


def refusing(api: Api, status: int, kind: str, words: str, **headers: str) -> Wire:
    """An error of the API."""
    error = {"type": kind, "message": words}
    body = {"error": error | {"code": None, "param": None}}
    if api == "anthropic":
        body = {"type": "error", "error": error, "request_id": "req_1"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Wire(status=status, body=json.dumps(body).encode(), headers=named)


def _message(content: str, stop_reason: str, **more: Any) -> Wire:
    rest = json.dumps(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-5-5",
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "usage": {
                "input_tokens": 700,
                "output_tokens": 200,
                "cache_creation_input_tokens": 1000,
                "cache_read_input_tokens": 0,
                "service_tier": "standard",
            },
            **more,
        },
        separators=(",", ":"),
    )
    return Wire(body=f'{{"content":[{content}],{rest[1:]}'.encode())


def _completion(message: dict[str, Any], finish_reason: str) -> Wire:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "gpt-6-luna",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}],
        "usage": {
            "prompt_tokens": 1700,
            "completion_tokens": 200,
            "total_tokens": 1900,
            "prompt_tokens_details": {"cached_tokens": 900, "cache_write_tokens": 100},
        },
    }
    return Wire(body=json.dumps(body, separators=(",", ":")).encode())
