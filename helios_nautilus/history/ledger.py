"""The gap ledger: every hole of every bar series, from the stored stamps. Holes are reported, never filled."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Ints
from helios_nautilus.history.catalogue import describe, read_table


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

    @property
    def missing(self) -> int:
        """Bars missing in all."""
        return sum(hole.missing for hole in self.holes)


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


def read_ledger(catalog: Path, instrument_ids: Collection[str] = ()) -> tuple[SeriesHoles, ...]:
    """Holes of all bar series, or of those of the named instruments."""
    return tuple(
        SeriesHoles(
            instrument_id=series.instrument_id,
            bar=series.kind,
            rows=series.rows,
            label=series.label,
            holes=find_holes(_read_stamps(series.files), series.length_ns),
        )
        for series in describe(catalog)
        if series.length_ns is not None and (not instrument_ids or series.instrument_id in instrument_ids)
    )


def _read_stamps(files: tuple[Path, ...]) -> Ints:
    parts = [read_table(path, columns=["ts_init"])["ts_init"].to_numpy() for path in files]
    return np.concatenate(parts).astype(np.int64)
