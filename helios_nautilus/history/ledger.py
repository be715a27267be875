"""The gap ledger: every hole of every bar series, from the stored stamps. Holes are reported, never made up.

A hole of which the venue said that nobody traded is no loss of data: a back-fill notes it, and it is told apart here.
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Ints
from helios_nautilus.history.catalogue import Series, describe, read_table
from helios_nautilus.history.empties import read_empties
from helios_nautilus.history.spans import is_within, spans_of, stamps_of


class Hole(Struct, frozen=True, kw_only=True):
    """Bars that are not there, between two that are."""

    first_ns: int
    """Close of the first missing bar."""
    last_ns: int
    """Close of the last missing bar."""
    missing: int


class SeriesHoles(Struct, frozen=True, kw_only=True):
    """The holes of one bar series."""

    instrument_id: str
    bar: str
    rows: int
    label: str
    holes: tuple[Hole, ...]
    """Those nothing is known of."""
    empty: tuple[Hole, ...] = ()
    """Those without a trade by the venue's word."""

    @property
    def missing(self) -> int:
        """Bars missing in all, where a trade may have been."""
        return sum(hole.missing for hole in self.holes)

    @property
    def confirmed(self) -> int:
        """Bars that are not there because nobody traded."""
        return sum(hole.missing for hole in self.empty)


def find_holes(ts_ns: Ints, length_ns: int) -> tuple[Hole, ...]:
    """Holes between rising closes ``ts_ns`` of bars of one length."""
    steps = np.diff(ts_ns)
    return tuple(
        Hole(
            first_ns=int(ts_ns[at]) + length_ns,
            last_ns=int(ts_ns[at + 1]) - length_ns,
            missing=int(steps[at]) // length_ns - 1,
        )
        for at in np.flatnonzero(steps >= 2 * length_ns)
    )


def split_holes(holes: tuple[Hole, ...], empties: Ints, length_ns: int) -> tuple[tuple[Hole, ...], tuple[Hole, ...]]:
    """The holes nothing is known of, and those that the spans ``empties`` confirm; one may fall into several."""
    if not len(empties):
        return holes, ()
    missing = stamps_of(np.array([(hole.first_ns, hole.last_ns) for hole in holes]).reshape(-1, 2), length_ns)
    is_empty = is_within(missing, empties)
    return _to_holes(missing[~is_empty], length_ns), _to_holes(missing[is_empty], length_ns)


def _to_holes(missing: Ints, length_ns: int) -> tuple[Hole, ...]:
    return tuple(
        Hole(first_ns=first, last_ns=last, missing=(last - first) // length_ns + 1)
        for first, last in spans_of(missing, length_ns).tolist()
    )


def read_ledger(catalog: Path, instrument_ids: Collection[str] = ()) -> tuple[SeriesHoles, ...]:
    """Holes of all bar series, or of those of the named instruments."""
    return tuple(
        _read_holes(catalog, series, series.length_ns)
        for series in describe(catalog)
        if series.length_ns is not None and (not instrument_ids or series.instrument_id in instrument_ids)
    )


def _read_holes(catalog: Path, series: Series, length_ns: int) -> SeriesHoles:
    empties = read_empties(catalog, series.instrument_id, length_ns)
    holes, empty = split_holes(find_holes(read_stamps(series.files), length_ns), empties, length_ns)
    return SeriesHoles(
        instrument_id=series.instrument_id,
        bar=series.kind,
        rows=series.rows,
        label=series.label,
        holes=holes,
        empty=empty,
    )


def read_stamps(files: tuple[Path, ...]) -> Ints:
    """The closes of stored bar files that follow one another."""
    parts = [read_table(path, columns=["ts_init"])["ts_init"].to_numpy() for path in files]
    return np.concatenate(parts).astype(np.int64)
