"""The exchange on a port: REST requests through authentication, limits and faults, and both sockets."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import web
from msgspec import Struct

from helios_nautilus.domain.timeframe import NS_PER_MS, NS_PER_SEC
from helios_nautilus.simulator.exchange.account_routes import AccountRoutes
from helios_nautilus.simulator.exchange.account_socket import AccountChannel
from helios_nautilus.simulator.exchange.book_feed import BookFeed
from helios_nautilus.simulator.exchange.clock import Clock, ManualClock
from helios_nautilus.simulator.exchange.conditional_routes import ConditionalRoutes
from helios_nautilus.simulator.exchange.decimals import from_float, times
from helios_nautilus.simulator.exchange.desk import Desk
from helios_nautilus.simulator.exchange.dump import LedgerDump, dump_ledger
from helios_nautilus.simulator.exchange.faults import Fault, FaultPlan, FaultScript, Occasion
from helios_nautilus.simulator.exchange.limits import RateLimits
from helios_nautilus.simulator.exchange.order_routes import OrderRoutes
from helios_nautilus.simulator.exchange.orders import Order
from helios_nautilus.simulator.exchange.position_routes import PositionRoutes
from helios_nautilus.simulator.exchange.public_routes import PublicRoutes
from helios_nautilus.simulator.exchange.refusals import Code, Refusal
from helios_nautilus.simulator.exchange.routing import Call, Reply, Route, RouteTable
from helios_nautilus.simulator.exchange.signatures import KEY_HEADER, Gatekeeper
from helios_nautilus.simulator.exchange.sockets import Channel, Sockets
from helios_nautilus.simulator.exchange.sub_account_routes import SubAccountRoutes
from helios_nautilus.simulator.exchange.trade_socket import TradeChannel
from helios_nautilus.simulator.exchange.venue import Venue

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_BODIES: Final = frozenset({"POST", "PUT", "PATCH"})
_LONGEST_NAP_SECS: Final = 0.05


class Rules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What VALR leaves open or what a test wants otherwise."""

    limit_scale: float = 1.0
    """Multiplies every rate limit; 0 switches them off."""
    timestamp_tolerance_ms: int | None = 30_000
    """How old a signature may be; VALR documents nothing. None accepts any."""
    engine_delay_ms: int = 5
    """Venue time between an acceptance for processing and its outcome."""


