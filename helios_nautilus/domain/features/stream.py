"""The features of live data: the streaming twin of `build_tables`, equal to it to the last bit."""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Bools, Floats, Ints, MarketData
from helios_nautilus.domain.features import kernel, ticks
from helios_nautilus.domain.features.aggregate import canonical, units
from helios_nautilus.domain.features.buffer import TickBuffer
from helios_nautilus.domain.features.calendar import place_in_time
from helios_nautilus.domain.features.kernel import Field
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.features.table import FeatureTables, advance_tables
from helios_nautilus.errors import DataError, UnknownInstrumentError


class FeatureRow(Struct, frozen=True, kw_only=True):
    """Features of one timeframe at one close: ``values`` (n, F), finite, and 0 where ``ready`` (n,) is False."""

    ts_ns: int
    values: Floats
    ready: Bools


class _Bar:
    """The universe's bars of one close while they come in: inputs (n, fields), who is in, and how many are not.

    ``is_proven`` once the base bars of all of them have been found to be in.
    """

    __slots__ = ("inputs", "is_proven", "missing", "present")

    def __init__(self, size: int) -> None:
        self.inputs = np.zeros((size, len(Field)))
        self.inputs[:, Field.SPREAD : Field.DAY_SIN] = np.nan
        self.present = np.zeros(size, dtype=np.bool_)
        self.missing = size
        self.is_proven = False


class _Series:
    """One timeframe: the kernel's state, the bars of closes still open, and the last close that was closed."""

    def __init__(self, length_ns: int, size: int) -> None:
        self.length_ns = length_ns
        self.state = kernel.new_state(size)
        self.pending: dict[int, _Bar] = {}
        self.closed_ns = -1


class FeatureStream:
    """Takes bars and ticks as they come; gives a `FeatureRow` per timeframe and close.

    Bars of one close may come in any order. When `is_complete`, or when the caller has waited long enough, `close_bar`
    advances that timeframe once, with holes for the instruments that are missing. A bar of a longer timeframe counts
    only if all its base bars have come: the engine also emits bars of which parts are missing.
    """

    def __init__(self, spec: FeatureSpec, precisions: Mapping[str, int]) -> None:
        missing = [instrument_id for instrument_id in spec.universe if instrument_id not in precisions]
        if missing:
            raise UnknownInstrumentError(f"no size precision is given for {', '.join(missing)}")
        self._spec = spec
        self._layout = spec.layout
        self._shape = (1, len(spec.universe), spec.width)
        self._index = {instrument_id: i for i, instrument_id in enumerate(spec.universe)}
        self._precisions = [precisions[instrument_id] for instrument_id in spec.universe]
        size, lengths_ns = len(spec.universe), spec.timeframes.lengths_ns
        self._series = {
            name: _Series(length_ns, size) for name, length_ns in zip(spec.timeframes.names, lengths_ns, strict=True)
        }
        keep_ns = self._keep_ns = 2 * lengths_ns[-1]
        self._base_ns = spec.base_ns
        self._base_seen = np.full((keep_ns // self._base_ns, size), -1, dtype=np.int64)
        self._trades = [TickBuffer((), keep_ns) for _ in spec.universe] if spec.trades else []
        self._books = [TickBuffer((3,), keep_ns) for _ in spec.universe] if spec.book else []
        self.late_bars = 0
        """Bars that came after their close was closed, and were ignored."""

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
        for i, instrument_id in enumerate(self._spec.universe):
            self._remember(i, instrument_id, history[instrument_id])
        return tables

    def _remember(self, i: int, instrument_id: str, data: MarketData) -> None:
        """Keep of one instrument's history what the next closes still look at."""
        base_closes = data.bars.ts_ns[-len(self._base_seen) :]
        self._base_seen[self._base_slots(base_closes), i] = base_closes
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
        """Take a bar of one of the three timeframes; False if its close was closed before, and the bar is ignored.

        Raises `DataError` if its stamp is not on the grid.
        """
        series, i = self._series[timeframe], self._find(instrument_id)
        if ts_ns % series.length_ns:
            raise DataError(
                f"{instrument_id}: {ts_ns} is not the close of a {timeframe} bar; stamp bars with their close"
            )
        if series.length_ns == self._base_ns:
            self._base_seen[self._base_slots(ts_ns), i] = ts_ns
        if ts_ns <= series.closed_ns:
            self.late_bars += 1
            return False
        bar = series.pending.get(ts_ns)
        if bar is None:
            bar = series.pending[ts_ns] = _Bar(len(self._index))
        if not bar.present[i]:
            bar.present[i] = True
            bar.missing -= 1
        bar.inputs[i, : Field.BOUGHT] = open, high, low, close, canonical(volume, self._precisions[i])
        return True

    def on_base_bar(self, instrument_id: str, ts_ns: int) -> None:
        """Take note of a base bar that is none of the three timeframes: it proves part of a longer bar."""
        self._base_seen[self._base_slots(ts_ns), self._find(instrument_id)] = ts_ns

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
            self._advance(series, step_ns)
        return self._advance(series, ts_ns)

    def _advance(self, series: _Series, ts_ns: int) -> FeatureRow:
        size = len(self._index)
        if series.closed_ns >= 0 and ts_ns > series.closed_ns + series.length_ns:
            self._run_kernel(series, _Bar(size))
        bar = series.pending.pop(ts_ns, None) or _Bar(size)
        if series.length_ns > self._base_ns and not bar.is_proven:
            bar.present &= self._is_proven(series.length_ns, ts_ns)
        self._add_ticks(bar, ts_ns, series.length_ns)
        series.closed_ns = ts_ns
        values, ready = self._run_kernel(series, bar)
        return FeatureRow(ts_ns=ts_ns, values=values, ready=ready)

    def _run_kernel(self, series: _Series, bar: _Bar) -> tuple[Floats, Bools]:
        values, ready = np.empty(self._shape), np.empty(self._shape[:2], dtype=np.bool_)
        kernel.advance(self._layout, series.state, bar.inputs[None], bar.present[None], values, ready)
        return values[0], ready[0]

    def _add_ticks(self, bar: _Bar, ts_ns: int, length_ns: int) -> None:
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
