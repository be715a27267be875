"""Builds the gate that the settings name: one that answers at once, or one that asks over a network."""

import asyncio
import time
from collections.abc import Callable, Mapping

from helios_nautilus.domain.decision.policy import GateRules
from helios_nautilus.errors import ConfigError
from helios_nautilus.llm.anthropic_provider import AnthropicModel
from helios_nautilus.llm.breaker import Breaker
from helios_nautilus.llm.budget import Counter, DailyBudget, Spent
from helios_nautilus.llm.cassette import Cassette
from helios_nautilus.llm.client import read_key
from helios_nautilus.llm.lane import Lane
from helios_nautilus.llm.off import OffProvider
from helios_nautilus.llm.openai_provider import OpenAiModel
from helios_nautilus.llm.provider import GateProvider, RemoteModel
from helios_nautilus.llm.recorded import RecordedProvider, wording_of
from helios_nautilus.llm.remote import RemoteGate
from helios_nautilus.llm.request import RemoteName
from helios_nautilus.llm.rules import RulesProvider
from helios_nautilus.llm.settings import LlmSettings


def build_provider(rules: GateRules, settings: LlmSettings | None = None) -> GateProvider:
    """The gate of a backtest: a provider behind a network answers from the cassette, and needs no key."""
    if rules.provider == "off":
        return OffProvider()
    if rules.provider == "rules":
        return RulesProvider(rules)
    settings = settings or LlmSettings()
    wordings = [wording_of(provider, settings) for provider in remote_order(rules, settings)]
    return RecordedProvider(rules, wordings, Cassette(settings.cassette))


def build_remote(
    rules: GateRules,
    settings: LlmSettings,
    environ: Mapping[str, str],
    now_ns: Callable[[], int],
    *,
    budget: DailyBudget | None = None,
    counter: Counter | None = None,
    cassette: Cassette | None = None,
) -> RemoteGate:
    """The gate that asks over a network; `ConfigError` if a key or a client package is missing.

    Parameters
    ----------
    rules, settings
        Who is asked, and how.
    environ
        Where the keys are, and the only place they are read from.
    now_ns
        The time in nanoseconds UTC, for the day of the budget.
    budget
        Instead of the day's as the settings limit it.
    counter
        What was spent earlier today; see `DailyBudget`.
    cassette
        Takes every answer, and gives those it has.

    """
    if rules.provider not in ("anthropic", "openai"):
        raise ConfigError(f"gate: the provider {rules.provider} asks no network; name anthropic or openai")
    limit = Spent(calls=settings.daily_calls, usd=settings.daily_usd)
    budget = budget or DailyBudget(limit, now_ns, counter)
    slots = asyncio.Semaphore(settings.max_concurrent)
    lanes = [
        Lane(
            _build_model(provider, settings, environ),
            settings.of(provider).price_list,
            settings.of(provider).max_tokens,
            settings.attempts,
            Breaker(settings.breaker_failures, settings.breaker_cooldown_secs, time.monotonic),
            budget,
            slots,
        )
        for provider in remote_order(rules, settings)
    ]
    return RemoteGate(rules, lanes, settings.time_share, cassette)


def remote_order(rules: GateRules, settings: LlmSettings) -> tuple[RemoteName, ...]:
    """The providers in the order in which they are asked, or their recorded answers looked for.

    Empty for a gate that asks none.
    """
    first: tuple[RemoteName, ...]
    match rules.provider:
        case "anthropic" | "openai":
            first = (rules.provider,)
        case "recorded":
            first = ("anthropic", "openai")
        case _:
            return ()
    return tuple(dict.fromkeys((*first, *settings.fallbacks)))


def _build_model(provider: RemoteName, settings: LlmSettings, environ: Mapping[str, str]) -> RemoteModel:
    key = read_key(environ, settings.of(provider).key_env, provider)
    if provider == "anthropic":
        return AnthropicModel(settings.anthropic, key)
    return OpenAiModel(settings.openai, key)
