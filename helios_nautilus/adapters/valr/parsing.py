"""What the venue sends as the engine's objects: pure functions of a message, an instrument and the time.

Prices and quantities of market data go through float64, which holds the 15 digits that they have, and are rounded to
the instrument's precision. ``ts_event`` is the venue's time, ``ts_init`` ours, both nanoseconds UTC.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from itertools import zip_longest
from typing import Any, Final

from nautilus_trader.model.data import (
    Bar,
    BarType,
    BookOrder,
    FundingRateUpdate,
    MarkPriceUpdate,
    OrderBookDelta,
    OrderBookDeltas,
    OrderBookDepth10,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.enums import AggressorSide, BookAction, OrderSide, RecordFlag
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId
from nautilus_trader.model.instruments import CryptoPerpetual, CurrencyPair
from nautilus_trader.model.objects import Currency, Money, Price, Quantity

from helios_nautilus.adapters.valr.api.enums import PairType, Side
from helios_nautilus.adapters.valr.api.schemas.account import TradeFees
from helios_nautilus.adapters.valr.api.schemas.book import PriceLevel
from helios_nautilus.adapters.valr.api.schemas.market import Bucket, FundingRate, FuturesInfo, Pair, PublicTrade
from helios_nautilus.adapters.valr.api.schemas.market import Currency as WireCurrency
from helios_nautilus.adapters.valr.constants import FIRST_TIER_FEES, VALR_VENUE
from helios_nautilus.adapters.valr.money import currency_of
from helios_nautilus.domain.timeframe import NS_PER_MS, NS_PER_SEC

type VenueInstrument = CurrencyPair | CryptoPerpetual
type Fees = tuple[Decimal, Decimal]
"""Maker and taker, fractions of value."""

DEPTH: Final = 10
FUNDING_INTERVAL_MINS: Final = 60

_REMEMBERED_PRICES: Final = 4_096
_NO_FLAGS: Final = 0
_SNAPSHOT: Final = int(RecordFlag.F_SNAPSHOT)
_LAST: Final = int(RecordFlag.F_LAST)
_AGGRESSORS: Final = {Side.BUY: AggressorSide.BUYER, Side.SELL: AggressorSide.SELLER}


# -- Instruments


def instrument_id_of(symbol: str) -> InstrumentId:
    """The engine's id of a pair."""
    return InstrumentId(Symbol(symbol), VALR_VENUE)


def parse_fees(rows: Iterable[TradeFees]) -> dict[str, Fees]:
    """The account's fees by pair, from percent; pairs that lack one of the two are left out."""
    return {
        row.currency_pair: (row.maker_percentage / 100, row.taker_percentage / 100)
        for row in rows
        if row.maker_percentage is not None and row.taker_percentage is not None
    }


def first_tier_fees(pair: Pair) -> Fees:
    """The fees of an account that has traded nothing."""
    if pair.currency_pair_type is PairType.FUTURE:
        return FIRST_TIER_FEES["perpetual"]
    return FIRST_TIER_FEES["rand" if pair.quote_currency == "ZAR" else "stablecoin"]


def parse_instrument(
    pair: Pair, currencies: Mapping[str, WireCurrency], fees: Fees | None, ts_init: int
) -> VenueInstrument:
    """The instrument of a pair; `ValueError` for a kind or a precision the engine has no instrument for."""
    base = currency_of(pair.base_currency, currencies.get(pair.base_currency))
    quote = currency_of(pair.quote_currency, currencies.get(pair.quote_currency))
    fields = _common_fields(pair, quote, fees, ts_init)
    if pair.currency_pair_type is PairType.SPOT:
        return CurrencyPair(base_currency=base, **fields)
    if pair.currency_pair_type is PairType.FUTURE:
        return CryptoPerpetual(
            base_currency=base,
            settlement_currency=fields["quote_currency"],
            is_inverse=False,
            margin_init=pair.initial_margin_fraction,
            margin_maint=pair.maintenance_margin_fraction,
            **fields,
        )
    raise ValueError(f"{pair.symbol} is neither spot nor a future")


