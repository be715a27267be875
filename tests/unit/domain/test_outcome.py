import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.outcome import ExitKind, Outcomes, plan_outcomes
from helios_nautilus.domain.plan import Costs, ExitPlan, Side
from helios_nautilus.domain.timeframe import NS_PER_MIN

MIN = NS_PER_MIN
FREE = Costs(taker_fee=0.0, maker_fee=0.0, half_spread=0.0, slippage=0.0)
CALM = (100.0, 101.0, 99.0, 100.0)
"""Open, high, low, close of a bar that touches nothing: stops lie at 98 and 102, targets at 104 and 96."""


def bars_of(rows: list[tuple[float, float, float, float]], minutes: list[int] | None = None) -> Bars:
    open_, high, low, close = np.array(rows, dtype=np.float64).T
    ts_ns = MIN * np.array(minutes or range(len(rows)), dtype=np.int64)
    return Bars(ts_ns=ts_ns, open=open_, high=high, low=low, close=close, volume=np.ones(len(rows)))


def follow(
    rows: list[tuple[float, float, float, float]],
    side: Side = Side.LONG,
    *,
    hold: int = 3,
    minutes: list[int] | None = None,
    maker: bool = False,
    wait: int = 2,
    costs: Costs = FREE,
) -> Outcomes:
    """Decide at the close of the first bar, at minute 0; the plan's stop is 2 %, its target 4 %."""
    plan = ExitPlan(
        hold_mins=hold, entry="maker" if maker else "taker", maker_wait_secs=60 * wait, costs=costs, max_hold_mins=60
    )
    return plan_outcomes(bars_of(rows, minutes), np.array([0]), np.array([0.02]), np.array([0.04]), plan, side)


@pytest.mark.parametrize(
    ("path", "side", "kind", "minute", "exit_price"),
    [
        pytest.param([CALM, (100, 101, 97.5, 99)], Side.LONG, ExitKind.STOP, 2, 98.0, id="long stopped"),
        pytest.param([CALM, (100, 105, 99, 104)], Side.LONG, ExitKind.TARGET, 2, 104.0, id="long reaches its target"),
        pytest.param([CALM, (100, 102.5, 99, 101)], Side.SHORT, ExitKind.STOP, 2, 102.0, id="short stopped"),
        pytest.param([CALM, (100, 101, 95, 96)], Side.SHORT, ExitKind.TARGET, 2, 96.0, id="short reaches its target"),
        pytest.param([(100, 105, 97, 100)], Side.LONG, ExitKind.STOP, 1, 98.0, id="both in one bar is a stop"),
        pytest.param([(100, 105, 95, 100)], Side.SHORT, ExitKind.STOP, 1, 102.0, id="both in one bar, short"),
        pytest.param([CALM, CALM, (100, 101, 99, 100.5)], Side.LONG, ExitKind.TIMEOUT, 3, 100.5, id="time-out"),
        pytest.param([CALM, (95, 99, 94, 98)], Side.LONG, ExitKind.STOP, 2, 95.0, id="gap through the stop"),
        pytest.param([CALM, (103, 104, 101, 102)], Side.SHORT, ExitKind.STOP, 2, 103.0, id="gap, short"),
        pytest.param([CALM, (107, 108, 106, 107)], Side.LONG, ExitKind.TARGET, 2, 104.0, id="gap over the target"),
        pytest.param([CALM, CALM, (100, 101, 97, 98)], Side.LONG, ExitKind.STOP, 3, 98.0, id="stop in the last bar"),
    ],
)
def test_plan_entered_at_the_next_open_ends_where_the_path_says(path, side, kind, minute, exit_price):
    done = follow([CALM, *path], side)
    assert done.kind[0] == kind
    assert done.exit_ts_ns[0] == minute * MIN
    assert done.entry_price[0] == 100.0
    assert done.exit_price[0] == pytest.approx(exit_price)
    assert done.net[0] == pytest.approx(side.sign * (exit_price / 100.0 - 1.0))


def test_entry_is_the_open_of_the_next_bar_not_the_close_known_at_the_decision():
    done = follow([(100, 101, 99, 100.9), (101.5, 101.6, 101.4, 101.5), *[(101.5, 101.6, 101.4, 101.5)] * 2])
    assert done.entry_price[0] == 101.5
    assert done.net[0] == 0.0
    assert done.kind[0] == ExitKind.TIMEOUT


def test_costs_are_paid_on_both_sides_on_the_value_of_each_fill():
    costs = Costs(taker_fee=0.003, maker_fee=0.001, half_spread=0.0005, slippage=0.0005)
    stopped = follow([CALM, (100, 101, 97, 98)], costs=costs)
    won = follow([CALM, (100, 105, 99, 104)], costs=costs)
    timed_out = follow([CALM, CALM, CALM, CALM], costs=costs)
    assert stopped.net[0] == pytest.approx(-0.02 - 0.004 - 0.004 * 0.98)
    assert won.net[0] == pytest.approx(0.04 - 0.004 - 0.001 * 1.04)
    assert timed_out.net[0] == pytest.approx(-0.008)


