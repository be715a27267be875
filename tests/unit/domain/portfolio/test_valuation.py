"""Equity in one currency, and its marks against peak and midnight."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.portfolio.valuation import (
    EquityMark,
    EquityTracker,
    MarginPosition,
    value_cash,
    value_margin,
)
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR
from helios_nautilus.errors import DataError

MIDNIGHT = 20_000 * NS_PER_DAY


def at(hours: float) -> int:
    return MIDNIGHT + round(hours * NS_PER_HOUR)


def a_position(quantity: float, price: float | None) -> MarginPosition:
    return MarginPosition(instrument_id="BTCUSDTPERP", quantity=quantity, entry_price=100.0, price=price)


def test_a_cash_account_is_worth_its_balances_at_their_prices():
    value = value_cash({"ZAR": 1_000.0, "BTC": 0.5, "ETH": 2.0}, {"BTC": 2_000_000.0, "ETH": 50_000.0}, "ZAR")

    assert value == 1_101_000.0


@pytest.mark.parametrize("price", [None, math.nan, math.inf, 0.0, -1.0])
def test_a_held_currency_without_a_price_makes_the_value_unknown(price: float | None):
    assert value_cash({"ZAR": 1_000.0, "BTC": 0.5}, {"BTC": price}, "ZAR") is None
    assert value_cash({"ZAR": 1_000.0, "BTC": 0.5}, {}, "ZAR") is None


def test_a_currency_of_which_nothing_is_held_needs_no_price():
    assert value_cash({"ZAR": 1_000.0, "BTC": 0.0}, {}, "ZAR") == 1_000.0


def test_a_margin_account_is_worth_balance_and_unrealised_profit():
    assert value_margin(1_000.0, [a_position(2.0, 110.0), a_position(-3.0, 90.0)]) == 1_050.0


@pytest.mark.parametrize("price", [None, math.nan, math.inf, 0.0])
def test_a_margin_position_without_a_price_makes_the_value_unknown(price: float | None):
    assert value_margin(1_000.0, [a_position(1.0, price)]) is None


def test_an_unknown_balance_makes_the_value_unknown():
    assert value_margin(None, []) is None
    assert value_margin(math.nan, []) is None


def test_drawdown_is_measured_from_the_highest_mark():
    tracker = EquityTracker()
    for hour, equity in enumerate([100.0, 120.0, 90.0]):
        tracker.update(equity, at(hour + 1))

    assert tracker.last is not None
    assert tracker.last.peak == 120.0
    assert tracker.last.drawdown == 0.25


def test_the_day_starts_with_the_last_equity_known_at_midnight():
    tracker = EquityTracker()
    tracker.update(100.0, at(-2))
    tracker.update(110.0, at(-1))
    mark = tracker.update(99.0, at(1))

    assert mark is not None
    assert (mark.day_start, mark.daily_pnl, mark.daily_loss) == (110.0, -11.0, 0.1)


def test_a_mark_at_midnight_closes_the_day_and_starts_the_next():
    tracker = EquityTracker()
    tracker.update(100.0, at(-1))
    closing = tracker.update(90.0, at(0))
    first = tracker.update(91.0, at(0.1))

    assert closing is not None
    assert closing.day_start == 100.0
    assert first is not None
    assert first.day_start == 90.0


def test_an_unknown_equity_is_not_marked_and_changes_nothing():
    tracker = EquityTracker()
    known = tracker.update(100.0, at(1))

    assert tracker.update(None, at(2)) is None
    assert tracker.update(math.nan, at(3)) is None
    assert tracker.last == known


def test_an_empty_account_has_no_mark_and_a_ruined_one_has():
    tracker = EquityTracker()

    assert tracker.update(0.0, at(1)) is None
    tracker.update(100.0, at(2))
    ruined = tracker.update(-5.0, at(3))
    assert ruined is not None
    assert ruined.drawdown == ruined.daily_loss == 1.05
    next_day = tracker.update(-5.0, at(25))
    assert next_day is not None
    assert next_day.daily_loss == 1.0


def test_a_restart_goes_on_from_the_last_mark():
    tracker = EquityTracker()
    tracker.update(100.0, at(1))
    mark = EquityTracker(tracker.last).update(80.0, at(2))

    assert mark is not None
    assert mark.drawdown == mark.daily_loss == 0.2


def test_rebasing_measures_from_here():
    tracker = EquityTracker()
    tracker.update(100.0, at(1))
    tracker.update(80.0, at(2))
    tracker.rebase()

    assert tracker.last is not None
    assert tracker.last.drawdown == tracker.last.daily_loss == 0.0


@pytest.mark.parametrize("wrong", [{"equity": math.nan}, {"peak": 0.0}, {"peak": math.inf}, {"day_start": math.inf}])
def test_a_mark_of_broken_figures_cannot_be_made(wrong: dict[str, float]):
    with pytest.raises(DataError, match="no mark of equity"):
        EquityMark(**{"ts_ns": 0, "equity": 1.0, "peak": 1.0, "day_start": 1.0, **wrong})


@given(st.lists(st.tuples(st.floats(-1e6, 1e9), st.integers(0, 10**15)), max_size=30))
def test_every_mark_is_at_or_below_its_peak(steps: list[tuple[float, int]]):
    tracker, now = EquityTracker(), MIDNIGHT
    for equity, wait in steps:
        now += wait
        mark = tracker.update(equity, now)
        if mark is not None:
            assert mark.equity <= mark.peak
            assert mark.drawdown >= 0.0
            assert mark.daily_loss >= 0.0
