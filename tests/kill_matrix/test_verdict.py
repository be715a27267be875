"""The verdict can fail: each kind of mistake is named, and nothing else."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from helios_nautilus.journal.records import EventRecord, FillRecord, OrderRole
from helios_nautilus.journal.status import NodeStatus, PositionStatus
from helios_nautilus.simulator.exchange.dump import LedgerDump, OrderRow, PositionRow
from helios_nautilus.simulator.exchange.orders import Fill, Side
from tests.kill_matrix.verdict import (
    Use,
    mistakes_of_books,
    mistakes_of_journal,
    mistakes_of_orders,
    uses_of,
)
from tests.soak.samples import ACCOUNT, LEFT, NAME, SYMBOL, stop, venue_order
from tests.soak.stops import Heard
from tests.soak.verdict import Ledger

# Just after a start

POSITION = PositionStatus(
    instrument_id=NAME,
    decision_id="A",
    side="SHORT",
    quantity=0.1,
    entry_price=100.0,
    price=None,
    value=None,
    pnl=None,
    opened_ns=1,
    stop_price=110.0,
    target_price=90.0,
    deadline_ns=None,
    is_guarded=True,
)
STATUS = NodeStatus(
    ts_ns=1,
    run_id="run",
    mode="live",
    name="killed",
    model_id="m",
    currency="USDT",
    started_ns=0,
    is_ready=True,
    needs=(),
    entries_on=True,
    kill_state="NORMAL",
    kill_words="",
    tiers=(),
    equity=None,
    cash=None,
    peak=None,
    drawdown=None,
    daily_loss=None,
    exposure=None,
    positions=(POSITION,),
    markets=(),
    orders_working=0,
    loop_lag_ms=0.0,
    clock_skew_ms=None,
    memory_mb=0.0,
    journal_waiting=0,
    journal_lost=0,
    is_journal_healthy=True,
    pipeline_errors=0,
)


def test_a_short_that_both_know_of_and_a_stop_watches_over_is_in_order() -> None:
    assert mistakes_of_books(STATUS, {NAME: -0.1}) == []


@pytest.mark.parametrize(
    ("changes", "held", "words"),
    [
        ({}, {}, f"{NAME}: -0.1 here, 0 at the venue"),
        ({"positions": ()}, {NAME: -0.1}, f"{NAME}: 0 here, -0.1 at the venue"),
        ({}, {NAME: 0.1}, f"{NAME}: -0.1 here, 0.1 at the venue"),
        ({"positions": (replace(POSITION, is_guarded=False),)}, {NAME: -0.1}, f"{NAME}: no stop works"),
    ],
)
def test_what_is_not_in_order_after_a_start_is_named(
    changes: dict[str, Any], held: dict[str, float], words: str
) -> None:
    assert mistakes_of_books(replace(STATUS, **changes), held) == [words]


# Of all lives together


def fill(name: str, side: Side, quantity: str = "0.1", *, sequence: int = 1) -> Fill:
    return Fill(
        trade_id=f"T-{name}-{sequence}",
        sequence=sequence,
        account_id=ACCOUNT,
        order_id=f"order of {name}",
        customer_order_id=name,
        symbol=SYMBOL,
        side=side,
        price=Decimal(100),
        quantity=Decimal(quantity),
        fee=Decimal("0.5"),
        fee_currency="USDT",
        is_maker=False,
        traded_ns=sequence,
    )


USES = {"in": Use("A", "ENTRY"), "out": Use("A", "EXIT"), "next": Use("B", "ENTRY"), "again": Use("A", "ENTRY")}
BOUGHT, SOLD = fill("in", Side.BUY), fill("out", Side.SELL, sequence=2)


def ledger(orders: Sequence[OrderRow], fills: Sequence[Fill], positions: Sequence[PositionRow] = ()) -> Ledger:
    dump = LedgerDump(now_ns=9, orders=list(orders), fills=list(fills), balances=[], positions=list(positions))
    return Ledger(dump=dump, account_id=ACCOUNT)


def test_an_entry_and_its_exit_are_in_order_and_so_is_an_order_that_failed_before() -> None:
    orders = [venue_order("in", "Failed"), venue_order("in"), venue_order("out")]
    assert mistakes_of_orders(ledger(orders, [BOUGHT, SOLD]), USES) == []


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (ledger([venue_order("in"), venue_order("in")], []), "order in: placed 2 times"),
        (ledger([venue_order("strange")], []), "order strange: nobody knows what for"),
        (ledger([venue_order("in"), venue_order("again")], []), "A: entered by 2 orders"),
        (ledger([venue_order("in", "Placed")], []), "order in: still Placed"),
        (ledger([], [BOUGHT], [LEFT]), f"{SYMBOL}: buy 0.1 is left at the venue"),
        (ledger([], [BOUGHT, fill("next", Side.BUY, sequence=2)]), "B: entered while 0.1 was held of A"),
        (ledger([], [BOUGHT, fill("out", Side.SELL, "0.2", sequence=2)]), "order out: EXIT of -0.2 while 0.1 was held"),
        (ledger([], [fill("out", Side.SELL)]), "order out: EXIT of -0.1 while 0 was held"),
        (ledger([], [BOUGHT, fill("out", Side.BUY, sequence=2)]), "order out: EXIT of 0.1 while 0.1 was held"),
    ],
)
def test_an_order_too_many_or_too_large_is_named(told: Ledger, words: str) -> None:
    assert mistakes_of_orders(told, USES) == [words]


SECOND = 1_000_000_000


def told_fill(told: Fill, role: OrderRole) -> FillRecord:
    return FillRecord(
        ts_ns=told.traded_ns,
        decision_id="A",
        instrument_id=NAME,
        client_order_id=told.customer_order_id or "",
        trade_id=told.trade_id,
        role=role,
        side="BUY" if told.side is Side.BUY else "SELL",
        quantity=told.quantity,
        price=told.price,
        commission=told.fee,
        commission_currency=told.fee_currency,
        commission_value=told.fee,
        liquidity="TAKER",
    )


ARMED = stop("A")
ENTERED, LEFT_AGAIN = told_fill(BOUGHT, "ENTRY"), told_fill(SOLD, "EXIT")
FIRST_LIFE = [Heard(0, ENTERED), Heard(SECOND, ARMED)]
NEXT_LIFE = [Heard(30 * SECOND, LEFT_AGAIN)]
BOTH = ledger([], [BOUGHT, SOLD])


def test_fills_that_are_spread_over_two_lives_are_all_there() -> None:
    assert mistakes_of_journal({"first": FIRST_LIFE, "next": NEXT_LIFE}, BOTH) == []


@pytest.mark.parametrize(
    ("stories", "words"),
    [
        ({"first": FIRST_LIFE}, "trade T-out-2 is not in the journal"),
        ({"first": FIRST_LIFE, "next": [*NEXT_LIFE, *NEXT_LIFE]}, "trade T-out-2 is in the journal 2 times"),
        (
            {"first": [*FIRST_LIFE, Heard(2 * SECOND, told_fill(fill("x", Side.SELL), "EXIT"))], "next": NEXT_LIFE},
            "trade T-x-1 is in the journal alone",
        ),
        (
            {"first": [Heard(0, ENTERED), Heard(6 * SECOND, ARMED)], "next": NEXT_LIFE},
            "A of first: held without a stop for 6.0 s",
        ),
        (
            {
                "first": FIRST_LIFE,
                "next": [Heard(0, EventRecord(ts_ns=0, kind="adopted", words="", instrument_id=NAME)), *NEXT_LIFE],
            },
            f"{NAME}: adopted, though its bet should have been known",
        ),
    ],
)
def test_what_the_journal_of_all_lives_lacks_or_has_too_much_is_named(
    stories: dict[str, list[Heard]], words: str
) -> None:
    assert mistakes_of_journal(stories, BOTH) == [words]


def test_orders_are_for_what_any_life_s_journal_says_of_them_or_of_their_fills() -> None:
    assert uses_of([FIRST_LIFE, NEXT_LIFE]) == {
        "stop": Use("A", "STOP"),
        "in": Use("A", "ENTRY"),
        "out": Use("A", "EXIT"),
    }
