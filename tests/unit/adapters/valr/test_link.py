"""A line that dies without a word is noticed in time, whenever it dies; a quiet one that answers is kept."""

import asyncio
from collections.abc import Sequence
from typing import cast

from aiohttp import ClientWebSocketResponse, WSMessage, WSMsgType
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.adapters.valr.api.link import Link, LinkConfig
from tests.unit.adapters.valr.virtual_time import VirtualClock, run_virtually

ROUND_TRIP_SECS = 0.2
NOTICED_SECS = 4.5
TOLERANCE_SECS = 1e-6


class Line:
    """A socket that stays open for ever; its venue answers every PING and sends at given times, until it dies."""

    closed = False

    def __init__(self, dies_at: float, sends_at: Sequence[float]) -> None:
        self.dies_at = dies_at
        self.last_heard_at = 0.0
        self._inbox: asyncio.Queue[bytes] = asyncio.Queue()
        for at in sends_at:
            self._deliver(b'{"type":"OB_L1_DIFF"}', at)

    async def send_frame(self, frame: bytes, kind: WSMsgType) -> None:
        self._deliver(b'{"type":"PONG"}', asyncio.get_running_loop().time() + ROUND_TRIP_SECS)

    async def receive(self) -> WSMessage:
        frame = await self._inbox.get()
        self.last_heard_at = asyncio.get_running_loop().time()
        return WSMessage(WSMsgType.TEXT, frame, None)

    def _deliver(self, frame: bytes, at: float) -> None:
        if at < self.dies_at:
            asyncio.get_running_loop().call_at(at, self._inbox.put_nowait, frame)


async def noticed(dies_at: float, sends_at: Sequence[float]) -> tuple[float, Line]:
    """When the link gave up, and its line."""
    line = Line(dies_at, sends_at)
    link = Link(cast("ClientWebSocketResponse[bool]", line), LinkConfig(), VirtualClock())
    await link.run(lambda frame: None)
    return asyncio.get_running_loop().time(), line


@given(dies_at=st.floats(0.01, 90.0), sends_at=st.lists(st.floats(0.0, 90.0), max_size=20))
def test_a_dead_line_is_noticed_soon_after_its_last_frame_and_never_before_it_dies(
    dies_at: float, sends_at: list[float]
) -> None:
    noticed_at, line = run_virtually(noticed(dies_at, sends_at))
    assert noticed_at >= dies_at - ROUND_TRIP_SECS
    assert noticed_at - line.last_heard_at <= NOTICED_SECS + TOLERANCE_SECS


def test_a_quiet_line_that_answers_is_kept() -> None:
    noticed_at, _ = run_virtually(noticed(3_600.0, []))
    assert noticed_at >= 3_600.0 - ROUND_TRIP_SECS
