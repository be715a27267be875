"""The minutes without a trade, by the venue's own word: a ledger beside the catalogue, asked before the venue is.

One small Parquet file for each bar series, in the folder ``backfill`` of the catalogue: spans of bar closes, both ends
included. It never speaks of a minute that has a bar.
"""

from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from helios_nautilus.bar_types import name_bar_type
from helios_nautilus.domain.bars import Ints
from helios_nautilus.history.catalogue import read_table
from helios_nautilus.history.spans import NO_SPANS, join_stamps, spans_of, stamps_of
from helios_nautilus.history.staging import replace_file

_SCHEMA: Final = pa.schema([pa.field(name, pa.int64(), nullable=False) for name in ("first_ns", "last_ns")])


def backfill_file(catalog: Path, instrument_id: str, length_ns: int, suffix: str) -> Path:
    """Where a back-fill keeps its notes on one series."""
    return catalog / "backfill" / f"{name_bar_type(instrument_id, length_ns)}{suffix}"


def read_empties(catalog: Path, instrument_id: str, length_ns: int) -> Ints:
    """Spans of closes the venue confirmed to be without a trade, rising, shape (n, 2)."""
    path = backfill_file(catalog, instrument_id, length_ns, ".parquet")
    if not path.exists():
        return NO_SPANS
    table = read_table(path, columns=_SCHEMA.names)
    return np.column_stack([table[name].to_numpy() for name in _SCHEMA.names])


def add_empties(staging: Path, catalog: Path, instrument_id: str, length_ns: int, stamps: Ints) -> None:
    """Remember further closes without a trade."""
    if not len(stamps):
        return
    known = stamps_of(read_empties(catalog, instrument_id, length_ns), length_ns)
    spans = spans_of(join_stamps(known, stamps), length_ns)
    staged = staging / "empties.parquet"
    pq.write_table(pa.table([spans[:, 0], spans[:, 1]], schema=_SCHEMA), staged)
    replace_file(staged, backfill_file(catalog, instrument_id, length_ns, ".parquet"))
