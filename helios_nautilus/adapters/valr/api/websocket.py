"""A VALR socket that stays connected: reconnects, logs in again, subscribes again, and outlives its connections.

An unauthenticated connection is cut by the venue after 15 minutes. Before that a second one is opened and subscribed,
and for a moment both deliver: **no frame is lost, some come twice** (books tell them by sequence, trades by id).

There is no queue between the line and ``on_message``: a slow receiver slows the reading, and TCP holds the venue back.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from itertools import count
from typing import Any

from aiohttp import ClientSession
from msgspec import Struct, field

from helios_nautilus.adapters.valr.api.clock import Clock, SystemClock
from helios_nautilus.adapters.valr.api.errors import NotSentError, RateLimitedError, UnavailableError, VenueError
from helios_nautilus.adapters.valr.api.limits import Family, RateLimiter
from helios_nautilus.adapters.valr.api.link import Link, LinkConfig, open_link
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.adapters.valr.api.subscriptions import Subscriptions

_log = logging.getLogger(__name__)


class SocketConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a socket keeps itself connected."""

    link: LinkConfig = field(default_factory=LinkConfig)
    retry_first_secs: float = 0.5
    """The first attempt after a loss comes at random within this."""
    retry_secs: float = 2.0
    """Pause before the second attempt, doubled for each further one up to ``retry_max_secs``."""
    retry_max_secs: float = 30.0
    stable_secs: float = 30.0
    """A connection that lived so long starts the pauses anew."""
    renew_secs: float = 780.0
    """Age at which an unauthenticated connection gets its successor; the venue cuts it at 900."""
    acknowledge_secs: float = 5.0
    """How long to wait for the successor's subscriptions; a pair the venue refuses is never acknowledged."""
    overlap_secs: float = 1.0
    """How long both deliver from then on, for frames still on their way to the old one."""
    gather_secs: float = 0.02
    """Changes of subscriptions are gathered for so long: every frame brings all snapshots of its event again."""