def _common_fields(pair: Pair, quote: Currency, fees: Fees | None, ts_init: int) -> dict[str, Any]:
    # The tick's digits are the price's: "1" has none, "0.10" has two.
    price_increment = Price.from_str(f"{pair.tick_size:f}")
    size_increment = Quantity.from_str(f"{Decimal(1).scaleb(-pair.base_decimal_places):f}")
    maker_fee, taker_fee = fees or first_tier_fees(pair)
    size_precision = size_increment.precision
    return {
        "instrument_id": instrument_id_of(pair.symbol),
        "raw_symbol": Symbol(pair.symbol),
        "quote_currency": quote,
        "price_precision": price_increment.precision,
        "size_precision": size_precision,
        "price_increment": price_increment,
        "size_increment": size_increment,
        "min_quantity": _quantity(pair.min_base_amount, size_precision),
        "max_quantity": _quantity(pair.max_base_amount, size_precision),
        "min_notional": Money(pair.min_quote_amount, quote),
        "max_notional": Money(pair.max_quote_amount, quote),
        "maker_fee": maker_fee,
        "taker_fee": taker_fee,
        "ts_event": ts_init,
        "ts_init": ts_init,
        "info": _info(pair, is_own_fee=fees is not None),
    }


def _info(pair: Pair, *, is_own_fee: bool) -> dict[str, Any]:
    """What the engine has no field for; JSON values only, for the catalogue writes them."""
    info = {
        "active": pair.active,
        "margin_trading_allowed": pair.margin_trading_allowed,
        "fees_of": "account" if is_own_fee else "first tier",
    }
    if pair.auto_close_margin_fraction is not None:
        info["auto_close_margin_fraction"] = str(pair.auto_close_margin_fraction)
    return info


def _quantity(amount: Decimal, precision: int) -> Quantity | None:
    """None where the size step is too coarse to say it: the engine takes no zero for a limit."""
    quantity = Quantity(amount, precision)
    return quantity if quantity.raw else None


# -- Order books


class BookScribe:
    """Writes the levels of one instrument's book as the engine's deltas, depths and quotes."""

    def __init__(self, instrument: VenueInstrument) -> None:
        self._id = instrument.id
        self._price_precision = instrument.price_precision
        self._size_precision = instrument.size_precision
        # The levels of a book come and go at the same prices all day long.
        self._price = lru_cache(_REMEMBERED_PRICES)(self._parse_price)

    def snapshot(
        self, bids: Sequence[PriceLevel], asks: Sequence[PriceLevel], sequence: int, ts_event: int, ts_init: int
    ) -> OrderBookDeltas:
        """CLEAR and an ADD for every level, all flagged as a snapshot and the last one as the last."""
        orders = [order for order in self._orders(bids, asks) if order.size.raw]
        last = _SNAPSHOT | _LAST
        deltas = [self._clear(_SNAPSHOT if orders else last, sequence, ts_event, ts_init)]
        for order in orders:
            flags = last if order is orders[-1] else _SNAPSHOT
            deltas.append(OrderBookDelta(self._id, BookAction.ADD, order, flags, sequence, ts_event, ts_init))
        return OrderBookDeltas(self._id, deltas)

    def changes(
        self, bids: Sequence[PriceLevel], asks: Sequence[PriceLevel], sequence: int, ts_event: int, ts_init: int
    ) -> OrderBookDeltas | None:
        """UPDATE to the new quantity, or DELETE; None if no level changed."""
        orders = self._orders(bids, asks)
        if not orders:
            return None
        deltas = []
        for order in orders:
            action = BookAction.UPDATE if order.size.raw else BookAction.DELETE
            flags = _LAST if order is orders[-1] else _NO_FLAGS
            deltas.append(OrderBookDelta(self._id, action, order, flags, sequence, ts_event, ts_init))
        return OrderBookDeltas(self._id, deltas)

    def cleared(self, ts_init: int) -> OrderBookDeltas:
        """The book can no longer be vouched for."""
        return OrderBookDeltas(self._id, [self._clear(_SNAPSHOT | _LAST, 0, ts_init, ts_init)])

    def depth(
        self, bids: Sequence[PriceLevel], asks: Sequence[PriceLevel], sequence: int, ts_event: int, ts_init: int
    ) -> OrderBookDepth10:
        """The best ten of each side; missing ones are zeros, for both sides must be of one length."""
        sides = []
        for side, levels in ((OrderSide.BUY, bids), (OrderSide.SELL, asks)):
            padded = zip_longest(range(DEPTH), levels[:DEPTH], fillvalue=("0", "0"))
            sides.append([self._order(side, level) for _, level in padded])
        counts = [0] * DEPTH  # the venue does not say how many orders stand behind a price
        return OrderBookDepth10(self._id, *sides, counts, counts.copy(), _LAST, sequence, ts_event, ts_init)

    def quote(self, bid: PriceLevel, ask: PriceLevel, ts_event: int, ts_init: int) -> QuoteTick:
        """The best price of each side."""
        return QuoteTick(
            self._id,
            self._price(bid[0]),
            self._price(ask[0]),
            Quantity(float(bid[1]), self._size_precision),
            Quantity(float(ask[1]), self._size_precision),
            ts_event,
            ts_init,
        )

    def is_nothing(self, level: PriceLevel) -> bool:
        """The quantity of a level is less than the engine's smallest."""
        return not Quantity(float(level[1]), self._size_precision).raw

    def _orders(self, bids: Sequence[PriceLevel], asks: Sequence[PriceLevel]) -> list[BookOrder]:
        buys = [self._order(OrderSide.BUY, level) for level in bids]
        return buys + [self._order(OrderSide.SELL, level) for level in asks]

    def _order(self, side: OrderSide, level: PriceLevel) -> BookOrder:
        return BookOrder(side, self._price(level[0]), Quantity(float(level[1]), self._size_precision), 0)

    def _parse_price(self, text: str) -> Price:
        return Price(float(text), self._price_precision)

    def _clear(self, flags: int, sequence: int, ts_event: int, ts_init: int) -> OrderBookDelta:
        return OrderBookDelta(self._id, BookAction.CLEAR, None, flags, sequence, ts_event, ts_init)


