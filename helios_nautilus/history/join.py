"""Joining bars to a series of the catalogue: those that are there and those that come, in one new file."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow.parquet as pq
from msgspec import Struct
from nautilus_trader.model.instruments import Instrument

from helios_nautilus.bar_types import name_bar_type
from helios_nautilus.errors import ImportFileError, UnknownInstrumentError
from helios_nautilus.history.catalogue import Series, bars_directory, load_instruments
from helios_nautilus.history.checks import Grid
from helios_nautilus.history.columns import BarBlock, bars_schema, precisions_of
from helios_nautilus.history.merge import merge_blocks
from helios_nautilus.history.provenance import Provenance, attach
from helios_nautilus.history.staging import read_blocks, stage_bars, store_instrument, swap_in

type Progress = Callable[[int], None]
"""Told the number of rows that were written aside since the last call."""


class Joined(Struct, frozen=True, kw_only=True):
    """A series after rows were joined to it."""

    rows: int
    first_ns: int
    last_ns: int


def check_series(before: Series | None, grid: Grid, catalog: Path) -> None:
    """Refuse to join rows to a series that is invented, or that Helios did not write on this grid."""
    if before is None:
        return
    where = f"{before.instrument_id} in {catalog}"
    if before.provenance.is_synthetic:
        raise ImportFileError(f"{where} is {before.label}: put recorded data into another --catalog")
    if len(before.files) > 1 or precisions_of(pq.read_schema(before.files[0])) != (
        grid.price_precision,
        grid.size_precision,
    ):
        raise ImportFileError(f"{where} was not written by Helios: take another --catalog")


def check_definition(catalog: Path, instrument: Instrument) -> None:
    """Refuse another grid than that of the definition stored with the data, if there is one."""
    try:
        stored = load_instruments(catalog, [instrument.id.value])[0]
    except UnknownInstrumentError:
        return
    if Grid.of(stored) != Grid.of(instrument):
        raise ImportFileError(
            f"{catalog} already holds {instrument.id} with other increments ({stored.price_increment}, "
            f"{stored.size_increment}): take a catalogue of its own"
        )


def join_bars(
    staging: Path,
    catalog: Path,
    instrument: Instrument,
    length_ns: int,
    before: Series | None,
    streams: Mapping[str, Iterator[BarBlock]],
    provenance: Provenance,
    on_rows: Progress = lambda _: None,
) -> Joined:
    """Merge streams of bars, named as a refusal shall name them, into the series that is there ``before``.

    Without a row that is new, nothing is written. Raises `ImportFileError` where two streams contradict each other.
    """
    instrument_id, precisions = instrument.id.value, (instrument.price_precision, instrument.size_precision)
    if before is not None:
        streams = {"the catalogue": read_blocks(before.files), **streams}
    schema = attach(bars_schema(name_bar_type(instrument_id, length_ns), instrument_id, *precisions), provenance)
    staged = staging / "bars.parquet"
    rows, first_ns, last_ns = stage_bars(staged, _report_progress(merge_blocks(streams), on_rows), schema)
    if before is None or rows > before.rows:
        store_instrument(staging, catalog, instrument)
        swap_in(staged, bars_directory(catalog, instrument_id, length_ns), first_ns, last_ns)
    return Joined(rows=rows, first_ns=first_ns, last_ns=last_ns)


def _report_progress(blocks: Iterator[BarBlock], on_rows: Progress) -> Iterator[BarBlock]:
    for block in blocks:
        yield block
        on_rows(len(block))
