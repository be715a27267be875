"""What leaves one socket: frames in order, unless a fault has it otherwise."""

import asyncio
from collections.abc import Callable
from copy import deepcopy

import msgspec

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.simulator.exchange.faults import Fault, FaultPlan, Occasion
from helios_nautilus.simulator.exchange.market_json import Json
from helios_nautilus.simulator.exchange.venue import Venue


class Outbox:
    """Frames of one socket on their way to its writer."""

    def __init__(self, name: str, venue: Venue, plan: FaultPlan, hang_up: Callable[[int], None]) -> None:
        """``name`` is "trade" or "account"; ``hang_up`` closes the socket with a code."""
        self._name = name
        self._venue = venue
        self._plan = plan
        self._hang_up = hang_up
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._overtaken: list[str] = []
        self._stalled: list[str] | None = None

    async def next(self) -> str:
        """The next text to send."""
        return await self._ready.get()

    def put(self, frame: Json) -> None:
        """Send a frame, or what the faults make of it."""
        subject = f"{self._name} {frame['type']} {frame.get('ps') or frame.get('currencyPairSymbol') or ''}".rstrip()
        faults = self._plan.at(Occasion.FRAME, subject, self._venue.now_ns)
        if not faults:
            self._release([_encode(frame)])
            return
        texts = [_encode(frame)]
        for fault in faults:
            texts = self._spoil(fault, frame, texts)
        if texts:
            self._release(texts)

    def stall(self, secs: float) -> None:
        """Keep everything back for a while; the socket stays open."""
        if self._stalled is None:
            self._stalled = []
            self._venue.at(self._venue.now_ns + round(secs * NS_PER_SEC), self._resume)

    def _spoil(self, fault: Fault, frame: Json, texts: list[str]) -> list[str]:
        """The texts to send instead."""
        match fault.kind:
            case "drop_frame":
                return []
            case "duplicate_frame":
                return texts * 2
            case "delay_frame":
                self._venue.at(self._venue.now_ns + round(fault.secs * NS_PER_SEC), lambda _: self._release(texts))
                return []
            case "reorder_frame":
                self._overtaken += texts
                return []
            case "bad_checksum":
                return [_encode(_with_bad_checksum(frame))]
            case "truncate_frame":
                return [text[: len(text) // 2] for text in texts]
            case "stall_socket":
                self.stall(fault.secs)
                return texts
            case _:
                self._hang_up(fault.code)
                return []

    def _release(self, texts: list[str]) -> None:
        if self._stalled is not None:
            self._stalled += texts
            return
        for text in texts:
            self._ready.put_nowait(text)
        late, self._overtaken = self._overtaken, []
        for text in late:
            self._ready.put_nowait(text)

    def _resume(self, _: int) -> None:
        late, self._stalled = self._stalled or [], None
        self._release(late)


def _encode(frame: Json) -> str:
    return msgspec.json.encode(frame).decode()


def _with_bad_checksum(frame: Json) -> Json:
    spoiled = deepcopy(frame)
    for key, name in (("d", "cs"), ("data", "Checksum")):
        data = spoiled.get(key)
        if isinstance(data, dict) and isinstance(data.get(name), int):
            data[name] ^= 1
    return spoiled
