"""Importing bars from a user's files into the catalogue: all of it or nothing, and twice is as good as once."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from nautilus_trader.model.instruments import Instrument

from helios_nautilus.adapters.valr.instruments import build_instrument, load_pairs
from helios_nautilus.domain.timeframe import NS_PER_MIN, name_timeframe, parse_timeframe
from helios_nautilus.errors import ImportFileError, UnknownInstrumentError
from helios_nautilus.history.catalogue import Series, find_series, load_instruments
from helios_nautilus.history.checks import Grid
from helios_nautilus.history.files import COLUMNS, BarFile, Stamp, open_bar_file
from helios_nautilus.history.join import Progress, check_series, join_bars
from helios_nautilus.history.provenance import Provenance, SourceFile
from helios_nautilus.history.staging import open_staging

_FEW_ROWS: Final = 10
"""A file this short may happen to have no two neighbouring bars."""


class ImportReport(Struct, frozen=True, kw_only=True):
    """What an import did; the rows are those of the series after it."""

    instrument_id: str
    bar: str
    rows_before: int
    rows: int
    first_ns: int
    last_ns: int
    label: str

    @property
    def added(self) -> int:
        """Rows that were not there before."""
        return self.rows - self.rows_before


def parse_columns(text: str) -> dict[str, str]:
    """A mapping written ``ts=Date,open=Open``: our name, the file's name. Raises `ImportFileError`."""
    pairs = [part.partition("=") for part in text.split(",") if part]
    mapping = {ours.strip(): theirs.strip() for ours, _, theirs in pairs}
    if not all(mapping.values()) or not mapping.keys() <= set(COLUMNS):
        raise ImportFileError(f"--columns {text}: write it like ts=Date,close=Last; the names are {', '.join(COLUMNS)}")
    return mapping


def import_bars(
    files: Sequence[Path],
    instrument_id: str,
    catalog: Path,
    *,
    stamp: Stamp | None = None,
    columns: Mapping[str, str] | None = None,
    bar: str | None = None,
    instruments: Path | None = None,
    on_rows: Progress = lambda _: None,
) -> ImportReport:
    """Add the bars of files, in any order and overlapping where they agree, to one series of the catalogue.

    ``stamp``, ``columns`` and ``bar`` say what the files do not say themselves; ``instruments`` is a TOML file of
    definitions for instruments that are neither in the catalogue nor among VALR's. Raises `ImportFileError` with
    the catalogue as it was: for rows that cannot be bars, that lie off the instrument's grid, or that differ from
    those that are there already. Interrupted at any point, the catalogue is as it was too.
    """
    opened = [open_bar_file(path, stamp, columns or {}) for path in files]
    length_ns = _settle_length(opened, bar)
    with open_staging(catalog) as staging:
        instrument = _find_instrument(catalog, instrument_id, instruments)
        grid = Grid.of(instrument)
        before = find_series(catalog, instrument_id, length_ns)
        check_series(before, grid, catalog)
        provenance = _extend_provenance(before, files)
        streams = {str(one.path): one.blocks(grid, length_ns) for one in opened}
        joined = join_bars(staging, catalog, instrument, length_ns, before, streams, provenance, on_rows)
    return ImportReport(
        instrument_id=instrument_id,
        bar=name_timeframe(length_ns),
        rows_before=before.rows if before else 0,
        rows=joined.rows,
        first_ns=joined.first_ns,
        last_ns=joined.last_ns,
        label=provenance.label(instrument.venue.value),
    )


def _settle_length(files: Sequence[BarFile], bar: str | None) -> int:
    """The bar length that was given, or the smallest step of the files; every file must have it."""
    steps = [one.step_ns for one in files if one.step_ns is not None]
    if bar is None and not steps:
        raise ImportFileError("one row does not tell the length of its bar: give it with --bar; nothing was written")
    length_ns = parse_timeframe(bar) if bar else min(steps)
    if length_ns % NS_PER_MIN:
        raise ImportFileError(
            f"rows are {length_ns / 1e9:g} s apart, which is no whole minute: name the length with --bar; "
            "nothing was written"
        )
    for one in files:
        may_be_sparse = bar is not None and one.head_rows < _FEW_ROWS
        if one.step_ns not in (None, length_ns) and not may_be_sparse:
            raise ImportFileError(
                f"{one.path.name}: no two rows are {name_timeframe(length_ns)} apart, the closest are "
                f"{(one.step_ns or 0) / 1e9:g} s; import each bar length by itself; nothing was written"
            )
    return length_ns


def _find_instrument(catalog: Path, instrument_id: str, instruments: Path | None) -> Instrument:
    """The definition stored with the data, or else the table's; the two must not contradict each other."""
    pairs = load_pairs() | (load_pairs(instruments) if instruments else {})
    try:
        stored = load_instruments(catalog, [instrument_id])[0]
    except UnknownInstrumentError:
        return build_instrument(instrument_id, pairs)
    if instruments and instrument_id in pairs and Grid.of(build_instrument(instrument_id, pairs)) != Grid.of(stored):
        raise ImportFileError(
            f"{instruments}: {catalog} already holds {instrument_id} with other increments "
            f"({stored.price_increment}, {stored.size_increment}): import into a catalogue of its own"
        )
    return stored


def _extend_provenance(before: Series | None, files: Sequence[Path]) -> Provenance:
    provenance = before.provenance if before else Provenance()
    return provenance.with_files(tuple(SourceFile(name=path.name, sha256=_sha256(path)) for path in files))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
