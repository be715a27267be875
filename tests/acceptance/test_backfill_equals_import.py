"""A catalogue that was back-filled from the simulated exchange trades as one that was imported from a file does.

Both hold the same candles: the file has them up to the end of the run, the exchange shows them as its past. What is
recorded elsewhere is first put on VALR's tick, which is a whole dollar for BTCUSDT: VALR would show no other prices.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest

from helios_nautilus.actors.progress import Progress
from helios_nautilus.config import LoadedConfig
from helios_nautilus.domain.bars import Bars, MarketData
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN
from helios_nautilus.history import describe, load_market_data
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import FillRecord
from helios_nautilus.node.backtest import BacktestResult, run_backtest
from helios_nautilus.simulator.market import MarketConfig, simulate_market
from tests.acceptance.cli import EAGER, succeed, write_config
from tests.integration.serving import serving

RECORDED: Final = Path(__file__).parents[3] / "shared" / "data"
DAYS: Final = 6
TICKS: Final = {"BTCUSDT": 1.0, "ETHUSDT": 0.01}


class Scene(NamedTuple):
    """Candles by symbol, an hour more than the run needs, and where the run starts."""

    candles: dict[str, Bars]
    start_ns: int
    settings: Mapping[str, Any]

    @property
    def end_ns(self) -> int:
        return self.start_ns + DAYS * NS_PER_DAY

    def day(self, number: int) -> str:
        return str(np.datetime64(self.start_ns + number * NS_PER_DAY, "ns").astype("datetime64[D]"))


def synthetic_scene() -> Scene:
    config = MarketConfig(seed=4, days=DAYS + 1, trades_days=0)
    candles = {name.partition(".")[0]: data.bars for name, data in simulate_market(config).items()}
    thin = np.random.default_rng(4).random(len(candles["SOLZAR"])) < 0.002
    candles["SOLZAR"] = rows_of(candles["SOLZAR"], ~thin)
    return Scene(candles, config.start_ns, {})


def recorded_scene() -> Scene:
    start_ns = int(np.datetime64("2025-07-01", "ns").astype(np.int64))
    candles = {}
    for symbol, tick in TICKS.items():
        table = pq.read_table(RECORDED / f"{symbol.lower()}_1m_2025.parquet")
        columns = {name: table[name].to_numpy() for name in ("open", "high", "low", "close")}
        decimals = 0 if tick == 1.0 else 2
        prices = {name: np.round(values, decimals) for name, values in columns.items()}
        bars = Bars(ts_ns=table["ts"].to_numpy() + NS_PER_MIN, volume=table["volume"].to_numpy(), **prices)
        candles[symbol] = bars.window(start_ns, start_ns + DAYS * NS_PER_DAY + NS_PER_HOUR)
    return Scene(candles, start_ns, {"account.currency": "USDT", "account.balance": 10_000.0})


def rows_of(bars: Bars, chosen: np.ndarray) -> Bars:
    return Bars(**{name: getattr(bars, name)[chosen] for name in Bars.__struct_fields__})


@pytest.fixture(
    scope="module",
    params=[
        "synthetic",
        pytest.param(
            "recorded",
            marks=pytest.mark.skipif(
                not all((RECORDED / f"{symbol.lower()}_1m_2025.parquet").exists() for symbol in TICKS),
                reason="recorded candles are not here (../shared/data)",
            ),
        ),
    ],
)
def scene(request: pytest.FixtureRequest) -> Scene:
    return synthetic_scene() if request.param == "synthetic" else recorded_scene()


@pytest.fixture(scope="module", autouse=True)
def folder(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the catalogues ``imported`` and ``fetched``, made by the commands, and a configuration for each."""
    folder = tmp_path_factory.mktemp("equal")
    with contextlib.chdir(folder):
        for symbol, bars in scene.candles.items():
            write_csv(folder / f"{symbol}.csv", bars.window(scene.start_ns, scene.end_ns))
            succeed("data", "import", f"{symbol}.csv", "--instrument-id", f"{symbol}.VALR", "--catalog", "imported")
        shown = {
            symbol: MarketData(instrument_id=f"{symbol}.VALR", bars=bars) for symbol, bars in scene.candles.items()
        }
        # A minute later, so that the last one of the run is over.
        with serving(shown, scene.end_ns + NS_PER_MIN) as exchange:
            window = ("--from", scene.day(0), "--to", scene.day(DAYS))
            succeed("data", "backfill", *shown, *window, "--catalog", "fetched", "--url", exchange.url)
        for catalog in ("imported", "fetched"):
            write_config(folder / f"{catalog}.toml", settings(scene, catalog))
        yield folder


