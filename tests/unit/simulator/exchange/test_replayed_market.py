"""The replayed market: it rebuilds what was recorded, and fills customers by price and time."""

from decimal import Decimal

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.domain.bars import BUY as BUYER
from helios_nautilus.domain.bars import SELL as SELLER
from helios_nautilus.domain.bars import Bars, BookDepths, MarketData, Trades
from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_MIN, NS_PER_SEC
from helios_nautilus.errors import ConfigError
from helios_nautilus.simulator.exchange.desk import Desk
from helios_nautilus.simulator.exchange.events import CandleClosed, RunCompleted
from helios_nautilus.simulator.exchange.opening import open_account, open_venue
from helios_nautilus.simulator.exchange.orders import Order, Side, Status
from helios_nautilus.simulator.exchange.replay import Print, replay
from helios_nautilus.simulator.exchange.venue import Venue
from tests.unit.simulator.exchange.floor import LISTING

PAIR = LISTING.pairs["BTCZAR"]
START_NS = 1_767_225_600 * NS_PER_SEC


def bars(rows: list[tuple[float, float, float, float, float]]) -> Bars:
    columns = np.array(rows, dtype=np.float64).T
    stamps = START_NS + NS_PER_MIN * np.arange(1, len(rows) + 1)
    names = ("open", "high", "low", "close", "volume")
    return Bars(ts_ns=stamps, **dict(zip(names, columns, strict=True)))


def quiet(count: int, price: float = 1_000_000) -> list[tuple[float, float, float, float, float]]:
    """Bars that trade only before the exchange opens, where they tell the size of its levels."""
    return [(price, price, price, price, 100.0 if i < 2 else 0.0) for i in range(count)]


def market(*trades: tuple[float, float, float, int], minutes: int = 10) -> MarketData:
    """Quiet minutes, and trades of (seconds after the second minute, price, size, side)."""
    seconds, price, size, side = (np.array(column) for column in zip(*trades, strict=True))
    stamps = START_NS + 2 * NS_PER_MIN + (seconds * NS_PER_SEC).astype(np.int64)
    tape = Trades(ts_ns=stamps, price=price.astype(float), size=size.astype(float), side=side.astype(np.int8))
    return MarketData(instrument_id="BTCZAR.VALR", bars=bars(quiet(minutes)), trades=tape)


