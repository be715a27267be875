"""Conditional orders in VALR's shape: requests say ``…OrderPrice``, replies ``…PlacePrice``."""

from helios_nautilus.simulator.exchange.conditional_orders import Conditional
from helios_nautilus.simulator.exchange.decimals import text
from helios_nautilus.simulator.exchange.market_json import Json
from helios_nautilus.simulator.exchange.stamps import iso


def conditional_json(one: Conditional) -> Json:
    """On REST and in ``ADD_CONDITIONAL_ORDER``; a leg that is not there has no keys."""
    shown: Json = {
        "orderId": one.order_id,
        "triggerOrderSide": one.position_side.opposite.value,
        "triggerOrderType": "limit-reduce-only",
        "currencyPair": one.pair.symbol,
        "createdAt": iso(one.created_ns),
        "updatedAt": iso(one.updated_ns),
        "triggerType": one.trigger_type.value,
        "conditionalType": one.kind,
        "positionSide": one.position_side.value,
        "positionId": one.position_id,
        "quantity": text(one.quantity),
    }
    if one.customer_order_id:
        shown["customerOrderId"] = one.customer_order_id
    for name, leg in (("takeProfit", one.take_profit), ("stopLoss", one.stop_loss)):
        if leg is not None:
            place = "-1" if leg.price is None else text(leg.price)
            shown |= {f"{name}TriggerPrice": text(leg.trigger), f"{name}PlacePrice": place}
    return shown
