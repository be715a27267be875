"""The bodies we send equal the recorded ones, and what the venue would misread is not built."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.adapters.valr.api.enums import BatchType, MatchStrategy, RequestSide, StopType, TimeInForce
from helios_nautilus.adapters.valr.api.schemas.requests import (
    Batch,
    BatchItem,
    CancelOrder,
    Command,
    LeverageChange,
    LimitOrder,
    MarketOrder,
    ModifyOrder,
    StopLimitOrder,
    SubAccountTransfer,
    plain,
)
from tests.unit.adapters.valr.payloads import read_payload

LIMIT: dict[str, Any] = {"side": RequestSide.BUY, "quantity": "0.0001", "price": "93129", "pair": "BTCUSDT"}

RECORDED = {
    "rest_orders_req_limit": LimitOrder(**LIMIT, customer_order_id="123", time_in_force=TimeInForce.GTC),
    "rest_orders_req_market_base": MarketOrder(
        side=RequestSide.BUY, base_amount="0.00000786", pair="BTCUSDT", customer_order_id="1234"
    ),
    "rest_orders_req_market_quote": MarketOrder(
        side=RequestSide.BUY, quote_amount="0.52", pair="BTCUSDT", customer_order_id="1234"
    ),
    "rest_orders_req_stop_limit": StopLimitOrder(
        side=RequestSide.BUY,
        quantity="0.00001",
        price="645055",
        pair="BTCUSDT",
        customer_order_id="556789",
        time_in_force=TimeInForce.GTC,
        stop_price="36000",
        type=StopType.STOP_LOSS_LIMIT,
    ),
    "rest_orders_req_modify": ModifyOrder(
        order_id="019817da-ed41-7e7c-b68b-2b58644d3e89",
        pair="ETHBTC",
        new_remaining_quantity="0.00034",
        new_price="550000",
        modify_match_strategy=MatchStrategy.RETAIN_ORIGINAL,
    ),
    "rest_orders_req_cancel": CancelOrder(order_id="019817da-ed41-7e7c-b68b-2b58644d3e89", pair="ETHBTC"),
    "rest_orders_req_cancel_customer": CancelOrder(customer_order_id="customId12345", pair="BTCUSDT"),
    "rest_margin_req_leverage": LeverageChange(leverage_multiple="5"),
    "rest_account_req_subaccounts_transfer": SubAccountTransfer(
        from_id=0, to_id=1402613105484087296, currency_code="USDT", amount="100"
    ),
    "ws_account_req_PLACE_LIMIT_ORDER": Command(
        type="PLACE_LIMIT_ORDER",
        client_msg_id="123456789abcd",
        payload=LimitOrder(
            side=RequestSide.BUY,
            quantity="0.0001",
            price="300000",
            pair="BTCUSDT",
            post_only=True,
            customer_order_id="WS-JSON-2933586967831375",
            time_in_force=TimeInForce.GTC,
        ),
    ),
    "ws_account_req_CANCEL_LIMIT_ORDER": Command(
        type="CANCEL_LIMIT_ORDER",
        client_msg_id="123456789abcd",
        payload=CancelOrder(order_id="68b4e939-0f90-41ed-8525-8c9c3509ca63", pair="BTCUSDT"),
    ),
}


def without_defaults(document: Any) -> Any:
    """A recorded body less the flags at their default, which we do not send."""
    if not isinstance(document, dict):
        return document
    return {
        name: without_defaults(value) for name, value in document.items() if value is not False and value != "false"
    }


@pytest.mark.parametrize("name", RECORDED)
def test_body_equals_the_recorded_one(name: str) -> None:
    assert json.loads(RECORDED[name].encode()) == without_defaults(json.loads(read_payload(name)))


def test_batch_equals_the_recorded_one() -> None:
    recorded = json.loads(read_payload("rest_batch_req_modify"))["requests"]
    items = [
        BatchItem(
            type=BatchType.MODIFY_ORDER,
            data=ModifyOrder(
                order_id=item["data"]["orderId"],
                pair=item["data"]["pair"],
                modify_match_strategy=MatchStrategy.RETAIN_ORIGINAL,
                new_price=item["data"].get("newPrice"),
                new_total_quantity=item["data"].get("newTotalQuantity"),
            ),
        )
        for item in recorded
    ]
    assert json.loads(Batch(requests=items).encode()) == {"requests": recorded}


@pytest.mark.parametrize(
    "build",
    [
        lambda: LimitOrder(**LIMIT | {"price": "1E-7"}),
        lambda: LimitOrder(**LIMIT | {"quantity": "-1"}),
        lambda: LimitOrder(**LIMIT | {"quantity": "nan"}),
        lambda: LimitOrder(**LIMIT, customer_order_id="O_1"),
        lambda: LimitOrder(**LIMIT, customer_order_id="x" * 51),
        lambda: LimitOrder(**LIMIT, customer_order_id=""),
        lambda: MarketOrder(pair="BTCZAR", side=RequestSide.BUY),
        lambda: MarketOrder(pair="BTCZAR", side=RequestSide.BUY, base_amount="1", quote_amount="1"),
        lambda: CancelOrder(pair="BTCZAR"),
        lambda: CancelOrder(pair="BTCZAR", order_id="1", customer_order_id="2"),
        lambda: ModifyOrder(
            pair="BTCZAR",
            order_id="1",
            modify_match_strategy=MatchStrategy.REPRICE,
            new_remaining_quantity="1",
            new_total_quantity="1",
        ),
        lambda: Batch(requests=[]),
        lambda: Batch(requests=[BatchItem(type=BatchType.PLACE_LIMIT, data=LimitOrder(**LIMIT))] * 21),
    ],
)
def test_body_the_venue_would_misread_is_not_built(build: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        build()


@given(st.decimals(min_value=0, max_value=10**9, places=10))
def test_plain_amount_has_no_exponent_and_loses_nothing(amount: Decimal) -> None:
    text = plain(amount)
    assert set(text) <= set("0123456789.")
    assert Decimal(text) == amount
