"""The gate of a replay answers from the journal, and never over a network."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from helios_nautilus.config import HeliosConfig, load_config
from helios_nautilus.domain.decision.context import GateContext, MarketConditions
from helios_nautilus.domain.decision.policy import Terms
from helios_nautilus.domain.plan import Side
from helios_nautilus.errors import ConfigError, HeliosError
from helios_nautilus.journal.records import GateCallRecord, Record
from helios_nautilus.llm.prompt import build_prompt
from helios_nautilus.llm.recorded import wording_of
from helios_nautilus.node.replay_run import JournalledAnswers, recorded_config, replay_backtest
from tests.acceptance.cli import EAGER, write_config
from tests.unit.report.runs import run_record

CONTEXT = GateContext(
    ts_ns=0,
    decision_id="first",
    instrument_id="BTCZAR.VALR",
    side=Side.LONG,
    terms=Terms(confidence=0.7, notional=5_000.0, leverage=1.0, stop=0.02, target=0.04, costs=0.006),
    market=MarketConditions(price=1e6, change_24h=0.01),
)
OTHER = replace(CONTEXT, side=Side.SHORT)
ANSWER = msgspec.json.encode(
    {
        "decision": "MODIFY",
        "reasoning": "A little less. It is late.",
        "confidence_adjustment": 0.9,
        "position_size_multiplier": 0.5,
        "risk_flags": ["late"],
    }
).decode()


@pytest.fixture
def config(tmp_path: Path) -> HeliosConfig:
    path = tmp_path / "run.toml"
    write_config(path, {**EAGER, "gate.provider": "anthropic", "gate.on_failure": "reject"})
    return load_config(path).config


def call(config: HeliosConfig, decision_id: str = "first", **fields: Any) -> GateCallRecord:
    """A call as it was journalled when `CONTEXT` was put to Claude."""
    request = wording_of("anthropic", config.llm)(build_prompt(CONTEXT))
    known: dict[str, Any] = {"source": "live", "outcome": "answered", "answer": ANSWER} | fields
    return GateCallRecord(
        ts_ns=0,
        decision_id=decision_id,
        instrument_id="BTCZAR.VALR",
        provider="anthropic",
        model="claude",
        request_hash=request.hash,
        request=request.canonical().decode(),
        **known,
    )


def test_the_answer_to_the_exact_question_is_given_again(config: HeliosConfig) -> None:
    reply = JournalledAnswers(config, [call(config)]).ask(CONTEXT)
    assert (reply.source, reply.provider) == ("recorded", "anthropic")
    assert reply.answer.position_size_multiplier == 0.5
    assert reply.request_hash == call(config).request_hash


def test_a_failure_is_replayed_as_the_failure_it_was(config: HeliosConfig) -> None:
    failed = call(config, source="failed", outcome="timeout", answer="", words="anthropic did not answer in time")
    reply = JournalledAnswers(config, [failed]).ask(CONTEXT)
    assert reply.source == "failed"
    assert reply.answer.decision == "REJECT"
    assert "anthropic did not answer in time" in reply.answer.reasoning


def test_an_answer_after_a_failed_attempt_is_the_answer(config: HeliosConfig) -> None:
    failed = call(config, source="failed", outcome="overloaded", answer="", words="busy")
    reply = JournalledAnswers(config, [failed, call(config)]).ask(CONTEXT)
    assert reply.source == "recorded"
    assert [each.outcome for each in reply.calls] == ["overloaded", "answered"]


def test_a_decision_keeps_its_own_failure_although_another_had_an_answer_to_the_same_question(
    config: HeliosConfig,
) -> None:
    failed = call(config, source="failed", outcome="timeout", answer="", words="late")
    assert JournalledAnswers(config, [call(config, "second"), failed]).ask(CONTEXT).source == "failed"


def test_a_decision_that_was_not_asked_before_takes_any_answer_to_the_same_question(config: HeliosConfig) -> None:
    answers = JournalledAnswers(config, [call(config, "second")])
    assert answers.ask(CONTEXT).answer.position_size_multiplier == 0.5


@pytest.mark.parametrize("records", [[], ["other question"]])
def test_a_question_without_an_answer_is_said_to_be_missing(config: HeliosConfig, records: list[str]) -> None:
    known: list[Record] = [call(config) for _ in records]
    reply = JournalledAnswers(config, known).ask(OTHER)
    assert reply.source == "failed"
    assert [each.outcome for each in reply.calls] == ["missing"]
    assert "the journal holds no answer to this question" in reply.answer.reasoning


def test_an_answer_that_was_cut_or_refused_is_read_as_it_was_then(config: HeliosConfig) -> None:
    for outcome, flag in (("cut", "cut_short"), ("refused", "refused")):
        reply = JournalledAnswers(config, [call(config, outcome=outcome)]).ask(CONTEXT)
        assert reply.answer.risk_flags == (flag,)


def test_only_a_backtest_can_be_replayed_as_one() -> None:
    with pytest.raises(HeliosError, match="it is a paper run, not a backtest"):
        replay_backtest([replace(run_record(), mode="paper")])
    with pytest.raises(HeliosError, match="it has no run record"):
        replay_backtest([])


def test_a_configuration_that_todays_code_refuses_is_named_with_its_run() -> None:
    with pytest.raises(ConfigError, match=r"the configuration of run bt-20260101-7f3a: .*unknown field"):
        recorded_config(replace(run_record(), config_toml="unknown = 1"))
