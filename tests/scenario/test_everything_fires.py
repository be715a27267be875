"""Every check of Guardian's and every trigger of the kill switch, each once, seen in every place that tells of it.

One script of three acts for one live account: what a check or trigger looks at is brought about from outside, or its
limit is set so low that ordinary trading reaches it.
"""

import signal
import socket
from decimal import Decimal

import click
import pytest

from helios_nautilus.domain.portfolio.kill_switch import Trigger
from helios_nautilus.journal.records import FillRecord
from tests.integration.dashboard_pages.stage import Visit
from tests.scenario.house import House, Node, eventually
from tests.scenario.sightings import Sightings
from tests.venue.commands import has_entered, of

CHECKS = {
    *("drawdown", "daily_loss", "position", "sector", "correlation", "leverage", "open_positions", "price"),
    *("duplicates", "rate"),
}
TRIGGERS = {
    *("DRAWDOWN", "DAILY_LOSS", "PIPELINE_ERRORS", "STALE_DATA", "RECONCILIATION"),
    *("OPERATOR by terminal", "OPERATOR by signal", "OPERATOR by API", "OPERATOR without database"),
}
NO_LOSS = 1e-6
"""A limit that the fees of a single entry pass."""


@pytest.mark.timeout(1500)
def test_every_check_and_every_trigger_is_seen_in_journal_dashboard_metrics_and_alerts(
    house: House, visit: Visit
) -> None:
    seen = Sightings(house, visit)
    try:
        limits_of_trading(house, seen)
        a_tier_that_fails(house, seen)
        a_loss_and_a_venue_that_falls_silent(house, seen)
    finally:
        click.echo(f"\n{seen.table()}")
    assert seen.names == CHECKS | TRIGGERS


def limits_of_trading(house: House, seen: Sightings) -> None:
    """One entry is all that these limits let through; operators stop the node in each of their ways."""
    limits = {
        "guardian.rules.max_drawdown": NO_LOSS,
        "guardian.rules.max_daily_loss": NO_LOSS,
        "guardian.rules.max_open_positions": 1,
        "guardian.rules.max_orders_per_min": 1,
        "guardian.rules.cooldown_secs": 3600.0,
    }
    with house.node("limits", limits) as node:
        eventually(lambda: has_entered(node.records()))
        for name in ("correlation", "open_positions", "rate"):
            seen.look_for_check(node, name)
        assert house.held()
        house.order("kill")
        seen.look_for_move(node, Trigger.OPERATOR, "HALT", "by terminal")
        eventually(lambda: not house.held())
        house.order("resume")
        operators(house, seen, node)
        for name in ("drawdown", "daily_loss", "duplicates"):
            seen.look_for_check(node, name)
        house.trade_by_hand("BTCZAR", Decimal("0.01"))
        seen.look_for_move(node, Trigger.RECONCILIATION, "HALT")
        house.order("resume")
    house.close_by_hand()  # what a stranger left is for an operator to close


def operators(house: House, seen: Sightings, node: Node) -> None:
    """The ways that need no terminal, or no database."""
    node.command.send(signal.SIGUSR1)
    seen.look_for_move(node, Trigger.OPERATOR, "REDUCE_ONLY", "by signal")
    house.order("resume")

    stopped = house.post("emergency-stop", why="the script", confirm="live")
    assert stopped["answer"]["outcome"] == "done"
    seen.look_for_move(node, Trigger.OPERATOR, "HALT", "by API", count=2)
    assert house.post("clear", why="the script")["answer"]["outcome"] == "done"

    house.database.stop("fast")
    try:
        eventually(lambda: house.get("health") is None)
        house.order("kill")
    finally:
        house.database.start()
    seen.look_for_move(node, Trigger.OPERATOR, "HALT", "without database", count=3)
    house.order("resume")


def a_tier_that_fails(house: House, seen: Sightings) -> None:
    """The account is below its peak; then a model that never answers; without it proposals reach limits near nothing.

    A listener that accepts nobody is such a model: what is sent to it is never read.
    """
    with socket.create_server(("127.0.0.1", 0)) as silent:
        strict = {
            "guardian.kill_switch.max_drawdown": NO_LOSS,
            "guardian.rules.max_position": NO_LOSS,
            "guardian.rules.max_sector": NO_LOSS,
            "guardian.rules.max_leverage": NO_LOSS,
            "guardian.rules.max_price_deviation": NO_LOSS,
            "execution.proposal_ttl_secs": 0.5,
            "gate.provider": "openai",
            "llm.breaker_failures": 100,
            "llm.openai.base_url": f"http://127.0.0.1:{silent.getsockname()[1]}/v1",
        }
        with house.node("strict", strict, OPENAI_API_KEY="of-nobody") as node:
            seen.look_for_move(node, Trigger.DRAWDOWN, "HALT")
            house.order("resume", "--rebase")
            seen.look_for_move(node, Trigger.PIPELINE_ERRORS, "REDUCE_ONLY")
            house.order("switch", "gate", "off")
            house.order("resume")
            for name in ("position", "sector", "leverage", "price"):
                seen.look_for_check(node, name)
            house.order("switch", "gate", "on")
            assert not of(FillRecord, node.records())


def a_loss_and_a_venue_that_falls_silent(house: House, seen: Sightings) -> None:
    """What an entry costs is too much for the day; the venue stands still while that position is held."""
    careful = {
        "guardian.kill_switch.max_daily_loss": NO_LOSS,
        "guardian.kill_switch.max_data_age_secs": 90.0,
        "guardian.kill_switch.on_stale_data": "HALT",
    }
    assert house.venue.sim is not None
    with house.node("careful", careful) as node:
        seen.look_for_move(node, Trigger.DAILY_LOSS, "REDUCE_ONLY")
        assert house.held()
        house.venue.sim.send(signal.SIGSTOP)
        try:
            seen.look_for_move(node, Trigger.STALE_DATA, "HALT")
        finally:
            house.venue.sim.send(signal.SIGCONT)
        eventually(lambda: not house.held())
        house.order("resume", "--rebase")
