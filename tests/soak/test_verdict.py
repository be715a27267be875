"""The verdict can fail: each kind of mistake is named, and nothing else."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.journal.records import (
    EquityRecord,
    EventRecord,
    FillRecord,
    GuardianRecord,
    OrderRecord,
    PositionRecord,
    Record,
    RunRecord,
)
from helios_nautilus.simulator.exchange.dump import BalanceRow, LedgerDump
from helios_nautilus.simulator.exchange.opening import DEMO_DEPOSITS
from helios_nautilus.simulator.exchange.orders import Fill, Side
from tests.soak import samples
from tests.soak.samples import ACCOUNT, LEFT, NAME, SYMBOL, venue_order
from tests.soak.stops import Heard, naked_secs
from tests.soak.verdict import Ledger, mistakes_of

BET = f"{NAME}-1"
RUN = RunRecord(
    ts_ns=0,
    run_id="run",
    mode="live",
    strategy="S",
    data_label="",
    is_synthetic=False,
    account_currency="USDT",
    starting_balance=1000.0,
    instrument_ids=(NAME,),
    start_ns=0,
    end_ns=0,
    seed=0,
    config_hash="",
    config_toml="",
    model_id="",
    versions={},
)
CONSENT = GuardianRecord(ts_ns=1, decision_id=BET, instrument_id=NAME, passed=True, checks=())
STOPPED = EventRecord(ts_ns=9, kind="stopped", words="as asked")


def fill(name: str, side: Any, role: Any, price: str) -> FillRecord:
    return FillRecord(
        ts_ns=2,
        decision_id=BET,
        instrument_id=NAME,
        client_order_id=name,
        trade_id=f"T-{name}",
        role=role,
        side=side,
        quantity=Decimal("0.1"),
        price=Decimal(price),
        commission=Decimal("0.5"),
        commission_currency="USDT",
        commission_value=Decimal("0.5"),
        liquidity="TAKER",
    )


def stop(status: str) -> OrderRecord:
    return replace(samples.stop(BET, status), ts_ns=3, client_order_id="B")


def order(name: str) -> OrderRecord:
    return replace(stop("SUBMITTED"), client_order_id=name, role="ENTRY")


def equity(amount: float, *, positions: int = 0) -> EquityRecord:
    return EquityRecord(ts_ns=8, equity=amount, peak=1000.0, drawdown=0.0, exposure=0.0, open_positions=positions)


CLOSED = PositionRecord(
    ts_ns=6,
    decision_id=BET,
    instrument_id=NAME,
    side="LONG",
    quantity=Decimal("0.1"),
    entry_ts_ns=2,
    entry_price=100.0,
    exit_price=110.0,
    stop_price=90.0,
    target_price=120.0,
    close_reason="time_out",
    pnl=0.0,
    costs=1.0,
)
READY = EventRecord(ts_ns=1, kind="ready", words="")
ENTRY, EXIT = fill("A", "BUY", "ENTRY", "100"), fill("C", "SELL", "EXIT", "110")
SOUND: tuple[Record, ...] = (
    RUN,
    READY,
    CONSENT,
    order("A"),
    ENTRY,
    stop("EMULATED"),
    equity(999.0, positions=1),
    order("C"),
    EXIT,
    CLOSED,
    stop("CANCELED"),
    equity(1000.0),
    STOPPED,
)


def story(*records: Record, every_secs: float = 0.1) -> list[Heard]:
    return [Heard(int(number * every_secs * NS_PER_SEC), record) for number, record in enumerate(records)]


def without(*left_out: Record) -> list[Heard]:
    return story(*(record for record in SOUND if record not in left_out))


def test_a_sound_soak_has_no_mistakes() -> None:
    assert mistakes_of(story(*SOUND), "2025 [INFO] all is well", None) == []


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (without(READY), "it was never ready"),
        (without(STOPPED), "the journal ends with"),
        (without(CLOSED, ENTRY, EXIT), "no trade was made"),
        (without(CONSENT), "without Guardian's consent"),
        (without(EXIT), "0.1 is left by the journal's fills"),
        (story(*SOUND[:-2], equity(1000.5), STOPPED), "equity of 1000.50 where the fills leave 1000.00"),
    ],
)
def test_a_mistake_of_the_journal_is_named(told: list[Heard], words: str) -> None:
    assert any(words in mistake for mistake in mistakes_of(told, "", None))


def test_an_error_in_the_log_is_a_mistake_unless_faults_are_known_to_lead_to_it() -> None:
    log = "x [ERROR] A: No decision: late\nx [INFO] fine\nx [ERROR] B: something broke\n"
    assert mistakes_of(story(*SOUND), log, None) == ["log: x [ERROR] B: something broke"]


# What a stop watches over


def test_what_is_held_before_its_stop_works_and_after_it_ended_is_naked() -> None:
    armed_late = story(ENTRY, READY, READY, stop("EMULATED"), EXIT, every_secs=1.0)
    assert naked_secs(armed_late) == {BET: 3.0}
    lost = story(ENTRY, stop("EMULATED"), stop("REJECTED"), READY, READY, EXIT, every_secs=2.0)
    assert naked_secs(lost) == {BET: 6.0}


def test_what_is_still_naked_at_the_end_counts_up_to_it() -> None:
    assert naked_secs(story(ENTRY, READY, READY, every_secs=4.0)) == {BET: 8.0}


def test_what_was_sold_needs_no_stop_any_more() -> None:
    assert naked_secs(story(ENTRY, stop("EMULATED"), EXIT, stop("CANCELED"), READY, every_secs=5.0)) == {BET: 5.0}


def test_five_seconds_without_a_stop_are_a_mistake() -> None:
    records = [record for record in SOUND if record != stop("EMULATED")]
    (mistake,) = mistakes_of(story(*records, every_secs=2.0), "", None)
    assert mistake == f"{BET}: held without a stop for 6.0 s"


# The exchange's ledger


def venue_fill(told: FillRecord, **changes: Any) -> Fill:
    fields: dict[str, Any] = {
        "trade_id": told.trade_id,
        "sequence": 1,
        "account_id": ACCOUNT,
        "order_id": "1",
        "customer_order_id": told.client_order_id,
        "symbol": SYMBOL,
        "side": Side.BUY if told.side == "BUY" else Side.SELL,
        "price": told.price,
        "quantity": told.quantity,
        "fee": told.commission,
        "fee_currency": "USDT",
        "is_maker": False,
        "traded_ns": 2,
    }
    return Fill(**(fields | changes))


def balance(total: str) -> BalanceRow:
    amount = Decimal(total)
    return BalanceRow(
        account_id=ACCOUNT, currency="USDT", available=amount, reserved=Decimal(0), borrowed=Decimal(0), total=amount
    )


LEDGER = LedgerDump(
    now_ns=9,
    orders=[venue_order("A"), venue_order("C")],
    fills=[venue_fill(ENTRY), venue_fill(EXIT)],
    balances=[balance(DEMO_DEPOSITS["USDT"])],  # ten times 0.1 are made, two times 0.5 paid
    positions=[],
)


def at_the_venue(**changes: Any) -> list[str]:
    ledger = Ledger(dump=replace(LEDGER, **changes), account_id=ACCOUNT)
    return mistakes_of(story(*SOUND), "", ledger)


def test_a_ledger_that_is_the_journal_s_has_no_mistakes() -> None:
    assert at_the_venue() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fills": [venue_fill(ENTRY)]}, "trade T-C is known here alone"),
        ({"fills": [*LEDGER.fills, venue_fill(EXIT, trade_id="T-D")]}, "trade T-D is known at the venue alone"),
        ({"fills": [venue_fill(ENTRY, price=Decimal(101)), LEDGER.fills[1]]}, "trade T-A: "),
        ({"orders": [*LEDGER.orders, venue_order("A")]}, "order A: placed 2 times"),
        ({"orders": [*LEDGER.orders, venue_order("X")]}, "order X: placed at the venue, unknown to the journal"),
        ({"orders": [venue_order("A"), venue_order("C", "Placed")]}, "order C: still Placed at the venue"),
        ({"balances": [balance("49999")]}, "balance USDT: 49999 where the fills leave 50000.0"),
        ({"positions": [LEFT]}, f"{SYMBOL}: buy 0.1 is left at the venue"),
    ],
)
def test_a_difference_to_the_ledger_is_named(changes: dict[str, Any], words: str) -> None:
    assert any(words in mistake for mistake in at_the_venue(**changes))
