"""The venue's one-minute candles and pair definitions as the catalogue stores them: bars by close, counted in units."""

from decimal import Decimal
from typing import Final

import numpy as np
from nautilus_trader.model.instruments import Instrument

from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.clock import SystemClock
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.limits import RateLimiter
from helios_nautilus.adapters.valr.api.routes.market import MAX_BUCKETS
from helios_nautilus.adapters.valr.api.schemas.market import Bucket
from helios_nautilus.adapters.valr.history import fetch_buckets, fetch_venue_time
from helios_nautilus.adapters.valr.parsing import parse_instrument
from helios_nautilus.domain.bars import Ints
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN, NS_PER_SEC
from helios_nautilus.errors import DataError, UnknownInstrumentError
from helios_nautilus.history.checks import Grid
from helios_nautilus.history.columns import BAR_COLUMNS, BarBlock

MAX_MINUTES: Final = MAX_BUCKETS - 1
"""Of one question: the venue does not say whether the end of a window is part of it, so one more is asked for."""

VALR_ADDRESS: Final = HttpConfig().base_url

_GREETING_SECS: Final = 5.0
"""A wrong address should be known soon."""
_LARGEST_UNITS: Final = 2**63 - 1


class CandleSource:
    """Public data of one address, within the venue's limits; a read is repeated until the patience is at an end.

    Close it when done. Raises `VenueError` where the venue does not answer, `DataError` where its figures are none.
    """

    def __init__(self, address: str = VALR_ADDRESS, *, patience_secs: float = 600.0) -> None:
        """``patience_secs`` is how long an outage in the middle of a long run is waited out."""
        self.address = address
        limiter = RateLimiter(SystemClock())
        self._greeter = ValrHttp(HttpConfig(base_url=address, deadline_secs=_GREETING_SECS), limiter=limiter)
        self._http = ValrHttp(HttpConfig(base_url=address, deadline_secs=patience_secs), limiter=limiter)

    async def close(self) -> None:
        """Let the connections go."""
        await self._greeter.close()
        await self._http.close()

    async def now_ns(self) -> int:
        """The venue's clock, which says what is over."""
        return await fetch_venue_time(self._greeter)

    async def load_instruments(self, symbols: list[str]) -> list[Instrument]:
        """The venue's own definitions with the fees of its first tier; `UnknownInstrumentError` for unknown pairs.

        They are dated to the beginning of time, for they are used on all of the past, and name their source.
        """
        pairs = {pair.symbol: pair for pair in await self._greeter.get_pairs()}
        unknown = [symbol for symbol in symbols if symbol not in pairs]
        if unknown:
            raise UnknownInstrumentError(f"{self.address} lists no pair {', '.join(unknown)}; write it like BTCZAR")
        currencies = {currency.short_name: currency for currency in await self._greeter.get_currencies()}
        try:
            instruments = [parse_instrument(pairs[symbol], currencies, None, 0) for symbol in symbols]
        except (ValueError, OverflowError) as error:
            raise DataError(f"{self.address}: a pair cannot be defined: {error}") from error
        for instrument in instruments:
            instrument.info["source"] = self.address
        return instruments

    async def traded_days(self, symbol: str, first_ns: int, last_ns: int) -> Ints:
        """Spans of closes, shape (n, 2), of the venue's days with a trade that reach into ``[first_ns, last_ns]``."""
        days = await fetch_buckets(
            self._http, symbol, NS_PER_DAY // NS_PER_SEC, first_ns=max(first_ns - NS_PER_DAY, 0), last_ns=last_ns
        )
        return np.array([(day.start_ns + NS_PER_MIN, day.start_ns + NS_PER_DAY) for day in days], np.int64).reshape(
            -1, 2
        )

    async def fetch(self, symbol: str, grid: Grid, first_ns: int, last_ns: int) -> BarBlock:
        """The minutes with a trade that close in ``[first_ns, last_ns]``, at most `MAX_MINUTES` of them long."""
        buckets = await fetch_buckets(
            self._http, symbol, NS_PER_MIN // NS_PER_SEC, first_ns=first_ns - NS_PER_MIN, last_ns=last_ns - NS_PER_MIN
        )
        ts_ns = np.array([bucket.start_ns + NS_PER_MIN for bucket in buckets], dtype=np.int64)
        units = np.array([_count(bucket, grid) for bucket in buckets], dtype=np.int64).reshape(-1, len(BAR_COLUMNS))
        return BarBlock(ts_ns=ts_ns, units=units)


def _count(bucket: Bucket, grid: Grid) -> tuple[int, ...]:
    """A candle in units, in the order of `BAR_COLUMNS`; one that cannot be a bar of the instrument is refused."""
    prices = bucket.open, bucket.high, bucket.low, bucket.close
    if not 0 < bucket.low <= min(prices) or bucket.high < max(prices):
        raise _refuse(bucket, f"its prices cannot be ({', '.join(map(str, prices))})")
    return (
        *(_whole(bucket, price, grid.price_precision, grid.tick, "tick") for price in prices),
        _whole(bucket, bucket.volume, grid.size_precision, grid.size_step, "size step"),
    )


def _whole(bucket: Bucket, value: Decimal, precision: int, step: int, what: str) -> int:
    scaled = value.scaleb(precision)
    units = int(scaled)
    if units != scaled or units % step or units > _LARGEST_UNITS:
        raise _refuse(bucket, f"{value} is no multiple of the pair's {what} of today, and nothing is rounded")
    return units


def _refuse(bucket: Bucket, words: str) -> DataError:
    start = np.datetime64(int(bucket.start_ns), "ns").astype("datetime64[m]")
    return DataError(
        f"the venue's candle of {bucket.currency_pair_symbol} at {start}Z is no bar: {words}; "
        "what came before is kept: go on behind it with --from"
    )
