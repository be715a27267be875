"""`helios gate` as its user has it, with a model behind a local server that speaks Anthropic's API."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helios_nautilus.config import parse_time
from tests.acceptance.cli import EAGER, SMALL, helios, refuse, succeed, write_config
from tests.integration.llm.apis import calling, refusing, saying
from tests.integration.llm.gates import KEY, answer
from tests.integration.llm.server import ModelServer

AT = "2026-01-09T03:00"
END = "2026-01-09T04:00"
"""Of the runs here: some hundred entries come before the gate until then."""
PLENTY = 1_000


@pytest.fixture(scope="module")
def _server() -> Iterator[ModelServer]:
    server = ModelServer(KEY)
    yield server
    server.close()


@pytest.fixture
def server(_server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> ModelServer:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    _server.reply()
    return _server


@pytest.fixture
def claude(desk: Path, server: ModelServer) -> str:
    """A configuration with Claude at the gate, for a few hours."""
    settings: dict[str, Any] = {
        **EAGER,
        "name": "claude",
        "backtest.end": END,
        "gate.provider": "anthropic",
        "gate.deadline_ms": 30_000,
        "llm.anthropic.base_url": server.url,
        "journal.enabled": False,
    }
    return write_config(desk / "claude.toml", settings).name


def approving(**changes: Any) -> Any:
    return calling("anthropic", answer(**changes))


# helios gate try


def test_the_rules_answer_one_question_and_its_words_are_shown(desk: Path) -> None:
    told = succeed("gate", "try", "eager.toml", "--at", AT, "--json").json
    assert told["context"]["ts_ns"] >= parse_time(AT)
    assert told["question"]["user"].startswith("MARKET\nproposed ")
    assert (told["reply"]["source"], told["reply"]["provider"]) == ("ruled", "rules")
    assert told["verdict"]["decision"] in ("APPROVE", "MODIFY", "REJECT")

    shown = succeed("gate", "try", "eager.toml", "--at", AT).out
    for line in told["question"]["user"].splitlines():
        assert f"  {line}\n" in shown
    assert told["question"]["request_hash"][:12] in shown
    assert told["reply"]["answer"]["reasoning"] in shown


def test_the_question_is_the_one_of_the_backtest_itself(desk: Path, server: ModelServer, claude: str) -> None:
    server.reply(*[approving()] * PLENTY)
    succeed("gate", "record", claude, "--budget-usd", "100")
    server.reply()

    told = succeed("gate", "try", claude, "--at", AT, "--json").json

    assert (told["reply"]["source"], server.asked) == ("recorded", [])
    kept = [json.loads(line) for line in (desk / "cassettes" / "gate.jsonl").read_text().splitlines()]
    assert told["question"]["request_hash"] in [line["hash"] for line in kept]


def test_only_one_instrument_is_looked_at_where_it_is_named(desk: Path) -> None:
    told = succeed("gate", "try", "eager.toml", "--at", AT, "--instrument", "SOLZAR.VALR", "--json").json
    assert told["context"]["instrument_id"] == "SOLZAR.VALR"


def test_a_dry_run_asks_nobody_and_says_what_it_may_cost(desk: Path, server: ModelServer, claude: str) -> None:
    shown = succeed("gate", "try", claude, "--at", AT, "--dry-run").out
    assert "claude-sonnet-5-5 of anthropic this costs at most $0.0" in shown
    assert server.asked == []


def test_a_model_is_asked_once_and_its_answer_is_clamped_and_kept(desk: Path, server: ModelServer, claude: str) -> None:
    server.reply(approving(suggested_leverage=20.0, suggested_stop=0.9))

    first = succeed("gate", "try", claude, "--at", AT, "--json").json
    again = succeed("gate", "try", claude, "--at", AT, "--json").json

    (asked,) = server.asked
    assert asked.body["messages"][0]["content"] == first["question"]["user"]
    assert (first["reply"]["source"], again["reply"]["source"]) == ("live", "recorded")
    assert first["verdict"] == again["verdict"]
    assert len(first["verdict"]["clamped"]) == 2
    assert first["verdict"]["terms"] == {**first["context"]["terms"]}


def test_what_a_model_says_is_shown_and_not_obeyed_by_the_terminal(
    desk: Path, server: ModelServer, claude: str
) -> None:
    server.reply(saying("anthropic", "\x1b[2JAPPROVE"))
    shown = succeed("gate", "try", claude, "--at", AT).out
    assert "  ?[2JAPPROVE\n" in shown
    assert "\x1b" not in shown
    assert "After the clamps: [REJECT" in shown


def test_a_time_or_an_instrument_that_is_not_the_run_s_is_refused(desk: Path) -> None:
    assert "must lie in the backtest" in refuse("gate", "try", "eager.toml", "--at", "2026-01-01")
    assert "is no date" in refuse("gate", "try", "eager.toml", "--at", "noon")
    words = refuse("gate", "try", "eager.toml", "--at", AT, "--instrument", "DOGEZAR.VALR")
    assert "none of the run's instruments" in words


def test_a_run_in_which_nothing_comes_before_the_gate_says_so(desk: Path) -> None:
    short = write_config(desk / "short.toml", {**SMALL, "backtest.end": END})
    words = refuse("gate", "try", short.name, "--at", AT)
    assert words.startswith(f"no proposal comes before the gate between {AT} and {END}")


def test_a_model_without_its_key_is_refused(desk: Path, claude: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    assert "ANTHROPIC_API_KEY" in refuse("gate", "record", claude, "--budget-usd", "1")


# helios gate record


def test_a_recording_fills_the_cassette_and_the_backtest_replays_it_for_nothing(
    desk: Path, server: ModelServer, claude: str
) -> None:
    server.reply(*[approving(position_size_multiplier=0.5)] * PLENTY)
    recording = succeed("gate", "record", claude, "--budget-usd", "100", "--json").json
    assert recording["recorded"] == recording["entries"] == len(server.asked) > 3
    assert (recording["missing"], recording["known"], recording["stopped"]) == (0, 0, "")
    assert recording["spent_usd"] > 0.0

    server.reply()
    summary = succeed("backtest", claude, "--json").json
    assert server.asked == []
    assert summary["gate"]["sources"] == {"recorded": recording["entries"]}
    assert (summary["gate"]["missing"], summary["gate"]["cost_usd"]) == (0, 0.0)

    again = succeed("gate", "record", claude, "--budget-usd", "100", "--json").json
    assert (again["known"], again["recorded"], again["calls"]) == (recording["entries"], 0, 0)


def test_a_recording_stops_at_its_budget_says_what_is_missing_and_goes_on_later(
    desk: Path, server: ModelServer, claude: str
) -> None:
    server.reply(*[approving()] * PLENTY)
    first = helios("gate", "record", claude, "--budget-usd", "100", "--calls", "2", "--json")
    assert first.code == 1
    assert (first.json["recorded"], len(server.asked)) == (2, 2)
    assert first.json["missing"] == first.json["entries"] - 2 > 0
    assert first.json["stopped"] == "the budget of the recording is spent"

    summary = succeed("backtest", claude, "--json").json
    assert summary["gate"]["sources"]["recorded"] == 2
    assert summary["gate"]["missing"] == first.json["missing"] == summary["gate"]["sources"]["ruled"]

    later = succeed("gate", "record", claude, "--budget-usd", "100", "--json").json
    assert (later["known"], later["missing"]) == (2, 0)
    assert len(server.asked) == later["entries"]


def test_a_recording_gives_up_on_a_key_that_is_refused(desk: Path, server: ModelServer, claude: str) -> None:
    server.reply(*[refusing("anthropic", 401, "authentication_error", "invalid x-api-key")] * PLENTY)
    outcome = helios("gate", "record", claude, "--budget-usd", "1")
    assert outcome.code == 1
    assert len(server.asked) == 1
    assert "stopped: anthropic does not accept the key (HTTP 401)" in outcome.out
    assert KEY not in outcome.out + outcome.err


def test_the_rules_need_no_recording(desk: Path) -> None:
    words = refuse("gate", "record", "eager.toml", "--budget-usd", "1")
    assert words == "gate.provider is rules, which asks no model; name one with --provider"
