"""Orders, their life-cycle and what a fill is made of."""

from decimal import Decimal
from enum import StrEnum
from typing import Final

from msgspec import Struct

from helios_nautilus.simulator.exchange.decimals import ZERO, ratio, times
from helios_nautilus.simulator.exchange.listing import Pair


class Side(StrEnum):
    """A side as responses write it; requests are upper case."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    """An order type as responses write it."""

    LIMIT = "limit"
    POST_ONLY = "post-only limit"
    MARKET = "market"
    STOP_LOSS_LIMIT = "stop-loss-limit"
    TAKE_PROFIT_LIMIT = "take-profit-limit"
    LIQUIDATION = "liquidation limit order"


class TimeInForce(StrEnum):
    """How long an order waits."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class Status(StrEnum):
    """Where an order is in its life."""

    PLACED = "Placed"
    ACTIVE = "Active"
    PARTIALLY_FILLED = "Partially Filled"
    ORDER_MODIFIED = "Order Modified"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    FAILED = "Failed"
    EXPIRED = "Expired"

    @property
    def filter_name(self) -> str:
        """The name history filters use."""
        return self.value.upper().replace(" ", "_")


OPEN_STATUSES: Final = frozenset({Status.PLACED, Status.ACTIVE, Status.PARTIALLY_FILLED, Status.ORDER_MODIFIED})


class OrderState(Struct, frozen=True, kw_only=True):
    """One step of an order's life; ``executed_*`` are of this step alone."""

    status: Status
    price: Decimal
    quantity: Decimal
    remaining: Decimal
    executed_price: Decimal = ZERO
    executed_quantity: Decimal = ZERO
    executed_fee: Decimal = ZERO
    updated_ns: int


class Order(Struct, kw_only=True, eq=False):
    """One order from its request to its end. The engine alone changes it."""

    order_id: str
    account_id: str
    pair: Pair
    side: Side
    type: OrderType
    time_in_force: TimeInForce = TimeInForce.GTC
    quantity: Decimal
    price: Decimal = ZERO
    quote_amount: Decimal | None = None
    """What a market order by quote amount may spend or wants to receive."""
    stop_price: Decimal | None = None
    customer_order_id: str | None = None
    allow_margin: bool = False
    reduce_only: bool = False
    reprice_ticks: int = 0
    """Above 0: a post-only order that would cross moves so many ticks from the opposite best."""
    created_ns: int
    updated_ns: int = 0
    status: Status | None = None
    """None until the engine has taken it."""
    failed_reason: str = ""
    remaining: Decimal = ZERO
    executed: Decimal = ZERO
    total: Decimal = ZERO
    """Quote amount of all fills."""
    fee: Decimal = ZERO
    reward: Decimal = ZERO
    reserved: Decimal = ZERO
    """What the account has set aside for the rest of the order, in `reserve_currency`."""
    states: list[OrderState] = []

    def __post_init__(self) -> None:
        self.remaining = self.quantity
        self.updated_ns = self.created_ns

    @property
    def is_open(self) -> bool:
        """Resting or waiting for its trigger."""
        return self.status in OPEN_STATUSES

    @property
    def is_resting(self) -> bool:
        """On the book."""
        return self.is_open and self.status is not Status.ACTIVE

    @property
    def reserve_currency(self) -> str:
        """What the order pays with."""
        return self.pair.quote if self.side is Side.BUY else self.pair.base

    @property
    def fee_currency(self) -> str:
        """What its fees are charged in while they are positive: what it receives; on a perpetual the quote."""
        return self.pair.base if self.side is Side.BUY and not self.pair.is_perpetual else self.pair.quote

    @property
    def average_price(self) -> Decimal:
        """Of all fills; 0 before the first."""
        return ratio(self.total, self.executed, 10) if self.executed else ZERO

    def is_triggered_by(self, last: Decimal) -> bool:
        """A sell stop-loss and a buy take-profit wait for the price to fall to the stop, the other two for its rise."""
        assert self.stop_price is not None, "only stop orders have a trigger"
        waits_for_rise = (self.type is OrderType.STOP_LOSS_LIMIT) == (self.side is Side.BUY)
        return last >= self.stop_price if waits_for_rise else last <= self.stop_price

    def cost_of(self, quantity: Decimal) -> Decimal:
        """What so much of the order sets aside at its limit price."""
        return times(quantity, self.price) if self.side is Side.BUY else quantity


class Fill(Struct, frozen=True, kw_only=True):
    """An account's side of one match."""

    trade_id: str
    sequence: int
    account_id: str
    order_id: str
    customer_order_id: str | None
    symbol: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    """Below 0: a reward."""
    fee_currency: str
    is_maker: bool
    traded_ns: int


class Trade(Struct, frozen=True, kw_only=True, gc=False):
    """One match as the public sees it."""

    trade_id: str
    sequence: int
    symbol: str
    price: Decimal
    quantity: Decimal
    taker_side: Side
    traded_ns: int
