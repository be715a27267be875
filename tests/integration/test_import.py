"""Importing files into a catalogue that NautilusTrader then reads."""

import fcntl
import os
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nautilus_trader.model.data import Bar
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.errors import DataError, ImportFileError, UnknownInstrumentError
from helios_nautilus.history import describe, import_bars, load_instruments, load_market_data, write_demo
from helios_nautilus.simulator.market import MarketConfig

START: Final = 1_735_689_600_000_000_000
"""2025-01-01 00:00 UTC."""

PAIR: Final = "ETHUSDT.VALR"
RECORDED: Final = Path(__file__).parents[2].parent / "shared" / "data"


def table(first: int, last: int, *, price: float = 100.0) -> pa.Table:
    """Bars that open at the minutes first to last, each unlike the others."""
    minutes = np.arange(first, last)
    opened = price + minutes % 7 / 100
    return pa.table(
        {
            "open_time": START + NS_PER_MIN * minutes,
            "open": opened,
            "high": opened + 0.05,
            "low": opened - 0.05,
            "close": np.round(opened + 0.01, 2),
            "volume": minutes % 5 / 8,
        }
    )


def save(data: pa.Table, path: Path) -> Path:
    match path.suffix:
        case ".csv":
            pa_csv.write_csv(data, path)
        case ".parquet":
            pq.write_table(data, path)
        case _:
            feather.write_feather(data, path)
    return path


def snapshot(catalog: Path) -> dict[str, bytes]:
    return {str(path.relative_to(catalog)): path.read_bytes() for path in catalog.rglob("*") if path.is_file()}


def minutes_of(catalog: Path, instrument_id: str = PAIR) -> list[int]:
    bars = load_market_data(catalog, [instrument_id])[instrument_id].bars
    return ((bars.ts_ns - START) // NS_PER_MIN - 1).tolist()


def assert_equal(left: Bars, right: Bars) -> None:
    for name in Bars.__struct_fields__:
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))


def test_nautilus_reads_what_was_imported_stamped_with_the_close(tmp_path: Path) -> None:
    path = save(table(0, 3), tmp_path / "bars.parquet")
    report = import_bars([path], PAIR, tmp_path / "catalog")
    assert (report.rows, report.added, report.bar, report.label) == (3, 3, "1m", "recorded VALR")
    catalog = ParquetDataCatalog(tmp_path / "catalog")
    bars: list[Bar] = catalog.bars()
    assert str(bars[1].bar_type) == f"{PAIR}-1-MINUTE-LAST-EXTERNAL"
    assert [bar.ts_event for bar in bars] == [START + NS_PER_MIN * minute for minute in (1, 2, 3)]
    assert [bar.ts_init for bar in bars] == [bar.ts_event for bar in bars]
    assert (bars[1].open.as_decimal(), bars[1].high.as_decimal()) == (Decimal("100.01"), Decimal("100.06"))
    assert bars[1].volume.as_decimal() == Decimal("0.125")
    assert catalog.instruments() == [build_instrument(PAIR)]


@settings(max_examples=25)
@given(
    minutes=st.sets(st.integers(0, 30), min_size=1, max_size=9),
    cents=st.lists(st.lists(st.integers(1, 10**9), min_size=4, max_size=4), min_size=9, max_size=9),
    lots=st.lists(st.integers(0, 10**15), min_size=9, max_size=9),
)
def test_the_same_bars_come_out_of_csv_parquet_and_feather(
    tmp_path_factory: pytest.TempPathFactory, minutes: set[int], cents: list[list[int]], lots: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("formats")
    n = len(minutes)
    prices = np.sort(np.array(cents[:n]), axis=1) / 100
    data = pa.table(
        {
            "open_time": START + NS_PER_MIN * np.array(sorted(minutes)),
            "open": prices[:, 1],
            "high": prices[:, 3],
            "low": prices[:, 0],
            "close": prices[:, 2],
            "volume": np.array(lots[:n]) / 10**8,
        }
    )
    for suffix in ("csv", "parquet", "feather"):
        import_bars([save(data, folder / f"bars.{suffix}")], PAIR, folder / suffix, bar="1m")
    loaded = [load_market_data(folder / one, [PAIR])[PAIR].bars for one in ("csv", "parquet", "feather")]
    assert_equal(loaded[0], loaded[1])
    assert_equal(loaded[0], loaded[2])
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(loaded[0], name), data[name].to_numpy())


