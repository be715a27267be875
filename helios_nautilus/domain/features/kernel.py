"""The features of one timeframe and the one compiled function that computes them.

Batch and stream call :func:`advance` on the same explicit state (the stream one bar at a time), so their values agree
to the last bit; no fast-math. The features' names and order are `Column`, and nothing else spells them out.
RSI, EMA and MACD remember every bar since the last hole; by the hundredth bar their seed weighs less than 0.2 %.

Everything compiled stays in this file together with the constants it uses: numba's cache notices a change of the
file that holds a function, not of the files that function imports.
"""

from enum import IntEnum
from math import inf, isfinite, isnan, log, nan, sqrt
from typing import Final, Literal, NamedTuple

import numpy as np
from numba import njit

from helios_nautilus.domain.bars import Bools, Floats, Ints

type Source = Literal["trades", "book", "reference", "calendar"]


class Column(IntEnum):
    """The features of one timeframe in their order. ``r`` is the log return of closes; windows include the new bar.

    The comment on a line gives the value where the formula has none; no feature depends on the unit of price or size.
    """

    OPEN_RETURN = 0  # open / close - 1
    HIGH_RETURN = 1  # high / close - 1
    LOW_RETURN = 2  # low / close - 1
    RETURN_1 = 3  # r
    RETURN_5 = 4  # r over 5 bars
    RETURN_20 = 5  # r over 20 bars
    RETURN_STD_20 = 6  # population stdev of r
    RELATIVE_SPREAD = 7  # (ask - bid) / mid at the close
    VWAP_DISTANCE_20 = 8  # close / VWAP of typical prices - 1; no volume in 20 bars: 0
    RANGE_POSITION = 9  # (close - low) / (high - low); no range: 0.5
    VOLUME_RATIO_20 = 10  # volume / mean; no volume in 20 bars: 0
    VOLUME_CHANGE = 11  # log change, volumes floored at 1 % of their 20-bar mean; no volume in 20 bars: 0
    VOLUME_CHANGE_STD_20 = 12  # population stdev of the above
    TAKER_IMBALANCE = 13  # (bought - sold) / (bought + sold) by takers; no trades: 0
    TRADE_COUNT_RATIO_20 = 14  # trades / mean; no trades in 20 bars: 0
    RSI_14 = 15  # Wilder, 0 to 100; never a move: 50
    RSI_7 = 16
    MACD = 17  # (EMA 12 - EMA 26) / close
    MACD_SIGNAL = 18  # EMA 9 of the difference, / close
    MACD_HISTOGRAM = 19
    SMA_20_DISTANCE = 20  # close / average - 1
    SMA_50_DISTANCE = 21
    EMA_12_DISTANCE = 22
    EMA_26_DISTANCE = 23
    BOLLINGER_B = 24  # (close - lower) / (upper - lower), 20 bars, 2 population stdevs; flat: 0.5
    BOOK_IMBALANCE = 25  # (bid - ask) / (bid + ask), notional of ten levels
    DEPTH_RATIO_20 = 26  # ten-level notional / its mean over the bars that had a snapshot
    TRADE_MOMENTUM_10 = 27  # signed size / size of the last ten trades, none older than 20 bars; no trades: 0
    BTC_CORRELATION_50 = 28  # of r with the reference's r; one of them constant: 0
    LIQUIDITY_RANK = 29  # by 20-bar mean traded value: share of the other instruments below, ties half; alone: 0.5
    DAY_SIN = 30  # of the time of day
    DAY_COS = 31
    WEEK_SIN = 32  # of the time of the week
    WEEK_COS = 33


NEEDS: Final[dict[Column, Source]] = {
    Column.RELATIVE_SPREAD: "book",
    Column.TAKER_IMBALANCE: "trades",
    Column.TRADE_COUNT_RATIO_20: "trades",
    Column.BOOK_IMBALANCE: "book",
    Column.DEPTH_RATIO_20: "book",
    Column.TRADE_MOMENTUM_10: "trades",
    Column.BTC_CORRELATION_50: "reference",
    Column.DAY_SIN: "calendar",
    Column.DAY_COS: "calendar",
    Column.WEEK_SIN: "calendar",
    Column.WEEK_COS: "calendar",
}
"""Columns that need more than bars, and what they need."""

