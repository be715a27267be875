"""Back-filling: asking the venue for the minutes a catalogue lacks, and for no others.

A minute the venue has a trade in becomes a bar. One that it answers for and shows no trade in becomes none: it is noted
as empty and not asked for again. Every answer is spooled as it comes and joined to the catalogue in large pieces, so
that a run that ends anywhere loses nothing and the next one asks only for the rest.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from msgspec import Struct
from nautilus_trader.model.instruments import Instrument

from helios_nautilus.adapters.valr.api.errors import VenueError
from helios_nautilus.domain.bars import Ints
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN
from helios_nautilus.errors import DataError
from helios_nautilus.history.candles import MAX_MINUTES
from helios_nautilus.history.catalogue import find_series
from helios_nautilus.history.checks import Grid
from helios_nautilus.history.columns import BarBlock
from helios_nautilus.history.empties import add_empties, backfill_file, read_empties
from helios_nautilus.history.join import check_definition, check_series, join_bars
from helios_nautilus.history.ledger import read_stamps
from helios_nautilus.history.provenance import Provenance
from helios_nautilus.history.spans import is_within, spans_of, stamps_between, stamps_of
from helios_nautilus.history.spool import Answer, Origin, Spool, join_answers
from helios_nautilus.history.staging import open_staging

type OnMinutes = Callable[[str, int, int], None]
"""Told the pair, how many of its minutes were settled since the last call, and how many there are to settle."""

_SETTLE_NS: Final = NS_PER_MIN
"""A minute is asked for so long after its close: nothing says how late the venue writes its candle."""
_MINUTES_PER_DAY: Final = NS_PER_DAY // NS_PER_MIN
_MOST_SPOOLED: Final = 200_000
"""Bars held back before they are joined to the catalogue: joining writes the whole series."""


class Source(Protocol):
    """A venue that is asked, like `CandleSource`; it raises `VenueError` where it does not answer."""

    address: str

    async def now_ns(self) -> int:
        """The venue's clock."""
        ...

    async def load_instruments(self, symbols: list[str]) -> list[Instrument]:
        """The venue's own definitions."""
        ...

    async def traded_days(self, symbol: str, first_ns: int, last_ns: int) -> Ints:
        """Spans of closes of the days with a trade, shape (n, 2)."""
        ...

    async def fetch(self, symbol: str, grid: Grid, first_ns: int, last_ns: int) -> BarBlock:
        """The minutes with a trade that close in ``[first_ns, last_ns]``, at most `MAX_MINUTES` long."""
        ...


class BackfillReport(Struct, frozen=True, kw_only=True):
    """What became of the minutes of one pair, counted by what the catalogue knows before and after."""

    instrument_id: str
    first_ns: int
    """Close of the first minute that was wanted."""
    last_ns: int
    missing: int
    """Minutes the catalogue knew nothing of."""
    filled: int
    """Of these, now there as bars."""
    empty: int
    """Of these, without a trade by the venue's word."""
    doubtful: int
    """Of these, without a minute of the venue on a day for which it shows a trade: the next run asks again."""
    rows: int
    """Bars of the series in all."""