def test_importing_again_changes_nothing_on_disk(tmp_path: Path) -> None:
    path, catalog = save(table(0, 50), tmp_path / "bars.csv"), tmp_path / "catalog"
    import_bars([path], PAIR, catalog)
    before = snapshot(catalog)
    report = import_bars([path], PAIR, catalog)
    assert (report.added, report.rows) == (0, 50)
    assert snapshot(catalog) == before


def test_overlapping_adjacent_and_enclosed_files_become_one_series(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog"
    spans = {"later": (40, 60), "earlier": (0, 20), "overlapping": (15, 25), "hole": (30, 35), "all": (0, 62)}
    expected: set[int] = set()
    for name, span in spans.items():
        report = import_bars([save(table(*span), tmp_path / f"{name}.csv")], PAIR, catalog)
        assert report.added == len(set(range(*span)) - expected)
        expected |= set(range(*span))
        assert minutes_of(catalog) == sorted(expected)
        (series,) = describe(catalog)
        assert len(series.files) == 1
        assert len(ParquetDataCatalog(catalog).bars()) == len(expected)
    assert [file.name for file in series.provenance.files] == [f"{name}.csv" for name in spans]


def test_several_files_are_imported_at_once_in_any_order(tmp_path: Path) -> None:
    files = [save(table(*span), tmp_path / f"{span[0]}.csv") for span in ((20, 30), (0, 12), (10, 22))]
    assert import_bars(files, PAIR, tmp_path / "catalog").rows == 30
    assert minutes_of(tmp_path / "catalog") == list(range(30))


def test_a_bar_that_differs_from_the_stored_one_is_refused_and_named(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog"
    import_bars([save(table(0, 20), tmp_path / "a.csv")], PAIR, catalog)
    before = snapshot(catalog)
    other = save(table(15, 25, price=101.0), tmp_path / "b.csv")
    with pytest.raises(ImportFileError, match=r"b\.csv: .*2025-01-01T00:16:00.*differs in open .*the catalogue"):
        import_bars([other], PAIR, catalog)
    assert snapshot(catalog) == before


def test_one_bad_file_among_good_ones_leaves_nothing_behind(tmp_path: Path) -> None:
    good = save(table(0, 20), tmp_path / "good.csv")
    bad = save(table(20, 40, price=-1.0), tmp_path / "bad.csv")
    with pytest.raises(ImportFileError, match=r"bad\.csv: row 1, column open"):
        import_bars([good, bad], PAIR, tmp_path / "catalog")
    assert not (tmp_path / "catalog").exists()


def test_the_length_of_the_bars_is_found_from_the_rows(tmp_path: Path) -> None:
    five = table(0, 60).take(np.arange(0, 60, 5))
    assert import_bars([save(five, tmp_path / "five.csv")], PAIR, tmp_path / "catalog").bar == "5m"
    assert len(load_market_data(tmp_path / "catalog", [PAIR], bar="5m")[PAIR].bars) == 12
    with pytest.raises(DataError, match=r"no 1m bars of ETHUSDT\.VALR; it has ETHUSDT\.VALR 5m"):
        load_market_data(tmp_path / "catalog", [PAIR])


def test_bars_of_another_length_are_not_taken_for_bars_with_holes(tmp_path: Path) -> None:
    five = save(table(0, 60).take(np.arange(0, 60, 5)), tmp_path / "five.csv")
    with pytest.raises(ImportFileError, match=r"five\.csv: no two rows are 1m apart"):
        import_bars([five], PAIR, tmp_path / "catalog", bar="1m")
    with pytest.raises(ImportFileError, match=r"five\.csv: no two rows are 1m apart"):
        import_bars([save(table(0, 9), tmp_path / "one.csv"), five], PAIR, tmp_path / "catalog")


def test_a_single_row_needs_its_length_said(tmp_path: Path) -> None:
    path = save(table(0, 1), tmp_path / "one.csv")
    with pytest.raises(ImportFileError, match="--bar"):
        import_bars([path], PAIR, tmp_path / "catalog")
    assert import_bars([path], PAIR, tmp_path / "catalog", bar="1m").rows == 1


def test_an_unknown_instrument_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UnknownInstrumentError, match="--instruments"):
        import_bars([save(table(0, 9), tmp_path / "bars.csv")], "FOO.BAR", tmp_path / "catalog")
    assert not (tmp_path / "catalog").exists()


def test_a_definition_that_contradicts_the_stored_one_is_refused(tmp_path: Path) -> None:
    path, catalog = save(table(0, 9), tmp_path / "bars.csv"), tmp_path / "catalog"
    import_bars([path], PAIR, catalog)
    other = tmp_path / "other.toml"
    other.write_text(
        '[[instrument]]\nsymbol = "ETHUSDT"\nvenue = "VALR"\nbase = "ETH"\nquote = "USDT"\nprice_increment = "0.1"\n'
        'size_increment = "0.1"\nmaker_fee = "0"\ntaker_fee = "0"\n'
    )
    with pytest.raises(ImportFileError, match="other increments"):
        import_bars([path], PAIR, catalog, instruments=other)


def test_recorded_bars_never_join_synthetic_ones(tmp_path: Path) -> None:
    write_demo(tmp_path, MarketConfig(seed=4, days=1, trades_days=0))
    before = snapshot(tmp_path)
    path = save(table(0, 9, price=1000.0).set_column(1, "open", [np.full(9, 1000.0)]), tmp_path / "bars.csv")
    with pytest.raises(ImportFileError, match=r"is synthetic \(seed 4, strength 1.0\): .*another --catalog"):
        import_bars([path], "BTCZAR.VALR", tmp_path)
    path.unlink()
    assert snapshot(tmp_path) == before


def test_bars_that_nautilus_wrote_are_read_but_not_joined(tmp_path: Path) -> None:
    source, catalog = tmp_path / "source", tmp_path / "catalog"
    import_bars([save(table(0, 20), tmp_path / "bars.csv")], PAIR, source)
    bars = ParquetDataCatalog(source).bars()
    foreign = ParquetDataCatalog(catalog)
    for part in (bars[:10], bars[10:]):
        foreign.write_data(part)
    assert minutes_of(catalog) == list(range(20))
    assert describe(catalog)[0].label == "of unknown origin, VALR"
    with pytest.raises(ImportFileError, match="not written by Helios"):
        import_bars([save(table(20, 30), tmp_path / "more.csv")], PAIR, catalog)


def test_a_window_holds_the_bars_that_close_after_its_start_up_to_its_end(tmp_path: Path) -> None:
    import_bars([save(table(0, 20), tmp_path / "bars.csv")], PAIR, tmp_path / "catalog")
    window = START + NS_PER_MIN * 5, START + NS_PER_MIN * 8
    bars = load_market_data(tmp_path / "catalog", [PAIR], *window)[PAIR].bars
    assert ((bars.ts_ns - START) // NS_PER_MIN).tolist() == [6, 7, 8]
    whole = load_market_data(tmp_path / "catalog", [PAIR])[PAIR].bars
    assert_equal(bars, whole.window(*window))


def test_a_second_writer_is_turned_away_while_the_first_works(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    handle = os.open(catalog, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="being written by another process"):
            import_bars([save(table(0, 9), tmp_path / "bars.csv")], PAIR, catalog)
    finally:
        os.close(handle)


def test_progress_counts_every_row(tmp_path: Path) -> None:
    seen: list[int] = []
    import_bars([save(table(0, 70_000), tmp_path / "bars.csv")], PAIR, tmp_path / "catalog", on_rows=seen.append)
    assert sum(seen) == 70_000
    assert len(seen) > 1


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded market data are not beside this checkout")
def test_recorded_rand_bars_import_value_for_value(tmp_path: Path) -> None:
    path = RECORDED / "btczar_1m_20221108.parquet"
    table_file = Path(__file__).parents[2] / "configs" / "instruments" / "binance_spot.toml"
    report = import_bars([path], "BTCZAR.BINANCE", tmp_path, stamp="open", instruments=table_file)
    assert (report.added, report.label) == (999, "recorded BINANCE")
    bars, source = load_market_data(tmp_path, ["BTCZAR.BINANCE"])["BTCZAR.BINANCE"].bars, pq.read_table(path)
    np.testing.assert_array_equal(bars.ts_ns, source["ts"].to_numpy() + NS_PER_MIN)
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(bars, name), source[name].to_numpy())
    assert [one.id.value for one in load_instruments(tmp_path, ["BTCZAR.BINANCE"])] == ["BTCZAR.BINANCE"]
