"""Stand-ins for tiers that are left out, to see what they add: no judgement, and all that the rest relies on.

They are for attribution alone; no run that is meant to trade has them.
"""

from typing import Any

from helios_nautilus.actors.aether import Aether, minimum_notional
from helios_nautilus.actors.guardian import Guardian
from helios_nautilus.domain.plan import Side
from helios_nautilus.domain.risk.sizing import Reason, Sizing
from helios_nautilus.journal.records import GuardianRecord
from helios_nautilus.messages import Proposal, Stage, StageReply, StageRequest


class FixedSizer(Aether):
    """In Aether's place: every proposal gets the same ``fraction`` of equity, whatever its odds.

    No edge, no confidence, no cap is asked for. Stop and target still come from the exit plan and the volatility, which
    it goes on following: they are the bet's own, not Aether's opinion of it.
    """

    def __init__(self, *of_aether: Any, fraction: float, **rest_of_aether: Any) -> None:
        super().__init__(*of_aether, **rest_of_aether)
        self._fraction = fraction

    def size(self, proposal: Proposal) -> Sizing:
        """The sizing; declined only where there is no bet to speak of: equity or volatility unknown, or too little."""
        portfolio, forecast = self._portfolio, self._trackers[proposal.instrument_id.value].forecast
        p_side = proposal.p_buy if proposal.side is Side.LONG else proposal.p_sell
        if forecast is None:
            return _declined(proposal, "no_volatility")
        if portfolio is None or not p_side > 0.0:
            return _declined(proposal, "bad_input")
        notional = self._fraction * portfolio.equity
        if notional < minimum_notional(self.cache.instrument(proposal.instrument_id), proposal.price):
            return _declined(proposal, "too_small")
        bracket = self.config.plan.bracket(forecast.vol_daily)
        return Sizing(
            approved=True,
            reason="sized",
            words=f"Sized at a fixed {self._fraction:.2%} of equity: Aether is left out of this run.",
            side=proposal.side.value,
            equity=portfolio.equity,
            drawdown=portfolio.drawdown,
            confidence=p_side / (proposal.p_buy + proposal.p_sell),
            p_win=p_side,
            vol_daily=forecast.vol_daily,
            vol_source=forecast.source,
            regime=forecast.regime.value,
            stop=bracket.stop,
            target=bracket.target,
            hold_ns=bracket.hold_ns,
            fraction=self._fraction,
            notional=notional,
            margin=notional,
        )


def _declined(proposal: Proposal, reason: Reason) -> Sizing:
    return Sizing(side=proposal.side.value, reason=reason, words="No bet can be made of it at any odds.")


class Bystander(Guardian):
    """In Guardian's place: every entry passes unchecked. Equity is still marked, and the kill switch still works."""

    def on_request(self, request: StageRequest) -> None:
        """Let the entry pass."""
        proposal = request.dossier.proposal
        self.journal.append(
            GuardianRecord(
                ts_ns=self.clock.timestamp_ns(),
                decision_id=proposal.decision_id,
                instrument_id=proposal.instrument_id.value,
                passed=True,
                checks=(),
            )
        )
        request.reply(StageReply(stage=Stage.GUARDIAN, dossier=request.dossier, approved=True))
