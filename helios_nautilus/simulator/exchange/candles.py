"""Candles of one pair: the recorded ones before the venue opened, then those of its own tape."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from copy import copy
from decimal import Decimal

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN
from helios_nautilus.simulator.exchange.decimals import ZERO, from_float, ratio, times
from helios_nautilus.simulator.exchange.listing import Pair
from helios_nautilus.simulator.exchange.orders import Trade
from helios_nautilus.simulator.exchange.replay import on_tick


class Candle(Struct, kw_only=True):
    """Open, high, low, close and volumes from ``start_ns`` on."""

    start_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    quote_volume: Decimal = ZERO

    def add(self, later: "Candle") -> None:
        """Extend by a later candle."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.quote_volume += later.quote_volume


class CandleStore:
    """Minutes of one pair, and longer candles made of them. Minutes without a trade do not exist."""

    def __init__(self, pair: Pair, recorded: Bars | None = None, *, shift_ns: int = 0, opened_ns: int = 0) -> None:
        """Recorded bars count up to ``opened_ns``; their times are moved by ``shift_ns``.

        They are shown on the pair's ticks and decimals, exactly where they lie there.
        """
        self._pair = pair
        self._bars = recorded
        self._opens = np.empty(0, np.int64) if recorded is None else recorded.ts_ns - NS_PER_MIN + shift_ns
        self._end = int(np.searchsorted(self._opens, opened_ns))
        self._live: dict[int, Candle] = {}
        self._starts: list[int] = []
        """Of the live minutes, rising."""
        self._day: tuple[int, Candle | None] = (-1, None)

    def add(self, trade: Trade) -> None:
        """Count a trade of the venue's own tape."""
        start_ns = trade.traded_ns // NS_PER_MIN * NS_PER_MIN
        price = trade.price
        one = Candle(
            start_ns=start_ns,
            open=price,
            high=price,
            low=price,
            close=price,
            volume=trade.quantity,
            quote_volume=times(price, trade.quantity),
        )
        candle = self._live.get(start_ns)
        if candle is None:
            self._live[start_ns] = one
            self._starts.append(start_ns)
        else:
            candle.add(one)

    def between(self, period_ns: int, start_ns: int, end_ns: int) -> list[Candle]:
        """Candles whose start lies in ``[start_ns, end_ns]``, oldest first."""
        candles: list[Candle] = []
        last_minute_ns = end_ns // period_ns * period_ns + period_ns - NS_PER_MIN
        for minute in self._minutes(-(-start_ns // period_ns) * period_ns, last_minute_ns):
            begin_ns = minute.start_ns // period_ns * period_ns
            if candles and candles[-1].start_ns == begin_ns:
                candles[-1].add(minute)
            else:
                minute.start_ns = begin_ns
                candles.append(minute)
        return candles

    def last_close(self, before_ns: int) -> Decimal | None:
        """Close of the last minute that starts before a time."""
        later = bisect_left(self._starts, before_ns)
        if later:
            return self._live[self._starts[later - 1]].close
        i = min(int(np.searchsorted(self._opens, before_ns)), self._end) - 1
        return from_float(self._bars.close[i]) if self._bars is not None and i >= 0 else None

    def day(self, now_ns: int) -> Candle | None:
        """The last 24 hours as one candle."""
        minute_ns = now_ns // NS_PER_MIN * NS_PER_MIN
        if self._day[0] != minute_ns:
            # The minutes before the running one do not change any more.
            first_ns, last_ns = minute_ns - NS_PER_DAY + NS_PER_MIN, minute_ns - NS_PER_MIN
            done = [*self._recorded_as_one(first_ns, last_ns), *self._live_between(first_ns, last_ns)]
            self._day = (minute_ns, _join(done))
        return _join([candle for candle in (self._day[1], self._live.get(minute_ns)) if candle is not None])

    def _minutes(self, first_ns: int, last_ns: int) -> Iterator[Candle]:
        """Copies of the minutes in ``[first_ns, last_ns]``, oldest first."""
        for i in range(*self._rows(first_ns, last_ns)):
            minute = self._recorded(i)
            if minute.volume:  # some recordings fill the minutes in which nobody traded
                yield minute
        yield from map(copy, self._live_between(first_ns, last_ns))

    def _rows(self, first_ns: int, last_ns: int) -> tuple[int, int]:
        """First and end of the recorded minutes in ``[first_ns, last_ns]``."""
        opens = self._opens[: self._end]
        return int(np.searchsorted(opens, first_ns)), int(np.searchsorted(opens, last_ns, side="right"))

    def _live_between(self, first_ns: int, last_ns: int) -> list[Candle]:
        begin, end = bisect_left(self._starts, first_ns), bisect_right(self._starts, last_ns)
        return [self._live[start_ns] for start_ns in self._starts[begin:end]]

    def _recorded_as_one(self, first_ns: int, last_ns: int) -> list[Candle]:
        """Recorded minutes joined in one go: to make a candle of each would hold the venue up for a second."""
        begin, end = self._rows(first_ns, last_ns)
        if begin == end:
            return []
        bars = self._bars
        assert bars is not None, "there are rows to read"
        prices = np.stack([column[begin:end] for column in (bars.open, bars.high, bars.low, bars.close)])
        volume = bars.volume[begin:end]
        turnover = math.fsum((prices.mean(axis=0) * volume).tolist())
        edges = prices[0, 0], prices[1].max(), prices[2].min(), prices[3, -1]
        opened, high, low, close = (on_tick(float(price), self._pair) for price in edges)
        return [
            Candle(
                start_ns=int(self._opens[begin]),
                open=opened,
                high=high,
                low=low,
                close=close,
                volume=round(from_float(math.fsum(volume.tolist())), self._pair.places),
                quote_volume=round(from_float(turnover), 8),
            )
        ]

    def _recorded(self, i: int) -> Candle:
        bars = self._bars
        assert bars is not None, "there is a row to read"
        columns = bars.open, bars.high, bars.low, bars.close
        opened, high, low, close = (on_tick(column[i], self._pair) for column in columns)
        volume = round(from_float(bars.volume[i]), self._pair.places)
        # Recorded bars have no quote volume: the typical price stands in for the average one.
        typical = ratio(opened + high + low + close, Decimal(4), 8)
        return Candle(
            start_ns=int(self._opens[i]),
            open=opened,
            high=high,
            low=low,
            close=close,
            volume=volume,
            quote_volume=ratio(times(typical, volume), Decimal(1), 8),
        )


def _join(candles: Sequence[Candle]) -> Candle | None:
    """Candles that follow one another as one."""
    if not candles:
        return None
    return Candle(
        start_ns=candles[0].start_ns,
        open=candles[0].open,
        high=max(candle.high for candle in candles),
        low=min(candle.low for candle in candles),
        close=candles[-1].close,
        volume=sum((candle.volume for candle in candles), ZERO),
        quote_volume=sum((candle.quote_volume for candle in candles), ZERO),
    )
