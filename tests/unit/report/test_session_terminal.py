"""What a session's replay prints: the answer, a line a trade and below it the replay's where it differs, the causes."""

from io import StringIO

from msgspec.structs import replace
from rich.console import Console

from helios_nautilus.journal.records import FillRecord, PredictionRecord, Record, SignalRecord
from helios_nautilus.report.session import report_session
from helios_nautilus.report.session_terminal import print_session
from tests.unit.journal.test_session import LATE, MINUTE, decision, other, up_to
from tests.unit.report.runs import run_record


def printed(recorded: list[Record], replayed: list[Record]) -> list[str]:
    run = replace(run_record(), run_id="valr-paper-20260101T000000", mode="paper", ts_ns=0)
    out = StringIO()
    print_session(
        report_session([run, *recorded], [run, *replayed], 60 * MINUTE), Console(file=out, width=160, color_system=None)
    )
    return out.getvalue().splitlines()


def test_a_session_that_agrees_is_a_line_a_trade() -> None:
    lines = printed(decision(late=LATE), decision())
    answer, table = " ".join(lines[:2]), [line for line in lines if "agrees" in line and "LONG" in line]
    assert "equal are 1 of 1 trades, and to the bit 1 of 1 predictions." in answer
    assert [line.split() for line in table] == [
        ["BTCZAR.VALR-5", "LONG", "0.1", "00:05", "1", "000.00", "00:09", "1", "010.00", "TIMEOUT", "+R0.50", "agrees"]
    ]


def test_a_trade_that_differs_has_its_replay_below_it_and_its_causes_beside_it() -> None:
    mine = other(decision(late=LATE), FillRecord, price=decision()[5].price + 1)  # type: ignore[attr-defined]
    lines = printed(mine, decision())
    place = next(index for index, line in enumerate(lines) if line.startswith("BTCZAR.VALR-5"))
    assert lines[place].endswith("entry price by book and latency")
    assert lines[place + 1].split()[:3] == ["replay", "LONG", "0.1"]
    assert [line.strip().partition(":")[0] for line in lines[place + 2 :]] == ["latency", "book"]


def test_what_only_one_run_traded_and_other_decisions_that_differ_are_told_with_their_reason() -> None:
    mine = [*up_to(decision(), SignalRecord, action="dropped", reason="not_ready"), *_untraded(7, p_buy=0.61)]
    lines = printed(mine, [*decision(), *_untraded(7)])
    text = " ".join(" ".join(lines).split())
    assert "only the replay traded: the strategy said not_ready" in text
    assert (
        "Other decisions that differ: 1 BTCZAR.VALR-7, Model, by bars: a bar before BTCZAR.VALR-7 is another today"
        in text
    )


def _untraded(minute: int, **fields: float) -> list[Record]:
    return other(decision(minute)[:1], PredictionRecord, **fields)