@pytest.mark.parametrize(
    ("n_rows", "minutes"),
    [
        pytest.param(1, None, id="nothing after the decision"),
        pytest.param(3, None, id="data end before the time-out"),
        pytest.param(4, [0, 1, 2, 4], id="hole before the time-out"),
        pytest.param(4, [0, 2, 3, 4], id="hole at the entry"),
    ],
)
def test_outcome_is_unknown_if_data_stop_before_the_plan_does(n_rows, minutes):
    done = follow([CALM] * n_rows, minutes=minutes)
    assert done.kind[0] == ExitKind.UNKNOWN
    assert np.isnan(done.net[0])
    assert np.isnan(done.entry_price[0])
    assert done.exit_ts_ns[0] == 0


def test_hole_after_the_end_of_the_plan_does_not_matter():
    done = follow([CALM, (100, 105, 99, 104), CALM], minutes=[0, 1, 7])
    assert done.kind[0] == ExitKind.TARGET


@pytest.mark.parametrize("width", [np.nan, 0.0])
def test_without_a_volatility_nothing_is_known(width):
    done = plan_outcomes(
        bars_of([CALM] * 5), np.array([0]), np.array([width]), np.array([width]), ExitPlan(hold_mins=2), Side.LONG
    )
    assert done.kind[0] == ExitKind.UNKNOWN


def test_maker_is_filled_at_the_last_close_once_the_price_trades_through_it():
    done = follow([CALM, (100.5, 101, 100.1, 100.5), (100.5, 101, 99.9, 100), CALM, CALM], maker=True)
    assert done.entry_price[0] == 100.0
    assert done.exit_ts_ns[0] == 4 * MIN, "the hold counts from the entry bar"


@pytest.mark.parametrize(
    ("side", "row"), [(Side.LONG, (100.5, 101, 100.0, 100.5)), (Side.SHORT, (99.5, 100.0, 99, 99.5))]
)
def test_maker_whose_price_is_only_touched_stays_unfilled(side, row):
    done = follow([CALM, row, row, CALM, CALM], side, maker=True)
    assert done.kind[0] == ExitKind.UNFILLED
    assert done.net[0] == 0.0
    assert done.exit_ts_ns[0] == 2 * MIN
    assert np.isnan(done.entry_price[0])


def test_maker_waits_for_one_bar_at_least():
    """A wait shorter than a bar must not turn a maker into a taker at maker's costs."""
    above = (100.5, 101, 100.2, 100.5)
    assert follow([CALM, above, CALM, CALM, CALM], maker=True, wait=0).kind[0] == ExitKind.UNFILLED


def test_maker_gives_up_before_a_fill_that_would_have_come_too_late():
    above = (100.5, 101, 100.1, 100.5)
    assert follow([CALM, above, above, CALM, CALM, CALM], maker=True, wait=2).kind[0] == ExitKind.UNFILLED
    assert follow([CALM, above, above, CALM, CALM, CALM], maker=True, wait=3).kind[0] == ExitKind.TIMEOUT


def test_maker_cannot_win_in_the_bar_that_fills_it_but_can_lose():
    assert follow([CALM, (100, 105, 99, 100), CALM, CALM], maker=True).kind[0] == ExitKind.TIMEOUT
    assert follow([CALM, (100, 105, 97, 100)], maker=True).kind[0] == ExitKind.STOP


def test_maker_waiting_into_a_hole_is_unknown():
    above = (100.5, 101, 100.1, 100.5)
    assert follow([CALM, above, CALM, CALM], maker=True, minutes=[0, 1, 3, 4]).kind[0] == ExitKind.UNKNOWN


def test_maker_pays_the_maker_fee_on_entry():
    costs = Costs(taker_fee=0.003, maker_fee=0.001, half_spread=0.0, slippage=0.0)
    assert follow([CALM, CALM, CALM, CALM], maker=True, costs=costs).net[0] == pytest.approx(-0.004)


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), hold=st.integers(1, 30), maker=st.booleans())
def test_outcome_never_depends_on_what_comes_after_its_exit(seed, hold, maker):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.005, 80)))
    open_ = np.concatenate(([100.0], close[:-1]))
    spread = rng.uniform(0, 0.004, 80)
    ts_ns = MIN * np.arange(80)
    bars = Bars(
        ts_ns=ts_ns,
        open=open_,
        high=np.maximum(open_, close) * (1 + spread),
        low=np.minimum(open_, close) * (1 - spread),
        close=close,
        volume=np.ones(80),
    )
    plan = ExitPlan(hold_mins=hold, entry="maker" if maker else "taker", max_hold_mins=60)
    args = np.full(80, 0.01), np.full(80, 0.02), plan
    for side in Side:
        whole = plan_outcomes(bars, ts_ns, *args, side)
        cut = plan_outcomes(bars.window(-1, 50 * MIN), ts_ns, *args, side)
        ended = (whole.kind != ExitKind.UNKNOWN) & (whole.exit_ts_ns <= 50 * MIN)
        np.testing.assert_array_equal(cut.net[ended], whole.net[ended])
        assert (cut.kind[~ended] == ExitKind.UNKNOWN).all()
        filled = whole.kind > 0
        assert (whole.net[filled] < 0.02).all()
        assert (whole.exit_ts_ns[filled] > ts_ns[filled]).all()
