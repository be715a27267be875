"""What is understood of a user's file, and how it is refused."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.errors import ImportFileError
from helios_nautilus.history.checks import Grid
from helios_nautilus.history.columns import BarBlock
from helios_nautilus.history.files import Stamp, open_bar_file
from helios_nautilus.history.importer import parse_columns

GRID = Grid.of(build_instrument("BTCUSDT.VALR"))
HEADER = "open_time,open,high,low,close,volume"
FIRST, SECOND = "1735689600", "1735689660"
START = 1_735_689_600_000_000_000
"""2025-01-01 00:00 UTC."""


def read(path: Path, stamp: Stamp | None = None, **columns: str) -> BarBlock:
    (block,) = open_bar_file(path, stamp, columns).blocks(GRID, NS_PER_MIN)
    return block


def write(tmp_path: Path, *rows: str, header: str = HEADER) -> Path:
    path = tmp_path / "bars.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (FIRST, SECOND),
        (FIRST + "000", SECOND + "000"),
        (FIRST + "000000", SECOND + "000000"),
        (FIRST + "000000000", SECOND + "000000000"),
        (FIRST + ".0", SECOND + ".0"),
        ("2025-01-01T00:00:00Z", "2025-01-01T00:01:00Z"),
        ("2025-01-01 00:00:00", "2025-01-01 00:01:00"),
        ("2025-01-01 00:00", "2025-01-01 00:01"),
        ("2025-01-01T00:00:00.000", "2025-01-01T00:01:00.000"),
        ("2025-01-01T02:00:00+02:00", "2025-01-01T02:01:00+02:00"),
    ],
)
def test_stamps_are_recognised_in_every_usual_form(tmp_path: Path, first: str, second: str) -> None:
    block = read(write(tmp_path, f"{first},2,3,1,2,0.5", f"{second},2,2,2,2,0"))
    np.testing.assert_array_equal(block.ts_ns, START + NS_PER_MIN * np.array([1, 2]))
    np.testing.assert_array_equal(block.units[0], [2, 3, 1, 2, 50_000_000])


@pytest.mark.parametrize(
    "kind", [pa.timestamp("ms"), pa.timestamp("ns", "UTC"), pa.timestamp("us", "Africa/Johannesburg")]
)
def test_arrow_timestamps_are_recognised(tmp_path: Path, kind: pa.DataType) -> None:
    stamps = pa.array([START, START + NS_PER_MIN]).cast(pa.timestamp("ns", kind.tz)).cast(kind)
    columns = {name: pa.array([2.0, 2.0]) for name in ("open", "high", "low", "close", "volume")}
    path = tmp_path / "bars.parquet"
    pq.write_table(pa.table({"date": stamps, **columns}), path)
    np.testing.assert_array_equal(read(path, "close").ts_ns, [START, START + NS_PER_MIN])


@pytest.mark.parametrize(
    "header",
    [
        "ts,o,h,l,c,v",
        "Timestamp,Open,High,Low,Close,Volume",
        "Date,OPEN,HIGH,LOW,CLOSE,Base Volume",
        "unused,datetime,open,high,low,close,vol",
    ],
)
def test_columns_are_recognised_by_their_usual_names(tmp_path: Path, header: str) -> None:
    row = f"{FIRST},2,3,1,2,0.5"
    path = write(tmp_path, f"x,{row}" if header.startswith("unused") else row, header=header)
    np.testing.assert_array_equal(read(path, "open").units, [[2, 3, 1, 2, 50_000_000]])


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path, f"{FIRST},2,3,1,2,0.5,9", header="when,a,b,c,d,Volume BTC,volume")
    named = parse_columns("ts=when,open=a,high=b,low=c,close=d,volume=Volume BTC")
    np.testing.assert_array_equal(read(path, "open", **named).units, [[2, 3, 1, 2, 50_000_000]])


@pytest.mark.parametrize("text", ["ts", "when=ts", "ts="])
def test_a_mapping_of_columns_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ImportFileError, match="--columns"):
        parse_columns(text)


def test_the_column_says_whether_a_stamp_is_the_open_or_the_close(tmp_path: Path) -> None:
    row = f"{FIRST},2,3,1,2,0.5"
    opens = read(write(tmp_path, row))
    closes = read(write(tmp_path, row, header=HEADER.replace("open_time", "close_time")))
    assert opens.ts_ns[0] - closes.ts_ns[0] == NS_PER_MIN


def test_without_such_a_column_it_must_be_said(tmp_path: Path) -> None:
    path = write(tmp_path, f"{FIRST},2,3,1,2,0.5", header=HEADER.replace("open_time", "ts"))
    with pytest.raises(ImportFileError, match="--stamp open or --stamp close"):
        read(path)


def test_saying_the_opposite_of_the_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="contradicts"):
        read(write(tmp_path, f"{FIRST},2,3,1,2,0.5"), "close")


GOOD = f"{FIRST},2,3,1,2,0.5"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([GOOD, f"{SECOND},2,3,1,nan,1"], "row 2, column close: nan"),
        ([GOOD, f"{SECOND},2,3,1,,1"], "row 2, column close: the cell is empty"),
        ([GOOD, f"{SECOND},2,3,1,two,1"], "row 2, column close: 'two' is not a number"),
        ([GOOD, f"{SECOND},2,inf,1,2,1"], "row 2, column high: inf"),
        ([GOOD, f"{SECOND},0,3,0,2,1"], "row 2, column open: 0 is not a possible open"),
        ([GOOD, f"{SECOND},2,3,-1,2,1"], "row 2, column low: -1"),
        ([GOOD, f"{SECOND},2,3,1,2,-1"], "row 2, column volume: -1"),
        ([GOOD, f"{SECOND},2,1,1,2,1"], "row 2, column high: the high is below"),
        ([GOOD, f"{SECOND},2,3,3,3,1"], "row 2, column low: the low is above"),
        ([GOOD, GOOD], "row 2, column open_time: the stamp occurs twice"),
        ([f"{SECOND},2,3,1,2,1", GOOD], "row 2, column open_time: the stamp is earlier"),
        ([GOOD, f"{int(FIRST) + 30},2,3,1,2,1"], "row 2, column open_time: .*off the grid of 1m bars"),
        ([GOOD, "yesterday,2,3,1,2,1"], "row 2, column open_time: 'yesterday' is not a time"),
        (["soon,2,3,1,2,1"], "row 1, column open_time: 'soon' is neither"),
        (
            [GOOD, f"{SECOND},2,3,1.5,2,1"],
            "row 2, column low: 1.5 is not a multiple of BTCUSDT.VALR's tick 1; .*--instr",
        ),
        ([GOOD, f"{SECOND},2,3,1,2,1e-9"], "row 2, column volume: 1e-09 is not a multiple of .*size step"),
        ([GOOD, f"{SECOND},2,3,1,2,1e12"], "row 2, column volume: 1e\\+12 is too large"),
        ([GOOD, f"{SECOND},2,3,1,2"], "cannot be read"),
        ([], "there is no row"),
    ],
)
def test_a_row_that_cannot_be_a_bar_is_named_with_file_row_and_column(
    tmp_path: Path, rows: list[str], words: str
) -> None:
    with pytest.raises(ImportFileError, match=rf"^bars\.csv: {words}.*nothing was written$") as caught:
        read(write(tmp_path, *rows))
    assert "\n" not in str(caught.value)


def test_rows_are_counted_over_the_whole_file(tmp_path: Path) -> None:
    rows = [f"{int(FIRST) + 60 * i},2,3,1,2,1" for i in range(100_000)]
    rows[90_000] = rows[90_000].replace(",2,3,", ",2,x,")
    with pytest.raises(ImportFileError, match="row 90001, column high: 'x'"):
        list(open_bar_file(write(tmp_path, *rows), None, {}).blocks(GRID, NS_PER_MIN))


def test_disorder_between_two_batches_is_seen(tmp_path: Path) -> None:
    stamps = START + NS_PER_MIN * np.arange(65_536 + 2)
    stamps[-2:] = stamps[-3]
    prices = {name: np.full(len(stamps), 2.0) for name in ("open", "high", "low", "close", "volume")}
    path = tmp_path / "bars.parquet"
    pq.write_table(pa.table({"open_time": stamps, **prices}), path)
    with pytest.raises(ImportFileError, match="row 65537, column open_time: the stamp occurs twice"):
        list(open_bar_file(path, None, {}).blocks(GRID, NS_PER_MIN))


def test_files_that_are_not_there_or_not_readable_are_named(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"nowhere\.csv: there is no such file"):
        read(tmp_path / "nowhere.csv")
    for name in ("broken.parquet", "broken.feather", "empty.csv"):
        (tmp_path / name).write_bytes(b"" if name == "empty.csv" else b"no such format")
        with pytest.raises(ImportFileError, match=rf"{name}: cannot be read"):
            read(tmp_path / name)
    (tmp_path / "bars.xlsx").touch()
    with pytest.raises(ImportFileError, match=r"only \.csv, \.parquet and \.feather"):
        read(tmp_path / "bars.xlsx")


def test_a_missing_column_lists_what_there_is_and_how_to_name_it(tmp_path: Path) -> None:
    with pytest.raises(
        ImportFileError, match=r"no column for volume among open_time, open, high, low, close; .*volume="
    ):
        read(write(tmp_path, f"{FIRST},2,3,1,2", header="open_time,open,high,low,close"))
