"""One physical connection to a VALR socket: login, heartbeat, reading. It lives once and is never mended."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import Final

import aiohttp
import msgspec
from aiohttp import ClientSession, ClientWebSocketResponse, ClientWSTimeout, WSMsgType
from msgspec import Struct

from helios_nautilus.adapters.valr.api.clock import Clock
from helios_nautilus.adapters.valr.api.errors import (
    AuthError,
    NotSentError,
    RateLimitedError,
    UnavailableError,
    UnknownOutcomeError,
    VenueError,
)
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.domain.timeframe import NS_PER_MS
from helios_nautilus.errors import ConfigError

PING: Final = b'{"type":"PING"}'
CONTROL_MAX_BYTES: Final = 256
"""Frames of the session itself are short; longer ones are not looked into here."""
MAX_FRAME_BYTES: Final = 16 * 1024 * 1024
CLOSE_SECS: Final = 1.0
BAD_SIGNATURE: Final = 1007
"""Close code of a refused login."""


class LinkConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to connect, and how long silence may last.

    A dead line is noticed within ``max(quiet_secs, pong_secs) + pong_secs`` of its last frame: 4.5 s by default. An
    answer may come early in the wait for it, and the next PING goes out only after that wait.
    """

    url: str = "wss://api.valr.com"
    path: str = "/ws/trade"
    login_secs: float = 5.0
    """For the connection and the login together."""
    quiet_secs: float = 2.5
    """A line silent for so long is asked with a PING."""
    pong_secs: float = 2.0
    """A line that stays silent for so long after a PING is dead."""
    ping_secs: float = 20.0
    """A PING is due so often on a busy line too: VALR wants one every 30 s."""

    def __post_init__(self) -> None:
        if min(self.login_secs, self.quiet_secs, self.pong_secs, self.ping_secs) <= 0.0 or self.ping_secs >= 30.0:
            raise ConfigError("VALR socket: times must be above 0, and ping_secs below 30")


class _Control(Struct):
    type: str
    message: str = ""


_CONTROL: Final = msgspec.json.Decoder(_Control)


class Link:
    """An open, logged-in connection. Make it with `open_link`, then `run` it, then `close` it."""

    def __init__(self, socket: ClientWebSocketResponse[bool], config: LinkConfig, clock: Clock) -> None:
        self._socket = socket
        self._config = config
        self._clock = clock
        self._heard_at = clock.monotonic()
        self._early: list[bytes] = []
        self._acknowledged: set[str] = set()
        self._acknowledgement = asyncio.Event()

    async def send(self, frame: bytes) -> None:
        """Write a frame; `NotSentError` on a closed line, `UnknownOutcomeError` if it broke or stalled meanwhile."""
        if self._socket.closed:
            raise NotSentError(f"{self._config.path} is closed")
        try:
            async with asyncio.timeout(self._config.pong_secs):
                await self._socket.send_frame(frame, WSMsgType.TEXT)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise UnknownOutcomeError(f"{self._config.path} broke while sending") from error

    async def log_in(self) -> None:
        """Wait for the venue to accept the headers of the handshake; `AuthError` if it does not."""
        while True:
            message = await self._socket.receive()
            if message.type is not WSMsgType.TEXT:
                raise self._refused_login()
            frame: bytes = message.data
            if _read_control(frame).type == "AUTHENTICATED":
                return
            self._early.append(frame)

    async def run(self, deliver: Callable[[bytes], None]) -> str:
        """Pass every frame on until the line ends, and say why it did. Cancel to stop reading."""
        tasks = {asyncio.create_task(self._read(deliver)), asyncio.create_task(self._keep_alive())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def wait_acknowledged(self, channels: frozenset[str]) -> None:
        """Return when all ``channels`` (``EVENT:PAIR``) have been acknowledged."""
        while not channels <= self._acknowledged:
            self._acknowledgement.clear()
            await self._acknowledgement.wait()

    async def close(self) -> None:
        """Say goodbye and close, within `CLOSE_SECS`."""
        with suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECS):
                await self._socket.close()

    async def _read(self, deliver: Callable[[bytes], None]) -> str:
        for early in self._early:
            deliver(early)
        while True:
            message = await self._socket.receive()
            self._heard_at = self._clock.monotonic()
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return f"closed with code {self._socket.close_code}"
            frame: bytes = message.data
            if len(frame) > CONTROL_MAX_BYTES or not self._is_ours(frame):
                deliver(frame)

    def _is_ours(self, frame: bytes) -> bool:
        """Deal with a frame of the session; acknowledgements are passed on as well."""
        control = _read_control(frame)
        if control.type == "SUBSCRIBED":
            self._acknowledged.add(control.message)
            self._acknowledgement.set()
        return control.type in ("PONG", "AUTHENTICATED")

    async def _keep_alive(self) -> str:
        """PING a quiet line at once and a busy one now and then; give up on one that stays silent."""
        config, pinged_at = self._config, self._clock.monotonic()
        while True:
            due = min(self._heard_at + config.quiet_secs, pinged_at + config.ping_secs) - self._clock.monotonic()
            if due > 0.0:
                await self._clock.sleep(due)
                continue
            pinged_at = self._clock.monotonic()
            try:
                await self.send(PING)
            except VenueError as error:
                return str(error)
            await self._clock.sleep(config.pong_secs)
            if self._heard_at < pinged_at:
                return f"silent for {self._clock.monotonic() - self._heard_at:.1f} s"

    def _refused_login(self) -> VenueError:
        code, path = self._socket.close_code, self._config.path
        if code == BAD_SIGNATURE:
            return AuthError(f"{path}: login refused, check key, secret and this machine's clock", status=401)
        return UnavailableError(f"{path}: closed with code {code} during login")