# -- Trades, bars and prices


def trade_key(trade: PublicTrade) -> str:
    """What tells a trade from all others: its id, or for the oldest form, which has none, a digest of it."""
    if trade.id is not None:
        return trade.id
    text = f"{trade.currency_pair} {trade.traded_ns} {trade.price} {trade.quantity} {trade.taker_side}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


def parse_trade(trade: PublicTrade, instrument: VenueInstrument, ts_init: int) -> TradeTick:
    """Somebody's trade; `ValueError` for one that cannot be."""
    return TradeTick(
        instrument.id,
        _positive_price(trade.price, instrument),
        Quantity(trade.quantity, instrument.size_precision),
        _AGGRESSORS[trade.taker_side],
        TradeId(trade_key(trade)),
        trade.traded_ns,
        ts_init,
    )


def close_ns_of(bucket: Bucket) -> int:
    """When a bucket is complete."""
    return int(bucket.start_ns) + bucket.bucket_period_in_seconds * NS_PER_SEC


def parse_bar(bucket: Bucket, bar_type: BarType, instrument: VenueInstrument, ts_init: int) -> Bar:
    """A complete bucket, stamped with its close; ``ts_init`` is never before that. `ValueError` if it cannot be."""
    ts_event = close_ns_of(bucket)
    prices = (_positive_price(value, instrument) for value in (bucket.open, bucket.high, bucket.low, bucket.close))
    return Bar(bar_type, *prices, Quantity(bucket.volume, instrument.size_precision), ts_event, max(ts_event, ts_init))


def parse_mark_price(price: Decimal, instrument: VenueInstrument, ts_init: int) -> MarkPriceUpdate:
    """A mark price in the instrument's ticks. The venue sends no time with it: both stamps are ours."""
    return MarkPriceUpdate(instrument.id, _positive_price(price, instrument), ts_init, ts_init)


def _positive_price(value: Decimal, instrument: VenueInstrument) -> Price:
    """The engine itself takes prices of 0 and below, which no pair of the venue has."""
    price = Price(value, instrument.price_precision)
    if price.raw <= 0:
        raise ValueError(f"{value} is no price of {instrument.id}")
    return price


def parse_estimated_funding(info: FuturesInfo, instrument: VenueInstrument, ts_init: int) -> FundingRateUpdate:
    """The rate of the coming hour as it stands, a fraction."""
    next_ns = info.next_funding_run * NS_PER_MS
    return FundingRateUpdate(
        instrument.id, info.estimated_funding_rate, ts_init, ts_init, FUNDING_INTERVAL_MINS, next_ns
    )


def parse_funding_rate(rate: FundingRate, instrument: VenueInstrument, ts_init: int) -> FundingRateUpdate:
    """The rate that was paid at a past full hour, a fraction."""
    return FundingRateUpdate(
        instrument.id, rate.funding_rate, int(rate.funding_ns), ts_init, FUNDING_INTERVAL_MINS, None
    )
