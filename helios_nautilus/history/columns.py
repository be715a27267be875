"""The catalogue's columns: NautilusTrader's Arrow layout of bars and trades, to and from numpy.

The engine stores a price or size as a 128-bit integer, the value times 10^16: bit for bit an Arrow decimal of scale
16, so Arrow's own kernels rescale it, exactly or not at all. In between we count in *units*: whole multiples of
10^-precision, as int64. Going through `Bar` objects would take many times as long.
"""

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from msgspec import Struct

from helios_nautilus.domain.bars import BUY, SELL, Bars, Floats, Ints, Trades
from helios_nautilus.errors import DataError

PRICE_COLUMNS: Final = ("open", "high", "low", "close")
BAR_COLUMNS: Final = (*PRICE_COLUMNS, "volume")

_RAW: Final = pa.binary(16)
_RAW_SCALE: Final = 16
_MAX_DIGITS: Final = 38
_EXACT: Final = 2**53
_AGGRESSOR_SIDES: Final = np.array([0, BUY, SELL], dtype=np.int8)
"""Our side by the engine's number: none, buyer, seller."""


class BarBlock(Struct, frozen=True, kw_only=True):
    """Consecutive bars: closes ``ts_ns`` of shape (n,), ``units`` of shape (n, 5) in the order of `BAR_COLUMNS`."""

    ts_ns: Ints
    units: Ints

    def __len__(self) -> int:
        return len(self.ts_ns)

    def rows(self, chosen: slice | Ints) -> "BarBlock":
        """The chosen rows."""
        return BarBlock(ts_ns=self.ts_ns[chosen], units=self.units[chosen])


def damaged(path: Path, error: Exception) -> DataError:
    """The error for a Parquet file that Arrow cannot read: `pa.ArrowInvalid` or `OSError`, as it pleases."""
    return DataError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]})")


def encode_raw(units: Ints, precision: int) -> pa.Array:
    """Units of 10^-precision as the engine's raw 128-bit values."""
    decimals = pa.array(units).cast(pa.decimal128(19, 0)).cast(pa.decimal128(_MAX_DIGITS, 0))
    return decimals.view(pa.decimal128(_MAX_DIGITS, precision)).cast(pa.decimal128(_MAX_DIGITS, _RAW_SCALE)).view(_RAW)


def decode_raw(raw: pa.ChunkedArray, precision: int) -> Ints:
    """Inverse of :func:`encode_raw`; a value finer than the precision raises `DataError`."""
    try:
        chunks = [
            chunk.view(pa.decimal128(_MAX_DIGITS, _RAW_SCALE))
            .cast(pa.decimal128(_MAX_DIGITS, precision))
            .view(pa.decimal128(_MAX_DIGITS, 0))
            .cast(pa.int64())
            .to_numpy()
            for chunk in raw.chunks
        ]
    except pa.ArrowInvalid as error:
        raise DataError(f"the catalogue holds a value that is not a multiple of 1e-{precision}: {error}") from error
    return np.concatenate(chunks) if chunks else np.empty(0, dtype=np.int64)


def to_floats(units: Ints, precision: int) -> Floats:
    """The doubles closest to the decimals: exactly ``float(Decimal)``."""
    floats = units / 10**precision
    # Above 2^53 the conversion to double already rounds; Python's integers round only once.
    for row in np.flatnonzero(np.abs(units) > _EXACT):
        floats[row] = int(units[row]) / 10**precision
    return floats


def bars_schema(bar_type: str, instrument_id: str, price_precision: int, size_precision: int) -> pa.Schema:
    """Schema of the engine's bar files."""
    fields = [pa.field(name, _RAW, nullable=False) for name in BAR_COLUMNS]
    return _finish_schema(fields, instrument_id, price_precision, size_precision, {"bar_type": bar_type})


def trades_schema(instrument_id: str, price_precision: int, size_precision: int) -> pa.Schema:
    """Schema of the engine's trade files."""
    fields = [
        pa.field("price", _RAW, nullable=False),
        pa.field("size", _RAW, nullable=False),
        pa.field("aggressor_side", pa.uint8(), nullable=False),
        pa.field("trade_id", pa.string(), nullable=False),
    ]
    return _finish_schema(fields, instrument_id, price_precision, size_precision, {})


