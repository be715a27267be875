"""Stories out of what feeds answer: RSS and Atom, and Reddit's JSON. Bytes in, stories out; no network.

A story without a time is none: its age could not be told, nor whether it was out at a moment.
"""

import calendar
from io import BytesIO

import msgspec
from msgspec import Struct

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.errors import ConfigError, DataError
from helios_nautilus.llm.news import Story


class _Post(Struct, frozen=True, kw_only=True):
    title: str
    created_utc: float


class _Child(Struct, frozen=True, kw_only=True):
    data: _Post


class _Children(Struct, frozen=True, kw_only=True):
    children: list[_Child]


class _Listing(Struct, frozen=True, kw_only=True):
    data: _Children


def parse_rss(body: bytes, source: str) -> list[Story]:
    """The dated entries of an RSS or Atom feed; `DataError` if there is no feed in the bytes."""
    try:
        import feedparser
    except ImportError as error:
        raise ConfigError("news need a package that is not installed: pip install 'helios-nautilus[llm]'") from error
    # As a stream: feedparser takes bytes for the name of a file or an address first, and would open it.
    feed = feedparser.parse(BytesIO(body))
    if not feed.get("version"):
        raise DataError(f"{source} did not answer with a feed")
    stories = []
    for entry in feed.entries:
        moment = entry.get("published_parsed") or entry.get("updated_parsed")
        if moment is not None and entry.get("title"):
            stories.append(Story(ts_ns=calendar.timegm(moment) * NS_PER_SEC, title=entry.title, source=source))
    return stories


def parse_reddit(body: bytes, source: str) -> list[Story]:
    """The posts of a listing; `DataError` if the bytes are none."""
    try:
        listing = msgspec.json.decode(body, type=_Listing)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataError(f"{source} did not answer with a listing ({error})") from error
    posts = (child.data for child in listing.data.children)
    return [Story(ts_ns=int(post.created_utc) * NS_PER_SEC, title=post.title, source=source) for post in posts]
