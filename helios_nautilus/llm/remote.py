"""The gate over a network: it asks one provider after the other within one deadline, and answers in any case."""

import asyncio
from collections.abc import Sequence

from helios_nautilus.domain.decision.context import GateContext
from helios_nautilus.domain.decision.policy import GateRules
from helios_nautilus.llm.cassette import Cassette, RecordedAnswer
from helios_nautilus.llm.failure import reply_failure
from helios_nautilus.llm.lane import Lane
from helios_nautilus.llm.prompt import build_prompt
from helios_nautilus.llm.recorded import recorded_reply
from helios_nautilus.llm.reply import GateCall, GateReply, ModelReply, answered_reply
from helios_nautilus.llm.request import GateRequest


class RemoteGate:
    """Asks the lanes in their order. Use it from one event loop.

    Parameters
    ----------
    rules
        The deadline of all of it, and what is done if it passes.
    lanes
        The providers, the first choice first.
    time_share
        Of the time that is left, what a lane may use while there is another behind it.
    cassette
        Answers known already are taken from it, new ones are added to it; None asks always and records nothing.

    """

    def __init__(
        self, rules: GateRules, lanes: Sequence[Lane], time_share: float, cassette: Cassette | None = None
    ) -> None:
        self._rules = rules
        self._lanes = tuple(lanes)
        self._time_share = time_share
        self._cassette = cassette

    @property
    def name(self) -> str:
        """The first provider's."""
        return self._lanes[0].model.name

    async def ask(self, context: GateContext) -> GateReply:
        """See `RemoteGateProvider`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._rules.deadline_ms / 1000.0
        prompt = build_prompt(context)
        questions = [(lane, lane.model.request(prompt)) for lane in self._lanes]
        recorded = self._recorded([request for _, request in questions])
        if recorded is not None:
            return recorded
        calls: list[GateCall] = []
        for lane, request in questions:
            left = deadline - loop.time()
            share = 1.0 if lane is self._lanes[-1] else self._time_share
            made = await lane.ask(request, deadline - (1.0 - share) * left)
            calls += [attempt.call for attempt in made]
            answered = made[-1].reply
            if answered is not None:
                return self._reply(answered, calls)
        return reply_failure(context, self._rules, tuple(calls))

    async def close(self) -> None:
        """Close the connections of all providers."""
        for lane in self._lanes:
            await lane.model.close()

    def _recorded(self, requests: Sequence[GateRequest]) -> GateReply | None:
        if self._cassette is not None:
            for request in requests:
                found = self._cassette.find(request.hash)
                if found is not None:
                    return recorded_reply(found)
        return None

    def _reply(self, reply: ModelReply, calls: Sequence[GateCall]) -> GateReply:
        """What came of the last of the calls."""
        call = calls[-1]
        if self._cassette is not None:
            self._cassette.add(
                RecordedAnswer(
                    hash=call.request_hash,
                    provider=call.provider,
                    model=call.model,
                    ending=reply.ending,
                    text=reply.text,
                    words=reply.words,
                    usage=reply.usage,
                    cost_usd=call.cost_usd,
                    request=call.request,
                )
            )
        return answered_reply(calls, "live")
