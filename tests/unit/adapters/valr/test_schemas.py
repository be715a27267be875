"""Every recorded payload decodes into its struct, exactly, and nothing else ever slips through."""

import json
import typing
from collections.abc import Iterator
from decimal import Decimal, DecimalTuple, InvalidOperation
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.adapters.valr.api.enums import OrderStatus, OrderType, Side
from helios_nautilus.adapters.valr.api.errors import WireError
from helios_nautilus.adapters.valr.api.schemas.account import Transaction
from helios_nautilus.adapters.valr.api.schemas.account_socket import (
    ACCOUNT_FRAMES,
    LimitResponse,
    NewTransaction,
    OpenOrdersUpdate,
)
from helios_nautilus.adapters.valr.api.schemas.frames import UnknownFrame
from helios_nautilus.adapters.valr.api.schemas.market import PublicTrade
from helios_nautilus.adapters.valr.api.schemas.orders import LiveOrder, OpenOrder, OrderState
from helios_nautilus.adapters.valr.api.schemas.trade_socket import TRADE_FRAMES, NewTrade
from helios_nautilus.adapters.valr.api.wire import WireDecoder, format_iso, parse_iso_ns
from tests.unit.adapters.valr.payloads import DECODERS, NOT_COVERED, PAYLOADS, REQUESTS, read_payload


def structs_in(value: Any) -> Iterator[msgspec.Struct]:
    if isinstance(value, msgspec.Struct):
        yield value
        for name in value.__struct_fields__:
            yield from structs_in(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            yield from structs_in(item)


def texts_in(value: Any) -> Iterator[str]:
    """All strings and numbers of a JSON document."""
    if isinstance(value, dict):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)


@pytest.mark.parametrize("name", DECODERS)
def test_recorded_payload_decodes_to_its_struct(name: str) -> None:
    decode, kind = DECODERS[name]
    value = decode(read_payload(name))
    item = typing.get_args(kind)[0] if isinstance(value, list) else kind
    assert all(type(row) is item for row in (value if isinstance(value, list) else [value]))


@pytest.mark.parametrize("name", DECODERS)
def test_every_decimal_is_one_of_the_texts_that_were_sent(name: str) -> None:
    raw = read_payload(name)
    sent = {digits for text in texts_in(json.loads(raw, parse_float=str)) if (digits := digits_of(text))}
    for struct in structs_in(DECODERS[name][0](raw)):
        for field in struct.__struct_fields__:
            value = getattr(struct, field)
            if isinstance(value, Decimal):
                assert value.as_tuple() in sent


def digits_of(text: str) -> DecimalTuple | None:
    """Digits and exponent: unlike the value they tell 0.50 from 0.5."""
    try:
        return Decimal(text).as_tuple()
    except InvalidOperation:
        return None


def test_every_payload_on_disk_is_either_covered_or_left_out_for_a_reason() -> None:
    on_disk = {path.stem for path in PAYLOADS.glob("*.json")}
    requests = {name for name in on_disk if any(part in name for part in REQUESTS)}
    assert on_disk == set(DECODERS) | set(NOT_COVERED) | requests
    assert len(DECODERS) + len(NOT_COVERED) + len(requests) == len(on_disk)


