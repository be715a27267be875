"""Candles of one pair: the recorded ones before the venue opened, then those of its own tape."""

from collections.abc import Iterator
from decimal import Decimal

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN
from helios_nautilus.simulator.exchange.decimals import ZERO, from_float, ratio, times
from helios_nautilus.simulator.exchange.orders import Trade


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

    def __init__(self, recorded: Bars | None = None, *, shift_ns: int = 0, opened_ns: int = 0) -> None:
        """Recorded bars count up to ``opened_ns``; their times are moved by ``shift_ns``."""
        self._bars = recorded
        self._opens = np.empty(0, np.int64) if recorded is None else recorded.ts_ns - NS_PER_MIN + shift_ns
        self._end = int(np.searchsorted(self._opens, opened_ns))
        self._live: dict[int, Candle] = {}
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
        candle = self._live.setdefault(start_ns, one)
        if candle is not one:
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
        live = [start for start in self._live if start < before_ns]
        if live:
            return self._live[max(live)].close
        i = min(int(np.searchsorted(self._opens, before_ns)), self._end) - 1
        return from_float(self._bars.close[i]) if self._bars is not None and i >= 0 else None

    def day(self, now_ns: int) -> Candle | None:
        """The last 24 hours as one candle."""
        minute_ns = now_ns // NS_PER_MIN * NS_PER_MIN
        if self._day[0] != minute_ns:
            # The minutes before the running one do not change any more.
            self._day = (minute_ns, _join(self._minutes(minute_ns - NS_PER_DAY + NS_PER_MIN, minute_ns - NS_PER_MIN)))
        done, running = self._day[1], self._live.get(minute_ns)
        return _join(candle for candle in (done, running) if candle is not None)

    def _minutes(self, first_ns: int, last_ns: int) -> Iterator[Candle]:
        """Copies of the minutes in ``[first_ns, last_ns]``, oldest first."""
        begin = int(np.searchsorted(self._opens[: self._end], first_ns))
        end = int(np.searchsorted(self._opens[: self._end], last_ns, side="right"))
        for i in range(begin, end):
            yield self._recorded(i)
        for start_ns in sorted(start for start in self._live if first_ns <= start <= last_ns):
            yield _copy(self._live[start_ns])

    def _recorded(self, i: int) -> Candle:
        bars = self._bars
        assert bars is not None, "there is a row to read"
        opened, high, low, close = (from_float(column[i]) for column in (bars.open, bars.high, bars.low, bars.close))
        volume = from_float(bars.volume[i])
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


def _copy(candle: Candle) -> Candle:
    return Candle(**{name: getattr(candle, name) for name in candle.__struct_fields__})


def _join(candles: Iterator[Candle]) -> Candle | None:
    joined: Candle | None = None
    for candle in candles:
        if joined is None:
            joined = _copy(candle)
        else:
            joined.add(candle)
    return joined
