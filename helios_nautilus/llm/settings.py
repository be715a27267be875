"""Settings of the models behind the gate: which are asked, how, for how much money, and what is done when they fail."""

from math import isfinite
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from helios_nautilus.errors import ConfigError
from helios_nautilus.llm.prices import KNOWN_MODELS, Prices
from helios_nautilus.llm.request import RemoteName

_MAX_DEADLINE_TOKENS: Final = 8192
"""A model says a few hundred tokens a second at best; more cannot come within any deadline of a trade."""


class ModelSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the settings of every provider have in common."""

    model: str
    """As the provider names it."""
    key_env: str
    """Environment variable that holds the key."""
    base_url: str
    """Where the API is."""
    max_tokens: int = 1024
    """An answer longer than this is cut, and then rejects."""
    temperature: float | None = None
    """Left out by default: current models take none. Low is right for the older ones that do."""
    prices: Prices | None = None
    """Needed for a model that is not in the list of known prices."""
    trained_until: str | None = None
    """The month up to which the model knows the world, as ``2026-06``; by default as its provider publishes it."""

    def __post_init__(self) -> None:
        if not self.model or not self.key_env or not self.base_url.startswith(("https://", "http://")):
            raise ConfigError("a model needs a name, the key_env of its key, and a base_url that begins with https://")
        if not 64 <= self.max_tokens <= _MAX_DEADLINE_TOKENS:
            raise ConfigError(f"max_tokens must lie between 64 and {_MAX_DEADLINE_TOKENS}")
        if self.temperature is not None and not 0.0 <= self.temperature <= 2.0:
            raise ConfigError("temperature must lie between 0 and 2")
        _ = self.price_list

    @property
    def price_list(self) -> Prices:
        """The prices set here, else those published."""
        if self.prices is not None:
            return self.prices
        if self.model not in KNOWN_MODELS:
            raise ConfigError(
                f"the prices of model {self.model} are not known; write a section 'prices' with input, output, "
                "cache_read and cache_write in US dollars per million tokens"
            )
        return KNOWN_MODELS[self.model].prices

    @property
    def cutoff(self) -> str | None:
        """The month up to which the model knows the world; None where nobody says."""
        known = KNOWN_MODELS.get(self.model)
        return self.trained_until or (known.trained_until if known is not None else None)


class AnthropicSettings(ModelSettings, frozen=True, kw_only=True):
    """Claude. The defaults suit Claude Sonnet 5.5, which takes neither a temperature nor a forced tool. An older model
    takes both, and neither ``effort`` nor ``thinking``."""

    model: str = "claude-sonnet-5-5"
    """As Anthropic names it; a model that is not in the list of known prices needs a section ``prices``."""
    key_env: str = "ANTHROPIC_API_KEY"
    base_url: str = "https://api.anthropic.com"
    tool_choice: Literal["auto", "forced"] = "auto"
    """``auto`` leaves it to the model to call the tool, as it is told to; words instead of it reject."""
    effort: Literal["none", "low", "medium", "high"] = "low"
    """How much thought a judgement is given; ``none`` leaves the parameter out."""
    thinking: Literal["none", "between_tools", "disabled", "adaptive"] = "between_tools"
    """Whether it thinks before it answers; ``between_tools`` answers at once, ``none`` leaves the parameter out."""
    cache: bool = True
    """Whether the provider keeps the fixed part of the question for five minutes. It pays where one question in four
    follows another within that time."""


class OpenAiSettings(ModelSettings, frozen=True, kw_only=True):
    """Any API that is compatible with OpenAI's chat completions: OpenAI itself, a router, or a server of one's own."""

    model: str = "gpt-6-luna"
    """As the endpoint names it; a model that is not in the list of known prices needs a section ``prices``."""
    key_env: str = "OPENAI_API_KEY"
    base_url: str = "https://api.openai.com/v1"
    answer_by: Literal["tool", "schema"] = "tool"
    """A forced function call, or a reply held to the schema."""
    reasoning_effort: Literal["unset", "none", "low", "medium", "high"] = "none"
    """OpenAI's models call functions here only with ``none``; ``unset`` leaves the parameter out."""


class LlmSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The models behind the gate. Which of them is asked first is ``gate.provider``; how long all of it may take is
    ``gate.deadline_ms``; who answers when none did is ``gate.on_failure``. Keys come from the environment alone."""

    fallbacks: tuple[RemoteName, ...] = ()
    """Who is asked when the first gave no answer, in order."""
    cassette: Path = Path("cassettes/gate.jsonl")
    """The answers recorded so far; a backtest answers from it and never asks a network."""
    attempts: int = 2
    """How often one provider is asked, as far as the deadline allows."""
    time_share: float = 0.6
    """Of the time that is left, what a provider may use while there is another behind it."""
    max_concurrent: int = 4
    """Questions under way at once; one more waits, within its deadline."""
    daily_usd: float = 2.0
    """Spent so much since 00:00 UTC, no call goes out."""
    daily_calls: int = 500
    """Made so many calls since 00:00 UTC, none goes out."""
    breaker_failures: int = 3
    """A provider that failed so often in a row is left alone for a while."""
    breaker_cooldown_secs: float = 60.0
    """How long; then one call tries whether it is back."""
    anthropic: AnthropicSettings = AnthropicSettings()
    openai: OpenAiSettings = OpenAiSettings()

    def __post_init__(self) -> None:
        if len(set(self.fallbacks)) != len(self.fallbacks):
            raise ConfigError("llm: fallbacks names a provider twice")
        if min(self.attempts, self.max_concurrent, self.breaker_failures) < 1:
            raise ConfigError("llm: attempts, max_concurrent and breaker_failures must be 1 or more")
        if not 0.0 < self.time_share < 1.0:
            raise ConfigError("llm: time_share must lie between 0 and 1")
        if not (self.daily_usd >= 0.0 and isfinite(self.daily_usd)) or self.daily_calls < 0:
            raise ConfigError("llm: daily_usd and daily_calls must be 0 or more")
        if not (self.breaker_cooldown_secs > 0.0 and isfinite(self.breaker_cooldown_secs)):
            raise ConfigError("llm: breaker_cooldown_secs must be above 0")

    def of(self, provider: RemoteName) -> ModelSettings:
        """The settings of one provider."""
        return self.anthropic if provider == "anthropic" else self.openai
