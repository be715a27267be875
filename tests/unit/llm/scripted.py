"""A model that gives the replies it was given and remembers what it was asked; and a question for it."""

import asyncio
from collections import deque
from typing import Any

import msgspec

from helios_nautilus.domain.decision.context import GateContext, MarketConditions
from helios_nautilus.domain.decision.policy import GateRules, Terms
from helios_nautilus.domain.decision.regimes import VolatilityRegime
from helios_nautilus.domain.plan import Side
from helios_nautilus.llm.anthropic_provider import anthropic_request
from helios_nautilus.llm.breaker import Breaker
from helios_nautilus.llm.budget import DailyBudget, Spent
from helios_nautilus.llm.cassette import Cassette
from helios_nautilus.llm.lane import Lane
from helios_nautilus.llm.openai_provider import openai_request
from helios_nautilus.llm.prices import Prices
from helios_nautilus.llm.prompt import Prompt
from helios_nautilus.llm.remote import RemoteGate
from helios_nautilus.llm.reply import ModelReply, Usage
from helios_nautilus.llm.request import GateRequest, RemoteName
from helios_nautilus.llm.settings import AnthropicSettings, OpenAiSettings

CONTEXT = GateContext(
    ts_ns=1,
    decision_id="d-1",
    instrument_id="BTCZAR.VALR",
    side=Side.LONG,
    terms=Terms(confidence=0.72, notional=5800.0, leverage=1.4, stop=0.06, target=0.12, costs=0.006),
    market=MarketConditions(volatility=VolatilityRegime.LOW),
)
PRICES = Prices(input=1.0, output=10.0, cache_read=0.1, cache_write=1.25)
USAGE = Usage(input_tokens=1000, output_tokens=100)
COST = 0.002
"""US dollars of that usage at those prices."""


def says(**changes: Any) -> ModelReply:
    """An approval but for the changes."""
    answer = {
        "decision": "APPROVE",
        "reasoning": "Nothing speaks against it. The trend agrees.",
        "confidence_adjustment": 1.0,
        "position_size_multiplier": 1.0,
        "risk_flags": [],
    }
    text = msgspec.json.encode(answer | changes).decode()
    return ModelReply(ending="answered", text=text, model="scripted-1", usage=USAGE)


class ScriptedModel:
    """Replies in the given order, the last one for ever; an exception is raised, None never answers."""

    model = "scripted"

    def __init__(self, *replies: ModelReply | Exception | None, name: RemoteName = "anthropic") -> None:
        self.name = name
        self.asked: list[GateRequest] = []
        self.under_way = 0
        self.is_closed = False
        self._replies = deque(replies)

    def request(self, prompt: Prompt) -> GateRequest:
        if self.name == "anthropic":
            return anthropic_request(AnthropicSettings(), prompt)
        return openai_request(OpenAiSettings(), prompt)

    async def send(self, request: GateRequest, timeout_secs: float) -> ModelReply:
        assert timeout_secs > 0.0
        self.asked.append(request)
        reply = self._replies.popleft() if len(self._replies) > 1 else self._replies[0]
        self.under_way += 1
        try:
            await asyncio.sleep(0)
            if reply is None:
                await asyncio.Event().wait()
        finally:
            self.under_way -= 1
        if isinstance(reply, Exception):
            raise reply
        assert reply is not None
        return reply

    async def close(self) -> None:
        self.is_closed = True


def budget(usd: float = 1e6, calls: int = 1_000_000) -> DailyBudget:
    """So much, on one endless day."""
    return DailyBudget(Spent(calls=calls, usd=usd), lambda: 0)


def gate(
    *models: ScriptedModel,
    rules: GateRules | None = None,
    spend: DailyBudget | None = None,
    attempts: int = 1,
    failures: int = 1000,
    slots: asyncio.Semaphore | None = None,
    cassette: Cassette | None = None,
) -> RemoteGate:
    """A gate that asks the models in their order; it rejects what none answers."""
    shared, places = spend or budget(), slots or asyncio.Semaphore(100)
    lanes = [
        Lane(model, PRICES, 100, attempts, Breaker(failures, 60.0, lambda: 0.0), shared, places) for model in models
    ]
    return RemoteGate(rules or GateRules(provider="anthropic", on_failure="reject"), lanes, 0.5, cassette)
