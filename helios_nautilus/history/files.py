"""Reading a user's files of bars: CSV, Parquet or Feather, in batches, with their columns and stamps detected."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from msgspec import Struct

from helios_nautilus.domain.bars import Floats, Ints
from helios_nautilus.errors import ImportFileError
from helios_nautilus.history.checks import Grid, Place, check_stamps, check_values, to_units
from helios_nautilus.history.columns import BAR_COLUMNS, BarBlock
from helios_nautilus.history.staging import BATCH_ROWS

type Stamp = Literal["open", "close"]
type TimeUnit = Literal["s", "ms", "us", "ns", "text"]

COLUMNS: Final = ("ts", *BAR_COLUMNS)
_KNOWN_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "ts": ("open_time", "opentime", "open_ts", "ts", "timestamp", "datetime", "date", "time", "close_time", "close_ts"),
    "open": ("open", "o", "open_price"),
    "high": ("high", "h", "high_price"),
    "low": ("low", "l", "low_price"),
    "close": ("close", "c", "close_price"),
    "volume": ("volume", "vol", "v", "base_volume", "volume_base"),
}
_NS: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_CSV_BLOCK_BYTES: Final = 1 << 22
_ZONE: Final = re.compile(r"(Z|[+-]\d\d:?\d\d)$")


class BarFile(Struct, frozen=True, kw_only=True):
    """A file whose header was understood: which of its columns is what, and how its stamps are meant."""

    path: Path
    names: tuple[str, ...]
    """The file's names of `COLUMNS`."""
    stamp: Stamp
    time_unit: TimeUnit
    step_ns: int | None
    """Smallest distance of two rows among the first; None for a single row."""
    head_rows: int
    """How many rows that was found from."""

    def blocks(self, grid: Grid, length_ns: int) -> Iterator[BarBlock]:
        """All rows, checked and counted in units; the first wrong one raises `ImportFileError`."""
        row, last_ns = 1, 0
        shift_ns = length_ns if self.stamp == "open" else 0
        for batch in _read_batches(self.path, self.names):
            place = Place(file=self.path.name, first_row=row, columns=self.names)
            ts_ns = _to_ns(batch.column(0), self.time_unit, place) + shift_ns
            values = np.column_stack([_to_floats(batch.column(i), i, place) for i in range(1, 6)])
            check_stamps(ts_ns, last_ns, length_ns, place)
            check_values(values, place)
            yield to_units(ts_ns, values, grid, place)
            row, last_ns = row + len(ts_ns), int(ts_ns[-1])


def open_bar_file(path: Path, stamp: Stamp | None, columns: Mapping[str, str]) -> BarFile:
    """Look at a file's header and first rows.

    ``columns`` names columns that are not to be guessed (keys of `COLUMNS`). ``stamp`` says whether a row is stamped
    with the bar's open or close; it may be left out where the column's name says so. Raises `ImportFileError`.
    """
    names = _find_columns(path, _read_header(path), columns)
    meant = _settle_stamp(path, names[0], stamp)
    head = next(_read_batches(path, names), None)
    if head is None:
        raise ImportFileError(f"{path.name}: there is no row in it; nothing was written")
    place = Place(file=path.name, first_row=1, columns=names)
    time_unit = _detect_time_unit(head.column(0), place)
    steps = np.diff(_to_ns(head.column(0), time_unit, place))
    rising = steps[steps > 0]
    return BarFile(
        path=path,
        names=names,
        stamp=meant,
        time_unit=time_unit,
        step_ns=int(rising.min()) if len(rising) else None,
        head_rows=len(head),
    )


def _read_header(path: Path) -> list[str]:
    if not path.is_file():
        raise ImportFileError(f"{path}: there is no such file; nothing was written")
    try:
        match path.suffix.lower():
            case ".csv":
                with pa_csv.open_csv(path) as reader:
                    return list(reader.schema.names)
            case ".parquet":
                return list(pq.read_schema(path).names)
            case ".feather" | ".arrow":
                with pa.ipc.open_file(path) as reader:
                    return list(reader.schema.names)
    except (pa.ArrowInvalid, OSError) as error:
        raise _unreadable(path, error) from error
    raise ImportFileError(f"{path.name}: only .csv, .parquet and .feather files are read; nothing was written")


