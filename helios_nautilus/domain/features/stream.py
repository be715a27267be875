"""The features of live data: the streaming twin of `build_tables`, equal to it to the last bit."""

from collections.abc import Mapping

import numpy as np

from helios_nautilus.domain.bars import Bools, Floats, Ints, MarketData
from helios_nautilus.domain.features import ticks
from helios_nautilus.domain.features.aggregate import canonical, units
from helios_nautilus.domain.features.buffer import TickBuffer
from helios_nautilus.domain.features.calendar import place_in_time
from helios_nautilus.domain.features.kernel import WARM_UP, Field
from helios_nautilus.domain.features.series import DRAFT_NS, Bar, FeatureRow, Series
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.features.table import FeatureTables, advance_tables
from helios_nautilus.errors import DataError, UnknownInstrumentError


class FeatureStream:
    """Takes bars and ticks as they come; gives a `FeatureRow` per timeframe and close.

    Bars of one close may come in any order. When `is_complete`, or when the caller has waited long enough, `close_bar`
    advances that timeframe once, with holes for the instruments that are missing. A bar of a longer timeframe counts
    only if all its base bars have come: the engine also emits bars of which parts are missing.

    A bar that comes after its close was closed still fills the hole, if no newer one of its instrument has come;
    `mend` then gives the features that it made ready.
    """

    def __init__(self, spec: FeatureSpec, precisions: Mapping[str, int]) -> None:
        missing = [instrument_id for instrument_id in spec.universe if instrument_id not in precisions]
        if missing:
            raise UnknownInstrumentError(f"no size precision is given for {', '.join(missing)}")
        self._spec = spec
        self._index = {instrument_id: i for i, instrument_id in enumerate(spec.universe)}
        self._precisions = [precisions[instrument_id] for instrument_id in spec.universe]
        size, lengths_ns = len(spec.universe), spec.timeframes.lengths_ns
        self._series = {
            name: Series(spec.layout, length_ns, size, spec.width)
            for name, length_ns in zip(spec.timeframes.names, lengths_ns, strict=True)
        }
        keep_ns = self._keep_ns = 2 * lengths_ns[-1]
        self._base_ns = spec.base_ns
        self._base_seen = np.full(((keep_ns + DRAFT_NS) // self._base_ns, size), -1, dtype=np.int64)
        self._heard_ns: Ints = np.full(size, -1, dtype=np.int64)
        self._trades = [TickBuffer((), keep_ns) for _ in spec.universe] if spec.trades else []
        self._books = [TickBuffer((3,), keep_ns) for _ in spec.universe] if spec.book else []
        self.late_bars = 0
        """Bars that came after their close was closed, too late to fill a hole, and were ignored."""

    def catch_up(self, history: Mapping[str, MarketData]) -> FeatureTables:
        """Take a whole history at once, before anything else came, and return its features.

        Leaves the stream as if every bar and tick had been streamed and every close been closed.
        """
        states = [series.state for series in self._series.values()]
        precisions = dict(zip(self._spec.universe, self._precisions, strict=True))
        tables = advance_tables(self._spec, history, precisions, states)
        for table in tables.tables:
            if len(table.ts_ns):
                self._series[table.timeframe].closed_ns = int(table.ts_ns[-1])
                self._series[table.timeframe].ready = table.ready[-1]
        for i, instrument_id in enumerate(self._spec.universe):
            self._remember(i, instrument_id, history[instrument_id])
        return tables

    def _remember(self, i: int, instrument_id: str, data: MarketData) -> None:
        """Keep of one instrument's history what the next closes still look at."""
        base_closes = data.bars.ts_ns[-len(self._base_seen) :]
        self._base_seen[self._base_slots(base_closes), i] = base_closes
        self._heard_ns[i] = base_closes[-1] if len(base_closes) else -1
        trades, books = data.trades, data.books
        if self._trades and trades is not None:
            for row in _tail(trades.ts_ns, self._keep_ns):
                self.on_trade(instrument_id, int(trades.ts_ns[row]), float(trades.size[row]), int(trades.side[row]))
        if self._books and books is not None:
            for row in _tail(books.ts_ns, self._keep_ns):
                sides = books.bid_price[row], books.bid_size[row], books.ask_price[row], books.ask_size[row]
                self.on_book(instrument_id, int(books.ts_ns[row]), *sides)

    def on_bar(
        self,
        timeframe: str,
        instrument_id: str,
        ts_ns: int,
        open: float,
        high: float,
        low: float,
        close: float,
        volume: float,
    ) -> bool:
        """Take a bar of one of the three timeframes; False if its close was closed before.

        Raises `DataError` if its stamp is not on the grid.
        """
        series, i = self._series[timeframe], self._find(instrument_id)
        if ts_ns % series.length_ns:
            raise DataError(
                f"{instrument_id}: {ts_ns} is not the close of a {timeframe} bar; stamp bars with their close"
            )
        if series.length_ns == self._base_ns:
            self._hear(i, ts_ns)
        ohlcv = open, high, low, close, canonical(volume, self._precisions[i])
        if ts_ns > series.closed_ns:
            series.pend(ts_ns, i, *ohlcv)
            return True
        if series.wants(ts_ns, i) and self._is_proven(series.length_ns, ts_ns)[i]:
            bar = series.drafted(ts_ns) or self._empty_bar(ts_ns, series.length_ns)
            series.fill(ts_ns, bar, i, *ohlcv)
        else:
            self.late_bars += 1
        return False

    def on_base_bar(self, instrument_id: str, ts_ns: int) -> None:
        """Take note of a base bar that is none of the three timeframes: it proves part of a longer bar."""
        self._hear(self._find(instrument_id), ts_ns)

    def on_trade(self, instrument_id: str, ts_ns: int, size: float, side: int) -> None:
        """Take a trade; ``side`` is the aggressor: `BUY`, `SELL` or 0, unknown. Ignored if the spec has no trades."""
        i = self._find(instrument_id)
        if self._trades:
            self._trades[i].insert(ts_ns, units(size, self._precisions[i]) * side)

    def on_book(
        self, instrument_id: str, ts_ns: int, bid_price: Floats, bid_size: Floats, ask_price: Floats, ask_size: Floats
    ) -> None:
        """Take a ten-level snapshot: float64 arrays of shape (10,), best first. Ignored if the spec has no book."""
        i = self._find(instrument_id)
        if self._books:
            figures = ticks.book_figures(bid_price[None], bid_size[None], ask_price[None], ask_size[None])
            self._books[i].insert(ts_ns, figures[0])

    def is_complete(self, timeframe: str, ts_ns: int) -> bool:
        """Whether the bars of all instruments are in for a close that is still open, and proven by their base bars."""
        series = self._series[timeframe]
        bar = series.pending.get(ts_ns)
        if bar is None or bar.missing:
            return False
        bar.is_proven = series.length_ns == self._base_ns or bool(self._is_proven(series.length_ns, ts_ns).all())
        return bar.is_proven

    def due(self, ts_ns: int) -> dict[str, bool]:
        """The timeframes with a close at ``ts_ns`` that is still open, fastest first, and whether each is complete."""
        return {
            name: self.is_complete(name, ts_ns)
            for name, series in self._series.items()
            if ts_ns % series.length_ns == 0 and ts_ns > series.closed_ns
        }

    def close_bar(self, timeframe: str, ts_ns: int) -> FeatureRow:
        """Advance a timeframe to the close ``ts_ns`` and return its features.

        Earlier closes still open are closed on the way; grid steps of which nothing came are holes for all.
        Raises `DataError` if the close is not on the grid or already closed.
        """
        series = self._series[timeframe]
        if ts_ns % series.length_ns or ts_ns <= series.closed_ns:
            raise DataError(f"the {timeframe} bar of {ts_ns} cannot be closed: it is off the grid or already closed")
        for step_ns in sorted(step_ns for step_ns in series.pending if step_ns < ts_ns):
            self._close(series, step_ns)
        return self._close(series, ts_ns)

    def mend(self) -> list[tuple[str, FeatureRow]]:
        """What bars that came late made ready, by timeframe and close, oldest and fastest first.

        Each instrument is ready in one row of a close at most, so whoever follows them all misses nothing.
        """
        rows = [(name, row) for name, series in self._series.items() for row in series.retake(self._heard_ns)]
        return sorted(rows, key=lambda each: each[1].ts_ns)

    def short_of_ns(self) -> int:
        """How long from the newest closes on bars must come without a hole until the first instrument is ready."""
        waits = [
            np.where(series.ready, 0, np.maximum(WARM_UP - series.state.bars, 1) * series.length_ns)
            for series in self._series.values()
        ]
        return int(np.max(waits, axis=0).min())

    def _close(self, series: Series, ts_ns: int) -> FeatureRow:
        bar = series.pending.pop(ts_ns, None) or Bar(len(self._index))
        if series.length_ns > self._base_ns and not bar.is_proven:
            bar.drop(self._is_proven(series.length_ns, ts_ns))
        self._add_ticks(bar, ts_ns, series.length_ns)
        return series.close(ts_ns, bar, self._heard_ns)

    def _empty_bar(self, ts_ns: int, length_ns: int) -> Bar:
        bar = Bar(len(self._index))
        self._add_ticks(bar, ts_ns, length_ns)
        return bar

    def _add_ticks(self, bar: Bar, ts_ns: int, length_ns: int) -> None:
        closes = np.array([ts_ns])
        if self._spec.calendar:
            bar.inputs[:, Field.DAY_SIN :] = place_in_time(closes)
        for i, trades in enumerate(self._trades):
            measured = ticks.measure_trades(trades.ts_ns, trades.rows, closes, length_ns)
            bar.inputs[i, Field.BOUGHT : Field.SPREAD] = measured[0]
        for i, books in enumerate(self._books):
            bar.inputs[i, Field.SPREAD : Field.DAY_SIN] = ticks.measure_books(
                books.ts_ns, books.rows, closes, length_ns
            )[0]

    def _hear(self, i: int, ts_ns: int) -> None:
        self._base_seen[self._base_slots(ts_ns), i] = ts_ns
        self._heard_ns[i] = max(self._heard_ns[i], ts_ns)

    def _base_slots[T: (int, Ints)](self, ts_ns: T) -> T:
        return ts_ns // self._base_ns % len(self._base_seen)

    def _is_proven(self, length_ns: int, ts_ns: int) -> Bools:
        """Which instruments' base bars of the bar closing at ``ts_ns`` have all come: shape (n,)."""
        base_closes: Ints = np.arange(ts_ns - length_ns, ts_ns, self._base_ns) + self._base_ns
        seen = self._base_seen[self._base_slots(base_closes)]
        proven: Bools = (seen == base_closes[:, None]).all(axis=0)
        return proven

    def _find(self, instrument_id: str) -> int:
        i = self._index.get(instrument_id)
        if i is None:
            raise UnknownInstrumentError(f"{instrument_id} is not in the feature universe")
        return i


def _tail(ts_ns: Ints, keep_ns: int) -> range:
    """Rows of the last ``keep_ns``, and ten before them: the signed momentum looks at the last ten trades."""
    if not len(ts_ns):
        return range(0)
    return range(max(0, int(np.searchsorted(ts_ns, ts_ns[-1] - keep_ns)) - 10), len(ts_ns))
