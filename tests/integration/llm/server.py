"""Both providers' APIs on a local port, in a thread: they check what they are sent, then answer as they were told."""

import asyncio
import json
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.integration.llm.apis import PATHS, TOOL, Api, Wire, refusing

_SLOW_SECS = 0.02
"""Between two bytes of a slow reply."""


@dataclass(frozen=True)
class Asked:
    """A request as it came in; the names of headers in lower case."""

    api: Api
    headers: dict[str, str]
    body: dict[str, Any]


class ModelServer:
    """Gives the replies it was given, in their order, to either API."""

    def __init__(self, key: str) -> None:
        self.asked: list[Asked] = []
        self._key = key
        self._replies: deque[Wire] = deque()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.url = self._call(self._open())

    def reply(self, *wires: Wire) -> None:
        """What to answer, one request each; forgets what was left and what was asked."""
        self.asked.clear()
        self._replies = deque(wires)

    def close(self) -> None:
        """Stop listening."""
        self._call(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _open(self) -> str:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        api = PATHS.get(request.path)
        if api is None:
            return web.Response(status=404)
        asked = Asked(
            api, {name.lower(): value for name, value in request.headers.items()}, json.loads(await request.read())
        )
        self.asked.append(asked)
        wrong = self._objection(asked)
        wire = wrong or (self._replies.popleft() if self._replies else Wire(status=500, body=b"nothing left to say"))
        if wire.manner == "whole":
            return web.Response(status=wire.status, body=wire.body, headers=_typed(wire))
        return await _send_badly(request, wire)

    def _objection(self, asked: Asked) -> Wire | None:
        """What the API would say against a request whatever the model made of it."""
        bearer = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if asked.api == "openai":
            if bearer != self._key:
                return refusing("openai", 401, "invalid_request_error", f"Incorrect API key provided: {bearer}")
            return _completions_objection(asked.body)
        # Newer versions of the package send the key as a bearer's, older ones in a header of its own.
        if self._key not in (bearer, asked.headers.get("x-api-key")):
            return refusing("anthropic", 401, "authentication_error", "invalid x-api-key")
        if "anthropic-version" not in asked.headers:
            return refusing("anthropic", 400, "invalid_request_error", "anthropic-version: header is required")
        return _messages_objection(asked.body)


def _messages_objection(body: dict[str, Any]) -> Wire | None:
    """What Claude Sonnet 5.5 does not take, and what no model does."""
    wrong = None
    if not {"model", "max_tokens", "messages"} <= set(body):
        wrong = "model, max_tokens and messages are required"
    elif body["model"].endswith("-5-5"):
        if body["tool_choice"]["type"] != "auto":
            wrong = "tool_choice: forced tool use is not supported by this model"
        elif "temperature" in body:
            wrong = "temperature: not supported by this model"
        elif body.get("thinking", {}).get("type") not in (None, "adaptive", "between_tools"):
            wrong = "thinking: use between_tools"
    wrong = wrong or _schema_objection(body["tools"][0]["input_schema"])
    return None if wrong is None else refusing("anthropic", 400, "invalid_request_error", wrong)


def _completions_objection(body: dict[str, Any]) -> Wire | None:
    wrong = None
    if "tools" in body:
        function = body["tools"][0]["function"]
        wrong = _schema_objection(function["parameters"])
        if body["tool_choice"]["function"]["name"] != TOOL or function["name"] != TOOL:
            wrong = "tool_choice names no tool"
        elif body.get("reasoning_effort") not in (None, "none"):
            wrong = "function tools need reasoning_effort none"
    elif body["response_format"]["type"] == "json_schema":
        wrong = _schema_objection(body["response_format"]["json_schema"]["schema"])
    return None if wrong is None else refusing("openai", 400, "invalid_request_error", wrong)


def _schema_objection(schema: dict[str, Any]) -> str | None:
    """A strict schema has every field required, nothing beyond them, and no bounds."""
    if schema["additionalProperties"] is not False or set(schema["required"]) != set(schema["properties"]):
        return "strict: every property must be required and no other allowed"
    text = json.dumps(schema)
    bounds = [word for word in ('"minimum"', '"maximum"', '"minLength"', '"maxLength"', '"default"') if word in text]
    return f"strict: {bounds[0]} is not supported" if bounds else None


def _typed(wire: Wire) -> dict[str, str]:
    return {"Content-Type": "application/json", **wire.headers}


async def _send_badly(request: web.Request, wire: Wire) -> web.StreamResponse:
    """Half of a reply, or all of it far too slowly, or nothing at all."""
    response = web.StreamResponse(status=wire.status, headers=_typed(wire))
    if wire.manner == "silent":
        await asyncio.Event().wait()
    response.content_length = len(wire.body)
    await response.prepare(request)
    try:
        if wire.manner == "half":
            await response.write(wire.body[: len(wire.body) // 2])
            if request.transport is not None:
                request.transport.close()
        for byte in wire.body if wire.manner == "slow" else b"":
            await response.write(bytes([byte]))
            await asyncio.sleep(_SLOW_SECS)
    except ConnectionError:
        pass  # The other side gave up, as it should.
    return response
