"""Frames of the account, spoilt: no event says what was not on the wire, and the next good frame counts."""

import asyncio
import json
from collections.abc import Callable, Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import (
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderUpdated,
)
from nautilus_trader.model.objects import AccountBalance
from nautilus_trader.model.orders import Order

from tests.unit.adapters.valr.mutations import as_sent, replaced, spoilt
from tests.unit.adapters.valr.payloads import read_payload
from tests.unit.adapters.valr.reader import number_of, time_of
from tests.unit.adapters.valr_exec.trader import Trader

THOROUGH: Final = settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
ENDED: Final = {
    "Cancelled",
    "Partially Filled Due To Slippage",
    "Partially Filled and Cancelled Due To Slippage",
    "Failed",
}


def frame(name: str, **changes: Any) -> bytes:
    """A recorded frame with some of its data changed."""
    document = json.loads(read_payload(f"ws_account_{name}"))
    document["data"] |= changes
    return json.dumps(document).encode()


FILL: Final = frame("NEW_ACCOUNT_TRADE")
NEXT_FILL: Final = frame("NEW_ACCOUNT_TRADE", id="019a29aa-0ce3-75db-bfc2-dd543aa745dc", price="114952")
REWARD: Final = frame("NEW_ACCOUNT_TRADE", makerReward="0.0115", makerRewardCurrency="USDT", fee=None, feeCurrency=None)
MODIFIED: Final = frame("ORDER_STATUS_UPDATE_Order_Modified")
PARTLY: Final = frame("ORDER_STATUS_UPDATE_Partially_Filled")
PROCESSED: Final = frame("ORDER_PROCESSED")
REFUSED: Final = frame("ORDER_PROCESSED", success=False, failureReason="Insufficient Balance")
OPEN: Final = read_payload("ws_account_OPEN_ORDERS_UPDATE").replace(b"BTCUSDTPERP", b"BTCUSDT")
BALANCE: Final = frame("BALANCE_UPDATE")
NEXT_BALANCE: Final = frame("BALANCE_UPDATE", available="0.5", reserved="0.25", total="0.75")
ORDERS: Final[dict[str, Callable[[Trader], Order]]] = {
    "marketWS": lambda trader: trader.submitted("marketWS", OrderSide.BUY, "0.0003", "114960"),
    "testWS": lambda trader: trader.submitted("testWS", OrderSide.BUY, "0.0003", "114950", post_only=True),
    "testWS of a seller": lambda trader: trader.submitted("testWS", OrderSide.SELL, "0.0003", "114950", post_only=True),
    "MyLimit123": lambda trader: trader.submitted("MyLimit123", OrderSide.SELL, "0.0001", "2100000", post_only=True),
}


def trading[T](work: Callable[[Trader], T]) -> T:
    async def session() -> T:
        trader = Trader()
        try:
            return work(trader)
        finally:
            await trader.close()

    return asyncio.run(session())


def asks_the_venue() -> bool:
    """Something was set out to find out what a frame may have said."""
    return len(asyncio.all_tasks()) > 1


# -- What a frame says, read a second time


def rows_of(document: Any) -> Iterator[dict[str, Any]]:
    """The orders or fills a frame speaks of."""
    data = document.get("data") if isinstance(document, dict) else None
    found = data.get("orders", [data]) if isinstance(data, dict) else data
    yield from (row for row in found if isinstance(row, dict)) if isinstance(found, list) else ()


def is_exactly(figure: Any, sent: Any) -> bool:
    """An engine's price or quantity is the number that was sent, in the instrument's steps."""
    number = number_of(sent)
    step = Decimal(1).scaleb(-figure.precision)
    return number is not None and abs(figure.as_decimal() - number) <= step / 2


def is_told(event: Any, document: Any) -> bool:
    """All that an event says was in the frame."""
    return any(_is_told(event, document["type"], row) for row in rows_of(document))