async def open_link(
    session: ClientSession, config: LinkConfig, clock: Clock, credentials: Credentials | None = None
) -> Link:
    """Connect and, with ``credentials``, log in.

    Raises `AuthError` for a refused login, `RateLimitedError` for too many connections, else `UnavailableError`.
    """
    headers = {}
    if credentials is not None:
        headers = credentials.headers(clock.time_ns() // NS_PER_MS, "GET", config.path)
    try:
        async with asyncio.timeout(config.login_secs), AsyncExitStack() as undo:
            link = Link(await _connect(session, config, headers), config, clock)
            undo.push_async_callback(link.close)
            if credentials is not None:
                await link.log_in()
            undo.pop_all()
            return link
    except TimeoutError as error:
        raise UnavailableError(f"{config.path}: no login within {config.login_secs:g} s") from error


async def _connect(
    session: ClientSession, config: LinkConfig, headers: dict[str, str]
) -> ClientWebSocketResponse[bool]:
    raised: VenueError
    try:
        return await session.ws_connect(
            config.url + config.path,
            headers=headers,
            max_msg_size=MAX_FRAME_BYTES,
            timeout=ClientWSTimeout(ws_close=CLOSE_SECS),
            decode_text=False,
        )
    except aiohttp.WSServerHandshakeError as error:
        raised = _refused_handshake(config.path, error.status)
    except aiohttp.ClientError as error:
        raised = UnavailableError(f"{config.path}: no connection ({type(error).__name__})")
    # Out here, so that no cause holds on to it, not even a suppressed one: aiohttp keeps the request's headers, so the
    # key, in its handshake errors.
    raise raised


def _refused_handshake(path: str, status: int) -> VenueError:
    if status in (401, 403):
        return AuthError(f"{path}: login refused with HTTP {status}", status=status)
    if status == 429:
        return RateLimitedError(f"{path}: too many connections", status=status)
    return UnavailableError(f"{path}: handshake answered with HTTP {status}")


def _read_control(frame: bytes) -> _Control:
    """Type and message of a short frame; an unreadable one has neither and is the receiver's to judge."""
    try:
        return _CONTROL.decode(frame)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _Control(type="")
