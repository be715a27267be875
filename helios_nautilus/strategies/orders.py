"""The orders of a bet, as Nautilus's factory makes them: the bracket that opens it, and what may follow.

Every order carries its decision and its role; every way out is reduce-only.
"""

from decimal import Decimal

from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.core.datetime import unix_nanos_to_dt
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.enums import OrderSide, OrderType, TimeInForce, TriggerType
from nautilus_trader.model.events import OrderInitialized, OrderSubmitted
from nautilus_trader.model.identifiers import AccountId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order, OrderList, OrderUnpacker
from nautilus_trader.model.position import Position

from helios_nautilus.domain.lifecycle import Lifecycle
from helios_nautilus.domain.plan import Side
from helios_nautilus.strategies import audit


def affordable(instrument: Instrument, quantity: float) -> Quantity | None:
    """The quantity rounded down to the lot, or None if it is under the venue's minimum."""
    step = instrument.size_increment.as_decimal()
    lots = (Decimal(repr(float(quantity))) // step) * step
    minimum = instrument.min_quantity.as_decimal() if instrument.min_quantity is not None else step
    return instrument.make_qty(lots) if lots >= minimum > 0 else None


def open_bracket(
    factory: OrderFactory,
    instrument: Instrument,
    quantity: Quantity,
    life: Lifecycle,
    decision_id: str,
    *,
    price: float,
    give_up_ns: int | None,
    emulation: TriggerType = TriggerType.NO_TRIGGER,
) -> OrderList:
    """Entry, stop and target in one: a taker's entry trades at once or not at all, up to ``price``.

    With ``give_up_ns`` it is a maker's, post-only at ``price`` until that time. With ``emulation`` the engine watches
    over stop and target, where the venue has no brackets.
    """
    is_maker = give_up_ns is not None
    bracket = factory.bracket(
        instrument_id=instrument.id,
        order_side=OrderSide.BUY if life.side is Side.LONG else OrderSide.SELL,
        quantity=quantity,
        entry_order_type=OrderType.LIMIT,
        entry_price=instrument.make_price(price),
        entry_post_only=is_maker,
        time_in_force=TimeInForce.GTD if is_maker else TimeInForce.IOC,
        expire_time=None if give_up_ns is None else unix_nanos_to_dt(give_up_ns),
        sl_trigger_price=instrument.make_price(life.stop_price),
        tp_price=instrument.make_price(life.target_price),
        tp_post_only=False,
        entry_tags=audit.tags(decision_id, "ENTRY"),
        sl_tags=audit.tags(decision_id, "STOP"),
        tp_tags=audit.tags(decision_id, "TARGET"),
        emulation_trigger=emulation,
    )
    if emulation == TriggerType.NO_TRIGGER:
        return bracket
    entry, *guard = bracket.orders
    return OrderList(bracket.id, [_at_venue(entry), *guard])


def new_guard(
    factory: OrderFactory,
    instrument: Instrument,
    position: Position,
    life: Lifecycle,
    decision_id: str,
    *,
    emulation: TriggerType = TriggerType.NO_TRIGGER,
) -> tuple[Order, Order]:
    """A stop and a target for all of a position; see `open_bracket`."""
    shared = {
        "instrument_id": instrument.id,
        "order_side": position.closing_order_side(),
        "quantity": position.quantity,
        "reduce_only": True,
        "emulation_trigger": emulation,
    }
    stop = factory.stop_market(
        **shared, trigger_price=instrument.make_price(life.stop_price), tags=audit.tags(decision_id, "STOP")
    )
    target = factory.limit(
        **shared, price=instrument.make_price(life.target_price), tags=audit.tags(decision_id, "TARGET")
    )
    return stop, target


def _at_venue(order: Order) -> Order:
    """The same without emulation: the factory has either all orders of a bracket emulated or none."""
    fields = OrderInitialized.to_dict(order.init_event) | {"emulation_trigger": TriggerType.NO_TRIGGER.name}
    return OrderUnpacker.from_init(OrderInitialized.from_dict(fields))


def sent_before(fields: dict[str, object], account_id: AccountId, now_ns: int) -> Order:
    """An order of an earlier run, and under way: nobody knows what became of it. Those it was linked to are gone."""
    alone = {"contingency_type": "NO_CONTINGENCY", "linked_order_ids": None, "order_list_id": None}
    order = OrderUnpacker.from_init(OrderInitialized.from_dict({**fields, **alone}))
    names = order.trader_id, order.strategy_id, order.instrument_id, order.client_order_id
    order.apply(OrderSubmitted(*names, account_id, UUID4(), now_ns, now_ns))
    return order


def limit_exit(factory: OrderFactory, position: Position, decision_id: str, price: Price) -> Order:
    """An order that closes at once what it can of a position, at ``price`` or better, and nothing later."""
    return factory.limit(
        instrument_id=position.instrument_id,
        order_side=position.closing_order_side(),
        quantity=position.quantity,
        price=price,
        time_in_force=TimeInForce.IOC,
        reduce_only=True,
        tags=audit.tags(decision_id, "EXIT"),
    )


def market_exit(factory: OrderFactory, position: Position, decision_id: str) -> Order:
    """An order that closes a position at whatever price."""
    return _at_market(factory, position, position.quantity, audit.tags(decision_id, "EXIT"))


def trim(factory: OrderFactory, position: Position, quantity: Quantity, decision_id: str) -> Order:
    """An order that closes a part of a position at whatever price."""
    return _at_market(factory, position, quantity, audit.tags(decision_id, "TRIM"))


def _at_market(factory: OrderFactory, position: Position, quantity: Quantity, tags: list[str]) -> Order:
    return factory.market(
        instrument_id=position.instrument_id,
        order_side=position.closing_order_side(),
        quantity=quantity,
        reduce_only=True,
        tags=tags,
    )
