from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.attribution import Days, RunFigures, attribute
from helios_nautilus.domain.bars import Floats
from helios_nautilus.errors import DataError

EFFECTS = ("allocation", "selection", "timing", "currency")


def compound(returns: Floats) -> float:
    return float(np.prod(1.0 + returns) - 1.0)


def random_days(seed: int, days: int, instruments: int, *, foreign: bool = True) -> Days:
    """Any figures at all: nothing of the account needs to fit its weights, its timing is what is left."""
    rng = np.random.default_rng(seed)
    local = rng.normal(0.0, 0.05, (days, instruments))
    exchange = rng.normal(0.0, 0.02, (days, instruments)) if foreign else 0.0
    return Days(
        portfolio=rng.uniform(-0.5, 0.5, days),
        benchmark=rng.uniform(-0.5, 0.5, days),
        held=rng.normal(0.2, 0.3, (days, instruments)),
        neutral=rng.dirichlet(np.ones(instruments), days),
        local=local,
        in_account=local + (1.0 + local) * exchange,
        costs=rng.uniform(0.0, 0.01, days),
    )


def one_day(**changed: Any) -> Days:
    """Half in the market for the day, all of it in the first of two instruments, which rose by 10 %."""
    day: dict[str, Any] = {
        "portfolio": [0.05],
        "benchmark": [0.07],
        "held": [[0.5, 0.0]],
        "neutral": [[0.5, 0.5]],
        "local": [[0.10, 0.04]],
        "in_account": [[0.10, 0.04]],
        "costs": [0.0],
    }
    return Days(**{name: np.array(value) for name, value in (day | changed).items()})


@given(seed=st.integers(0, 2**32 - 1), days=st.integers(1, 40), instruments=st.integers(1, 6))
def test_the_parts_add_up_to_the_active_return_whatever_the_figures(seed, days, instruments):
    span = random_days(seed, days, instruments)
    active = compound(span.portfolio) - compound(span.benchmark)
    assert attribute(span).active == pytest.approx(active, rel=1e-9, abs=1e-9)


@given(seed=st.integers(0, 2**32 - 1), days=st.integers(1, 40))
def test_where_everything_is_quoted_in_the_accounts_currency_it_has_no_effect(seed, days):
    assert attribute(random_days(seed, days, 3, foreign=False)).currency == 0.0


def test_half_in_the_better_one_of_two_instruments_is_allocation_lost_and_selection_won():
    effects = attribute(one_day())
    assert effects.allocation == pytest.approx(-0.5 * 0.07)
    assert effects.selection == pytest.approx(0.5 * (0.10 - 0.07))
    assert effects.timing == pytest.approx(0.0)


def test_what_the_holdings_do_not_explain_is_timing():
    effects = attribute(one_day(portfolio=[0.08], costs=[0.003]))
    assert effects.timing == pytest.approx(0.03)
    assert effects.costs == pytest.approx(0.003)


def test_the_fee_that_buying_and_holding_pays_is_saved_by_allocation():
    held_all = one_day(benchmark=[0.07 - 0.0035], held=[[0.5, 0.5]], portfolio=[0.07])
    assert attribute(held_all).allocation == pytest.approx(0.0035)


def test_a_rise_of_the_quote_currency_is_currency_and_nothing_else():
    foreign = one_day(in_account=[[0.12, 0.04]], portfolio=[0.06], benchmark=[0.08], held=[[0.25, 0.0]])
    local = one_day(portfolio=[0.025], benchmark=[0.07], held=[[0.25, 0.0]])
    effects, before = attribute(foreign), attribute(local)
    assert effects.currency == pytest.approx((0.25 - 0.5) * 0.02)
    assert (effects.allocation, effects.selection) == pytest.approx((before.allocation, before.selection))


def test_one_day_needs_no_linking_and_equal_days_give_equal_shares():
    once = attribute(one_day())
    twice = attribute(Days(**{name: np.concatenate([getattr(one_day(), name)] * 2) for name in Days.__struct_fields__}))
    active = compound(np.array([0.05, 0.05])) - compound(np.array([0.07, 0.07]))
    for name in EFFECTS:
        assert getattr(twice, name) == pytest.approx(getattr(once, name) / once.active * active)


def test_days_on_which_account_and_benchmark_made_the_same_are_linked_too():
    same = one_day(portfolio=[0.05], benchmark=[0.05])
    effects = attribute(same)
    assert effects.active == pytest.approx(0.0, abs=1e-15)
    assert effects.selection == pytest.approx(0.015)


@pytest.mark.parametrize("lost", [{"portfolio": [-1.0]}, {"benchmark": [-1.2]}])
def test_a_span_in_which_everything_was_lost_has_no_attribution(lost):
    with pytest.raises(DataError, match="everything was lost"):
        attribute(one_day(**lost))


def test_what_a_tier_added_is_the_run_with_it_less_the_run_without_it():
    base = RunFigures(pnl=100.0, costs=30.0, drawdown=0.02, trades=10)
    without = RunFigures(pnl=140.0, costs=50.0, drawdown=0.05, trades=14)
    assert base.less(without) == RunFigures(pnl=-40.0, costs=-20.0, drawdown=pytest.approx(-0.03), trades=-4)
