"""Trades, bars, mark prices, funding and status as they happen."""

import pytest
from nautilus_trader.data.messages import (
    SubscribeBars,
    SubscribeFundingRates,
    SubscribeInstrumentStatus,
    SubscribeMarkPrices,
    SubscribeTradeTicks,
)
from nautilus_trader.model.data import Bar, BarType, FundingRateUpdate, InstrumentStatus, MarkPriceUpdate, TradeTick
from nautilus_trader.model.enums import AggressorSide, MarketStatusAction

from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.simulator.exchange.faults import Fault
from tests.integration.valr_data.harness import BTCZAR, OPENS_NS, PERP, Desk, running

MINUTES = BarType.from_str("BTCZAR.VALR-1-MINUTE-LAST-EXTERNAL")


async def test_trades_come_once_with_id_and_aggressor_although_frames_come_twice() -> None:
    async with running(Fault(kind="duplicate_frame", on="trade NEW_TRADE BTCZAR", nth=1, times=0)) as desk:
        desk.subscribe(SubscribeTradeTicks, BTCZAR)
        await desk.until(lambda: len(desk.of(TradeTick)) > 10, advance_secs=2.0)
        ids = [tick.trade_id.value for tick in desk.of(TradeTick)]
        assert len(set(ids)) == len(ids)
        assert {tick.aggressor_side for tick in desk.of(TradeTick)} == {AggressorSide.BUYER, AggressorSide.SELLER}
        assert all(tick.ts_event <= desk.exchange.venue.now_ns for tick in desk.of(TradeTick))


async def test_trades_go_on_after_a_forced_reconnect_each_once() -> None:
    async with running(Fault(kind="drop_socket", on="trade NEW_TRADE BTCZAR", nth=5)) as desk:
        desk.subscribe(SubscribeTradeTicks, BTCZAR)
        await desk.until(lambda: len(desk.of(TradeTick)) > 10, advance_secs=0.5)
        ids = [tick.trade_id.value for tick in desk.of(TradeTick)]
        assert len(set(ids)) == len(ids)
        assert [strike.kind for strike in desk.exchange.faults.strikes] == ["drop_socket"]


async def test_trades_of_a_gap_are_fetched_and_come_before_those_that_follow() -> None:
    async with running(with_key=True) as desk:
        desk.subscribe(SubscribeTradeTicks, BTCZAR)
        await desk.until(lambda: len(desk.of(TradeTick)) > 10, advance_secs=2.0)
        for session in desk.exchange._sockets.each("trade"):
            session.hang_up(1006)
        # More of them than fit on two pages.
        desk.exchange.advance(1_200.0)
        missed = len(trades_of_venue(desk))
        assert missed > 200
        await desk.until(lambda: len(desk.of(TradeTick)) > missed + 3, advance_secs=2.0)
        assert_trades_of_venue(desk)


async def test_without_a_key_the_trades_of_a_gap_come_from_the_public_route() -> None:
    async with running() as desk:
        desk.subscribe(SubscribeTradeTicks, BTCZAR)
        await desk.until(lambda: len(desk.of(TradeTick)) > 3, advance_secs=2.0)
        for session in desk.exchange._sockets.each("trade"):
            session.hang_up(1006)
        desk.exchange.advance(30.0)
        seen = len(desk.of(TradeTick))
        await desk.until(lambda: len(desk.of(TradeTick)) > seen + 3, advance_secs=2.0)
        assert_trades_of_venue(desk)


async def test_bars_are_the_venues_complete_minutes_stamped_with_their_close() -> None:
    async with running(speed=120.0) as desk:
        desk.subscribe(SubscribeBars, bar_type=MINUTES)
        await desk.until(lambda: len(desk.of(Bar)) >= 4)
        assert_bars_of_venue(desk)


async def test_bars_that_closed_before_the_subscription_come_first_if_they_are_wanted() -> None:
    since_ns = OPENS_NS - 10 * NS_PER_MIN
    async with running(speed=120.0, bars_since_ns=since_ns) as desk:
        desk.subscribe(SubscribeBars, bar_type=MINUTES)
        await desk.until(lambda: desk.of(Bar) and desk.of(Bar)[-1].ts_event > OPENS_NS + 4 * NS_PER_MIN)
        assert desk.of(Bar)[0].ts_event == since_ns + NS_PER_MIN
        assert_bars_of_venue(desk)


async def test_bars_of_a_gap_are_fetched_and_stay_in_order() -> None:
    # The venue's minute is half a second here: the gap until the second connection holds at least one close.
    drop = Fault(kind="drop_sockets", on="trade", after_secs=300.0)
    async with running(drop, Fault(kind="drop_sockets", on="trade", after_secs=301.0), speed=120.0) as desk:
        desk.subscribe(SubscribeBars, bar_type=MINUTES)
        await desk.until(lambda: len(desk.exchange.faults.strikes) == 2 and desk.of(Bar))
        closed_ns = desk.exchange.venue.now_ns
        await desk.until(lambda: desk.of(Bar)[-1].ts_event > closed_ns + 4 * NS_PER_MIN)
        assert_bars_of_venue(desk)


async def test_bars_whose_frames_were_lost_on_a_line_that_stands_are_fetched() -> None:
    lost = Fault(kind="drop_frame", on="trade NEW_TRADE_BUCKET*", after_secs=200.0, times=4)
    async with running(lost, speed=120.0) as desk:
        desk.subscribe(SubscribeBars, bar_type=MINUTES)
        await desk.until(lambda: len(desk.exchange.faults.strikes) == 4 and desk.of(Bar))
        lost_ns = desk.exchange.venue.now_ns
        await desk.until(lambda: desk.of(Bar)[-1].ts_event > lost_ns + 2 * NS_PER_MIN)
        assert_bars_of_venue(desk)


