"""The gate before every route and page: host, origin, size, who is asking, how often; and the headers of every answer.

It closes by default: what is not named as public needs a caller. Plain ASGI, so that sockets pass it too.
"""

import asyncio
from collections.abc import Callable, Iterable
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from helios_nautilus.dashboard.access import (
    Access,
    Caller,
    ThrottledError,
    WrongTokenError,
    address_of,
    host_of,
    is_loopback,
)
from helios_nautilus.dashboard.answers import refuse
from helios_nautilus.dashboard.assets import ASSETS
from helios_nautilus.dashboard.throttle import Throttle
from helios_nautilus.errors import ConfigError

API: Final = "/api/"
LOGIN: Final = "/login"
CSRF_HEADER: Final = "x-csrf-token"
_PUBLIC: Final = {("GET", LOGIN), ("POST", "/session"), ("GET", "/api/v1/health")}
_SOCKETS: Final = "/_nicegui_ws/"
"""What carries a page's clicks, by whichever transport."""
_LARGEST_BODY: Final = 65_536
_BODY_SECS: Final = 10.0
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With no referrer at all a browser calls a form's origin "null": no login would pass.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_API_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
# The page library compiles its templates in the browser and brings scripts and styles inside its pages.
_PAGE_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)


class Guard:
    """ASGI middleware. Who passes is in ``request.state.caller``; None on public paths."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        access: Access,
        throttle: Throttle,
        hosts: Iterable[str],
        tell: Callable[[str, str, str], None],
    ) -> None:
        self._app = app
        self._access = access
        self._throttle = throttle
        self._hosts = frozenset(host.lower() for host in hosts)
        self._tell = tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        send = _with_headers(send, connection)
        refusal = self._refuse(connection)
        if refusal is None and scope["type"] == "http" and scope["method"] not in _SAFE:
            try:
                receive = await _read_whole(connection, receive)
            except _BodyError as error:
                refusal = error.response
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(code=1008)(scope, receive, send)
        else:
            await refusal(scope, receive, send)

    def _refuse(self, connection: HTTPConnection) -> Response | None:
        """The answer to who may not pass; None for who may."""
        host = host_of(connection)
        if not (is_loopback(host) or _is_address(host) or host in self._hosts):
            return self._turn_away(connection, HTTPStatus.BAD_REQUEST, "this host is not served here: see --allow-host")
        if self._changes(connection) and not _is_own_origin(connection):
            return self._turn_away(connection, HTTPStatus.FORBIDDEN, "requests of another site's pages are not taken")
        connection.state.caller = None
        if _path(connection).startswith(ASSETS) and not self._changes(connection):
            return None
        return self._admit(connection)

    def _admit(self, connection: HTTPConnection) -> Response | None:
        path = _path(connection)
        try:
            caller = self._access.recognise(connection)
        except WrongTokenError as error:
            return refuse(HTTPStatus.UNAUTHORIZED, str(error))
        except ThrottledError as error:
            return refuse(HTTPStatus.TOO_MANY_REQUESTS, str(error), error.wait_secs)
        except ConfigError as error:
            return refuse(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        connection.state.caller = caller
        name = caller.name if caller is not None else address_of(connection)
        if not self._changes(connection) and (wait_secs := self._throttle.read(name)):
            return refuse(HTTPStatus.TOO_MANY_REQUESTS, "too many requests", wait_secs)
        if (connection.scope.get("method"), path) in _PUBLIC:
            return None
        if caller is None:
            is_page = not path.startswith(API) and connection.scope["type"] == "http"
            if is_page:
                return RedirectResponse(LOGIN, 303)
            return self._turn_away(connection, HTTPStatus.UNAUTHORIZED, "a token is needed")
        if not path.startswith(API) and not self._changes(connection) and (wait_secs := self._throttle.page(name)):
            return refuse(HTTPStatus.TOO_MANY_REQUESTS, "too many pages", wait_secs)
        if path.startswith(API) and self._changes(connection) and not self._repeats_csrf(connection, caller):
            words = f"a session's request repeats in {CSRF_HEADER} what /api/v1/session says"
            return self._turn_away(connection, HTTPStatus.FORBIDDEN, words)
        return None

    def _repeats_csrf(self, connection: HTTPConnection, caller: Caller) -> bool:
        """Only a cookie comes along by itself, so that only its requests have to prove whose page they are of."""
        given = connection.headers.get(CSRF_HEADER, "")
        return caller.way != "session" or self._access.is_csrf(connection, given)

    def _turn_away(self, connection: HTTPConnection, status: HTTPStatus, words: str) -> Response:
        self._tell(words, _path(connection), address_of(connection))
        return refuse(status, words)

    @staticmethod
    def _changes(connection: HTTPConnection) -> bool:
        """It may change something."""
        scope = connection.scope
        return scope["type"] == "websocket" or scope["method"] not in _SAFE or scope["path"].startswith(_SOCKETS)


class _BodyError(Exception):
    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


async def _read_whole(connection: HTTPConnection, receive: Receive) -> Receive:
    """A request's body, read before anybody looks at it, so that none is too large or too slow."""
    parts, size, more = [], 0, True
    try:
        async with asyncio.timeout(_BODY_SECS):
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    break
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                more = message.get("more_body", False)
                if size > _LARGEST_BODY:
                    words = f"a body has at most {_LARGEST_BODY} bytes"
                    raise _BodyError(refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words))
    except TimeoutError:
        raise _BodyError(refuse(HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive in time")) from None
    whole: list[Message] = [{"type": "http.request", "body": b"".join(parts), "more_body": False}]

    async def again() -> Message:
        return whole.pop() if whole else await receive()

    return again


def _with_headers(send: Send, connection: HTTPConnection) -> Send:
    is_api = _path(connection).startswith(API)

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers["Content-Security-Policy"] = _API_POLICY if is_api else _PAGE_POLICY
            if not _path(connection).startswith(ASSETS):
                headers["Cache-Control"] = "no-store"
            if connection.scope["scheme"] == "https":
                headers["Strict-Transport-Security"] = "max-age=31536000"
        await send(message)

    return wrapped


def _path(connection: HTTPConnection) -> str:
    """The path by which the routes go. That of ``connection.url`` is put together with the header ``Host``."""
    path: str = connection.scope["path"]
    return path


def _is_own_origin(connection: HTTPConnection) -> bool:
    """A browser says which site a request is of; what is no browser says nothing."""
    if connection.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        return False
    origin = connection.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == connection.headers.get("host", "")


def _is_address(host: str) -> bool:
    """No name that somebody else could let lead here."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
