"""The synthetic market in a catalogue."""

from pathlib import Path

import numpy as np
import pytest
from nautilus_trader.model.enums import AggressorSide
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from helios_nautilus.amounts import exact
from helios_nautilus.domain.bars import BUY
from helios_nautilus.errors import DataError
from helios_nautilus.history import describe, load_instruments, load_market_data, verify_catalogue, write_demo
from helios_nautilus.simulator.market import MarketConfig, simulate_market

CONFIG = MarketConfig(seed=4, days=2, trades_days=1)
IDS = ("BTCZAR.VALR", "ETHZAR.VALR", "SOLZAR.VALR")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo")
    report = write_demo(path, CONFIG)
    assert (report.written, report.instrument_ids, report.bars) == (True, IDS, 3 * 2 * 1440)
    return path


def test_what_is_read_back_is_what_was_simulated(catalog: Path) -> None:
    stored = load_market_data(catalog, IDS, trades=True)
    for instrument_id, data in simulate_market(CONFIG).items():
        pairs = ((data.bars, stored[instrument_id].bars), (data.trades, stored[instrument_id].trades))
        for simulated, read in pairs:
            for name in simulated.__struct_fields__:
                np.testing.assert_array_equal(getattr(simulated, name), getattr(read, name))


def test_trades_are_read_only_where_asked_for_and_where_there_are_any(catalog: Path) -> None:
    assert load_market_data(catalog, IDS)["BTCZAR.VALR"].trades is None
    day = CONFIG.start_ns, CONFIG.start_ns + 86_400 * 10**9
    assert load_market_data(catalog, IDS, *day, trades=True)["BTCZAR.VALR"].trades is None


def test_nautilus_reads_the_same_trades(catalog: Path) -> None:
    ticks = ParquetDataCatalog(catalog).trade_ticks(instrument_ids=["ETHZAR.VALR"])
    trades = load_market_data(catalog, ["ETHZAR.VALR"], trades=True)["ETHZAR.VALR"].trades
    assert trades is not None
    assert len(ticks) == len(trades)
    for at in (0, len(ticks) // 2, -1):
        assert exact(ticks[at].price) == trades.price[at]
        assert exact(ticks[at].size) == trades.size[at]
        assert (ticks[at].aggressor_side == AggressorSide.BUYER) == (trades.side[at] == BUY)
        assert ticks[at].ts_event == trades.ts_ns[at]
    assert len({tick.trade_id for tick in ticks}) == len(ticks)


def test_the_catalogue_is_sound_and_says_that_it_is_synthetic(catalog: Path) -> None:
    assert verify_catalogue(catalog) == ()
    series = describe(catalog)
    assert [(one.instrument_id, one.kind) for one in series] == [(i, k) for i in IDS for k in ("1m", "trades")]
    assert {one.label for one in series} == {"synthetic (seed 4, strength 1.0)"}
    assert all(one.provenance.is_synthetic for one in series)
    assert [one.id.value for one in load_instruments(catalog, IDS)] == list(IDS)


def test_the_same_market_is_not_written_twice(catalog: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in catalog.rglob("*.parquet")}
    report = write_demo(catalog, CONFIG)
    assert not report.written
    assert report.bars == 3 * 2 * 1440
    assert {path: path.stat().st_mtime_ns for path in catalog.rglob("*.parquet")} == before


def test_another_market_needs_leave_to_replace_the_first(tmp_path: Path) -> None:
    write_demo(tmp_path, CONFIG)
    shorter = MarketConfig(seed=8, days=1, trades_days=0)
    with pytest.raises(DataError, match=r"seed=4.*--replace"):
        write_demo(tmp_path, shorter)
    assert describe(tmp_path)[0].rows == 2 * 1440
    assert write_demo(tmp_path, shorter, replace=True).written
    assert [(one.kind, one.rows) for one in describe(tmp_path)] == [("1m", 1440)] * 3
    assert len(ParquetDataCatalog(tmp_path).bars()) == 3 * 1440


def test_a_market_half_written_is_completed(tmp_path: Path) -> None:
    write_demo(tmp_path, CONFIG)
    for path in (tmp_path / "data" / "bar" / "SOLZAR.VALR-1-MINUTE-LAST-EXTERNAL").glob("*"):
        path.unlink()
    assert write_demo(tmp_path, CONFIG).written
    assert len(describe(tmp_path)) == 6
