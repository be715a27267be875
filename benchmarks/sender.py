"""The other end of the soak: a process that serves as much of VALR as a data client asks for, and sends by the clock.

It has a core to itself. Every frame is stamped on its way into the socket with the machine's monotonic clock, which
the receiving process reads too.
"""

import asyncio
import time
from array import array
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any, Final

import msgspec
from aiohttp import WSMsgType, web
from msgspec import Struct

from benchmarks.traffic import Traffic
from helios_nautilus.simulator.exchange.listing import load_listing
from helios_nautilus.simulator.exchange.market_json import currency_json, pair_json

_EVENTS: Final = 3
"""Books, trades and buckets: with all of them subscribed for every pair the sending begins."""


class Plan(Struct, frozen=True, kw_only=True):
    """What to send."""

    pairs: tuple[str, ...]
    count: int
    per_sec: int
    start_ms: int
    """Stamp of message 0; a whole minute."""


class Sent(Struct, frozen=True, kw_only=True):
    """What was sent."""

    stamps_ns: array[int]
    """Of every message, of the machine's monotonic clock."""
    books: dict[str, tuple[dict[int, str], dict[int, str]]]
    """As they stand at the end: bids and asks, quantity by price."""


def serve(plan: Plan, pipe: Connection) -> None:
    """Entry point of the process: tells its URL, then, when all is sent, what was, and stays until it is ended."""
    asyncio.run(_Sender(plan, pipe).run())


class _Sender:
    def __init__(self, plan: Plan, pipe: Connection) -> None:
        self._plan = plan
        self._pipe = pipe
        self._traffic = Traffic(plan.pairs, plan.start_ms)
        self._subscribed: dict[str, Sequence[str]] = {}
        self._sending: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Listen for ever."""
        app = web.Application()
        for path, answer in self._replies().items():
            app.router.add_get(path, _replying(answer))
        app.router.add_get("/ws/trade", self._talk)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._pipe.send("http://{}:{}".format(*runner.addresses[0][:2]))
        await asyncio.Event().wait()

    def _replies(self) -> dict[str, object]:
        listing, start_secs = load_listing(), self._plan.start_ms // 1000
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start_secs))
        return {
            "/v1/public/pairs": [pair_json(listing.pairs[symbol]) for symbol in self._plan.pairs],
            "/v1/public/currencies": [currency_json(code, each) for code, each in listing.currencies.items()],
            "/v1/public/time": {"epochTime": start_secs, "time": when},
        }

    async def _talk(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            frame = msgspec.json.decode(message.data)
            if frame["type"] == "PING":
                await socket.send_json({"type": "PONG"})
                continue
            for wanted in frame["subscriptions"]:
                await self._subscribe(socket, wanted["event"], wanted["pairs"])
        return socket

    async def _subscribe(self, socket: web.WebSocketResponse, event: str, pairs: Sequence[str]) -> None:
        self._subscribed[event] = pairs
        for pair in pairs:
            await socket.send_json({"type": "SUBSCRIBED", "message": f"{event}:{pair}"})
            if event == "OB_L1_DIFF":
                await socket.send_str(self._traffic.books[pair].snapshot(self._plan.start_ms).decode())
        if self._sending is None and sum(map(len, self._subscribed.values())) == _EVENTS * len(self._plan.pairs):
            self._sending = asyncio.create_task(self._send(socket))

    async def _send(self, socket: web.WebSocketResponse) -> None:
        plan, stamps_ns = self._plan, array("q")
        await asyncio.sleep(1.0)  # the client has the snapshots by then
        started_ns = time.monotonic_ns()
        for number in range(plan.count):
            text = self._traffic.next().frame.decode()
            wait_secs = (started_ns - time.monotonic_ns()) / 1e9 + number / plan.per_sec
            if wait_secs > 0.0:
                await asyncio.sleep(wait_secs)
            stamps_ns.append(time.monotonic_ns())
            await socket.send_str(text)
        books = {pair: book.sides for pair, book in self._traffic.books.items()}
        self._pipe.send(Sent(stamps_ns=stamps_ns, books=books))


def _replying(answer: object) -> Any:
    body = msgspec.json.encode(answer)

    async def reply(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    return reply
