"""Up to twenty order commands in one request, each with its own outcome."""

from collections.abc import Mapping
from typing import Final

from helios_nautilus.simulator.exchange.accounts import Account
from helios_nautilus.simulator.exchange.bodies import Body
from helios_nautilus.simulator.exchange.desk import Desk
from helios_nautilus.simulator.exchange.market_json import Json
from helios_nautilus.simulator.exchange.refusals import Code, Refusal, invalid_field

_MOST: Final = 20


def run_batch(desk: Desk, account: Account, body: Body, batch_id: int) -> Json:
    """Queue every request of a batch; ``accepted`` means no more than that."""
    requests = body.get("requests")
    if not isinstance(requests, list) or not 1 <= len(requests) <= _MOST:
        raise invalid_field("requests", f"must hold 1 to {_MOST} requests")
    kinds = [request.get("type") if isinstance(request, dict) else None for request in requests]
    if "MODIFY_ORDER" in kinds and any(str(kind).startswith("PLACE_") for kind in kinds):
        raise Refusal(Code.MODIFY_BESIDE_PLACE)
    outcomes = [_outcome(desk, account, str(kind), request) for kind, request in zip(kinds, requests, strict=True)]
    return {"outcomes": outcomes, "batchId": batch_id}


def _outcome(desk: Desk, account: Account, kind: str, request: object) -> Json:
    data = request.get("data") if isinstance(request, dict) else None
    try:
        if not isinstance(data, Mapping):
            raise invalid_field("data", "must be an object")
        return {"accepted": True} | _queue(desk, account, kind, data) | {"requestType": kind}
    except Refusal as refusal:
        # VALR names neither the order nor the request type of what it does not accept.
        return {"accepted": False, "error": refusal.body()}


def _queue(desk: Desk, account: Account, kind: str, data: Body) -> Json:
    drafts = {
        "PLACE_LIMIT": desk.draft_limit,
        "PLACE_MARKET": desk.draft_market,
        "PLACE_STOP_LIMIT": desk.draft_stop,
    }
    if kind in drafts:
        order = drafts[kind](account, data)
        desk.place_later(order)
    elif kind == "CANCEL_ORDER":
        order = desk.find(account, data)
        desk.cancel_later(account, data)
    elif kind == "MODIFY_ORDER":
        amendment = desk.draft_amendment(account, data)
        order = amendment.order
        desk.modify_later(amendment)
    else:
        raise invalid_field("type", f"unknown request type {kind}")
    shown: Json = {"orderId": order.order_id}
    return shown | {"customerOrderId": order.customer_order_id} if order.customer_order_id else shown
