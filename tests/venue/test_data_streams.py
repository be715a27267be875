"""Trades, bars, marks, funding and status (D30, D40, D50 to D61, D70, D71) as a strategy in a real node sees them."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from helios_nautilus.domain.timeframe import NS_PER_HOUR
from tests.venue.node import BTCZAR, ETHZAR, PERPETUAL, Floor
from tests.venue.watching import FAST, assert_no_trade_is_missing, figures, minutes, overhear, trades_of, watching


def test_d30_trades_have_the_venues_ids_aggressors_and_times_and_none_is_left_out() -> None:
    async def scenario() -> None:
        async with watching(**FAST) as floor:
            node = floor.node
            node.tell("subscribe", what="trades", instrument=BTCZAR)
            await node.until(lambda: len(node.of("TradeTick")) > 50)

            assert_no_trade_is_missing(floor)
            sides = {"buy": "BUYER", "sell": "SELLER"}
            truth = {one.trade_id: (one.price, one.quantity, sides[one.taker_side.value]) for one in trades_of(floor)}
            for tick in node.of("TradeTick"):
                told = Decimal(tick["price"]), Decimal(tick["size"]), tick["aggressor_side"]
                assert told == truth[tick["trade_id"]]
            stamps = [each["ts_event"] for each in node.of("TradeTick")]
            assert stamps == sorted(stamps)

    asyncio.run(scenario())


def test_d40_bars_are_the_venues_minutes_each_once_and_stamped_with_their_close() -> None:
    async def scenario() -> None:
        async with watching(**FAST) as floor:
            node = floor.node
            node.tell("subscribe", what="bars", instrument=BTCZAR)
            await node.until(lambda: len(node.of("Bar")) > 15)
            bars = node.of("Bar")
            assert figures(bars) == minutes(floor, bars[0]["ts_event"], bars[-1]["ts_event"])

    asyncio.run(scenario())


def test_d50_d52_a_perpetual_has_mark_prices_and_a_funding_rate_which_is_told_anew_after_its_payment() -> None:
    async def scenario() -> None:
        # A few venue minutes after the start an hour ends, and with it funding is paid.
        past_secs = 4 * 3600.0 + time.time() % 3600.0 + 900.0
        data = {"funding_interval_secs": 20.0}
        async with watching(speed=240.0, past_secs=past_secs, instruments=(PERPETUAL,), data=data) as floor:
            node, perpetuals = floor.node, floor.exchange.venue.perpetuals
            marks = {mark_of(floor)}
            floor.exchange.venue.listen(lambda _: marks.add(mark_of(floor)))
            for what in ("marks", "funding"):
                node.tell("subscribe", what=what, instrument=PERPETUAL)
            await node.until(lambda: len(node.of("MarkPriceUpdate")) > 50 and len(node.of("FundingRateUpdate")) > 1)
            assert {Decimal(each["value"]) for each in node.of("MarkPriceUpdate")} <= marks

            hours = [each["next_funding_ns"] for each in node.of("FundingRateUpdate")]
            assert [later - earlier for earlier, later in pairwise(hours)] == [NS_PER_HOUR]
            for update in node.of("FundingRateUpdate"):
                assert Decimal(update["rate"]) == perpetuals.rate("BTCUSDTPERP", update["next_funding_ns"])

    asyncio.run(scenario())


def test_d51_d61_what_is_not_offered_is_refused_with_a_clear_word_and_nothing_comes() -> None:
    async def scenario() -> None:
        async with watching(**FAST) as floor:
            node = floor.node
            for what in ("indexes", "closes", "marks", "funding"):
                node.tell("subscribe", what=what, instrument=BTCZAR)
            said = (
                b"index prices: not offered by VALR",
                b"close: VALR trades around the clock",
                b"has no mark prices: it is not a perpetual",
                b"has no funding rates: it is not a perpetual",
            )
            await node.until(lambda: all(words in node.log for words in said))
            node.tell("subscribe", what="trades", instrument=BTCZAR)
            await node.until(lambda: len(node.of("TradeTick")) > 5)
            assert {each["kind"] for each in node.seen} == {"Started", "Reached", "TradeTick"}

    asyncio.run(scenario())


def test_d60_maintenance_halts_an_instrument_and_its_end_lets_it_trade() -> None:
    async def scenario() -> None:
        async with watching(data={"status_interval_secs": 0.2}) as floor:
            node = floor.node
            node.tell("subscribe", what="status", instrument=BTCZAR)
            await node.until(lambda: len(node.of("InstrumentStatus")) == 1)
            floor.strike("maintenance", secs=1.5)
            await node.until(lambda: len(node.of("InstrumentStatus")) == 3)
            told = [(each["action"], each["is_trading"]) for each in node.of("InstrumentStatus")]
            assert told == [("TRADING", True), ("HALT", False), ("TRADING", True)]

    asyncio.run(scenario())


def test_d70_d71_all_is_subscribed_with_parameters_and_unsubscribed_when_the_node_stops() -> None:
    async def scenario() -> None:
        spot = {key: ["BTCZAR", "ETHZAR"] for key in ("OB_L1_DIFF", "NEW_TRADE", "NEW_TRADE_BUCKET")}
        perpetual = {key: ["BTCUSDTPERP"] for key in ("MARK_PRICE_UPDATE", "FUNDING_RUN_COMPLETED")}
        async with watching(instruments=(BTCZAR, ETHZAR, PERPETUAL)) as floor:
            node, heard = floor.node, overhear(floor.exchange)
            for what in ("deltas", "quotes", "depth", "trades", "bars", "status"):
                for instrument in (BTCZAR, ETHZAR):
                    node.tell("subscribe", what=what, instrument=instrument, mark="D71")
            for what in ("marks", "funding"):
                node.tell("subscribe", what=what, instrument=PERPETUAL, mark="D71")
            await node.until(lambda: pair_lists(heard) == spot | perpetual, lambda: str(pair_lists(heard)))
            assert len(node.of("Reached")) == 14
            assert all(each["params"]["mark"] == "D71" for each in node.of("Reached"))
        assert pair_lists(heard) == {key: [] for key in spot | perpetual}

    asyncio.run(scenario())


def pair_lists(heard: Sequence[tuple[Any, Mapping[str, Any]]]) -> dict[str, list[str]]:
    """The last complete list of pairs that was asked for, by event."""
    return {one["event"]: one["pairs"] for _, message in heard for one in message["subscriptions"]}


def mark_of(floor: Floor) -> Decimal:
    return floor.exchange.venue.engine.margin.mark_prices["BTCUSDTPERP"]
