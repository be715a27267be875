"""Reading the catalogue: a NautilusTrader `ParquetDataCatalog` at a path, straight into numpy.

Helios keeps one Parquet file for each series, a series being the bars of one instrument at one length, or its trades.
Files that NautilusTrader wrote itself are read as well, however many they are.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec import Struct
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from helios_nautilus.bar_types import name_bar_type
from helios_nautilus.domain.bars import MarketData, Trades
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, name_timeframe, parse_timeframe
from helios_nautilus.errors import DataError, UnknownInstrumentError
from helios_nautilus.history.columns import bars_from_block, damaged, decode_bars, decode_trades, precisions_of
from helios_nautilus.history.provenance import Provenance, provenance_of

_UNITS: Final = {"MINUTE": NS_PER_MIN, "HOUR": NS_PER_HOUR, "DAY": NS_PER_DAY}
_BAR_TYPE: Final = re.compile(r"(.+)-(\d+)-(MINUTE|HOUR|DAY)-LAST-EXTERNAL")


class Series(Struct, frozen=True, kw_only=True):
    """One series of a catalogue and what its files say of themselves, without reading their rows."""

    instrument_id: str
    length_ns: int | None
    """Length of the bars; None for trades."""
    rows: int
    first_ns: int
    last_ns: int
    provenance: Provenance
    files: tuple[Path, ...]

    @property
    def kind(self) -> str:
        """``1m``, ``5m``, ... for bars, or ``trades``."""
        return "trades" if self.length_ns is None else name_timeframe(self.length_ns)

    @property
    def label(self) -> str:
        """Where the rows come from, in a few words."""
        return self.provenance.label(self.instrument_id.rpartition(".")[2])


def bars_directory(catalog: Path, instrument_id: str, length_ns: int) -> Path:
    """Folder of a bar series."""
    return catalog / "data" / "bar" / name_bar_type(instrument_id, length_ns)


def trades_directory(catalog: Path, instrument_id: str) -> Path:
    """Folder of an instrument's trades."""
    return catalog / "data" / "trade_tick" / instrument_id


def describe(catalog: Path) -> tuple[Series, ...]:
    """All series of a catalogue, by instrument and length, trades last; without reading rows.

    Raises `DataError` where there is no catalogue.
    """
    if not (catalog / "data").is_dir():
        raise DataError(f"there is no catalogue at {catalog}: make one with 'helios data demo' or 'helios data import'")
    series = []
    for directory in sorted((catalog / "data" / "bar").glob("*")):
        match = _BAR_TYPE.fullmatch(directory.name)
        if match is not None:
            series.append(_describe_directory(directory, match[1], int(match[2]) * _UNITS[match[3]]))
    series += [_describe_directory(path, path.name, None) for path in (catalog / "data" / "trade_tick").glob("*")]
    found = [one for one in series if one is not None]
    return tuple(sorted(found, key=lambda one: (one.instrument_id, one.length_ns or NS_PER_DAY * 366)))


def find_catalogues(root: Path) -> tuple[Path, ...]:
    """The catalogues at or right below a folder."""
    return tuple(path for path in (root, *sorted(root.glob("*"))) if (path / "data").is_dir())


def find_series(catalog: Path, instrument_id: str, length_ns: int | None) -> Series | None:
    """One series, or None where the catalogue has no such rows. ``length_ns`` None asks for the trades."""
    if length_ns is None:
        return _describe_directory(trades_directory(catalog, instrument_id), instrument_id, None)
    return _describe_directory(bars_directory(catalog, instrument_id, length_ns), instrument_id, length_ns)


def _describe_directory(directory: Path, instrument_id: str, length_ns: int | None) -> Series | None:
    files = tuple(sorted(directory.glob("*.parquet")))
    parts = [_open_parquet(path) for path in files]
    spans = [span for part in parts for span in _spans(part)]
    if not spans:
        return None
    return Series(
        instrument_id=instrument_id,
        length_ns=length_ns,
        rows=sum(part.metadata.num_rows for part in parts),
        first_ns=min(first for first, _ in spans),
        last_ns=max(last for _, last in spans),
        provenance=provenance_of(parts[0].schema_arrow),
        files=files,
    )


def _open_parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise damaged(path, error) from error


