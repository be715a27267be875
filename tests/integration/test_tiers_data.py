"""Tier 1 and 2 in the engine: every recorded input arrives as a feature, and what is not whole is not used."""

from collections import defaultdict
from functools import cache

import numpy as np
import pytest
from msgspec.structs import replace
from nautilus_trader.model.data import BookOrder, OrderBookDepth10
from nautilus_trader.model.enums import BookType, OrderSide
from nautilus_trader.model.instruments import Instrument

from helios_nautilus.actors.prediction import PredictionActor, PredictionConfig
from helios_nautilus.domain.bars import BookDepths, Floats, MarketData, Trades
from helios_nautilus.domain.features.spec import FeatureSpec
from helios_nautilus.domain.features.stream import FeatureStream
from helios_nautilus.domain.features.table import build_tables
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.journal.records import PredictionRecord
from helios_nautilus.models.service import PredictionValues
from tests.fakes import BTC, ETH, MODEL_ID, Rig, at, bars_of, engine_bars, random_walk, trade_ticks

PAST, LIVE = 1_560, 30
"""Minutes of history before the run, enough for every feature, and of the run."""
NAMES = (BTC.value, ETH.value)
PRECISIONS = dict.fromkeys(NAMES, 8)
ALL_INPUTS = FeatureSpec(trades=True, book=True, reference=BTC.value, universe=NAMES)
BARS_ONLY = FeatureSpec(reference=ETH.value, universe=NAMES)


class Recorder:
    """A model that remembers what it observed, and decides whenever its past is whole."""

    def __init__(self) -> None:
        self.seen: dict[tuple[int, int], dict[int, Floats]] = defaultdict(dict)
        self.broken: set[int] = set()

    def observe(self, timeframe: int, instrument: int, features: Floats, ts_ns: int) -> None:
        self.seen[timeframe, instrument][ts_ns] = features.copy()

    def decide(self, ts_ns: int) -> list[PredictionValues | None]:
        said = PredictionValues(p_buy=0.4, p_sell=0.2, p_hold=0.4, model_id=MODEL_ID, attention=(0.5, 0.3, 0.2))
        return [None if instrument in self.broken else said for instrument in range(len(NAMES))]

    def reset(self, instrument: int) -> None:
        self.broken.add(instrument)


@cache
def market() -> dict[str, MarketData]:
    """Two pairs with bars, one or two trades a minute, and a ten-level book shortly before every close."""
    return {name: with_ticks(name, seed) for seed, name in enumerate(NAMES)}


def with_ticks(name: str, seed: int) -> MarketData:
    rng = np.random.default_rng(seed)
    count = PAST + LIVE
    bars = replace(bars_of(random_walk(count, seed=seed)), volume=rng.integers(1, 1000, count) / 100)
    opened = np.repeat(bars.ts_ns - NS_PER_MIN, 2)
    steps = np.tile([1, 40], count) + rng.integers(0, 10, 2 * count)
    happens = rng.random(2 * count) < np.tile([1.0, 0.6], count)
    size = int(happens.sum())
    trades = Trades(
        ts_ns=(opened + steps * NS_PER_SEC)[happens],
        price=np.column_stack((bars.open, bars.close)).ravel()[happens],
        size=rng.integers(1, 100, size) / 1000,
        side=rng.choice(np.array([-1, 1], dtype=np.int8), size),
    )
    levels = np.arange(1, 11)
    books = BookDepths(
        ts_ns=bars.ts_ns - 5 * NS_PER_SEC,
        bid_price=bars.close[:, None] - 100.0 * rng.integers(1, 3, (count, 1)) * levels,
        bid_size=rng.integers(1, 100, (count, 10)) / 1000,
        ask_price=bars.close[:, None] + 100.0 * levels,
        ask_size=rng.integers(1, 100, (count, 10)) / 1000,
    )
    return MarketData(instrument_id=name, bars=bars, trades=trades, books=books)


def depths(instrument: Instrument, books: BookDepths) -> list[OrderBookDepth10]:
    def levels(side: OrderSide, prices: Floats, sizes: Floats) -> list[BookOrder]:
        pairs = zip(prices.tolist(), sizes.tolist(), strict=True)
        return [BookOrder(side, instrument.make_price(price), instrument.make_qty(size), 0) for price, size in pairs]

    counts = [1] * 10
    return [
        OrderBookDepth10(
            instrument.id,
            levels(OrderSide.BUY, books.bid_price[row], books.bid_size[row]),
            levels(OrderSide.SELL, books.ask_price[row], books.ask_size[row]),
            counts,
            counts,
            0,
            0,
            int(books.ts_ns[row]),
            int(books.ts_ns[row]),
        )
        for row in range(len(books.ts_ns))
    ]


