"""Instruments and the past (D01 to D03, D13, D21, D31, D41, D53, D72) as a strategy in a real node asks for them."""

import asyncio
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pandas as pd

from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_MIN
from tests.venue.node import BTCZAR, PERPETUAL, Floor, Node
from tests.venue.watching import Replica, book_of, figures, is_snapshot, minutes, trades_of, watching

PAST_SECS = 1500.0
"""Of the venue's own tape, behind a day of recorded minutes."""


async def ask(node: Node, what: str, instrument: str = BTCZAR, **terms: Any) -> list[dict[str, Any]]:
    """The data of one answer."""
    answers, seen = len(node.of("Answered")), len(node.seen)
    node.tell("request", what=what, instrument=instrument, **terms)
    await node.until(lambda: len(node.of("Answered")) > answers, lambda: f"{what} was not answered")
    return [each for each in node.seen[seen:] if each["kind"].startswith("Past")]


def iso(time_ns: int) -> str:
    return pd.Timestamp(time_ns, tz="UTC").isoformat()


def leave_out(floor: Floor, start_ns: int) -> None:
    """Make a minute one in which nothing was traded."""
    store = floor.exchange.venue.candles["BTCZAR"]
    between = store.between
    store.between = lambda *range_ns: [  # type: ignore[method-assign]
        candle for candle in between(*range_ns) if candle.start_ns != start_ns
    ]


def test_d01_all_active_pairs_are_instruments_of_their_kind_and_d03_one_more_is_loaded_by_its_id() -> None:
    async def scenario() -> None:
        async with watching(instruments=()) as floor:
            pairs = floor.exchange.venue.listing.pairs
            shown = await floor.node.show()
            assert shown.books.keys() == {f"{symbol}.VALR" for symbol, pair in pairs.items() if pair.active}

            inactive = next(symbol for symbol, pair in pairs.items() if not pair.active)
            await ask(floor.node, "instrument", f"{inactive}.VALR")
            shown = await floor.node.show()
            assert f"{inactive}.VALR" in shown.books

            await ask(floor.node, "instrument", PERPETUAL)
            [perpetual] = floor.node.of("CryptoPerpetual")
            listed = pairs["BTCUSDTPERP"]
            assert Decimal(perpetual["price_increment"]) == listed.tick
            assert (perpetual["quote_currency"], perpetual["is_inverse"]) == (listed.quote, False)

    asyncio.run(scenario())


def test_d02_a_changed_instrument_is_told_to_those_who_subscribed_and_an_unchanged_one_is_not() -> None:
    async def scenario() -> None:
        often = {"update_instruments_interval_mins": 0.04}
        async with watching(instruments=(BTCZAR, PERPETUAL), data=often) as floor:
            node, pairs = floor.node, floor.exchange.venue.listing.pairs
            for instrument in (BTCZAR, PERPETUAL):
                node.tell("subscribe", what="instrument", instrument=instrument)
            await node.until(lambda: node.of("CurrencyPair") and node.of("CryptoPerpetual"))
            told = len(node.of("CryptoPerpetual"))
            pairs["BTCZAR"] = msgspec.structs.replace(pairs["BTCZAR"], tick=Decimal(10))
            await node.until(lambda: node.of("CurrencyPair")[-1]["price_increment"] == "10")
            assert len(node.of("CryptoPerpetual")) == told

    asyncio.run(scenario())


def test_d13_a_snapshot_is_the_venues_book_once_by_rest_and_once_out_of_the_verified_stream() -> None:
    async def scenario() -> None:
        async with watching() as floor:
            [by_rest] = await ask(floor.node, "snapshot")
            assert is_snapshot(by_rest)
            floor.node.tell("subscribe", what="deltas", instrument=BTCZAR)
            await floor.node.until(lambda: floor.node.of("OrderBookDeltas"))
            [streamed] = await ask(floor.node, "snapshot")
            assert is_snapshot(streamed)
            # The stream's sequence, which the other route does not know.
            last = floor.node.of("OrderBookDeltas")[-1]["deltas"][-1]["sequence"]
            assert (by_rest["deltas"][0]["sequence"], streamed["deltas"][0]["sequence"]) == (0, last)
            shown = await floor.node.show()
            replica = Replica()
            replica.apply(streamed)
            assert replica.book == book_of(shown.books[BTCZAR])

    asyncio.run(scenario())


