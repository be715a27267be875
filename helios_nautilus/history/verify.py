"""Verifying a catalogue: what is stored must be what an import would have let in.

A hole is a violation unless holes are allowed: a backtest over one must be a decision. A bar without volume, or a hole
in which nobody traded by the venue's word, is only worth a warning.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Bools, Ints
from helios_nautilus.errors import UnknownInstrumentError
from helios_nautilus.history.catalogue import Series, describe, load_instruments, load_trades
from helios_nautilus.history.checks import Grid
from helios_nautilus.history.columns import BarBlock
from helios_nautilus.history.empties import read_empties
from helios_nautilus.history.ledger import Hole, find_holes, split_holes
from helios_nautilus.history.staging import read_blocks


class Finding(Struct, frozen=True, kw_only=True):
    """Something to know about one series."""

    instrument_id: str
    series: str
    check: str
    """A short code: ``definition``, ``order``, ``duplicate``, ``grid``, ``price``, ``ohlc``, ``tick``, ``gap``,
    ``empty``, ``volume``."""
    count: int
    first_ns: int | None
    """Stamp of the first row concerned."""
    words: str
    is_violation: bool


def verify_catalogue(catalog: Path, *, allow_gaps: bool = False) -> tuple[Finding, ...]:
    """Read every row of a catalogue and say what is wrong with it; violations make it unfit for a backtest."""
    return tuple(finding for series in describe(catalog) for finding in _verify_series(catalog, series, allow_gaps))


def _verify_series(catalog: Path, series: Series, allow_gaps: bool) -> Iterator[Finding]:
    grid = _find_grid(catalog, series.instrument_id)
    if grid is None:
        yield _finding(series, "definition", 1, None, "instrument the catalogue does not define")
    if series.length_ns is None:
        trades = load_trades(series)
        yield from _check(series, "order", trades.ts_ns, _falls(trades.ts_ns), "trades earlier than the one before")
        yield from _check(
            series, "price", trades.ts_ns, (trades.price <= 0) | (trades.size <= 0), "trades without price or size"
        )
        return
    blocks = list(read_blocks(series.files))
    bars = BarBlock(
        ts_ns=np.concatenate([block.ts_ns for block in blocks]), units=np.concatenate([block.units for block in blocks])
    )
    empties = read_empties(catalog, series.instrument_id, series.length_ns)
    yield from _verify_bars(series, bars, grid, series.length_ns, empties, allow_gaps)


def _verify_bars(
    series: Series, bars: BarBlock, grid: Grid | None, length_ns: int, empties: Ints, allow_gaps: bool
) -> Iterator[Finding]:
    ts_ns, prices, volume = bars.ts_ns, bars.units[:, :4], bars.units[:, 4]
    opened, high, low, close = prices.T
    yield from _check(series, "order", ts_ns, _falls(ts_ns), "bars earlier than the one before")
    yield from _check(series, "duplicate", ts_ns, np.diff(ts_ns, prepend=-1) == 0, "bars with the stamp of another")
    yield from _check(series, "grid", ts_ns, ts_ns % length_ns != 0, f"bars off the {series.kind} grid")
    yield from _check(series, "price", ts_ns, (prices <= 0).any(axis=1) | (volume < 0), "bars with impossible figures")
    broken = (high < np.maximum(opened, close)) | (low > np.minimum(opened, close))
    yield from _check(series, "ohlc", ts_ns, broken, "bars whose high and low do not enclose open and close")
    if grid is not None:
        off_grid = (prices % grid.tick != 0).any(axis=1) | (volume % grid.size_step != 0)
        yield from _check(series, "tick", ts_ns, off_grid, "bars off the instrument's tick or size step")
    yield from _check(series, "volume", ts_ns, volume == 0, "bars without volume", is_violation=False)
    holes, empty = split_holes(find_holes(ts_ns, length_ns), empties, length_ns)
    yield from _check_holes(series, "gap", holes, "missing", is_violation=not allow_gaps)
    yield from _check_holes(series, "empty", empty, "not there because nobody traded", is_violation=False)


def _check_holes(
    series: Series, check: str, holes: tuple[Hole, ...], words: str, *, is_violation: bool
) -> Iterator[Finding]:
    if holes:
        words = f"bars {words} in {len(holes)} hole{'s' if len(holes) > 1 else ''}"
        count = sum(hole.missing for hole in holes)
        yield _finding(series, check, count, holes[0].first_ns, words, is_violation=is_violation)


def _find_grid(catalog: Path, instrument_id: str) -> Grid | None:
    try:
        return Grid.of(load_instruments(catalog, [instrument_id])[0])
    except UnknownInstrumentError:
        return None


def _falls(ts_ns: Ints) -> Bools:
    return np.diff(ts_ns, prepend=0) < 0


def _check(
    series: Series, check: str, ts_ns: Ints, broken: Bools, words: str, *, is_violation: bool = True
) -> Iterator[Finding]:
    """One finding for all rows concerned, if there are any."""
    rows = np.flatnonzero(broken)
    if len(rows):
        yield _finding(series, check, len(rows), int(ts_ns[rows[0]]), words, is_violation=is_violation)


def _finding(
    series: Series, check: str, count: int, first_ns: int | None, words: str, *, is_violation: bool = True
) -> Finding:
    return Finding(
        instrument_id=series.instrument_id,
        series=series.kind,
        check=check,
        count=count,
        first_ns=first_ns,
        words=words,
        is_violation=is_violation,
    )
