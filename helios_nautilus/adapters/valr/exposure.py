"""What an order would do to what is held: how much of it closes a position, and what becomes of its linked orders.

VALR knows reduce-only for perpetuals alone and links no orders at all. On spot the engine emulates stops and targets
and releases them as plain reduce-only orders, one at a time: here is what such an order may be.
"""

from decimal import ROUND_FLOOR, Decimal
from typing import Final

from nautilus_trader.cache.cache import Cache
from nautilus_trader.model.enums import OrderSide, TriggerType
from nautilus_trader.model.instruments import CryptoPerpetual, Instrument
from nautilus_trader.model.orders import Order
from nautilus_trader.model.position import Position

_MOST_FEE: Final = Decimal("0.005")
"""Of what is held: a fill that the engine inferred came without its fee."""


def closable(order: Order, instrument: Instrument, cache: Cache) -> Decimal:
    """How much of its strategy's open positions the order could close, in base, floored to the size step.

    Counted out of the fills: the engine's own quantity is rounded to the nearest step after a fee in base was taken
    off, so it may say more than there is. Of spot no more is sold than the account has: see `_at_hand`.
    """
    positions = cache.positions_open(instrument_id=order.instrument_id, strategy_id=order.strategy_id)
    held = sum((_held(position) for position in positions), Decimal(0))
    against = _at_hand(held, instrument, cache) if order.side is OrderSide.SELL else -held
    step = Decimal(1).scaleb(-instrument.size_precision)
    return max(against, Decimal(0)).quantize(step, rounding=ROUND_FLOOR)


def is_exit(order: Order, instrument: Instrument, cache: Cache) -> bool:
    """Whether the order can do nothing but close: reduce-only, or on spot no larger than what it would close.

    On spot VALR cannot sell what is not there; on a perpetual an order that is not reduce-only could turn a position.
    """
    if order.is_reduce_only:
        return True
    if order.is_quote_quantity or isinstance(instrument, CryptoPerpetual):
        return False
    return order.quantity.as_decimal() <= closable(order, instrument, cache)


def reduced_quantity(order: Order, instrument: Instrument, cache: Cache) -> Decimal | None:
    """Size of a reduce-only order of a spot pair, cut to what there is to close; None for an order that keeps its own.

    A cut is the rule, not the exception: a purchase pays its fee in base, so the position is smaller than the entry.
    """
    if not order.is_reduce_only or order.is_quote_quantity or isinstance(instrument, CryptoPerpetual):
        return None
    return min(order.quantity.as_decimal(), closable(order, instrument, cache))


def is_linked_locally(order: Order, cache: Cache) -> bool:
    """Whether the engine's emulator holds all that the order is linked to, or those are over.

    Then the engine keeps the link. It could not for orders that work at the venue side by side.
    """
    linked = (cache.order(client_order_id) for client_order_id in order.linked_order_ids or [])
    return all(
        each is not None and (each.is_closed or each.emulation_trigger != TriggerType.NO_TRIGGER) for each in linked
    )


def _at_hand(held: Decimal, instrument: Instrument, cache: Cache) -> Decimal:
    """``held``, or the balance if that is a little less: VALR refuses the whole of a sale that is a satoshi too much.

    Fees are told to us in whole units of their currency and taken to the last decimal, so what is held by our fills is
    a few units off after a few of them. A balance that is far less has not heard of the last fill yet.
    """
    account = cache.account_for_venue(instrument.id.venue)
    if account is None or isinstance(instrument, CryptoPerpetual):
        return held
    told = account.balance_total(instrument.base_currency)
    least = instrument.min_quantity or instrument.size_increment
    is_near = told is not None and 0 <= held - told.as_decimal() <= least.as_decimal() + held * _MOST_FEE
    return told.as_decimal() if is_near else held


def _held(position: Position) -> Decimal:
    traded = sum((event.last_qty.as_decimal() * _sign(event.order_side) for event in position.events), Decimal(0))
    if not position.is_spot_currency:
        return traded
    fees = (fee.as_decimal() for fee in position.commissions() if fee.currency == position.base_currency)
    return traded - sum(fees, Decimal(0))


def _sign(side: OrderSide) -> int:
    return 1 if side is OrderSide.BUY else -1
