"""A very small VALR on a local port: enough of its habits to see what our client does on the wire."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

KEY = "ab" * 32
SECRET = "4961b74efac86b25cce8fbe4c9811c4c7a787b7a5996660afcc2e287ad864363"
PATIENCE_SECS = 8.0


class Connection:
    """One socket as the venue sees it."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.headers = request.headers
        self.transport = request.transport
        self.frames: list[dict[str, Any]] = []
        self.pairs: dict[str, list[str]] = {}
        self.is_mute = False
        """Goes on reading but says nothing more, as a dead line would."""

    @property
    def is_open(self) -> bool:
        return not self.socket.closed

    def received(self, kind: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] == kind]

    async def say(self, text: str) -> None:
        if self.is_open and not self.is_mute:
            await self.socket.send_str(text)

    def cut(self) -> None:
        """Break the line without a word."""
        assert self.transport is not None
        self.transport.abort()


class LocalVenue:
    """Both sockets, a REST echo, and switches for what goes wrong."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.handshake_status: int | None = None
        self.handshakes = 0
        """Answer handshakes with this instead."""
        self.is_login_ignored = False
        self.is_silent_on_subscribe = False
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.rest: Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]] | None = None
        self.port = 0

    @property
    def last(self) -> Connection:
        return self.connections[-1]

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def serve_socket(self, request: web.Request) -> web.StreamResponse:
        self.handshakes += 1
        if self.handshake_status is not None:
            return web.Response(status=self.handshake_status)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connection = Connection(socket, request)
        self.connections.append(connection)
        if "X-VALR-API-KEY" in request.headers and not self.is_login_ignored:
            if not is_signed(request):
                await socket.close(code=WSCloseCode.INVALID_TEXT, message=b"Request has an invalid signature")
                return socket
            await connection.say('{"type":"AUTHENTICATED"}')
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._answer(connection, json.loads(message.data))
        return socket

    async def _answer(self, connection: Connection, frame: dict[str, Any]) -> None:
        connection.frames.append(frame)
        if frame["type"] == "PING":
            await connection.say('{"type":"PONG"}')
        elif frame["type"] == "SUBSCRIBE" and not self.is_silent_on_subscribe:
            for entry in frame["subscriptions"]:
                connection.pairs[entry["event"]] = entry.get("pairs", [])
                for pair in entry.get("pairs", []):
                    await connection.say(json.dumps({"type": "SUBSCRIBED", "message": f"{entry['event']}:{pair}"}))

    async def serve_rest(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(await request.read())
        return web.json_response({"id": "1"}) if self.rest is None else await self.rest(request)


def is_signed(request: web.Request) -> bool:
    """The documented rule, written down a second time."""
    headers = request.headers
    text = headers["X-VALR-TIMESTAMP"] + request.method + request.raw_path
    expected = hmac.new(SECRET.encode(), text.encode(), hashlib.sha512).hexdigest()
    return headers["X-VALR-API-KEY"] == KEY and headers["X-VALR-SIGNATURE"] == expected


@asynccontextmanager
async def open_venue() -> AsyncIterator[LocalVenue]:
    venue = LocalVenue()
    app = web.Application()
    app.router.add_get("/ws/{name}", venue.serve_socket)
    app.router.add_route("*", "/{rest:.*}", venue.serve_rest)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    venue.port = runner.addresses[0][1]
    try:
        yield venue
    finally:
        for connection in venue.connections:
            if connection.is_open:
                connection.cut()
        await runner.cleanup()


async def until(condition: Callable[[], object]) -> None:
    """Return once ``condition`` holds; fail if it never does."""
    async with asyncio.timeout(PATIENCE_SECS):
        while not condition():
            await asyncio.sleep(0.005)
