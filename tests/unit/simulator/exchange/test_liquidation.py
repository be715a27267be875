"""An account below its maintenance margin is reduced slice by slice until it is covered again."""

from decimal import Decimal

import pytest

from helios_nautilus.simulator.exchange.accounts import Account
from helios_nautilus.simulator.exchange.engine import MatchStrategy
from helios_nautilus.simulator.exchange.events import PositionReduced, Transaction
from helios_nautilus.simulator.exchange.identity import IdSource
from helios_nautilus.simulator.exchange.liquidation import Liquidator
from helios_nautilus.simulator.exchange.orders import Order, OrderType, Status
from helios_nautilus.simulator.exchange.refusals import Code, Refusal
from tests.unit.simulator.exchange.floor import BUY, LISTING, SELL, Floor

PERP = "BTCUSDTPERP"


class Brink(Floor):
    """`carl` has 1000 USDT and a long of 0.1 at 90 000; below 84 500 it is not covered any more."""

    def __init__(self) -> None:
        super().__init__()
        self.carl: Account = self.accounts.open_sub_account("carl")
        self.liquidator = Liquidator(self.engine, self.accounts, LISTING, IdSource(2))

    def fund(self, currency: str, amount: str) -> None:
        self.engine.ledger.deposit(self.carl.account_id, currency, Decimal(amount), self.now_ns)

    def mark(self, price: str) -> list[Order]:
        """Mark at a price where others want to buy and sell, and run; the liquidation's orders."""
        for account, side, tick in ((self.ann, BUY, 0), (self.bob, SELL, 1)):
            self.place(account, side, "5", str(int(price) + tick), symbol=PERP)
        self.engine.margin.mark_prices[PERP] = Decimal(price)
        self.liquidator.run(self.now_ns)
        return [order for order in self.engine.orders.values() if order.type is OrderType.LIQUIDATION]

    def net(self) -> Decimal:
        position = self.engine.positions.get(self.carl.account_id, PERP)
        return position.quantity if position else Decimal(0)


@pytest.fixture
def brink() -> Brink:
    brink = Brink()
    brink.fund("USDT", "1000")
    brink.place(brink.bob, SELL, "0.1", "90000", symbol=PERP)
    brink.place(brink.carl, BUY, "0.1", "90000", symbol=PERP)
    return brink


def test_a_covered_account_is_left_alone(brink: Brink) -> None:
    resting = brink.place(brink.carl, SELL, "0.1", "95000", symbol=PERP)
    assert brink.mark("85000") == []
    assert (resting.status, brink.carl.in_liquidation) == (Status.PLACED, False)


def test_below_maintenance_a_tenth_is_closed_at_half_a_percent(brink: Brink) -> None:
    (order,) = brink.mark("84000")
    assert brink.carl.in_liquidation
    assert (order.status, order.side, order.executed) == (Status.FILLED, SELL, Decimal("0.01"))
    assert order.fee == Decimal("0.01") * 84_000 * Decimal("0.005")
    (reduction,) = brink.engine.positions.reductions[brink.carl.account_id]
    assert (reduction.close_type, reduction.quantity) == ("Liquidation", Decimal("0.01"))
    assert [event.reduction for event in brink.events if isinstance(event, PositionReduced)] == [reduction]


def test_its_open_orders_are_cancelled_first(brink: Brink) -> None:
    resting = brink.place(brink.carl, SELL, "0.05", "95000", symbol=PERP, reduce_only=True)
    brink.mark("84000")
    assert resting.status is Status.CANCELLED


def test_slices_go_on_until_the_account_is_covered_again(brink: Brink) -> None:
    for _ in range(30):
        brink.mark("84300")
        if not brink.carl.in_liquidation:
            break
    assert 0 < brink.net() < Decimal("0.1")
    assert brink.engine.margin.state(brink.carl).is_covered


def test_what_cannot_be_covered_is_closed_to_the_last_lot(brink: Brink) -> None:
    for _ in range(60):
        brink.mark("80000")
    assert brink.net() == 0
    sums, deposits = brink.engine.ledger.sums(), brink.engine.ledger.deposits
    assert {currency: sums[currency] for currency in deposits} == deposits


def test_without_a_book_nothing_is_sold_at_any_price(brink: Brink) -> None:
    brink.engine.margin.mark_prices[PERP] = Decimal(80_000)
    brink.liquidator.run(brink.now_ns)
    assert brink.carl.in_liquidation
    assert brink.net() == Decimal("0.1")


def test_borrowed_money_is_paid_back_by_selling_what_it_bought() -> None:
    brink = Brink()
    brink.fund("ZAR", "250000")
    brink.place(brink.bob, SELL, "1", "1000000")
    brink.place(brink.carl, BUY, "1", "1000000", allow_margin=True)
    borrowed = brink.engine.ledger.balance(brink.carl.account_id, "ZAR").borrowed
    assert borrowed == 750_000
    brink.place(brink.ann, BUY, "1", "820000")
    brink.place(brink.bob, SELL, "0.001", "820000")
    brink.liquidator.run(brink.now_ns)
    assert brink.carl.in_liquidation
    left = brink.engine.ledger.balance(brink.carl.account_id, "ZAR").borrowed
    assert left == borrowed - Decimal("0.09146341") * 820_000 * Decimal("0.995")
    kinds = [event.kind for event in brink.events if isinstance(event, Transaction)]
    assert "LIQUIDATION_LIMIT_SELL" in kinds


def test_a_larger_perpetual_order_needs_its_margin_when_it_is_modified_as_well(brink: Brink) -> None:
    order = brink.place(brink.carl, BUY, "0.001", "80000", symbol=PERP)
    with pytest.raises(Refusal) as caught:
        brink.engine.modify(order, brink.now_ns, remaining=Decimal(1), strategy=MatchStrategy.RETAIN_ORIGINAL)
    assert caught.value.code is Code.INSUFFICIENT_BALANCE
    assert order.remaining == Decimal("0.001")
