"""Predictions written to the catalogue are those the model would have made bar by bar, holes and all."""

from pathlib import Path

import pytest
from msgspec import structs
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from helios_nautilus.config import HeliosConfig, LoadedConfig, Window
from helios_nautilus.errors import ModelError, NotEnoughHistoryError
from helios_nautilus.journal.records import FillRecord, PredictionRecord
from helios_nautilus.messages import Prediction
from helios_nautilus.node.backtest import run_backtest
from helios_nautilus.node.model import load_terms
from helios_nautilus.node.predictions import check_predictions, predictions_folder, write_predictions
from helios_nautilus.simulator.market import MarketConfig
from tests.acceptance.cli import snapshot
from tests.integration.markets import prepare, write_market

DAY_SIX = 5 * 1440
"""Row of its first bar."""


@pytest.fixture(scope="module")
def with_hole(tmp_path_factory: pytest.TempPathFactory) -> LoadedConfig:
    """ETHZAR lacks twenty minutes of the morning that is traded; SOLZAR lacks some of the day before.

    Features need 25 hours after a hole, so ETHZAR's predictions end there and SOLZAR's begin in the morning.
    """
    folder = tmp_path_factory.mktemp("hole")
    holes = {"ETHZAR.VALR": (DAY_SIX + 100, DAY_SIX + 119), "SOLZAR.VALR": (DAY_SIX - 1300, DAY_SIX - 1290)}
    write_market(folder / "market", MarketConfig(seed=4, days=6, trades_days=0), holes)
    return prepare(folder, {})


def during(loaded: LoadedConfig, start: str, end: str, predictions: str = "model") -> LoadedConfig:
    config = loaded.config
    model = structs.replace(config.model, predictions=predictions)
    return structs.replace(loaded, config=structs.replace(config, backtest=Window(start=start, end=end), model=model))


def stored(config: HeliosConfig) -> dict[str, Prediction]:
    """What Nautilus reads, by decision."""
    rows = ParquetDataCatalog(config.data.catalog).query(Prediction)
    found = [getattr(row, "data", row) for row in rows]
    return {one.decision_id: one for one in found}


def test_one_pass_writes_what_the_model_says_bar_by_bar(with_hole: LoadedConfig) -> None:
    loaded = during(with_hole, "2026-01-06", "2026-01-06T12:00")
    counts = write_predictions(loaded.config)
    written = stored(loaded.config)
    assert sum(counts.values()) == len(written)
    assert counts["BTCZAR.VALR"] == 144
    assert 0 < counts["ETHZAR.VALR"] < 144
    assert 0 < counts["SOLZAR.VALR"] < 144
    # The last close lies at the end of the run: its predictions come a moment too late for it.
    told = {one.decision_id: one for one in run_backtest(loaded).journal.of(PredictionRecord)}
    assert {name for name in written if not name.endswith("T1200")} == told.keys()
    for name, record in told.items():
        found = written[name]
        assert (found.p_buy, found.p_sell, found.p_hold) == pytest.approx(
            (record.p_buy, record.p_sell, record.p_hold), abs=1e-6
        )
        assert found.attention == pytest.approx(record.attention, abs=1e-6)
        assert (found.price, found.ts_init) == (record.price, record.ts_ns)


def test_replay_trades_what_the_model_in_line_trades(with_hole: LoadedConfig) -> None:
    write_predictions(with_hole.config)
    start, end = "2026-01-06", "2026-01-06T12:00"
    in_line, replayed = (
        run_backtest(during(with_hole, start, end, mode)).journal.of(FillRecord) for mode in ("model", "catalogue")
    )
    assert in_line
    assert replayed == in_line


def test_writing_again_replaces_what_was_there(with_hole: LoadedConfig) -> None:
    write_predictions(with_hole.config)
    afternoon = during(with_hole, "2026-01-06T12:00", "2026-01-07").config
    counts = write_predictions(afternoon)
    assert counts == {"BTCZAR.VALR": 144, "ETHZAR.VALR": 0, "SOLZAR.VALR": 144}
    assert len(stored(afternoon)) == 2 * 144


def test_window_that_was_written_serves_itself_and_any_part_of_it(with_hole: LoadedConfig) -> None:
    morning = during(with_hole, "2026-01-06T03:00", "2026-01-06T12:00").config
    write_predictions(morning)
    check_predictions(morning, load_terms(morning))
    check_predictions(during(with_hole, "2026-01-06T05:00", "2026-01-06T06:00").config, load_terms(morning))
    for start, end in (("2026-01-06T03:00", "2026-01-06T13:00"), ("2026-01-06", "2026-01-06T12:00")):
        with pytest.raises(ModelError, match="another window"):
            check_predictions(during(with_hole, start, end).config, load_terms(morning))
    with pytest.raises(ModelError, match="another model"):
        check_predictions(morning, 2 * load_terms(morning))


def test_predictions_that_helios_did_not_write_are_not_replayed(with_hole: LoadedConfig) -> None:
    config = with_hole.config
    write_predictions(config)
    rows = list(stored(config).values())
    for path in predictions_folder(config.data.catalog).rglob("*.parquet"):
        path.unlink()
    ParquetDataCatalog(config.data.catalog).write_data(rows)
    with pytest.raises(ModelError, match="helios predict"):
        check_predictions(config, load_terms(config))


def test_interrupted_writing_leaves_the_old_predictions(
    with_hole: LoadedConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = with_hole.config.data.catalog
    write_predictions(with_hole.config)
    before = snapshot(catalog)
    rename = Path.rename

    def interrupted(path: Path, target: Path) -> Path:
        if target == predictions_folder(catalog) and "replaced" not in path.name:
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_predictions(during(with_hole, "2026-01-06", "2026-01-06T12:00").config)
    assert snapshot(catalog) == before


def test_window_in_which_nothing_can_be_predicted_is_refused_and_replaces_nothing(with_hole: LoadedConfig) -> None:
    write_predictions(with_hole.config)
    before = snapshot(with_hole.config.data.catalog)
    with pytest.raises(NotEnoughHistoryError, match="no decision between"):
        write_predictions(during(with_hole, "2026-02-01", "2026-02-02").config)
    assert snapshot(with_hole.config.data.catalog) == before
