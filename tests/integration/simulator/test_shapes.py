"""Every recorded payload that the simulator has an answer of its own to, field by field against that answer."""

import asyncio
import json
from typing import Any, Final

import pytest

from tests.integration.simulator.client import running
from tests.integration.simulator.day import said_of_all
from tests.integration.simulator.shapes import PAYLOADS, differences, payload

OPTIONAL: Final[dict[str, frozenset[str]]] = {
    # VALR's own two recordings of these differ in the keys named.
    "rest_account_balances": frozenset({"totalInReference", "totalInReferenceWeighted", "referenceCurrency"}),
    "rest_account_fees_trade": frozenset({"simplePercentage"}),
    "rest_margin_status_v1": frozenset(
        f"default{kind}MarginFraction" for kind in ("Initial", "Maintenance", "AutoClose")
    ),
    "rest_orders_open_stops": frozenset({"allowMargin"}),
    "ws_trade_NEW_TRADE": frozenset({"id"}),
    "ws_trade_NEW_TRADE_BUCKET": frozenset({"quoteVolume"}),
    # What VALR says of a modify that failed is not known.
    "ws_account_MODIFY_ORDER_OUTCOME": frozenset({"failureReason"}),
    # The simulator's currencies have no networks, which only deposits and withdrawals need.
    "rest_public_currencies": frozenset({"defaultNetworkType", "supportedNetworks", "paymentReferenceFieldName"}),
}
ABSENT_IF_UNSET: Final = frozenset({"customerOrderId", "stopPrice"})

NOT_SAID: Final = {
    "auth_signing_vectors": "not a message: test_rest.py signs with it",
    "rest_account_api_keys_current": "the older form; the newer is rest_account_api_keys_current_minimal",
    "rest_error_position_limit": "positions of the simulator have no limit of their own",
    "rest_error_api_key_missing": "VALR says so with 400 on /v1/perps; see test_rest.py for the 403 of the rest",
    "rest_error_ip_not_whitelisted": "keys of the simulator have no addresses",
    "ws_trade_ALLOWED_ORDER_TYPES_UPDATED": "order types never change in the simulator",
    "ws_trade_MARKET_SUMMARY_UPDATE": "the documented form; the wire's is ws_trade_MARKET_SUMMARY_UPDATE_w",
    "ws_account_RATE_LIMIT_EXCEEDED_PLACE_LIMIT_ORDER": "needs limits: see test_sockets.py",
    **{
        f"ws_account_RATE_LIMIT_EXCEEDED_{kind}": "as for PLACE_LIMIT_ORDER, see test_sockets.py"
        for kind in ("BATCH_ORDERS", "CANCEL_LIMIT_ORDER", "MODIFY_ORDER", "PLACE_MARKET_ORDER")
    },
    **dict.fromkeys(
        (
            *(f"rest_conditionals_{kind}" for kind in ("delete_all", "history", "list", "modify_202", "place_202")),
            *("rest_conditionals_place_400", "rest_conditionals_status", "rest_error_conditional_immediate_trigger"),
            *("rest_orders_v1_limit_with_conditional_202", "rest_orders_v1_market_with_conditional_202"),
            *("ws_account_ADD_CONDITIONAL_ORDER", "ws_account_REMOVE_CONDITIONAL_ORDER"),
        ),
        "the adapter has its stops and targets emulated by Nautilus: it places no conditional orders",
    ),
    **dict.fromkeys(("ws_account_NEW_PENDING_RECEIVE", "ws_account_SEND_STATUS_UPDATE"), "no deposits, no withdrawals"),
    **dict.fromkeys(
        (
            *("rest_simple_order_status", "rest_simple_order_status_k", "rest_simple_quote"),
            *("rest_error_amount_too_high", "rest_error_amount_too_low", "ws_account_INSTANT_ORDER_COMPLETED"),
        ),
        "simple orders are not simulated",
    ),
}


def covered() -> list[str]:
    """Every payload but those that clients send, and those of ``NOT_SAID``."""
    names = sorted(path.stem for path in PAYLOADS.glob("*.json"))
    return [name for name in names if name not in NOT_SAID and "_req_" not in name]


