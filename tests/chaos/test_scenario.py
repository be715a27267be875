"""What the campaign's seeds stand for."""

from helios_nautilus.simulator.exchange.faults import KINDS
from tests.chaos.scenario import draw_scenario

CAMPAIGN = [draw_scenario(seed, 5.0) for seed in range(1, 201)]


def test_a_seed_is_always_the_same_scenario() -> None:
    assert draw_scenario(7, 5.0) == CAMPAIGN[6]
    assert len({scenario.script for scenario in CAMPAIGN}) == len(CAMPAIGN)


def test_the_campaign_has_every_kind_of_fault() -> None:
    assert {fault.kind for scenario in CAMPAIGN for fault in scenario.script.fault} == set(KINDS)


def test_a_fourth_is_killed_a_third_trades_on_margin_and_some_are_both() -> None:
    killed = [scenario for scenario in CAMPAIGN if scenario.kills_secs]
    assert len(killed) == 50
    assert sum(scenario.is_margin for scenario in CAMPAIGN) == 66
    assert any(scenario.is_margin for scenario in killed)
    assert {len(scenario.kills_secs) for scenario in killed} == {1, 2}
    assert all(0 < moment < scenario.trading_secs for scenario in killed for moment in scenario.kills_secs)
