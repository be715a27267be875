"""What is asked for: instruments, snapshots, and the past, exact at both ends."""

from decimal import Decimal

import msgspec
import pytest
from nautilus_trader.data.messages import (
    RequestBars,
    RequestFundingRates,
    RequestInstrument,
    RequestInstruments,
    RequestOrderBookSnapshot,
    RequestQuoteTicks,
    RequestTradeTicks,
    SubscribeInstrumentStatus,
)
from nautilus_trader.model.data import BarType, InstrumentStatus
from nautilus_trader.model.enums import MarketStatusAction
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.instruments import CryptoPerpetual, CurrencyPair, Instrument

from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_MIN
from tests.integration.valr_data.harness import BTCZAR, OPENS_NS, PERP, running

MINUTES = BarType.from_str("BTCZAR.VALR-1-MINUTE-LAST-EXTERNAL")


async def test_every_active_pair_is_an_instrument_of_its_kind() -> None:
    async with running() as desk:
        pairs = desk.exchange.venue.listing.pairs
        found = {instrument.id.symbol.value: instrument for instrument in desk.cache.instruments()}
        assert found.keys() == {symbol for symbol, pair in pairs.items() if pair.active}
        for symbol, instrument in found.items():
            assert isinstance(instrument, CryptoPerpetual if pairs[symbol].is_perpetual else CurrencyPair)
            assert instrument.info["fees_of"] == "first tier"


async def test_inactive_pairs_are_there_and_flagged_when_asked_for() -> None:
    async with running(include_inactive=True) as desk:
        pairs = desk.exchange.venue.listing.pairs
        flags = {instrument.id.symbol.value: instrument.info["active"] for instrument in desk.cache.instruments()}
        assert flags == {symbol: pair.active for symbol, pair in pairs.items()}
        assert not all(flags.values())


async def test_an_account_sees_its_own_fees() -> None:
    async with running(with_key=True) as desk:
        assert desk.cache.instrument(BTCZAR).info["fees_of"] == "account"


async def test_one_instrument_loads_by_its_id_and_another_when_it_is_first_needed() -> None:
    async with running(load_ids=frozenset({BTCZAR})) as desk:
        assert [instrument.id for instrument in desk.cache.instruments()] == [BTCZAR]
        response = await desk.request(RequestInstrument, instrument_id=PERP, start=None, end=None)
        assert response.data[0].id == PERP
        await desk.until(lambda: desk.cache.instrument(PERP))
        response = await desk.request(RequestInstruments, start=None, end=None)
        assert {instrument.id for instrument in response.data} > {BTCZAR, PERP}


async def test_bars_of_eleven_hours_come_over_several_questions_without_a_hole_and_exact_at_both_ends() -> None:
    async with running() as desk:
        start, end = desk.minute(-660), desk.minute(-1)
        response = await desk.request(RequestBars, bar_type=MINUTES, start=start, end=end, limit=0)
        closes = [bar.ts_event for bar in response.data]
        candles = desk.exchange.venue.candles["BTCZAR"].between(
            NS_PER_MIN, OPENS_NS - 661 * NS_PER_MIN, OPENS_NS - 2 * NS_PER_MIN
        )
        assert closes == [candle.start_ns + NS_PER_MIN for candle in candles if candle.volume]
        assert (closes[0], closes[-1]) == (OPENS_NS - 660 * NS_PER_MIN, OPENS_NS - NS_PER_MIN)


async def test_the_unfinished_bar_is_left_out_and_a_limit_takes_the_newest() -> None:
    async with running() as desk:
        desk.exchange.advance(90.0)
        response = await desk.request(RequestBars, bar_type=MINUTES, start=None, end=None, limit=5)
        assert [bar.ts_event for bar in response.data] == [OPENS_NS + n * NS_PER_MIN for n in range(-3, 2)]


async def test_trades_of_a_range_come_page_by_page_each_once_oldest_first() -> None:
    async with running(with_key=True) as desk:
        record = desk.exchange.venue.trades["BTCZAR"]
        everything = {"start_ns": None, "end_ns": None, "before_id": None}
        while not record.page(skip=250, limit=1, **everything):
            desk.exchange.advance(60.0)
        response = await desk.request(
            RequestTradeTicks, instrument_id=BTCZAR, start=desk.minute(0), end=desk.minute(10_000), limit=0
        )
        expected = record.page(skip=0, limit=10_000, **everything)[::-1]
        assert [tick.trade_id.value for tick in response.data] == [trade.trade_id for trade in expected]
        assert len(expected) > 250


async def test_funding_rates_of_the_past_hour() -> None:
    async with running() as desk:
        desk.exchange.advance(3600.0)
        response = await desk.request(
            RequestFundingRates, instrument_id=PERP, start=desk.minute(0), end=desk.minute(60), limit=0
        )
        stamps = [update.ts_event for update in response.data]
        assert stamps == sorted(set(stamps))
        assert stamps
        assert set(stamps) <= {OPENS_NS, OPENS_NS + NS_PER_HOUR}


async def test_a_book_snapshot_over_rest_is_the_venues_best_levels() -> None:
    async with running(with_key=True) as desk:
        response = await desk.request(RequestOrderBookSnapshot, instrument_id=BTCZAR, limit=5)
        [snapshot] = response.data
        bids, asks = desk.book_of_venue("BTCZAR")
        best = sorted(bids, reverse=True)[:5] + sorted(asks)[:5]
        assert [float(delta.order.price) for delta in snapshot.deltas if not delta.is_clear] == best


async def test_past_quotes_are_not_offered_and_no_answer_is_made_up() -> None:
    async with running() as desk:
        with pytest.raises(TimeoutError):
            await desk.request(
                RequestQuoteTicks,
                instrument_id=BTCZAR,
                start=desk.minute(-1),
                end=desk.minute(0),
                limit=0,
                patience_secs=0.2,
            )
        response = await desk.request(RequestInstrument, instrument_id=BTCZAR, start=None, end=None)
        assert response.data[0].id == BTCZAR


async def test_an_id_the_venue_has_not_is_not_invented() -> None:
    async with running(load_ids=frozenset({BTCZAR, InstrumentId.from_str("NOPE.VALR")})) as desk:
        assert [instrument.id for instrument in desk.cache.instruments()] == [BTCZAR]


async def test_a_later_load_publishes_the_changed_instrument_alone_and_tells_of_a_pair_that_stopped() -> None:
    async with running(status_interval_secs=0.02) as desk:
        desk.subscribe(SubscribeInstrumentStatus, PERP)
        await desk.until(lambda: desk.of(InstrumentStatus))
        pairs = desk.exchange.venue.listing.pairs
        pairs["BTCZAR"] = msgspec.structs.replace(pairs["BTCZAR"], tick=Decimal(10))
        pairs["BTCUSDTPERP"] = msgspec.structs.replace(pairs["BTCUSDTPERP"], active=False)
        published = len(desk.of(Instrument))
        await desk.client._update_instruments()
        await desk.until(lambda: len(desk.of(InstrumentStatus)) == 2)
        assert desk.of(InstrumentStatus)[-1].action == MarketStatusAction.NOT_AVAILABLE_FOR_TRADING
        assert [found.id for found in desk.of(Instrument)[published:]] == [BTCZAR]
        assert float(desk.cache.instrument(BTCZAR).price_increment) == 10.0
