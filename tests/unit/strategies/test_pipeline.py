from typing import NamedTuple

import pytest

from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.messages import Dossier, PipelineEvent, Stage, StageReply
from helios_nautilus.strategies.pipeline import Pipeline
from tests.fakes import BTC, ETH, START_NS, Kit, Tiers, proposal

TTL_NS = 10 * NS_PER_SEC


class End(NamedTuple):
    stage: Stage
    reason: str
    event: PipelineEvent


class Walks:
    """A pipeline on the kit's bus and clock, and what came of its walks."""

    def __init__(self, kit: Kit) -> None:
        self.passed: list[Dossier] = []
        self.ends: list[End] = []
        self.pipeline = Pipeline(
            kit.msgbus,
            kit.clock,
            TTL_NS,
            on_passed=self.passed.append,
            on_ended=lambda _dossier, stage, reason, event: self.ends.append(End(stage, reason, event)),
        )

    @property
    def end(self) -> End:
        (end,) = self.ends
        return end


@pytest.fixture
def walks(kit: Kit) -> Walks:
    return Walks(kit)


def test_a_proposal_that_every_stage_approves_passes_with_the_last_terms(walks: Walks, tiers: Tiers) -> None:
    walks.pipeline.propose(proposal())

    assert [stage for stage in Stage if tiers.requests[stage]] == [Stage.AETHER, Stage.GATE, Stage.GUARDIAN]
    assert [dossier.terms for dossier in walks.passed] == [tiers.agreed]
    assert walks.end.event.ok
    assert not walks.pipeline.is_pending(BTC)


@pytest.mark.parametrize("stage", Stage)
def test_a_stages_no_ends_the_walk_properly_and_asks_nobody_further(walks: Walks, tiers: Tiers, stage: Stage) -> None:
    tiers.decline(stage, "no_edge")

    walks.pipeline.propose(proposal())

    assert walks.passed == []
    assert (walks.end.stage, walks.end.reason, walks.end.event.ok) == (stage, "no_edge", True)
    asked = [each for each in Stage if tiers.requests[each]]
    assert asked == list(Stage)[: list(Stage).index(stage) + 1]


@pytest.mark.parametrize("stage", Stage)
def test_a_missing_stage_refuses(walks: Walks, tiers: Tiers, stage: Stage) -> None:
    tiers.close(stage)

    walks.pipeline.propose(proposal())

    assert walks.passed == []
    assert (walks.end.stage, walks.end.reason, walks.end.event.ok) == (stage, f"{stage}_missing", False)


@pytest.mark.parametrize("stage", Stage)
def test_an_exception_in_a_stage_refuses_and_says_what_it_was(walks: Walks, tiers: Tiers, stage: Stage) -> None:
    tiers.fail(stage, ValueError("no figures"))

    walks.pipeline.propose(proposal())

    assert walks.passed == []
    assert (walks.end.stage, walks.end.reason, walks.end.event.ok) == (stage, f"{stage}_error", False)
    assert walks.end.event.words == "ValueError: no figures"


def test_an_exception_while_submitting_surfaces(kit: Kit, tiers: Tiers) -> None:
    def submit(_dossier: Dossier) -> None:
        raise RuntimeError("the order could not be built")

    pipeline = Pipeline(kit.msgbus, kit.clock, TTL_NS, on_passed=submit, on_ended=lambda *_: None)

    with pytest.raises(RuntimeError, match="could not be built"):
        pipeline.propose(proposal())


def test_a_proposal_is_pending_until_the_last_answer(walks: Walks, tiers: Tiers) -> None:
    answers = tiers.hold_back(Stage.GATE)

    walks.pipeline.propose(proposal())

    assert walks.pipeline.is_pending(BTC)
    assert not walks.pipeline.is_pending(ETH)
    answers[0]()
    assert not walks.pipeline.is_pending(BTC)
    assert len(walks.passed) == 1


def test_the_same_answer_twice_enters_once(walks: Walks, tiers: Tiers) -> None:
    answers = tiers.hold_back(Stage.GATE)
    walks.pipeline.propose(proposal())

    answers[0]()
    answers[0]()

    assert len(walks.passed) == len(walks.ends) == 1


def test_an_answer_of_a_stage_that_is_not_the_one_asked_is_ignored(walks: Walks, tiers: Tiers) -> None:
    answers = tiers.hold_back(Stage.AETHER)
    walks.pipeline.propose(proposal())
    (request,) = tiers.requests[Stage.AETHER]

    request.reply(tiers.approve(Stage.GUARDIAN, request))
    request.reply(StageReply(stage=Stage.GATE, dossier=request.dossier, approved=False, reason="gate_rejected"))

    assert walks.pipeline.is_pending(BTC)
    assert walks.passed == walks.ends == []
    answers[0]()
    assert len(walks.passed) == 1


def test_a_stage_that_stays_silent_is_refused_at_the_ttl_and_not_before(walks: Walks, tiers: Tiers, kit: Kit) -> None:
    answers = tiers.hold_back(Stage.GATE)
    walks.pipeline.propose(proposal())

    kit.advance_to(START_NS + TTL_NS - 1)
    assert walks.ends == []
    kit.advance_to(START_NS + TTL_NS)
    assert (walks.end.stage, walks.end.reason, walks.end.event.ok) == (Stage.GATE, "gate_late", False)

    answers[0]()
    assert walks.passed == []


def test_an_answer_in_time_leaves_no_alert_behind(walks: Walks, tiers: Tiers, kit: Kit) -> None:
    answers = tiers.hold_back(Stage.GATE)
    walks.pipeline.propose(proposal())

    answers[0]()

    assert kit.clock.timer_names == []


def test_abandoning_ends_every_walk_properly_and_for_good(walks: Walks, tiers: Tiers) -> None:
    answers = tiers.hold_back(Stage.GATE)
    walks.pipeline.propose(proposal(BTC))
    walks.pipeline.propose(proposal(ETH))

    walks.pipeline.abandon("kill_switch")
    for answer in answers:
        answer()

    assert [(end.stage, end.reason, end.event.ok) for end in walks.ends] == [(Stage.GATE, "kill_switch", True)] * 2
    assert walks.passed == []
