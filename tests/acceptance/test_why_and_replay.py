"""A journalled backtest, asked why, and run again: as it was, with other settings, and with other code."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from helios_nautilus.actors import aether
from helios_nautilus.config import load_config
from helios_nautilus.domain.decision.context import GateContext
from helios_nautilus.domain.risk.regime import PerRegime
from helios_nautilus.domain.risk.sizing import Sizing, SizingInput, SizingRules, size_position
from helios_nautilus.journal.connect import open_journal
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import FillRecord, GateRecord, OrderRecord, PositionRecord
from helios_nautilus.llm.prompt import build_prompt
from helios_nautilus.llm.recorded import wording_of
from helios_nautilus.llm.reply import GateCall, GateReply, read_answer
from helios_nautilus.llm.settings import LlmSettings
from helios_nautilus.node.backtest import run_backtest
from helios_nautilus.node.replay_run import replay_backtest
from helios_nautilus.report.replay import report_replay
from tests.acceptance.cli import EAGER, helios, succeed, write_config
from tests.test_architecture import import_without

ASKED = {**EAGER, "name": "asked", "backtest.end": "2026-01-10"}
CAP = {f"aether.sizing.regime_cap.{regime}": 0.01 for regime in ("low", "medium", "high", "extreme")}


@pytest.fixture(scope="module")
def journal(small_market: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemoryJournal]:
    """The records of a run that is kept; this module works in a folder of its own."""
    folder = tmp_path_factory.mktemp("why") / "desk"
    shutil.copytree(small_market, folder)
    with contextlib.chdir(folder):
        write_config(folder / "asked.toml", ASKED)
        result = run_backtest(load_config(Path("asked.toml")))
        with open_journal() as kept:
            kept.store_run(result.journal, result.run)
        yield result.journal


@pytest.fixture
def trade(journal: MemoryJournal) -> PositionRecord:
    """The last closed position."""
    return journal.of(PositionRecord)[-1]


def replayed(*arguments: str) -> tuple[int, Any]:
    """Exit code and findings of a replay of the run."""
    outcome = helios("replay", "asked", "--json", *arguments)
    return outcome.code, json.loads(outcome.out)


def test_a_trade_is_explained_by_any_of_its_names(journal: MemoryJournal, trade: PositionRecord) -> None:
    fill = next(each for each in journal.of(FillRecord) if each.decision_id == trade.decision_id)
    order = next(each for each in journal.of(OrderRecord) if each.decision_id == trade.decision_id)
    for name in (trade.decision_id, fill.trade_id, order.client_order_id):
        told = succeed("why", name, "--run", "asked", "--json").json
        assert told["decision_id"] == trade.decision_id
    assert len(told["records"]) == len(journal.about(trade.decision_id))
    assert succeed("why", trade.position_id, "--run", "asked", "--json").json["run"]["run_id"] == told["run"]["run_id"]


def test_the_story_reads_from_the_model_to_the_position(trade: PositionRecord) -> None:
    text = succeed("why", trade.decision_id, "--run", "asked").out
    titles = ["Model:", "Strategy:", "Aether (risk):", "Gate:", "Guardian:", "Orders:", "Fills:", "Position:"]
    assert [text.index(title) for title in titles] == sorted(text.index(title) for title in titles)
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.usefixtures("journal")
def test_an_unknown_name_and_an_unknown_run_are_one_clear_line_each() -> None:
    outcome = helios("why", "nix")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("helios: no decision, order, position or trade nix in any run")
    assert helios("why", "nix", "--run", "other").err.startswith("helios: the journal knows no run other")


def test_asking_why_waits_for_neither_the_engine_nor_torch() -> None:
    done = import_without(
        ["helios_nautilus.cli.why", "helios_nautilus.journal.postgres"], "nautilus_trader", "torch", "pandas"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("journal")
def test_a_run_comes_out_the_same_again() -> None:
    code, report = replayed()
    assert (code, report["is_identical"], report["first_tier"]) == (0, True, None)
    assert all(tier["equal"] == tier["compared"] for tier in report["comparison"]["tiers"])


@pytest.mark.usefixtures("journal")
def test_another_kelly_cap_in_the_settings_names_aether_and_the_setting() -> None:
    write_config(Path("cap.toml"), {**ASKED, **CAP})
    code, report = replayed("--config", "cap.toml")
    assert (code, report["first_tier"]) == (1, "Aether")
    assert [blame["tier"] for blame in report["blamed"]] == ["Aether"]
    assert "setting aether.sizing.regime_cap.low default -> 0.01" in report["blamed"][0]["reasons"]


@pytest.mark.usefixtures("journal")
def test_another_kelly_cap_in_the_code_names_aether_and_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def size(inputs: SizingInput, rules: SizingRules) -> Sizing:
        return size_position(
            inputs, replace(rules, regime_cap=PerRegime(low=0.01, medium=0.01, high=0.01, extreme=0.01))
        )

    monkeypatch.setattr(aether, "size_position", size)
    code, report = replayed()
    assert (code, report["first_tier"]) == (1, "Aether")
    assert report["blamed"] == [
        {
            "tier": "Aether",
            "reasons": ["its settings, its versions and the market data are the same, so its code was changed"],
        }
    ]


@pytest.mark.usefixtures("journal")
def test_settings_that_decide_nothing_leave_the_run_identical() -> None:
    write_config(Path("reports.toml"), {**ASKED, "name": "renamed", "reports": "elsewhere"})
    assert replayed("--config", "reports.toml")[0] == 0


@pytest.mark.usefixtures("journal")
@pytest.mark.parametrize("gone", ["model", "market"])
def test_a_run_whose_model_or_data_are_gone_cannot_be_replayed(gone: str) -> None:
    away = Path(gone).rename(f"{gone}.away")
    try:
        outcome = helios("replay", "asked")
    finally:
        away.rename(gone)
    assert outcome.code == 2
    (line,) = outcome.err.splitlines()
    assert line.startswith("helios: cannot replay asked: ")
    assert gone in line


@pytest.mark.usefixtures("journal")
def test_a_run_that_is_not_known_cannot_be_replayed() -> None:
    outcome = helios("replay", "nix")
    assert outcome.code == 2
    assert "the journal knows no run nix" in outcome.err


class Scripted:
    """A stand-in for Claude: it halves every second entry, and its calls are journalled as live ones are."""

    name = "anthropic"

    def __init__(self, settings: LlmSettings) -> None:
        self._word = wording_of("anthropic", settings)
        self.asked = 0

    def ask(self, context: GateContext) -> GateReply:
        self.asked += 1
        request = self._word(build_prompt(context))
        multiplier = 0.5 if self.asked % 2 else 1.0
        text = json.dumps(
            {
                "decision": "APPROVE",
                "reasoning": f"Answer {self.asked}.",
                "confidence_adjustment": 1.0,
                "position_size_multiplier": multiplier,
                "risk_flags": [],
            }
        )
        call = GateCall(
            provider="anthropic",
            model="claude",
            source="live",
            request_hash=request.hash,
            request=request.canonical().decode(),
            answer=text,
            outcome="answered",
        )
        answer = read_answer("answered", text)
        return GateReply(answer=answer, source="live", provider="anthropic", request_hash=request.hash, calls=(call,))


@pytest.mark.usefixtures("journal")
def test_what_a_language_model_answered_is_replayed_from_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    write_config(Path("claude.toml"), {**ASKED, "name": "claude", "gate.provider": "anthropic"})
    loaded = load_config(Path("claude.toml"))
    claude = Scripted(loaded.config.llm)
    result = run_backtest(loaded, provider=claude)
    answers = result.journal.of(GateRecord)
    assert claude.asked == len(answers) > 0
    assert {record.source for record in answers} == {"live"}

    again = replay_backtest(list(result.journal))
    assert report_replay(result.journal, again).is_identical
    assert {record.source for record in again if isinstance(record, GateRecord)} == {"recorded"}
