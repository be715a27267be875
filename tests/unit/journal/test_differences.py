"""Runs are made by hand here: two decisions an hour apart, told from the prediction to the closed position."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_MIN
from helios_nautilus.journal.changes import Change
from helios_nautilus.journal.differences import Comparison, compare_records
from helios_nautilus.journal.records import (
    CheckResult,
    EquityRecord,
    FillRecord,
    GateRecord,
    GuardianRecord,
    OrderRecord,
    PositionRecord,
    PredictionRecord,
    Record,
    SignalRecord,
    SizingRecord,
)

FIRST, SECOND = "BTC-1", "BTC-2"
CHECK = CheckResult(name="rate", passed=True, value=1.0, limit=10.0, words="one")


def decision(name: str, hour: int) -> list[Record]:
    """Everything of one decision that became a trade."""
    start = hour * NS_PER_HOUR
    ids: dict[str, Any] = {"decision_id": name, "instrument_id": "BTCZAR.VALR"}
    now, later = {**ids, "ts_ns": start}, {**ids, "ts_ns": start + 30 * NS_PER_MIN}
    order: dict[str, Any] = {"role": "ENTRY", "side": "BUY", "quantity": Decimal("0.1"), "price": Decimal(100)}
    out = {**order, "role": "EXIT", "side": "SELL"}
    paid: dict[str, Any] = {
        "commission": Decimal("0.35"),
        "commission_currency": "ZAR",
        "commission_value": Decimal("0.35"),
        "liquidity": "TAKER",
    }
    return [
        PredictionRecord(
            **now, model_id="m", p_buy=0.7, p_sell=0.1, p_hold=0.2, attention=(0.3, 0.3, 0.4), price=100.0
        ),
        SignalRecord(**now, action="proposed", side="LONG", reason="directional"),
        sizing(now),
        GateRecord(
            **now,
            provider="rules",
            decision="APPROVE",
            reasoning="Nothing speaks against it.",
            multiplier=1.0,
            risk_flags=(),
            notional=10.0,
            leverage=1.0,
            stop=0.02,
            target=0.04,
            latency_ms=800.0,
        ),
        GuardianRecord(**now, passed=True, checks=(CHECK,)),
        OrderRecord(**now, **order, client_order_id=f"{name}-1", order_type="LIMIT", status="SUBMITTED"),
        FillRecord(**now, **order, **paid, client_order_id=f"{name}-1", trade_id=f"{name}-t1"),
        OrderRecord(**later, **out, client_order_id=f"{name}-2", order_type="MARKET", status="SUBMITTED"),
        FillRecord(**later, **out, **paid, client_order_id=f"{name}-2", trade_id=f"{name}-t2"),
        PositionRecord(
            **later,
            side="LONG",
            quantity=Decimal("0.1"),
            entry_ts_ns=start,
            entry_price=100.0,
            exit_price=100.0,
            stop_price=98.0,
            target_price=104.0,
            close_reason="TIMEOUT",
            pnl=-0.7,
            costs=0.7,
        ),
        EquityRecord(
            ts_ns=start + 40 * NS_PER_MIN, equity=999.3, peak=1000.0, drawdown=0.0, exposure=0.0, open_positions=0
        ),
    ]


def sizing(now: dict[str, Any]) -> SizingRecord:
    return SizingRecord(
        **now,
        side="LONG",
        approved=True,
        reason="sized",
        words="LONG 10.00",
        p_win=0.6,
        payoff=2.0,
        confidence=0.875,
        kelly_full=0.4,
        fraction=0.01,
        equity=1000.0,
        drawdown=0.0,
        notional=10.0,
        leverage=1.0,
        stop=0.02,
        target=0.04,
        vol_daily=0.03,
        vol_source="garch",
        regime="MEDIUM",
        cap=0.15,
    )


RUN = [*decision(FIRST, 1), *decision(SECOND, 2)]


def changed(kind: type[Record], name: str = FIRST, records: list[Record] = RUN, **fields: Any) -> list[Record]:
    """A run in which the records of one kind and decision have other fields."""
    return [
        replace(each, **fields) if isinstance(each, kind) and getattr(each, "decision_id", "") == name else each
        for each in records
    ]


def causes(comparison: Comparison) -> list[tuple[str, str]]:
    return [(each.tier, each.decision_id) for each in comparison.differences if each.is_cause]


def test_a_run_is_identical_to_itself() -> None:
    same = compare_records(RUN, RUN)
    assert same.is_identical
    assert same.first_tier is None
    assert same.decisions == 2
    assert all(count.equal == count.compared for count in same.tiers)


def test_other_order_and_trade_ids_are_no_difference() -> None:
    numbered = [
        replace(each, client_order_id="other", **({"trade_id": "t"} if isinstance(each, FillRecord) else {}))
        if isinstance(each, OrderRecord | FillRecord)
        else each
        for each in RUN
    ]
    assert compare_records(RUN, numbered).is_identical


def test_a_replayed_answer_is_the_same_as_a_live_one() -> None:
    live = changed(GateRecord, source="live", latency_ms=1234.5)
    assert compare_records(live, changed(GateRecord, source="recorded", latency_ms=0.1)).is_identical


def test_orders_cancelled_in_another_turn_are_no_difference() -> None:
    entry = next(each for each in RUN if isinstance(each, OrderRecord))
    stop, target = (replace(entry, role=role, status="CANCELED") for role in ("STOP", "TARGET"))
    assert compare_records([*RUN, stop, target], [*RUN, target, stop]).is_identical


@pytest.mark.parametrize(
    ("kind", "tier", "fields"),
    [
        (PredictionRecord, "Model", {"p_buy": 0.6}),
        (SignalRecord, "Strategy", {"action": "dropped", "side": None, "reason": "hold"}),
        (SizingRecord, "Aether", {"cap": 0.1, "notional": 5.0}),
        (GateRecord, "Gate", {"multiplier": 0.5, "notional": 5.0}),
        (GuardianRecord, "Guardian", {"passed": False}),
        (OrderRecord, "Orders", {"price": Decimal(101)}),
        (FillRecord, "Fills", {"price": Decimal(101)}),
        (PositionRecord, "Position", {"close_reason": "SIGNAL"}),
    ],
)
def test_a_tier_that_alone_differs_is_the_cause(kind: type[Record], tier: str, fields: dict[str, Any]) -> None:
    comparison = compare_records(RUN, changed(kind, **fields))
    assert comparison.first_tier == tier
    assert {each[0] for each in causes(comparison)} == {tier}


def test_equity_is_blamed_only_where_nothing_else_differs() -> None:
    poorer = [replace(each, equity=1.0) if isinstance(each, EquityRecord) else each for each in RUN]
    assert compare_records(RUN, poorer).first_tier == "Account"
    both = changed(FillRecord, records=poorer, price=Decimal(101))
    assert causes(compare_records(RUN, both)) == [("Fills", FIRST)]


def test_what_follows_in_the_same_decision_is_counted_and_not_blamed() -> None:
    smaller = changed(SizingRecord, cap=0.005, notional=5.0)
    smaller = changed(GateRecord, records=smaller, notional=5.0)
    smaller = changed(OrderRecord, records=smaller, quantity=Decimal("0.05"))
    comparison = compare_records(RUN, smaller)
    assert causes(comparison) == [("Aether", FIRST)]
    counts = {count.tier: (count.causes, count.consequences) for count in comparison.tiers}
    assert counts["Aether"] == (1, 0)
    assert counts["Gate"] == (0, 1)
    assert counts["Orders"] == (0, 2)
    assert comparison.decisions_differing == 1


def test_a_later_size_from_another_equity_is_a_consequence() -> None:
    other = changed(FillRecord, price=Decimal(101))
    other = changed(SizingRecord, SECOND, other, equity=990.0, notional=9.9, fraction=0.01, words="LONG 9.90")
    assert causes(compare_records(RUN, other)) == [("Fills", FIRST)]


def test_a_later_size_with_another_cap_is_a_cause_whatever_the_equity() -> None:
    other = changed(FillRecord, price=Decimal(101))
    other = changed(SizingRecord, SECOND, other, equity=990.0, notional=5.0, cap=0.005)
    assert causes(compare_records(RUN, other)) == [("Fills", FIRST), ("Aether", SECOND)]


def test_another_size_from_the_same_equity_is_a_cause_even_after_other_trades() -> None:
    other = changed(SizingRecord, SECOND, changed(FillRecord, price=Decimal(101)), notional=5.0)
    assert ("Aether", SECOND) in causes(compare_records(RUN, other))


def test_a_check_that_measures_another_account_is_a_consequence_and_one_with_another_limit_a_cause() -> None:
    def with_check(**fields: Any) -> list[Record]:
        check = replace(CHECK, **fields)
        return changed(GuardianRecord, SECOND, changed(FillRecord, price=Decimal(101)), checks=(check,))

    assert causes(compare_records(RUN, with_check(value=2))) == [("Fills", FIRST)]
    assert ("Guardian", SECOND) in causes(compare_records(RUN, with_check(passed=False)))
    comparison = compare_records(RUN, with_check(limit=5))
    assert causes(comparison) == [("Fills", FIRST), ("Guardian", SECOND)]
    assert comparison.differences[-1].changes == (Change(field="checks.rate.limit", before=10.0, after=5.0),)


def test_another_limit_is_a_cause_even_after_a_cause_in_the_same_decision() -> None:
    other = changed(GuardianRecord, records=changed(GateRecord, notional=5.0), checks=(replace(CHECK, limit=5.0),))
    assert causes(compare_records(RUN, other)) == [("Gate", FIRST), ("Guardian", FIRST)]


def test_a_signal_that_another_holding_explains_is_a_consequence_and_alone_a_cause() -> None:
    dropped: dict[str, Any] = {"action": "dropped", "side": None, "reason": "position_open"}
    held_longer = changed(PositionRecord, close_reason="SIGNAL")
    assert causes(compare_records(RUN, changed(SignalRecord, SECOND, held_longer, **dropped))) == [("Position", FIRST)]
    assert causes(compare_records(RUN, changed(SignalRecord, SECOND, **dropped))) == [("Strategy", SECOND)]


def test_a_prediction_never_depends_on_the_account() -> None:
    other = changed(PredictionRecord, SECOND, changed(FillRecord, price=Decimal(101)), p_buy=0.5)
    assert causes(compare_records(RUN, other)) == [("Fills", FIRST), ("Model", SECOND)]


def test_the_earlier_of_fills_and_later_orders_is_the_cause() -> None:
    other = changed(FillRecord, price=Decimal(101))
    other = [
        replace(each, ts_ns=each.ts_ns + 1) if isinstance(each, OrderRecord) and each.role == "EXIT" else each
        for each in other
    ]
    first = next(each for each in compare_records(RUN, other).differences if each.is_cause)
    assert (first.tier, first.decision_id) == ("Fills", FIRST)


def test_a_decision_that_only_one_run_has_is_named_by_which() -> None:
    comparison = compare_records(RUN, decision(FIRST, 1))
    assert {each.kind for each in comparison.differences} == {"missing"}
    assert {each.kind for each in compare_records(decision(FIRST, 1), RUN).differences} == {"added"}
    assert causes(comparison) == [("Model", SECOND)]


@given(st.data())
def test_whatever_is_changed_there_is_a_cause_and_the_counts_add_up(data: st.DataObject) -> None:
    places = data.draw(st.sets(st.integers(0, len(RUN) - 1)))
    other = [replace(each, ts_ns=each.ts_ns + 1) if place in places else each for place, each in enumerate(RUN)]
    comparison = compare_records(RUN, other)
    assert comparison.is_identical == (not places)
    assert bool(causes(comparison)) == bool(places)
    assert sum(count.causes + count.consequences for count in comparison.tiers) == len(comparison.differences)
    assert all(count.equal + count.causes + count.consequences == count.compared for count in comparison.tiers)
    blamed = [decision_id for _, decision_id in causes(comparison) if decision_id]
    assert len(blamed) == len(set(blamed)), "a decision has one cause"
