"""The features the engine's own bars give are those of the batch, to the last bit."""

from pathlib import Path

import numpy as np
from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.common.config import LoggingConfig
from nautilus_trader.data.config import DataEngineConfig
from nautilus_trader.model.data import Bar
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Currency, Money

from helios_nautilus.actors.prediction import PredictionActor, PredictionConfig
from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.features.series import FeatureRow
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.features.stream import FeatureStream
from helios_nautilus.domain.features.table import build_tables
from helios_nautilus.domain.timeframe import Timeframes
from helios_nautilus.history import load_market_data, write_demo
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.models.service import PredictionValues
from helios_nautilus.simulator.market import MarketConfig


class Recorder:
    """Keeps the features of every close, and says nothing where the model stands."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, int, int], Floats] = {}

    def on_features(self, timeframe: int, row: FeatureRow) -> None:
        for instrument in np.flatnonzero(row.ready).tolist():
            self.rows[timeframe, instrument, row.ts_ns] = row.values[instrument].copy()

    def observe(self, timeframe: int, instrument: int, features: Floats, ts_ns: int) -> None:
        return None

    def decide(self, ts_ns: int) -> list[PredictionValues | None]:
        return [None, None, None]

    def reset(self, instrument: int) -> None:
        return None


def test_features_of_the_engines_bars_equal_the_batch_to_the_last_bit(tmp_path: Path) -> None:
    write_demo(tmp_path, MarketConfig(days=2, trades_days=0), on_instrument=lambda _: None)
    ids = ("BTCZAR.VALR", "ETHZAR.VALR", "SOLZAR.VALR")
    data = load_market_data(tmp_path, ids)
    instruments = {name: build_instrument(name) for name in ids}
    precisions = {name: each.size_precision for name, each in instruments.items()}
    spec = FeatureSpec(universe=ids, reference=ids[0], timeframes=Timeframes(high="1m", medium="5m", low="10m"))
    recorder = Recorder()
    engine = BacktestEngine(
        BacktestEngineConfig(
            logging=LoggingConfig(bypass_logging=True),
            data_engine=DataEngineConfig(time_bars_build_with_no_updates=False),
        )
    )
    zero = [Money(0, Currency.from_str(code)) for code in ("BTC", "ETH", "SOL")]
    rand = Money(100_000, Currency.from_str("ZAR"))
    engine.add_venue(Venue("VALR"), OmsType.NETTING, AccountType.CASH, starting_balances=[rand, *zero])
    for name, instrument in instruments.items():
        engine.add_instrument(instrument)
        kind, bars = bar_type(name, "1m", "1m"), data[name].bars
        columns = (getattr(bars, column).tolist() for column in ("open", "high", "low", "close", "volume", "ts_ns"))
        engine.add_data(
            [
                Bar(kind, *map(instrument.make_price, (o, h, low, c)), instrument.make_qty(v), ts_ns, ts_ns)
                for o, h, low, c, v, ts_ns in zip(*columns, strict=True)
            ]
        )
    stream = FeatureStream(spec, precisions)
    engine.add_actor(
        PredictionActor(
            PredictionConfig(spec=spec), MemoryJournal(), stream, recorder, on_features=recorder.on_features
        )
    )
    engine.run()
    engine.dispose()

    expected = build_tables(spec, data, precisions)
    seen = 0
    for k, table in enumerate(expected.tables):
        for row, instrument in zip(*np.nonzero(table.ready), strict=True):
            values = recorder.rows[k, int(instrument), int(table.ts_ns[row])]
            assert values.tobytes() == table.values[row, instrument].tobytes()
            seen += 1
    assert seen == len(recorder.rows) > 3 * 2000
