"""The sources over a real socket: a small server on the loopback that can be slow, long, broken or gone."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.errors import DataError
from helios_nautilus.llm.news import NewsSettings
from helios_nautilus.llm.news_room import NewsRoom
from helios_nautilus.llm.news_web import build_sources, fetch

NOON = 1_769_860_800 * NS_PER_SEC
RSS = (
    b'<rss version="2.0"><channel><item><title>Bitcoin rises</title>'
    b"<pubDate>Sat, 31 Jan 2026 11:50:00 GMT</pubDate></item></channel></rss>"
)
REDDIT = b'{"data": {"children": [{"data": {"title": "BTC?", "created_utc": 1769860500.0}}]}}'

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """Answers every path as told; ``asked`` are the requests."""

    def __init__(self) -> None:
        self.answers: dict[str, Handler] = {}
        self.asked: list[web.Request] = []
        self.address = ""

    def say(self, path: str, body: bytes, status: int = 200) -> None:
        async def answer(_request: web.Request) -> web.StreamResponse:
            return web.Response(body=body, status=status)

        self.answers[path] = answer

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        return await self.answers[request.path](request)


def with_site(test: Callable[[Site], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        site = Site()
        app = web.Application()
        app.router.add_get("/{path:.*}", site.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        listener = web.TCPSite(runner, "127.0.0.1", 0)
        await listener.start()
        site.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            await test(site)
        finally:
            await runner.cleanup()

    asyncio.run(run())


async def never(_request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        while True:
            await response.write(b"x" * 4096)
    except ConnectionError:
        return response


async def broken_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"<rss")
    assert request.transport is not None
    request.transport.abort()
    return response


# One request


def test_a_body_comes_whole_and_we_say_who_asks() -> None:
    async def test(site: Site) -> None:
        site.say("/feed", RSS)
        assert await fetch(f"{site.address}/feed", 5.0, 10_000) == RSS
        assert site.asked[0].headers["User-Agent"].startswith("helios-nautilus")

    with_site(test)


@pytest.mark.parametrize(
    ("answer", "words"),
    [(never, "did not answer within 0.2 s"), (endless, "longer than 10000 bytes"), (broken_off, "cannot be reached")],
    ids=["silence", "an endless body", "half a body"],
)
def test_an_answer_that_is_late_endless_or_broken_off_is_given_up(answer: Handler, words: str) -> None:
    async def test(site: Site) -> None:
        site.answers["/secret-key"] = answer
        with pytest.raises(DataError, match=words) as caught:
            await fetch(f"{site.address}/secret-key", 0.2, 10_000)
        assert "secret-key" not in str(caught.value)

    with_site(test)


def test_an_error_page_is_no_news() -> None:
    async def test(site: Site) -> None:
        site.say("/feed", RSS, status=503)
        with pytest.raises(DataError, match="it answered 503"):
            await fetch(f"{site.address}/feed", 5.0, 10_000)

    with_site(test)


def test_redirections_are_followed_but_not_for_ever() -> None:
    async def round_and_round(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(request.path)

    async def test(site: Site) -> None:
        site.answers["/feed"] = round_and_round
        with pytest.raises(DataError, match="TooManyRedirects"):
            await fetch(f"{site.address}/feed", 5.0, 10_000)

    with_site(test)


def test_nobody_there_is_said() -> None:
    with pytest.raises(DataError, match="cannot be reached"):
        asyncio.run(fetch("http://127.0.0.1:1/feed", 5.0, 10_000))


# The room


class Clock:
    def __init__(self) -> None:
        self.ns = NOON

    def __call__(self) -> int:
        return self.ns


def titles(room: NewsRoom, now_ns: int = NOON) -> list[str] | None:
    news = room.news("BTC", now_ns)
    return None if news is None else [headline.title for headline in news.headlines]


def test_all_sources_are_asked_and_told_together(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("2026-01-31T11:00 BTC falls\n")

    async def test(site: Site) -> None:
        site.say("/feed", RSS)
        site.say("/r/CryptoCurrency/new.json", REDDIT)
        settings = NewsSettings(files=(tmp_path,), rss=(f"{site.address}/feed",), reddit=("CryptoCurrency",))
        room = NewsRoom(build_sources(settings, reddit=site.address), settings, now_ns=Clock())
        assert titles(room) is None, "nothing was read yet"

        await room.read()

        assert titles(room) == ["BTC?", "Bitcoin rises", "BTC falls"]

    with_site(test)


def test_a_source_that_fails_is_reported_without_its_address_and_the_others_go_on() -> None:
    async def test(site: Site) -> None:
        site.say("/feed", RSS)
        site.say("/private/token", b"<html>Log in</html>")
        settings = NewsSettings(rss=(f"{site.address}/feed", f"{site.address}/private/token"))
        troubles: list[str] = []
        room = NewsRoom(build_sources(settings), settings, troubles.append, Clock())

        await room.read()

        assert titles(room) == ["Bitcoin rises"]
        assert troubles == ["news of 127.0.0.1: 127.0.0.1 did not answer with a feed"]

    with_site(test)


def test_what_was_read_last_is_told_until_it_is_stale() -> None:
    async def test(site: Site) -> None:
        site.say("/feed", RSS)
        settings = NewsSettings(rss=(f"{site.address}/feed",), stale_mins=60.0)
        clock = Clock()
        room = NewsRoom(build_sources(settings), settings, now_ns=clock)
        await room.read()
        site.say("/feed", b"", status=500)
        await room.read()

        assert titles(room, NOON + 60 * NS_PER_MIN - 1) == ["Bitcoin rises"]
        assert titles(room, NOON + 60 * NS_PER_MIN) is None

        site.say("/feed", RSS)
        clock.ns = NOON + 60 * NS_PER_MIN
        await room.read()
        assert titles(room, NOON + 60 * NS_PER_MIN) == ["Bitcoin rises"]

    with_site(test)


def test_a_source_of_one_s_own_may_throw_what_it_likes() -> None:
    class Wild:
        name = "wild"

        async def stories(self) -> list[Any]:
            raise KeyError("tweet")

    troubles: list[str] = []
    room = NewsRoom([Wild()], NewsSettings(), troubles.append, Clock())
    asyncio.run(room.read())
    assert troubles == ["news of wild: KeyError: 'tweet'"]
    assert titles(room) is None


def test_the_room_reads_on_a_thread_of_its_own_again_and_again_until_it_is_stopped() -> None:
    async def test(site: Site) -> None:
        site.say("/feed", RSS)
        settings = NewsSettings(rss=(f"{site.address}/feed",), refresh_mins=0.0001)
        room = NewsRoom(build_sources(settings), settings, now_ns=Clock())

        room.start()
        try:
            async with asyncio.timeout(10):
                while len(site.asked) < 3 or titles(room) is None:
                    await asyncio.sleep(0.001)
        finally:
            await asyncio.to_thread(room.stop)
        assert titles(room) == ["Bitcoin rises"]

    with_site(test)
