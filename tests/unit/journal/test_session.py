"""A recorded session beside its replay: what differs, and what is said to have made it."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from helios_nautilus.journal.records import (
    CheckResult,
    FillRecord,
    GuardianRecord,
    OrderRecord,
    PositionRecord,
    PredictionRecord,
    Record,
    SignalRecord,
    SizingRecord,
)
from helios_nautilus.journal.session import SessionComparison, compare_session
from helios_nautilus.journal.trades import trades_of

MINUTE = 60_000_000_000
NAME = "BTCZAR.VALR"
LATE = 2_000_000_000
"""The session hears of a bar two seconds after its close."""


def decision(minute: int = 5, late: int = 0) -> list[Record]:
    """A prediction that was sized, checked and filled at R1 000, sold four minutes later at R1 010."""
    decision_id, ts_ns = f"{NAME}-{minute}", minute * MINUTE + late
    about: dict[str, Any] = {"decision_id": decision_id, "instrument_id": NAME, "ts_ns": ts_ns}
    check = CheckResult(name="position", passed=True, value=0.1, limit=0.2, words="")
    price = CheckResult(name="price", passed=True, value=0.001, limit=0.02, words="")
    return [
        PredictionRecord(
            **about, model_id="m", p_buy=0.6, p_sell=0.1, p_hold=0.3, attention=(1.0, 0.0, 0.0), price=1000.0
        ),
        SignalRecord(**about, action="proposed", side="LONG", reason="directional"),
        sizing(about),
        GuardianRecord(**about, passed=True, checks=(check, price)),
        order(about, "ACCEPTED"),
        fill(about, "BUY", "1000"),
        PositionRecord(
            **about | {"ts_ns": ts_ns + 4 * MINUTE},
            side="LONG",
            quantity=Decimal("0.1"),
            entry_ts_ns=ts_ns,
            entry_price=1000.0,
            exit_price=1010.0,
            stop_price=980.0,
            target_price=1040.0,
            close_reason="TIMEOUT",
            pnl=0.5,
            costs=0.5,
        ),
    ]


def sizing(about: dict[str, Any], **fields: Any) -> SizingRecord:
    known: dict[str, Any] = dict.fromkeys(
        ("p_win", "payoff", "confidence", "kelly_full", "fraction", "drawdown", "notional", "leverage", "stop"), 0.5
    )
    known |= {"target": 1.0, "vol_daily": 0.03, "vol_source": "garch", "regime": "LOW", "equity": 1000.0}
    return SizingRecord(**about, side="LONG", approved=True, reason="sized", words="", **known | fields)


def order(about: dict[str, Any], status: str, reason: str = "") -> OrderRecord:
    return OrderRecord(
        **about,
        client_order_id="O-1",
        role="ENTRY",
        side="BUY",
        order_type="LIMIT",
        quantity=Decimal("0.1"),
        price=Decimal(1001),
        status=status,
        reason=reason,
    )


def fill(about: dict[str, Any], side: Any, price: str, quantity: str = "0.1") -> FillRecord:
    return FillRecord(
        **about,
        client_order_id="O-1",
        trade_id="T-1",
        role="ENTRY",
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        commission=Decimal(0),
        commission_currency="ZAR",
        commission_value=Decimal(0),
        liquidity="TAKER",
    )


def other(records: list[Record], kind: type[Record], **fields: Any) -> list[Record]:
    return [replace(each, **fields) if isinstance(each, kind) else each for each in records]


def up_to(records: list[Record], kind: type[Record], **fields: Any) -> list[Record]:
    """The decision ended with its word of this kind."""
    place = next(index for index, each in enumerate(records) if isinstance(each, kind))
    return [*records[:place], replace(records[place], **fields)]


def compare(recorded: list[Record], replayed: list[Record], until: int = 60) -> SessionComparison:
    return compare_session(recorded, replayed, MINUTE, until * MINUTE)


def test_moments_within_a_bar_are_the_same_for_who_knows_bars_only() -> None:
    found = compare(decision(late=LATE), decision())
    assert found.is_identical
    assert (found.decisions, found.predictions_equal, found.agreeing) == (1, 1, 1)


def test_trades_go_from_the_first_entry_fill_to_the_end_and_one_that_is_open_has_none() -> None:
    records = decision()
    records.insert(6, replace(records[5], quantity=Decimal("0.3"), price=Decimal(1004), ts_ns=6 * MINUTE))
    (trade,) = trades_of(records).values()
    assert (trade.quantity, trade.entry_price, trade.entry_ts_ns) == (Decimal("0.4"), 1003.0, 5 * MINUTE)
    assert (trade.exit_price, trade.reason, trade.pnl) == (1010.0, "TIMEOUT", 0.5)
    (open_trade,) = trades_of(records[:-1]).values()
    assert (open_trade.exit_price, open_trade.reason, open_trade.pnl) == (None, None, None)


def test_another_price_is_the_books_and_the_delays_where_there_was_one() -> None:
    prompt = compare(other(decision(), FillRecord, price=Decimal(1001)), decision()).trades[0]
    assert [(trait.field, trait.causes) for trait in prompt.traits] == [("entry_price", ("book",))]
    late = compare(other(decision(late=LATE), FillRecord, price=Decimal(1001)), decision())
    assert late.trades[0].causes == ("book", "latency")
    assert late.causes == {"book": 1, "latency": 1}
    assert not late.is_identical


@pytest.mark.parametrize(("reason", "cause"), [("STOP_LOSS", "book"), ("KILL", "operator"), ("MANUAL", "operator")])
def test_another_end_is_the_books_or_an_operators(reason: str, cause: str) -> None:
    pair = compare(other(decision(), PositionRecord, close_reason=reason, exit_price=985.0), decision()).trades[0]
    assert [(trait.field, trait.causes) for trait in pair.traits] == [("reason", (cause,))]


def test_another_size_from_another_equity_is_the_equitys() -> None:
    mine = other(other(decision(), SizingRecord, equity=900.0, notional=0.4), FillRecord, quantity=Decimal("0.09"))
    found = compare(mine, decision())
    assert found.trades[0].causes == ("equity",)
    assert [(each.tier, each.cause) for each in found.partings] == [("Aether", "equity")]


def test_another_volatility_from_the_same_bars_was_fitted_at_another_moment() -> None:
    found = compare(other(decision(), SizingRecord, vol_daily=0.04, notional=0.4), decision())
    assert [(each.tier, each.cause) for each in found.partings] == [("Aether", "latency")]


def test_another_size_that_neither_equity_nor_volatility_explains_is_the_codes() -> None:
    found = compare(other(decision(), SizingRecord, fraction=0.4), decision())
    assert [(each.tier, each.cause) for each in found.partings] == [("Aether", "code")]


def test_a_bar_that_the_venue_has_changed_is_named() -> None:
    found = compare(other(decision(), PredictionRecord, price=999.0, p_buy=0.61), decision())
    assert found.predictions_equal == 0
    assert found.changed_bar == f"the bar of {NAME}-5 closed at 999 then, at 1000 today"


def test_another_probability_at_the_same_price_says_that_an_earlier_bar_is_another() -> None:
    found = compare(other(decision(), PredictionRecord, p_buy=0.6000000001), decision())
    assert found.changed_bar.startswith(f"a bar before {NAME}-5 is another today")


@pytest.mark.parametrize(
    ("reason", "cause"), [("not_ready", "not ready"), ("entries_off", "operator"), ("position_open", "earlier trade")]
)
def test_a_trade_that_only_the_replay_has_says_what_the_session_lacked(reason: str, cause: str) -> None:
    found = compare(up_to(decision(), SignalRecord, action="dropped", reason=reason), decision())
    (pair,) = found.trades
    assert (pair.recorded, pair.causes) == (None, (cause,))
    assert pair.words == f"only the replay traded: the strategy said {reason}, in the replay directional"


@pytest.mark.parametrize(("check", "cause"), [("position", "equity"), ("price", "book")])
def test_a_limit_that_was_met_in_one_run_only_is_named_with_what_it_measures(check: str, cause: str) -> None:
    mine = decision()
    guardian = next(each for each in mine if isinstance(each, GuardianRecord))
    checks = tuple(replace(each, passed=each.name != check, value=0.3) for each in guardian.checks)
    (pair,) = compare(up_to(mine, GuardianRecord, passed=False, checks=checks), decision()).trades
    assert pair.causes == (cause,)
    assert f"Guardian's check {check} came out otherwise" in pair.words


def test_what_a_check_measured_is_no_difference_as_long_as_it_says_the_same() -> None:
    mine = decision()
    guardian = next(each for each in mine if isinstance(each, GuardianRecord))
    checks = tuple(replace(each, value=0.15) for each in guardian.checks)
    assert compare(other(mine, GuardianRecord, checks=checks), decision()).is_identical


def test_an_entry_that_found_no_price_in_the_book_is_the_books() -> None:
    mine = [*decision()[:4], order({"decision_id": f"{NAME}-5", "instrument_id": NAME, "ts_ns": 1}, "CANCELED")]
    (pair,) = compare(mine, decision()).trades
    assert (pair.recorded, pair.causes) == (None, ("book",))
    assert pair.words == "only the replay traded: its entry ended canceled, not filled"


def test_a_trade_that_only_the_session_has_is_told_too() -> None:
    (pair,) = compare(decision(), up_to(decision(), SignalRecord, action="dropped", reason="position_open")).trades
    assert (pair.replayed, pair.causes) == (None, ("earlier trade",))


def test_before_the_sessions_first_prediction_and_after_the_last_candle_nothing_is_compared() -> None:
    found = compare([*decision(7, LATE), *decision(20, LATE)], [*decision(5), *decision(7)], until=10)
    assert (found.decisions, found.is_identical) == (1, True)


def test_a_bar_that_the_session_missed_was_not_ready() -> None:
    found = compare([*decision(5), *decision(7)], [*decision(5), *decision(6), *decision(7)])
    (parting,) = found.partings
    assert (parting.decision_id, parting.tier, parting.cause) == (f"{NAME}-6", "Model", "not ready")
