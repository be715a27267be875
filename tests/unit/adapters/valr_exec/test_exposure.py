"""What an order can close, and who keeps its links."""

from decimal import Decimal

import pytest
from nautilus_trader.accounting.accounts.base import Account
from nautilus_trader.accounting.factory import AccountFactory
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, OrderType, TriggerType
from nautilus_trader.model.events import AccountState
from nautilus_trader.model.identifiers import AccountId, InstrumentId, PositionId, StrategyId, Symbol, TraderId
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import AccountBalance, Money, Price, Quantity
from nautilus_trader.model.position import Position
from nautilus_trader.test_kit.stubs.events import TestEventStubs

from helios_nautilus.adapters.valr.exposure import closable, is_exit, is_linked_locally, reduced_quantity
from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.adapters.valr.money import currency_of

ORDERS = OrderFactory(TraderId("TESTER-001"), StrategyId("S-001"), TestClock())
OTHERS = OrderFactory(TraderId("TESTER-001"), StrategyId("S-002"), TestClock())
COARSE = CurrencyPair(
    instrument_id=InstrumentId.from_str("XRPZAR.VALR"),
    raw_symbol=Symbol("XRPZAR"),
    base_currency=currency_of("XRP"),
    quote_currency=currency_of("ZAR"),
    price_precision=2,
    size_precision=1,
    price_increment=Price.from_str("0.01"),
    size_increment=Quantity.from_str("0.1"),
    ts_event=0,
    ts_init=0,
)
PERPETUAL = build_instrument("BTCUSDTPERP.VALR")


def holding(bought: str, fee: str) -> Cache:
    """A cache with a position in XRP that paid its fee in XRP."""
    cache = Cache()
    cache.add_instrument(COARSE)
    entry = ORDERS.market(COARSE.id, OrderSide.BUY, COARSE.make_qty(Decimal(bought)))
    fill = TestEventStubs.order_filled(
        entry,
        COARSE,
        position_id=PositionId("P-1"),
        strategy_id=StrategyId("S-001"),
        last_px=COARSE.make_price(10),
        commission=Money(Decimal(fee), currency_of("XRP")),
    )
    cache.add_position(Position(COARSE, fill), OmsType.NETTING)
    return cache


def having(total: str) -> Account:
    """The account, with so much XRP in it."""
    xrp = Money(Decimal(total), currency_of("XRP"))
    state = AccountState(
        account_id=AccountId("VALR-main"),
        account_type=AccountType.CASH,
        base_currency=None,
        reported=True,
        balances=[AccountBalance(xrp, Money(0, xrp.currency), xrp)],
        margins=[],
        info={},
        event_id=UUID4(),
        ts_event=0,
        ts_init=0,
    )
    return AccountFactory.create(state)


def sale(size: str, factory: OrderFactory = ORDERS, **options: bool) -> object:
    return factory.market(COARSE.id, OrderSide.SELL, COARSE.make_qty(Decimal(size)), **options)


def test_the_fee_that_rounding_hides_is_not_sold() -> None:
    cache = holding("10", "0.035")
    # The engine thinks that it holds ten, and there are 9.965.
    assert cache.positions_open()[0].quantity == 10
    assert closable(sale("10"), COARSE, cache) == Decimal("9.9")
    assert reduced_quantity(sale("10", reduce_only=True), COARSE, cache) == Decimal("9.9")
    assert reduced_quantity(sale("4", reduce_only=True), COARSE, cache) == Decimal("4.0")
    assert reduced_quantity(sale("10"), COARSE, cache) is None


@pytest.mark.parametrize(
    ("balance", "sold"),
    [
        ("9.9649", "9.9"),
        ("9.965001", "9.9"),
        ("9.8999", "9.8"),
        ("12", "9.9"),
        ("0", "9.9"),
    ],
    ids=["fees rounded", "fees rounded up", "a fee that nobody told", "other coins", "not told of the purchase yet"],
)
def test_what_the_account_is_a_little_short_of_is_not_sold(balance: str, sold: str) -> None:
    cache = holding("10", "0.035")
    cache.add_account(having(balance))
    assert closable(sale("10"), COARSE, cache) == Decimal(sold)


def test_nothing_is_closed_of_another_strategy_or_by_adding_to_a_position() -> None:
    cache = holding("10", "0")
    assert closable(sale("1", OTHERS), COARSE, cache) == 0
    more = ORDERS.market(COARSE.id, OrderSide.BUY, COARSE.make_qty(1), reduce_only=True)
    assert reduced_quantity(more, COARSE, cache) == 0


@pytest.mark.parametrize(("size", "is_one"), [("9.9", True), ("10", False)])
def test_a_sale_is_an_exit_if_all_of_it_closes(size: str, is_one: bool) -> None:
    assert is_exit(sale(size), COARSE, holding("10", "0.035")) is is_one


def test_on_a_perpetual_only_reduce_only_is_an_exit() -> None:
    size = PERPETUAL.make_qty(Decimal("0.01"))
    for reduces in (True, False):
        order = ORDERS.market(PERPETUAL.id, OrderSide.SELL, size, reduce_only=reduces)
        assert is_exit(order, PERPETUAL, Cache()) is reduces
        assert reduced_quantity(order, PERPETUAL, Cache()) is None


@pytest.mark.parametrize("trigger", [TriggerType.BID_ASK, TriggerType.NO_TRIGGER])
def test_links_are_the_engines_while_its_emulator_holds_the_other_orders(trigger: TriggerType) -> None:
    bracket = ORDERS.bracket(
        COARSE.id,
        OrderSide.BUY,
        COARSE.make_qty(10),
        sl_trigger_price=COARSE.make_price(9),
        tp_price=COARSE.make_price(11),
        tp_order_type=OrderType.LIMIT,
        emulation_trigger=trigger,
    )
    cache = Cache()
    entry = bracket.first
    assert not is_linked_locally(entry, cache), "of orders that nobody knows nothing is known"
    for order in bracket.orders:
        cache.add_order(order)
    assert is_linked_locally(entry, cache) is (trigger is TriggerType.BID_ASK)
