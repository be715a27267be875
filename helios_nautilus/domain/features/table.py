"""The features of whole data sets: one regular table per timeframe, for training, evaluation and replay."""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Bars, BookDepths, Bools, Floats, Ints, MarketData, Trades
from helios_nautilus.domain.features import kernel, ticks
from helios_nautilus.domain.features.aggregate import aggregate, units
from helios_nautilus.domain.features.calendar import place_in_time
from helios_nautilus.domain.features.kernel import Field
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.timeframe import parse_timeframe
from helios_nautilus.errors import DataError, UnknownInstrumentError


class FeatureTable(Struct, frozen=True, kw_only=True):
    """Features of one timeframe at T closes of n instruments.

    ``ts_ns`` (T,) is a regular grid of closes; ``values`` (T, n, F) are finite, and 0 where ``ready`` (T, n) is False;
    ``close`` (T, n) is NaN where there is no bar.
    """

    timeframe: str
    ts_ns: Ints
    values: Floats
    ready: Bools
    close: Floats


class FeatureTables(Struct, frozen=True, kw_only=True):
    """The tables of a spec's three timeframes, fastest first."""

    spec: FeatureSpec
    tables: tuple[FeatureTable, ...]

    def __getitem__(self, timeframe: str) -> FeatureTable:
        return self.tables[self.spec.timeframes.names.index(timeframe)]

    @property
    def decision_closes(self) -> Ints:
        """All closes of the decision timeframe."""
        return self[self.spec.timeframes.decision].ts_ns

    def latest_rows(self, ts_ns: Ints) -> Ints:
        """Row of the latest close at or before each time in every table: shape (D, 3), -1 where a table has none."""
        rows = np.full((len(ts_ns), len(self.tables)), -1)
        for k, (table, length_ns) in enumerate(zip(self.tables, self.spec.timeframes.lengths_ns, strict=True)):
            if len(table.ts_ns):
                row = (ts_ns - table.ts_ns[0]) // length_ns
                rows[:, k] = np.where((row >= 0) & (row < len(table.ts_ns)), row, -1)
        return rows

    def decision_ready(self, ts_ns: Ints) -> Bools:
        """Whether an instrument is ready on all three timeframes at their latest closes: shape (D, n)."""
        ready = np.ones((len(ts_ns), len(self.spec.universe)), dtype=np.bool_)
        for table, rows in zip(self.tables, self.latest_rows(ts_ns).T, strict=True):
            ready[rows < 0] = False
            ready[rows >= 0] &= table.ready[rows[rows >= 0]]
        return ready


def build_tables(spec: FeatureSpec, data: Mapping[str, MarketData], precisions: Mapping[str, int]) -> FeatureTables:
    """Compute the features of ``data`` (instrument id to what is recorded of it), over the union of its times.

    ``precisions`` gives the decimals of each instrument's sizes. Raises `UnknownInstrumentError` for an instrument of
    the universe without data or precision, `DataError` for missing inputs and malformed bars.
    """
    states = [kernel.new_state(len(spec.universe)) for _ in spec.timeframes.names]
    return advance_tables(spec, data, precisions, states)


def advance_tables(
    spec: FeatureSpec,
    data: Mapping[str, MarketData],
    precisions: Mapping[str, int],
    states: Sequence[kernel.State],
) -> FeatureTables:
    """As `build_tables`, from the kernel's ``states``, one for each timeframe, which are left where the data end."""
    for instrument_id in spec.universe:
        _check_inputs(spec, instrument_id, data, precisions)
    tables = (
        _build_table(spec, name, data, precisions, state)
        for name, state in zip(spec.timeframes.names, states, strict=True)
    )
    return FeatureTables(spec=spec, tables=tuple(tables))


def _check_inputs(
    spec: FeatureSpec, instrument_id: str, data: Mapping[str, MarketData], precisions: Mapping[str, int]
) -> None:
    if instrument_id not in data or instrument_id not in precisions:
        raise UnknownInstrumentError(
            f"{instrument_id} is in the feature universe, but its data or precision is not given"
        )
    for name, wanted, given in (
        ("trades", spec.trades, data[instrument_id].trades),
        ("book", spec.book, data[instrument_id].books),
    ):
        if wanted and given is None:
            raise DataError(f"{instrument_id} has no recorded {name}; leave '{name}' out of the feature spec")


def _build_table(
    spec: FeatureSpec,
    timeframe: str,
    data: Mapping[str, MarketData],
    precisions: Mapping[str, int],
    state: kernel.State,
) -> FeatureTable:
    length_ns = parse_timeframe(timeframe)
    grid = _grid([data[instrument_id].bars for instrument_id in spec.universe], length_ns)
    inputs = np.zeros((len(grid), len(spec.universe), len(Field)))
    inputs[:, :, Field.DAY_SIN :] = place_in_time(grid)[:, None]
    present = np.zeros(inputs.shape[:2], dtype=np.bool_)
    for i, instrument_id in enumerate(spec.universe):
        market, precision = data[instrument_id], precisions[instrument_id]
        bars = aggregate(market.bars, spec.base_ns, length_ns, precision)
        rows = np.searchsorted(grid, bars.ts_ns)
        present[rows, i] = True
        inputs[rows, i, : Field.BOUGHT] = np.column_stack((bars.open, bars.high, bars.low, bars.close, bars.volume))
        inputs[:, i, Field.SPREAD : Field.DAY_SIN] = np.nan
        if spec.trades and market.trades is not None:
            inputs[:, i, Field.BOUGHT : Field.SPREAD] = _trade_columns(market.trades, precision, grid, length_ns)
        if spec.book and market.books is not None:
            inputs[:, i, Field.SPREAD : Field.DAY_SIN] = _book_columns(market.books, grid, length_ns)
    values = np.empty((*present.shape, spec.width))
    ready = np.empty(present.shape, dtype=np.bool_)
    kernel.advance(spec.layout, state, inputs, present, values, ready)
    close = np.where(present, inputs[:, :, Field.CLOSE], np.nan)
    return FeatureTable(timeframe=timeframe, ts_ns=grid, values=values, ready=ready, close=close)


def _grid(recorded: list[Bars], length_ns: int) -> Ints:
    """All closes from the first that a recorded bar belongs to, to the last that recorded time reaches."""
    spans = [(bars.ts_ns[0], bars.ts_ns[-1]) for bars in recorded if len(bars)]
    if not spans:
        return np.empty(0, dtype=np.int64)
    first = -(-min(start for start, _ in spans) // length_ns)
    last = max(end for _, end in spans) // length_ns
    return np.arange(first, last + 1, dtype=np.int64) * length_ns


def _trade_columns(trades: Trades, precision: int, grid: Ints, length_ns: int) -> Floats:
    signed = units(trades.size, precision) * trades.side
    measured: Floats = ticks.measure_trades(np.ascontiguousarray(trades.ts_ns), signed, grid, length_ns)
    return measured


def _book_columns(books: BookDepths, grid: Ints, length_ns: int) -> Floats:
    sides = (books.bid_price, books.bid_size, books.ask_price, books.ask_size)
    figures = ticks.book_figures(*map(np.ascontiguousarray, sides))
    measured: Floats = ticks.measure_books(np.ascontiguousarray(books.ts_ns), figures, grid, length_ns)
    return measured