class Trader:
    """An account at an exchange that replays one market."""

    def __init__(self, data: MarketData, symbol: str = "BTCZAR") -> None:
        self.venue: Venue = open_venue({symbol: data}, opens_ns=START_NS + 2 * NS_PER_MIN)
        self.account = self.venue.accounts[open_account(self.venue, label="trader").account_id]
        self.desk = Desk(self.venue)

    def place(self, side: str, quantity: str, price: str, pair: str = "BTCZAR") -> Order:
        body = {"side": side, "quantity": quantity, "price": price, "pair": pair}
        order = self.desk.draft_limit(self.account, body)
        self.desk.place(order)
        return order


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.integers(990_000, 1_010_000), st.integers(0, 500), st.integers(0, 500), st.integers(0, 500_000_000)
        ),
        min_size=1,
        max_size=5,
    ),
    st.integers(0, 2**32),
)
def test_prints_drawn_from_a_bar_rebuild_it(rows: list[tuple[int, int, int, int]], seed: int) -> None:
    recorded = bars([(o, o + up, o - down, o + (up - down) // 2, lots / 1e8) for o, up, down, lots in rows])
    data = MarketData(instrument_id="BTCZAR.VALR", bars=recorded)
    prints = list(replay(data, PAIR, np.random.default_rng(seed), START_NS, 0))
    for i in range(len(rows)):
        mine = [
            one for one in prints if isinstance(one, Print) and one.at_ns // NS_PER_MIN == START_NS // NS_PER_MIN + i
        ]
        prices = [float(one.price) for one in mine]
        assert sum((one.quantity for one in mine), Decimal(0)) == round(Decimal(repr(float(recorded.volume[i]))), 8)
        if len(mine) > 1:
            found = prices[0], max(prices), min(prices), prices[-1]
            assert found == (recorded.open[i], recorded.high[i], recorded.low[i], recorded.close[i])


def test_an_order_the_market_trades_through_is_filled_at_its_price() -> None:
    trader = Trader(market((10, 999_000, 5.0, SELLER), (20, 998_000, 5.0, SELLER)))
    order = trader.place("BUY", "0.5", "999500")
    trader.venue.advance(trader.venue.now_ns + NS_PER_MIN)
    assert (order.status, order.average_price) == (Status.FILLED, 999_500)


def test_an_order_behind_the_queue_waits_for_what_was_there_before() -> None:
    trader = Trader(market((10, 999_900, 0.000_01, SELLER), (20, 999_900, 50.0, SELLER)))
    ahead = trader.venue.engine.books["BTCZAR"].total_at(Side.BUY, Decimal(999_900))
    assert ahead > Decimal("0.00001")
    order = trader.place("BUY", "0.5", "999900")
    trader.venue.advance(trader.venue.now_ns + 15 * NS_PER_SEC)
    assert order.status is Status.PLACED
    trader.venue.advance(trader.venue.now_ns + NS_PER_MIN)
    assert order.status is Status.FILLED


def test_a_better_priced_order_takes_its_share_of_the_recorded_size() -> None:
    trader = Trader(market((10, 999_900, 0.3, SELLER)))
    order = trader.place("BUY", "0.5", "999950")
    trader.venue.advance(trader.venue.now_ns + NS_PER_MIN)
    assert (order.status, order.executed) == (Status.PARTIALLY_FILLED, Decimal("0.3"))


def test_a_taker_eats_the_ladder_and_the_market_comes_back() -> None:
    trader = Trader(market((30, 1_000_000, 1.0, BUYER)))
    order = trader.place("BUY", "0.5", "1100000")
    assert order.status is Status.FILLED
    trader.venue.advance(trader.venue.now_ns + NS_PER_MIN)
    book = trader.venue.engine.books["BTCZAR"]
    assert len(list(book.levels(Side.SELL))) >= 39


def test_the_market_may_move_away_from_levels_that_a_taker_has_eaten() -> None:
    data = market((10, 1_000_000, 0.01, BUYER), (20, 1_020_000, 0.01, BUYER))
    thin = msgspec.structs.replace(data.bars, volume=data.bars.volume / 1000)
    trader = Trader(msgspec.structs.replace(data, bars=thin))
    trader.venue.advance(trader.venue.now_ns + 15 * NS_PER_SEC)
    book = trader.venue.engine.books["BTCZAR"]
    best = next(book.levels(Side.BUY))
    trader.place("SELL", "0.05", "999000")
    assert next(book.levels(Side.BUY)).price < best.price
    trader.venue.advance(trader.venue.now_ns + 10 * NS_PER_SEC)
    assert trader.venue.engine.margin.last_prices["BTCZAR"] == Decimal(1_020_000)


def test_recorded_depth_is_shown_level_by_level() -> None:
    prices = np.arange(10) * 100.0
    sizes = np.full((1, 10), 0.25)
    depths = BookDepths(
        ts_ns=np.array([START_NS + 2 * NS_PER_MIN + NS_PER_SEC]),
        bid_price=(999_900 - prices)[None],
        bid_size=sizes,
        ask_price=(1_000_100 + prices)[None],
        ask_size=sizes,
    )
    trader = Trader(MarketData(instrument_id="BTCZAR.VALR", bars=bars(quiet(10)), books=depths))
    trader.venue.advance(trader.venue.now_ns + 2 * NS_PER_SEC)
    book = trader.venue.engine.books["BTCZAR"]
    assert [(level.price, level.total) for level in book.levels(Side.BUY)] == [
        (999_900 - 100 * i, Decimal("0.25")) for i in range(10)
    ]


def depths(*seconds: float, bid: float, ask: float) -> BookDepths:
    """Books of three levels ten cents apart, at seconds after the second minute."""
    steps = np.arange(3) / 10
    sizes = np.full((len(seconds), 3), 0.25)
    return BookDepths(
        ts_ns=START_NS + 2 * NS_PER_MIN + (np.array(seconds) * NS_PER_SEC).astype(np.int64),
        bid_price=np.tile(bid - steps, (len(seconds), 1)),
        bid_size=sizes,
        ask_price=np.tile(ask + steps, (len(seconds), 1)),
        ask_size=sizes,
    )


def test_a_recorded_book_finer_than_the_pairs_grid_stays_uncrossed_and_whole() -> None:
    data = market((1, 1_000_000.4, 0.1, BUYER))
    trader = Trader(msgspec.structs.replace(data, books=depths(0.5, bid=1_000_000.3, ask=1_000_000.4)))
    trader.venue.advance(trader.venue.now_ns + NS_PER_SEC // 2)
    book = trader.venue.engine.books["BTCZAR"]
    levels = [[(level.price, level.total) for level in book.levels(side)] for side in Side]
    assert levels == [[(1_000_000, Decimal("0.75"))], [(1_000_001, Decimal("0.75"))]]
    trader.venue.advance(trader.venue.now_ns + NS_PER_SEC)
    (trade,) = trader.venue.trades["BTCZAR"].page(skip=0, limit=5, start_ns=None, end_ns=None, before_id=None)
    assert (trade.price, trade.taker_side) == (1_000_001, Side.BUY)


def test_the_ladder_is_drawn_again_once_the_recorded_book_has_ended() -> None:
    data = market((10, 1_000_000, 0.1, BUYER), (100, 1_000_100, 0.1, BUYER))
    trader = Trader(msgspec.structs.replace(data, books=depths(1, bid=999_999, ask=1_000_001)))
    book = trader.venue.engine.books["BTCZAR"]
    trader.venue.advance(trader.venue.now_ns + 20 * NS_PER_SEC)
    assert len(list(book.levels(Side.BUY))) < 5
    trader.venue.advance(trader.venue.now_ns + 2 * NS_PER_MIN)
    assert len(list(book.levels(Side.BUY))) >= 39


def test_minutes_after_the_last_recorded_trade_are_drawn_from_their_bars() -> None:
    data = market((10, 1_000_000, 0.1, BUYER))
    rows = [*quiet(3), (1_000_000.0, 1_000_010.0, 999_990.0, 1_000_005.0, 2.0)]
    data = msgspec.structs.replace(data, bars=bars(rows))
    steps = list(replay(data, PAIR, np.random.default_rng(1), START_NS + 2 * NS_PER_MIN, 0))
    minutes = [(step.at_ns - START_NS) // NS_PER_MIN for step in steps]
    assert minutes[0] == 2
    assert set(minutes[1:]) == {3}


def test_candles_of_60_and_300_seconds_close_on_the_clock() -> None:
    trader = Trader(market((10, 1_000_000, 1.0, BUYER)))
    closed: list[CandleClosed] = []
    trader.venue.listen(lambda event: closed.append(event) if isinstance(event, CandleClosed) else None)
    trader.venue.advance(START_NS + 5 * NS_PER_MIN)
    found = [(one.period_secs, (one.start_ns - START_NS) // NS_PER_MIN) for one in closed if one.symbol == "BTCZAR"]
    assert found == [(60, 2), (60, 3), (60, 4), (300, 0)]


def test_longs_pay_shorts_at_the_hour_and_the_pnl_run_starts_a_new_session() -> None:
    data = MarketData(
        instrument_id="BTCUSDTPERP.VALR",
        bars=bars([(100_000 + i, 100_000 + i, 100_000 + i, 100_000 + i, 1.0) for i in range(300)]),
    )
    trader = Trader(data, "BTCUSDTPERP")
    trader.place("BUY", "0.01", "101000", "BTCUSDTPERP")
    runs: list[RunCompleted] = []
    trader.venue.listen(lambda event: runs.append(event) if isinstance(event, RunCompleted) else None)
    trader.venue.advance(START_NS + 4 * NS_PER_HOUR)
    account_id = trader.account.account_id
    position = trader.venue.engine.positions.get(account_id, "BTCUSDTPERP")
    assert position is not None
    paid = trader.venue.perpetuals.funding[account_id]
    assert paid
    assert all(one.amount == -one.rate * one.value for one in paid)
    runs = [run for run in runs if run.symbol == "BTCUSDTPERP"]
    assert [run.kind for run in runs] == ["FUNDING"] * 4 + ["PNL"]
    assert position.session_entry_price == runs[-1].price != position.average_entry_price
    sums, deposits = trader.venue.engine.ledger.sums(), trader.venue.engine.ledger.deposits
    assert sums["USDT"] == deposits["USDT"]


def test_a_recording_moved_to_now_keeps_its_minutes() -> None:
    now_ns = 1_800_000_030 * NS_PER_SEC
    venue = open_venue(
        {"BTCZAR": market((10, 1_000_000, 1.0, BUYER))}, opens_ns=START_NS + 2 * NS_PER_MIN, now_ns=now_ns
    )
    venue.advance(now_ns)
    assert venue.now_ns == now_ns
    trades = venue.trades["BTCZAR"].page(skip=0, limit=5, start_ns=None, end_ns=None, before_id=None)
    assert {trade.traded_ns for trade in trades} == {now_ns // NS_PER_MIN * NS_PER_MIN + 10 * NS_PER_SEC}


@pytest.mark.parametrize("symbol", ["NOPEZAR", "LTCBTC"])
def test_a_market_the_exchange_does_not_list_cannot_be_opened(symbol: str) -> None:
    with pytest.raises(ConfigError, match=symbol):
        open_venue({symbol: market((10, 1_000_000, 1.0, BUYER))})