def _finish_schema(
    fields: list[pa.Field], instrument_id: str, price_precision: int, size_precision: int, extra: dict[str, str]
) -> pa.Schema:
    stamps = [pa.field(name, pa.uint64(), nullable=False) for name in ("ts_event", "ts_init")]
    metadata = extra | {
        "instrument_id": instrument_id,
        "price_precision": str(price_precision),
        "size_precision": str(size_precision),
    }
    return pa.schema([*fields, *stamps], metadata=metadata)


def precisions_of(schema: pa.Schema) -> tuple[int, int]:
    """Decimals of prices and sizes that a stored file declares."""
    metadata = schema.metadata or {}
    try:
        return int(metadata[b"price_precision"]), int(metadata[b"size_precision"])
    except KeyError as error:
        raise DataError("a catalogue file does not declare its precisions: NautilusTrader did not write it") from error


def encode_bars(block: BarBlock, schema: pa.Schema) -> pa.Table:
    """A block as rows of a bar file."""
    price_precision, size_precision = precisions_of(schema)
    prices = [encode_raw(block.units[:, i], price_precision) for i in range(4)]
    stamps = pa.array(block.ts_ns.astype(np.uint64))
    return pa.table([*prices, encode_raw(block.units[:, 4], size_precision), stamps, stamps], schema=schema)


def decode_bars(table: pa.Table) -> BarBlock:
    """Inverse of :func:`encode_bars`."""
    price_precision, size_precision = precisions_of(table.schema)
    columns = [decode_raw(table[name], price_precision) for name in PRICE_COLUMNS]
    columns.append(decode_raw(table["volume"], size_precision))
    return BarBlock(ts_ns=_stamps(table), units=np.column_stack(columns))


def block_from_bars(bars: Bars, price_precision: int, size_precision: int) -> BarBlock:
    """Float columns counted in units; the values must lie on the instrument's grid."""
    prices = [np.rint(getattr(bars, name) * 10**price_precision) for name in PRICE_COLUMNS]
    units = np.column_stack([*prices, np.rint(bars.volume * 10**size_precision)])
    return BarBlock(ts_ns=bars.ts_ns, units=units.astype(np.int64))


def bars_from_block(block: BarBlock, price_precision: int, size_precision: int) -> Bars:
    """A block as float columns."""
    prices = {name: to_floats(block.units[:, i], price_precision) for i, name in enumerate(PRICE_COLUMNS)}
    return Bars(ts_ns=block.ts_ns, volume=to_floats(block.units[:, 4], size_precision), **prices)


def encode_trades(trades: Trades, schema: pa.Schema) -> pa.Table:
    """Trades as rows of a trade file; their ids count from 1."""
    price_precision, size_precision = precisions_of(schema)
    stamps = pa.array(trades.ts_ns.astype(np.uint64))
    columns = [
        encode_raw(np.rint(trades.price * 10**price_precision).astype(np.int64), price_precision),
        encode_raw(np.rint(trades.size * 10**size_precision).astype(np.int64), size_precision),
        pa.array(np.select([trades.side == BUY, trades.side == SELL], [1, 2]).astype(np.uint8)),
        pa.array(np.arange(1, len(trades) + 1)).cast(pa.string()),
        stamps,
        stamps,
    ]
    return pa.table(columns, schema=schema)


def decode_trades(table: pa.Table) -> Trades:
    """Inverse of :func:`encode_trades`; a trade without an aggressor has side 0."""
    price_precision, size_precision = precisions_of(table.schema)
    return Trades(
        ts_ns=_stamps(table),
        price=to_floats(decode_raw(table["price"], price_precision), price_precision),
        size=to_floats(decode_raw(table["size"], size_precision), size_precision),
        side=_AGGRESSOR_SIDES[table["aggressor_side"].to_numpy()],
    )


def _stamps(table: pa.Table) -> Ints:
    return np.asarray(table["ts_init"].to_numpy()).astype(np.int64)
