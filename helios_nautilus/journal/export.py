"""A kept run as files: one a table, as Parquet with typed columns or as lines of JSON. Both hold all that proves it."""

from collections.abc import Iterable
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from types import NoneType, UnionType
from typing import Any, Final, Literal, get_args, get_type_hints

import msgspec
from msgspec import Raw

from helios_nautilus.errors import JournalError
from helios_nautilus.journal.chain import Row
from helios_nautilus.journal.records import Record
from helios_nautilus.journal.tables import TABLES, table_of

type Form = Literal["parquet", "jsonl"]

_BLOCK: Final = 20_000
"""Rows of a table in memory at once."""
_DIGITS: Final = (38, 18)
"""Of a Decimal in Parquet, all and after the point: exact, or refused."""
_BESIDE: Final = ("run_id", "seq", "mode", "ts_recorded")
"""Columns of a row that are not read out of its body."""


def export_run(rows: Iterable[Row], folder: Path, form: Form) -> dict[str, int]:
    """Write a run's rows into a new folder, all or none; returns how many are in each table's file.

    Parquet has a column for every field of the record, nested ones as JSON; JSON lines have the body itself.
    `JournalError` if the folder exists, or a figure has more digits than a Decimal column.
    """
    if folder.exists():
        raise JournalError(f"{folder} exists already; name another folder, or move it away")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as name:
        draft = Path(name) / folder.name
        draft.mkdir()
        written = _write(rows, draft, form)
        draft.rename(folder)
    return written


def _write(rows: Iterable[Row], folder: Path, form: Form) -> dict[str, int]:
    kinds = {table: kind for kind, table in TABLES.items()}
    files: dict[str, _ParquetFile | _JsonFile] = {}
    with ExitStack() as closing:
        for row in rows:
            table = table_of(row)
            if table not in files:
                path = folder / f"{table}.{form}"
                files[table] = _ParquetFile(path, kinds[table]) if form == "parquet" else _JsonFile(path)
                closing.callback(files[table].close)
            files[table].add(row)
    return {table: file.count for table, file in files.items()}


class _JsonFile:
    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self.count = 0

    def add(self, row: Row) -> None:
        """Write a row as a line."""
        line = _beside(row) | {"hash": row.hash.hex(), "body": Raw(row.body)}
        self._file.write(msgspec.json.encode(line) + b"\n")
        self.count += 1

    def close(self) -> None:
        """All lines are written."""
        self._file.close()


class _ParquetFile:
    def __init__(self, path: Path, kind: type[Record]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        beside = {name: pa.int64() if name in ("seq", "ts_recorded") else pa.string() for name in _BESIDE}
        self._fields = {name: each for name, each in _arrow_types(kind).items() if name not in beside}
        self._schema = pa.schema(beside | self._fields | {"hash": pa.binary(), "body": pa.string()})
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []
        self.count = 0

    def add(self, row: Row) -> None:
        """Take a row; it is in the file after `close`."""
        record = row.record()
        fields = {name: _plain(getattr(record, name)) for name in self._fields}
        self._rows.append(_beside(row) | fields | {"hash": row.hash, "body": row.body.decode()})
        self.count += 1
        if len(self._rows) == _BLOCK:
            self._flush()

    def close(self) -> None:
        """Write what is left."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        import pyarrow as pa

        rows, self._rows = self._rows, []
        try:
            self._writer.write_table(pa.Table.from_pylist(rows, self._schema))
        except pa.ArrowInvalid as error:
            raise JournalError(f"a figure cannot be kept exactly in Parquet ({error}); export as jsonl") from error


def _beside(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _BESIDE}


def _arrow_types(kind: type[Record]) -> dict[str, Any]:
    """Arrow's type for every field of a record; what is neither text nor a number is kept as JSON."""
    import pyarrow as pa

    known = {int: pa.int64(), float: pa.float64(), bool: pa.bool_(), Decimal: pa.decimal128(*_DIGITS)}
    return {name: known.get(_bare(hint), pa.string()) for name, hint in get_type_hints(kind).items()}


def _bare(hint: Any) -> Any:
    """A type without its None."""
    options = [option for option in get_args(hint) if option is not NoneType]
    return options[0] if isinstance(hint, UnionType) and len(options) == 1 else hint


def _plain(value: object) -> object:
    if value is None or isinstance(value, int | float | Decimal | str):
        return value
    return msgspec.json.encode(value).decode()
