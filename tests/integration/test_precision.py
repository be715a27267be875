"""Eight-bit weights against single precision: a network trained on recorded candles, stepped through what follows."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from msgspec import structs

from helios_nautilus.domain.bars import Bars, MarketData
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.features.table import build_tables
from helios_nautilus.domain.labels import LabelConfig, fixed_threshold
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN
from helios_nautilus.history.arrays import unlabelled_arrays
from helios_nautilus.models.calibrate import probabilities
from helios_nautilus.models.dataset import Arrays, split_at
from helios_nautilus.models.network import PRESETS
from helios_nautilus.models.precision import INT8_TOLERANCE, Precision
from helios_nautilus.models.sequences import Blocks
from helios_nautilus.models.step import CompiledStepper
from helios_nautilus.models.train import Fitted, TrainConfig, fit_network

RECORDED = Path(__file__).parents[2].parent / "shared" / "data"
NAMES = ("BTCUSDT.BINANCE", "ETHUSDT.BINANCE")
FILES = {name: RECORDED / f"{name.split('.')[0].lower()}_perp_1m_2025.parquet" for name in NAMES}
DAYS = 12

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(path.exists() for path in FILES.values()), reason="recorded candles are not here (../shared/data)"
    ),
]


def read(name: str) -> MarketData:
    table = pq.read_table(FILES[name], columns=["ts", "open", "high", "low", "close", "volume"])
    ts_ns, *columns = (column.to_numpy()[: DAYS * 1440] for column in table.columns)
    opened, high, low, close, volume = (np.ascontiguousarray(column, dtype=np.float64) for column in columns)
    bars = Bars(ts_ns=ts_ns + NS_PER_MIN, open=opened, high=high, low=low, close=close, volume=volume)
    return MarketData(instrument_id=name, bars=bars)


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    """Real features, and which way the price went by 0.3 % within the hour."""
    data = {name: read(name) for name in NAMES}
    spec = FeatureSpec(universe=NAMES, reference=NAMES[0])
    tables = build_tables(spec, data, dict.fromkeys(NAMES, 3))
    arrays = unlabelled_arrays(tables, ExitPlan(hold_mins=60, max_hold_mins=60), LabelConfig(), "recorded")
    label = [fixed_threshold(market.bars, arrays.ts_ns, threshold=0.003) for market in data.values()]
    return structs.replace(arrays, label=np.column_stack(label))


@pytest.fixture(scope="module")
def fitted(arrays: Arrays) -> Fitted:
    first_ns = int(arrays.ts_ns[0]) // NS_PER_DAY * NS_PER_DAY
    splits = split_at(arrays, first_ns + 9 * NS_PER_DAY, first_ns + 11 * NS_PER_DAY, embargo_ns=NS_PER_HOUR)
    return fit_network(arrays, splits, PRESETS["helios-nano"], TrainConfig(epochs=4, learning_rate=4e-3, device="cpu"))


def serve(fitted: Fitted, arrays: Arrays, precision: Precision) -> np.ndarray:
    """Probabilities (blocks, instruments, 3) at the end of each block of the history."""
    blocks, slots = Blocks(arrays), np.arange(len(NAMES))
    stepper = CompiledStepper(fitted.network, len(NAMES), precision)
    said = []
    for chunk in blocks.stream(sorted(blocks.pieces()), fitted.scaler, 1):
        for timeframe, x_btf in enumerate(chunk.x):
            stepper.advance(timeframe, slots, x_btf)
        said.append(probabilities(stepper.decide(slots)[0].astype(np.float64), 1.0))
    return np.array(said)


def test_eight_bits_move_no_probability_by_more_than_the_tolerance(fitted: Fitted, arrays: Arrays) -> None:
    exact, near = serve(fitted, arrays, "fp32"), serve(fitted, arrays, "int8")
    assert len(exact) > 900
    assert exact.std(axis=(0, 1)).max() > 4 * INT8_TOLERANCE, "the network must have opinions for this to mean anything"
    gap = np.abs(near - exact).max()
    assert 0 < gap < INT8_TOLERANCE
