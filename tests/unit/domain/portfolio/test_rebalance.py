"""When to rebalance, and which trades are worth their cost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.domain.portfolio.allocate import max_sharpe
from helios_nautilus.domain.portfolio.covariance import ledoit_wolf
from helios_nautilus.domain.portfolio.rebalance import (
    RebalanceReason,
    RebalanceRules,
    rebalance_reason,
    rebalance_trades,
)
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.errors import ConfigError

RULES = RebalanceRules()
NOW = 20_000 * NS_PER_DAY
TARGET = np.array([0.4, 0.3])
MEAN = np.array([0.004, 0.003])
COVARIANCE = 0.001 * np.eye(2)


def reason(current: list[float], days: float | None, *, is_risk_event: bool = False) -> RebalanceReason | None:
    last = None if days is None else NOW - round(days * NS_PER_DAY)
    return rebalance_reason(
        np.array(current), TARGET, last_ns=last, now_ns=NOW, is_risk_event=is_risk_event, rules=RULES
    )


def trades(
    current: list[float], *, cost: float, is_risk_event: bool = False, target: np.ndarray = TARGET
) -> np.ndarray:
    return rebalance_trades(
        np.array(current),
        target,
        mean=MEAN,
        covariance=COVARIANCE,
        cost=cost,
        cap=0.4,
        is_risk_event=is_risk_event,
        rules=RULES,
    )


def test_a_drift_over_5_percent_is_acted_on_once_a_day():
    assert reason([0.46, 0.3], 1.0) is RebalanceReason.DAILY
    assert reason([0.46, 0.3], 0.9) is None
    assert reason([0.44, 0.3], 1.0) is None


def test_after_a_week_a_smaller_drift_is_enough():
    assert reason([0.42, 0.3], 7.0) is RebalanceReason.WEEKLY
    assert reason([0.42, 0.3], 6.9) is None
    assert reason([0.405, 0.3], 7.0) is None


def test_a_risk_event_waits_for_nothing():
    assert reason([0.4, 0.3], 0.0, is_risk_event=True) is RebalanceReason.RISK_EVENT


def test_a_portfolio_that_was_never_balanced_is_due():
    assert reason([0.0, 0.0], None) is RebalanceReason.DAILY


def test_free_trades_reach_the_target():
    assert trades([0.1, 0.35], cost=0.0) == pytest.approx([0.3, -0.05])


def test_a_trade_is_skipped_where_its_cost_exceeds_its_use():
    # Risk aversion of the target is 10 (0.004 = 10 x 0.001 x 0.4), so 30 days of a gap of 0.3 are worth
    # 30 x 10 x 0.001 x 0.3^2 / 2 = 0.0135, and of a gap of 0.05 0.000375.
    assert trades([0.1, 0.35], cost=0.0135 / 0.3 * 0.99) == pytest.approx([0.3, 0.0])
    assert trades([0.1, 0.35], cost=0.0135 / 0.3 * 1.01) == pytest.approx([0.0, 0.0])
    assert trades([0.1, 0.35], cost=0.000375 / 0.05 * 0.99) == pytest.approx([0.3, -0.05])


def test_on_a_risk_event_no_sale_is_skipped():
    assert trades([0.1, 0.35], cost=1.0, is_risk_event=True) == pytest.approx([0.0, -0.05])


def test_what_stands_above_the_cap_is_sold_whatever_it_costs():
    assert trades([0.45, 0.3], cost=1.0) == pytest.approx([-0.05, 0.0])


def test_purchases_shrink_to_the_cash_that_skipped_sales_leave():
    # Selling 0.02 of the second is not worth 0.4 %, and the cash of 0.28 cannot pay for 0.3 of the first.
    wanted = rebalance_trades(
        np.array([0.1, 0.32, 0.3]),
        np.array([0.4, 0.3, 0.3]),
        mean=np.array([0.004, 0.003, 0.003]),
        covariance=0.001 * np.eye(3),
        cost=0.004,
        cap=0.4,
        is_risk_event=False,
        rules=RULES,
    )

    assert wanted == pytest.approx([0.28, 0.0, 0.0])


def test_where_all_shall_be_cash_a_holding_that_promises_a_loss_is_sold():
    sold = rebalance_trades(
        np.array([0.2, 0.2]),
        np.zeros(2),
        mean=np.array([-0.002, 0.0]),
        covariance=COVARIANCE,
        cost=0.0042,
        cap=0.4,
        is_risk_event=False,
        rules=RULES,
    )

    assert sold == pytest.approx([-0.2, -0.2])


@given(seed=st.integers(0, 10_000), cost=st.floats(0.0, 0.05), is_risk_event=st.booleans())
def test_trades_never_overdraw_never_go_short_and_always_move_towards_the_target(
    seed: int, cost: float, is_risk_event: bool
):
    rng = np.random.default_rng(seed)
    returns = rng.normal(0.001, 0.03, (60, 5))
    mean, covariance = returns.mean(axis=0), ledoit_wolf(returns).covariance
    target = max_sharpe(mean, covariance)
    current = rng.dirichlet(np.ones(6))[:5]
    change = rebalance_trades(
        current, target, mean=mean, covariance=covariance, cost=cost, cap=0.4, is_risk_event=is_risk_event, rules=RULES
    )
    after = current + change

    assert (after >= -1e-12).all()
    assert (after <= 0.4 + 1e-12).all() or (change[after > 0.4] == 0.0).all()
    assert not (after > np.maximum(0.4, target) + 1e-12).any()
    assert after.sum() <= 1.0 + 1e-12
    assert (change * (target - current) >= 0.0).all()
    assert (np.abs(change) <= np.abs(target - current) + 1e-12).all()


@pytest.mark.parametrize(
    "wrong", [{"weekly_drift": 0.06}, {"weekly_drift": 0.0}, {"horizon_days": 0.0}, {"risk_aversion": 0.0}]
)
def test_rebalance_rules_that_make_no_sense_are_a_config_error(wrong: dict[str, float]):
    with pytest.raises(ConfigError, match="rebalance"):
        RebalanceRules(**wrong)
