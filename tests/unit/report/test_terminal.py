from io import StringIO
from pathlib import Path

from rich.console import Console

from helios_nautilus.report.summary import summarise
from helios_nautilus.report.terminal import print_summary
from tests.unit.report.runs import FakeRun, fake_run, run_record


def printed(run: FakeRun, width: int = 120) -> str:
    out = StringIO()
    console = Console(file=out, width=width)
    print_summary(summarise(run.records, run.prices), console, Path("reports/bt-1"))
    return out.getvalue().replace("\u00a0", " ")


def test_the_terminal_shows_results_funnel_notes_and_where_the_page_is() -> None:
    text = printed(fake_run())
    for words in ("SYNTHETIC DATA", "Account", "Buy and hold", "SOLZAR.VALR", "2 112 predictions", "Note:"):
        assert words in text
    assert "reports/bt-1/index.html" in text
    assert [line.split()[1] for line in text.splitlines() if "dropped:" in line] == [
        "proposed",
        "sized",
        "approved",
        "passed",
        "filled",
    ]


def test_a_run_without_trades_says_why_in_the_terminal() -> None:
    assert "Largest drops:" in printed(fake_run(trades=0))


def test_an_empty_run_prints() -> None:
    assert "no prediction" in printed(FakeRun(records=[run_record()], prices={}))


def test_square_brackets_are_not_taken_for_markup() -> None:
    assert "[bold]odd[/nothing]" in printed(fake_run(days=2, note="[bold]odd[/nothing]"))
