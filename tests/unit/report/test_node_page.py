"""What the page of a node says: what matters first, and nothing that is not known."""

from io import StringIO
from typing import Any

from msgspec.structs import replace
from rich.console import Console

from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_SEC
from helios_nautilus.report.node_page import print_node
from tests.integration.journal.samples import status

NOW_NS = 500_000 * NS_PER_HOUR


def page(*, is_running: bool = True, **changes: Any) -> str:
    out = StringIO()
    node = replace(status(NOW_NS - NS_PER_SEC), **changes)
    print_node(node, NOW_NS, Console(file=out, width=140), is_running=is_running)
    return out.getvalue().replace("\u00a0", " ")


def test_a_running_node_shows_its_age_its_money_and_its_positions() -> None:
    shown = page()
    assert "demo · PAPER · run demo-paper-1" in shown
    assert "1 s ago" in shown
    assert "R100 250.50" in shown
    assert "BTCZAR.VALR LONG" in shown
    assert "+R250.50" in shown


def test_what_entries_lack_is_said() -> None:
    assert "not ready: quotes: none of ETHZAR.VALR" in page()
    assert "switched off by an operator" in page(entries_on=False)


def test_a_node_that_does_not_run_says_since_when() -> None:
    assert "NOT RUNNING since 2027-01-15 07:59 UTC" in page(is_running=False)


def test_a_halt_says_why() -> None:
    assert "HALT by ann: news" in page(kill_state="HALT", kill_words="HALT by ann: news")
    assert "HALT HALT" not in page(kill_state="HALT", kill_words="HALT by ann: news")


def test_a_position_without_a_stop_stands_out() -> None:
    (position,) = status(1).positions
    assert "UNGUARDED" in page(positions=(replace(position, is_guarded=False),))


def test_a_journal_that_keeps_nothing_stands_out() -> None:
    shown = page(is_journal_healthy=False, journal_lost=12)
    assert "keeps nothing; 12 records are lost" in shown


def test_what_is_unknown_is_a_dash_and_never_a_zero() -> None:
    shown = page(equity=None, cash=None, peak=None, drawdown=None, daily_loss=None, exposure=None)
    assert "Equity" in shown
    assert "–, cash –" in shown
    assert "never" in shown
    assert "venue's clock unknown" in shown


def test_a_tier_that_is_switched_off_says_so() -> None:
    (tier,) = status(1).tiers
    assert "OFF" in page(tiers=(replace(tier, is_on=False),))
