"""A run on recorded trades: they are the market, and the book around them is what an order meets."""

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs
from nautilus_trader.model.data import CustomData, DataType, QuoteTick
from nautilus_trader.persistence.catalog import ParquetDataCatalog

from helios_nautilus.actors.replay import PredictionReplay, ReplayConfig
from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.amounts import exact
from helios_nautilus.config import (
    AccountSection,
    DataSection,
    HeliosConfig,
    ModelSection,
    TrainingSection,
    Window,
)
from helios_nautilus.domain.bars import BUY, SELL, MarketData, Trades
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_MS, NS_PER_SEC
from helios_nautilus.errors import NotEnoughHistoryError
from helios_nautilus.history.catalogue import load_market_data
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import FillRecord, PositionRecord
from helios_nautilus.messages import HELIOS_CLIENT, Prediction
from helios_nautilus.node.backtest import Market, build_engine, check_tape
from helios_nautilus.node.opening import opening_quotes, tape_quotes
from tests.fakes import (
    BTC,
    MODEL_ID,
    Candle,
    YesMen,
    at,
    bars_of,
    engine_bars,
    flat,
    helios,
    prediction,
    terms,
    trade_ticks,
)

M = 1_000_000.0
BITCOIN = build_instrument(BTC.value)
type Sale = tuple[float, float, int]
"""Minute, price, aggressor."""


def tape(*sales: Sale, size: float = 0.001) -> Trades:
    minutes, prices, sides = zip(*sales, strict=True)
    return Trades(
        ts_ns=np.array([at(minute) for minute in minutes]),
        price=np.array(prices),
        size=np.full(len(sales), size),
        side=np.array(sides, dtype=np.int8),
    )


def prices(quotes: list[QuoteTick]) -> list[tuple[float, float, float]]:
    """Minute, bid, ask."""
    return [((q.ts_init - at(0)) / NS_PER_MIN, exact(q.bid_price), exact(q.ask_price)) for q in quotes]


# The book that is not recorded


def test_a_bar_opens_with_a_quote_half_a_spread_around_its_open() -> None:
    bars = bars_of([(M, M, M, M), (M + 500, M + 900, M, M + 700)])

    (quote,) = opening_quotes(BITCOIN, bars, NS_PER_MIN, 0.001)

    assert (quote.ts_init, quote.bid_price, quote.ask_price) == (at(1) + NS_PER_MS, 999_500, 1_001_500)
    assert quote.bid_size == quote.ask_size == 100, "the volume of the bar before"


def test_where_the_next_bar_is_missing_the_book_stays_around_the_last_close_until_trading_goes_on() -> None:
    bars = bars_of([*flat(M, 2), *flat(2 * M, 3)], missing=[3])

    found = prices(opening_quotes(BITCOIN, bars, NS_PER_MIN, 0.001))

    assert [(round(minute, 2), bid) for minute, bid, _ in found] == [
        (1.0, 999_000),
        (2.0, 999_000),
        (3.0, 1_998_000),
        (4.0, 1_998_000),
    ]


def test_a_buyers_trade_lies_at_the_ask_a_sellers_at_the_bid_and_any_other_in_the_middle() -> None:
    trades = tape((1.1, M, BUY), (1.2, M, SELL), (1.3, M, 0))

    found = prices(tape_quotes(BITCOIN, trades, bars_of(flat(M, 2)), 0.001))

    books = [(bid, ask) for _, bid, ask in found]
    assert books[::2] == [(998_000, M), (M, 1_002_000), (999_000, 1_001_000)]
    assert books[1::2] == books[::2], "each once with the trade and once after it"


def test_before_the_first_bar_is_complete_there_is_no_size_to_quote() -> None:
    trades = tape((0.5, M, BUY), (1.0, M, BUY))

    assert len(tape_quotes(BITCOIN, trades, bars_of(flat(M, 2)), 0.001)) == 2


# Trading on the tape


def config(catalog: Path, plan: ExitPlan, *, trades: bool = True) -> HeliosConfig:
    window = Window(start="2026-01-05", end="2026-01-05T01:00")
    return HeliosConfig(
        name="tape",
        data=DataSection(catalog=catalog, instruments=(BTC.value,), trades=trades),
        account=AccountSection(),
        backtest=window,
        plan=plan,
        training=TrainingSection(window=Window(start="2026-01-01", end="2026-01-05")),
        model=ModelSection(folder=catalog / "model"),
    )


