"""A conditional order of a perpetual: take-profit, stop-loss or both, waiting beside a position."""

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from helios_nautilus.simulator.exchange.listing import Pair
from helios_nautilus.simulator.exchange.orders import Side, Status


class TriggerType(StrEnum):
    """Which price a conditional order watches."""

    LAST_TRADED = "LAST_TRADED"
    MARK_PRICE = "MARK_PRICE"


class Leg(NamedTuple):
    """One trigger and the price of the order it places; None is a market order."""

    trigger: Decimal
    price: Decimal | None


class Conditional(Struct, kw_only=True, eq=False):
    """One conditional order from its placement to its removal."""

    order_id: str
    account_id: str
    pair: Pair
    position_id: str
    position_side: Side
    trigger_type: TriggerType
    quantity: Decimal
    """0 is the whole position, whatever its size is then."""
    take_profit: Leg | None = None
    stop_loss: Leg | None = None
    customer_order_id: str | None = None
    status: Status = Status.PLACED
    created_ns: int
    updated_ns: int

    @property
    def kind(self) -> str:
        """VALR's ``conditionalType``."""
        if self.take_profit and self.stop_loss:
            return "OCO"
        return "TAKE_PROFIT" if self.take_profit else "STOP_LOSS"

    def leg_at(self, price: Decimal) -> Leg | None:
        """The leg a price triggers: profit lies where the position gains, the stop on the other side."""
        sign = self.position_side.sign
        if self.take_profit and (price - self.take_profit.trigger) * sign >= 0:
            return self.take_profit
        if self.stop_loss and (price - self.stop_loss.trigger) * sign <= 0:
            return self.stop_loss
        return None
