"""Our columns and NautilusTrader's are the same, value for value."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from helios_nautilus.errors import DataError
from helios_nautilus.history.columns import (
    BarBlock,
    bars_from_block,
    bars_schema,
    decode_bars,
    decode_raw,
    encode_bars,
    encode_raw,
    to_floats,
)

BAR_TYPE = "BTCZAR.VALR-1-MINUTE-LAST-EXTERNAL"
ROWS = [(1_900_000, 1_900_010, 1_899_990, 1_900_005, 12_345_678), (1_900_005, 1_900_005, 1_900_005, 1_900_005, 0)]
BLOCK = BarBlock(ts_ns=np.array([60, 120]) * 10**9, units=np.array(ROWS))


def test_a_file_of_nautilus_reads_into_the_same_units(tmp_path: Path) -> None:
    bar_type = BarType.from_str(BAR_TYPE)
    bars = [
        Bar(bar_type, *(Price(price, 0) for price in row[:4]), Quantity(Decimal(row[4]) / 10**8, 8), int(ts), int(ts))
        for ts, row in zip(BLOCK.ts_ns, ROWS, strict=True)
    ]
    ParquetDataCatalog(tmp_path).write_data(bars)
    (path,) = tmp_path.rglob("*.parquet")
    stored = decode_bars(pq.read_table(path))
    np.testing.assert_array_equal(stored.units, BLOCK.units)
    np.testing.assert_array_equal(stored.ts_ns, BLOCK.ts_ns)
    ours = encode_bars(BLOCK, bars_schema(BAR_TYPE, "BTCZAR.VALR", 0, 8))
    assert ours.equals(pq.read_table(path), check_metadata=True)


@given(
    units=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=20),
    precision=st.integers(0, 16),
)
def test_raw_values_come_back_as_the_units_they_were(units: list[int], precision: int) -> None:
    array = np.array(units, dtype=np.int64)
    raw = pa.chunked_array([encode_raw(array, precision)])
    np.testing.assert_array_equal(decode_raw(raw, precision), array)
    assert raw[0].as_py() == (units[0] * 10 ** (16 - precision)).to_bytes(16, "little")


def test_a_value_finer_than_its_precision_is_refused() -> None:
    raw = pa.chunked_array([encode_raw(np.array([123]), 2)])
    with pytest.raises(DataError, match="not a multiple"):
        decode_raw(raw, 1)


@given(units=st.integers(0, 2**63 - 1), precision=st.integers(0, 9))
def test_floats_are_exactly_those_of_the_decimals(units: int, precision: int) -> None:
    value = to_floats(np.array([units]), precision)[0]
    assert value == float(Decimal(units).scaleb(-precision))


def test_columns_leave_in_the_order_of_open_high_low_close_volume() -> None:
    bars = bars_from_block(BLOCK, 0, 8)
    assert (bars.open[0], bars.high[0], bars.low[0], bars.close[0], bars.volume[0]) == (
        1_900_000.0,
        1_900_010.0,
        1_899_990.0,
        1_900_005.0,
        0.12345678,
    )
