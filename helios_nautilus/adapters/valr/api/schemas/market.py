"""Replies of the public routes: what can be traded, and what has been."""

from decimal import Decimal

from msgspec import field

from helios_nautilus.adapters.valr.api.enums import ExchangeState, PairType, Side
from helios_nautilus.adapters.valr.api.wire import Count, IsoNanos, Key, Millis, TextInt, TradeKey, WireStruct


class Pair(WireStruct, frozen=True, kw_only=True):
    """A row of ``/v1/public/pairs``. Amounts in base or quote, margin fractions of notional."""

    symbol: Key
    base_currency: Key
    quote_currency: Key
    short_name: str
    active: bool
    min_base_amount: Decimal
    max_base_amount: Decimal
    min_quote_amount: Decimal
    max_quote_amount: Decimal
    tick_size: Decimal
    base_decimal_places: TextInt
    """Quantity precision: the venue cuts further digits off."""
    margin_trading_allowed: bool = False
    currency_pair_type: PairType
    initial_margin_fraction: Decimal | None = None
    maintenance_margin_fraction: Decimal | None = None
    auto_close_margin_fraction: Decimal | None = None


class Network(WireStruct, frozen=True, kw_only=True):
    """A chain a currency moves on."""

    network_type: str
    network_long_name: str | None = None
    token_contract: str | None = None
    minimum_withdraw_amount: Decimal | None = None
    estimated_send_cost: Decimal | None = None
    deposit: bool = False
    withdraw: bool = False


class Currency(WireStruct, frozen=True, kw_only=True):
    """A row of ``/v1/public/currencies``. Its code is ``short_name``: the rand's ``symbol`` is ``R``."""

    symbol: str
    is_active: bool
    short_name: Key
    long_name: str
    decimal_places: TextInt
    """Fees and balances may carry more digits than this."""
    withdrawal_decimal_places: TextInt | None = None
    collateral: bool = False
    collateral_weight: Decimal | None = None
    default_network_type: str | None = None
    supported_networks: list[Network] = field(default_factory=list)


class PairOrderTypes(WireStruct, frozen=True, kw_only=True):
    """Order types a pair takes, in request spelling; none for an inactive pair."""

    currency_pair: str
    order_types: list[str]


class MarketSummary(WireStruct, frozen=True, kw_only=True):
    """Best prices and 24 h figures; ``0`` where there is no price. The socket says ``currencyPairSymbol``."""

    currency_pair: str | None = None
    currency_pair_symbol: str | None = None
    ask_price: Decimal
    bid_price: Decimal
    last_traded_price: Decimal
    previous_close_price: Decimal
    base_volume: Decimal
    quote_volume: Decimal | None = None
    high_price: Decimal
    low_price: Decimal
    created_ns: IsoNanos = field(name="created")
    change_from_previous: Decimal
    """Percent."""
    mark_price: Decimal | None = None


class PublicTrade(WireStruct, frozen=True, kw_only=True):
    """Somebody's trade. ``id`` is missing in the oldest documentation, ``sequence_id`` on the socket."""

    id: TradeKey | None = None
    sequence_id: int | None = None
    currency_pair: str
    price: Decimal
    quantity: Decimal
    quote_volume: Decimal | None = None
    taker_side: Side
    traded_ns: IsoNanos = field(name="tradedAt")


class Bucket(WireStruct, frozen=True, kw_only=True):
    """A candle; ``start_ns`` is its open time."""

    currency_pair_symbol: str
    bucket_period_in_seconds: Count
    start_ns: IsoNanos = field(name="startTime")
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal | None = None


class MarkPriceBucket(WireStruct, frozen=True, kw_only=True):
    """A candle of the mark price: no volume."""

    currency_pair_symbol: str
    bucket_period_in_seconds: Count
    start_ns: IsoNanos = field(name="startTime")
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal


class FuturesInfo(WireStruct, frozen=True, kw_only=True):
    """State of an active perpetual; stamps here are epoch milliseconds."""

    currency_pair: str
    estimated_funding_rate: Decimal
    """Fraction per hour."""
    open_interest: Decimal
    """Base units."""
    next_funding_run: Millis
    next_pnl_run: Millis


class FundingRate(WireStruct, frozen=True, kw_only=True):
    """A past hourly rate, a fraction; hours of zero rate may be missing."""

    currency_pair: str
    funding_rate: Decimal
    funding_ns: IsoNanos = field(name="fundingTime")


class RiskLimit(WireStruct, frozen=True, kw_only=True):
    """A leverage tier of a perpetual; JSON numbers on the wire."""

    pair_symbol: str
    leverage_multiple: Decimal
    initial_margin_fraction: Decimal
    maintenance_margin_fraction: Decimal
    auto_close_margin_fraction: Decimal
    risk_limit_value: Decimal
    risk_limit_currency: str
    is_default: bool = False


class ServerTime(WireStruct, frozen=True, kw_only=True):
    """The venue's clock."""

    epoch_time: Count
    """Seconds."""
    time_ns: IsoNanos = field(name="time")


class ExchangeStatus(WireStruct, frozen=True, kw_only=True):
    """Whether writes are taken; read-only refuses them all with 503."""

    status: ExchangeState
