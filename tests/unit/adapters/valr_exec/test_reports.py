"""Recorded states of orders and positions as reports."""

from pathlib import Path

import pytest
from nautilus_trader.model.enums import OrderStatus, OrderType, PositionSide, TimeInForce
from nautilus_trader.model.identifiers import AccountId, InstrumentId, Symbol
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Price, Quantity

from helios_nautilus.adapters.valr.api.schemas.account import Position
from helios_nautilus.adapters.valr.api.schemas.orders import OpenOrder, OrderState, OrderSummary
from helios_nautilus.adapters.valr.api.wire import WireDecoder
from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.adapters.valr.money import currency_of
from helios_nautilus.adapters.valr.reports import build_order_report, build_position_report, filled_quantity

PAYLOADS = Path(__file__).parents[3] / "payloads" / "valr"
ACCOUNT = AccountId("VALR-main")
FINE = CurrencyPair(
    instrument_id=InstrumentId.from_str("ANY.VALR"),
    raw_symbol=Symbol("ANY"),
    base_currency=currency_of("BTC"),
    quote_currency=currency_of("USDT"),
    price_precision=8,
    size_precision=8,
    price_increment=Price.from_str("0.00000001"),
    size_increment=Quantity.from_str("0.00000001"),
    ts_event=0,
    ts_init=0,
)


def read(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


@pytest.mark.parametrize(
    ("name", "status", "filled"),
    [
        ("rest_orders_status_placed", OrderStatus.ACCEPTED, "0"),
        ("rest_orders_status_partially_filled", OrderStatus.PARTIALLY_FILLED, "0.001"),
        ("rest_orders_status_stop_active", OrderStatus.ACCEPTED, "0"),
        ("rest_orders_status_stop_triggered", OrderStatus.TRIGGERED, "0"),
        ("rest_orders_status_cancelled", OrderStatus.CANCELED, "0"),
        ("rest_orders_status_failed_market", OrderStatus.REJECTED, "0"),
    ],
)
def test_every_recorded_state_has_its_report(name: str, status: OrderStatus, filled: str) -> None:
    report = build_order_report(WireDecoder[OrderState](OrderState).decode(read(name)), FINE, ACCOUNT, None, 0)
    assert report.order_status is status
    assert report.filled_qty == Quantity.from_str(filled)
    assert (report.ts_triggered > 0) is (status is OrderStatus.TRIGGERED)
    assert report.order_type is not OrderType.MARKET or report.time_in_force is TimeInForce.IOC


def test_a_filled_order_reports_what_it_cost() -> None:
    state = WireDecoder[OrderSummary](OrderSummary).decode(read("rest_orders_history_summary_post_only_filled"))
    report = build_order_report(state, FINE, ACCOUNT, None, 0)
    assert (report.order_status, str(report.avg_px), report.post_only) == (OrderStatus.FILLED, "0.03", True)
    assert filled_quantity(state) == state.original_quantity


def test_open_orders_are_reported_with_their_price() -> None:
    rows = WireDecoder[list[OpenOrder]](list[OpenOrder]).decode(read("rest_orders_open_k"))
    report = build_order_report(rows[0], FINE, ACCOUNT, None, 0)
    assert (str(report.price), report.order_type) == ("50000.00000000", OrderType.LIMIT)


def test_a_short_position_is_reported_short() -> None:
    rows = WireDecoder[list[Position]](list[Position]).decode(read("rest_positions_open_k"))
    report = build_position_report(rows[0], build_instrument("BTCUSDTPERP.VALR"), ACCOUNT, 0)
    assert report.position_side is PositionSide.SHORT
    assert str(report.quantity) == "0.0001"
