import numpy as np
import pytest

from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.labels import (
    Label,
    LabelConfig,
    fixed_threshold,
    label_decisions,
    plan_outcome,
    triple_barrier,
)
from helios_nautilus.domain.plan import Costs, ExitPlan
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN
from helios_nautilus.errors import ConfigError

FREE = Costs(taker_fee=0.0, maker_fee=0.0, half_spread=0.0, slippage=0.0)
PLAN = ExitPlan(hold_mins=10, max_hold_mins=60, costs=FREE)


def bars_through(closes: list[float]) -> Bars:
    """Bars a minute apart that open at the close before and go straight to their own."""
    close = np.array(closes, dtype=np.float64)
    open_ = np.concatenate((close[:1], close[:-1]))
    return Bars(
        ts_ns=NS_PER_MIN * np.arange(len(close)),
        open=open_,
        high=np.maximum(open_, close),
        low=np.minimum(open_, close),
        close=close,
        volume=np.ones(len(close)),
    )


def vol_for_stop(stop: float) -> float:
    return stop / PLAN.bracket(1.0).stop


@pytest.mark.parametrize(
    ("net_long", "net_short", "label"),
    [
        (0.01, -0.02, Label.BUY),
        (-0.02, 0.01, Label.SELL),
        (-0.01, -0.01, Label.HOLD),
        (0.0, 0.0, Label.HOLD),
        (0.01, 0.02, Label.SELL),
        (np.nan, -0.01, Label.UNKNOWN),
        (0.01, np.nan, Label.UNKNOWN),
    ],
)
def test_plan_outcome_takes_the_side_that_would_have_earned(net_long, net_short, label):
    assert plan_outcome(np.array([net_long]), np.array([net_short]))[0] == label


def test_rising_market_is_bought_falling_sold_and_a_move_below_the_costs_held():
    now, vol = np.array([0]), np.array([vol_for_stop(0.02)])
    rise, fall = [100 + 0.1 * k for k in range(12)], [100 - 0.1 * k for k in range(12)]
    assert label_decisions(bars_through(rise), now, vol, PLAN).label[0] == Label.BUY
    assert label_decisions(bars_through(fall), now, vol, PLAN).label[0] == Label.SELL
    costly = ExitPlan(hold_mins=10, max_hold_mins=60, costs=Costs(taker_fee=0.01))
    assert label_decisions(bars_through(rise), now, vol, costly).label[0] == Label.HOLD


def test_stop_follows_the_volatility_over_the_hold():
    """At 24 h the stop is two daily deviations: a dip to 95 stops a long at 2 %, not at 3 %."""
    plan = ExitPlan(hold_mins=1440, costs=FREE)
    bars = bars_through([100.0, 100.0, 95.0, *[104.9] * 1440])
    vol = np.array([0.02, 0.03])
    labels = label_decisions(bars, np.array([0, 0]), vol, plan)
    assert labels.taker_long == pytest.approx([-0.04, 0.049])
    assert plan.hold_ns == NS_PER_DAY


@pytest.mark.parametrize("entry", ["taker", "maker"])
def test_both_ways_to_enter_are_followed_and_the_plans_own_makes_the_label(entry):
    """The price gaps up and goes on: a maker's bid below is never filled, a taker is in at the open."""
    bars = bars_through([100.0] + [101.0 + k for k in range(15)])
    bars.open[1], bars.low[1] = 100.5, 100.5
    plan = ExitPlan(hold_mins=10, max_hold_mins=60, entry=entry, costs=FREE)
    labels = label_decisions(bars, np.array([0]), np.array([vol_for_stop(0.02)]), plan)
    assert labels.taker_long[0] == pytest.approx(0.04)
    assert labels.maker_long[0] == 0.0
    assert labels.label[0] == (Label.BUY if entry == "taker" else Label.HOLD)


@pytest.mark.parametrize("kind", ["plan_outcome", "triple_barrier"])
def test_without_a_volatility_the_label_is_unknown(kind):
    labels = label_decisions(
        bars_through([100.0] * 20), np.array([0]), np.array([np.nan]), PLAN, LabelConfig(kind=kind)
    )
    assert labels.label[0] == Label.UNKNOWN
    assert np.isnan(labels.taker_long[0])


@pytest.mark.parametrize(
    ("closes", "label"),
    [
        pytest.param([100, 101.5, 98, 100], Label.BUY, id="upper first"),
        pytest.param([100, 98.5, 102, 100], Label.SELL, id="lower first"),
        pytest.param([100, 100.5, 99.5, 100], Label.HOLD, id="neither"),
    ],
)
def test_triple_barrier_says_which_barrier_was_touched_first(closes, label):
    bars = bars_through([100, *closes, *[100] * 10])
    assert triple_barrier(bars, np.array([0]), np.array([0.01]), PLAN)[0] == label


def test_both_barriers_in_one_bar_are_no_direction():
    bars = bars_through([100.0] * 15)
    bars.high[1], bars.low[1] = 102.0, 98.0
    assert triple_barrier(bars, np.array([0]), np.array([0.01]), PLAN)[0] == Label.HOLD


@pytest.mark.parametrize(
    ("last", "label"), [(102.5, Label.BUY), (97.5, Label.SELL), (101.5, Label.HOLD), (98.5, Label.HOLD)]
)
def test_fixed_threshold_compares_closes_one_horizon_apart(last, label):
    bars = bars_through([100.0] * 60 + [last])
    assert fixed_threshold(bars, np.array([0]))[0] == label


def test_fixed_threshold_is_unknown_at_the_end_of_the_data_and_across_a_hole():
    bars = bars_through([100.0] * 80)
    assert fixed_threshold(bars, bars.ts_ns[[19, 20]]).tolist() == [Label.HOLD, Label.UNKNOWN]
    keep = np.arange(80) != 30
    holed = Bars(**{name: getattr(bars, name)[keep] for name in Bars.__struct_fields__})
    assert fixed_threshold(holed, np.array([0]))[0] == Label.UNKNOWN
    assert (fixed_threshold(bars.window(-9, -8), np.array([0])) == Label.UNKNOWN).all()


def test_label_reaches_at_least_as_far_as_the_hold_and_a_makers_wait():
    assert LabelConfig().reach_ns(ExitPlan()) == 240 * NS_PER_MIN
    assert LabelConfig().reach_ns(ExitPlan(entry="maker")) == 245 * NS_PER_MIN
    assert LabelConfig(horizon_mins=2000).reach_ns(ExitPlan()) == 2000 * NS_PER_MIN


def test_threshold_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="above 0"):
        LabelConfig(threshold=0.0)
