"""What the paper exchange tells the engine of positions that an earlier run left: how reconciliation rebuilds them.

A position comes back by an order that is filled, as at a venue that has no other word for it. The engine books these
fills like any others, so the account begins with what it would have had without them: see `balances_before`.
"""

from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.reports import FillReport, OrderStatusReport, PositionStatusReport
from nautilus_trader.model.enums import (
    LiquiditySide,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionSide,
    TimeInForce,
)
from nautilus_trader.model.identifiers import AccountId, ClientOrderId, TradeId, VenueOrderId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Money, Price, Quantity

from helios_nautilus.journal.records import AccountHolding, AccountRecord

type Part = tuple[Price, Quantity]


def opening_parts(instrument: Instrument, holding: AccountHolding) -> list[Part]:
    """Fills at no more than two prices the venue knows, side by side, whose average is the entry price.

    The average is as near as the lot size allows: what it is off by is worth less than a tick of a single lot.
    """
    tick, lot = instrument.price_increment.as_decimal(), instrument.size_increment.as_decimal()
    quantity = abs(holding.quantity)
    lower = holding.entry_price // tick * tick
    share = (holding.entry_price - lower) / tick
    dearer = (share * quantity / lot).quantize(Decimal(1), ROUND_HALF_UP) * lot
    parts = ((lower, quantity - dearer), (lower + tick, dearer))
    return [(instrument.make_price(price), instrument.make_qty(size)) for price, size in parts if size]


def balances_before(account: AccountRecord, instruments: Mapping[str, Instrument]) -> dict[str, Decimal]:
    """An account's balances as they were before its holdings were bought; on margin nothing is paid for a position."""
    balances = dict(account.balances)
    if account.kind == "margin":
        return balances
    for holding in account.holdings:
        instrument = instruments[holding.instrument_id]
        for price, size in opening_parts(instrument, holding):
            balances[instrument.base_currency.code] -= size.as_decimal()
            balances[instrument.quote_currency.code] += instrument.notional_value(size, price).as_decimal()
    return balances


def order_report(instrument: Instrument, holding: AccountHolding, account_id: AccountId) -> OrderStatusReport:
    """The order that opened a holding, as if there had been one."""
    quantity = instrument.make_qty(abs(holding.quantity))
    return OrderStatusReport(
        account_id=account_id,
        instrument_id=instrument.id,
        client_order_id=ClientOrderId(_name(instrument)),
        venue_order_id=VenueOrderId(_name(instrument)),
        order_side=_side(holding),
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        order_status=OrderStatus.FILLED,
        quantity=quantity,
        filled_qty=quantity,
        avg_px=holding.entry_price,
        report_id=UUID4(),
        ts_accepted=holding.opened_ns,
        ts_last=holding.opened_ns,
        ts_init=holding.opened_ns,
    )


def fill_reports(instrument: Instrument, holding: AccountHolding, account_id: AccountId) -> Iterator[FillReport]:
    """Its fills; what they cost was paid in the run that sent them."""
    for number, (price, size) in enumerate(opening_parts(instrument, holding)):
        yield FillReport(
            account_id=account_id,
            instrument_id=instrument.id,
            client_order_id=ClientOrderId(_name(instrument)),
            venue_order_id=VenueOrderId(_name(instrument)),
            trade_id=TradeId(f"{_name(instrument)}-{number}"),
            order_side=_side(holding),
            last_qty=size,
            last_px=price,
            commission=Money(0, instrument.quote_currency),
            liquidity_side=LiquiditySide.TAKER,
            report_id=UUID4(),
            ts_event=holding.opened_ns,
            ts_init=holding.opened_ns,
        )


def position_report(instrument: Instrument, holding: AccountHolding, account_id: AccountId) -> PositionStatusReport:
    """The holding itself, for the engine to check what it has rebuilt."""
    return PositionStatusReport(
        account_id=account_id,
        instrument_id=instrument.id,
        position_side=PositionSide.LONG if holding.quantity > 0 else PositionSide.SHORT,
        quantity=instrument.make_qty(abs(holding.quantity)),
        avg_px_open=holding.entry_price,
        report_id=UUID4(),
        ts_last=holding.opened_ns,
        ts_init=holding.opened_ns,
    )


def _side(holding: AccountHolding) -> OrderSide:
    return OrderSide.BUY if holding.quantity > 0 else OrderSide.SELL


def _name(instrument: Instrument) -> str:
    return f"RESTORED-{instrument.id.symbol}"
