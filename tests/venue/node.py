"""A trader at the simulated exchange whose trading node runs in a process of its own, as a real one does."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Self

import msgspec

from helios_nautilus.domain.bars import MarketData
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.simulator.exchange.clock import RunningClock
from helios_nautilus.simulator.exchange.faults import Fault, FaultScript
from helios_nautilus.simulator.exchange.ledger import MARKET
from helios_nautilus.simulator.exchange.opening import Credentials, open_account, open_venue, synthetic_markets
from helios_nautilus.simulator.exchange.orders import Order, OrderType, Side
from helios_nautilus.simulator.exchange.server import Exchange, Rules
from tests.venue.told import EVENTS_FD, Command, Setup, Snapshot

ROOT = Path(__file__).parents[2]
PATIENCE_SECS = 30.0
BTCZAR, ETHZAR, PERPETUAL = "BTCZAR.VALR", "ETHZAR.VALR", "BTCUSDTPERP.VALR"


@cache
def markets() -> dict[str, MarketData]:
    return synthetic_markets(seed=4, days=2)


class Node:
    """The node's process: tell it commands, read what it saw in `seen`."""

    def __init__(self, process: asyncio.subprocess.Process, events: asyncio.StreamReader) -> None:
        self._process = process
        self._events = events
        self._reading = [asyncio.create_task(self._read()), asyncio.create_task(self._read_log())]
        self._questions = 0
        self.seen: list[dict[str, Any]] = []
        self.log = b""

    @classmethod
    async def start(cls, setup: Setup, login: Credentials | None) -> Self:
        """Start the process and wait until its strategy has started."""
        node = await cls.launch(setup, login)
        try:
            await node.until(lambda: node.of("Started"))
        except BaseException:
            await node.kill()
            raise
        return node

    @classmethod
    async def launch(cls, setup: Setup, login: Credentials | None) -> Self:
        """Start the process, which may come to nothing."""
        ours, theirs = os.pipe()
        secrets = {} if login is None else {"VALR_API_KEY": login.key, "VALR_API_SECRET": login.secret}
        plain = {name: text for name, text in os.environ.items() if not name.startswith("VALR_API_")}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.venue.process",
            cwd=ROOT,
            env=plain | secrets | {EVENTS_FD: str(theirs), "OMP_NUM_THREADS": "1"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=1 << 24,
            pass_fds=(theirs,),
        )
        os.close(theirs)
        reader = asyncio.StreamReader(limit=1 << 24)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours, "rb")
        )
        node = cls(process, reader)
        node._write(msgspec.json.encode(setup))
        return node

    @property
    def has_ended(self) -> bool:
        """The process is gone."""
        return self._process.returncode is not None

    def tell(self, do: str, **args: Any) -> None:
        """Have the strategy do something; see `tests.venue.puppet`."""
        self._write(msgspec.json.encode(Command(do=do, args=args)))

    def of(self, kind: str, order: str | None = None) -> list[dict[str, Any]]:
        """What was seen of a kind, of an order if one is named."""
        return [
            each
            for each in self.seen
            if each["kind"] == kind and (order is None or each.get("client_order_id") == order)
        ]

    def story(self, order: str) -> list[str]:
        """An order's events by name, without their ``Order``."""
        return [
            each["kind"].removeprefix("Order")
            for each in self.seen
            if each.get("client_order_id") == order and each["kind"].startswith("Order")
        ]

    async def sees(self, order: str, *kinds: str) -> dict[str, Any]:
        """Wait until an order has had one of these events; the last of them."""
        await self.until(lambda: set(kinds) & set(self.story(order)), lambda: f"{order}: {self.story(order)}")
        return next(
            each
            for each in reversed(self.seen)
            if each.get("client_order_id") == order and each["kind"].removeprefix("Order") in kinds
        )

    async def show(self) -> Snapshot:
        """What the node holds to be true now."""
        self._questions += 1
        number = self._questions
        self.tell("show", number=number)
        await self.until(lambda: any(each["number"] == number for each in self.of("Snapshot")))
        shown = next(each["shown"] for each in self.of("Snapshot") if each["number"] == number)
        self.seen = [each for each in self.seen if each["kind"] != "Snapshot"]
        return msgspec.convert(shown, Snapshot)

    async def agrees(self, condition: Callable[[Snapshot], object]) -> Snapshot:
        """Wait until a snapshot fulfils a condition; the snapshot."""
        shown = await self.show()
        try:
            async with asyncio.timeout(PATIENCE_SECS):
                while not condition(shown):
                    await asyncio.sleep(0.05)
                    shown = await self.show()
        except TimeoutError:
            raise AssertionError(f"it never came to agree: {shown.orders} {shown.positions}\n{self._tail()}") from None
        return shown

    async def until(
        self, condition: Callable[[], object], describe: Callable[[], str] = lambda: "", secs: float = PATIENCE_SECS
    ) -> None:
        """Wait for a condition; what the node could not do, or its end, is a failure at once."""
        try:
            async with asyncio.timeout(secs):
                while not condition():
                    assert not self.of("Failed"), self.of("Failed")
                    assert self._process.returncode is None, self._tail()
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"it never came to it: {describe()}\n{self._tail()}") from None

    async def stop(self) -> int:
        """Stop the node as an operator does; its exit status."""
        if self._process.stdin is not None and self._process.returncode is None:
            self._process.stdin.close()
        return await self._gone()

    async def kill(self) -> None:
        """The process ends at once, with all it knew."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
        await self._gone()

    async def _gone(self) -> int:
        try:
            async with asyncio.timeout(PATIENCE_SECS):
                await asyncio.gather(*self._reading)
                return await self._process.wait()
        except TimeoutError:
            self._process.kill()
            raise AssertionError(f"the node did not end\n{self._tail()}") from None

    async def _read(self) -> None:
        while line := await self._events.readline():
            if line.endswith(b"\n"):
                self.seen.append(msgspec.json.decode(line))

    async def _read_log(self) -> None:
        assert self._process.stdout is not None
        while chunk := await self._process.stdout.read(1 << 16):
            self.log += chunk

    def _write(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")

    def _tail(self) -> str:
        return self.log[-60_000:].decode(errors="replace")


class Floor:
    """The exchange, an account on it, and the node that trades the account."""

    def __init__(self, exchange: Exchange, login: Credentials) -> None:
        self.exchange = exchange
        self.login = login
        self.node: Node

    async def open_node(self, *, has_key: bool = True, **setup: Any) -> Node:
        """Start a node, the first or one after a restart."""
        self.node = await Node.start(Setup(url=self.exchange.url, **setup), self.login if has_key else None)
        return self.node

    @asynccontextmanager
    async def running_node(self, **setup: Any) -> AsyncIterator[Node]:
        """A node as `open_node` starts it; at the end it stops, without an error."""
        node = await self.open_node(**setup)
        try:
            yield node
        except BaseException:
            await self.node.kill()
            raise
        status = await self.node.stop()
        assert status == 0, self.node.log[-6000:].decode(errors="replace")

    def play(self, kind: str, **terms: Any) -> None:
        """Let a fault strike from now on, and no other any more."""
        self.exchange.play(FaultScript(fault=(Fault(kind=kind, **terms),)))

    def strike(self, kind: str, **terms: Any) -> None:
        """The same for one that goes by time: at once."""
        self.play(kind, after_secs=0.0, **terms)
        self.exchange.catch_up()

    def submit(self, name: str, kind: str, side: str, size: str, instrument: str = BTCZAR, **options: Any) -> None:
        """Have the strategy submit an order; the options are those of the puppet's."""
        self.node.tell("submit", id=name, type=kind, side=side, size=size, instrument=instrument, **options)

    def rest(self, name: str, side: str = "BUY", size: str = "0.01", instrument: str = BTCZAR, **options: Any) -> None:
        """The same for a limit order that rests a tenth away from the market."""
        price = self.price(side, "0.9" if side == "BUY" else "1.1", instrument)
        self.submit(name, "LIMIT", side, size, instrument, **({"price": price} | options))

    def price(self, side: str, away: str = "0.9", instrument: str = BTCZAR) -> str:
        """So far from the best price of the own side, as a share of it, on a whole number."""
        book = self.exchange.venue.engine.books[instrument.partition(".")[0]]
        best = book.best(Side.BUY if side == "BUY" else Side.SELL)
        assert best is not None
        return str((best * Decimal(away)).to_integral_value())

    def order(self, name: str) -> Order:
        """The venue's own record of an order."""
        orders = self.exchange.venue.engine.orders.values()
        return next(order for order in orders if order.customer_order_id == name)

    def trade_against(self, name: str, size: str) -> None:
        """Let the market take so much of a resting order."""
        venue = self.exchange.venue
        venue.engine.fill_from_market(self.order(name), Decimal(size), venue.now_ns)

    def move_to(self, price: str, instrument: str = BTCZAR) -> None:
        """Let the market trade through all that rests up to a price and quote around it; then the replay goes on."""
        venue, symbol = self.exchange.venue, instrument.partition(".")[0]
        engine, to = venue.engine, Decimal(price)
        passive = Side.BUY if to < engine.margin.last_prices[symbol] else Side.SELL
        engine.quote(self._of_market(symbol, passive, to, Decimal("0.01")), venue.now_ns)
        engine.hit(self._of_market(symbol, passive.opposite, to, Decimal(1_000_000)), venue.now_ns)
        for side in Side:
            beside = to - side.sign * venue.listing.pairs[symbol].tick
            engine.quote(self._of_market(symbol, side, beside, Decimal(5)), venue.now_ns)
        engine.conclude(venue.now_ns)

    def last(self, away: str = "1", instrument: str = BTCZAR) -> str:
        """So far from the last price, as a share of it, on a whole number."""
        last = self.exchange.venue.engine.margin.last_prices[instrument.partition(".")[0]]
        return str((last * Decimal(away)).to_integral_value())

    def _of_market(self, symbol: str, side: Side, price: Decimal, size: Decimal) -> Order:
        venue = self.exchange.venue
        return Order(
            order_id=venue.ids.uuid(venue.now_ns),
            account_id=MARKET,
            pair=venue.listing.pairs[symbol],
            side=side,
            type=OrderType.LIMIT,
            quantity=size,
            price=price,
            created_ns=venue.now_ns,
        )


