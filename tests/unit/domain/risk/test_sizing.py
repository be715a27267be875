"""Sizing a bet: the specification's example, every way to decline, and what must hold for any input."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from helios_nautilus.domain.payoff import Payoff
from helios_nautilus.domain.plan import Costs, ExitPlan, Side
from helios_nautilus.domain.risk.regime import PerRegime, Regime
from helios_nautilus.domain.risk.sizing import Sizing, SizingInput, SizingRules, size_position
from helios_nautilus.domain.risk.volatility import VolatilityForecast
from helios_nautilus.errors import ConfigError
from helios_nautilus.journal.records import Record, SizingRecord

SPOT = SizingRules()
MARGIN = SizingRules(margin=True)


def forecast(vol_daily: float = 0.03, regime: Regime = Regime.MEDIUM) -> VolatilityForecast:
    return VolatilityForecast(
        ts_ns=0, vol_daily=vol_daily, vol_annual=vol_daily * math.sqrt(365), regime=regime, source="garch"
    )


BET = SizingInput(
    side=Side.LONG,
    p_buy=0.54,
    p_sell=0.21,
    odds=None,
    volatility=forecast(),
    equity=100_000.0,
    drawdown=0.0,
    plan=ExitPlan(hold_mins=1440),
    min_notional=10.0,
    shorts_allowed=True,
)
"""Odds of 0.72 to 0.28 over 24 hours: the example of the specification."""


def sized(rules: SizingRules = SPOT, **changes: Any) -> Sizing:
    return size_position(replace(BET, **changes), rules)


def odds(p_win: float, payoff: float, count: int = 500) -> Payoff:
    return Payoff(p_win=p_win, payoff=payoff, count=count)


@pytest.mark.parametrize("known", [None, odds(0.72, 2.0)])
def test_the_example_of_the_specification(known: Payoff | None) -> None:
    bet = sized(odds=known)
    assert (bet.approved, bet.reason, bet.regime, bet.capped_by) == (True, "sized", "MEDIUM", "none")
    figures = (bet.p_win, bet.payoff, bet.kelly_full, bet.kelly_scaled, bet.kelly_after_vol, bet.fraction)
    assert figures == pytest.approx((0.72, 2.0, 0.58, 0.145, 0.058, 0.058), rel=1e-12)
    amounts = (bet.notional, bet.stop, bet.target, bet.risk, bet.reward, bet.leverage)
    assert amounts == pytest.approx((5800.0, 0.06, 0.12, 348.0, 696.0, 1.0), rel=1e-12)
    for figure in ("5,800.00", "5.80%", "72.0%", "6.00%", "348.00", "696.00", "12.00%"):
        assert figure in bet.words


def test_a_four_hour_hold_has_the_brackets_of_its_plan() -> None:
    plan = ExitPlan()
    bet = sized(plan=plan)
    assert (bet.stop, bet.target, bet.hold_ns) == msgspec.structs.astuple(plan.bracket(0.03))


def test_a_drawdown_past_the_limit_halves_the_bet() -> None:
    assert sized(drawdown=0.10).fraction == pytest.approx(0.058)
    assert sized(drawdown=0.11).fraction == pytest.approx(0.029)


@pytest.mark.parametrize(
    ("regime", "cap"), [(Regime.LOW, 0.20), (Regime.MEDIUM, 0.15), (Regime.HIGH, 0.10), (Regime.EXTREME, 0.05)]
)
def test_a_bet_stops_at_the_cap_of_its_regime(regime: Regime, cap: float) -> None:
    bet = sized(odds=odds(1.0, 5.0), volatility=forecast(0.004, regime))
    assert (bet.fraction, bet.cap) == (min(cap, bet.kelly_after_drawdown), cap)
    assert bet.capped_by == "regime"


def test_a_bet_stops_at_the_cap_of_a_single_position() -> None:
    rules = SizingRules(max_fraction=0.01)
    bet = sized(rules)
    assert (bet.fraction, bet.capped_by) == (0.01, "position")
    assert "capped at 1% by the position" in bet.words


def test_low_confidence_declines() -> None:
    assert sized(p_buy=0.549, p_sell=0.451).reason == "low_confidence"
    assert sized(p_buy=0.55, p_sell=0.45).reason == "sized"
    assert sized(p_buy=0.0, p_sell=0.0).reason == "low_confidence"
    assert "54.9%" in sized(p_buy=0.549, p_sell=0.451).words


def test_the_hold_probability_is_left_out_of_confidence() -> None:
    assert sized(p_buy=0.072, p_sell=0.028).confidence == pytest.approx(0.72)


def test_a_payoff_table_overrules_confidence() -> None:
    bet = sized(odds=odds(0.40, 1.8))
    assert (bet.confidence, bet.p_win, bet.payoff) == pytest.approx((0.72, 0.40, 1.8))
    assert bet.kelly_full == pytest.approx(0.4 - 0.6 / 1.8)


@pytest.mark.parametrize("known", [odds(0.39, 1.5), odds(0.30, 2.0), odds(0.0, 1.0), odds(0.0, 0.0)])
def test_odds_without_an_edge_decline(known: Payoff) -> None:
    bet = sized(odds=known)
    assert (bet.reason, bet.notional) == ("no_edge", 0.0)
    assert bet.edge <= 0


def test_an_edge_must_exceed_the_one_asked_for() -> None:
    known = odds(0.55, 1.0)
    assert sized(SizingRules(min_edge=0.05), odds=known).reason == "sized"
    assert sized(SizingRules(min_edge=0.15), odds=known).reason == "no_edge"


def test_a_losing_bet_is_not_sized() -> None:
    bet = sized(odds=odds(0.30, 2.0))
    assert (bet.reason, bet.notional) == ("no_edge", 0.0)
    assert "above 0.0% is needed" in bet.words


def test_a_lowered_edge_lets_losing_bets_through_sized_by_how_far_they_lie_above_it() -> None:
    lowered = SizingRules(min_edge=-0.2)
    barely, clearly = (sized(lowered, odds=odds(p_win, 2.0)) for p_win in (0.22, 0.32))
    assert (barely.reason, clearly.reason) == ("sized", "sized")
    assert 0.0 < barely.fraction < clearly.fraction
    assert sized(lowered, odds=odds(0.15, 2.0)).reason == "no_edge"


def test_costs_that_eat_a_bare_payoff_decline() -> None:
    calm = forecast(0.01, Regime.LOW)
    assert sized(plan=ExitPlan(), volatility=calm, p_buy=0.6, p_sell=0.4).reason == "no_edge"
    free = ExitPlan(costs=Costs(taker_fee=0, maker_fee=0, half_spread=0, slippage=0))
    assert sized(plan=free, volatility=calm, p_buy=0.6, p_sell=0.4).reason == "sized"


def test_a_target_that_does_not_cover_the_costs_declines_whatever_the_table_says() -> None:
    bet = sized(plan=ExitPlan(), volatility=forecast(0.003), odds=odds(0.9, 2.0))
    assert bet.reason == "no_edge"
    assert "does not cover the costs" in bet.words


def test_a_table_row_with_few_outcomes_is_not_believed() -> None:
    assert sized(odds=odds(0.72, 2.0, count=29)).reason == "few_outcomes"
    assert sized(odds=odds(0.72, 2.0, count=30)).reason == "sized"


@pytest.mark.parametrize("vol_daily", [0.0, -0.01, math.nan, math.inf])
def test_an_unknown_volatility_declines(vol_daily: float) -> None:
    assert sized(volatility=None).reason == "no_volatility"
    bet = sized(volatility=forecast(vol_daily))
    assert (bet.reason, bet.regime, bet.vol_daily) == ("no_volatility", "UNKNOWN", 0.0)
    assert bet.kelly_full == pytest.approx(0.58)


def test_a_stop_beyond_the_price_declines() -> None:
    assert sized(volatility=forecast(0.5)).reason == "stop_too_wide"
    assert sized(volatility=forecast(0.49)).reason == "sized"


def test_a_short_target_beyond_the_price_declines() -> None:
    changes = {"side": Side.SHORT, "p_buy": 0.1, "p_sell": 0.5, "volatility": forecast(0.3)}
    assert sized(MARGIN, **changes).reason == "stop_too_wide"


def test_a_bet_under_the_venues_minimum_declines_and_is_not_enlarged() -> None:
    bet = sized(min_notional=5800.5)
    assert (bet.reason, bet.notional) == ("too_small", 0.0)
    assert "5,800.00" in bet.words
    assert sized(min_notional=5799.5).reason == "sized"


@pytest.mark.parametrize(
    ("rules", "allowed", "reason"), [(SPOT, True, "no_shorts"), (MARGIN, False, "no_shorts"), (MARGIN, True, "sized")]
)
def test_shorts_need_margin_and_the_venues_leave(rules: SizingRules, allowed: bool, reason: str) -> None:
    bet = sized(rules, side=Side.SHORT, p_buy=0.21, p_sell=0.54, shorts_allowed=allowed)
    assert bet.reason == reason
    assert bet.confidence == pytest.approx(0.72)


def test_leverage_lowers_the_margin_and_never_enlarges_the_bet() -> None:
    changes = {"p_buy": 0.95, "p_sell": 0.05, "volatility": forecast(0.03, Regime.LOW)}
    cash, levered = sized(SPOT, **changes), sized(MARGIN, **changes)
    assert (cash.leverage, levered.leverage) == (1.0, 1.5)
    assert levered.notional == cash.notional
    assert levered.margin == pytest.approx(cash.notional / 1.5)


def test_regime_and_drawdown_take_leverage_off() -> None:
    rules = replace(MARGIN, leverage_slope=10.0)
    changes = {"p_buy": 0.9, "p_sell": 0.1}
    in_regime = [sized(rules, **changes, volatility=forecast(0.03, regime)).leverage for regime in Regime]
    assert in_regime == [3.0, 2.7, 2.5, 2.0]
    in_drawdown = [sized(rules, **changes, drawdown=drawdown).leverage for drawdown in (0.1, 0.11, 0.2, 0.21)]
    assert in_drawdown == [2.7, 2.2, 2.2, 1.7]


@pytest.mark.parametrize(
    "changes",
    [
        {"equity": math.nan},
        {"equity": 0.0},
        {"equity": -5.0},
        {"equity": math.inf},
        {"drawdown": math.nan},
        {"drawdown": -0.1},
        {"drawdown": 1.1},
        {"p_buy": math.nan},
        {"p_buy": 1.2},
        {"p_buy": 0.9, "p_sell": 0.9},
        {"min_notional": math.nan},
        {"min_notional": -1.0},
        {"odds": odds(math.nan, 2.0)},
        {"odds": odds(0.7, math.inf)},
        {"odds": odds(1.7, 2.0)},
        {"odds": odds(0.7, -2.0)},
    ],
)
def test_numbers_that_make_no_sense_decline(changes: dict[str, Any]) -> None:
    bet = sized(**changes)
    assert (bet.approved, bet.reason, bet.notional) == (False, "bad_input", 0.0)
    assert bet.words


def test_the_journal_finds_all_its_fields() -> None:
    own = set(SizingRecord.__struct_fields__) - set(Record.__struct_fields__) - {"decision_id", "instrument_id"}
    figures = asdict(sized())
    assert own <= figures.keys()
    record = SizingRecord(ts_ns=1, decision_id="d", instrument_id="i", **{name: figures[name] for name in own})
    assert msgspec.json.decode(msgspec.json.encode(record), type=SizingRecord) == record


anything = st.floats() | st.sampled_from([0.0, -0.0, 1.0, 5e-324, 1e308, -1e308])
shares = st.floats(0, 1)
regimes = st.sampled_from(list(Regime))
plans = st.builds(
    ExitPlan, hold_mins=st.integers(1, 1440), stop_sigmas=st.floats(1e-3, 1e3), target_ratio=st.floats(1e-3, 1e3)
)
any_bet = st.builds(
    SizingInput,
    side=st.sampled_from(list(Side)),
    p_buy=anything | shares,
    p_sell=anything | shares,
    odds=st.none() | st.builds(Payoff, p_win=anything | shares, payoff=anything, count=st.integers()),
    volatility=st.none() | st.builds(forecast, anything | shares, regimes),
    equity=anything | st.floats(1, 1e9),
    drawdown=anything | shares,
    plan=plans,
    min_notional=anything | st.floats(0, 1e3),
    shorts_allowed=st.booleans(),
)
good_bet = st.builds(
    SizingInput,
    side=st.sampled_from(list(Side)),
    p_buy=st.floats(0, 0.5),
    p_sell=st.floats(0, 0.5),
    odds=st.none() | st.builds(Payoff, p_win=shares, payoff=st.floats(0.1, 5), count=st.just(100)),
    volatility=st.builds(forecast, st.floats(0.005, 0.3), regimes),
    equity=st.floats(1e3, 1e9),
    drawdown=shares,
    plan=st.just(ExitPlan()),
    min_notional=st.just(10.0),
    shorts_allowed=st.just(True),
)
any_rules = st.sampled_from([SPOT, MARGIN, replace(MARGIN, leverage_slope=20.0, min_edge=-5.0, min_confidence=0.0)])


@settings(max_examples=400)
@given(any_bet | good_bet, any_rules)
def test_whatever_the_input_the_answer_is_finite_and_within_its_limits(inputs: SizingInput, rules: SizingRules) -> None:
    bet = size_position(inputs, rules)
    assert bet.words
    assert bet.approved == (bet.reason == "sized") == (bet.notional > 0)
    assert all(math.isfinite(figure) for figure in asdict(bet).values() if isinstance(figure, float))
    assert 0 <= bet.fraction <= min(rules.max_fraction, bet.cap)
    assert 1 <= bet.leverage <= 3
    assert bet.leverage == round(bet.leverage, 1)
    if not rules.margin:
        assert bet.leverage == 1
        assert not (bet.approved and inputs.side is Side.SHORT)
    if bet.approved:
        assert 0 < bet.stop < 1
        assert bet.notional >= inputs.min_notional


@given(good_bet, shares, shares)
def test_better_odds_never_make_a_bet_smaller(inputs: SizingInput, one: float, other: float) -> None:
    low, high = sorted([one, other])
    by_chance = [size_position(replace(inputs, odds=odds(p, 2.0)), MARGIN).fraction for p in (low, high)]
    by_payoff = [size_position(replace(inputs, odds=odds(0.6, 5 * b)), MARGIN).fraction for b in (low, high)]
    assert by_chance == sorted(by_chance)
    assert by_payoff == sorted(by_payoff)


@given(good_bet, st.floats(0.005, 0.3), st.floats(0.005, 0.3))
def test_more_volatility_never_makes_a_sized_bet_larger(inputs: SizingInput, one: float, other: float) -> None:
    assert inputs.volatility is not None
    calm, wild = (size_position(replace(inputs, volatility=forecast(vol)), MARGIN) for vol in sorted([one, other]))
    assert wild.kelly_after_vol <= calm.kelly_after_vol or calm.kelly_full <= 0
    if calm.approved:
        assert wild.fraction <= calm.fraction


@given(good_bet, shares, shares)
def test_a_deeper_drawdown_never_makes_a_bet_or_its_leverage_larger(
    inputs: SizingInput, one: float, other: float
) -> None:
    mild, deep = (size_position(replace(inputs, drawdown=depth), MARGIN) for depth in sorted([one, other]))
    assert deep.fraction <= mild.fraction
    assert deep.leverage <= mild.leverage


@given(good_bet)
def test_a_worse_regime_never_makes_a_bet_or_its_leverage_larger(inputs: SizingInput) -> None:
    assert inputs.volatility is not None
    bets = [
        size_position(replace(inputs, volatility=replace(inputs.volatility, regime=regime)), MARGIN)
        for regime in Regime
    ]
    assert [bet.fraction for bet in bets] == sorted((bet.fraction for bet in bets), reverse=True)
    assert [bet.leverage for bet in bets] == sorted((bet.leverage for bet in bets), reverse=True)


def test_rules_are_read_from_toml() -> None:
    text = b"margin = true\n[regime_cap]\nlow = 0.1\nmedium = 0.1\nhigh = 0.1\nextreme = 0.01\n"
    rules = msgspec.toml.decode(text, type=SizingRules)
    assert (rules.margin, rules.regime_cap.extreme, rules.min_confidence) == (True, 0.01, 0.55)


@pytest.mark.parametrize(
    "changes",
    [
        {"max_fraction": 0.0},
        {"max_fraction": 1.5},
        {"kelly_multiplier": 2.0},
        {"regime_cap": PerRegime(low=0.1, medium=0.2, high=0.1, extreme=0.05)},
        {"leverage_regime_cut": PerRegime(low=0.5, medium=0.3, high=0.5, extreme=1.0)},
        {"drawdown_factor": 1.5},
        {"vol_scale": 0.0},
        {"min_confidence": -0.1},
        {"max_leverage": 0.5},
        {"max_leverage": 2.95},
    ],
)
def test_rules_that_contradict_themselves_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="sizing"):
        SizingRules(**changes)
