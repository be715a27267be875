"""What the pages say, before a browser draws it."""

from typing import Any

import pytest
from msgspec.structs import replace

from helios_nautilus.dashboard.metrics import Known, measure
from helios_nautilus.dashboard.pages.equity import describe, draw
from helios_nautilus.dashboard.pages.feed import Picture, Present, Records
from helios_nautilus.dashboard.pages.figures import freshness, machine, readiness
from helios_nautilus.dashboard.pages.first import first_look
from helios_nautilus.dashboard.pages.frame import kill_words
from helios_nautilus.dashboard.pages.login import login_page
from helios_nautilus.dashboard.pages.rows import market_rows, position_rows, tier_rows
from helios_nautilus.dashboard.pages.wording import clock, lasting, left, since, story_path
from helios_nautilus.dashboard.shown import EquityCurve, EquityPoint
from helios_nautilus.dashboard.view import describe_status
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR, NS_PER_SEC
from helios_nautilus.journal.status import Need
from helios_nautilus.report.numerals import UNKNOWN
from tests.integration.dashboard_pages.day import status

NOW = 1_800_000_000 * NS_PER_SEC


def seen(age_secs: float, trouble: str = "", **changed: Any) -> Picture:
    """A picture that is made now of what a node said so long ago."""
    node = status(NOW - int(age_secs * NS_PER_SEC), **changed)
    present = Present(status=describe_status("paper", node, NOW), commands=[])
    return Picture(now_ns=NOW, present=present, trouble=trouble)


@pytest.mark.parametrize(
    ("age_secs", "words", "tone"),
    [
        (0.5, "live", ""),
        (5.0, "live", ""),
        (5.5, "5.5\u00a0s old", "warn"),
        (29.0, "29\u00a0s old", "warn"),
        (31.0, "node not running since 07:59:29", "alarm"),
    ],
)
def test_a_status_is_live_then_old_then_of_a_node_that_is_gone(age_secs: float, words: str, tone: str) -> None:
    assert freshness(seen(age_secs)) == (words, tone)


def test_without_a_journal_nothing_is_called_live() -> None:
    assert freshness(Picture(now_ns=NOW, trouble="the database is away")) == ("journal away", "alarm")
    assert freshness(seen(1.0, "the database is away"))[1] == "warn"


def test_without_a_node_that_is_said() -> None:
    present = Present(status=describe_status("paper", None, NOW), commands=[])
    assert freshness(Picture(now_ns=NOW, present=present)) == ("no node yet", "warn")


def test_the_banner_tells_a_kill_switch_before_a_switch_and_nothing_in_normal_times() -> None:
    assert kill_words(seen(1.0)) == ("", "")
    assert kill_words(seen(1.0, entries_on=False))[1] == "warn"
    halted = kill_words(seen(1.0, entries_on=False, kill_state="HALT", kill_words="drawdown 16 %"))
    assert halted == ("HALT: no entries, positions are closed. drawdown 16 %", "alarm")


def test_what_is_missing_for_entries_comes_first() -> None:
    facts = readiness((Need(name="journal"), Need(name="quotes", missing="SOLZAR has none"), Need(name="bars")))
    assert [(fact.label, fact.words) for fact in facts] == [("quotes", "SOLZAR has none"), ("There", "journal, bars")]


def test_a_position_without_a_stop_is_an_alarm() -> None:
    node = status(NOW)
    bare = replace(node.positions[0], is_guarded=False, stop_price=None, price=None, value=None, pnl=None)
    (row,) = position_rows([bare], node, NOW)
    assert row.cells[-1].words == "NO STOP"
    assert row.cells[-1].tone == "alarm"
    assert [cell.why for cell in row.cells if cell.words == UNKNOWN][:2] == ["no quote yet", "no quote yet"]


def test_a_node_that_is_gone_guards_nothing_and_that_is_said_on_every_page() -> None:
    node = status(NOW - 31 * NS_PER_SEC)
    assert {row.cells[-1].words for row in position_rows(node.positions, node, NOW)} == {"NOT WATCHED"}
    assert kill_words(seen(31.0))[1] == "alarm"
    assert kill_words(seen(31.0, positions=())) == ("", "")


