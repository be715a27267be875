"""The provider ``recorded``: answers of earlier questions, found by the hash of the exact request.

It needs no key and no network: it only words the question as the provider that was recorded would, and looks it up.
"""

from collections.abc import Callable, Sequence
from typing import Final

from helios_nautilus.domain.decision.context import GateContext
from helios_nautilus.domain.decision.policy import GateRules
from helios_nautilus.llm.anthropic_provider import anthropic_request
from helios_nautilus.llm.cassette import Cassette, RecordedAnswer
from helios_nautilus.llm.failure import reply_failure
from helios_nautilus.llm.openai_provider import openai_request
from helios_nautilus.llm.prompt import Prompt, build_prompt
from helios_nautilus.llm.reply import GateCall, GateReply, Usage, answered_reply
from helios_nautilus.llm.request import GateRequest, RemoteName
from helios_nautilus.llm.settings import LlmSettings

type Wording = Callable[[Prompt], GateRequest]


def wording_of(provider: RemoteName, settings: LlmSettings) -> Wording:
    """How a provider words a prompt."""
    if provider == "anthropic":
        return lambda prompt: anthropic_request(settings.anthropic, prompt)
    return lambda prompt: openai_request(settings.openai, prompt)


class RecordedProvider:
    """Answers from a cassette; a question that is not in it goes by ``on_failure``.

    Parameters
    ----------
    rules
        What is done about a missing answer.
    wordings
        How the question was worded when it was recorded, the likeliest first.
    cassette
        The recorded answers.

    """

    name: Final = "recorded"

    def __init__(self, rules: GateRules, wordings: Sequence[Wording], cassette: Cassette) -> None:
        self._rules = rules
        self._wordings = tuple(wordings)
        self._cassette = cassette

    def ask(self, context: GateContext) -> GateReply:
        """See `GateProvider`."""
        prompt = build_prompt(context)
        requests = [wording(prompt) for wording in self._wordings]
        for request in requests:
            found = self._cassette.find(request.hash)
            if found is not None:
                return recorded_reply(found)
        return reply_failure(context, self._rules, (missing_call(requests[0], str(self._cassette.path)),))


def missing_call(request: GateRequest, holder: str) -> GateCall:
    """The account of a question to which whoever holds the earlier answers has none."""
    return GateCall(
        provider=request.provider,
        model=request.model,
        source="failed",
        request_hash=request.hash,
        request=request.canonical().decode(),
        outcome="missing",
        words=f"{holder} holds no answer to this question",
    )


def recorded_reply(found: RecordedAnswer) -> GateReply:
    """The reply that a recorded answer makes; it costs nothing."""
    usage = found.usage or Usage()
    call = GateCall(
        provider=found.provider,
        model=found.model,
        source="recorded",
        request_hash=found.hash,
        request=found.request,
        answer=found.text,
        outcome=found.ending,
        words=found.words,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    return answered_reply((call,), "recorded")
