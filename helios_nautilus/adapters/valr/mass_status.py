"""What the engine is given to begin with: orders, fills and positions that fit together.

The engine makes up what does not fit: a fill for an order that shows more than its fills, and, where a position came
about at another average price than it thinks, an order in place of those that made it.
"""

from collections.abc import Iterable
from decimal import Decimal

from nautilus_trader.execution.reports import ExecutionMassStatus, FillReport, PositionStatusReport
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import InstrumentId


def is_of_one_moment(status: ExecutionMassStatus) -> bool:
    """Every order has as many fills as it shows: nothing traded between the questions for the two."""
    fills = status.fill_reports
    return all(
        sum((fill.last_qty.as_decimal() for fill in fills.get(order_id, ())), Decimal(0))
        == order.filled_qty.as_decimal()
        for order_id, order in status.order_reports.items()
    )


def leave_out_proven_positions(status: ExecutionMassStatus) -> ExecutionMassStatus:
    """Without the positions that the fills add up to: the engine comes to them by itself, and asks again afterwards."""
    left = ExecutionMassStatus(
        client_id=status.client_id,
        account_id=status.account_id,
        venue=status.venue,
        report_id=status.id,
        ts_init=status.ts_init,
    )
    left.add_order_reports(list(status.order_reports.values()))
    fills = [fill for of_order in status.fill_reports.values() for fill in of_order]
    left.add_fill_reports(fills)
    for instrument_id, positions in status.position_reports.items():
        if _held(positions) != _traded(fills, instrument_id):
            left.add_position_reports(positions)
    return left


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
