"""A bare client of the simulator: signs like VALR's documentation says, and keeps every frame it was sent."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from types import TracebackType
from typing import Any, Self

import aiohttp

from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN, NS_PER_MS
from helios_nautilus.simulator.exchange.clock import ManualClock
from helios_nautilus.simulator.exchange.faults import FaultScript
from helios_nautilus.simulator.exchange.opening import Credentials, open_account, open_venue, synthetic_markets
from helios_nautilus.simulator.exchange.server import Exchange, Rules

PATIENCE_SECS = 10.0


@cache
def markets() -> Any:
    return synthetic_markets(seed=4, days=2)


class Client:
    """One client of a running exchange."""

    def __init__(self, exchange: Exchange, credentials: Credentials, session: aiohttp.ClientSession) -> None:
        self.exchange = exchange
        self.credentials = credentials
        self.session = session

    def headers(self, verb: str, target: str, body: str = "", sub_account: str = "") -> dict[str, str]:
        stamp = str(self.exchange.clock.client_ns() // NS_PER_MS)
        text = f"{stamp}{verb}{target}{body}{sub_account}"
        signature = hmac.new(self.credentials.secret.encode(), text.encode(), hashlib.sha512).hexdigest()
        headers = {
            "X-VALR-API-KEY": self.credentials.key,
            "X-VALR-SIGNATURE": signature,
            "X-VALR-TIMESTAMP": stamp,
            "Content-Type": "application/json",
        }
        return headers | ({"X-VALR-SUB-ACCOUNT-ID": sub_account} if sub_account else {})

    async def call(
        self, verb: str, target: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        text = "" if body is None else json.dumps(body)
        headers = self.headers(verb, target, text) if headers is None else headers
        async with self.session.request(verb, self.exchange.url + target, data=text, headers=headers) as reply:
            found = await reply.read()
            return reply.status, json.loads(found) if found else None

    async def get(self, target: str) -> Any:
        status, body = await self.call("GET", target)
        assert status == 200, (target, status, body)
        return body

    async def public(self, target: str) -> Any:
        status, body = await self.call("GET", target, headers={})
        assert status == 200, (target, status, body)
        return body

    def socket(self, path: str, headers: Mapping[str, str] | None = None) -> "Socket":
        return Socket(self, path, self.headers("GET", path) if headers is None else headers)


class Socket:
    """An open socket that collects its frames."""

    def __init__(self, client: Client, path: str, headers: Mapping[str, str]) -> None:
        self.client = client
        self._path = path
        self._headers = headers
        self.frames: list[dict[str, Any]] = []
        self.texts: list[str] = []
        self.close_code: int | None = None
        self._arrived = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._ws = await self.client.session.ws_connect(self.client.exchange.url + self._path, headers=self._headers)
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._ws.close()
        await self._reader

    async def send(self, frame: object) -> None:
        await self._ws.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def subscribe(self, event: str, *pairs: str) -> None:
        await self.send({"type": "SUBSCRIBE", "subscriptions": [{"event": event, "pairs": list(pairs)}]})

    async def until(self, condition: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Wait until the frames so far fulfil a condition."""
        async with asyncio.timeout(PATIENCE_SECS), self._arrived:
            await self._arrived.wait_for(lambda: condition(self.frames))
        return self.frames

    async def frame(self, kind: str, **data: object) -> dict[str, Any]:
        """Wait for a frame of a type whose data have these values."""

        def fits(frame: dict[str, Any]) -> bool:
            found = frame.get("data") if isinstance(frame.get("data"), dict) else {}
            return frame.get("type") == kind and all((found or {}).get(name) == data[name] for name in data)

        frames = await self.until(lambda frames: any(map(fits, frames)))
        return next(filter(fits, frames))

    async def closed(self) -> int | None:
        """Wait for the end; the close code."""
        async with asyncio.timeout(PATIENCE_SECS):
            await asyncio.shield(self._reader)
        return self.close_code

    async def settled(self) -> None:
        """Wait until everything sent so far has arrived: the answer to a ping comes after it."""
        seen = sum(frame.get("type") == "PONG" for frame in self.frames)
        await self.send({"type": "PING"})
        await self.until(lambda frames: sum(frame.get("type") == "PONG" for frame in frames) > seen)

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame.get("type") in kinds]

    async def _read(self) -> None:
        async for message in self._ws:
            async with self._arrived:
                self.texts.append(message.data)
                try:
                    self.frames.append(json.loads(message.data))
                except json.JSONDecodeError:
                    self.frames.append({"type": "BROKEN"})
                self._arrived.notify_all()
        self.close_code = self._ws.close_code


@asynccontextmanager
async def running(
    faults: FaultScript | None = None,
    *,
    label: str | None = "trader",
    limit_scale: float = 0.0,
    delay_ms: int = 5,
    minute_of_day: int = 0,
) -> AsyncIterator[Client]:
    """A simulator whose clock the test moves, and a client of it; it opens on the second day of its market."""
    midnight_ns = int(markets()["BTCZAR"].bars.ts_ns[0]) - NS_PER_MIN + NS_PER_DAY
    venue = open_venue(markets(), seed=4, opens_ns=midnight_ns + minute_of_day * NS_PER_MIN)
    credentials = open_account(venue, label=label)
    rules = Rules(limit_scale=limit_scale, engine_delay_ms=delay_ms)
    exchange = Exchange(venue, ManualClock(venue.now_ns), rules, faults)
    await exchange.start()
    async with aiohttp.ClientSession() as session:
        try:
            yield Client(exchange, credentials, session)
        finally:
            await exchange.stop()
