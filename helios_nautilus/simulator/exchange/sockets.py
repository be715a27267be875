"""The socket endpoints: handshake and login, reading, writing, and closing by the venue's rules."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec
from aiohttp import WSMsgType, web

from helios_nautilus.domain.timeframe import NS_PER_MS
from helios_nautilus.simulator.exchange.accounts import VIEW
from helios_nautilus.simulator.exchange.faults import FaultPlan, Occasion
from helios_nautilus.simulator.exchange.limits import RateLimits
from helios_nautilus.simulator.exchange.refusals import Refusal
from helios_nautilus.simulator.exchange.session import Session
from helios_nautilus.simulator.exchange.signatures import (
    KEY_HEADER,
    SIGNATURE_HEADER,
    SUB_ACCOUNT_HEADER,
    TIMESTAMP_HEADER,
    Gatekeeper,
)
from helios_nautilus.simulator.exchange.venue import Venue

_CUT = 1006
"""Not a code that travels: the connection is cut without a close frame."""
_BAD_SIGNATURE = 1007


class Channel(Protocol):
    """What a socket talks to."""

    @property
    def name(self) -> str:
        """ "trade" or "account"."""
        ...

    def joined(self, session: Session) -> None:
        """A socket opened or logged in."""
        ...

    def left(self, session: Session) -> None:
        """A socket is gone."""
        ...

    def has_subscriptions(self, session: Session) -> bool:
        """The socket gets frames unasked."""
        ...

    def hear(self, session: Session, message: Mapping[str, object]) -> None:
        """A client frame other than ping and login."""
        ...


class Sockets:
    """All open sockets of both endpoints."""

    def __init__(
        self,
        venue: Venue,
        gatekeeper: Gatekeeper,
        limits: RateLimits,
        plan: FaultPlan,
        client_ns: Callable[[], int],
        catch_up: Callable[[], None],
    ) -> None:
        """``catch_up`` brings the venue to the present before a frame is handled."""
        self._venue = venue
        self._gatekeeper = gatekeeper
        self._limits = limits
        self._plan = plan
        self._client_ns = client_ns
        self._catch_up = catch_up
        self._sessions: dict[Session, Channel] = {}
        self._closing: set[asyncio.Task[object]] = set()

    async def serve(self, request: web.Request, channel: Channel) -> web.StreamResponse:
        """Run one socket from its handshake to its end."""
        if not self._limits.admits_connection(request.remote or "", self._client_ns()):
            return web.Response(status=429, headers={"x-valr-ratelimited": "true"})
        faults = self._plan.at(Occasion.LOGIN, channel.name, self._venue.now_ns)
        refused = next((fault for fault in faults if fault.kind == "refuse_login"), None)
        if refused is not None and refused.status:
            return web.Response(status=refused.status)
        # Compression is granted to clients that offer it; protocol pings are answered by the library.
        socket = web.WebSocketResponse(compress=True)
        await socket.prepare(request)
        session = Session(channel.name, self._venue, self._plan, self._hang_up(socket, request), self._client_ns())
        if refused is not None or not self._log_in(session, request, channel):
            await socket.close(code=_BAD_SIGNATURE, message=b"Request has an invalid signature")
            return socket
        await self._talk(socket, session, channel)
        return socket

    def sweep(self) -> None:
        """Close the sockets whose time is up."""
        now_ns = self._client_ns()
        for session, channel in list(self._sessions.items()):
            if session.outlived(now_ns, has_subscriptions=channel.has_subscriptions(session)):
                session.hang_up(_CUT)

    def each(self, name: str) -> list[Session]:
        """Open sockets of a name; "*" is all."""
        return [session for session in self._sessions if name in ("*", session.name)]

    async def close(self) -> None:
        """Close everything, as the venue does when it restarts."""
        for session in list(self._sessions):
            session.hang_up(1012)
        if self._closing:
            await asyncio.gather(*self._closing, return_exceptions=True)

    def _log_in(self, session: Session, request: web.Request, channel: Channel) -> bool:
        """Log in by the handshake's headers if it has any; False where they are wrong."""
        if request.headers.get(KEY_HEADER) and not self._accept(session, request.headers, request.path):
            return False
        self._sessions[session] = channel
        channel.joined(session)
        return True

    def _accept(self, session: Session, headers: Mapping[str, str], target: str) -> bool:
        try:
            key, account = self._gatekeeper.admit(headers, "GET", target, b"", self._client_ns() // NS_PER_MS)
            key.require(VIEW)
        except Refusal:
            return False
        session.log_in(key, account)
        return True

    async def _talk(self, socket: web.WebSocketResponse, session: Session, channel: Channel) -> None:
        writer = asyncio.create_task(_write(socket, session))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._catch_up()
                    session.heard_ns = self._client_ns()
                    self._hear(session, channel, message.data)
        finally:
            writer.cancel()
            del self._sessions[session]
            channel.left(session)

    def _hear(self, session: Session, channel: Channel, data: str) -> None:
        try:
            message = msgspec.json.decode(data, type=dict[str, object])
        except msgspec.DecodeError:
            session.send({"type": "ERROR", "message": "Invalid message - Invalid JSON"})
            return
        kind = message.get("type")
        if kind == "PING":
            subscribed = channel.has_subscriptions(session)
            session.send({"type": "PONG"} if subscribed else {"type": "PONG", "message": "NO_SUBSCRIPTIONS"})
        elif kind == "AUTHENTICATE":
            self._authenticate(session, channel, message.get("payload"))
        else:
            channel.hear(session, message)

    def _authenticate(self, session: Session, channel: Channel, payload: object) -> None:
        """Log in by a frame instead of headers, signed for the same path."""
        given = payload if isinstance(payload, Mapping) else {}
        names = (KEY_HEADER, "apiKey"), (SIGNATURE_HEADER, "signature"), (TIMESTAMP_HEADER, "timestamp")
        headers = {header: str(given.get(name, "")) for header, name in names} | {SUB_ACCOUNT_HEADER: ""}
        if self._accept(session, headers, f"/ws/{channel.name}"):
            channel.joined(session)
        else:
            session.hang_up(_BAD_SIGNATURE)

    def _hang_up(self, socket: web.WebSocketResponse, request: web.Request) -> Callable[[int], None]:
        def hang_up(code: int) -> None:
            if code == _CUT:
                if request.transport is not None:
                    request.transport.abort()
                return
            task: asyncio.Task[object] = asyncio.ensure_future(socket.close(code=code))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

        return hang_up


async def _write(socket: web.WebSocketResponse, session: Session) -> None:
    while not socket.closed:
        text = await session.outbox.next()
        try:
            await socket.send_str(text)
        except ConnectionError:
            return
