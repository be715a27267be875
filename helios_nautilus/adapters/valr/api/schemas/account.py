"""Replies about the account: balances, fees, fills, the ledger, margin and positions."""

from decimal import Decimal

from msgspec import field

from helios_nautilus.adapters.valr.api.enums import CloseType, Side
from helios_nautilus.adapters.valr.api.wire import IsoNanos, Key, KeyOrNone, TextInt, TradeKey, WireStruct


class ApiKey(WireStruct, frozen=True, kw_only=True):
    """What the key in use may do."""

    label: str
    permissions: list[str]
    added_ns: IsoNanos = field(name="addedAt")
    is_sub_account: bool | None = None
    allowed_ip_address_cidr: str | None = None


class Balance(WireStruct, frozen=True, kw_only=True):
    """total = available + reserved + borrow_reserved + lend_reserved - borrowed_amount; total may be negative."""

    currency: Key
    available: Decimal
    reserved: Decimal
    """Held by open orders."""
    total: Decimal
    updated_ns: IsoNanos | None = field(name="updatedAt", default=None)
    lend_reserved: Decimal | None = None
    borrow_reserved: Decimal | None = None
    """Held as collateral."""
    borrowed_amount: Decimal | None = None
    total_in_reference: Decimal | None = None
    total_in_reference_weighted: Decimal | None = None
    reference_currency: str | None = None


class SubAccount(WireStruct, frozen=True, kw_only=True):
    """An account of this customer; the primary's id is ``0``."""

    id: str
    label: str


class AccountBalances(WireStruct, frozen=True, kw_only=True):
    """One account's balances in the answer for all of them."""

    account: SubAccount
    balances: list[Balance]


class TradeFees(WireStruct, frozen=True, kw_only=True):
    """Fees of one pair in percent of value: ``0.08`` is 0.0008. Maker may be negative; absent where not offered."""

    currency_pair: str
    maker_percentage: Decimal | None = None
    taker_percentage: Decimal | None = None
    simple_percentage: Decimal | None = None


class Fill(WireStruct, frozen=True, kw_only=True):
    """One of our own trades, from REST or the socket; ``side`` is ours, ``quantity`` gross.

    A negative maker fee comes as ``maker_reward`` instead of ``fee``; a zero fee may be left out. Nothing says
    whether we were maker or taker.
    """

    id: TradeKey
    order_id: Key
    customer_order_id: str | None = None
    currency_pair: Key
    side: Side
    price: Decimal
    quantity: Decimal
    traded_ns: IsoNanos = field(name="tradedAt")
    sequence_id: int | None = None
    fee: Decimal | None = None
    fee_currency: KeyOrNone | None = None
    maker_reward: Decimal | None = None
    maker_reward_currency: KeyOrNone | None = None


class TransactionType(WireStruct, frozen=True, kw_only=True):
    """Kind of a ledger entry, such as ``LIMIT_BUY``; the list is long and grows, so it stays text."""

    type: str
    description: str | None = None


class TransactionInfo(WireStruct, frozen=True, kw_only=True):
    """The part of ``additionalInfo`` that ties a ledger entry to an order or a funding run."""

    cost_per_coin: Decimal | None = None
    cost_per_coin_symbol: str | None = None
    currency_pair_symbol: str | None = None
    order_id: str | None = None
    notional_amount: Decimal | None = None
    funding_rate: Decimal | None = None
    transfer_id: str | None = None


class CurrencyDetail(WireStruct, frozen=True, kw_only=True):
    """A currency as the account socket spells it; ``short_name`` is the code, ``symbol`` shows the rand as ``R``."""

    short_name: Key
    symbol: str | None = None
    decimal_places: TextInt | None = None
    long_name: str | None = None