def _is_told(event: Any, kind: str, row: dict[str, Any]) -> bool:
    if getattr(event, "venue_order_id", None) is not None and event.venue_order_id.value != row.get("orderId"):
        return False
    match event:
        case OrderAccepted():
            return kind != "ORDER_PROCESSED" or row["success"] is True or "Failed" in row.values()
        case OrderFilled():
            return kind == "NEW_ACCOUNT_TRADE" and _is_fill(event, row)
        case OrderUpdated():
            return is_exactly(event.quantity, row["originalQuantity"]) and is_exactly(event.price, row["originalPrice"])
        case OrderRejected() | OrderCanceled() if kind == "ORDER_PROCESSED":
            # Canceled, if the venue had said before that it has the order.
            return row["success"] is False
        case OrderRejected():
            return row["orderStatusType"] == "Failed" and row.get("failedReason") in (None, "", event.reason)
        case OrderCanceled():
            return row["orderStatusType"] in ENDED
        case OrderExpired():
            return bool(row["orderStatusType"] == "Expired")
        case _:
            return False


def _is_fill(event: OrderFilled, row: dict[str, Any]) -> bool:
    if row.get("makerReward") is not None and row.get("makerRewardCurrency"):
        charged, currency = -(number_of(row["makerReward"]) or 0), row["makerRewardCurrency"]
    elif row.get("fee") is not None and row.get("feeCurrency"):
        charged, currency = number_of(row["fee"]) or Decimal(0), row["feeCurrency"]
    else:
        charged, currency = Decimal(0), event.commission.currency.code
    return (
        row["currencyPair"] == event.instrument_id.symbol.value
        and event.trade_id.value == row["id"]
        and is_exactly(event.last_px, row["price"])
        and is_exactly(event.last_qty, row["quantity"])
        and event.order_side == (OrderSide.BUY if row["side"].lower() == "buy" else OrderSide.SELL)
        and event.ts_event == time_of(row["tradedAt"])
        and event.commission.currency.code == ("ZAR" if currency == "R" else currency)
        and event.commission.as_decimal() == cut(charged, event.commission.currency.precision, ROUND_HALF_EVEN)
    )


def cut(amount: Decimal | int, precision: int, rounding: str) -> Decimal:
    """Rounded to so many decimals; not a number, which equals nothing, where it has too many digits for that."""
    try:
        return Decimal(amount).quantize(Decimal(1).scaleb(-precision), rounding=rounding)
    except InvalidOperation:
        return Decimal("NaN")


def balance_in(raw: bytes) -> dict[str, Any]:
    """The data of a balance frame; nothing for any other."""
    document = as_sent(raw)
    is_balance = isinstance(document, dict) and document.get("type") == "BALANCE_UPDATE"
    data = document.get("data") if is_balance else None
    return data if isinstance(data, dict) else {}


def is_balance_told(balance: AccountBalance, data: dict[str, Any]) -> bool:
    """A balance is what was sent, rounded never in our favour."""
    currency, number = data.get("currency"), number_of(data.get("total"))
    if not isinstance(currency, dict) or number is None or currency.get("shortName") != balance.currency.code:
        return False
    held = sum((number_of(data.get(key)) or 0 for key in ("reserved", "lendReserved", "borrowCollateralReserved")), 0)
    precision = balance.currency.precision
    total, locked = cut(number, precision, ROUND_FLOOR), cut(held, precision, ROUND_CEILING)
    # No more is shown as locked than there is.
    return (balance.total.as_decimal(), balance.locked.as_decimal()) in ((total, locked), (total, total))


# -- Orders


def hear_spoilt(trader: Trader, bad: bytes, kind: str) -> None:
    """Every event is the frame's word; a frame of the kind we wait for is acted on or asked about."""
    events, document = trader.hear(bad), as_sent(bad)
    assert all(is_told(event, document) for event in events), events
    if not events and isinstance(document, dict) and document.get("type") == kind:
        assert asks_the_venue()


@THOROUGH
@given(st.sampled_from([FILL, REWARD]), st.data())
def test_spoilt_fill_is_told_as_it_was_sent_or_asked_about_and_the_next_one_counts(
    good: bytes, data: st.DataObject
) -> None:
    bad = data.draw(spoilt(good))

    def work(trader: Trader) -> None:
        ORDERS["marketWS"](trader)
        hear_spoilt(trader, bad, "NEW_ACCOUNT_TRADE")
        events = trader.hear(NEXT_FILL)
        # A spoilt id may have tied the order to another one of the venue's.
        if all(row.get("orderId") == as_sent(good)["data"]["orderId"] for row in rows_of(as_sent(bad))):
            assert [type(event) for event in events][-1:] == [OrderFilled]
        assert all(is_told(event, as_sent(NEXT_FILL)) for event in events)

    trading(work)