WARM_UP: Final = 100
"""Consecutive bars before an instrument is ready."""


class Field(IntEnum):
    """Last axis of ``inputs``: what the kernel is told of one bar."""

    OPEN = 0
    HIGH = 1
    LOW = 2
    CLOSE = 3
    VOLUME = 4
    BOUGHT = 5
    SOLD = 6
    TRADES = 7
    MOMENTUM = 8
    SPREAD = 9
    IMBALANCE = 10
    DEPTH = 11
    DAY_SIN = 12
    DAY_COS = 13
    WEEK_SIN = 14
    WEEK_COS = 15


class _Series(IntEnum):
    """Second axis of ``State.history``: what windows are taken over."""

    CLOSE = 0
    RETURN = 1
    VOLUME = 2
    VOLUME_CHANGE = 3
    VALUE = 4
    TRADES = 5
    DEPTH = 6


class _Average(IntEnum):
    """Second axis of ``State.averages``: what is smoothed by recursion."""

    EMA_12 = 0
    EMA_26 = 1
    MACD_FAST = 2
    MACD_SIGNAL = 3
    GAIN_14 = 4
    LOSS_14 = 5
    GAIN_7 = 6
    LOSS_7 = 7


_SPAN: Final = 50
_RESOLUTION: Final = 1e-12
_VOLUME_FLOOR: Final = 0.01
_N_COLUMNS: Final = len(Column)
_compiled = njit(cache=True, error_model="numpy")  # x / 0 is infinite, as in numpy, and then refused as a value


class Layout(NamedTuple):
    """What is computed: the kept columns in order, whether trades and book are given, the reference's index or -1."""

    columns: Ints
    trades: bool
    book: bool
    reference: int


class State(NamedTuple):
    """Everything remembered between bars of one timeframe, for n instruments.

    ``bars`` (n,) counts consecutive bars. ``history`` (n, series, 2 x 50) holds each of the last 50 values twice, 50
    places apart, so that every window is one contiguous slice, oldest first. ``averages`` has shape (n, averages).
    """

    bars: Ints
    history: Floats
    averages: Floats


def new_state(size: int) -> State:
    """State of ``size`` instruments that have seen nothing."""
    return State(
        bars=np.zeros(size, np.int64),
        history=np.zeros((size, len(_Series), 2 * _SPAN)),
        averages=np.zeros((size, len(_Average))),
    )


@_compiled
def advance(layout: Layout, state: State, inputs: Floats, present: Bools, values: Floats, ready: Bools) -> None:
    """Advance the universe by T bars of one timeframe.

    Reads ``inputs`` (T, n, `Field`) and ``present`` (T, n); changes ``state``; writes ``values`` (T, n, F) and
    ``ready`` (T, n). A bar that is not present, or has a price or volume no market can have, is a hole: the
    instrument starts anew after it. Unknown book figures are NaN; a bar with volume but no trades has unknown trades.

    An instrument is ready after `WARM_UP` consecutive bars if all its columns are known; else its values are 0.
    """
    row = np.zeros(_N_COLUMNS)
    liquidity = np.zeros(len(state.bars))
    for t in range(len(inputs)):
        for i in range(len(state.bars)):
            if present[t, i] and _is_usable(inputs[t, i]):
                _push(state, i, inputs[t, i])
            else:
                state.bars[i] = 0
                state.averages[i] = 0.0
            liquidity[i] = _mean(_window(state, i, _Series.VALUE, 20)) if state.bars[i] >= 20 else nan
        for i in range(len(state.bars)):
            ready[t, i] = _is_known(layout, state, i, inputs[t, i])
            values[t, i] = 0.0
            if ready[t, i]:
                _describe(row, layout, state, i, inputs[t, i], liquidity)
                ready[t, i] = _keep(row, layout.columns, values[t, i])


