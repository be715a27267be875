from decimal import Decimal

import pytest
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import OrderEvent, OrderFilled
from nautilus_trader.model.objects import Currency, Money
from nautilus_trader.test_kit.stubs.events import TestEventStubs
from nautilus_trader.test_kit.stubs.execution import TestExecStubs

from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.strategies import audit
from tests.fakes import BTC

ZAR = Currency.from_str("ZAR")
BITCOIN = build_instrument(BTC.value)


def limit_order(tags: list[str] | None = None) -> object:
    return TestExecStubs.limit_order(
        instrument=BITCOIN,
        order_side=OrderSide.BUY,
        price=BITCOIN.make_price(1_000_000),
        quantity=BITCOIN.make_qty(0.01),
        tags=tags,
    )


def fill(order: object, commission: Money) -> OrderFilled:
    event = TestEventStubs.order_filled(
        order, BITCOIN, last_px=BITCOIN.make_price(1_000_000), last_qty=BITCOIN.make_qty(0.01), commission=commission
    )
    assert isinstance(event, OrderFilled)
    return event


def test_an_order_tells_its_decision_and_role_by_its_tags() -> None:
    order = limit_order(audit.tags("BTCZAR.VALR-20260105T0005", "STOP"))

    assert audit.origin_of(order) == ("BTCZAR.VALR-20260105T0005", "STOP")


def test_a_foreign_order_is_of_no_decision_and_counts_as_an_exit() -> None:
    assert audit.origin_of(limit_order()) == ("", "EXIT")


@pytest.mark.parametrize(
    ("commission", "value"),
    [(Money(35, ZAR), Decimal(35)), (Money("0.00002", Currency.from_str("BTC")), Decimal(20))],
    ids=["in the account's currency", "in what was bought, at the fill's price"],
)
def test_a_commission_is_valued_in_the_accounts_currency(commission: Money, value: Decimal) -> None:
    order = limit_order(audit.tags("d", "ENTRY"))

    record = audit.fill_record(fill(order, commission), audit.origin_of(order), ZAR)

    assert record.commission_value == value
    assert (record.role, record.side, record.quantity, record.price) == ("ENTRY", "BUY", Decimal("0.01"), 1_000_000)


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (TestEventStubs.order_submitted, "SUBMITTED"),
        (TestEventStubs.order_accepted, "ACCEPTED"),
        (TestEventStubs.order_rejected, "REJECTED"),
        (TestEventStubs.order_pending_cancel, None),
    ],
)
def test_states_that_say_something_new_are_recorded(make: object, status: str | None) -> None:
    order = limit_order(audit.tags("d", "ENTRY"))
    order.apply(TestEventStubs.order_submitted(order))
    order.apply(TestEventStubs.order_accepted(order))
    event: OrderEvent = make(order)

    record = audit.order_record(event, order, audit.origin_of(order))

    assert (None if record is None else record.status) == status
    if record is not None:
        assert (record.price, record.quantity, record.order_type) == (1_000_000, Decimal("0.01"), "LIMIT")
