"""One question of a backtest, looked at by itself: the exact words, what they may cost, and what an answer comes to."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from nautilus_trader.common.component import set_backtest_force_stop
from nautilus_trader.core.datetime import unix_nanos_to_iso8601

from helios_nautilus.config import HeliosConfig
from helios_nautilus.domain.decision.context import GateContext
from helios_nautilus.domain.decision.policy import GateRules, GateVerdict, ProviderName, clamp
from helios_nautilus.domain.decision.tokens import estimate_tokens
from helios_nautilus.errors import ConfigError, DataError
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.llm.cassette import Cassette
from helios_nautilus.llm.chain import build_provider, build_remote, remote_order
from helios_nautilus.llm.prompt import build_prompt
from helios_nautilus.llm.provider import GateProvider
from helios_nautilus.llm.recorded import wording_of
from helios_nautilus.llm.reply import GateReply
from helios_nautilus.llm.request import RemoteName
from helios_nautilus.llm.settings import LlmSettings
from helios_nautilus.models.threads import one_thread
from helios_nautilus.node.backtest import build_engine, load_market
from helios_nautilus.node.tiers import add_tiers


class Question(Struct, frozen=True, kw_only=True):
    """What a model is asked: everything that decides its answer, and what it costs at most."""

    provider: str
    model: str
    system: str
    user: str
    tool: dict[str, Any]
    request_hash: str
    system_tokens: int
    """Estimated on the high side, like the user's."""
    user_tokens: int
    at_most_usd: float


class Trial(Struct, frozen=True, kw_only=True):
    """A question, and what came of it."""

    context: GateContext
    question: Question
    reply: GateReply | None
    """None if nobody was asked."""
    verdict: GateVerdict | None
    """After the clamps."""


def find_context(config: HeliosConfig, at_ns: int, instrument_id: str | None = None) -> GateContext:
    """What the gate is told of the first proposal at or after a stamp; the backtest runs up to there.

    `ConfigError` if the stamp or the instrument is none of the run's, `DataError` if no proposal follows.
    """
    if not config.backtest.start_ns <= at_ns < config.backtest.end_ns:
        raise ConfigError(f"the time must lie in the backtest, from {config.backtest.start} to {config.backtest.end}")
    if instrument_id is not None and instrument_id not in config.data.instruments:
        raise ConfigError(f"{instrument_id} is none of the run's instruments: {', '.join(config.data.instruments)}")
    market = load_market(config)
    catch = _Catch(build_provider(config.gate, config.llm), at_ns, instrument_id)
    node, engine = build_engine(config, market)
    add_tiers(engine, config, market, MemoryJournal(), provider=catch)
    try:
        with one_thread():
            node.run()
    finally:
        node.dispose()
    if catch.caught is None:
        raise DataError(
            f"no proposal comes before the gate between {unix_nanos_to_iso8601(at_ns)[:16]} and {config.backtest.end}; "
            "try an earlier time"
        )
    return catch.caught


def word_question(config: HeliosConfig, context: GateContext, provider: ProviderName) -> Question:
    """The question about a context as a provider is asked it; the first remote one, where the named one asks none."""
    rules = replace(config.gate, provider=provider)
    remote: RemoteName = next(iter(remote_order(rules, config.llm)), "anthropic")
    prompt = build_prompt(context)
    request = wording_of(remote, config.llm)(prompt)
    settings = config.llm.of(remote)
    tokens = estimate_tokens(request.canonical().decode())
    return Question(
        provider=remote,
        model=request.model,
        system=prompt.system,
        user=prompt.user,
        tool=request.tool,
        request_hash=request.hash,
        system_tokens=estimate_tokens(prompt.system),
        user_tokens=estimate_tokens(prompt.user),
        at_most_usd=settings.price_list.at_most(tokens, settings.max_tokens),
    )


def put_question(
    config: HeliosConfig, context: GateContext, provider: ProviderName, environ: Mapping[str, str]
) -> tuple[GateReply, GateVerdict]:
    """The answer of a provider, and what the clamps make of it.

    A model answers from the cassette if it was asked before, else over its network, and the answer is kept.
    """
    rules = replace(config.gate, provider=provider)
    reply = build_provider(rules, config.llm).ask(context)
    if provider in ("anthropic", "openai") and reply.source != "recorded":
        reply = asyncio.run(_ask_remote(rules, config.llm, context, environ))
    return reply, clamp(reply.answer, context.terms, rules)


async def _ask_remote(
    rules: GateRules, settings: LlmSettings, context: GateContext, environ: Mapping[str, str]
) -> GateReply:
    gate = build_remote(rules, settings, environ, time.time_ns, cassette=Cassette(settings.cassette))
    try:
        return await gate.ask(context)
    finally:
        await gate.close()


class _Catch:
    """A provider that keeps the first context it was sent for, and stops the engine there."""

    name = "catch"

    def __init__(self, provider: GateProvider, at_ns: int, instrument_id: str | None) -> None:
        self.caught: GateContext | None = None
        self._provider = provider
        self._at_ns = at_ns
        self._instrument_id = instrument_id

    def ask(self, context: GateContext) -> GateReply:
        """See `GateProvider`."""
        is_wanted = self._instrument_id in (None, context.instrument_id)
        if self.caught is None and context.ts_ns >= self._at_ns and is_wanted:
            self.caught = context
            set_backtest_force_stop(True)
        return self._provider.ask(context)