def _read_batches(path: Path, names: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    """Batches that are not empty, with the columns in the order of ``names``."""
    try:
        for batch in _open_batches(path, names):
            for start in range(0, len(batch), BATCH_ROWS):
                yield batch.select(list(names)).slice(start, BATCH_ROWS)
    except (pa.ArrowInvalid, OSError) as error:
        raise _unreadable(path, error) from error


def _open_batches(path: Path, names: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    match path.suffix.lower():
        case ".csv":
            # As text, so that a cell that is no number can be named with its row.
            convert = pa_csv.ConvertOptions(
                include_columns=list(names),
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
            )
            read = pa_csv.ReadOptions(block_size=_CSV_BLOCK_BYTES)
            with pa_csv.open_csv(path, read_options=read, convert_options=convert) as reader:
                yield from reader
        case ".parquet":
            with pq.ParquetFile(path) as parquet:
                yield from parquet.iter_batches(BATCH_ROWS, columns=list(names))
        case _:
            with pa.ipc.open_file(path) as feather:
                yield from (feather.get_batch(i) for i in range(feather.num_record_batches))


def _unreadable(path: Path, error: Exception) -> ImportFileError:
    return ImportFileError(f"{path.name}: cannot be read: {str(error).splitlines()[0]}; nothing was written")


def _find_columns(path: Path, header: list[str], given: Mapping[str, str]) -> tuple[str, ...]:
    plain = {re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_"): name for name in reversed(header)}
    found = []
    for column in COLUMNS:
        name = given.get(column) or next((plain[name] for name in _KNOWN_NAMES[column] if name in plain), None)
        if name not in header:
            raise ImportFileError(
                f"{path.name}: no column {f'named {name}' if name else f'for {column}'} among {', '.join(header)}; "
                f"say which it is with --columns {column}=NAME; nothing was written"
            )
        found.append(name)
    return tuple(found)


def _settle_stamp(path: Path, name: str, stamp: Stamp | None) -> Stamp:
    said: Stamp | None = None
    if re.match(r"open", name, re.IGNORECASE):
        said = "open"
    elif re.match(r"close", name, re.IGNORECASE):
        said = "close"
    if stamp is None and said is None:
        raise ImportFileError(
            f"{path.name}: column {name} does not say whether it is the bar's open or close: give --stamp open or "
            "--stamp close; nothing was written"
        )
    if stamp is not None and said is not None and stamp != said:
        raise ImportFileError(f"{path.name}: --stamp {stamp} contradicts the column {name}; nothing was written")
    return stamp or said or "close"


def _detect_time_unit(cells: pa.Array, place: Place) -> TimeUnit:
    """Unit of the file's stamps, by the size of the first: seconds have ten digits until the year 2286."""
    if pa.types.is_temporal(cells.type):
        return "ns"
    first = str(cells[0].as_py()).strip()
    number = re.fullmatch(r"(\d+)(\.0*)?", first)
    if number is None:
        if re.match(r"\d{4}-\d\d-\d\d", first):
            return "text"
        raise place.refuse(0, 0, f"'{first}' is neither a Unix time nor a date like 2026-01-31T12:00:00Z")
    digits = len(number[1])
    return "s" if digits <= 10 else "ms" if digits <= 13 else "us" if digits <= 16 else "ns"


def _to_ns(cells: pa.Array, unit: TimeUnit, place: Place) -> Ints:
    """Stamps as nanoseconds; a time without a zone is UTC."""

    def convert(cells: pa.Array) -> pa.Array:
        if pa.types.is_temporal(cells.type):
            return cells.cast(pa.timestamp("ns")).cast(pa.int64())
        if unit == "text":
            zone = "UTC" if _ZONE.search(cells[0].as_py()) else None
            return cells.cast(pa.timestamp("ns", zone)).cast(pa.int64())
        if pa.types.is_string(cells.type):
            cells = pc.replace_substring_regex(cells, r"\.0*$", "")
        return pc.multiply_checked(cells.cast(pa.int64()), _NS[unit])

    return np.asarray(_convert(cells, convert, 0, "a time", place), dtype=np.int64)


def _to_floats(cells: pa.Array, column: int, place: Place) -> Floats:
    numbers = _convert(cells, lambda cells: cells.cast(pa.float64()), column, "a number", place)
    return np.asarray(numbers, dtype=np.float64)


def _convert(
    cells: pa.Array, convert: Callable[[pa.Array], pa.Array], column: int, kind: str, place: Place
) -> pa.Array:
    """Apply a conversion to a column without nulls; the first cell it fails at is named."""
    cells = _plain_text(cells)
    if cells.null_count:
        row = int(np.argmax(cells.is_null().to_numpy(zero_copy_only=False)))
        raise place.refuse(row, column, "the cell is empty")
    try:
        return convert(cells)
    except pa.ArrowInvalid:
        row = next(i for i in range(len(cells)) if not _converts(cells.slice(i, 1), convert))
        raise place.refuse(row, column, f"'{cells[row]}' is not {kind}") from None


def _converts(cells: pa.Array, convert: Callable[[pa.Array], pa.Array]) -> bool:
    try:
        convert(cells)
    except pa.ArrowInvalid:
        return False
    return True


def _plain_text(cells: pa.Array) -> pa.Array:
    """Text of whatever Arrow type as plain trimmed strings; other columns as they are."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type) or pa.types.is_string_view(cells.type):
        return pc.utf8_trim_whitespace(cells.cast(pa.string()))
    return cells
