"""What models cost and how far back they learned, as their providers publish it.

A price list grows old: each entry says when it was read and where. A model that is not in the list needs its prices in
the settings, because a budget in money is worth nothing without them.
"""

from math import isfinite
from typing import Final

from msgspec import Struct

from helios_nautilus.errors import ConfigError
from helios_nautilus.llm.reply import Usage

_MILLION: Final = 1_000_000


class Prices(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """US dollars per million tokens."""

    input: float
    """Tokens of the question that are in no cache."""
    output: float
    """Tokens of the answer."""
    cache_read: float
    """Tokens of the question that the provider had kept."""
    cache_write: float
    """Tokens of the question that the provider keeps from now on."""
    as_of: str = ""
    """When they were read, as a date."""
    source: str = ""
    """Where."""

    def __post_init__(self) -> None:
        if not all(
            price >= 0.0 and isfinite(price) for price in (self.input, self.output, self.cache_read, self.cache_write)
        ):
            raise ConfigError("prices must be 0 or more, in US dollars per million tokens")

    def cost(self, usage: Usage) -> float:
        """US dollars of one call."""
        return (
            usage.input_tokens * self.input
            + usage.output_tokens * self.output
            + usage.cache_read_tokens * self.cache_read
            + usage.cache_write_tokens * self.cache_write
        ) / _MILLION

    def at_most(self, prompt_tokens: int, output_tokens: int) -> float:
        """US dollars a call can cost: the prompt at its dearest, and as many words as it may say."""
        return (prompt_tokens * max(self.input, self.cache_write) + output_tokens * self.output) / _MILLION


class ModelFacts(Struct, frozen=True, kw_only=True):
    """What is published of a model."""

    prices: Prices
    trained_until: str
    """The month up to which it knows the world, as ``2026-06``. In a backtest before it, hindsight is possible."""


_READ_ON: Final = "2026-11-20"
_CLAUDE: Final = "platform.claude.com/docs/en/models"
_GPT: Final = "developers.openai.com/api/docs/models"

KNOWN_MODELS: Final = {
    "claude-sonnet-5-5": ModelFacts(
        prices=Prices(input=2.0, output=10.0, cache_read=0.20, cache_write=2.50, as_of=_READ_ON, source=_CLAUDE),
        trained_until="2026-06",
    ),
    "claude-haiku-5-5": ModelFacts(
        prices=Prices(input=0.10, output=0.50, cache_read=0.01, cache_write=0.125, as_of=_READ_ON, source=_CLAUDE),
        trained_until="2026-06",
    ),
    "claude-haiku-4-5": ModelFacts(
        prices=Prices(input=1.0, output=5.0, cache_read=0.10, cache_write=1.25, as_of=_READ_ON, source=_CLAUDE),
        trained_until="2025-02",
    ),
    "gpt-6-luna": ModelFacts(
        prices=Prices(input=0.10, output=0.50, cache_read=0.01, cache_write=0.125, as_of=_READ_ON, source=_GPT),
        trained_until="2026-05",
    ),
    "gpt-5.6-luna": ModelFacts(
        prices=Prices(input=0.20, output=1.20, cache_read=0.02, cache_write=0.25, as_of=_READ_ON, source=_GPT),
        trained_until="2026-02",
    ),
}
"""Standard requests with a short prompt; Claude's cache for five minutes."""