class Transaction(WireStruct, frozen=True, kw_only=True):
    """A ledger entry; ``credit_value`` is net of the fee. Currencies are codes over REST, objects on the socket."""

    id: str
    transaction_type: TransactionType
    event_ns: IsoNanos = field(name="eventAt")
    debit_currency: str | CurrencyDetail | None = None
    debit_value: Decimal | None = None
    credit_currency: str | CurrencyDetail | None = None
    credit_value: Decimal | None = None
    fee_currency: str | CurrencyDetail | None = None
    fee_value: Decimal | None = None
    additional_info: TransactionInfo | None = None


class SubAccountTransactions(WireStruct, frozen=True, kw_only=True):
    """One sub-account's ledger entries."""

    id: str
    label: str
    transactions: list[Transaction]


class CreatedId(WireStruct, frozen=True, kw_only=True):
    """The id of something just created: a sub-account or a transfer."""

    id: str


class MarginAccountStatus(WireStruct, frozen=True, kw_only=True):
    """What the account is enabled for; the primary account never is."""

    margin_enabled: bool
    in_liquidation: bool
    futures_enabled: bool


class MarginStatus(WireStruct, frozen=True, kw_only=True):
    """Margin in units of ``reference_currency`` (v2, and the socket's ``MARGIN_INFO``); absent without positions."""

    reference_currency: Key
    available_in_reference: Decimal
    initial_required_in_reference: Decimal
    initial_margin_fraction: Decimal
    maintenance_margin_fraction: Decimal
    auto_close_margin_fraction: Decimal
    collateralized_balances_in_reference: Decimal
    total_borrowed_in_reference: Decimal
    total_positions_at_entry_in_reference: Decimal
    total_unrealised_futures_pnl_in_reference: Decimal
    total_leveraged_exposure_in_reference: Decimal
    trade_reserved_in_reference: Decimal
    margin_fraction: Decimal | None = None
    collateralized_margin_fraction: Decimal | None = None
    leverage_multiple: Decimal | None = None


class Leverage(WireStruct, frozen=True, kw_only=True):
    """The leverage set for a perpetual; JSON numbers on the wire."""

    pair_symbol: str
    leverage_multiple: Decimal
    initial_margin_fraction: Decimal
    maintenance_margin_fraction: Decimal
    auto_close_margin_fraction: Decimal
    risk_limit: Decimal
    risk_limit_currency: str


class Position(WireStruct, frozen=True, kw_only=True):
    """An open position. The session restarts at every PnL run (4 h), ``average_entry_price`` does not."""

    pair: Key
    position_id: str
    side: Side
    quantity: Decimal
    average_entry_price: Decimal
    session_average_entry_price: Decimal
    total_session_entry_quantity: Decimal
    total_session_value: Decimal
    realised_pnl: Decimal
    unrealised_pnl: Decimal
    created_ns: IsoNanos = field(name="createdAt")
    updated_ns: IsoNanos = field(name="updatedAt")
    leverage_tier: int | None = None


class PositionClose(WireStruct, frozen=True, kw_only=True):
    """A position that shrank, in part or to nothing; ``quantity`` is the reduction, ``order_side`` the position's."""

    currency_pair: str
    position_id: str
    order_side: Side
    quantity: Decimal
    average_entry_price: Decimal
    close_price: Decimal
    realised_pnl: Decimal
    fees: Decimal | None = None
    close_type: CloseType
    created_ns: IsoNanos = field(name="createdAt")
    initial_margin_fraction_at_close: Decimal | None = None


class PositionChange(WireStruct, frozen=True, kw_only=True):
    """An entry of a position's history."""

    update_type: str
    currency_pair: str
    position_id: str
    side: Side
    quantity: Decimal
    realised_pnl: Decimal
    average_entry_price: Decimal
    session_average_entry_price: Decimal
    total_session_entry_quantity: Decimal
    total_session_value: Decimal
    updated_ns: IsoNanos = field(name="updatedAt")


class FundingPayment(WireStruct, frozen=True, kw_only=True):
    """Funding of one hour on one position: ``funding_amount`` is negative when paid, positive when received."""

    currency_pair: str
    position_id: str
    side: Side
    funding_rate: Decimal
    funding_amount: Decimal
    position_total: Decimal
    created_ns: IsoNanos = field(name="createdAt")