class Exchange:
    """The running simulator. Start it inside an event loop, then talk to `url`."""

    def __init__(
        self, venue: Venue, clock: Clock, rules: Rules | None = None, faults: FaultScript | None = None
    ) -> None:
        rules = rules or Rules()
        self.venue = venue
        self.clock = clock
        self.faults = FaultPlan(faults or FaultScript(), venue.now_ns)
        self.desk = Desk(venue, delay_ns=rules.engine_delay_ms * NS_PER_MS)
        self.desk.before_modify = self._before_modify
        self._skew_ns = 0
        self._limits = RateLimits(rules.limit_scale)
        self._gatekeeper = Gatekeeper(venue.accounts, rules.timestamp_tolerance_ms)
        self._feeds = {symbol: BookFeed(symbol, book, venue.now_ns) for symbol, book in venue.engine.books.items()}
        self._trade = TradeChannel(venue, self._feeds)
        self._account = AccountChannel(venue, self.desk, self._limits, clock.client_ns)
        self._sockets = Sockets(venue, self._gatekeeper, self._limits, self.faults, self.client_ns, self.catch_up)
        self._runner: web.AppRunner | None = None
        self._ticker: asyncio.Task[None] | None = None
        self.url = ""
        self._schedule_faults()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; port 0 takes a free one. The URL, which is also in `url`."""
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        if not isinstance(self.clock, ManualClock):
            self._ticker = asyncio.create_task(self._tick())
        return self.url

    async def stop(self) -> None:
        """Close all sockets and stop listening."""
        if self._ticker is not None:
            self._ticker.cancel()
        await self._sockets.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def client_ns(self) -> int:
        """The clients' time as the venue sees it: off by the skew while that fault lasts."""
        return self.clock.client_ns() + self._skew_ns

    def catch_up(self) -> None:
        """Let everything happen that is due by now."""
        self.venue.advance(self.clock.now_ns())

    def play(self, script: FaultScript) -> None:
        """Begin a script of faults now, in place of the one under way; an empty one ends the faults.

        What has begun lasts as long as it was to last; a clock skew stays.
        """
        self.catch_up()
        self.faults.play(script, self.venue.now_ns)
        self._schedule_faults()

    def strike(self, fault: Fault) -> None:
        """Let a fault that happens by time strike now."""
        now_ns = self.venue.now_ns
        self.faults.note(fault, now_ns)
        if fault.kind == "maintenance":
            self.venue.is_read_only = True
            self.venue.at(now_ns + round(fault.secs * NS_PER_SEC), self._reopen)
        elif fault.kind == "clock_skew":
            self._skew_ns = round(fault.secs * NS_PER_SEC)
        else:
            for session in self._sockets.each(fault.on):
                if fault.kind == "stall_sockets":
                    session.outbox.stall(fault.secs)
                else:
                    session.hang_up(fault.code)

    def advance(self, secs: float) -> None:
        """Move a manual clock and let everything happen on the way."""
        if not isinstance(self.clock, ManualClock):
            raise TypeError("only a manual clock is moved by hand")
        self.clock.set(self.clock.now_ns() + round(secs * NS_PER_SEC))
        self.catch_up()
        self._sockets.sweep()

    def dump(self) -> LedgerDump:
        """The exact ledger."""
        return dump_ledger(self.venue)

    async def _tick(self) -> None:
        while True:
            self.catch_up()
            self._sockets.sweep()
            wait_secs = (self.venue.next_due_ns - self.clock.now_ns()) / NS_PER_SEC / self.clock.speed
            await asyncio.sleep(min(max(wait_secs, 0.0), _LONGEST_NAP_SECS))

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=1 << 20)
        tables: tuple[RouteTable, ...] = (
            PublicRoutes(self.venue, self._feeds),
            # Before what has a pair where they have a word.
            SubAccountRoutes(self.venue),
            AccountRoutes(self.venue),
            PositionRoutes(self.venue),
            ConditionalRoutes(self.venue),
            OrderRoutes(self.venue, self.desk),
        )
        for table in tables:
            for route in table.table():
                app.router.add_route(route.verb, route.path, self._endpoint(route))
        app.router.add_get("/ws/trade", self._socket(self._trade))
        app.router.add_get("/ws/account", self._socket(self._account))
        app.router.add_get("/simulator/ledger", self._show_ledger)
        return app

    def _socket(self, channel: Channel) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            self.catch_up()
            return await self._sockets.serve(request, channel)

        return serve

    async def _show_ledger(self, request: web.Request) -> web.StreamResponse:
        """The ledger for tests on the same machine; nobody else sees it."""
        if request.remote not in _LOOPBACK:
            return web.Response(status=404)
        self.catch_up()
        return _json(Reply(self.dump()))

    def _endpoint(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            self.catch_up()
            key, address = request.headers.get(KEY_HEADER), request.remote or ""
            if not self._limits.admits_request(request.method, request.path, key, address, self.clock.client_ns()):
                return _rate_limited()
            faults = self.faults.at(Occasion.REQUEST, f"{request.method} {request.path}", self.venue.now_ns)
            if not faults:
                return _json(self._answer(route, request, body))
            return await self._answer_badly(faults[0], route, request, body)

        return serve

    def _answer(self, route: Route, request: web.Request, body: bytes) -> Reply:
        """Authenticate and handle; a refusal becomes its error body and is cached like an answer."""
        try:
            if self.venue.is_read_only and request.method in _WRITES:
                return Reply({"code": int(Code.INVALID_REQUEST), "message": "The exchange is in read-only mode"}, 503)
            call = self._call(route, request, body)
            reply = route.handler(call)
        except Refusal as refusal:
            reply = Reply(refusal.body(), refusal.status)
        return reply._replace(max_age=route.max_age)

    def _call(self, route: Route, request: web.Request, body: bytes) -> Call:
        signer = None
        if route.needs != "nothing":
            # The signature covers the request line as sent, percent-encoding included.
            signer = self._gatekeeper.admit(
                request.headers, request.method, request.raw_path, body, self.client_ns() // NS_PER_MS
            )
            signer[0].require(route.needs)
        if request.method in _BODIES and request.content_type != "application/json":
            raise Refusal(Code.INVALID_REQUEST, "Content-Type must be application/json", status=403)
        return Call(path=request.match_info, query=request.query, body=_decode(body), signer=signer)

    async def _answer_badly(self, fault: Fault, route: Route, request: web.Request, body: bytes) -> web.StreamResponse:
        """Answer as a fault has it; whether the request took effect is in the fault's name."""
        if fault.kind == "rate_limit":
            return _rate_limited(fault.retry_after_secs)
        if fault.kind == "error_before":
            return web.Response(status=fault.status)
        if fault.kind == "slow_reply":
            await asyncio.sleep(fault.secs / self.clock.speed)
            self.catch_up()
        reply = None if fault.kind == "timeout_before" else self._answer(route, request, body)
        if fault.kind == "error_after":
            return web.Response(status=fault.status)
        if reply is None or fault.kind == "timeout_after":
            await asyncio.sleep(fault.secs / self.clock.speed)
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=504)
        response = _json(reply)
        if fault.kind == "truncate_reply" and isinstance(response.body, bytes):
            response.body = response.body[: len(response.body) // 2]
        return response

    def _before_modify(self, order: Order) -> None:
        for fault in self.faults.at(Occasion.MODIFY, order.pair.symbol, self.venue.now_ns):
            if order.is_resting:
                part = times(order.remaining, from_float(fault.fraction))
                quantity = max(round(part, order.pair.places), order.pair.base_range[0])
                self.venue.engine.fill_from_market(order, quantity, self.venue.now_ns)

    def _reopen(self, _: int) -> None:
        self.venue.is_read_only = False

    def _schedule_faults(self) -> None:
        for due_ns, fault in self.faults.timed():
            self.venue.at(due_ns, self._timed(fault, self.faults.script))

    def _timed(self, fault: Fault, script: FaultScript) -> Callable[[int], None]:
        """A script's timed faults do not outlive it."""

        def strike(_: int) -> None:
            if self.faults.script is script:
                self.strike(fault)

        return strike


def _decode(body: bytes) -> dict[str, object]:
    if not body:
        return {}
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except msgspec.DecodeError:
        raise Refusal(Code.INVALID_JSON) from None


def _json(reply: Reply) -> web.Response:
    headers = {} if reply.max_age is None else {"cache-control": f"max-age={reply.max_age},public"}
    if reply.body is None:
        return web.Response(status=reply.status, headers=headers)
    body = msgspec.json.encode(reply.body)
    return web.Response(status=reply.status, headers=headers, body=body, content_type="application/json")


def _rate_limited(retry_after_secs: int | None = None) -> web.Response:
    after = {} if retry_after_secs is None else {"retry-after": str(retry_after_secs)}
    return web.Response(status=429, headers={"x-valr-ratelimited": "true"} | after)