@pytest.mark.parametrize("name", covered())
def test_what_the_simulator_says_has_the_recorded_shape(name: str) -> None:
    said, recorded = said_of_all().get(name, []), payload(name)
    assert said
    for one in said:
        assert differences(one, recorded, optional=OPTIONAL.get(name, frozenset()) | ABSENT_IF_UNSET, at=name) == []
        if isinstance(recorded, dict) and "code" in recorded:
            assert one["code"] == recorded["code"]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("rest_public_futures_info", {"openInterest": 1.8401}),
        ("rest_public_futures_info", {"nextFundingRun": 1_750_165_200}),
        ("rest_public_futures_info", {"nextFundingRun": "1750165200000"}),
        ("rest_public_futures_info", {"estimatedFundingRate": None}),
        ("rest_public_futures_info", {"estimatedFundingRate": "1.25"}),
        ("rest_public_futures_info", {"indexPrice": "1"}),
        ("rest_account_fees_trade", {"makerPercentage": "0.0008"}),
        ("rest_account_tradehistory_filtered", {"side": "BUY"}),
        ("rest_account_tradehistory_filtered", {"tradedAt": "2025-07-04T08:38:13Z"}),
        ("rest_account_tradehistory_filtered", {"tradedAt": 1_751_618_293_407}),
        ("rest_account_tradehistory_filtered", {"sequenceId": 7}),
        ("rest_account_tradehistory_filtered", {"id": "7"}),
        ("rest_account_tradehistory_filtered", {"price": "4989000000000"}),
        ("rest_account_tradehistory_filtered", {"price": "49.8900000001"}),
        ("rest_account_tradehistory_filtered", {"feeCurrency": ["XRP"]}),
        ("rest_orders_open_k", {"allowMargin": "false"}),
        ("rest_orders_open_k", {"status": "PLACED"}),
        ("rest_orders_open_k", {"timeInForce": "gtc"}),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value),
)
def test_the_comparison_sees_a_row_that_is_not_valrs(name: str, change: dict[str, object]) -> None:
    row = payload(name)[0]
    assert differences([row | change], payload(name)) != []
    missing = {key: value for key, value in row.items() if key not in change}
    assert len(differences([missing], payload(name))) == len(change.keys() & row.keys())


def test_every_recording_is_like_itself() -> None:
    for path in PAYLOADS.glob("*.json"):
        assert differences(payload(path.stem), payload(path.stem), at=path.stem) == []


REQUESTS: Final = {
    "rest_orders_req_limit": ("POST", "/v1/orders/limit"),
    "rest_orders_req_v2_limit": ("POST", "/v2/orders/limit"),
    "rest_orders_req_post_only_reprice": ("POST", "/v1/orders/limit"),
    "rest_orders_req_market_base": ("POST", "/v1/orders/market"),
    "rest_orders_req_market_quote": ("POST", "/v1/orders/market"),
    "rest_orders_req_stop_limit": ("POST", "/v1/orders/stop/limit"),
    "rest_orders_req_modify": ("PUT", "/v2/orders/modify"),
    "rest_orders_req_cancel": ("DELETE", "/v2/orders/order"),
    "rest_orders_req_cancel_customer": ("DELETE", "/v2/orders/order"),
    "rest_batch_req_orders": ("POST", "/v1/batch/orders"),
    "rest_batch_req_modify": ("POST", "/v1/batch/orders"),
    "rest_margin_req_leverage": ("PUT", "/v1/margin/leverage/BTCUSDTPERP"),
}


def test_every_recorded_request_is_understood() -> None:
    """What becomes of it depends on the market of the day; that it is malformed it must not be told."""

    async def ask() -> dict[str, Any]:
        async with running() as client:
            replies = {name: await client.call(*REQUESTS[name], payload(name)) for name in REQUESTS}
            return {name: body for name, (_, body) in replies.items() if body is not None}

    for name, body in asyncio.run(ask()).items():
        parts = body.get("outcomes", [body])
        codes = {(part.get("error") or part).get("code") for part in parts}
        assert "validationErrors" not in json.dumps(body), (name, body)
        assert -113 not in codes, name
