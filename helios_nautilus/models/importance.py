"""What a model looks at: how much worse it gets when a group of its features, or a timeframe, tells it nothing.

A recurrent network reads its features as a story, so shuffling single rows would break far more than the tie between
feature and outcome. Here a group's columns are taken, for every day, from 24 hours that begin at another moment of the
same span: each day is still a stretch of true market, alike on all timeframes and instruments, just not of that day nor
of that hour. A timeframe is switched off by setting its features to their training means.

Both say what the trained model uses, not what there is to be found: of two features that tell the same, either can go.
"""

from collections.abc import Iterator, Mapping
from typing import Final, Literal

import msgspec
import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Ints
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.models.dataset import Arrays, Scaler, Series, Span

type Lesion = Literal["group", "timeframe"]

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "price": ("open_", "high_", "low_", "return_", "relative_spread", "vwap_", "range_"),
    "volume": ("volume_", "taker_imbalance", "trade_count"),
    "indicators": ("rsi_", "macd", "sma_", "ema_", "bollinger"),
    "microstructure": ("book_", "depth_", "trade_momentum", "btc_correlation", "liquidity_"),
    "calendar": ("day_", "week_"),
}
"""Feature groups by how the names of their columns begin."""


class Importance(Struct, frozen=True, kw_only=True):
    """What a model loses without a part of its inputs."""

    lesion: Lesion
    part: str
    """Name of the feature group or of the timeframe."""
    added_loss: dict[str, float]
    """How much the log-loss rises, by model; below 0 where the part misled it."""


def group_columns(columns: tuple[str, ...]) -> dict[str, Ints]:
    """Places of each group's columns among a feature specification's; groups without a column are left out."""
    places = {
        group: np.array([i for i, column in enumerate(columns) if column.startswith(starts)], dtype=np.int64)
        for group, starts in GROUPS.items()
    }
    return {group: found for group, found in places.items() if len(found)}


def lesions(
    arrays: Arrays, span: Span, scaler: Scaler, groups: Mapping[str, Ints], rng: np.random.Generator
) -> Iterator[tuple[Lesion, str, Arrays]]:
    """Copies of a training set, each with one part of its features in ``span`` made to say nothing."""
    for group, columns in groups.items():
        yield "group", group, exchange_days(arrays, span, columns, rng)
    for index, name in enumerate(arrays.timeframes.names):
        yield "timeframe", name, switch_off(arrays, index, scaler)


def exchange_days(arrays: Arrays, span: Span, columns: Ints, rng: np.random.Generator) -> Arrays:
    """The arrays with some columns of every day in ``span`` taken from 24 other hours of it.

    Rows that are not ready, on either end, keep their own values.
    """
    block_ns = arrays.timeframes.lengths_ns[-1]
    start_ns = -(-span.start_ns // block_ns) * block_ns
    source = _other_blocks((span.end_ns - start_ns) // block_ns, NS_PER_DAY // block_ns, rng)
    series = [
        _rearranged(each, start_ns, length_ns, source, block_ns // length_ns, columns)
        for each, length_ns in zip(arrays.series, arrays.timeframes.lengths_ns, strict=True)
    ]
    return _with_series(arrays, series)


def switch_off(arrays: Arrays, timeframe: int, scaler: Scaler) -> Arrays:
    """The arrays with all features of one timeframe at their training means."""
    series = list(arrays.series)
    constant = np.broadcast_to(scaler.columns(timeframe)[0], series[timeframe].x.shape)
    series[timeframe] = msgspec.structs.replace(series[timeframe], x=constant)
    return _with_series(arrays, series)


def _other_blocks(blocks: int, blocks_a_day: int, rng: np.random.Generator) -> Ints:
    """For every block of a span, the block whose values it gets (blocks,): whole days from random moments."""
    days = -(-blocks // blocks_a_day)
    begins = rng.integers(blocks, size=days)
    source: Ints = (begins[:, None] + np.arange(blocks_a_day)).ravel()[:blocks] % blocks
    return source


def _rearranged(series: Series, start_ns: int, length_ns: int, source: Ints, bars: int, columns: Ints) -> Series:
    first = (start_ns - int(series.ts_ns[0])) // length_ns + 1
    rows = first + np.arange(len(source) * bars)
    origins = first + (source[:, None] * bars + np.arange(bars)).ravel()
    there = (rows >= 0) & (rows < len(series.ts_ns)) & (origins >= 0) & (origins < len(series.ts_ns))
    rows, origins = rows[there], origins[there]
    both = series.ready[rows] & series.ready[origins]
    x = np.array(series.x)
    for column in columns:
        x[rows, :, column] = np.where(both, series.x[origins, :, column], x[rows, :, column])
    return msgspec.structs.replace(series, x=x)


def _with_series(arrays: Arrays, series: list[Series]) -> Arrays:
    high, medium, low = series
    return msgspec.structs.replace(arrays, series=(high, medium, low))
