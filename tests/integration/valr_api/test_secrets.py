"""Key, secret and signature are in no error, whatever the venue answers; `conftest` searches the log for them."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.enums import RequestSide
from helios_nautilus.adapters.valr.api.errors import VenueError
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.link import LinkConfig
from helios_nautilus.adapters.valr.api.schemas.requests import LimitOrder
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.adapters.valr.api.websocket import SocketConfig, ValrSocket
from tests.integration.valr_api.venue import KEY, SECRET, open_venue

ORDER = LimitOrder(pair="BTCZAR", side=RequestSide.BUY, quantity="0.1", price="1800000")
REFUSED = b'{"code":-6,"message":"Insufficient Balance"}'
CUT, SILENT = b"", None
"""What a line brings instead of a reply: its end at once, or nothing at all."""

type Reply = bytes | None


def reply(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


REPLIES: dict[str, Reply] = {
    "cut": CUT,
    "silent": SILENT,
    "no HTTP at all": b"SSH-2.0-nobody\r\n\r\n",
    "a header cut short": b"HTTP/1.1 200 OK\r\nContent-Le",
    "a body cut short": reply("200 OK", b"[]")[:-1],
    "a body that is no gzip": reply("200 OK", b"nothing packed", "Content-Encoding: gzip"),
    "truncated JSON": reply("201 Created", b'{"id":"7'),
    "another shape": reply("200 OK", b'{"unexpected":7}'),
    "refused": reply("400 Bad Request", REFUSED),
    "refused without a reason": reply("400 Bad Request", b"<html>"),
    "no permission": reply("401 Unauthorized"),
    "forbidden": reply("403 Forbidden", b"<html>"),
    "not found": reply("404 Not Found"),
    "moved": reply("302 Found", b"", "Location: http://127.0.0.1:9/"),
    "too many": reply("429 Too Many Requests", b"", "Retry-After: 0"),
    "broken": reply("500 Internal Server Error"),
    "away": reply("503 Service Unavailable", b"<html>"),
}


@asynccontextmanager
async def answering(answer: Reply) -> AsyncIterator[str]:
    """A server that says the same to everyone; its host and port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if answer is SILENT:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield "{}:{}".format(*server.sockets[0].getsockname())


def told(error: BaseException) -> str:
    """All that an error and those it came from hold, and how it would be printed."""
    waiting, seen, texts = [error], set[int](), []
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        texts += [str(one), repr(one), repr(vars(one)), repr(one.args), *traceback.format_exception(one)]
        # Not only what is printed: whoever collects errors follows the suppressed ones too.
        waiting += [each for each in (one.__cause__, one.__context__, *one.args) if isinstance(each, BaseException)]
    return "\n".join(texts)


def assert_silent(error: BaseException) -> None:
    text = told(error)
    assert KEY not in text
    assert SECRET not in text
    assert "SIGNATURE" not in text.upper()
    assert "1800000" not in text


@pytest.mark.parametrize("answer", REPLIES.values(), ids=REPLIES.keys())
@pytest.mark.parametrize(
    "ask", [lambda http: http.get_balances(), lambda http: http.post_limit_order(ORDER)], ids=["read", "write"]
)
def test_error_of_a_request_holds_no_secret(answer: Reply, ask: Callable[[ValrHttp], Awaitable[Any]]) -> None:
    async def work() -> None:
        async with answering(answer) as address:
            config = HttpConfig(base_url=f"http://{address}", timeout_secs=0.1, deadline_secs=0.3, backoff_secs=0.05)
            http = ValrHttp(config, Credentials(KEY, SECRET))
            with pytest.raises(VenueError) as caught:
                await ask(http)
            await http.close()
            assert_silent(caught.value)

    asyncio.run(work())


@pytest.mark.parametrize("answer", REPLIES.values(), ids=REPLIES.keys())
def test_error_of_a_login_holds_no_secret(answer: Reply) -> None:
    async def work() -> None:
        async with answering(answer) as address:
            link = LinkConfig(url=f"ws://{address}", path="/ws/account", login_secs=0.2)
            socket = ValrSocket(SocketConfig(link=link), lambda _: None, credentials=Credentials(KEY, SECRET))
            with pytest.raises(VenueError) as caught:
                await socket.connect()
            await socket.close()
            assert_silent(caught.value)

    asyncio.run(work())


@pytest.mark.parametrize("ask", [lambda http: http.get_balances(), lambda http: http.post_limit_order(ORDER)])
def test_error_of_a_port_where_nobody_listens_holds_no_secret(ask: Callable[[ValrHttp], Awaitable[Any]]) -> None:
    async def work() -> None:
        config = HttpConfig(base_url="http://127.0.0.1:9", deadline_secs=0.2, backoff_secs=0.05)
        http = ValrHttp(config, Credentials(KEY, SECRET))
        with pytest.raises(VenueError) as caught:
            await ask(http)
        await http.close()
        assert_silent(caught.value)

    asyncio.run(work())


def test_objects_that_have_been_at_work_show_no_secret() -> None:
    async def empty(_: web.Request) -> web.StreamResponse:
        return web.json_response([])

    async def work() -> None:
        async with open_venue() as venue:
            venue.rest = empty
            http = ValrHttp(HttpConfig(base_url=venue.http_url), Credentials(KEY, SECRET))
            link = LinkConfig(url=venue.ws_url, path="/ws/account")
            socket = ValrSocket(SocketConfig(link=link), lambda _: None, credentials=Credentials(KEY, SECRET))
            await socket.connect()
            await http.get_balances()
            shown = repr([http, http._caller, *vars(http._caller).values(), socket, *vars(socket).values()])
            await http.close()
            await socket.close()
            assert KEY not in shown
            assert SECRET not in shown
            assert "signature" not in shown.lower()

    asyncio.run(work())
