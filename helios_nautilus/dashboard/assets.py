"""Files of the page library, kept in memory as they go out: read and compressed once, not for every browser."""

from typing import Final

from msgspec import Struct
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ASSETS: Final = "/_nicegui/"
"""Where they are. They say nothing of the account."""
_FOREVER: Final = "public, max-age=31536000, immutable"
"""Their paths hold the version, or a digest of place and time of change."""
_MOST: Final = 256
"""Files kept; a page has some twenty. One more is served like any answer."""
_MOST_BYTES: Final = 16 * 2**20
"""Of all that is kept. Strangers may ask for these files, and for the same one by many paths (``a/./b``)."""


class _File(Struct, frozen=True, kw_only=True):
    start: Message
    body: bytes


class Assets:
    """ASGI middleware that answers for what it has seen; everything else goes on to ``app``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._files: dict[tuple[str, bool], _File] = {}
        self._bytes_left = _MOST_BYTES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer out of memory, or see what the answer is."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(ASSETS):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        key = scope["path"], "gzip" in headers.get("accept-encoding", "")
        if (file := self._files.get(key)) is not None and "range" not in headers:
            await _answer(file, headers.get("if-none-match"), send)
        else:
            await self._see(key, scope, receive, send)

    async def _see(self, key: tuple[str, bool], scope: Scope, receive: Receive, send: Send) -> None:
        starts: list[Message] = []
        parts: list[bytes] = []

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] == 200:
                    MutableHeaders(scope=message)["Cache-Control"] = _FOREVER
                starts.append({**message, "headers": list(message["headers"])})
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))
            await send(message)

        await self._app(scope, receive, watched)
        if starts and starts[0]["status"] == 200:
            self._keep(key, _File(start=starts[0], body=b"".join(parts)))

    def _keep(self, key: tuple[str, bool], file: _File) -> None:
        if key not in self._files and len(self._files) < _MOST and len(file.body) <= self._bytes_left:
            self._bytes_left -= len(file.body)
            self._files[key] = file


async def _answer(file: _File, known: str | None, send: Send) -> None:
    """The file, or that what the browser has is the same."""
    body = file.body
    start = {**file.start, "headers": list(file.start["headers"])}
    if known is not None and known == Headers(raw=start["headers"]).get("etag"):
        kept = (b"etag", b"cache-control", b"vary")
        start |= {"status": 304, "headers": [each for each in start["headers"] if each[0] in kept]}
        body = b""
    await send(start)
    await send({"type": "http.response.body", "body": body})
