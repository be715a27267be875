"""The portfolio against its targets: what a prediction says, what is traded in which mode, and what never happens."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.domain.payoff import PayoffBin, PayoffTable
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.portfolio.black_litterman import View
from helios_nautilus.domain.portfolio.rebalance import RebalanceReason
from helios_nautilus.domain.portfolio.targets import (
    Comparison,
    Holding,
    Market,
    RebalanceMode,
    RebalanceSettings,
    compare,
    view_of,
)
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.errors import ConfigError

PLAN = ExitPlan()
NOW = 20_000 * NS_PER_DAY
CAP = 0.4
MODES: tuple[RebalanceMode, ...] = ("trim", "full")


def bins(win_rate: float, win: float = 0.04, loss: float = 0.02) -> tuple[PayoffBin, ...]:
    return (PayoffBin(p_from=0.0, count=100, win_rate=win_rate, mean_win=win, mean_loss=loss),)


def table(long: float = 0.5, short: float = 0.5) -> PayoffTable:
    return PayoffTable(long=bins(long), short=bins(short))


# Views


def test_a_view_is_what_the_likelier_sides_plan_makes_before_costs() -> None:
    view = view_of(1, 0.6, 0.2, table(long=0.5), PLAN)

    assert view is not None
    assert (view.asset, view.horizon_ns) == (1, PLAN.hold_ns)
    assert view.expected_return == pytest.approx(0.5 * 0.04 - 0.5 * 0.02 + PLAN.round_trip_cost)
    assert view.confidence == pytest.approx(0.75)


def test_a_short_that_pays_is_a_view_of_a_falling_price() -> None:
    view = view_of(0, 0.2, 0.6, table(short=0.5), PLAN)

    assert view is not None
    assert view.expected_return == pytest.approx(-(0.01 + PLAN.round_trip_cost))


def test_a_plan_that_would_lose_even_without_costs_is_no_view() -> None:
    assert view_of(0, 0.6, 0.2, table(long=0.0), PLAN) is None
    assert view_of(0, 0.0, 0.0, table(), PLAN) is None


# What is traded


def market(n: int, seed: int = 0) -> Market:
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(n, n))
    return Market(covariance=(factor @ factor.T / n + np.eye(n)) * 1e-3, traded_value=rng.uniform(1.0, 5.0, n) * 1e6)


def run(
    weights: list[float],
    mode: RebalanceMode = "full",
    *,
    views: tuple[View, ...] = (),
    bets: list[bool] | None = None,
    cost: float = 0.0,
    is_risk_event: bool = False,
    seed: int = 0,
) -> Comparison:
    held = np.array(weights)
    holding = Holding(weights=held, has_bet=held > 0 if bets is None else np.array(bets))
    return compare(
        holding,
        market(len(weights), seed),
        views,
        cost=cost,
        last_ns=None,
        now_ns=NOW,
        is_risk_event=is_risk_event,
        settings=RebalanceSettings(mode=mode),
    )


def test_full_buys_what_is_not_held_and_trim_buys_nothing() -> None:
    assert (run([0.0, 0.0], "full").change > 0.0).all()
    assert (run([0.0, 0.0], "trim").change == 0.0).all()


def test_a_bet_that_is_there_is_not_enlarged() -> None:
    found = run([0.02, 0.0], "full")

    assert found.target[0] > 0.02
    assert found.change[0] == 0.0
    assert found.change[1] > 0.0


def test_a_risk_event_sells_whatever_it_costs_and_buys_nothing() -> None:
    falling = (View(asset=0, expected_return=-0.05, horizon_ns=NS_PER_DAY, confidence=0.9),)

    found = run([0.3, 0.0], "full", views=falling, cost=0.49, is_risk_event=True)

    assert found.reason is RebalanceReason.RISK_EVENT
    assert found.change[0] == pytest.approx(found.target[0] - 0.3)
    assert found.change[1] == 0.0


def test_weights_near_their_targets_are_compared_and_left() -> None:
    target = run([0.0, 0.0]).target

    found = run(target.tolist())

    assert (found.is_due, found.reason) == (False, RebalanceReason.DAILY)
    assert (found.change == 0.0).all()


@st.composite
def situations(draw: st.DrawFn) -> dict[str, object]:
    n = draw(st.integers(1, 5))
    shares = draw(st.lists(st.floats(0.0, 1.0), min_size=n + 1, max_size=n + 1).filter(lambda each: sum(each) > 0))
    returns = draw(st.lists(st.none() | st.floats(-0.2, 0.2), min_size=n, max_size=n))
    views = tuple(
        View(asset=at, expected_return=each, horizon_ns=NS_PER_DAY, confidence=0.7)
        for at, each in enumerate(returns)
        if each is not None
    )
    return {
        "weights": [share / sum(shares) for share in shares[:n]],
        "mode": draw(st.sampled_from(MODES)),
        "views": views,
        "bets": draw(st.lists(st.booleans(), min_size=n, max_size=n)),
        "cost": draw(st.floats(0.0, 0.1)),
        "is_risk_event": draw(st.booleans()),
        "seed": draw(st.integers(0, 99)),
    }


@settings(max_examples=150)
@given(situations())
def test_after_the_trades_nothing_is_short_borrowed_or_above_the_cap(situation: dict[str, object]) -> None:
    weights = np.array(situation["weights"])

    found = run(**situation)  # type: ignore[arg-type]

    after = weights + found.change
    assert (found.target >= 0.0).all()
    assert found.target.max() <= CAP + 1e-12
    assert found.cash >= -1e-9
    assert (after >= -1e-12).all()
    assert after.sum() <= max(weights.sum(), 1.0) + 1e-9
    if found.is_due:
        assert after.max() <= CAP + 1e-9
    assert (found.change[weights <= found.target] >= 0.0).all(), "only what stands above its target is sold"
    if situation["mode"] == "trim" or situation["is_risk_event"]:
        assert (found.change <= 0.0).all()


@pytest.mark.parametrize(
    "wrong",
    [{"mode": "half"}, {"history_days": 2}, {"history_days": 31}, {"drawdown_share": 0.0}, {"settle_secs": 0.0}],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((ConfigError, msgspec.ValidationError)):
        msgspec.convert(wrong, RebalanceSettings)
