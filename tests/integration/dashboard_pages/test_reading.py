"""Who reads the pages without a mouse, or without eyes: names, order of the keyboard, and contrast."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.integration.dashboard_pages.stage import ScriptedNode, Visit

pytestmark = [pytest.mark.venue, pytest.mark.xdist_group("dashboard_pages")]
LEAST_CONTRAST = 4.5
_NAMELESS = """() => [...document.querySelectorAll('a, button, input, [role=img], [role=switch]')]
    .filter(each => each.offsetParent && !each.labels?.length &&
        !(each.getAttribute('aria-label') || each.textContent).trim())
    .map(each => each.outerHTML.slice(0, 120))"""
_CONTRASTS = """() => {
    const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1});
    const context = canvas.getContext('2d', {willReadFrequently: true});
    const channels = colour => {
        context.clearRect(0, 0, 1, 1); context.fillStyle = colour; context.fillRect(0, 0, 1, 1);
        return [...context.getImageData(0, 0, 1, 1).data];
    };
    const light = ([r, g, b]) => [r, g, b].map(x => x / 255)
        .map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
        .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = element => {
        for (let each = element; each; each = each.parentElement) {
            const colour = channels(getComputedStyle(each).backgroundColor);
            if (colour[3] === 255) return colour;
        }
        return [255, 255, 255, 255];
    };
    const said = [...document.querySelectorAll('body *')].filter(each => each.offsetParent && !each.disabled &&
        !each.closest('[aria-hidden=true]') &&
        [...each.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.textContent.trim()));
    return said.map(each => {
        const [a, b] = [light(channels(getComputedStyle(each).color)), light(ground(each))];
        return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), each.textContent.trim().slice(0, 40)];
    });
}"""


def check_contrast(page: Page) -> None:
    found = page.evaluate(_CONTRASTS)
    assert len(found) > 5
    faint = [each for each in found if each[0] < LEAST_CONTRAST]
    assert not faint, faint


def check_names(page: Page) -> None:
    assert page.evaluate(_NAMELESS) == []
    assert page.locator("html").get_attribute("lang") == "en-US"
    assert page.locator("h1").count() == 1


@pytest.mark.parametrize("path", ["/", "/controls"])
def test_every_word_stands_out_from_its_background(visit: Visit, node: ScriptedNode, path: str) -> None:
    node.tell(kill_state="REDUCE_ONLY", kill_words="an operator")
    page = visit.open(path)
    expect(page.get_by_role("alert").first).to_contain_text("REDUCE ONLY")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        expect(page.locator("body")).to_have_class(re.compile(f"body--{scheme}"))
        check_contrast(page)


@pytest.mark.parametrize("path", ["/", "/controls"])
def test_everything_that_can_be_used_has_a_name(visit: Visit, node: ScriptedNode, path: str) -> None:
    page = visit.open(path)
    check_names(page)


def test_the_keyboard_goes_from_the_skip_link_through_the_bar_to_the_content(page: Page) -> None:
    visited = []
    for _ in range(9):
        page.keyboard.press("Tab")
        visited.append(page.evaluate("document.activeElement.textContent"))
    assert visited[:7] == ["Skip to the content", "Helios", "Overview", "Trades", "Decisions", "Events", "Controls"]
    assert visited[7] == "Emergency stop"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_an_emergency_stop_can_be_given_by_keyboard(page: Page, node: ScriptedNode) -> None:
    page.get_by_role("button", name="Emergency stop").press("Enter")
    page.get_by_role("button", name="Stop and flatten").press("Enter")
    expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("done at")
    assert [command.verb for command in node.heard] == ["halt"]