@_compiled
def _is_usable(bar: Floats) -> bool:
    """Prices are positive and finite, the volume is neither negative nor infinite; NaN is none of these."""
    for field in range(Field.OPEN, Field.VOLUME):
        if not 0.0 < bar[field] < inf:
            return False
    return bool(0.0 <= bar[Field.VOLUME] < inf)


@_compiled
def _has_trades(bar: Floats) -> bool:
    return bool(bar[Field.TRADES] > 0.0 or bar[Field.VOLUME] == 0.0)


@_compiled
def _is_known(layout: Layout, state: State, i: int, bar: Floats) -> bool:
    """Whether every column of instrument ``i`` can be computed at this bar."""
    if state.bars[i] < WARM_UP or (layout.trades and not _has_trades(bar)):
        return False
    if layout.reference >= 0 and state.bars[layout.reference] <= 50:
        return False
    return not (layout.book and isnan(bar[Field.DEPTH]))


@_compiled
def _keep(row: Floats, columns: Ints, values: Floats) -> bool:
    """Copy the kept columns; refuse the row if prices were so extreme that one of them overflowed."""
    for k in range(len(columns)):
        values[k] = row[columns[k]]
        if not isfinite(values[k]):
            values[:] = 0.0
            return False
    return True


@_compiled
def _push(state: State, i: int, bar: Floats) -> None:
    """Take a bar into the history and the averages of instrument ``i``."""
    close, volume = bar[Field.CLOSE], bar[Field.VOLUME]
    last_close, last_volume = close, volume
    if state.bars[i] > 0:
        last_close = _window(state, i, _Series.CLOSE, 1)[0]
        last_volume = _window(state, i, _Series.VOLUME, 1)[0]
    state.bars[i] += 1
    _store(state, i, _Series.CLOSE, close)
    _store(state, i, _Series.RETURN, log(close / last_close))
    _store(state, i, _Series.VOLUME, volume)
    _store(state, i, _Series.VALUE, volume * ((bar[Field.HIGH] + bar[Field.LOW] + close) / 3.0))
    _store(state, i, _Series.TRADES, bar[Field.TRADES] if _has_trades(bar) else nan)
    _store(state, i, _Series.DEPTH, bar[Field.DEPTH])
    volumes = _window(state, i, _Series.VOLUME, min(state.bars[i], 20))
    _store(state, i, _Series.VOLUME_CHANGE, _volume_change(volume, last_volume, _mean(volumes)))
    _smooth(state.averages[i], state.bars[i], close, close - last_close)


@_compiled
def _store(state: State, i: int, series: int, value: float) -> None:
    at = (state.bars[i] - 1) % _SPAN
    state.history[i, series, at] = value
    state.history[i, series, at + _SPAN] = value


@_compiled
def _window(state: State, i: int, series: int, length: int) -> Floats:
    """The last ``length`` values (at most 50), oldest first."""
    end = (state.bars[i] - 1) % _SPAN + _SPAN + 1
    return state.history[i, series, end - length : end]


@_compiled
def _volume_change(volume: float, last: float, mean: float) -> float:
    """Log change with a floor, because a quiet pair's volume is often zero."""
    floor = _VOLUME_FLOOR * mean
    return log(max(volume, floor) / max(last, floor)) if floor > 0.0 else 0.0


@_compiled
def _smooth(averages: Floats, bars: int, close: float, change: float) -> None:
    """Advance the recursive averages, seeded as TA-Lib does: both EMAs inside MACD start at the 26th bar."""
    averages[_Average.EMA_12] = _ema(averages[_Average.EMA_12], close, 12, bars)
    averages[_Average.EMA_26] = _ema(averages[_Average.EMA_26], close, 26, bars)
    averages[_Average.MACD_FAST] = _ema(averages[_Average.MACD_FAST], close, 12, bars - 14)
    macd = averages[_Average.MACD_FAST] - averages[_Average.EMA_26]
    averages[_Average.MACD_SIGNAL] = _ema(averages[_Average.MACD_SIGNAL], macd, 9, bars - 25)
    gain, loss = max(change, 0.0), max(-change, 0.0)
    averages[_Average.GAIN_14] = _wilder(averages[_Average.GAIN_14], gain, 14, bars - 1)
    averages[_Average.LOSS_14] = _wilder(averages[_Average.LOSS_14], loss, 14, bars - 1)
    averages[_Average.GAIN_7] = _wilder(averages[_Average.GAIN_7], gain, 7, bars - 1)
    averages[_Average.LOSS_7] = _wilder(averages[_Average.LOSS_7], loss, 7, bars - 1)


