import json

from helios_nautilus.watch.log_lines import LogLines
from helios_nautilus.watch.settings import LogFormat


def say(form: LogFormat) -> list[str]:
    lines: list[str] = []
    tell = LogLines(form, "paper", lines.append, lambda: 10**18)
    tell("config", "small (abcd), mode paper")
    tell.run_id = "small-paper-1"
    tell("  journal", "ok")
    return lines


def test_lines_for_people_stand_in_two_columns() -> None:
    assert say("text") == ["config       small (abcd), mode paper", "  journal    ok"]


def test_lines_for_a_collector_are_objects_that_carry_the_mode_and_the_run() -> None:
    first, second = map(json.loads, say("json"))
    assert second == {
        "timestamp": "2001-09-09T01:46:40.000000Z",
        "mode": "paper",
        "run_id": "small-paper-1",
        "component": "journal",
        "message": "ok",
    }
    assert first["run_id"] == ""
