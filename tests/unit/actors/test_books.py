from decimal import Decimal

import pytest
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import LiquiditySide, OrderSide
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import ClientOrderId, TradeId
from nautilus_trader.model.objects import Money, Quantity
from nautilus_trader.model.orders import MarketOrder, Order
from nautilus_trader.test_kit.stubs.identifiers import TestIdStubs

from helios_nautilus.actors.books import BookKeeper, BookKeeperConfig
from helios_nautilus.adapters.valr.constants import VALR_VENUE
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.messages import TOPIC_MISMATCH, Mismatch
from tests.fakes import BTC, ETH, SOL, START_NS, Kit

MILLION = 1_000_000.0


class Kept:
    """Books of the three pairs, opened with 1 BTC, and what does not fit."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        kit.report(ZAR=100_000, BTC=1)
        self.told: list[Mismatch] = kit.listen(TOPIC_MISMATCH)
        kit.start(BookKeeper(BookKeeperConfig(instrument_ids=(BTC, ETH, SOL), venue=VALR_VENUE)))

    def wait(self, secs: float = 120.0) -> None:
        self.kit.advance_to(self.kit.clock.timestamp_ns() + int(secs * NS_PER_SEC))


@pytest.fixture
def kept(kit: Kit) -> Kept:
    return Kept(kit)


def stranger(kit: Kit, quantity: str, *, made_ns: int) -> Order:
    """An order that reconciliation brought: without our tags."""
    order = MarketOrder(
        TestIdStubs.trader_id(),
        TestIdStubs.strategy_id(),
        BTC,
        ClientOrderId("theirs-1"),
        OrderSide.BUY,
        Quantity.from_str(quantity),
        UUID4(),
        made_ns,
    )
    kit.cache.add_order(order)
    return order


def fill(kit: Kit, order: Order, fee: str = "0", *, reconciliation: bool = True) -> None:
    """Tell its fill on the bus, as the engine does."""
    instrument, now_ns = kit.cache.instrument(BTC), kit.clock.timestamp_ns()
    names = order.trader_id, order.strategy_id, order.instrument_id, order.client_order_id
    event = OrderFilled(
        *names,
        TestIdStubs.venue_order_id(),
        TestIdStubs.account_id(),
        TradeId("t-1"),
        None,
        order.side,
        order.order_type,
        order.quantity,
        instrument.make_price(MILLION),
        instrument.quote_currency,
        Money(Decimal(fee), instrument.base_currency),
        LiquiditySide.TAKER,
        UUID4(),
        now_ns,
        now_ns,
        reconciliation,
    )
    kit.msgbus.publish(f"events.order.{order.strategy_id}", event)


def test_a_trade_of_ours_whose_balance_comes_is_no_mismatch(kept: Kept) -> None:
    kept.kit.hold(BTC, MILLION)
    kept.kit.report(ZAR=90_000, BTC=1.01)
    kept.kit.venue.cancel(kept.kit.order("STOP"), kept.kit.order("TARGET"))
    kept.wait()

    assert kept.told == []


def test_a_balance_that_our_fills_do_not_explain_is_told_after_a_minute(kept: Kept) -> None:
    kept.kit.report(ZAR=100_000, BTC=0.5)
    kept.wait(50)
    assert kept.told == []
    kept.wait(20)

    (mismatch,) = kept.told
    assert mismatch.instrument_id == BTC.value
    assert mismatch.words.startswith("VALR has 0.5 BTC, our books say 1: 0.5 less")


def test_while_an_order_works_balances_are_not_looked_at(kept: Kept) -> None:
    kept.kit.enter(BTC, MILLION)
    kept.kit.report(ZAR=100_000, BTC=0.5)
    kept.wait()

    assert kept.told == []


def test_less_than_the_venue_trades_is_dust(kept: Kept) -> None:
    kept.kit.report(ZAR=100_000, BTC=1.000001)
    kept.wait()

    assert kept.told == []


def test_a_fill_of_an_order_that_nobody_here_sent_is_told_at_once(kept: Kept) -> None:
    kept.wait(1)
    fill(kept.kit, stranger(kept.kit, "0.25", made_ns=kept.kit.clock.timestamp_ns()))

    (mismatch,) = kept.told
    assert "0.25" in mismatch.words
    assert "an order that this node did not send (theirs-1)" in mismatch.words


def test_an_order_that_was_there_before_the_start_is_ours_of_an_earlier_run(kept: Kept) -> None:
    fill(kept.kit, stranger(kept.kit, "0.25", made_ns=START_NS - 1), fee="0.00025")
    kept.kit.report(ZAR=100_000, BTC=1.24975)
    kept.wait()

    assert kept.told == []


def test_an_invented_order_over_dust_is_none_either(kept: Kept) -> None:
    kept.wait(1)
    fill(kept.kit, stranger(kept.kit, "0.00000001", made_ns=kept.kit.clock.timestamp_ns()))

    assert kept.told == []
