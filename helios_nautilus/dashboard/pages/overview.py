"""The overview: the account, its curve, positions, tiers, readiness, risk, predictions and decisions at a glance."""

from collections.abc import Callable, Sequence
from typing import Final

from helios_nautilus.dashboard.pages import rows
from helios_nautilus.dashboard.pages.equity import EquityPanel
from helios_nautilus.dashboard.pages.feed import Picture
from helios_nautilus.dashboard.pages.figures import headline, machine, readiness, risk
from helios_nautilus.dashboard.pages.live import Facts, Figure, Tiles, Words, link, panel, tag
from helios_nautilus.dashboard.pages.sheet import Row, Sheet
from helios_nautilus.journal.status import NodeStatus

type Show = Callable[[Picture], None]
"""Shows a picture in a part of a page."""

_DECISIONS: Final = 12
_PREDICTIONS: Final = 9
_NO_NODE: Final = "no node has told anything yet"


def build_overview() -> list[Show]:
    """Build the page; what is returned shows a picture in it."""
    shows = [_headline()]
    with tag("div", "panels"):
        with tag("div"):
            shows += [EquityPanel().show, _positions(), _decisions(), _markets()]
        with tag("div"):
            shows += [_tiers(), _readiness(), _risk(), _predictions(), _machine()]
    return shows


def _headline() -> Show:
    tiles = Tiles("headline")

    def show(picture: Picture) -> None:
        if picture.records is not None:
            tiles.show(headline(picture.records.metrics))

    return show


def _positions() -> Show:
    with panel("Positions", "positions"):
        sheet = Sheet("Open positions", rows.POSITION_COLUMNS, _NO_NODE)
    return _of_node(sheet, "no open position", lambda node, now: rows.position_rows(node.positions, node, now))


def _markets() -> Show:
    with panel("Markets", "markets"):
        sheet = Sheet("Markets", rows.MARKET_COLUMNS, _NO_NODE)
    return _of_node(sheet, "no market is subscribed", lambda node, _: rows.market_rows(node.markets))


def _tiers() -> Show:
    with panel("Tiers", "tiers"):
        sheet = Sheet("Tiers at work", rows.TIER_COLUMNS, _NO_NODE)
    return _of_node(sheet, "no tier has started", lambda node, now: rows.tier_rows(node.tiers, now))


def _of_node(sheet: Sheet, empty: str, rows_of: Callable[[NodeStatus, int], Sequence[Row]]) -> Show:
    def show(picture: Picture) -> None:
        if (node := picture.node) is not None:
            sheet.say_empty(empty)
            sheet.show(rows_of(node, picture.now_ns))

    return show


def _decisions() -> Show:
    with panel("Latest decisions", "decisions") as header:
        with header:
            link("all decisions", "/decisions", classes="right small")
        sheet = Sheet("Latest decisions", rows.DECISION_COLUMNS, "nothing has been decided yet")

    def show(picture: Picture) -> None:
        if picture.records is not None:
            sheet.show(rows.decision_rows(picture.records.decisions[:_DECISIONS], picture.now_ns))

    return show


def _predictions() -> Show:
    with panel("Predictions", "predictions"):
        sheet = Sheet("Predictions of the last minutes", rows.PREDICTION_COLUMNS, "nothing has been predicted yet")

    def show(picture: Picture) -> None:
        if picture.records is not None:
            sheet.show(rows.prediction_rows(picture.records.predictions[:_PREDICTIONS], picture.now_ns))

    return show


def _risk() -> Show:
    with panel("Risk", "risk"):
        tiles = Tiles("risk-figures", "plain")

    def show(picture: Picture) -> None:
        if picture.records is not None:
            tiles.show(risk(picture.records.metrics))

    return show


def _readiness() -> Show:
    with panel("Readiness", "readiness") as header:
        with header:
            verdict = Words(classes="chip right")
        facts = Facts("needs")

    def show(picture: Picture) -> None:
        node = picture.node
        if node is None:
            verdict.say("unknown")
            facts.show([Figure(label="Node", words=_NO_NODE)])
            return
        if picture.is_gone:
            verdict.say("not running", tone="alarm")
            facts.show([Figure(label="Node", words="does not run", tone="alarm")])
            return
        missing = sum(bool(need.missing) for need in node.needs)
        verdict.say(
            "ready for entries" if node.is_ready else f"{missing} missing", tone="fine" if node.is_ready else "alarm"
        )
        facts.show(readiness(node.needs))

    return show


def _machine() -> Show:
    with panel("Node", "node"):
        facts = Facts("machine")

    def show(picture: Picture) -> None:
        node = picture.node
        facts.show([Figure(label="Node", words=_NO_NODE)] if node is None else machine(node, picture.now_ns))

    return show