@_compiled
def _ema(average: float, value: float, period: int, count: int) -> float:
    """Exponential average after ``count`` values; the mean of the first ``period`` is the seed."""
    if count <= period:
        return average + value / period if count > 0 else 0.0
    return average + (value - average) * (2.0 / (period + 1))


@_compiled
def _wilder(average: float, value: float, period: int, count: int) -> float:
    """Wilder's average after ``count`` values; the mean of the first ``period`` is the seed."""
    if count <= period:
        return average + value / period
    return (average * (period - 1) + value) / period


@_compiled
def _describe(row: Floats, layout: Layout, state: State, i: int, bar: Floats, liquidity: Floats) -> None:
    """Fill ``row`` with all columns of instrument ``i``; those that lack their input are not read afterwards."""
    _describe_price(row, state, i, bar)
    _describe_volume(row, state, i, bar)
    _describe_indicators(row, state, i, bar[Field.CLOSE])
    row[Column.BOOK_IMBALANCE] = bar[Field.IMBALANCE]
    row[Column.DEPTH_RATIO_20] = _ratio(bar[Field.DEPTH], _known_mean(_window(state, i, _Series.DEPTH, 20)))
    row[Column.TRADE_MOMENTUM_10] = bar[Field.MOMENTUM]
    if layout.reference >= 0:
        own, other = _window(state, i, _Series.RETURN, 50), _window(state, layout.reference, _Series.RETURN, 50)
        row[Column.BTC_CORRELATION_50] = _correlation(own, other)
    row[Column.LIQUIDITY_RANK] = _rank(liquidity, i)
    row[Column.DAY_SIN : Column.WEEK_COS + 1] = bar[Field.DAY_SIN : Field.WEEK_COS + 1]


@_compiled
def _describe_price(row: Floats, state: State, i: int, bar: Floats) -> None:
    high, low, close = bar[Field.HIGH], bar[Field.LOW], bar[Field.CLOSE]
    closes = _window(state, i, _Series.CLOSE, 21)
    value, volume = _mean(_window(state, i, _Series.VALUE, 20)), _mean(_window(state, i, _Series.VOLUME, 20))
    row[Column.OPEN_RETURN] = bar[Field.OPEN] / close - 1.0
    row[Column.HIGH_RETURN] = high / close - 1.0
    row[Column.LOW_RETURN] = low / close - 1.0
    row[Column.RETURN_1] = log(close / closes[19])
    row[Column.RETURN_5] = log(close / closes[15])
    row[Column.RETURN_20] = log(close / closes[0])
    row[Column.RETURN_STD_20] = _std(_window(state, i, _Series.RETURN, 20))
    row[Column.RELATIVE_SPREAD] = bar[Field.SPREAD]
    row[Column.VWAP_DISTANCE_20] = close / (value / volume) - 1.0 if value > 0.0 else 0.0
    row[Column.RANGE_POSITION] = (close - low) / (high - low) if high > low else 0.5


@_compiled
def _describe_volume(row: Floats, state: State, i: int, bar: Floats) -> None:
    bought, sold = bar[Field.BOUGHT], bar[Field.SOLD]
    row[Column.VOLUME_RATIO_20] = _ratio(bar[Field.VOLUME], _mean(_window(state, i, _Series.VOLUME, 20)))
    changes = _window(state, i, _Series.VOLUME_CHANGE, 20)
    row[Column.VOLUME_CHANGE] = changes[-1]
    row[Column.VOLUME_CHANGE_STD_20] = _std(changes)
    row[Column.TAKER_IMBALANCE] = _ratio(bought - sold, bought + sold)
    row[Column.TRADE_COUNT_RATIO_20] = _ratio(bar[Field.TRADES], _known_mean(_window(state, i, _Series.TRADES, 20)))