def test_d31_trades_of_a_range_come_over_several_pages_each_once_oldest_first() -> None:
    async def scenario() -> None:
        async with watching(past_secs=PAST_SECS) as floor:
            # The public route's answers are up to 30 s old; nothing younger is asked for.
            end_ns = floor.exchange.venue.now_ns
            start_ns = end_ns - 20 * NS_PER_MIN
            trades = await ask(floor.node, "trades", start=iso(start_ns), end=iso(end_ns))
            truth = [trade.trade_id for trade in trades_of(floor) if start_ns <= trade.traded_ns <= end_ns]
            assert [trade["trade_id"] for trade in trades] == truth
            assert len(trades) > 200
            assert {trade["aggressor_side"] for trade in trades} == {"BUYER", "SELLER"}
            assert all(start_ns <= trade["ts_event"] <= end_ns for trade in trades)

    asyncio.run(scenario())


def test_d41_bars_of_a_range_are_the_venues_minutes_with_none_invented_and_none_missing() -> None:
    async def scenario() -> None:
        async with watching(past_secs=PAST_SECS) as floor:
            # Eleven hours are three questions, and reach from the recorded minutes into the venue's own.
            end_ns = floor.exchange.venue.now_ns // NS_PER_MIN * NS_PER_MIN
            start_ns = end_ns - 11 * NS_PER_HOUR
            quiet_ns = end_ns - 5 * NS_PER_MIN
            leave_out(floor, quiet_ns - NS_PER_MIN)
            bars = await ask(floor.node, "bars", start=iso(start_ns))
            last_ns = bars[-1]["ts_event"]
            assert last_ns in (end_ns, end_ns + NS_PER_MIN)
            assert figures(bars) == minutes(floor, start_ns, last_ns)
            closes = [bar["ts_event"] for bar in bars]
            gaps = [(before, after) for before, after in pairwise(closes) if after - before != NS_PER_MIN]
            assert gaps == [(quiet_ns - NS_PER_MIN, quiet_ns + NS_PER_MIN)]
            assert closes[0] == start_ns

    asyncio.run(scenario())


def test_d53_past_funding_rates_are_the_venues_hours() -> None:
    async def scenario() -> None:
        async with watching(instruments=(PERPETUAL,)) as floor:
            perpetuals, now_ns = floor.exchange.venue.perpetuals, floor.exchange.venue.now_ns
            last_ns = now_ns // NS_PER_HOUR * NS_PER_HOUR
            hours = [last_ns - back * NS_PER_HOUR for back in range(150)][::-1]
            rates = await ask(floor.node, "funding", PERPETUAL, start=iso(hours[0]), end=iso(last_ns))
            found = {rate["ts_event"]: Decimal(rate["rate"]) for rate in rates}
            paid = {hour_ns: perpetuals.rate("BTCUSDTPERP", hour_ns) for hour_ns in hours}
            assert found == {hour_ns: rate for hour_ns, rate in paid.items() if rate}
            assert list(found) == sorted(found)
            assert len(found) > 100

    asyncio.run(scenario())


def test_d21_what_is_not_offered_gets_a_clear_word_and_no_made_up_answer() -> None:
    async def scenario() -> None:
        async with watching() as floor:
            node, since = floor.node, iso(floor.exchange.venue.now_ns - NS_PER_HOUR)
            node.tell("request", what="quotes", instrument=BTCZAR, start=since)
            node.tell("request", what="bars", instrument=BTCZAR, start=since, step="2-MINUTE")
            node.tell("request", what="funding", instrument=BTCZAR, start=since)
            said = b"past quotes: not offered by VALR", b"VALR keeps 1, 5, 15", b"it is not a perpetual"
            await node.until(lambda: all(words in node.log for words in said))
            await ask(node, "instrument")
            assert [each["what"] for each in node.of("Answered")] == ["instrument"]
            assert not [each for each in node.seen if each["kind"].startswith("Past")]

    asyncio.run(scenario())


def test_d72_parameters_of_a_request_come_back_with_its_answer() -> None:
    async def scenario() -> None:
        async with watching() as floor:
            since = iso(floor.exchange.venue.now_ns - NS_PER_MIN)
            await ask(floor.node, "trades", start=since, mark=1)
            await ask(floor.node, "bars", start=since, mark=2)
            await ask(floor.node, "snapshot", mark=3)
            await ask(floor.node, "instrument", mark=4)
            assert [each["params"]["mark"] for each in floor.node.of("Response")] == [1, 2, 3, 4]

    asyncio.run(scenario())