async def backfill(
    source: Source,
    symbols: Sequence[str],
    catalog: Path,
    start_ns: int,
    end_ns: int | None = None,
    on_minutes: OnMinutes = lambda *_: None,
) -> list[BackfillReport]:
    """Fetch what the catalogue lacks of the minutes that open in ``[start_ns, end_ns)``, pair after pair.

    Without an end up to the last minute that is over. Raises `DataError`, with all that was fetched kept, where the
    venue stays silent or shows a candle that is none, and before anything is fetched where the catalogue's series of a
    pair cannot be joined to.
    """
    with open_staging(catalog) as staging:
        try:
            now_ns = await source.now_ns()
            instruments = await source.load_instruments(list(dict.fromkeys(symbols)))
        except VenueError as error:
            raise DataError(f"{source.address} does not answer: {error}") from error
        first_ns = -(-start_ns // NS_PER_MIN) * NS_PER_MIN + NS_PER_MIN
        over_ns = (now_ns - _SETTLE_NS) // NS_PER_MIN * NS_PER_MIN
        last_ns = over_ns if end_ns is None else min(end_ns // NS_PER_MIN * NS_PER_MIN, over_ns)
        if last_ns < first_ns:
            clock = np.datetime64(now_ns, "ns").astype("datetime64[s]")
            raise DataError(f"no minute of that time is over yet: the venue's clock says {clock}Z")
        series = [_SeriesBackfill(source, staging, catalog, instrument) for instrument in instruments]
        return [await one.run(first_ns, last_ns, now_ns, on_minutes) for one in series]


class _SeriesBackfill:
    """The one-minute bars of one pair."""

    def __init__(self, source: Source, staging: Path, catalog: Path, instrument: Instrument) -> None:
        self._source, self._staging, self._catalog, self._instrument = source, staging, catalog, instrument
        self._id, self._symbol = instrument.id.value, instrument.raw_symbol.value
        self._grid = Grid.of(instrument)
        before = find_series(catalog, self._id, NS_PER_MIN)
        check_series(before, self._grid, catalog)
        check_definition(catalog, instrument)
        self._check_address(before.provenance if before else Provenance())
        origin = Origin(
            address=source.address,
            price_precision=instrument.price_precision,
            size_precision=instrument.size_precision,
        )
        self._spool = Spool(backfill_file(catalog, self._id, NS_PER_MIN, ".jsonl"), origin)
        self._spooled = 0

    async def run(self, first_ns: int, last_ns: int, now_ns: int, on_minutes: OnMinutes) -> BackfillReport:
        """Ask for all that is lacking among the closes ``[first_ns, last_ns]``."""
        self._settle()  # what a killed run left
        lacking = self._lacking(first_ns, last_ns)
        try:
            await self._fill(lacking, now_ns, lambda minutes: on_minutes(self._symbol, minutes, len(lacking)))
        except VenueError as error:
            raise DataError(
                f"{self._symbol}: {error}; what was fetched is kept, run the same command to go on"
            ) from error
        finally:
            self._settle()
        empties = read_empties(self._catalog, self._id, NS_PER_MIN)
        empty, doubtful = int(is_within(lacking, empties).sum()), len(self._lacking(first_ns, last_ns))
        return BackfillReport(
            instrument_id=self._id,
            first_ns=first_ns,
            last_ns=last_ns,
            missing=len(lacking),
            filled=len(lacking) - empty - doubtful,
            empty=empty,
            doubtful=doubtful,
            rows=len(self._stored()),
        )

    async def _fill(self, lacking: Ints, now_ns: int, on_minutes: Callable[[int], None]) -> None:
        traded = None
        if len(lacking) and lacking[-1] - lacking[0] > NS_PER_DAY:
            traded = await self._source.traded_days(self._symbol, int(lacking[0]), int(lacking[-1]))
            dormant = self._dormant(lacking, traded, now_ns)
            on_minutes(len(dormant))
            lacking = np.setdiff1d(lacking, dormant, assume_unique=True)
        for day in split_days(lacking):
            is_whole = len(day) == _MINUTES_PER_DAY
            has_traded = traded is not None and is_whole and bool(is_within(day, traded).all())
            await self._fill_day(day, has_traded, on_minutes)
            if self._spooled > _MOST_SPOOLED:
                self._settle()

    def _dormant(self, lacking: Ints, traded: Ints, now_ns: int) -> Ints:
        """Minutes of days in which nothing traded, noted as such: before its listing a pair costs a few questions."""
        # The candle of a day that still runs may not be there yet, and a day need not begin at midnight UTC.
        is_over = lacking <= now_ns - 2 * NS_PER_DAY
        dormant: Ints = lacking[is_over & ~is_within(lacking, traded)]
        for first_ns, last_ns in spans_of(dormant, NS_PER_MIN).tolist():
            self._spool.append(Answer(first_ns=first_ns, last_ns=last_ns))
        return dormant

    async def _fill_day(self, day: Ints, has_traded: bool, on_minutes: Callable[[int], None]) -> None:
        """Ask for the minutes of a day, all at once; one question that fails does not lose the others' answers.

        Of a whole day that ``has_traded`` by the venue's word at least one minute must show it, or none is believed to
        be empty.
        """
        asked = [self._ask(window, on_minutes) for window in split_windows(day)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        whole = [answer for answer in answers if isinstance(answer, Answer)]
        if not has_traded or any(answer.ts_ns for answer in whole):
            for answer in whole:
                if not answer.ts_ns:
                    self._spool.append(answer)
        failed = next((answer for answer in answers if isinstance(answer, BaseException)), None)
        if failed is not None:
            raise failed

    async def _ask(self, window: Ints, on_minutes: Callable[[int], None]) -> Answer:
        """One question. An answer with bars is spooled here, one without only once its day is believed."""
        first_ns, last_ns = int(window[0]), int(window[-1])
        bars = await self._source.fetch(self._symbol, self._grid, first_ns, last_ns)
        answer = Answer(first_ns=first_ns, last_ns=last_ns, ts_ns=bars.ts_ns.tolist(), units=bars.units.tolist())
        if answer.ts_ns:
            self._spool.append(answer)
            self._spooled += len(bars)
        on_minutes(len(window))
        return answer

    def _settle(self) -> None:
        """Join the spooled answers to the catalogue: the bars first, then what is empty, so that a kill loses none."""
        answers = self._spool.read()
        if answers:
            bars = join_answers(answers)
            bars = bars.rows(np.flatnonzero(~np.isin(bars.ts_ns, self._stored())))
            if len(bars):
                before = find_series(self._catalog, self._id, NS_PER_MIN)
                provenance = (before.provenance if before else Provenance()).with_address(self._source.address)
                streams = {"the venue": iter([bars])}
                join_bars(self._staging, self._catalog, self._instrument, NS_PER_MIN, before, streams, provenance)
            asked = stamps_of(np.array([(one.first_ns, one.last_ns) for one in answers]), NS_PER_MIN)
            empty = np.setdiff1d(asked, self._stored(), assume_unique=True)
            add_empties(self._staging, self._catalog, self._id, NS_PER_MIN, empty)
        self._spool.clear()
        self._spooled = 0

    def _lacking(self, first_ns: int, last_ns: int) -> Ints:
        wanted = stamps_between(first_ns, last_ns, NS_PER_MIN)
        lacking = np.setdiff1d(wanted, self._stored(), assume_unique=True)
        found: Ints = lacking[~is_within(lacking, read_empties(self._catalog, self._id, NS_PER_MIN))]
        return found

    def _stored(self) -> Ints:
        series = find_series(self._catalog, self._id, NS_PER_MIN)
        return read_stamps(series.files) if series else np.empty(0, dtype=np.int64)

    def _check_address(self, provenance: Provenance) -> None:
        others = [address for address in provenance.addresses if address != self._source.address]
        if others:
            raise DataError(
                f"{self._id} in {self._catalog} was back-filled from {others[0]}: "
                f"take another --catalog for {self._source.address}"
            )


def split_days(stamps: Ints) -> Iterator[Ints]:
    """Closes by the UTC day that their minute is of."""
    days = (stamps - NS_PER_MIN) // NS_PER_DAY
    return iter(np.split(stamps, np.flatnonzero(np.diff(days)) + 1)) if len(stamps) else iter(())


def split_windows(stamps: Ints) -> Iterator[Ints]:
    """Closes by the question that covers them; as few questions as can be."""
    at = 0
    while at < len(stamps):
        end = int(np.searchsorted(stamps, stamps[at] + MAX_MINUTES * NS_PER_MIN))
        yield stamps[at:end]
        at = end
