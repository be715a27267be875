"""Book states that NautilusTrader stored come back as columns."""

from pathlib import Path

import numpy as np
from nautilus_trader.model.data import BookOrder, OrderBookDepth10
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from helios_nautilus.history import load_depths

BTC = InstrumentId.from_str("BTCZAR.VALR")


def depth(ts_ns: int, levels: int) -> OrderBookDepth10:
    def side(kind: OrderSide, sign: int) -> list[BookOrder]:
        return [
            BookOrder(kind, Price(1_000_000 + sign * (i + 1), 0), Quantity(0.5 + i if i < levels else 0, 8), i)
            for i in range(10)
        ]

    counts = [1] * 10
    return OrderBookDepth10(BTC, side(OrderSide.BUY, -1), side(OrderSide.SELL, 1), counts, counts, 0, 0, ts_ns, ts_ns)


def test_stored_depths_are_read_in_time_order_with_empty_levels_of_size_0(tmp_path: Path) -> None:
    ParquetDataCatalog(tmp_path).write_data([depth(1_000, 10), depth(2_000, 3)])
    found = load_depths(tmp_path, BTC.value)
    assert found is not None
    assert found.ts_ns.tolist() == [1_000, 2_000]
    assert found.bid_price[0].tolist() == [1_000_000.0 - i for i in range(1, 11)]
    assert found.ask_size[0].tolist() == [0.5 + i for i in range(10)]
    assert np.count_nonzero(found.bid_size[1]) == 3


def test_an_instrument_without_depths_has_none(tmp_path: Path) -> None:
    assert load_depths(tmp_path, BTC.value) is None
