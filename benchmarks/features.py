"""Tier 1: one bar as it streams in, and whole data sets at once."""

from collections.abc import Iterator
from functools import partial
from typing import Final

import numpy as np

from benchmarks.row import Row, rate, time_call, time_calls, timing
from benchmarks.world import World
from helios_nautilus.domain.bars import BUY, SELL
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.features.stream import FeatureStream
from helios_nautilus.domain.features.table import build_tables
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.history.catalogue import load_instruments, load_market_data

type OneBar = tuple[float, float, float, float, float]

_TRADES_A_MIN: Final = 8


def feature_rows(world: World) -> Iterator[Row]:
    """Streaming for universes of one and three, without and with trades and books, then the batch."""
    for size in (1, 3):
        for ticks in (False, True):
            inputs = "bars, trades, book" if ticks else "bars"
            seconds = _stream(size, ticks=ticks, mins=world.count(6_000))
            yield timing(f"features, one streaming bar: {size} x {inputs}", seconds, target=20e-6)
    yield _batch(world)


def _stream(size: int, *, ticks: bool, mins: int) -> list[float]:
    """Seconds from the bars of a close to its features, by instrument, for all three timeframes as they come."""
    universe = tuple(f"COIN{index}.TEST" for index in range(size))
    spec = FeatureSpec(universe=universe, reference=universe[0], trades=ticks, book=ticks)
    stream = FeatureStream(spec, dict.fromkeys(universe, 8))
    rng = np.random.default_rng(0)
    prices = 1_000.0 * np.exp(np.cumsum(rng.normal(0.0, 1e-3, (mins + 1, size)), axis=0))
    seconds = []
    for minute in range(1, mins + 1):
        ts_ns = minute * NS_PER_MIN
        if ticks:
            _feed_ticks(stream, universe, ts_ns, rng)
        bars = {
            name: _bar(*pair) for name, pair in zip(universe, prices[minute - 1 : minute + 1].T.tolist(), strict=True)
        }
        for timeframe, length_ns in zip(spec.timeframes.names, spec.timeframes.lengths_ns, strict=True):
            if ts_ns % length_ns == 0:
                seconds.append(time_call(partial(_close, stream, timeframe, ts_ns, bars)) / size)
    return seconds[len(seconds) // 5 :]  # without the warm-up, in which there is less to compute


def _bar(opened: float, close: float) -> OneBar:
    return opened, max(opened, close) + 1.0, min(opened, close) - 1.0, close, 3.5


def _close(stream: FeatureStream, timeframe: str, ts_ns: int, bars: dict[str, OneBar]) -> None:
    for name, bar in bars.items():
        stream.on_bar(timeframe, name, ts_ns, *bar)
    if stream.is_complete(timeframe, ts_ns):
        stream.close_bar(timeframe, ts_ns)


def _feed_ticks(stream: FeatureStream, universe: tuple[str, ...], close_ns: int, rng: np.random.Generator) -> None:
    """What was traded and quoted within a minute."""
    levels = 0.5 + np.arange(10.0)
    for name in universe:
        for step in range(_TRADES_A_MIN):
            ts_ns = close_ns - NS_PER_MIN + 7 * step * NS_PER_SEC
            stream.on_trade(name, ts_ns, rng.random(), BUY if rng.random() < 0.5 else SELL)
        stream.on_book(name, close_ns - NS_PER_SEC, 1_000.0 - levels, rng.random(10), 1_000.0 + levels, rng.random(10))


def _batch(world: World) -> Row:
    data = world.config.data
    market = load_market_data(data.catalog, data.instruments, None, None, bar=data.base, trades=False)
    precisions = {each.id.value: each.size_precision for each in load_instruments(data.catalog, data.instruments)}
    build = partial(build_tables, world.config.spec, market, precisions)
    bars = sum(table.ready.size for table in build().tables)
    return rate("features, batch: bars", "bars", bars, time_calls(build, world.count(10)), target=200_000)