def _spans(part: pq.ParquetFile) -> list[tuple[int, int]]:
    """First and last stamp of each row group, from the file's footer."""
    column = part.schema_arrow.get_field_index("ts_init")
    groups = [part.metadata.row_group(i).column(column) for i in range(part.metadata.num_row_groups)]
    return [(group.statistics.min, group.statistics.max) for group in groups if group.num_values]


def load_market_data(
    catalog: Path,
    instrument_ids: Sequence[str],
    start_ns: int | None = None,
    end_ns: int | None = None,
    *,
    bar: str = "1m",
    trades: bool = False,
) -> dict[str, MarketData]:
    """Bars whose close lies in ``(start_ns, end_ns]`` by instrument and, where asked for, trades in
    ``[start_ns, end_ns)``, the interval those bars cover.

    Values are exactly ``float(decimal)`` of what is stored. An instrument without trades there has None. One without
    bars of that length raises `DataError`; one whose bars all lie elsewhere has empty columns.
    """
    return {
        instrument_id: _load_one(catalog, instrument_id, start_ns, end_ns, parse_timeframe(bar), trades)
        for instrument_id in instrument_ids
    }


def _load_one(
    catalog: Path, instrument_id: str, start_ns: int | None, end_ns: int | None, length_ns: int, trades: bool
) -> MarketData:
    series = find_series(catalog, instrument_id, length_ns)
    if series is None:
        known = ", ".join(f"{one.instrument_id} {one.kind}" for one in describe(catalog) if one.length_ns)
        raise DataError(
            f"{catalog} has no {name_timeframe(length_ns)} bars of {instrument_id}; it has {known or 'no bars at all'}"
        )
    # A stamp is an integer: (start, end] is [start + 1, end + 1).
    table = _read_rows(series.files, None if start_ns is None else start_ns + 1, None if end_ns is None else end_ns + 1)
    bars = bars_from_block(decode_bars(table), *precisions_of(table.schema))
    tape = find_series(catalog, instrument_id, None) if trades else None
    found = load_trades(tape, start_ns, end_ns) if tape else None
    return MarketData(instrument_id=instrument_id, bars=bars, trades=found or None)


def load_trades(series: Series, start_ns: int | None = None, end_ns: int | None = None) -> Trades:
    """The trades of a series in ``[start_ns, end_ns)``."""
    return decode_trades(_read_rows(series.files, start_ns, end_ns))


def _read_rows(files: Sequence[Path], first_ns: int | None, before_ns: int | None) -> pa.Table:
    """Rows with ``first_ns <= ts_init < before_ns`` of files that follow one another."""
    wanted = pc.scalar(True)
    if first_ns is not None:
        wanted &= pc.field("ts_init") >= pa.scalar(max(first_ns, 0), pa.uint64())
    if before_ns is not None:
        wanted &= pc.field("ts_init") < pa.scalar(max(before_ns, 0), pa.uint64())
    bounded = first_ns is not None or before_ns is not None
    return pa.concat_tables([read_table(path, wanted if bounded else None) for path in files])


def read_table(path: Path, wanted: pc.Expression | None = None, columns: Sequence[str] | None = None) -> pa.Table:
    """Rows and columns of one stored file; `DataError` if it is damaged."""
    try:
        return pq.read_table(path, filters=wanted, columns=columns)
    except (pa.ArrowInvalid, OSError) as error:
        raise damaged(path, error) from error


def load_instruments(catalog: Path, instrument_ids: Sequence[str]) -> list[Instrument]:
    """The engine's definitions stored with the data, in the order asked for; else `UnknownInstrumentError`."""
    stored = {}
    if catalog.is_dir():
        # Absolute, because the file system layer underneath remembers an earlier working directory.
        try:
            found = ParquetDataCatalog(catalog.absolute()).instruments(instrument_ids=list(instrument_ids))
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError(f"{catalog}: its instruments cannot be read ({str(error).splitlines()[0]})") from error
        stored = {instrument.id.value: instrument for instrument in found}
    missing = [instrument_id for instrument_id in instrument_ids if instrument_id not in stored]
    if missing:
        raise UnknownInstrumentError(f"{catalog} defines no instrument {', '.join(missing)}; import its data first")
    return [stored[instrument_id] for instrument_id in instrument_ids]
