"""The provider ``openai``: any API that is compatible with OpenAI's chat completions."""

from typing import Any, Final

import msgspec
from msgspec import Struct

from helios_nautilus.llm.answer_tool import TOOL_NAME, answer_tool
from helios_nautilus.llm.client import call_api, load_client
from helios_nautilus.llm.prompt import Prompt
from helios_nautilus.llm.reply import CallFailed, Ending, ModelReply, Tokens, Usage, one_line, whole_text
from helios_nautilus.llm.request import GateRequest, given
from helios_nautilus.llm.settings import OpenAiSettings

_ENDINGS: Final[dict[str | None, Ending]] = {"content_filter": "refused", "length": "cut"}


class OpenAiModel:
    """Asks one model. Use it from one event loop.

    Parameters
    ----------
    settings
        Which model, where it is, and how it is asked.
    key
        Goes into the client and nowhere else.

    """

    name: Final = "openai"

    def __init__(self, settings: OpenAiSettings, key: str) -> None:
        self._package = load_client("openai")
        self._settings = settings
        self._key = key
        # Retries are the gate's, which knows the deadline.
        self._client = self._package.AsyncOpenAI(api_key=key, base_url=settings.base_url, max_retries=0)

    @property
    def model(self) -> str:
        """The model asked for."""
        return self._settings.model

    def request(self, prompt: Prompt) -> GateRequest:
        """The question as a value."""
        return openai_request(self._settings, prompt)

    async def send(self, request: GateRequest, timeout_secs: float) -> ModelReply:
        """See `RemoteModel`."""
        body = completions_body(request)

        async def send() -> bytes:
            create = self._client.chat.completions.with_raw_response.create
            content: bytes = (await create(**body, timeout=timeout_secs)).content
            return content

        return read_completion(await call_api(self._package, self.name, self._key, send))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def openai_request(settings: OpenAiSettings, prompt: Prompt) -> GateRequest:
    """The question to the model of the settings."""
    return GateRequest(
        provider="openai",
        model=settings.model,
        system=prompt.system,
        user=prompt.user,
        tool=answer_tool(),
        parameters=given(
            max_completion_tokens=settings.max_tokens,
            temperature=settings.temperature,
            answer_by=settings.answer_by,
            reasoning_effort=None if settings.reasoning_effort == "unset" else settings.reasoning_effort,
        ),
    )


def completions_body(request: GateRequest) -> dict[str, Any]:
    """The body of a request for a chat completion."""
    parameters = dict(request.parameters)
    name, schema = request.tool["name"], request.tool["schema"]
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [
            {"role": "system", "content": request.system},
            {"role": "user", "content": request.user},
        ],
    }
    if parameters.pop("answer_by") == "schema":
        described = {"name": name, "description": request.tool["description"], "schema": schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": described}
    else:
        described = {"name": name, "description": request.tool["description"], "parameters": schema, "strict": True}
        body["tools"] = [{"type": "function", "function": described}]
        body["tool_choice"] = {"type": "function", "function": {"name": name}}
    return body | parameters


class _Function(Struct, frozen=True):
    name: str
    arguments: str


class _ToolCall(Struct, frozen=True):
    function: _Function | None = None


class _Words(Struct, frozen=True):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(Struct, frozen=True):
    message: _Words
    finish_reason: str | None = None


class _PromptDetails(Struct, frozen=True):
    cached_tokens: Tokens | None = None
    cache_write_tokens: Tokens | None = None


class _Usage(Struct, frozen=True):
    prompt_tokens: Tokens
    completion_tokens: Tokens
    prompt_tokens_details: _PromptDetails | None = None


class _Completion(Struct, frozen=True):
    model: str
    choices: list[_Choice]
    usage: _Usage | None = None


_decoder = msgspec.json.Decoder(_Completion)


def read_completion(raw: bytes) -> ModelReply:
    """A chat completion; `CallFailed` if it is none. What the model said in it is not judged here."""
    try:
        completion = _decoder.decode(raw)
        (choice,) = completion.choices
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        failure = CallFailed("malformed", f"openai answered with {len(raw)} bytes that are no completion")
    else:
        declined = choice.message.refusal or ""
        return ModelReply(
            ending="refused" if declined else _ENDINGS.get(choice.finish_reason, "answered"),
            text=whole_text(_said(choice.message)),
            model=one_line(completion.model),
            usage=None if completion.usage is None else _usage(completion.usage),
            words=one_line(declined),
        )
    raise failure


def _said(message: _Words) -> str:
    """The arguments of the one call of the function, else every word that was said."""
    functions = [call.function for call in message.tool_calls or () if call.function is not None]
    if len(functions) == 1 and functions[0].name == TOOL_NAME:
        return functions[0].arguments
    return "\n".join([message.content or "", *(function.arguments for function in functions)])


def _usage(usage: _Usage) -> Usage:
    """The tokens apart: here the prompt's count includes those of the cache."""
    details = usage.prompt_tokens_details or _PromptDetails()
    read, written = details.cached_tokens or 0, details.cache_write_tokens or 0
    return Usage(
        input_tokens=max(0, usage.prompt_tokens - read - written),
        output_tokens=usage.completion_tokens,
        cache_read_tokens=read,
        cache_write_tokens=written,
    )
