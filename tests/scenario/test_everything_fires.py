"""Every check of Guardian's and every trigger of the kill switch, each once, seen in every place that tells of it.

One script of three acts for one live account, in a venue's time that runs fast: what a check or trigger looks at is
brought about from outside, or its limit is set so low that ordinary trading reaches it.
"""

import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import click
import pytest

from helios_nautilus.domain.portfolio.kill_switch import Trigger
from helios_nautilus.journal.connect import kill_path
from helios_nautilus.journal.records import FillRecord, GuardianRecord
from tests.integration.dashboard_pages.stage import Visit
from tests.scenario.house import SPEED, House, Node, eventually, hurried
from tests.scenario.sightings import Sightings, failed_checks
from tests.scenario.slow_model import SlowModel, thinking
from tests.venue.commands import has_entered, of

CHECKS: Final = {
    *("drawdown", "daily_loss", "position", "sector", "correlation", "leverage", "open_positions", "price"),
    *("duplicates", "rate"),
}
"""All but ``kill_switch``, the wall behind strategies that propose nothing while it is latched."""
TRIGGERS: Final = {
    *(set(Trigger) - {Trigger.OPERATOR, Trigger.CLEARED}),
    *("OPERATOR by terminal", "OPERATOR by signal", "OPERATOR by API", "OPERATOR without database"),
}
NO_LOSS: Final = 2e-5
"""A limit that the cost of a single entry passes, and what dust is worth does not."""
NOTHING: Final = 1e-6
"""A limit that every entry is past, as far as it is about the entry."""
A_BAR_SECS: Final = 60.0 / SPEED
"""In this machine's time."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, own_home: Path) -> Iterator[House]:
    with hurried(tmp_path_factory.mktemp("house"), own_home) as house:
        yield house


@pytest.mark.timeout(1500)
def test_every_check_and_every_trigger_is_seen_in_journal_dashboard_metrics_and_alerts(
    house: House, visit: Visit
) -> None:
    seen = Sightings(house, visit)
    try:
        limits_of_trading(house, seen)
        with thinking() as model:
            a_model_that_is_silent_and_then_slow(house, seen, model)
        a_torn_file_and_a_loss(house, seen)
    finally:
        click.echo(f"\n{seen.table()}")
    assert seen.names == CHECKS | TRIGGERS


def limits_of_trading(house: House, seen: Sightings) -> None:
    """One entry is all that these limits let through; its market falls silent; a stranger trades the same account."""
    limits = {
        "guardian.rules.max_drawdown": NO_LOSS,
        "guardian.rules.max_daily_loss": NO_LOSS,
        "guardian.rules.max_open_positions": 1,
        "guardian.rules.max_orders_per_min": 1,
        "guardian.rules.cooldown_secs": 86_400.0,
        "guardian.kill_switch.max_data_age_secs": 200.0,
    }
    with house.node("limits", limits) as node:
        second = ("correlation", "open_positions", "rate")
        eventually(lambda: has_entered(node.records()) and failed_checks(node.records()).issuperset(second))
        with house.silence():
            for name in second:
                seen.look_for_check(node, name)
            seen.look_for_move(node, Trigger.STALE_DATA, "REDUCE_ONLY")
        names = {check.name for record in of(GuardianRecord, node.records()) for check in record.checks}
        assert names == CHECKS | {"kill_switch"}, "a check that this script does not know of"
        operators(house, seen, node)
        for name in ("drawdown", "daily_loss", "duplicates"):
            seen.look_for_check(node, name)
        house.trade_by_hand("BTCZAR", Decimal("0.01"))
        seen.look_for_move(node, Trigger.RECONCILIATION, "HALT")
        eventually(lambda: not house.held())
        house.order("resume")


def operators(house: House, seen: Sightings, node: Node) -> None:
    """Each of the ways to stop a node."""
    house.order("kill")
    seen.look_for_move(node, Trigger.OPERATOR, "HALT", "by terminal")
    eventually(lambda: not house.held())
    house.order("resume")

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


def a_model_that_is_silent_and_then_slow(house: House, seen: Sightings, model: SlowModel) -> None:
    """The account is below its peak; no proposal gets past the gate; then each does, when its bar is not the last one.

    What comes to Guardian then is too much for limits near nothing, and its price is no longer the market's.
    """
    strict: dict[str, Any] = {
        "guardian.kill_switch.max_drawdown": NO_LOSS,
        "guardian.rules.max_position": NOTHING,
        "guardian.rules.max_sector": NOTHING,
        "guardian.rules.max_leverage": NOTHING,
        "guardian.rules.max_price_deviation": NOTHING,
        "execution.proposal_ttl_secs": 3.0 * A_BAR_SECS,
        "gate.provider": "openai",
        "gate.deadline_ms": int(4e3 * A_BAR_SECS),
        "llm.breaker_failures": 100,
        "llm.openai.base_url": model.url,
    }
    with house.node("strict", strict, OPENAI_API_KEY="of-nobody") as node:
        seen.look_for_move(node, Trigger.DRAWDOWN, "HALT")
        house.order("resume", "--rebase")
        seen.look_for_move(node, Trigger.PIPELINE_ERRORS, "REDUCE_ONLY")
        model.answer_after(1.2 * A_BAR_SECS)
        house.order("resume")
        for name in ("position", "sector", "leverage", "price"):
            seen.look_for_check(node, name)
        assert not of(FillRecord, node.records())


def a_torn_file_and_a_loss(house: House, seen: Sightings) -> None:
    """The switch's file cannot be read; then what an entry costs is too much for the day."""
    kill_path("live").write_text("torn")
    with house.node("careful", {"guardian.kill_switch.max_daily_loss": NO_LOSS}) as node:
        seen.look_for_move(node, Trigger.STORE, "HALT")
        house.order("resume", "--rebase")
        seen.look_for_move(node, Trigger.DAILY_LOSS, "REDUCE_ONLY")
        house.order("resume", "--rebase")
    assert not house.held()
