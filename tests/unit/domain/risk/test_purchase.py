"""A purchase of a given value goes past the odds, never past the caps."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from helios_nautilus.domain.plan import ExitPlan, Side
from helios_nautilus.domain.risk.purchase import size_purchase
from helios_nautilus.domain.risk.regime import Regime
from helios_nautilus.domain.risk.sizing import Sizing, SizingInput, SizingRules
from helios_nautilus.domain.risk.volatility import VolatilityForecast

RULES = SizingRules()


def forecast(vol_daily: float = 0.03, regime: Regime = Regime.MEDIUM) -> VolatilityForecast:
    return VolatilityForecast(ts_ns=0, vol_daily=vol_daily, vol_annual=0.5, regime=regime, source="garch")


NO_ODDS = SizingInput(
    side=Side.LONG,
    p_buy=0.3,
    p_sell=0.4,
    odds=None,
    volatility=forecast(),
    equity=100_000.0,
    drawdown=0.0,
    plan=ExitPlan(),
    min_notional=10.0,
    shorts_allowed=False,
)
"""A bet that Aether would decline: the other side is likelier."""


def bought(wanted: float, **changes: Any) -> Sizing:
    return size_purchase(wanted, replace(NO_ODDS, **changes), RULES)


def test_what_is_wanted_is_bought_with_the_plans_stop_whatever_the_odds() -> None:
    sizing = bought(5_000.0)

    assert (sizing.approved, sizing.notional, sizing.capped_by) == (True, 5_000.0, "none")
    bracket = ExitPlan().bracket(0.03)
    assert (sizing.stop, sizing.target) == (bracket.stop, bracket.target)


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        ({}, 15_000.0),
        ({"volatility": forecast(regime=Regime.EXTREME)}, 5_000.0),
        ({"volatility": forecast(regime=Regime.LOW)}, 20_000.0),
        ({"drawdown": 0.12}, 7_500.0),
    ],
)
def test_it_is_cut_to_aethers_caps(changes: dict[str, Any], most: float) -> None:
    sizing = bought(40_000.0, **changes)

    assert sizing.notional == pytest.approx(most)
    assert sizing.capped_by != "none"


@pytest.mark.parametrize(
    ("wanted", "changes", "reason"),
    [
        (5_000.0, {"volatility": None}, "no_volatility"),
        (5_000.0, {"equity": math.nan}, "bad_input"),
        (5_000.0, {"volatility": forecast(vol_daily=9.0)}, "stop_too_wide"),
        (5.0, {}, "too_small"),
        (math.nan, {}, "too_small"),
        (-5.0, {}, "too_small"),
    ],
)
def test_what_cannot_be_a_bet_is_declined(wanted: float, changes: dict[str, Any], reason: str) -> None:
    sizing = bought(wanted, **changes)

    assert (sizing.approved, sizing.reason, sizing.notional) == (False, reason, 0.0)
    assert sizing.words


@given(
    wanted=st.floats(),
    drawdown=st.floats(0.0, 1.0),
    vol=st.floats(1e-6, 2.0),
    regime=st.sampled_from(Regime),
    equity=st.floats(1.0, 1e9),
)
def test_it_is_never_more_than_wanted_nor_than_the_cap(
    wanted: float, drawdown: float, vol: float, regime: Regime, equity: float
) -> None:
    sizing = bought(wanted, drawdown=drawdown, volatility=forecast(vol, regime), equity=equity)

    assert 0.0 <= sizing.notional <= RULES.regime_cap.at(regime) * equity * (1 + 1e-12)
    assert not sizing.approved or sizing.notional <= wanted
