import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.hindsight import Forecast, Hindsight, Verdict
from helios_nautilus.domain.labels import Label, LabelConfig, LabelKind, label_decisions
from helios_nautilus.domain.plan import ExitPlan, Side
from helios_nautilus.domain.timeframe import NS_PER_MIN
from tests.fakes import at, bars_of, flat, random_walk

PLAN = ExitPlan(hold_mins=60, max_hold_mins=60)


def hindsight(kind: LabelKind = "triple_barrier", plan: ExitPlan = PLAN) -> Hindsight:
    return Hindsight(plan, LabelConfig(kind=kind, threshold=0.001), NS_PER_MIN)


def forecast(minute: int, side: Side = Side.LONG, vol_daily: float = 0.03) -> Forecast:
    return Forecast(decision_id=f"D{minute}", ts_ns=at(minute), side=side, confidence=0.7, vol_daily=vol_daily)


def play(past: Hindsight, bars: Bars, forecasts: dict[int, Forecast], pace: int = 60) -> list[Verdict]:
    """Forecasts by minute and bars in the order of time; the bars come every ``pace`` minutes."""
    said, handed = [], 0
    for minute in range(1, int(bars.ts_ns[-1] - at(0)) // NS_PER_MIN + 1):
        if minute in forecasts:
            past.predict(forecasts[minute])
        if minute % pace == 0:
            said += past.judge(bars.window(at(handed), at(minute)))
            handed = minute
    return said


@pytest.mark.parametrize("kind", ["triple_barrier", "plan_outcome", "fixed_threshold"])
@pytest.mark.parametrize("entry", ["taker", "maker"])
def test_verdicts_hour_by_hour_are_the_labels_and_the_plans_of_the_whole_history(kind, entry):
    plan = ExitPlan(hold_mins=60, max_hold_mins=60, entry=entry)
    bars = bars_of(random_walk(2_000, daily=0.1), missing=range(700, 720))
    minutes = [minute for minute in range(5, 2_000, 5) if not 700 <= minute < 720]
    sides = np.random.default_rng(0).choice(list(Side), len(minutes))
    forecasts = {minute: forecast(minute, Side(side)) for minute, side in zip(minutes, sides, strict=True)}
    said = play(hindsight(kind, plan), bars, forecasts)

    config = LabelConfig(kind=kind, threshold=0.001)
    ts_ns = np.array([at(minute) for minute in minutes])
    found = label_decisions(bars, ts_ns, np.full(len(ts_ns), 0.03), plan, config)
    long, short = getattr(found, f"{entry}_long"), getattr(found, f"{entry}_short")
    expected = [
        Verdict(forecast=each, label=Label(label), net_return=None if np.isnan(net) else net)
        for each, label, *nets in zip(forecasts.values(), found.label, long, short, strict=True)
        for net in (nets[0] if each.side is Side.LONG else nets[1],)
        if each.ts_ns + config.reach_ns(plan) <= at(1_980) and label != Label.UNKNOWN
    ]
    assert said == expected
    assert {each.is_hit for each in said} == {True, False, None}


@given(
    kind=st.sampled_from(("triple_barrier", "plan_outcome", "fixed_threshold")),
    entry=st.sampled_from(("taker", "maker")),
    hold=st.sampled_from((15, 60, 90)),
    made=st.integers(1, 50),
    newest=st.integers(52, 230),
    seed=st.integers(0, 10),
)
def test_no_bar_after_the_newest_one_could_have_changed_what_was_said(kind, entry, hold, made, newest, seed):
    """Told at once or not at all: whatever comes later, the verdict stands, and none comes before its last bar."""
    plan = ExitPlan(hold_mins=hold, max_hold_mins=hold, entry=entry)
    label = LabelConfig(kind=kind, threshold=0.001)
    bars = bars_of(random_walk(300, seed=seed, daily=0.1))
    now, later = (Hindsight(plan, label, NS_PER_MIN) for _ in range(2))
    now.predict(forecast(made))
    later.predict(forecast(made))
    said = now.judge(bars.window(0, at(newest)))
    assert bool(said) == (at(made) + label.reach_ns(plan) <= at(newest))
    assert not said or said == later.judge(bars)


def test_nothing_is_said_before_the_label_can_be_known():
    past = hindsight("fixed_threshold")
    bars = bars_of([*flat(100.0, 10), *flat(101.0, 80)])
    assert play(past, bars.window(0, at(68)), {9: forecast(9)}, pace=1) == []
    (verdict,) = past.judge(bars.window(at(68), at(69)))
    assert verdict.label is Label.BUY
    assert verdict.is_hit


def test_a_prediction_that_ended_on_hold_was_neither_right_nor_wrong():
    past = hindsight("fixed_threshold")
    (verdict,) = play(past, bars_of([*flat(100.0, 120)]), {9: forecast(9)})
    assert verdict.label is Label.HOLD
    assert verdict.is_hit is None
    assert verdict.net_return == pytest.approx(-PLAN.round_trip_cost)


def test_unknown_volatility_leaves_a_plans_outcome_unknown():
    bars = bars_of(random_walk(200, daily=0.2))
    assert play(hindsight("plan_outcome"), bars, {1: forecast(1, vol_daily=np.nan)}) == []


def test_a_label_that_needs_no_volatility_is_known_without_one_but_not_what_the_plan_would_have_made():
    bars = bars_of(random_walk(200, daily=0.2))
    (verdict,) = play(hindsight("fixed_threshold"), bars, {1: forecast(1, vol_daily=np.nan)})
    assert verdict.net_return is None


def test_only_the_bars_that_an_open_prediction_needs_are_kept():
    past = hindsight()
    bars = bars_of(random_walk(3_000))
    play(past, bars, {minute: forecast(minute) for minute in range(5, 3_000, 5)})
    assert past._bars is not None
    assert len(past._bars) < 130


def test_bars_that_come_twice_are_no_hole():
    once, twice = hindsight("fixed_threshold"), hindsight("fixed_threshold")
    bars = bars_of([*flat(100.0, 10), *flat(101.0, 80)])
    for past in (once, twice):
        past.predict(forecast(9))
        past.judge(bars.window(0, at(40)))
    said = once.judge(bars.window(at(40), at(90)))
    assert twice.judge(bars.window(at(30), at(90))) == said
    assert len(said) == 1
