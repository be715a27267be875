"""Bars of a pair in which nobody trades for minutes: told in time, however much of the past is asked for meanwhile."""

import asyncio
import json
import random
from collections.abc import Callable

import pytest
from nautilus_trader.common.component import Logger
from nautilus_trader.core.data import Data
from nautilus_trader.model.data import Bar, BarType

from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.stream import MarketStream
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from tests.unit.adapters.valr.test_http import ScriptedTransport, reply
from tests.unit.adapters.valr.virtual_time import START_NS, VirtualClock, run_virtually
from tests.unit.adapters.valr_data.listener import BTCZAR

MINUTES = BarType.from_str(f"{BTCZAR.id}-1-MINUTE-LAST-EXTERNAL")


def frame(minute: int, *, volume: str = "1") -> bytes:
    """The bucket of a minute of the first hour of 2026, as VALR sends it."""
    figures = dict.fromkeys(("open", "high", "low", "close"), "1850000")
    data = {
        "currencyPairSymbol": "BTCZAR",
        "bucketPeriodInSeconds": 60,
        "startTime": f"2026-01-01T00:{minute:02}:00Z",
        "volume": volume,
        **figures,
    }
    return json.dumps({"type": "NEW_TRADE_BUCKET", "currencyPairSymbol": "BTCZAR", "data": data}).encode()


class Line:
    """A stream of one pair, of whose past the venue has nothing; which bar came how many seconds after its close."""

    def __init__(self) -> None:
        clock = VirtualClock()
        self.told: list[tuple[int, float]] = []
        self.questions = ScriptedTransport(reply(200, b"[]"))
        http = ValrHttp(
            HttpConfig(base_url="https://venue.test"), transport=self.questions, clock=clock, rng=random.Random(1)
        )
        self.now_ns: Callable[[], int] = clock.time_ns
        self.stream = MarketStream(
            "wss://venue.test",
            http,
            publish=self._note,
            on_funding_run=lambda _pair: None,
            spawn=lambda work: asyncio.get_running_loop().create_task(work),
            now_ns=clock.time_ns,
            log=Logger("Line"),
            bar_grace_secs=1.0,
        )
        self.stream.want_bars(MINUTES, BTCZAR, START_NS)

    async def hear(self, secs: float, raw: bytes) -> None:
        """A frame comes so many seconds into the hour."""
        await asyncio.sleep(secs - (self.now_ns() - START_NS) / NS_PER_SEC)
        self.stream._on_message(raw)

    def _note(self, item: Data) -> None:
        assert isinstance(item, Bar)
        late_secs = (self.now_ns() - item.ts_event) / NS_PER_SEC
        self.told.append(((item.ts_event - START_NS) // NS_PER_MIN - 1, late_secs))


def test_a_running_bucket_behind_a_gap_is_told_at_its_close_although_no_other_frame_comes() -> None:
    async def work() -> Line:
        line = Line()
        await line.hear(60.1, frame(0))
        await line.hear(5 * 60 + 20.0, frame(5))
        await asyncio.sleep(600.0)
        return line

    line = run_virtually(work())

    assert [minute for minute, _ in line.told] == [0, 5]
    assert line.told[1][1] == pytest.approx(1.0, abs=0.1)
    assert len(line.questions.requests) == 1, "the gap is asked for once"


def test_however_many_frames_a_bucket_has_one_look_at_its_close_is_planned() -> None:
    async def work() -> int:
        line = Line()
        for second in range(1, 50):
            await line.hear(second, frame(0, volume=f"{second}"))
        planned = len(asyncio.get_running_loop()._scheduled)  # type: ignore[attr-defined]
        await asyncio.sleep(60.0)
        assert [minute for minute, _ in line.told] == [0]
        return planned

    assert run_virtually(work()) == 1