def test_an_unknown_market_is_dashes_with_reasons() -> None:
    market = replace(status(NOW).markets[0], price=None, bid=None, ask=None, quote_age_secs=None, vol_daily=None)
    unknown = [cell for cell in market_rows([market])[0].cells if cell.words == UNKNOWN]
    assert len(unknown) == 4
    assert all(cell.why for cell in unknown)


def test_a_tier_that_failed_says_how_often() -> None:
    (row,) = tier_rows([replace(status(NOW).tiers[0], is_on=False, last_ns=0, errors=3)], NOW)
    assert [cell.words for cell in row.cells] == ["Prediction", "OFF", "nothing said yet · 3 failed"]


def test_rows_the_journal_lost_are_an_alarm() -> None:
    facts = {fact.label: fact for fact in machine(status(NOW, journal_lost=4), NOW)}
    assert facts["Journal"].tone == "alarm"


def test_a_curve_is_told_with_its_change_and_drawn_in_the_colours_of_the_theme() -> None:
    points = tuple(EquityPoint(ts_ns=NOW + at, equity=100.0 + at, drawdown=0.0) for at in range(3))
    curve = EquityCurve(span="1H", currency="ZAR", since_ns=NOW, points=points)
    assert describe(curve) == "R102.00, +2.00\u00a0% · low R100.00, high R102.00"
    (line,) = draw(curve)["series"]
    assert len(line["data"]) == 3
    assert line["lineStyle"]["color"] == "var(--accent)"


def test_times_are_short_and_never_without_their_day() -> None:
    assert clock(NOW, NOW) == "08:00:00"
    assert clock(NOW - NS_PER_DAY, NOW) == "2027-01-14 08:00"
    assert [lasting(secs) for secs in (0.41, 48, 720, 12_000)] == [
        "0.4\u00a0s",
        "48\u00a0s",
        "12\u00a0min",
        "3\u00a0h 20\u00a0min",
    ]
    assert since(0, NOW) == "never"
    assert left(NOW - 1, NOW) == "overdue"
    assert left(NOW + NS_PER_HOUR, NOW) == "1\u00a0h 0\u00a0min"


def test_an_id_is_quoted_into_its_path() -> None:
    assert story_path("a/b?c") == "/decisions/a%2Fb%3Fc"


def test_what_a_stranger_is_told_cannot_bring_markup() -> None:
    assert "<script>" not in login_page("live", "<script>")


def test_the_first_look_has_mode_banner_and_figures_and_brings_no_markup_of_others() -> None:
    picture = seen(1.0, "the database is <away>", kill_state="HALT", kill_words="<script>hurt()</script>")
    look = first_look("live", picture, with_figures=True)
    assert '<span class="mode live">LIVE</span>' in look
    assert "HALT: no entries" in look
    assert "&lt;script&gt;hurt" in look
    assert "the database is &lt;away&gt;" in look
    assert "Portfolio value" not in look
    records = Records(
        metrics=measure("live", NOW, Known(node=status(NOW), account=None, last=None)),
        curves={},
        predictions=[],
        decisions=[],
        trades=[],
        events=[],
        rebalancings=[],
    )
    look = first_look("live", replace(picture, records=records), with_figures=True)
    assert "Portfolio value" in look
    assert "101\u00a0312.48" in look


def test_the_first_look_which_nothing_renews_does_not_call_itself_live() -> None:
    look = first_look("paper", seen(1.0), with_figures=True)
    assert "as of 08:00:00 UTC" in look
    assert ">live<" not in look
    assert "node not running since" in first_look("paper", seen(31.0), with_figures=True)


def test_a_clock_that_is_behind_has_the_sign_of_every_other_figure() -> None:
    skew = next(fact for fact in machine(status(NOW, clock_skew_ms=-12.0), NOW) if fact.label == "Clock skew")
    assert skew.words == "\N{MINUS SIGN}12 ms"
