"""What the core tells the outside: one struct an event, in the order things happened.

Events that carry an order or a position carry the living object: whoever listens encodes it before it returns.
"""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from helios_nautilus.simulator.exchange.conditional_orders import Conditional
from helios_nautilus.simulator.exchange.decimals import ZERO
from helios_nautilus.simulator.exchange.matching import Change
from helios_nautilus.simulator.exchange.orders import Fill, Order, OrderState, Trade
from helios_nautilus.simulator.exchange.positions import Position, Reduction
from helios_nautilus.simulator.exchange.refusals import Refusal


class OrderProcessed(Struct, frozen=True):
    """The engine took or failed a placement."""

    order: Order
    refusal: Refusal | None = None


class OrderChanged(Struct, frozen=True):
    """An order reached a new state."""

    order: Order
    state: OrderState


class OrderModified(Struct, frozen=True):
    """A modify request was carried out or refused."""

    order: Order
    request_id: str
    refusal: Refusal | None = None


class CancelFailed(Struct, frozen=True):
    """A cancel request found nothing to cancel."""

    account_id: str
    order_id: str
    refusal: Refusal


class AccountTraded(Struct, frozen=True):
    """An account's order was filled."""

    fill: Fill


class BalanceChanged(Struct, frozen=True):
    """A balance is different now."""

    account_id: str
    currency: str


class OpenOrdersChanged(Struct, frozen=True):
    """The set of open orders is different now."""

    account_id: str


class PositionChanged(Struct, frozen=True):
    """A position was opened, increased or partly reduced."""

    position: Position


class PositionReduced(Struct, frozen=True):
    """A part of a position was closed."""

    reduction: Reduction


class PositionClosed(Struct, frozen=True):
    """Nothing of a position is left."""

    position: Position


class ConditionalAdded(Struct, frozen=True):
    """A conditional order waits, as placed or as changed."""

    conditional: Conditional


class ConditionalRemoved(Struct, frozen=True):
    """A conditional order waits no more."""

    conditional: Conditional
    reason: str


class LeverageChanged(Struct, frozen=True):
    """An account chose another leverage for a pair."""

    account_id: str
    symbol: str
    leverage: int


class Transaction(Struct, frozen=True, kw_only=True):
    """A line of an account's ledger; ``credit`` is net of ``fee``."""

    transaction_id: str
    account_id: str
    kind: str
    """VALR's type, e.g. LIMIT_BUY."""
    debit: tuple[str, Decimal] | None = None
    credit: tuple[str, Decimal] | None = None
    fee: tuple[str, Decimal] | None = None
    symbol: str = ""
    order_id: str | None = None
    price: Decimal = ZERO
    details: dict[str, str] = {}
    """What VALR adds to a line that is not of an order."""
    event_ns: int


class FundingPaid(Struct, frozen=True, kw_only=True):
    """One account's part of a funding run; the amount is below 0 where it paid."""

    account_id: str
    position_id: str
    symbol: str
    side: str
    rate: Decimal
    amount: Decimal
    value: Decimal
    paid_ns: int


class Traded(Struct, frozen=True):
    """A match, for the public."""

    trade: Trade


class BookChanged(Struct, frozen=True):
    """What one operation did to a book."""

    symbol: str
    changes: list[Change]
    now_ns: int


class RunCompleted(Struct, frozen=True):
    """A funding or a P&L run of a pair is done."""

    kind: Literal["FUNDING", "PNL"]
    symbol: str
    price: Decimal


class MarkPriced(Struct, frozen=True):
    """Mark prices as of now, all pairs at once."""

    prices: dict[str, Decimal]


class CandleClosed(Struct, frozen=True):
    """A candle is complete."""

    symbol: str
    period_secs: int
    start_ns: int


type Event = (
    OrderProcessed
    | OrderChanged
    | OrderModified
    | CancelFailed
    | AccountTraded
    | BalanceChanged
    | OpenOrdersChanged
    | PositionChanged
    | PositionReduced
    | PositionClosed
    | ConditionalAdded
    | ConditionalRemoved
    | LeverageChanged
    | Transaction
    | Traded
    | BookChanged
    | RunCompleted
    | MarkPriced
    | CandleClosed
)