@asynccontextmanager
async def exchange(
    *faults: Fault,
    seed: int = 0,
    speed: float = 1.0,
    past_secs: float = 0.0,
    serve: type[Exchange] = Exchange,
) -> AsyncIterator[Floor]:
    """A running exchange with a funded sub-account, which may trade perpetuals too; no node yet.

    With ``past_secs`` it opened so long ago. At a ``speed`` above 1 its time starts there and runs after ours, else it
    has caught up with ours, and what happened meanwhile is its history.
    """
    opened_ns = time.time_ns() - int(past_secs * NS_PER_SEC)
    venue = open_venue(markets(), seed=4, now_ns=opened_ns)
    login = open_account(venue, label="trader")
    running = serve(
        venue,
        RunningClock(opened_ns if speed > 1.0 else time.time_ns(), speed),
        Rules(limit_scale=0.0),
        FaultScript(seed=seed, fault=tuple(faults)),
    )
    running.catch_up()
    await running.start()
    floor = Floor(running, login)
    try:
        yield floor
    finally:
        await running.stop()


@asynccontextmanager
async def trading(*faults: Fault, seed: int = 0, **setup: Any) -> AsyncIterator[Floor]:
    """An exchange and a node that trades on it; both are gone at the end, and the node left without an error."""
    async with exchange(*faults, seed=seed) as floor, floor.running_node(**setup):
        yield floor
