"""What the engine begins with fits together, so that it has nothing to make up."""

from decimal import Decimal

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.reports import ExecutionMassStatus, FillReport, OrderStatusReport, PositionStatusReport
from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderStatus, OrderType, PositionSide, TimeInForce
from nautilus_trader.model.identifiers import AccountId, ClientId, InstrumentId, TradeId, Venue, VenueOrderId
from nautilus_trader.model.objects import Currency, Money, Price, Quantity

from helios_nautilus.adapters.valr.mass_status import is_of_one_moment, leave_out_proven_positions

PERPETUAL, OTHER = (InstrumentId.from_str(name) for name in ("BTCUSDTPERP.VALR", "ETHUSDTPERP.VALR"))
ACCOUNT = AccountId("VALR-main")


def order(order_id: str, filled: str) -> OrderStatusReport:
    return OrderStatusReport(
        account_id=ACCOUNT,
        instrument_id=PERPETUAL,
        venue_order_id=VenueOrderId(order_id),
        order_side=OrderSide.BUY,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        order_status=OrderStatus.PARTIALLY_FILLED,
        quantity=Quantity.from_str("1.0"),
        filled_qty=Quantity.from_str(filled),
        price=Price.from_str("100"),
        report_id=UUID4(),
        ts_accepted=1,
        ts_last=2,
        ts_init=3,
    )


def fill(order_id: str, trade_id: str, quantity: str, side: OrderSide = OrderSide.BUY) -> FillReport:
    return FillReport(
        account_id=ACCOUNT,
        instrument_id=PERPETUAL,
        venue_order_id=VenueOrderId(order_id),
        trade_id=TradeId(trade_id),
        order_side=side,
        last_qty=Quantity.from_str(quantity),
        last_px=Price.from_str("100"),
        commission=Money(0, Currency.from_str("USDT")),
        liquidity_side=LiquiditySide.MAKER,
        report_id=UUID4(),
        ts_event=2,
        ts_init=3,
    )


def position(quantity: str, side: PositionSide, instrument_id: InstrumentId = PERPETUAL) -> PositionStatusReport:
    return PositionStatusReport(
        account_id=ACCOUNT,
        instrument_id=instrument_id,
        position_side=side,
        quantity=Quantity.from_str(quantity),
        avg_px_open=Decimal(90),
        report_id=UUID4(),
        ts_last=2,
        ts_init=3,
    )


def status(
    orders: list[OrderStatusReport], fills: list[FillReport], positions: list[PositionStatusReport]
) -> ExecutionMassStatus:
    made = ExecutionMassStatus(ClientId("VALR"), ACCOUNT, Venue("VALR"), UUID4(), 3)
    made.add_order_reports(orders)
    made.add_fill_reports(fills)
    made.add_position_reports(positions)
    return made


def test_an_order_with_as_many_fills_as_it_shows_fits() -> None:
    assert is_of_one_moment(status([order("V-1", "0.0")], [], []))
    assert is_of_one_moment(status([order("V-1", "0.3")], [fill("V-1", "T-1", "0.1"), fill("V-1", "T-2", "0.2")], []))


def test_an_order_that_shows_more_or_less_than_its_fills_was_read_at_another_moment() -> None:
    assert not is_of_one_moment(status([order("V-1", "0.3")], [fill("V-1", "T-1", "0.1")], []))
    assert not is_of_one_moment(status([order("V-1", "0.0")], [fill("V-1", "T-1", "0.1")], []))


def test_a_position_that_the_fills_add_up_to_is_left_out_and_all_else_stays() -> None:
    fills = [fill("V-1", "T-1", "0.3"), fill("V-2", "T-2", "0.5", OrderSide.SELL)]
    whole = status([order("V-1", "0.3")], fills, [position("0.2", PositionSide.SHORT)])
    left = leave_out_proven_positions(whole)
    assert left.position_reports == {}
    assert left.order_reports == whole.order_reports
    assert left.fill_reports == whole.fill_reports


def test_a_position_that_began_before_the_fills_stays() -> None:
    reported = [position("0.5", PositionSide.LONG), position("1.0", PositionSide.LONG, OTHER)]
    left = leave_out_proven_positions(status([], [fill("V-1", "T-1", "0.3")], reported))
    assert left.position_reports == {PERPETUAL: reported[:1], OTHER: reported[1:]}
