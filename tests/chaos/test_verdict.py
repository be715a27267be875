"""The verdict can fail: each kind of mistake in what a node told is named, and nothing else."""

from typing import Any

import msgspec
import pytest

from helios_nautilus.simulator.exchange.dump import LedgerDump
from tests.chaos.verdict import mistakes_of_end, mistakes_of_run
from tests.venue.test_ledger import DUMP, ORDER, ROW, SHOWN

NAME = "c1_1"
EMPTY = LedgerDump(now_ns=3, orders=[], fills=[], balances=[], positions=[])
PLACED = msgspec.structs.replace(DUMP, orders=[msgspec.structs.replace(ROW, customer_order_id="c1Z5f1")])


def events(*kinds: str, **fields: Any) -> list[dict[str, Any]]:
    """An order's events; fills are of 0.004 and have an id each."""
    told = [{"kind": "Intended", "orders": [NAME]}]
    for number, kind in enumerate(kinds):
        told.append({"kind": f"Order{kind}", "client_order_id": NAME} | fields)
        if kind in ("Initialized", "Updated"):
            told[-1] |= {"quantity": "0.01"}
        if kind == "Filled":
            told[-1] |= {"trade_id": f"T-{number}", "last_qty": "0.004"} | fields
    return told


def mistakes(*kinds: str, **fields: Any) -> list[str]:
    return mistakes_of_run([events(*kinds, **fields)], [b""], PLACED, "7")


@pytest.mark.parametrize(
    "kinds",
    [
        ("Initialized", "Denied"),
        ("Initialized", "Denied", "Denied"),
        ("Initialized", "Submitted", "Rejected"),
        ("Initialized", "Submitted", "Canceled"),
        ("Initialized", "Submitted", "Accepted", "PendingUpdate", "Updated", "Filled", "PendingCancel", "Canceled"),
        ("Initialized", "Submitted", "Accepted", "PendingUpdate", "Canceled", "ModifyRejected"),
        ("Initialized", "Submitted", "PendingCancel", "Accepted", "Triggered", "Filled", "Filled", "Expired"),
    ],
)
def test_what_may_happen_to_an_order_is_no_mistake(kinds: tuple[str, ...]) -> None:
    assert mistakes(*kinds) == []


@pytest.mark.parametrize(
    ("kinds", "word"),
    [
        (("Submitted", "Accepted"), "no beginning"),
        (("Initialized", "Submitted", "Accepted", "Accepted"), "OrderAccepted twice"),
        (("Initialized", "Submitted", "Submitted", "Accepted"), "OrderSubmitted twice"),
        (("Initialized", "Submitted", "Filled", "Accepted"), "before the acceptance"),
        (("Initialized", "Submitted", "Accepted", "Canceled", "Filled"), "after the end"),
        (("Initialized", "Submitted", "Accepted", "Canceled", "Canceled"), "OrderCanceled twice"),
        (("Initialized", "Submitted", "Denied"), "a denial among others"),
        (("Initialized", "Submitted", "Accepted", "Filled", "Filled", "Filled"), "more filled than ordered"),
    ],
)
def test_what_must_not_happen_to_an_order_is_named(kinds: tuple[str, ...], word: str) -> None:
    assert any(word in line for line in mistakes(*kinds))


def test_a_fill_that_comes_twice_is_named() -> None:
    found = mistakes("Initialized", "Submitted", "Accepted", "Filled", "Filled", trade_id="T-1")
    assert any("a fill twice" in line for line in found)


def test_an_order_that_nobody_meant_or_that_stands_twice_is_named() -> None:
    assert mistakes_of_run([[]], [b""], PLACED, "7") == ["order c1Z5f1: placed, though the strategy did not submit it"]
    twice = msgspec.structs.replace(PLACED, orders=PLACED.orders * 2)
    assert mistakes_of_run([events("Initialized")], [b""], twice, "7") == ["order c1Z5f1: placed 2 times"]


@pytest.mark.parametrize("mishap", ["Traceback (most recent call last):", "InvalidStateTrigger: FILLED -> CANCELED"])
def test_a_mishap_in_a_log_is_named(mishap: str) -> None:
    assert len(mistakes_of_run([[]], [b"", mishap.encode()], EMPTY, "7")) == 1


def test_an_order_in_flight_or_of_another_strategy_is_named_at_the_end() -> None:
    settled = msgspec.structs.replace(ORDER, strategy_id="CHAOS-002")
    assert mistakes_of_end(msgspec.structs.replace(SHOWN, orders={"O-1": settled})) == []
    in_flight = msgspec.structs.replace(settled, status="PENDING_CANCEL", is_inflight=True)
    assert mistakes_of_end(msgspec.structs.replace(SHOWN, orders={"O-1": in_flight})) == [
        "order O-1: still PENDING_CANCEL"
    ]
    assert mistakes_of_end(SHOWN) == ["order O-1: belongs to S-001"]