async def test_bars_before_the_subscription_are_asked_for_again_if_the_venue_does_not_answer_at_first() -> None:
    since_ns = OPENS_NS - 10 * NS_PER_MIN
    down = Fault(kind="error_before", on="GET /v1/public/BTCZAR/buckets*", status=503, times=2, probability=1.0)
    async with running(down, speed=120.0, bars_since_ns=since_ns, http_deadline_secs=0.1) as desk:
        desk.subscribe(SubscribeBars, bar_type=MINUTES)
        await desk.until(lambda: desk.of(Bar) and desk.of(Bar)[-1].ts_event > OPENS_NS + NS_PER_MIN)
        assert desk.of(Bar)[0].ts_event == since_ns + NS_PER_MIN
        assert_bars_of_venue(desk)


async def test_mark_prices_and_funding_of_a_perpetual() -> None:
    async with running(funding_interval_secs=0.05) as desk:
        desk.subscribe(SubscribeMarkPrices, PERP)
        desk.subscribe(SubscribeFundingRates, PERP)
        await desk.until(lambda: desk.of(MarkPriceUpdate) and desk.of(FundingRateUpdate), advance_secs=3.0)
        mark, funding = desk.of(MarkPriceUpdate)[-1], desk.of(FundingRateUpdate)[0]
        assert mark.instrument_id == funding.instrument_id == PERP
        assert mark.value > 0
        assert funding.interval == 60
        assert funding.next_funding_ns % (60 * NS_PER_MIN) == 0
        assert abs(funding.rate) < 1


async def test_a_spot_pair_has_no_mark_price() -> None:
    async with running() as desk:
        desk.subscribe(SubscribeMarkPrices, BTCZAR)
        desk.subscribe(SubscribeMarkPrices, PERP)
        await desk.until(lambda: desk.of(MarkPriceUpdate), advance_secs=3.0)
        desk.exchange.advance(30.0)
        await desk.until(lambda: len(desk.of(MarkPriceUpdate)) > 5, advance_secs=3.0)
        assert {mark.instrument_id for mark in desk.of(MarkPriceUpdate)} == {PERP}


async def test_maintenance_halts_an_instrument_and_its_end_lets_it_trade() -> None:
    maintenance = Fault(kind="maintenance", after_secs=60.0, secs=60.0)
    async with running(maintenance, status_interval_secs=0.02) as desk:
        desk.subscribe(SubscribeInstrumentStatus, BTCZAR)
        await desk.until(lambda: len(desk.of(InstrumentStatus)) == 1)
        desk.exchange.advance(61.0)
        await desk.until(lambda: len(desk.of(InstrumentStatus)) == 2)
        desk.exchange.advance(61.0)
        await desk.until(lambda: len(desk.of(InstrumentStatus)) == 3)
        assert [status.action for status in desk.of(InstrumentStatus)] == [
            MarketStatusAction.TRADING,
            MarketStatusAction.HALT,
            MarketStatusAction.TRADING,
        ]


@pytest.mark.parametrize("kind", ["error_before", "truncate_reply"])
async def test_trades_go_on_although_those_of_a_gap_cannot_be_had(kind: str) -> None:
    refusal = Fault(kind=kind, on="GET /v1/public/BTCZAR/trades", nth=1, times=0)
    async with running(refusal, http_deadline_secs=0.2) as desk:
        desk.subscribe(SubscribeTradeTicks, BTCZAR)
        await desk.until(lambda: len(desk.of(TradeTick)) > 3, advance_secs=2.0)
        seen = len(desk.of(TradeTick))
        for session in desk.exchange._sockets.each("trade"):
            session.hang_up(1006)
        await desk.until(lambda: len(desk.of(TradeTick)) > seen + 3, advance_secs=2.0)
        ticks = desk.of(TradeTick)
        assert len({tick.trade_id for tick in ticks}) == len(ticks)
        assert [tick.ts_event for tick in ticks] == sorted(tick.ts_event for tick in ticks)


def trades_of_venue(desk: Desk) -> list[tuple[str, int, bool]]:
    """Id, time and whether a buyer took, of all the venue has of the pair from the first one seen on."""
    first = desk.of(TradeTick)[0].trade_id.value
    newest_first = desk.exchange.venue.trades["BTCZAR"].page(
        skip=0, limit=20_000, start_ns=None, end_ns=None, before_id=None
    )
    rows = [(trade.trade_id, trade.traded_ns, str(trade.taker_side) == "buy") for trade in reversed(newest_first)]
    return rows[[row[0] for row in rows].index(first) :]


def assert_trades_of_venue(desk: Desk) -> None:
    """Every trade since the first one seen, once, in the venue's order, with the right aggressor."""
    ticks = desk.of(TradeTick)
    told = [(t.trade_id.value, t.ts_event, t.aggressor_side is AggressorSide.BUYER) for t in ticks]
    assert told == trades_of_venue(desk)[: len(told)]


def assert_bars_of_venue(desk: Desk) -> None:
    """Every minute since the first bar, once, equal to the venue's candle."""
    bars = desk.of(Bar)
    closes = [bar.ts_event for bar in bars]
    assert all((close_ns - OPENS_NS) % NS_PER_MIN == 0 for close_ns in closes)
    assert closes == sorted(set(closes))
    candles = desk.exchange.venue.candles["BTCZAR"].between(NS_PER_MIN, closes[0] - NS_PER_MIN, closes[-1] - NS_PER_MIN)
    expected = [(c.start_ns + NS_PER_MIN, float(c.open), float(c.high), float(c.low), float(c.close)) for c in candles]
    assert [(b.ts_event, float(b.open), float(b.high), float(b.low), float(b.close)) for b in bars] == expected
