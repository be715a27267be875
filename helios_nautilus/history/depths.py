"""Book states stored in a catalogue: the engine's ten-level depths, straight into numpy."""

from pathlib import Path
from typing import Final, Literal

import numpy as np
import pyarrow as pa

from helios_nautilus.domain.bars import BookDepths, Floats
from helios_nautilus.history.catalogue import read_table
from helios_nautilus.history.columns import decode_raw, precisions_of, to_floats

LEVELS: Final = 10


def load_depths(catalog: Path, instrument_id: str) -> BookDepths | None:
    """All stored book states of an instrument; None where there are none. A damaged file raises `DataError`."""
    files = sorted((catalog / "data" / "order_book_depths" / instrument_id).glob("*.parquet"))
    if not files:
        return None
    table = pa.concat_tables([read_table(path) for path in files]).sort_by("ts_init")
    return BookDepths(
        ts_ns=np.asarray(table["ts_init"].to_numpy()).astype(np.int64),
        bid_price=_levels(table, "bid", "price"),
        bid_size=_levels(table, "bid", "size"),
        ask_price=_levels(table, "ask", "price"),
        ask_size=_levels(table, "ask", "size"),
    )


def _levels(table: pa.Table, side: Literal["bid", "ask"], kind: Literal["price", "size"]) -> Floats:
    price_precision, size_precision = precisions_of(table.schema)
    precision = price_precision if kind == "price" else size_precision
    columns = [to_floats(decode_raw(table[f"{side}_{kind}_{i}"], precision), precision) for i in range(LEVELS)]
    return np.column_stack(columns)
