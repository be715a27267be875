"""TA-Lib as the oracle for every indicator it knows."""

import numpy as np
import pytest
import talib

from helios_nautilus.domain.bars import Floats
from helios_nautilus.domain.features import WARM_UP, build_tables
from tests.unit.domain.features.markets import ALONE, BTC, PRECISIONS, column, plain_market, random_bars

BARS = random_bars(3, 700)
CLOSE = BARS.close
TABLE = build_tables(ALONE, {BTC: plain_market(BTC, BARS)}, PRECISIONS)["1m"]
RETURNS = np.diff(np.log(CLOSE), prepend=np.log(CLOSE[0]))
MACD, SIGNAL, HISTOGRAM = talib.MACD(CLOSE, 12, 26, 9)
UPPER, _, LOWER = talib.BBANDS(CLOSE, 20, 2.0, 2.0)
ORACLE = {
    "rsi_14": talib.RSI(CLOSE, 14),
    "rsi_7": talib.RSI(CLOSE, 7),
    "macd": MACD / CLOSE,
    "macd_signal": SIGNAL / CLOSE,
    "macd_histogram": HISTOGRAM / CLOSE,
    "sma_20_distance": CLOSE / talib.SMA(CLOSE, 20) - 1.0,
    "sma_50_distance": CLOSE / talib.SMA(CLOSE, 50) - 1.0,
    "ema_12_distance": CLOSE / talib.EMA(CLOSE, 12) - 1.0,
    "ema_26_distance": CLOSE / talib.EMA(CLOSE, 26) - 1.0,
    "return_std_20": np.concatenate(([np.nan], talib.STDDEV(RETURNS[1:], 20, 1.0))),
    "return_5": np.log1p(talib.ROCP(CLOSE, 5)),
    "return_20": np.log1p(talib.ROCP(CLOSE, 20)),
}


def ready_values(name: str) -> Floats:
    return column(TABLE.values[WARM_UP - 1 :, 0], ALONE, name)


@pytest.mark.parametrize("name", ORACLE)
def test_an_indicator_equals_talib_after_warm_up(name: str) -> None:
    assert TABLE.ready[WARM_UP - 1 :].all()
    np.testing.assert_allclose(ready_values(name), ORACLE[name][WARM_UP - 1 :], rtol=1e-9, atol=1e-12)


def test_bollinger_b_equals_talib() -> None:
    """TA-Lib takes the variance as a difference of squares, hence the wider tolerance."""
    expected = ((CLOSE - LOWER) / (UPPER - LOWER))[WARM_UP - 1 :]
    np.testing.assert_allclose(ready_values("bollinger_b"), expected, rtol=1e-6)