def run_on_tape(
    folder: Path, candles: list[Candle], sales: list[Sale], *, price: float = M, plan: ExitPlan | None = None
) -> MemoryJournal:
    """The engine as a backtest builds it, from a catalogue; a BUY of 0.01 BTC is predicted after five minutes."""
    journal, settings = MemoryJournal(), config(folder, plan or ExitPlan(hold_mins=120))
    store(folder, candles, tape(*sales))
    window = load_market_data(folder, settings.data.instruments, trades=True)
    market = Market(instruments={BTC.value: BITCOIN}, history={}, window=window, terms=())
    node, engine = build_engine(settings, market)
    engine.add_actor(YesMen(terms(notional=10_000)))
    engine.add_actor(PredictionReplay(ReplayConfig(model_ids=(MODEL_ID,)), journal))
    engine.add_strategy(helios(journal, instrument_ids=(BTC,), plan=settings.plan))
    said = prediction(BTC, minute=5, price=price)
    engine.add_data([CustomData(DataType(Prediction), said)], client_id=HELIOS_CLIENT, sort=False)
    node.run()
    node.dispose()
    return journal


def store(folder: Path, candles: list[Candle], trades: Trades) -> None:
    catalogue = ParquetDataCatalog(folder)
    catalogue.write_data([BITCOIN])
    catalogue.write_data(engine_bars(BITCOIN, bars_of(candles)))
    catalogue.write_data(trade_ticks(BITCOIN, trades))


def test_an_entry_meets_the_book_around_the_first_trade_after_its_latency(tmp_path: Path) -> None:
    candles = [*flat(M, 5), (1_000_200.0, 1_000_300.0, 1_000_200.0, 1_000_300.0), *flat(1_000_300, 4)]
    # The order is under way from 5:00.000 to 5:00.250.
    sales = [(4.9, M, BUY), (5 + 0.1 / 60, 1_000_200.0, BUY), (5 + 1 / 60, 1_000_300.0, SELL), (9.5, 1_000_300.0, BUY)]

    (fill,) = run_on_tape(tmp_path, candles, sales).of(FillRecord)

    assert fill.price == 1_001_300, "a seller's 1 000 300 is the bid; the ask is a spread of 0.1 % above"
    assert fill.ts_ns == at(5) + NS_PER_SEC


def test_an_order_larger_than_the_last_trade_is_filled_from_the_book_around_it(tmp_path: Path) -> None:
    sales = [(4.9, M, BUY), (5.1, M, BUY), (9.5, M, BUY)]  # of 0.001 each; the last bar's volume is 100

    (fill,) = run_on_tape(tmp_path, flat(M, 10), sales).of(FillRecord)

    assert float(fill.quantity) == pytest.approx(0.01)


def test_a_stop_fills_when_the_trade_comes_that_reaches_it(tmp_path: Path) -> None:
    candles = [*flat(M, 7), (M, M, 970_000.0, 990_000.0), *flat(990_000, 2)]
    sales = [(4.9, M, BUY), (5.1, M, BUY), (7 + 1 / 3, 970_000.0, SELL), (7.5, 990_000.0, BUY), (9.5, 990_000.0, BUY)]

    (position,) = run_on_tape(tmp_path, candles, sales).of(PositionRecord)

    assert (position.close_reason, position.ts_ns) == ("STOP_LOSS", at(7 + 1 / 3))
    assert position.exit_price == pytest.approx(970_000)


def test_a_target_fills_at_its_price_on_a_trade_beyond_it(tmp_path: Path) -> None:
    candles = [*flat(M, 7), (M, 1_060_000.0, M, 1_050_000.0), *flat(1_050_000, 2)]
    sales = [(4.9, M, BUY), (5.1, M, BUY), (7.2, 1_060_000.0, BUY), (9.5, 1_050_000.0, BUY)]

    (position,) = run_on_tape(tmp_path, candles, sales).of(PositionRecord)

    assert (position.close_reason, position.ts_ns) == ("TAKE_PROFIT", at(7.2))
    assert position.exit_price == pytest.approx(1_040_000)


def test_a_bar_does_not_trade_its_minute_once_more_at_its_close(tmp_path: Path) -> None:
    # The low came before the maker's order reached the venue: only a bar played again could fill it.
    candles = [*flat(M, 5), (998_000.0, 1_000_500.0, 998_000.0, 1_000_500.0), *flat(1_000_500, 4)]
    sales = [(4.9, M, BUY), (5 + 0.1 / 60, 998_000.0, SELL), (5.1, 1_000_500.0, BUY), (9.5, 1_000_500.0, BUY)]

    journal = run_on_tape(
        tmp_path, candles, sales, price=998_500.0, plan=ExitPlan(hold_mins=120, entry="maker", maker_wait_secs=120)
    )

    assert journal.of(FillRecord) == []


def test_a_run_on_trades_that_are_not_there_is_refused(tmp_path: Path) -> None:
    settings = config(tmp_path, ExitPlan())
    bars = bars_of(flat(M, 180))
    partial = tape((0.5, M, BUY), (60.0, M, BUY))

    for trades in (None, partial):
        data = MarketData(instrument_id=BTC.value, bars=bars, trades=trades)
        with pytest.raises(NotEnoughHistoryError, match=r"does not have the trades of BTCZAR\.VALR"):
            check_tape(settings, BTC.value, data)
    check_tape(settings, BTC.value, structs.replace(data, trades=tape((0.5, M, BUY), (179.0, M, BUY))))