def write_csv(path: Path, bars: Bars) -> None:
    columns = [getattr(bars, name).tolist() for name in ("open", "high", "low", "close", "volume")]
    opens = ((bars.ts_ns - NS_PER_MIN) // 1_000_000_000).tolist()
    rows = (",".join(map(repr, row)) for row in zip(opens, *columns, strict=True))
    path.write_text("\n".join(["open_time,open,high,low,close,volume", *rows]) + "\n")


def settings(scene: Scene, catalog: str) -> Mapping[str, Any]:
    instruments = [f"{symbol}.VALR" for symbol in scene.candles]
    return {
        **EAGER,
        "name": catalog,
        "data.catalog": catalog,
        "data.instruments": instruments,
        "data.reference": instruments[0],
        "training.optimiser.epochs": 1,
        "training.window.start": scene.day(0),
        "training.window.end": scene.day(DAYS - 1),
        "backtest.start": scene.day(DAYS - 1),
        "backtest.end": scene.day(DAYS),
        **scene.settings,
    }


def run(catalog: str) -> tuple[dict[str, Any], list[FillRecord]]:
    """What the command printed, and the fills behind it."""
    results = []

    def remember(loaded: LoadedConfig, progress: Progress, journal: MemoryJournal) -> BacktestResult:
        results.append(run_backtest(loaded, progress, journal))
        return results[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("helios_nautilus.cli.backtest.run_backtest", remember)
        summary = succeed("backtest", f"{catalog}.toml", "--json").json
    return summary, results[0].journal.of(FillRecord)


def test_the_same_candles_are_in_both(scene: Scene) -> None:
    names = [f"{symbol}.VALR" for symbol in scene.candles]
    imported, fetched = (load_market_data(Path(catalog), names) for catalog in ("imported", "fetched"))
    for name in names:
        for column in Bars.__struct_fields__:
            assert np.array_equal(getattr(imported[name].bars, column), getattr(fetched[name].bars, column)), column
    rows = [[series.rows for series in describe(Path(catalog))] for catalog in ("imported", "fetched")]
    assert rows[0] == rows[1]
    assert sum(rows[0]) >= 2 * DAYS * 1440


def test_what_is_missing_from_the_file_is_confirmed_by_the_venue() -> None:
    by_import = succeed("data", "gaps", "--catalog", "imported", "--json").json
    by_venue = succeed("data", "gaps", "--catalog", "fetched", "--json").json
    assert [one["missing"] for one in by_venue] == [0] * len(by_venue)
    assert [one["confirmed"] for one in by_venue] == [one["missing"] for one in by_import]


def test_a_backtest_trades_the_same_on_both_fill_by_fill() -> None:
    succeed("train", "imported.toml")
    (imported, fills), (fetched, fetched_fills) = run("imported"), run("fetched")
    assert len(fills) > 4
    assert imported["run"]["trade_hash"] == fetched["run"]["trade_hash"]
    assert [identity(fill) for fill in fills] == [identity(fill) for fill in fetched_fills]
    assert imported["total"] == fetched["total"]


def identity(fill: FillRecord) -> tuple[object, ...]:
    return fill.ts_ns, fill.instrument_id, fill.side, fill.role, fill.quantity, fill.price, fill.commission
