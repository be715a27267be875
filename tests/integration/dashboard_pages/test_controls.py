"""Steering from a browser: what is clicked becomes a command, and what the node answers is shown."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.integration.dashboard_pages.stage import ScriptedNode, Visit, part

pytestmark = [pytest.mark.venue, pytest.mark.xdist_group("dashboard_pages")]


@pytest.fixture
def controls(visit: Visit, node: ScriptedNode) -> Page:
    return visit.open("/controls")


def reason(page: Page) -> None:
    """Say who and why in the dialog that is open."""
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your name").fill("thabo")
    dialog.get_by_label(re.compile("Why")).fill("looked at it")


def test_an_emergency_stop_that_is_not_confirmed_orders_nothing(page: Page, node: ScriptedNode) -> None:
    page.get_by_role("button", name="Emergency stop").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert node.heard == []


@pytest.mark.parametrize(
    ("name", "verbs", "tier"),
    [("Auto-trading", ["entries_off", "entries_on"], None), ("LLM gate", ["tier_off", "tier_on"], "gate")],
)
def test_a_switch_goes_off_at_a_click_and_on_with_a_reason(
    controls: Page, node: ScriptedNode, name: str, verbs: list[str], tier: str | None
) -> None:
    switch = controls.get_by_role("switch", name=name)
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.click()
    reason(controls)
    controls.get_by_role("button", name="Switch on").click()
    expect(switch).to_have_attribute("aria-checked", "true")
    assert [(command.verb, command.tier) for command in node.heard] == [(verb, tier) for verb in verbs]
    assert (node.heard[1].who, node.heard[1].why) == ("thabo", "looked at it")


def test_reduce_only_is_confirmed_and_cleared_with_a_name_and_a_reason(controls: Page, node: ScriptedNode) -> None:
    expect(controls.get_by_role("button", name="Clear…")).to_be_disabled()
    controls.get_by_role("button", name="Reduce only…").click()
    controls.get_by_role("dialog").get_by_role("button", name="Reduce only").click()
    expect(part(controls, "kill-switch")).to_contain_text("REDUCE ONLY")
    controls.get_by_role("button", name="Close").click()
    controls.get_by_role("button", name="Clear…").click()
    controls.get_by_role("dialog").get_by_role("button", name="Clear").click()
    expect(controls.get_by_role("dialog").get_by_role("status")).to_contain_text("Say who you are, and why.")
    reason(controls)
    controls.get_by_role("dialog").get_by_role("checkbox", name=re.compile("Forgive the loss")).check()
    controls.get_by_role("dialog").get_by_role("button", name="Clear").click()
    expect(part(controls, "kill-switch")).to_contain_text("NORMAL")
    assert node.heard[1].rebase
    assert [command.verb for command in node.heard] == ["reduce_only", "resume"]


def test_commands_are_listed_with_who_gave_them_and_what_came_of_it(controls: Page, node: ScriptedNode) -> None:
    controls.get_by_role("switch", name="Auto-trading").click()
    row = part(controls, "commands").locator("tbody tr").first
    expect(row).to_contain_text("auto-trading off")
    expect(row).to_contain_text("localhost (dashboard)")
    expect(row).to_contain_text("done")


def test_a_node_that_does_not_answer_is_told_in_words(page: Page, node: ScriptedNode) -> None:
    node.is_deaf = True
    page.get_by_role("button", name="Emergency stop").click()
    page.get_by_role("button", name="Stop and flatten").click()
    told = page.get_by_role("dialog").get_by_role("status")
    expect(told).to_contain_text("no node has answered. The next start obeys", timeout=20_000)
