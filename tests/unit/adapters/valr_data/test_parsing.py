"""Recorded payloads as the engine's objects."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from nautilus_trader.model.data import BarType, BookOrder
from nautilus_trader.model.enums import AggressorSide, BookAction, RecordFlag
from nautilus_trader.model.instruments import CryptoPerpetual, CurrencyPair
from nautilus_trader.model.objects import Currency, Quantity

from helios_nautilus.adapters.valr.api.enums import PairType
from helios_nautilus.adapters.valr.api.routes.account import AccountRoutes
from helios_nautilus.adapters.valr.api.routes.market import MarketRoutes
from helios_nautilus.adapters.valr.api.schemas.market import Pair
from helios_nautilus.adapters.valr.money import currency_of
from helios_nautilus.adapters.valr.parsing import (
    BookScribe,
    VenueInstrument,
    parse_bar,
    parse_estimated_funding,
    parse_fees,
    parse_funding_rate,
    parse_instrument,
    parse_trade,
    trade_key,
)
from helios_nautilus.domain.timeframe import NS_PER_MIN

PAYLOADS = Path(__file__).parents[3] / "payloads" / "valr"


def payload(name: str) -> bytes:
    return (PAYLOADS / name).read_bytes()


def pairs() -> dict[str, Pair]:
    return {pair.symbol: pair for pair in MarketRoutes.PAIRS.decoder.decode(payload("rest_public_pairs.json"))}


def instrument(symbol: str = "ETHUSDTPERP") -> VenueInstrument:
    return parse_instrument(pairs()[symbol], {}, None, ts_init=1)


def test_a_future_is_a_linear_perpetual_with_its_margins_and_limits() -> None:
    perpetual = instrument("ETHUSDTPERP")
    assert isinstance(perpetual, CryptoPerpetual)
    assert (str(perpetual.price_increment), str(perpetual.size_increment)) == ("0.1", "0.001")
    assert (perpetual.margin_init, perpetual.margin_maint) == (Decimal("0.025"), Decimal("0.0125"))
    assert perpetual.settlement_currency == perpetual.quote_currency == Currency.from_str("USDT")
    assert not perpetual.is_inverse
    assert perpetual.max_quantity == Quantity.from_str("32.000")
    assert (perpetual.maker_fee, perpetual.taker_fee) == (Decimal("0.0003"), Decimal("0.0007"))
    assert perpetual.info["auto_close_margin_fraction"] == "0.0125"


def test_every_recorded_pair_becomes_an_instrument_and_the_inactive_are_flagged() -> None:
    for pair in pairs().values():
        found = parse_instrument(pair, {}, None, ts_init=1)
        assert isinstance(found, CryptoPerpetual) == (pair.currency_pair_type is PairType.FUTURE)
        assert isinstance(found, CurrencyPair) == (pair.currency_pair_type is PairType.SPOT)
        assert found.info["active"] is pair.active
        assert Decimal(str(found.price_increment)) == pair.tick_size
        assert found.size_precision == pair.base_decimal_places


def test_a_pair_of_an_unknown_kind_is_no_instrument() -> None:
    odd = msgspec.structs.replace(pairs()["ETHUSDTPERP"], currency_pair_type=PairType.UNKNOWN)
    with pytest.raises(ValueError, match="neither spot nor a future"):
        parse_instrument(odd, {}, None, ts_init=1)


def test_the_accounts_fees_replace_the_first_tier() -> None:
    fees = parse_fees(AccountRoutes.FEES.decoder.decode(payload("rest_account_fees_trade.json")))
    assert fees
    own = parse_instrument(pairs()["ETHUSDTPERP"], {}, (Decimal("-0.0001"), Decimal("0.0005")), ts_init=1)
    assert (own.maker_fee, own.taker_fee, own.info["fees_of"]) == (Decimal("-0.0001"), Decimal("0.0005"), "account")


def test_an_unknown_currency_is_registered_with_the_venues_decimals() -> None:
    rows = MarketRoutes.CURRENCIES.decoder.decode(payload("rest_public_currencies.json"))
    wire = msgspec.structs.replace(rows[0], short_name="HELI", long_name="Helium test", decimal_places=5)
    assert currency_of("HELI", wire).precision == 5
    assert Currency.from_str("HELI", strict=True).name == "Helium test"
    assert currency_of("BTC") == Currency.from_str("BTC")


def test_a_snapshot_is_a_clear_and_adds_and_an_empty_book_a_lone_clear() -> None:
    scribe = BookScribe(instrument())
    event = scribe.snapshot([("10.0", "1"), ("9.9", "6.00E-3")], [("10.1", "2")], 7, 1, 2)
    assert [delta.action for delta in event.deltas] == [BookAction.CLEAR] + [BookAction.ADD] * 3
    assert [delta.flags for delta in event.deltas] == [RecordFlag.F_SNAPSHOT] * 3 + [
        RecordFlag.F_SNAPSHOT | RecordFlag.F_LAST
    ]
    assert event.deltas[2].order.size == Quantity.from_str("0.006")
    [lone] = scribe.snapshot([], [], 8, 1, 2).deltas
    assert (lone.action, lone.flags) == (BookAction.CLEAR, RecordFlag.F_SNAPSHOT | RecordFlag.F_LAST)


def test_changes_update_or_delete_and_no_change_is_no_event() -> None:
    scribe = BookScribe(instrument())
    event = scribe.changes([("10.0", "0")], [("10.1", "2")], 7, 1, 2)
    assert event is not None
    assert [delta.action for delta in event.deltas] == [BookAction.DELETE, BookAction.UPDATE]
    assert [delta.flags for delta in event.deltas] == [0, RecordFlag.F_LAST]
    assert scribe.changes([], [], 8, 1, 2) is None


def test_a_thin_book_is_padded_with_zeros_to_ten_levels_a_side() -> None:
    depth = BookScribe(instrument()).depth([("10.0", "1")], [("10.1", "2"), ("10.2", "3")], 7, 1, 2)
    assert [float(order.price) for order in depth.bids] == [10.0] + [0.0] * 9
    assert [float(order.price) for order in depth.asks] == [10.1, 10.2] + [0.0] * 8
    assert all(isinstance(order, BookOrder) for order in depth.asks)


def test_a_public_trade_keeps_id_side_and_time() -> None:
    [first, *_] = MarketRoutes.PUBLIC_TRADES.decoder.decode(payload("rest_public_pair_trades.json"))
    tick = parse_trade(first, instrument(), ts_init=5)
    assert tick.trade_id.value == trade_key(first)
    assert tick.ts_event == first.traded_ns
    assert tick.aggressor_side == (AggressorSide.BUYER if first.taker_side == "buy" else AggressorSide.SELLER)


def test_a_trade_without_an_id_gets_the_same_one_every_time() -> None:
    [first, *_] = MarketRoutes.PUBLIC_TRADES.decoder.decode(payload("rest_public_pair_trades.json"))
    nameless = msgspec.structs.replace(first, id=None)
    other = msgspec.structs.replace(nameless, price=nameless.price + 1)
    assert trade_key(nameless) == trade_key(msgspec.structs.replace(nameless))
    assert trade_key(nameless) != trade_key(other)
    assert len(trade_key(nameless)) <= 36


def test_a_bar_is_stamped_with_its_close() -> None:
    [first, *_] = MarketRoutes.BUCKETS.decoder.decode(payload("rest_public_pair_buckets.json"))
    bar_type = BarType.from_str("ETHUSDTPERP.VALR-1-MINUTE-LAST-EXTERNAL")
    minute = msgspec.structs.replace(first, bucket_period_in_seconds=60)
    bar = parse_bar(minute, bar_type, instrument(), ts_init=0)
    assert bar.ts_event == bar.ts_init == minute.start_ns + NS_PER_MIN


def test_funding_is_a_fraction_an_hour_past_and_to_come() -> None:
    [info, *_] = MarketRoutes.FUTURES_INFO.decoder.decode(payload("rest_public_futures_info.json"))
    coming = parse_estimated_funding(info, instrument(), ts_init=5)
    assert (coming.rate, coming.interval, coming.next_funding_ns) == (
        Decimal("-0.000001"),
        60,
        1750165200000 * 1_000_000,
    )
    [paid, *_] = MarketRoutes.FUNDING_RATES.decoder.decode(payload("rest_public_futures_funding_history.json"))
    assert parse_funding_rate(paid, instrument(), ts_init=5).ts_event == paid.funding_ns
