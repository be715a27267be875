"""News for the gate: which sources a run has, and what of their stories concerns an instrument at a moment."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import force_setattr

from helios_nautilus.domain.decision.news import MAX_SOURCE_CHARS, MAX_TITLE_CHARS, Headline, News, plain_text
from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_MIN
from helios_nautilus.errors import ConfigError
from helios_nautilus.llm.sentiment import sentiment_of

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "ADA": ("cardano",),
    "AVAX": ("avalanche",),
    "BNB": ("binance coin",),
    "BTC": ("bitcoin",),
    "DOGE": ("dogecoin",),
    "ETH": ("ethereum", "ether"),
    "LTC": ("litecoin",),
    "SOL": ("solana",),
    "XRP": ("ripple",),
}
"""What the press calls a currency besides its code."""
_WORD: Final = re.compile(r"\w+")


class NewsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sources of news, and how much of them is told. Without any the gate hears that news are unavailable.

    Only files can be had in a backtest; RSS and Reddit are asked by a paper or live run.
    """

    files: tuple[Path, ...] = ()
    """Headlines with their times: a file, or a folder of them, ``.jsonl`` or ``.txt`` (see docs/gate.md)."""
    rss: tuple[str, ...] = ()
    """Addresses of RSS or Atom feeds."""
    reddit: tuple[str, ...] = ()
    """Names of subreddits, such as ``CryptoCurrency``."""
    names: dict[str, tuple[str, ...]] = {}
    """What else a base currency is called in headlines, by its code; for the large ones that is known."""
    max_headlines: int = 5
    """At most so many are told, the newest."""
    max_age_hours: float = 24.0
    """Older headlines are not told. Without any headline as young as this, on whatever subject, the sources are taken
    to be silent, so news are unavailable."""
    refresh_mins: float = 10.0
    """How often feeds are read."""
    stale_mins: float = 60.0
    """A feed that could not be read for so long counts as unavailable."""
    timeout_secs: float = 10.0
    """A feed must answer within this."""
    max_kib: int = 1024
    """A longer answer is not read."""

    def __post_init__(self) -> None:
        if not 1 <= self.max_headlines <= 20:
            raise ConfigError("news: max_headlines must lie between 1 and 20")
        spans = (self.max_age_hours, self.refresh_mins, self.stale_mins, self.timeout_secs, self.max_kib)
        if not all(span > 0 for span in spans):
            raise ConfigError("news: max_age_hours, refresh_mins, stale_mins, timeout_secs and max_kib must be above 0")
        if self.stale_mins < self.refresh_mins:
            raise ConfigError("news: stale_mins must not be below refresh_mins, or news expire between two readings")
        for name in self.reddit:
            if re.fullmatch(r"\w{2,30}", name) is None:
                raise ConfigError(f"news: {name} is no name of a subreddit; write CryptoCurrency, not an address")
        for address in self.rss:
            if not address.startswith(("https://", "http://")):
                raise ConfigError(f"news: rss address {address} must begin with https:// or http://")


class Story(Struct, frozen=True, kw_only=True):
    """One headline of a source, plain and short from the start; ``ts_ns`` is when it was published."""

    ts_ns: int
    title: str
    source: str

    def __post_init__(self) -> None:
        # Here, where sources are read: a stranger's title may be long, and the engine's thread is not to wade through.
        force_setattr(self, "title", plain_text(self.title, MAX_TITLE_CHARS))
        force_setattr(self, "source", plain_text(self.source, MAX_SOURCE_CHARS))


class NewsSource(Protocol):
    """One source of stories, asked now and then beside the engine's thread."""

    @property
    def name(self) -> str:
        """How a trouble with it is reported."""
        ...

    async def stories(self) -> list[Story]:
        """What it has now; any exception means that it cannot be had."""
        ...


class NewsDesk(Protocol):
    """Whoever the gate asks for news. Answers at once."""

    def news(self, base: str, now_ns: int) -> News | None:
        """What is known about a base currency at a moment, nothing of it published later; None if unavailable."""
        ...


def select_news(stories: Iterable[Story], base: str, now_ns: int, settings: NewsSettings) -> News | None:
    """The newest stories about a base currency that were out at ``now_ns``; None if no source said anything lately."""
    oldest_ns = now_ns - int(settings.max_age_hours * NS_PER_HOUR)
    recent = [story for story in stories if oldest_ns < story.ts_ns <= now_ns]
    if not recent:
        return None
    names = (*NAMES.get(base, ()), *settings.names.get(base, ()))
    # By title as well: equal stamps must give equal prompts, whatever order the sources had.
    recent.sort(key=lambda story: (-story.ts_ns, story.title, story.source))
    told: dict[str, Headline] = {}
    for story in recent:
        if mentions(story.title, base, names):
            told.setdefault(story.title.casefold(), _headline(story, now_ns))
            if len(told) == settings.max_headlines:
                break
    return News(headlines=tuple(told.values()))


def mentions(title: str, code: str, names: Iterable[str]) -> bool:
    """Whether a title has a currency's code, in capitals, or one of its names, in any case, as words of their own.

    In capitals, because codes such as NEAR and LINK are words of the language as well.
    """
    words, folded = _words(title)
    return f" {code} " in words or any(_words(name)[1] in folded for name in names)


@lru_cache(maxsize=1 << 14)
def _words(text: str) -> tuple[str, str]:
    """The words of a text between single spaces, one at either end; as they are, and without case.

    Kept, because a backtest asks of the same headlines again and again.
    """
    words = f" {' '.join(_WORD.findall(text))} "
    return words, words.casefold()


def _headline(story: Story, now_ns: int) -> Headline:
    return Headline(
        title=story.title,
        source=story.source,
        age_mins=(now_ns - story.ts_ns) // NS_PER_MIN,
        sentiment=sentiment_of(story.title),
    )
