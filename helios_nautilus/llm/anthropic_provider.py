"""The provider ``anthropic``: Claude through Anthropic's Messages API.

The fixed part of a question, tool and system text, is marked for the provider's cache. There is no streaming: half an
answer is of no use, and a whole one is short.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from helios_nautilus.llm.answer_tool import TOOL_NAME, answer_tool
from helios_nautilus.llm.client import call_api, load_client
from helios_nautilus.llm.prompt import Prompt
from helios_nautilus.llm.reply import CallFailed, Ending, ModelReply, Tokens, Usage, one_line, whole_text
from helios_nautilus.llm.request import GateRequest, given
from helios_nautilus.llm.settings import AnthropicSettings

_ENDINGS: Final[dict[str | None, Ending]] = {"refusal": "refused", "max_tokens": "cut"}


class AnthropicModel:
    """Asks one Claude model. Use it from one event loop.

    Parameters
    ----------
    settings
        Which model, and how it is asked.
    key
        Goes into the client and nowhere else.

    """

    name: Final = "anthropic"

    def __init__(self, settings: AnthropicSettings, key: str) -> None:
        self._package = load_client("anthropic")
        self._settings = settings
        self._key = key
        # Retries are the gate's, which knows the deadline.
        self._client = self._package.AsyncAnthropic(api_key=key, base_url=settings.base_url, max_retries=0)

    @property
    def model(self) -> str:
        """The model asked for."""
        return self._settings.model

    def request(self, prompt: Prompt) -> GateRequest:
        """The question as a value."""
        return anthropic_request(self._settings, prompt)

    async def send(self, request: GateRequest, timeout_secs: float) -> ModelReply:
        """See `RemoteModel`."""
        body = messages_body(request, is_cached=self._settings.cache)
        named = {name: body.pop(name) for name in ("model", "max_tokens", "messages")}

        async def send() -> bytes:
            # The rest as it is: versions of the package differ in what they have a name for.
            create = self._client.messages.with_raw_response.create
            response = await create(**named, extra_body=body, timeout=timeout_secs)
            content: bytes = await response.read()
            return content

        return read_message(await call_api(self._package, self.name, self._key, send))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def anthropic_request(settings: AnthropicSettings, prompt: Prompt) -> GateRequest:
    """The question to the model of the settings."""
    return GateRequest(
        provider="anthropic",
        model=settings.model,
        system=prompt.system,
        user=prompt.user,
        tool=answer_tool(),
        parameters=given(
            max_tokens=settings.max_tokens,
            temperature=settings.temperature,
            tool_choice=settings.tool_choice,
            effort=None if settings.effort == "none" else settings.effort,
            thinking=None if settings.thinking == "none" else settings.thinking,
        ),
    )


def messages_body(request: GateRequest, *, is_cached: bool = True) -> dict[str, Any]:
    """The body of a request to the Messages API."""
    parameters = dict(request.parameters)
    choice = {"type": "tool", "name": request.tool["name"]} if parameters.pop("tool_choice") == "forced" else {}
    # The mark covers what comes before it too, which is the tool.
    mark = {"cache_control": {"type": "ephemeral"}} if is_cached else {}
    body: dict[str, Any] = {
        "model": request.model,
        "system": [{"type": "text", "text": request.system} | mark],
        "messages": [{"role": "user", "content": request.user}],
        "tools": [
            {
                "name": request.tool["name"],
                "description": request.tool["description"],
                "input_schema": request.tool["schema"],
                "strict": True,
            }
        ],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True} | choice,
    }
    if "effort" in parameters:
        body["output_config"] = {"effort": parameters.pop("effort")}
    if "thinking" in parameters:
        body["thinking"] = {"type": parameters.pop("thinking")}
    return body | parameters


class _Block(Struct, frozen=True):
    type: str
    name: str = ""
    text: str = ""
    input: msgspec.Raw = msgspec.Raw(b"")


class _StopDetails(Struct, frozen=True):
    category: str | None = None
    explanation: str | None = None


class _Usage(Struct, frozen=True):
    input_tokens: Tokens
    output_tokens: Tokens
    cache_read_input_tokens: Tokens | None = None
    cache_creation_input_tokens: Tokens | None = None


class _Message(Struct, frozen=True):
    model: str
    content: list[_Block]
    usage: _Usage
    stop_reason: str | None = None
    stop_details: _StopDetails | None = None


_decoder = msgspec.json.Decoder(_Message)


def read_message(raw: bytes) -> ModelReply:
    """A reply of the Messages API; `CallFailed` if it is none. What the model said in it is not judged here."""
    try:
        message = _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        failure = CallFailed("malformed", f"anthropic answered with {len(raw)} bytes that are no message")
    else:
        return ModelReply(
            ending=_ENDINGS.get(message.stop_reason, "answered"),
            text=whole_text(_said(message.content)),
            model=one_line(message.model),
            usage=Usage(
                input_tokens=message.usage.input_tokens,
                output_tokens=message.usage.output_tokens,
                cache_read_tokens=message.usage.cache_read_input_tokens or 0,
                cache_write_tokens=message.usage.cache_creation_input_tokens or 0,
            ),
            words=_why_declined(message.stop_details),
        )
    raise failure


def _said(content: list[_Block]) -> str:
    """The input of the one call of the tool, else every word that was said."""
    calls = [block for block in content if block.type == "tool_use" and block.name == TOOL_NAME]
    if len(calls) == 1:
        return bytes(calls[0].input).decode("utf-8", errors="replace")
    return "\n".join(block.text or bytes(block.input).decode("utf-8", errors="replace") for block in content)


def _why_declined(details: _StopDetails | None) -> str:
    return "" if details is None else one_line(details.explanation or details.category or "")
