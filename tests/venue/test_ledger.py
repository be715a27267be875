"""The comparison with the ledger can fail: each kind of error in a node's books is named, and nothing else."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from helios_nautilus.simulator.exchange.dump import BalanceRow, LedgerDump, OrderRow, PositionRow
from helios_nautilus.simulator.exchange.orders import Fill, Side
from tests.venue.ledger import differences
from tests.venue.told import BalanceShown, OrderShown, Snapshot

ROW = OrderRow(
    order_id="V-1",
    customer_order_id="O-1",
    account_id="7",
    symbol="BTCZAR",
    side="buy",
    type="limit",
    time_in_force="GTC",
    status="Partially Filled",
    price=Decimal(1_000_001),
    stop_price=None,
    quantity=Decimal("0.01"),
    remaining=Decimal("0.006"),
    executed=Decimal("0.004"),
    total=Decimal(4000),
    fee=Decimal("0.000014"),
    reward=Decimal(0),
    failed_reason="",
    created_ns=1,
    updated_ns=2,
)
FILL = Fill(
    trade_id="T-1",
    sequence=1,
    account_id="7",
    order_id="V-1",
    customer_order_id="O-1",
    symbol="BTCZAR",
    side=Side.BUY,
    price=Decimal(1_000_001),
    quantity=Decimal("0.004"),
    fee=Decimal("0.0000140000049"),
    fee_currency="BTC",
    is_maker=False,
    traded_ns=2,
)
DUMP = LedgerDump(
    now_ns=3,
    orders=[ROW],
    fills=[FILL],
    balances=[
        BalanceRow(
            account_id="7",
            currency="ZAR",
            available=Decimal("89.9961"),
            reserved=Decimal("10.0011"),
            borrowed=Decimal(0),
            total=Decimal("99.9972"),
        )
    ],
    positions=[
        PositionRow(
            account_id="7",
            symbol="BTCUSDTPERP",
            position_id="P",
            side="sell",
            quantity=Decimal("0.02"),
            average_entry_price=Decimal(50_000),
            realised=Decimal(0),
        )
    ],
)
ORDER = OrderShown(
    venue_order_id="V-1",
    strategy_id="S-001",
    instrument_id="BTCZAR.VALR",
    side="BUY",
    status="PARTIALLY_FILLED",
    is_open=True,
    is_inflight=False,
    quantity="0.01000000",
    filled="0.00400000",
    price="1000001",
    trade_ids=("T-1",),
    commissions={"BTC": "0.00001400"},
)
SHOWN = Snapshot(
    orders={"O-1": ORDER},
    positions={"BTCZAR.VALR": "0.00398600", "BTCUSDTPERP.VALR": "-0.0200"},
    balances={"ZAR": BalanceShown(total="99.99", free="89.98", locked="10.01")},
    margins={},
    books={"BTCZAR.VALR": ({}, {}), "BTCUSDTPERP.VALR": ({}, {})},
)


def with_order(**changes: Any) -> Snapshot:
    return msgspec.structs.replace(SHOWN, orders={"O-1": msgspec.structs.replace(ORDER, **changes)})


def test_books_that_are_rounded_by_the_rules_are_equal() -> None:
    assert differences(SHOWN, DUMP, "7") == []


def test_another_account_and_other_instruments_are_not_looked_at() -> None:
    elsewhere = msgspec.structs.replace(ROW, order_id="V-2", customer_order_id="O-2", symbol="ETHZAR")
    of_another = msgspec.structs.replace(ROW, order_id="V-3", customer_order_id="O-3", account_id="8")
    assert differences(SHOWN, msgspec.structs.replace(DUMP, orders=[ROW, elsewhere, of_another]), "7") == []


def test_a_refused_order_need_not_have_an_id_of_the_venue() -> None:
    failed = msgspec.structs.replace(ROW, status="Failed", executed=Decimal(0))
    rejected = msgspec.structs.replace(
        ORDER, venue_order_id=None, status="REJECTED", filled="0", trade_ids=(), commissions={}
    )
    shown = msgspec.structs.replace(SHOWN, orders={"O-1": rejected}, positions={"BTCUSDTPERP.VALR": "-0.0200"})
    assert differences(shown, msgspec.structs.replace(DUMP, orders=[failed], fills=[]), "7") == []


def test_an_order_that_the_venue_cut_is_canceled_for_the_rest() -> None:
    cut = msgspec.structs.replace(
        DUMP, orders=[msgspec.structs.replace(ROW, status="Filled", quantity=Decimal("0.004"), remaining=Decimal(0))]
    )
    assert differences(with_order(status="CANCELED"), cut, "7") == []
    assert differences(with_order(status="FILLED"), cut, "7") != []
    assert differences(with_order(status="CANCELED", quantity="0.00400000"), cut, "7") != []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"status": "FILLED"}, "FILLED here"),
        ({"status": "PENDING_CANCEL"}, "PENDING_CANCEL here"),
        ({"filled": "0.00500000"}, "filled"),
        ({"quantity": "0.02000000"}, "quantity"),
        ({"price": "1000002"}, "price"),
        ({"trade_ids": ("T-1", "T-1")}, "trades"),
        ({"trade_ids": ()}, "trades"),
        ({"commissions": {"BTC": "0.00001401"}}, "commissions"),
        ({"commissions": {"ZAR": "0.00001400"}}, "commissions"),
    ],
)
def test_an_order_that_differs_is_named(changes: dict[str, Any], word: str) -> None:
    (found,) = differences(with_order(**changes), DUMP, "7")
    assert word in found


def test_an_order_unknown_on_either_side_is_named() -> None:
    nothing = msgspec.structs.replace(SHOWN, orders={})
    assert [line.rpartition(", ")[2] for line in differences(nothing, DUMP, "7")] == ["unknown here"]
    one_more = msgspec.structs.replace(
        SHOWN, orders={"O-1": ORDER, "O-2": with_order(venue_order_id="V-2").orders["O-1"]}
    )
    assert [line.rpartition(", ")[2] for line in differences(one_more, DUMP, "7")] == ["unknown at the venue"]
    in_flight = with_order(venue_order_id=None, status="SUBMITTED", filled="0").orders["O-1"]
    one_more = msgspec.structs.replace(SHOWN, orders={"O-1": ORDER, "O-2": in_flight})
    assert [line.rpartition(", ")[2] for line in differences(one_more, DUMP, "7")] == ["unknown at the venue"]


def test_an_order_placed_twice_is_named() -> None:
    twice = msgspec.structs.replace(
        DUMP, orders=[ROW, msgspec.structs.replace(ROW, order_id="V-2", executed=Decimal(0))]
    )
    assert "order O-1: placed 2 times" in differences(SHOWN, twice, "7")


@pytest.mark.parametrize("positions", [{}, {"BTCZAR.VALR": "0.00400000", "BTCUSDTPERP.VALR": "-0.0200"}])
def test_a_position_that_differs_is_named(positions: dict[str, str]) -> None:
    found = differences(msgspec.structs.replace(SHOWN, positions=positions), DUMP, "7")
    assert found
    assert all(line.startswith("position ") for line in found)


@pytest.mark.parametrize(
    "balance",
    [
        BalanceShown(total="100.00", free="89.99", locked="10.01"),
        BalanceShown(total="99.99", free="89.99", locked="10.00"),
    ],
)
def test_a_balance_that_differs_is_named(balance: BalanceShown) -> None:
    (found,) = differences(msgspec.structs.replace(SHOWN, balances={"ZAR": balance}), DUMP, "7")
    assert found.startswith("balance ZAR")