def until(data: MarketData, end_ns: int) -> MarketData:
    """What is known at a close: the bars up to it, and the ticks before it."""
    trades, books = data.trades, data.books
    assert trades is not None
    assert books is not None
    return MarketData(
        instrument_id=data.instrument_id,
        bars=data.bars.window(-1, end_ns),
        trades=Trades(**{n: getattr(trades, n)[trades.ts_ns < end_ns] for n in trades.__struct_fields__}),
        books=BookDepths(**{n: getattr(books, n)[books.ts_ns <= end_ns] for n in books.__struct_fields__}),
    )


def run_live(spec: FeatureSpec, *, missing: tuple[int, ...] = (), skip: int = 0) -> tuple[Recorder, Rig]:
    """The last half hour through the engine, with history before it; BTC lacks minutes, bars begin after ``skip``."""
    recorder, stream = Recorder(), FeatureStream(spec, PRECISIONS)
    stream.catch_up({name: until(data, at(PAST)) for name, data in market().items()})
    # An order book needs a venue with one; nothing is traded here.
    rig = Rig(BTC, ETH, venue={"book_type": BookType.L2_MBP if spec.book else BookType.L1_MBP})
    rig.use(
        PredictionActor(PredictionConfig(spec=spec, latency_ms=0), rig.journal, stream, recorder),
    )
    for name, data in market().items():
        instrument = next(each for each in rig.instruments.values() if each.id.value == name)
        gone = {at(PAST + minute) for minute in missing} if name == BTC.value else set()
        bars = engine_bars(instrument, data.bars.window(at(PAST + skip), at(PAST + LIVE)))
        rig.add(bar for bar in bars if bar.ts_event not in gone)
        if spec.trades:
            rig.add(tick for tick in trade_ticks(instrument, data.trades) if tick.ts_event >= at(PAST))
            rig.add(depth for depth in depths(instrument, data.books) if depth.ts_event > at(PAST))
    rig.run()
    return recorder, rig


@pytest.fixture(scope="module")
def complete() -> Recorder:
    return run_live(ALL_INPUTS)[0]


def test_with_trades_and_books_all_thirty_features_of_all_three_timeframes_live(complete: Recorder) -> None:
    assert ALL_INPUTS.width == 30
    rows = {timeframe: np.stack(list(complete.seen[timeframe, 1].values())) for timeframe in range(3)}

    assert [len(rows[timeframe]) for timeframe in range(3)] == [30, 6, 2]
    assert all(np.isfinite(values).all() for values in rows.values())
    constant = [ALL_INPUTS.columns[column] for column in np.flatnonzero(np.ptp(rows[0], axis=0) == 0)]
    assert constant == []


def test_the_engines_ticks_give_the_features_of_the_batch_to_the_last_bit(complete: Recorder) -> None:
    tables = build_tables(ALL_INPUTS, market(), PRECISIONS).tables

    for (timeframe, instrument), seen in complete.seen.items():
        table = tables[timeframe]
        for ts_ns, values in seen.items():
            row = int(np.searchsorted(table.ts_ns, ts_ns))
            assert values.tobytes() == table.values[row, instrument].tobytes()


def test_a_longer_bar_with_a_hole_in_it_is_not_used_and_its_instrument_is_not_decided() -> None:
    recorder, rig = run_live(BARS_ONLY, missing=(7,))

    assert at(PAST + 5) in recorder.seen[1, 0]
    assert at(PAST + 10) not in recorder.seen[1, 0], "made by the engine of four minutes"
    assert at(PAST + 15) not in recorder.seen[2, 0]
    decided = {(p.instrument_id, (p.ts_ns - at(PAST)) // NS_PER_MIN) for p in rig.journal.of(PredictionRecord)}
    assert (BTC.value, 10) not in decided
    assert (ETH.value, 10) in decided


def test_a_longer_bar_that_begins_in_its_middle_is_not_used() -> None:
    recorder, _ = run_live(BARS_ONLY, skip=2)

    assert at(PAST + 5) not in recorder.seen[1, 0]
    assert recorder.broken == {0, 1}
