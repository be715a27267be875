import json
from pathlib import Path

import pytest

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.errors import DataError
from helios_nautilus.llm.news import Story
from helios_nautilus.llm.news_feeds import parse_reddit, parse_rss

NOON = 1_769_860_800 * NS_PER_SEC  # 2026-01-31T12:00Z

RSS = b"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>Wire</title>
<item><title>Bitcoin &amp; friends rise</title><pubDate>Sat, 31 Jan 2026 14:00:00 +0200</pubDate></item>
<item><title>No date</title></item>
<item><pubDate>Sat, 31 Jan 2026 12:00:00 GMT</pubDate></item>
</channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Wire</title>
<entry><title>ETH waits</title><updated>2026-01-31T12:00:00Z</updated></entry></feed>"""


def test_dated_entries_of_a_feed_are_stories() -> None:
    assert parse_rss(RSS, "wire") == [Story(ts_ns=NOON, title="Bitcoin & friends rise", source="wire")]
    assert parse_rss(ATOM, "wire") == [Story(ts_ns=NOON, title="ETH waits", source="wire")]


@pytest.mark.parametrize("body", [b"", b"<html><body>Log in</body></html>", b"\x00\xff" * 50, RSS[:40]])
def test_what_is_no_feed_is_refused(body: bytes) -> None:
    with pytest.raises(DataError, match="wire did not answer with a feed"):
        parse_rss(body, "wire")


def test_a_body_that_is_the_name_of_a_file_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_bytes(RSS)
    with pytest.raises(DataError, match="did not answer with a feed"):
        parse_rss(str(tmp_path / "feed.xml").encode(), "wire")


def test_an_entity_that_names_a_file_tells_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2")
    body = RSS.replace(b"<rss", f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{tmp_path}/secret">]><rss'.encode())
    assert not [each for each in parse_rss(body.replace(b"&amp;", b"&e;"), "wire") if "hunter2" in each.title]


def test_a_feed_cut_in_half_tells_what_is_there() -> None:
    half = RSS[: RSS.index(b"<item><title>No date")]
    assert [each.title for each in parse_rss(half, "wire")] == ["Bitcoin & friends rise"]


def test_posts_of_a_listing_are_stories() -> None:
    listing = {"kind": "Listing", "data": {"children": [{"data": {"title": "BTC?", "created_utc": 1769860800.0}}]}}
    assert parse_reddit(json.dumps(listing).encode(), "r/x") == [Story(ts_ns=NOON, title="BTC?", source="r/x")]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"data": {"children": [{"data": {"title": 1}}]}}', b"\xff"])
def test_what_is_no_listing_is_refused(body: bytes) -> None:
    with pytest.raises(DataError, match="r/x did not answer with a listing"):
        parse_reddit(body, "r/x")