@pytest.mark.parametrize("name", DECODERS)
def test_payload_cut_short_anywhere_is_a_wire_error(name: str) -> None:
    raw = read_payload(name).strip()
    for length in range(0, len(raw), max(1, len(raw) // 23)):
        with pytest.raises(WireError) as caught:
            DECODERS[name][0](raw[:length])
        assert caught.value.is_malformed


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_noise_is_a_wire_error_on_either_socket(noise: bytes) -> None:
    for frames in (TRADE_FRAMES, ACCOUNT_FRAMES):
        with pytest.raises(WireError):
            frames.decode(noise + b"\x00")


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"type":"NEW_TRADE","data":' * 20_000, b'{"type":"\xff"}'])
def test_endless_nesting_and_broken_text_are_wire_errors(raw: bytes) -> None:
    with pytest.raises(WireError):
        TRADE_FRAMES.decode(raw)


@pytest.mark.parametrize("price", ["NaN", "sNaN", "Infinity", "-Infinity", "1e999999", "1e-999999"])
def test_price_that_is_no_number_is_refused(price: str) -> None:
    trade = json.loads(read_payload("rest_public_pair_trades"))[0] | {"price": price}
    with pytest.raises(WireError, match="price"):
        WireDecoder[PublicTrade](PublicTrade).decode(json.dumps(trade).encode())


def test_decimals_keep_every_digit_and_trailing_zero() -> None:
    balances = DECODERS["rest_account_balances_all"][0](read_payload("rest_account_balances_all"))
    assert "1265172.33437585412" in {str(row.available) for account in balances for row in account.balances}
    book = DECODERS["rest_public_pair_orderbook_full"][0](read_payload("rest_public_pair_orderbook_full"))
    assert "0.05000000" in {str(order.quantity) for order in (*book.asks, *book.bids)}


def test_number_beyond_a_doubles_integers_is_kept_exactly() -> None:
    reply = DECODERS["rest_batch_orders_200"][0](read_payload("rest_batch_orders_200"))
    assert reply.batch_id == 1395349783381499904
    trades = DECODERS["rest_public_pair_trades"][0](read_payload("rest_public_pair_trades"))
    assert trades[0].sequence_id == 1368928567986638852


def test_rand_is_told_by_its_short_name() -> None:
    frame = ACCOUNT_FRAMES.decode(read_payload("ws_account_NEW_ACCOUNT_HISTORY_RECORD"))
    assert isinstance(frame, NewTransaction)
    entry: Transaction = frame.data
    assert not isinstance(entry.debit_currency, str | None)
    assert (entry.debit_currency.symbol, entry.debit_currency.short_name) == ("R", "ZAR")


@pytest.mark.parametrize(
    ("text", "stamp_ns"),
    [
        ("2025-07-16T11:00:00Z", 1_752_663_600_000_000_000),
        ("2025-07-16T11:00:00.5Z", 1_752_663_600_500_000_000),
        ("2025-07-15T12:19:21.501Z", 1_752_581_961_501_000_000),
        ("2021-09-11T18:28:37.791401Z", 1_631_384_917_791_401_000),
        ("2025-06-17T13:02:41.280178906Z", 1_750_165_361_280_178_906),
        ("2019-04-25T20:36:53.445", 1_556_224_613_445_000_000),
        ("2026-03-08T20:28:16.496802", 1_773_001_696_496_802_000),
    ],
)
def test_time_of_any_fraction_is_exact_to_the_nanosecond(text: str, stamp_ns: int) -> None:
    assert parse_iso_ns(text) == stamp_ns


@pytest.mark.parametrize(
    "text", ["", "2025-07-16", "2025-07-16T11:00:00+02:00", "2025-13-16T11:00:00Z", "2025-07-16T11:00:00.1234567890Z"]
)
def test_text_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_iso_ns(text)


@given(st.integers(0, 4_000_000_000_000))
def test_formatted_time_reads_back_to_the_millisecond(millis: int) -> None:
    assert parse_iso_ns(format_iso(millis * 1_000_000 + 999_999)) == millis * 1_000_000


def test_frame_of_unknown_type_is_told_apart_from_a_broken_one() -> None:
    assert TRADE_FRAMES.decode(b'{"type":"SOMETHING_NEW","data":{}}') == UnknownFrame(type="SOMETHING_NEW")
    with pytest.raises(WireError):
        TRADE_FRAMES.decode(b'{"type":"NEW_TRADE","currencyPairSymbol":"BTCZAR","data":{}}')
    with pytest.raises(WireError):
        TRADE_FRAMES.decode(b'{"data":{}}')


def test_type_may_stand_last_in_a_frame() -> None:
    document = json.loads(read_payload("ws_trade_NEW_TRADE"))
    document["type"] = document.pop("type")
    assert isinstance(TRADE_FRAMES.decode(json.dumps(document).encode()), NewTrade)


def test_unknown_order_state_is_refused() -> None:
    raw = read_payload("rest_orders_status_placed").replace(b"Placed", b"Levitating")
    with pytest.raises(WireError, match="Levitating"):
        WireDecoder[OrderState](OrderState).decode(raw)


def test_unknown_side_is_refused_and_upper_case_understood() -> None:
    decode = WireDecoder[OrderState](OrderState).decode
    raw = read_payload("rest_orders_status_placed")
    assert decode(raw.replace(b'"sell"', b'"SELL"')).side is Side.SELL
    with pytest.raises(WireError):
        decode(raw.replace(b'"sell"', b'"short"'))


def test_unknown_order_type_degrades_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    raw = read_payload("rest_orders_status_placed").replace(b"post-only limit", b"liquidation limit order")
    for _ in range(2):
        assert WireDecoder[OrderState](OrderState).decode(raw).order_type is OrderType.UNKNOWN
    assert len(caplog.records) == 1


def test_socket_wordings_of_slippage_states_are_known() -> None:
    assert OrderStatus("Order price has been modified due to slippage limits").is_open
    assert not OrderStatus("Partially Filled and Cancelled Due To Slippage").is_open


def test_order_modified_is_an_open_state_and_failed_is_not() -> None:
    assert OrderStatus("Order Modified").is_open
    assert OrderStatus("Active").is_open
    assert not OrderStatus("Failed").is_open


def test_remaining_quantity_has_one_name_for_two_on_the_wire() -> None:
    rest = WireDecoder[list[OpenOrder]](list[OpenOrder]).decode(read_payload("rest_orders_open"))
    frame = ACCOUNT_FRAMES.decode(read_payload("ws_account_OPEN_ORDERS_UPDATE"))
    assert isinstance(frame, OpenOrdersUpdate)
    assert rest[0].remaining_quantity == Decimal("0.00005062")
    assert [order.remaining_quantity for order in frame.orders] == [Decimal("0.0001")] * 2


def test_open_orders_are_found_in_the_newer_documents_wrapping() -> None:
    document = json.loads(read_payload("ws_account_OPEN_ORDERS_UPDATE"))
    document["data"] = {"accountId": "1", "orders": document["data"]}
    frame = ACCOUNT_FRAMES.decode(json.dumps(document).encode())
    assert isinstance(frame, OpenOrdersUpdate)
    assert all(type(order) is LiveOrder for order in frame.orders)
    assert len(frame.orders) == 2


def test_refused_command_carries_its_error_instead_of_data() -> None:
    frame = ACCOUNT_FRAMES.decode(
        b'{"clientMsgId":"7","error":{"code":-6,"message":"Insufficient Balance"},"type":"PLACE_LIMIT_WS_RESPONSE"}'
    )
    assert isinstance(frame, LimitResponse)
    assert frame.data is None
    assert frame.error is not None
    assert (frame.client_msg_id, frame.error.code) == ("7", -6)