@THOROUGH
@given(
    st.sampled_from(
        [
            (MODIFIED, "testWS"),
            (PARTLY, "testWS of a seller"),
            (PROCESSED, "testWS"),
            (REFUSED, "testWS"),
            (OPEN, "MyLimit123"),
        ]
    ),
    st.data(),
)
def test_spoilt_state_of_an_order_is_told_as_it_was_sent_or_asked_about(
    case: tuple[bytes, str], data: st.DataObject
) -> None:
    good, order = case
    bad = data.draw(spoilt(good))

    def work(trader: Trader) -> None:
        placed = ORDERS[order](trader)
        hear_spoilt(trader, bad, "ORDER_STATUS_UPDATE")
        events = trader.hear(good)
        assert all(is_told(event, as_sent(good)) for event in events)
        if not placed.is_closed and placed.venue_order_id is not None:
            assert placed.venue_order_id.value in (good + bad).decode(errors="replace")

    trading(work)


def test_fill_that_comes_twice_is_told_once() -> None:
    def work(trader: Trader) -> None:
        ORDERS["marketWS"](trader)
        assert [type(event) for event in trader.hear(FILL, FILL)] == [OrderAccepted, OrderFilled]

    trading(work)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("currencyPairSymbol",), "ETHZAR"),
        (("data", "currencyPair"), "ETHZAR"),
        (("data", "side"), "sell"),
        (("data", "price"), "-1"),
        (("data", "price"), "1e29"),
        (("data", "quantity"), "0"),
        (("data", "quantity"), "0.000000001"),
        (("data", "fee"), "1e29"),
        (("data", "id"), "\u00e9"),
        (("data", "tradedAt"), "2200-01-01T00:00:00Z"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[-1],
)
def test_fill_that_cannot_be_the_orders_is_asked_about_and_still_counts_when_it_comes_right(
    path: tuple[str, ...], value: str
) -> None:
    def work(trader: Trader) -> None:
        order = ORDERS["marketWS"](trader)
        assert trader.hear(json.dumps(replaced(as_sent(FILL), path, value)).encode()) == []
        assert asks_the_venue()
        assert [type(event) for event in trader.hear(FILL)] == [OrderAccepted, OrderFilled]
        assert order.filled_qty.as_decimal() == Decimal("0.0001")

    trading(work)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currencyPair", "ETHZAR"),
        ("orderSide", "sell"),
        ("originalPrice", "-1"),
        ("originalQuantity", "1e29"),
        ("remainingQuantity", "-0.0002"),
        ("remainingQuantity", "0.0003"),
        ("orderUpdatedAt", "2200-01-01T00:00:00Z"),
    ],
)
def test_state_that_cannot_be_the_orders_is_asked_about(field: str, value: str) -> None:
    def work(trader: Trader) -> None:
        ORDERS["testWS"](trader)
        assert trader.hear(frame("ORDER_STATUS_UPDATE_Order_Modified", **{field: value})) == []
        assert asks_the_venue()
        assert [type(event) for event in trader.hear(MODIFIED)] == [OrderAccepted, OrderUpdated]

    trading(work)


# -- Money


@THOROUGH
@given(st.data())
def test_spoilt_balance_is_told_as_it_was_sent_or_asked_about_and_the_next_one_counts(data: st.DataObject) -> None:
    bad = data.draw(spoilt(BALANCE))

    # A debt is no balance of a CASH account: the engine refuses the whole state, see `money`.
    assume((number_of(balance_in(bad).get("total")) or 0) >= 0)

    async def session() -> None:
        trader, told = Trader(), list[Any]()
        try:
            for sent in (bad, NEXT_BALANCE):
                trader.hear(sent)
                asked = asks_the_venue()
                await asyncio.sleep(0)
                told.append(balance_in(sent))
                shown = [balance for state in trader.states for balance in state.balances]
                assert all(any(is_balance_told(balance, one) for one in told) for balance in shown)
                assert trader.states or asked or not told[-1]
            assert trader.states
        finally:
            await trader.close()

    asyncio.run(session())
