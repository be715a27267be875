import numpy as np
import pytest

from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.hindsight import Hindsight, Verdict
from helios_nautilus.domain.labels import Label, LabelConfig, LabelKind, label_decisions
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.timeframe import NS_PER_MIN
from tests.fakes import at, bars_of, flat, random_walk

PLAN = ExitPlan(hold_mins=60, max_hold_mins=60)


def hindsight(kind: LabelKind = "triple_barrier", plan: ExitPlan = PLAN) -> Hindsight:
    return Hindsight(plan, LabelConfig(kind=kind, threshold=0.001), NS_PER_MIN)


def play(past: Hindsight, bars: Bars, predictions: dict[int, tuple[float, float]], pace: int = 60) -> list[Verdict]:
    """Predictions (P(BUY), P(SELL) by minute) and bars in the order of time; the bars come every ``pace`` minutes."""
    said, handed = [], 0
    for minute in range(1, int(bars.ts_ns[-1] - at(0)) // NS_PER_MIN + 1):
        if minute in predictions:
            past.predict(at(minute), *predictions[minute], 0.03)
        if minute % pace == 0:
            said += past.judge(bars.window(at(handed), at(minute)))
            handed = minute
    return said


@pytest.mark.parametrize("kind", ["triple_barrier", "plan_outcome", "fixed_threshold"])
@pytest.mark.parametrize("entry", ["taker", "maker"])
def test_verdicts_bar_by_bar_are_the_labels_of_the_whole_history(kind, entry):
    plan = ExitPlan(hold_mins=60, max_hold_mins=60, entry=entry)
    bars = bars_of(random_walk(2_000, daily=0.1), missing=range(700, 720))
    minutes = [minute for minute in range(5, 2_000, 5) if not 700 <= minute < 720]
    rng = np.random.default_rng(0)
    predictions = {minute: tuple(rng.dirichlet((1, 1, 1))[:2]) for minute in minutes}
    said = play(hindsight(kind, plan), bars, predictions)

    config = LabelConfig(kind=kind, threshold=0.001)
    ts_ns = np.array([at(minute) for minute in minutes])
    known = ts_ns + config.reach_ns(plan) <= at(1_980)
    label = label_decisions(bars, ts_ns, np.full(len(ts_ns), 0.03), plan, config).label
    expected = [
        (at(minute), max(p) / sum(p), each == (Label.BUY if p[0] >= p[1] else Label.SELL))
        for (minute, p), each, is_known in zip(predictions.items(), label, known, strict=True)
        if is_known and each in (Label.BUY, Label.SELL)
    ]
    assert said == expected
    assert {each.is_hit for each in said} == {True, False}


def test_nothing_is_said_before_the_label_can_be_known():
    past = hindsight("fixed_threshold")
    bars = bars_of([*flat(100.0, 10), *flat(101.0, 80)])
    assert play(past, bars.window(0, at(68)), {9: (0.5, 0.2)}, pace=1) == []
    assert past.judge(bars.window(at(68), at(69))) == [(at(9), pytest.approx(0.5 / 0.7), True)]


def test_a_prediction_without_a_direction_or_that_ended_on_hold_has_no_verdict():
    past = hindsight("fixed_threshold")
    bars = bars_of([*flat(100.0, 200)])
    past.predict(at(0), 0.0, 0.0, 0.03)
    assert play(past, bars, {9: (0.5, 0.2)}) == []


def test_unknown_volatility_leaves_a_plans_outcome_unknown():
    past = hindsight("plan_outcome")
    bars = bars_of(random_walk(200, daily=0.2))
    past.predict(at(1), 0.6, 0.2, np.nan)
    assert play(past, bars, {}) == []


def test_only_the_bars_that_an_open_prediction_needs_are_kept():
    past = hindsight()
    bars = bars_of(random_walk(3_000))
    play(past, bars, dict.fromkeys(range(5, 3_000, 5), (0.5, 0.2)))
    assert past._bars is not None
    assert len(past._bars) < 130


def test_bars_that_come_twice_are_no_hole():
    once, twice = hindsight("fixed_threshold"), hindsight("fixed_threshold")
    bars = bars_of([*flat(100.0, 10), *flat(101.0, 80)])
    for past in (once, twice):
        past.predict(at(9), 0.5, 0.2, 0.03)
        past.judge(bars.window(0, at(40)))
    said = once.judge(bars.window(at(40), at(90)))
    assert twice.judge(bars.window(at(30), at(90))) == said
    assert len(said) == 1
