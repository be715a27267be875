from typing import Any

import pytest
from msgspec.structs import replace

from helios_nautilus.actors.aether import AetherConfig
from helios_nautilus.actors.guardian import GuardianConfig
from helios_nautilus.actors.stand_ins import Bystander, FixedSizer
from helios_nautilus.adapters.valr.constants import VALR_VENUE
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.risk.volatility import VolatilityTracker
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import GuardianRecord, SizingRecord
from helios_nautilus.messages import Dossier, Stage, StageReply, StageRequest
from tests.fakes import BTC, Kit, proposal, terms
from tests.unit.actors.test_aether import tell_portfolio, warm_tracker

PLAN = ExitPlan(hold_mins=240)


def ask(kit: Kit, stage: Stage, dossier: Dossier) -> StageReply:
    replies: list[StageReply] = []
    kit.msgbus.send(stage.endpoint, StageRequest(dossier=dossier, reply=replies.append))
    (reply,) = replies
    return reply


def size(
    kit: Kit, journal: MemoryJournal, tracker: VolatilityTracker | None, fraction: float = 0.03, **said: Any
) -> StageReply:
    trackers = {} if tracker is None else {BTC.value: tracker}
    config = AetherConfig(instrument_ids=(BTC,), plan=PLAN)
    kit.start(FixedSizer(config, journal, trackers=trackers, fraction=fraction))
    tell_portfolio(kit, drawdown=0.12)
    return ask(kit, Stage.AETHER, Dossier(proposal=replace(proposal(BTC), **said)))


def test_without_aether_a_bet_that_it_would_decline_gets_the_fixed_fraction_and_the_plans_own_bracket(
    kit: Kit, journal: MemoryJournal
) -> None:
    tracker = warm_tracker()
    reply = size(kit, journal, tracker, p_buy=0.35, p_sell=0.33)
    assert reply.approved
    agreed = reply.dossier.known_terms
    assert agreed.notional == pytest.approx(3_000.0)
    assert agreed.leverage == 1.0
    bracket = PLAN.bracket(tracker.forecast.vol_daily)
    assert (agreed.stop, agreed.target) == (bracket.stop, bracket.target)
    assert agreed.confidence == pytest.approx(0.35 / 0.68)
    (record,) = journal.of(SizingRecord)
    assert record.fraction == 0.03
    assert "left out" in record.words


@pytest.mark.parametrize(
    ("tracker", "fraction", "reason"), [(None, 0.03, "no_volatility"), ("warm", 1e-9, "too_small")]
)
def test_what_cannot_be_a_bet_at_any_odds_is_still_declined(
    kit: Kit, journal: MemoryJournal, tracker: str | None, fraction: float, reason: str
) -> None:
    reply = size(kit, journal, None if tracker is None else warm_tracker(), fraction)
    assert (reply.approved, reply.reason) == (False, reason)


def test_without_guardian_every_entry_passes_however_large(kit: Kit, journal: MemoryJournal) -> None:
    kit.start(Bystander(GuardianConfig(instrument_ids=(BTC,), venue=VALR_VENUE), journal))
    dossier = Dossier(proposal=proposal(BTC), terms=terms(notional=1e9))
    assert ask(kit, Stage.GUARDIAN, dossier).approved
    (record,) = journal.of(GuardianRecord)
    assert record.passed
    assert record.checks == ()
