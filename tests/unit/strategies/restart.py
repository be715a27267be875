"""The process is killed and another one starts: what the venue has comes back, what the process knew does not."""

from collections.abc import Container
from decimal import Decimal
from typing import Any

from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import (
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderInitialized,
    OrderRejected,
    OrderUpdated,
)
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, StrategyId
from nautilus_trader.model.orders import LimitOrder, Order, OrderUnpacker
from nautilus_trader.test_kit.stubs.identifiers import TestIdStubs

from helios_nautilus.domain.kept_bets import KeptBet
from helios_nautilus.domain.plan import ExitPlan, Side
from helios_nautilus.journal.bet_store import BetStore
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.strategies.tiered import TieredStrategy, TieredStrategyConfig
from tests.fakes import BTC, ETH, Kit, at, proposal

MILLION = 1_000_000.0
PLAN = ExitPlan(hold_mins=60)
_TOLD_BY_THE_VENUE = (OrderAccepted, OrderUpdated, OrderFilled, OrderCanceled, OrderExpired, OrderRejected)


def hold(kit: Kit, strategy: TieredStrategy, quantity: str | None = None, side: Side = Side.LONG) -> None:
    """Enter at a million; stop and target work."""
    strategy.propose(proposal(BTC, side=side))
    kit.venue.accept(kit.order("ENTRY"))
    kit.venue.fill(kit.order("ENTRY"), MILLION, quantity)
    kit.venue.accept(kit.order("STOP"), kit.order("TARGET"))


def killed(kit: Kit, minute: float = 5) -> Kit:
    """The next process at a minute: stops and targets were emulated in the one that is gone."""
    return next_run(kit, at(minute), emulated=("STOP", "TARGET"))


def foreign(
    kit: Kit,
    side: OrderSide,
    quantity: str,
    price: float,
    *,
    fills: bool = True,
    instrument_id: InstrumentId = BTC,
) -> Order:
    """Somebody else's order on the same account, given to the strategy as reconciliation does it."""
    instrument = kit.cache.instrument(instrument_id)
    order = LimitOrder(
        TestIdStubs.trader_id(),
        StrategyId("TieredStrategy-None"),
        instrument_id,
        ClientOrderId(f"somebody-{len(kit.cache.orders())}"),
        side,
        instrument.make_qty(Decimal(quantity)),
        instrument.make_price(price),
        UUID4(),
        kit.clock.timestamp_ns(),
    )
    kit.cache.add_order(order)
    kit.venue.accept(order)
    if fills:
        kit.venue.fill(order, price)
    return order


def the_bet(store: BetStore) -> KeptBet:
    """The only one that is kept."""
    (kept,) = store.load()
    return kept


def next_run(kit: Kit, ts_ns: int, *, emulated: Container[str] = ()) -> Kit:
    """A fresh engine after its reconciliation, at a time.

    Orders of the ``emulated`` roles ended with the process, unless they had been released and traded.
    """
    fresh = Kit(BTC, ETH)
    fresh.advance_to(ts_ns)
    for order in kit.all_orders():
        role = order.tags[1] if order.tags else ""
        if role not in emulated or order.filled_qty > 0:
            bring_back(fresh, order)
    return fresh


def bring_back(kit: Kit, order: Order) -> None:
    """Reconciliation makes an order anew out of the venue's reports: without tags, with the fills it had."""
    told = [event for event in order.events if isinstance(event, _TOLD_BY_THE_VENUE)]
    if not told:
        return
    order = _untagged(order)
    kit.cache.add_order(order)
    if not isinstance(told[0], OrderAccepted | OrderRejected):
        kit.venue.accept(order)  # as the engine does for an order that traded
    for event in told:
        kit.msgbus.send("ExecEngine.process", event)


def _untagged(order: Order) -> Order:
    fields = OrderInitialized.to_dict(order.init_event) | {"tags": None, "linked_order_ids": None, "reconciliation": 1}
    return OrderUnpacker.from_init(OrderInitialized.from_dict(fields | {"contingency_type": "NO_CONTINGENCY"}))


def recovering(kit: Kit, journal: MemoryJournal, store: BetStore, **settings: Any) -> TieredStrategy:
    """A started strategy whose bets outlive it."""
    volatility = settings.pop("volatility", lambda _name: None)
    past = settings.pop("past", None)
    config = TieredStrategyConfig(instrument_ids=(BTC, ETH), **settings)
    strategy = kit.start(TieredStrategy(config, journal, store, volatility, past))
    kit.advance_to(kit.clock.timestamp_ns())  # once it runs it takes up what is there
    return strategy