@_compiled
def _describe_indicators(row: Floats, state: State, i: int, close: float) -> None:
    averages = state.averages[i]
    macd = averages[_Average.MACD_FAST] - averages[_Average.EMA_26]
    row[Column.RSI_14] = _rsi(averages[_Average.GAIN_14], averages[_Average.LOSS_14])
    row[Column.RSI_7] = _rsi(averages[_Average.GAIN_7], averages[_Average.LOSS_7])
    row[Column.MACD] = macd / close
    row[Column.MACD_SIGNAL] = averages[_Average.MACD_SIGNAL] / close
    row[Column.MACD_HISTOGRAM] = (macd - averages[_Average.MACD_SIGNAL]) / close
    row[Column.SMA_20_DISTANCE] = close / _mean(_window(state, i, _Series.CLOSE, 20)) - 1.0
    row[Column.SMA_50_DISTANCE] = close / _mean(_window(state, i, _Series.CLOSE, 50)) - 1.0
    row[Column.EMA_12_DISTANCE] = close / averages[_Average.EMA_12] - 1.0
    row[Column.EMA_26_DISTANCE] = close / averages[_Average.EMA_26] - 1.0
    row[Column.BOLLINGER_B] = _bollinger(_window(state, i, _Series.CLOSE, 20))


@_compiled
def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0.0 else 0.0


@_compiled
def _mean(values: Floats) -> float:
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


@_compiled
def _known_mean(values: Floats) -> float:
    """Mean of those values that are not NaN; 0 where there are none."""
    total, count = 0.0, 0
    for value in values:
        if not isnan(value):
            total += value
            count += 1
    return total / count if count else 0.0


@_compiled
def _std(values: Floats) -> float:
    """Population standard deviation, in two passes."""
    mean, squares = _mean(values), 0.0
    for value in values:
        squares += (value - mean) ** 2
    return sqrt(squares / len(values))


@_compiled
def _rsi(gain: float, loss: float) -> float:
    return 100.0 * (gain / (gain + loss)) if gain + loss > 0.0 else 50.0


@_compiled
def _bollinger(closes: Floats) -> float:
    """Place of the last close between the bands. Offsets from it are exact, so that a flat price is exactly flat."""
    close, mean, squares = closes[-1], 0.0, 0.0
    for price in closes:
        mean += (price - close) / close
    mean /= len(closes)
    for price in closes:
        squares += ((price - close) / close - mean) ** 2
    std = sqrt(squares / len(closes))
    return 0.5 - mean / (4.0 * std) if std > _RESOLUTION else 0.5


@_compiled
def _correlation(x: Floats, y: Floats) -> float:
    """Pearson's correlation; 0 where one side moves less than prices can resolve."""
    x_mean, y_mean = _mean(x), _mean(y)
    xy, xx, yy = 0.0, 0.0, 0.0
    for k in range(len(x)):
        dx, dy = x[k] - x_mean, y[k] - y_mean
        xy += dx * dy
        xx += dx * dx
        yy += dy * dy
    if min(xx, yy) <= len(x) * _RESOLUTION**2:
        return 0.0
    return min(max(xy / sqrt(xx) / sqrt(yy), -1.0), 1.0)


@_compiled
def _rank(liquidity: Floats, i: int) -> float:
    """Share of the other instruments that trade less, ties counted half; unknown ones (NaN) do not take part."""
    below, others = 0.0, 0
    for j in range(len(liquidity)):
        if j != i and not isnan(liquidity[j]):
            others += 1
            below += 1.0 if liquidity[j] < liquidity[i] else 0.5 if liquidity[j] == liquidity[i] else 0.0
    return below / others if others else 0.5
