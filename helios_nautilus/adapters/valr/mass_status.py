"""What the engine is given to begin with: orders, fills and positions that fit together.

The engine makes up what does not fit: a fill for an order that shows more than its fills, and, where a position came
about at another average price than it thinks, an order in place of those that made it. It takes up one order after
another, each with all its fills.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from nautilus_trader.execution.reports import (
    ExecutionMassStatus,
    FillReport,
    OrderStatusReport,
    PositionStatusReport,
)
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId, VenueOrderId


def is_of_one_moment(status: ExecutionMassStatus) -> bool:
    """Every order has as many fills as it shows: nothing traded between the questions for the two."""
    fills = status.fill_reports
    return all(
        sum((fill.last_qty.as_decimal() for fill in fills.get(order_id, ())), Decimal(0))
        == order.filled_qty.as_decimal()
        for order_id, order in status.order_reports.items()
    )


def unproven(status: ExecutionMassStatus) -> dict[InstrumentId, Decimal]:
    """How far positions are from what the fills add up to: they began before those, or were read at another moment."""
    fills = [fill for of_order in status.fill_reports.values() for fill in of_order]
    gaps = {
        instrument_id: _held(positions) - _traded(fills, instrument_id)
        for instrument_id, positions in status.position_reports.items()
    }
    return {instrument_id: gap for instrument_id, gap in gaps.items() if gap}


def arrange(status: ExecutionMassStatus, is_spot: Callable[[InstrumentId], bool]) -> ExecutionMassStatus:
    """The same for an engine that begins with nothing: it comes to the positions of before by the same way.

    Orders are in the order in which they traded. Positions that the fills add up to are left out: the engine comes to
    them by itself, and asks again afterwards.
    """
    arranged = ExecutionMassStatus(
        client_id=status.client_id,
        account_id=status.account_id,
        venue=status.venue,
        report_id=status.id,
        ts_init=status.ts_init,
    )
    arranged.add_order_reports(_as_they_traded(status.order_reports.values(), status.fill_reports, is_spot))
    for fills in status.fill_reports.values():
        arranged.add_fill_reports(fills)
    for instrument_id in unproven(status):
        arranged.add_position_reports(status.position_reports[instrument_id])
    return arranged


def _as_they_traded(
    orders: Iterable[OrderStatusReport],
    fills: Mapping[VenueOrderId, Sequence[FillReport]],
    is_spot: Callable[[InstrumentId], bool],
) -> list[OrderStatusReport]:
    """By their first fill, but sales on spot by their last, so that none comes before what it sold.

    A spot position that passes through zero loses, in the engine, a part of the fee taken in base.
    """

    def place(order: OrderStatusReport) -> tuple[int, bool]:
        is_sale = order.order_side is OrderSide.SELL and is_spot(order.instrument_id)
        stamps = [fill.ts_event for fill in fills.get(order.venue_order_id, ())] or [order.ts_accepted]
        return (max(stamps) if is_sale else min(stamps)), is_sale

    return sorted(orders, key=place)


def _held(positions: Iterable[PositionStatusReport]) -> Decimal:
    return sum((position.signed_decimal_qty for position in positions), Decimal(0))


def _traded(fills: Iterable[FillReport], instrument_id: InstrumentId) -> Decimal:
    """Net quantity, sales negative."""
    total = Decimal(0)
    for fill in fills:
        if fill.instrument_id == instrument_id:
            quantity = fill.last_qty.as_decimal()
            total += quantity if fill.order_side is OrderSide.BUY else -quantity
    return total
