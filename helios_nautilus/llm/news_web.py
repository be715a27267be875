"""Feeds over the network: one bounded request an address. Only a paper or live run has them."""

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from helios_nautilus.errors import ConfigError, DataError
from helios_nautilus.llm.news import NewsSettings, NewsSource, Story
from helios_nautilus.llm.news_feeds import parse_reddit, parse_rss
from helios_nautilus.llm.news_files import FileSource

REDDIT: Final = "https://www.reddit.com"
_POSTS: Final = 50
_CHUNK: Final = 1 << 16
_USER_AGENT: Final = "helios-nautilus (news for a trading system)"
"""Reddit refuses the names of common libraries."""


class WebSource:
    """A `NewsSource` at one address."""

    def __init__(
        self, name: str, address: str, parse: Callable[[bytes, str], list[Story]], settings: NewsSettings
    ) -> None:
        self.name = name
        self._address = address
        self._parse = parse
        self._settings = settings

    async def stories(self) -> list[Story]:
        """See `NewsSource`."""
        body = await fetch(self._address, self._settings.timeout_secs, self._settings.max_kib * 1024)
        return self._parse(body, self.name)


def build_sources(settings: NewsSettings, reddit: str = REDDIT) -> list[NewsSource]:
    """Every source the settings name."""
    sources: list[NewsSource] = [FileSource(settings.files)] if settings.files else []
    feeds = [WebSource(urlsplit(each).hostname or each, each, parse_rss, settings) for each in settings.rss]
    posts = [
        WebSource(f"r/{name}", f"{reddit}/r/{name}/new.json?limit={_POSTS}", parse_reddit, settings)
        for name in settings.reddit
    ]
    return [*sources, *feeds, *posts]


async def fetch(address: str, timeout_secs: float, max_bytes: int) -> bytes:
    """The body at an address. `DataError` if it is not there, too late or too long; the words leave the address out.

    The path of a private feed may well be its key.
    """
    try:
        import aiohttp
    except ImportError as error:
        raise ConfigError("feeds need a package that is not installed: pip install 'helios-nautilus[llm]'") from error
    timeout = aiohttp.ClientTimeout(total=timeout_secs)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers={"User-Agent": _USER_AGENT}) as session,
            session.get(address, max_redirects=3) as response,
        ):
            if response.status != 200:
                raise DataError(f"it answered {response.status}")
            body = bytearray()
            async for chunk in response.content.iter_chunked(_CHUNK):
                body += chunk
                if len(body) > max_bytes:
                    raise DataError(f"its answer is longer than {max_bytes} bytes")
            return bytes(body)
    except TimeoutError as error:
        raise DataError(f"it did not answer within {timeout_secs:g} s") from error
    except aiohttp.ClientError as error:
        raise DataError(f"it cannot be reached ({type(error).__name__})") from error
