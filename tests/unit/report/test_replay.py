from io import StringIO
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from rich.console import Console

from helios_nautilus.errors import DataError
from helios_nautilus.journal.records import PredictionRecord, Record, RunRecord, SizingRecord
from helios_nautilus.report.replay import ReplayReport, report_replay
from helios_nautilus.report.replay_terminal import print_replay
from tests.unit.report.runs import fake_run

RUN = fake_run().records


def changed(kind: type[Record], **fields: Any) -> list[Record]:
    return [replace(record, **fields) if isinstance(record, kind) else record for record in RUN]


def printed(report: ReplayReport, width: int = 80) -> str:
    out = StringIO()
    print_replay(report, Console(file=out, width=width))
    assert max(map(len, out.getvalue().splitlines())) <= width
    return out.getvalue()


def test_an_identical_run_is_told_in_one_line() -> None:
    report = report_replay(RUN, RUN)
    assert report.is_identical
    assert report.first_tier is None
    assert report.blamed == ()
    (line,) = printed(report, 120).splitlines()
    assert line.startswith("Identical: run bt-20260101-7f3a comes out the same")


def test_a_changed_setting_without_effect_is_named_and_the_run_is_still_identical() -> None:
    after = changed(RunRecord, config_toml="[guardian.rules]\nmax_drawdown = 0.9\n")
    before = changed(RunRecord, config_toml="")
    report = report_replay(before, after)
    assert report.is_identical
    assert "Changed setting: guardian.rules.max_drawdown default → 0.9" in printed(report)


def test_a_smaller_cap_blames_aether_names_the_setting_and_shows_the_figures() -> None:
    text = "[aether.sizing]\nkelly_multiplier = 0.1\n"
    after = [
        replace(each, config_toml=text, config_hash="other")
        if isinstance(each, RunRecord)
        else replace(each, notional=each.notional * 0.4, cap=0.06)
        if isinstance(each, SizingRecord) and each.approved
        else each
        for each in changed(RunRecord, config_toml="")
    ]
    report = report_replay(changed(RunRecord, config_toml=""), after)
    assert report.first_tier == "Aether"
    (blame,) = report.blamed
    assert blame.reasons == ("setting aether.sizing.kelly_multiplier default -> 0.1",)
    text = printed(report)
    assert "Aether is the first tier that" in text
    assert "notional: 5200 → 2080" in text
    assert "more differ by themselves; --json names them all." in text


def test_a_run_of_other_predictions_blames_the_model() -> None:
    report = report_replay(RUN, changed(PredictionRecord, p_hold=0.0))
    assert {each.tier for each in report.blamed} == {"Model"}
    assert "so its code was changed" in " ".join(printed(report).split())


def test_the_run_is_named_as_it_is_kept() -> None:
    assert report_replay(RUN, RUN, "kept.2").run_id == "kept.2"


def test_the_report_as_json_names_every_difference() -> None:
    report = report_replay(RUN, changed(PredictionRecord, p_hold=0.0))
    told = msgspec.json.decode(msgspec.json.encode(report))
    predictions = [record for record in RUN if isinstance(record, PredictionRecord)]
    assert len(told["comparison"]["differences"]) == len(predictions)
    assert all(each["tier"] == "Model" and each["is_cause"] for each in told["comparison"]["differences"])


def test_records_without_a_run_are_refused() -> None:
    with pytest.raises(DataError, match="no run record"):
        report_replay(RUN[1:], RUN)
