"""A risk event is told when it begins."""

from helios_nautilus.domain.portfolio.risk_events import RiskEvents
from helios_nautilus.domain.risk.regime import Regime
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR


def test_a_kill_switch_that_says_again_where_it_is_is_no_new_event() -> None:
    risk = RiskEvents(0.1)
    assert risk.on_kill_switch(entries_allowed=True) is None
    assert risk.on_kill_switch(entries_allowed=False)
    assert risk.on_kill_switch(entries_allowed=False) is None
    risk.on_kill_switch(entries_allowed=True)
    assert risk.on_kill_switch(entries_allowed=False)


def test_a_drawdown_that_wavers_around_the_limit_is_told_once_a_day() -> None:
    risk = RiskEvents(0.1)
    assert risk.on_drawdown(0.1, 0) is None, "the limit itself is not past it"
    assert risk.on_drawdown(0.11, 1)
    assert risk.on_drawdown(0.05, 2) is None
    assert risk.on_drawdown(0.11, NS_PER_HOUR) is None
    assert risk.on_drawdown(0.05, NS_PER_HOUR + 1) is None
    assert risk.on_drawdown(0.11, NS_PER_DAY)


def test_a_drawdown_that_lasts_is_not_told_again_the_next_day() -> None:
    risk = RiskEvents(0.1)
    assert risk.on_drawdown(0.11, 0)
    assert risk.on_drawdown(0.12, NS_PER_DAY) is None


def test_a_volatility_that_becomes_extreme_is_told_for_each_pair_until_it_calms() -> None:
    risk = RiskEvents(0.1)
    assert risk.on_regime("BTC", Regime.HIGH) is None
    assert risk.on_regime("BTC", Regime.EXTREME)
    assert risk.on_regime("ETH", Regime.EXTREME)
    assert risk.on_regime("BTC", Regime.EXTREME) is None
    assert risk.on_regime("BTC", None) is None
    assert risk.on_regime("BTC", Regime.EXTREME) is None, "unknown did not mean calm"
    risk.on_regime("BTC", Regime.LOW)
    assert risk.on_regime("BTC", Regime.EXTREME)
