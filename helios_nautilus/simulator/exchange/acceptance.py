"""Whether an order may be carried out, judged on the plan of what it would match and before anything has changed."""

from collections.abc import Sequence
from decimal import Decimal

from helios_nautilus.simulator.exchange.decimals import ZERO
from helios_nautilus.simulator.exchange.matching import Match
from helios_nautilus.simulator.exchange.orders import Order, OrderType, TimeInForce
from helios_nautilus.simulator.exchange.positions import Position
from helios_nautilus.simulator.exchange.refusals import (
    FOK_UNFILLABLE,
    IOC_UNMATCHED,
    NO_LIQUIDITY,
    NOTHING_TO_REDUCE,
    POST_ONLY_CROSSED,
    Code,
    Refusal,
    engine_failure,
)


def check_plan(order: Order, matches: Sequence[Match]) -> None:
    """Raise the engine's reason not to carry out a plan."""
    if matches and order.type is OrderType.POST_ONLY:
        raise engine_failure(POST_ONLY_CROSSED)
    # Within one account only: two sub-accounts do match each other.
    if any(match.maker.account_id == order.account_id for match in matches):
        raise Refusal(Code.SELF_MATCH)
    matched = sum((match.quantity for match in matches), ZERO)
    if order.type is OrderType.MARKET and not matched:
        raise engine_failure(NO_LIQUIDITY)
    if order.time_in_force is TimeInForce.IOC and not matched:
        raise engine_failure(IOC_UNMATCHED)
    if order.time_in_force is TimeInForce.FOK and matched < order.quantity:
        raise engine_failure(FOK_UNFILLABLE)


def reducible(order: Order, position: Position | None) -> Decimal:
    """How much of a position a reduce-only order can close."""
    return position.quantity if position is not None and position.side is not order.side else ZERO


def cap_reduction(order: Order, position: Position | None) -> None:
    """Cut a new reduce-only order to its position; refused where there is nothing to reduce."""
    left = reducible(order, position)
    if not left:
        raise engine_failure(NOTHING_TO_REDUCE)
    order.quantity = order.remaining = min(order.quantity, left)


def step_back(order: Order, opposite_best: Decimal | None, ticks: int) -> None:
    """Move a price that would match to so many ticks from the opposite best."""
    if opposite_best is not None and (order.price - opposite_best) * order.side.sign >= 0:
        order.price = opposite_best - order.side.sign * ticks * order.pair.tick
