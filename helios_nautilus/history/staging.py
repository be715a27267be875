"""Writing to the catalogue: aside, verified, then swapped in by renames.

At every instant, a reader finds for each series either the old rows or the new ones, in one file whose name covers
them; a process killed anywhere leaves at most a `.staging` folder behind, which the next writer removes.
NautilusTrader's own writer is not used for rows: it raises on a range that exists already, and writes in place.
"""

import fcntl
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from nautilus_trader.core.datetime import unix_nanos_to_iso8601
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from helios_nautilus.disk import sync
from helios_nautilus.errors import DataError
from helios_nautilus.history.columns import BarBlock, damaged, decode_bars, encode_bars

BATCH_ROWS: Final = 65_536


@contextmanager
def open_staging(catalog: Path) -> Iterator[Path]:
    """An empty folder inside the catalogue for one writer at a time; gone afterwards, with whatever is left in it.

    Raises `DataError` while another process writes. A catalogue that stays empty is not left behind.
    """
    made = [folder for folder in (catalog, *catalog.parents) if not folder.exists()]
    catalog.mkdir(parents=True, exist_ok=True)
    handle = os.open(catalog, os.O_RDONLY)
    try:
        _lock(handle, catalog)
        folder = catalog / ".staging"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)
        with suppress(OSError):
            for folder in made:
                folder.rmdir()


def _lock(handle: int, catalog: Path) -> None:
    """Hold the catalogue until the handle is closed, be it by a kill."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DataError(f"{catalog} is being written by another process; try again when it is done") from None


def stage_bars(path: Path, blocks: Iterable[BarBlock], schema: pa.Schema) -> tuple[int, int, int]:
    """Write blocks to a file aside and read it back; returns its number of rows, first and last stamp.

    Raises `DataError` if what was read is not what was meant, or the stamps do not rise; memory does not grow with
    the number of rows.
    """
    rows, checksum, first_ns, last_ns = 0, 0, 0, -1
    with pq.ParquetWriter(path, schema) as writer:
        for block in blocks:
            first_ns = first_ns if rows else int(block.ts_ns[0])
            rows, checksum = rows + len(block), _checksum(block, checksum)
            writer.write_table(encode_bars(block, schema), row_group_size=BATCH_ROWS)
    sync(path)
    stored_rows, stored_checksum = 0, 0
    for block in read_blocks((path,)):
        if block.ts_ns[0] <= last_ns or (block.ts_ns[1:] <= block.ts_ns[:-1]).any():
            raise DataError("the rows to be stored are not in order of time; the catalogue was left as it was")
        stored_rows, stored_checksum = stored_rows + len(block), _checksum(block, stored_checksum)
        last_ns = int(block.ts_ns[-1])
    if (stored_rows, stored_checksum) != (rows, checksum):
        raise DataError("the written file does not read back as it was meant; the catalogue was left as it was")
    return rows, first_ns, last_ns


def read_blocks(files: Iterable[Path]) -> Iterator[BarBlock]:
    """The rows of stored bar files that follow one another, in blocks."""
    for path in files:
        for batch in _read_batches(path):
            if len(batch):
                yield decode_bars(pa.Table.from_batches([batch]))


def _read_batches(path: Path) -> Iterator[pa.RecordBatch]:
    try:
        yield from pq.ParquetFile(path).iter_batches(BATCH_ROWS)
    except (pa.ArrowInvalid, OSError) as error:
        raise damaged(path, error) from error


def _checksum(block: BarBlock, start: int) -> int:
    """Running over rows, so that it does not depend on how they are cut into blocks."""
    rows = np.column_stack([block.ts_ns, block.units])
    return zlib.crc32(np.ascontiguousarray(rows), start)


def stage_trades(path: Path, table: pa.Table) -> None:
    """Write trades to a file aside and read it back."""
    pq.write_table(table, path, row_group_size=BATCH_ROWS)
    sync(path)
    if not pq.read_table(path).equals(table):
        raise DataError("the written trades do not read back as they were meant; the catalogue was left as it was")


def swap_in(staged: Path, directory: Path, first_ns: int, last_ns: int) -> None:
    """Make a staged file the one file of a series.

    The engine finds rows by the range in a file's name. So the old file is first renamed to a range that covers both,
    then replaced, then the name is narrowed: each step is one rename, and none shows rows twice or not at all.
    """
    directory.mkdir(parents=True, exist_ok=True)
    name = _name_file(first_ns, last_ns)
    old = sorted(directory.glob("*.parquet"))
    if len(old) > 1:
        raise DataError(f"{directory} holds {len(old)} files that Helios did not write; use a catalogue of its own")
    if old:
        (start, end), (old_start, old_end) = name.split("_"), old[0].stem.split("_")
        wide = directory / f"{min(start, old_start)}_{max(end, old_end)}.parquet"
        old[0].rename(wide)
        staged.replace(wide)
        wide.rename(directory / f"{name}.parquet")
    else:
        staged.rename(directory / f"{name}.parquet")
    sync(directory)


def replace_file(staged: Path, target: Path) -> None:
    """Put a staged file in the place of another, or of none."""
    sync(staged)
    target.parent.mkdir(parents=True, exist_ok=True)
    staged.replace(target)
    sync(target.parent)


def store_instrument(staging: Path, catalog: Path, instrument: Instrument) -> None:
    """Put the engine's definition beside the data, unless it is there."""
    # Absolute, because the file system layer underneath remembers an earlier working directory.
    ParquetDataCatalog(staging.absolute()).write_data([instrument])
    for source in (staging / "data").glob("*/*/*.parquet"):
        target = catalog / source.relative_to(staging)
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
    shutil.rmtree(staging / "data")


def _name_file(first_ns: int, last_ns: int) -> str:
    """The engine's name of a file, without its suffix."""
    return "_".join(unix_nanos_to_iso8601(ts).replace(":", "-").replace(".", "-") for ts in (first_ns, last_ns))
