"""What the engine begins with fits together, so that it has nothing to make up."""

from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.reports import ExecutionMassStatus, FillReport, OrderStatusReport, PositionStatusReport
from nautilus_trader.model.enums import LiquiditySide, OrderSide, OrderStatus, OrderType, PositionSide, TimeInForce
from nautilus_trader.model.identifiers import AccountId, ClientId, InstrumentId, TradeId, Venue, VenueOrderId
from nautilus_trader.model.objects import Currency, Money, Price, Quantity

from helios_nautilus.adapters.valr.mass_status import arrange, is_of_one_moment, unproven

PERPETUAL, OTHER = (InstrumentId.from_str(name) for name in ("BTCUSDTPERP.VALR", "ETHUSDTPERP.VALR"))
ACCOUNT = AccountId("VALR-main")


def order(order_id: str, filled: str, side: OrderSide = OrderSide.BUY, accepted_ns: int = 1) -> OrderStatusReport:
    return OrderStatusReport(
        account_id=ACCOUNT,
        instrument_id=PERPETUAL,
        venue_order_id=VenueOrderId(order_id),
        order_side=side,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        order_status=OrderStatus.PARTIALLY_FILLED,
        quantity=Quantity.from_str("1.0"),
        filled_qty=Quantity.from_str(filled),
        price=Price.from_str("100"),
        report_id=UUID4(),
        ts_accepted=accepted_ns,
        ts_last=2,
        ts_init=3,
    )


def fill(
    order_id: str, trade_id: str, quantity: str, side: OrderSide = OrderSide.BUY, traded_ns: int = 2
) -> FillReport:
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
        ts_event=traded_ns,
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
    left = arrange(whole, lambda _: False)
    assert left.position_reports == {}
    assert left.order_reports == whole.order_reports
    assert left.fill_reports == whole.fill_reports


def test_how_far_a_position_is_from_its_fills_is_told() -> None:
    fills = [fill("V-1", "T-1", "0.3"), fill("V-2", "T-2", "0.5", OrderSide.SELL)]
    assert unproven(status([], fills, [position("0.2", PositionSide.SHORT)])) == {}
    assert unproven(status([], fills, [position("0.2", PositionSide.LONG)])) == {PERPETUAL: Decimal("0.4")}


def test_a_position_that_began_before_the_fills_stays() -> None:
    reported = [position("0.5", PositionSide.LONG), position("1.0", PositionSide.LONG, OTHER)]
    left = arrange(status([], [fill("V-1", "T-1", "0.3")], reported), lambda _: False)
    assert left.position_reports == {PERPETUAL: reported[:1], OTHER: reported[1:]}


def test_orders_come_in_the_order_of_their_trades_and_not_of_their_acceptance() -> None:
    orders = [
        order("V-3", "0.1", accepted_ns=1),
        order("V-2", "0.1", accepted_ns=2),
        order("V-1", "0.0", accepted_ns=5),
    ]
    fills = [fill("V-3", "T-3", "0.1", traded_ns=9), fill("V-2", "T-2", "0.1", traded_ns=4)]
    arranged = arrange(status(orders, fills, []), lambda _: False)
    assert [str(order_id) for order_id in arranged.order_reports] == ["V-2", "V-1", "V-3"]


def test_a_short_of_a_perpetual_that_was_partly_closed_while_it_grew_stays_a_short() -> None:
    orders = [order("V-2", "0.1"), order("V-1", "0.3", OrderSide.SELL)]
    fills = [
        fill("V-1", "T-1", "0.2", OrderSide.SELL, 2),
        fill("V-2", "T-2", "0.1", traded_ns=3),
        fill("V-1", "T-3", "0.1", OrderSide.SELL, 4),
    ]
    arranged = arrange(status(orders, fills, []), lambda _: False)
    assert [str(order_id) for order_id in arranged.order_reports] == ["V-1", "V-2"]


PARTS = st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(1, 9)), max_size=40)


@given(PARTS, st.randoms(use_true_random=False))
def test_what_was_never_short_is_not_short_on_the_way_however_the_fills_of_orders_mixed(
    parts: list[tuple[int, bool, int]], shuffler: Random
) -> None:
    """Fills in time: each of one of six purchases or six sales, never selling more than is held."""
    orders: dict[str, OrderSide] = {}
    fills: list[FillReport] = []
    held = 0
    for stamp_ns, (number, is_sale, wanted) in enumerate(parts):
        side = OrderSide.SELL if is_sale else OrderSide.BUY
        quantity = min(wanted, held) if is_sale else wanted
        if not quantity:
            continue
        held += -quantity if is_sale else quantity
        orders[f"{side.name}-{number}"] = side
        fills.append(fill(f"{side.name}-{number}", f"T-{stamp_ns}", str(quantity), side, stamp_ns // 3))
    reports = [order(order_id, "0.1", side) for order_id, side in orders.items()]
    shuffler.shuffle(reports)

    arranged = arrange(status(reports, fills, []), lambda _: True)
    held = 0
    for order_id, report in arranged.order_reports.items():
        traded = int(sum(trade.last_qty.as_decimal() for trade in arranged.fill_reports[order_id]))
        held += traded if report.order_side is OrderSide.BUY else -traded
        assert held >= 0
