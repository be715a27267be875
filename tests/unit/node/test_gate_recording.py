from typing import Any

import pytest

from helios_nautilus.domain.decision.policy import GateRules
from helios_nautilus.errors import GateError
from helios_nautilus.llm.failure import reply_failure
from helios_nautilus.llm.off import OffProvider
from helios_nautilus.llm.reply import GateCall, GateReply
from helios_nautilus.llm.rules import RulesProvider
from helios_nautilus.node.gate_recording import Recorder, Recording
from tests.unit.domain.decision.test_sections import CONTEXT

ANSWER = OffProvider().ask(CONTEXT).answer


def call(outcome: str, **more: Any) -> GateCall:
    source = "live" if outcome == "answered" else "failed"
    return GateCall(
        provider="anthropic",
        model="m",
        source=source,
        request_hash="h",
        request="",
        outcome=outcome,
        words=outcome,
        **more,
    )


def live() -> GateReply:
    return GateReply(answer=ANSWER, source="live", provider="anthropic", calls=(call("answered", cost_usd=0.004),))


def failed(outcome: str) -> GateReply:
    return reply_failure(CONTEXT, GateRules(), (call(outcome, cost_usd=0.001 if outcome == "timeout" else 0.0),))


class Remote:
    """Gives what it was given; ``closed`` tells whether it was closed."""

    name = "remote"

    def __init__(self, *replies: GateReply | Exception) -> None:
        self.replies = list(replies)
        self.closed = False

    async def ask(self, context: object) -> GateReply:
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def close(self) -> None:
        self.closed = True


def record(remote: Remote, questions: int) -> Recording:
    told: list[Recording] = []
    with Recorder(remote, RulesProvider(GateRules()), lambda recording, _context: told.append(recording)) as recorder:
        for _ in range(questions):
            recorder.ask(CONTEXT)
    assert [each.entries for each in told] == list(range(1, questions + 1))
    assert told[-1] == recorder.recording
    assert remote.closed
    return recorder.recording


def test_answers_calls_and_money_are_counted() -> None:
    recording = record(Remote(live(), failed("timeout"), live()), 3)
    assert (recording.recorded, recording.missing, recording.calls, recording.stopped) == (2, 1, 3, "")
    assert recording.spent_usd == pytest.approx(0.009)


def test_three_failures_in_a_row_end_the_asking_and_a_success_between_does_not() -> None:
    patient = Remote(failed("timeout"), failed("timeout"), live(), failed("timeout"), failed("timeout"), live())
    assert record(patient, 6).stopped == ""
    weary = Remote(*[failed("overloaded")] * 3, live())
    recording = record(weary, 5)
    assert (recording.stopped, recording.missing, len(weary.replies)) == ("overloaded", 5, 1)


@pytest.mark.parametrize("outcome", ["unauthorised", "bad_request", "over_budget"])
def test_what_every_question_would_meet_ends_the_asking_at_once(outcome: str) -> None:
    remote = Remote(failed(outcome), live())
    recording = record(remote, 2)
    assert recording.stopped
    assert (recording.missing, len(remote.replies)) == (2, 1)


def test_a_cassette_that_cannot_be_written_to_ends_the_asking_and_not_the_run() -> None:
    recording = record(Remote(GateError("the disk is full"), live()), 2)
    assert (recording.stopped, recording.missing) == ("the disk is full", 2)