class ValrSocket:
    """``/ws/trade`` or ``/ws/account``, as ``config.link.path`` says; logged in if there are credentials.

    ``on_connected`` comes before the first frame of a fresh connection, ``on_disconnected`` with the reason after the
    last: what happened between the two is to be asked for over REST. A hand-over calls neither. ``greeting`` is sent on
    every connection, after its subscriptions.
    """

    def __init__(
        self,
        config: SocketConfig,
        on_message: Callable[[bytes], None],
        *,
        on_connected: Callable[[], None] = lambda: None,
        on_disconnected: Callable[[str], None] = lambda _: None,
        credentials: Credentials | None = None,
        limiter: RateLimiter | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        greeting: bytes | None = None,
    ) -> None:
        self._config = config
        self._greeting = greeting
        self._on_message = on_message
        self._on_connected = on_connected
        self._on_disconnected = on_disconnected
        self._credentials = credentials
        self._clock = clock or SystemClock()
        self._limiter = limiter or RateLimiter(self._clock)
        self._rng = rng or random.Random()
        self._subscriptions = Subscriptions()
        self._links: list[Link] = []
        """Those that deliver: one, during a hand-over two, the successor last."""
        self._session: ClientSession | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[Any]] = set()

    @property
    def is_connected(self) -> bool:
        """A connection is open and subscribed."""
        return bool(self._links)

    async def connect(self, patience_secs: float = 0.0) -> None:
        """Open the first connection, and keep it from then on.

        A venue that is not available is tried again within ``patience_secs``. Raises as `open_link` does; later losses
        are mended without a word but ``on_disconnected``.
        """
        if self._keeping is not None:
            return
        link = await self._open_first(self._clock.monotonic() + patience_secs)
        self._announce()
        self._keeping = self._spawn(self._keep(await self._adopt(link)))

    def subscribe(self, event: str, pairs: Iterable[str] | None = None) -> None:
        """Want ``event`` of ``pairs`` (None: of the account), now and after every reconnect; again for a snapshot."""
        self._subscriptions.add(event, pairs)
        self._flush_soon()

    def unsubscribe(self, event: str, pairs: Iterable[str]) -> None:
        """Want ``event`` of ``pairs`` no longer."""
        self._subscriptions.remove(event, pairs)
        self._flush_soon()

    async def send(self, frame: bytes, family: Family | None = None) -> None:
        """Send a command, waiting first for room in the budget of its ``family``.

        `NotSentError` without a connection, `UnknownOutcomeError` if it broke meanwhile.
        """
        if family is not None:
            await self._limiter.acquire([family])
        if not self._links:
            raise NotSentError(f"{self._config.link.path} is not connected")
        await self._links[-1].send(frame)

    async def close(self) -> None:
        """Close for good; no callback comes after this."""
        tasks, self._keeping = self._background.copy(), None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # Links that were read say goodbye in tasks of their own; one never read, just adopted, is still here.
        goodbyes = [link.close() for link in self._links]
        await asyncio.gather(*goodbyes, *self._background, return_exceptions=True)
        self._links.clear()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _open_first(self, until: float) -> Link:
        for attempt in count(1):
            pause = self._pause(attempt)
            try:
                return await self._open()
            except UnavailableError as error:
                if self._clock.monotonic() + pause > until:
                    raise
                _log.warning("connecting: %s", error)
            await self._clock.sleep(pause)
        raise AssertionError("count() ends")

    async def _keep(self, reading: asyncio.Task[str]) -> None:
        failures = 0
        while True:
            born = self._clock.monotonic()
            reason = await self._outlive(reading)
            if self._clock.monotonic() - born >= self._config.stable_secs:
                failures = 0
            _log.warning("%s: lost, %s", self._config.link.path, reason)
            self._call(self._on_disconnected, reason)
            link, failures = await self._reconnect(failures)
            self._announce()
            reading = await self._adopt(link)

    async def _reconnect(self, failures: int) -> tuple[Link, int]:
        """A new link, and how many attempts there have been since the last stable one."""
        for attempt in count(failures):
            await self._clock.sleep(self._pause(attempt))
            try:
                return await self._open(), attempt + 1
            except VenueError as error:
                _log.warning("reconnecting: %s", error)
        raise AssertionError("count() ends")

    async def _outlive(self, reading: asyncio.Task[str]) -> str:
        """Give the link being read its successors, until one ends with none to follow; why it did."""
        # No lifetime is known for a connection that is logged in.
        renew_secs = self._config.renew_secs if self._credentials is None else None
        while True:
            done, _ = await asyncio.wait({reading}, timeout=renew_secs)
            if done:
                return reading.result()
            reading = await self._hand_over(reading)

    async def _adopt(self, link: Link) -> asyncio.Task[str]:
        """Subscribe to everything on ``link`` and read it; the task ends with the link and says why."""
        self._links.append(link)
        for frame in (self._subscriptions.frame(), self._greeting):
            if frame is not None:
                # A link that cannot send has ended: its reading will say so.
                with suppress(VenueError):
                    await link.send(frame)
        return self._spawn(self._read(link))

    async def _read(self, link: Link) -> str:
        try:
            return await link.run(self._deliver)
        finally:
            self._links.remove(link)
            self._spawn(link.close())

    async def _hand_over(self, old: asyncio.Task[str]) -> asyncio.Task[str]:
        """A successor that delivers, with ``old`` ended; or ``old``, which has ended by itself before."""
        for attempt in count(1):
            if old.done():
                break
            try:
                link = await self._open()
            except VenueError as error:
                _log.warning("handing over: %s", error)
            else:
                new = await self._adopt(link)
                has_taken_over = await self._overlap(link, old, new)
                await _stop(old if has_taken_over else new)
                if has_taken_over:
                    return new
            await asyncio.wait({old}, timeout=self._pause(attempt))
        return old

    async def _overlap(self, link: Link, old: asyncio.Task[str], new: asyncio.Task[str]) -> bool:
        """Let both deliver; whether ``new`` has all that ``old`` would have had.

        If ``old`` dies before ``new`` is subscribed there is a gap, and a gap must look like one: as a reconnect.
        """
        acknowledged = self._spawn(link.wait_acknowledged(self._subscriptions.channels))
        await asyncio.wait(
            {acknowledged, old, new}, timeout=self._config.acknowledge_secs, return_when=asyncio.FIRST_COMPLETED
        )
        acknowledged.cancel()
        if old.done() or new.done():
            return False
        await asyncio.wait({new}, timeout=self._config.overlap_secs)
        return not new.done()

    async def _open(self) -> Link:
        await self._limiter.acquire([Family.CONNECT])
        if self._session is None:
            self._session = ClientSession()
        try:
            return await open_link(self._session, self._config.link, self._clock, self._credentials)
        except RateLimitedError:
            self._limiter.pause([Family.CONNECT])
            raise

    def _pause(self, attempt: int) -> float:
        """Seconds before the given attempt in a row: short and random, then exponential with jitter."""
        config = self._config
        if attempt == 0:
            return self._rng.uniform(0.0, config.retry_first_secs)
        longest = min(config.retry_secs * 2.0 ** min(attempt - 1, 30), config.retry_max_secs)
        return longest * self._rng.uniform(0.5, 1.0)

    def _announce(self) -> None:
        """Before a fresh connection's first frame. It is about to be sent everything, so no change is pending."""
        self._call(self._on_connected)
        self._subscriptions.settle()

    def _flush_soon(self) -> None:
        if self._links and self._flushing is None:
            self._flushing = self._spawn(self._flush())

    async def _flush(self) -> None:
        try:
            await self._clock.sleep(self._config.gather_secs)
        finally:
            self._flushing = None
        frame = self._subscriptions.changes()
        if frame is None:
            return
        for link in self._links.copy():
            # A link that cannot send is ending, and its successor gets the complete lists.
            with suppress(VenueError):
                await link.send(frame)

    def _deliver(self, frame: bytes) -> None:
        self._call(self._on_message, frame)

    def _call[**P](self, callback: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """A receiver's mistake over one frame must not silence all that follow."""
        try:
            callback(*args, **kwargs)
        except Exception:  # noqa: BLE001 the border between the line and whoever receives
            _log.exception("%s: a receiver failed", self._config.link.path)

    def _spawn[T](self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._settle_task)
        return task

    def _settle_task(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s: a fault of ours", self._config.link.path, exc_info=error)
            if task is self._keeping:
                self._call(self._on_disconnected, "stopped by a fault of ours")


async def _stop(task: asyncio.Task[str]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
