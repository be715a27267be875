"""Tier 3 as an actor: keeps every pair's volatility and answers how large a proposal may be."""

import math
from collections.abc import Callable, Mapping
from functools import partial

from msgspec.structs import replace
from nautilus_trader.common.actor import Actor
from nautilus_trader.config import ActorConfig
from nautilus_trader.model.data import Bar
from nautilus_trader.model.identifiers import ClientId, InstrumentId
from nautilus_trader.model.instruments import Instrument

from helios_nautilus.actors.offload import Offload, run_inline
from helios_nautilus.amounts import exact
from helios_nautilus.bar_types import follow_bars
from helios_nautilus.domain.decision.policy import Terms
from helios_nautilus.domain.payoff import PayoffTable
from helios_nautilus.domain.plan import ExitPlan, Side
from helios_nautilus.domain.risk.garch import GarchFit, fit_garch
from helios_nautilus.domain.risk.purchase import size_purchase
from helios_nautilus.domain.risk.sizing import Odds, Sizing, SizingInput, SizingRules, size_position
from helios_nautilus.domain.risk.volatility import Trigger, VolatilityForecast, VolatilityRules, VolatilityTracker
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import SizingRecord, VolatilityRecord
from helios_nautilus.messages import (
    TOPIC_PORTFOLIO,
    PortfolioState,
    Proposal,
    Stage,
    StageReply,
    StageRequest,
)

type PayoffAt = Callable[[int], PayoffTable | None]
"""The payoff table that holds for decisions at a stamp, if there is one."""


class AetherConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `Aether`.

    Parameters
    ----------
    instrument_ids
        The traded instruments.
    base
        Length of the recorded bars, e.g. ``1m``.
    volatility, sizing
        The domain's rules.
    plan
        The exit plan, the same one labels and strategy use.
    allow_shorts
        Whether a short may be sized.
    bar_maker
        Who makes the volatility's bars; see `follow_bars`.

    """

    instrument_ids: tuple[InstrumentId, ...]
    base: str = "1m"
    volatility: VolatilityRules = VolatilityRules()
    sizing: SizingRules = SizingRules()
    plan: ExitPlan = ExitPlan()
    allow_shorts: bool = False
    bar_maker: ClientId | None = None


class Aether(Actor):
    """Answers `StageRequest` on its endpoint with a sizing, approved or declined, and journals it either way.

    Parameters
    ----------
    config
        See `AetherConfig`.
    journal
        Takes a record of every sizing and every refit.
    payoff_at
        Gives the payoff table on the card of the model in charge at a stamp; without one the specification's defaults
        for p and b hold.
    trackers
        Volatility trackers by instrument id, already fed with history; missing ones start cold.
    offload
        Where refits run.

    """

    def __init__(
        self,
        config: AetherConfig,
        journal: Journal,
        payoff_at: PayoffAt | None = None,
        trackers: Mapping[str, VolatilityTracker] | None = None,
        offload: Offload = run_inline,
    ) -> None:
        super().__init__(config)
        self.journal = journal
        self._payoff_at = payoff_at
        self._trackers = dict(trackers or {})
        self._offload = offload
        self._fitting: set[str] = set()
        self._portfolio: PortfolioState | None = None

    def forecast(self, instrument_id: str) -> VolatilityForecast | None:
        """The newest forecast of an instrument's volatility; None while it is unknown."""
        tracker = self._trackers.get(instrument_id)
        return None if tracker is None else tracker.forecast

    def on_start(self) -> None:
        """Follow the bars and open the endpoint."""
        for instrument_id in self.config.instrument_ids:
            if instrument_id.value not in self._trackers:
                base = self.cache.instrument(instrument_id).base_currency.code
                self._trackers[instrument_id.value] = VolatilityTracker(self.config.volatility, base)
            follow_bars(self, instrument_id, self.config.volatility.bar, self.config.base, self.config.bar_maker)
        self.msgbus.subscribe(TOPIC_PORTFOLIO, self._on_portfolio)
        self.msgbus.register(Stage.AETHER.endpoint, self.on_request)

    def on_resume(self) -> None:
        """Go on after a stop."""
        self.on_start()

    def on_stop(self) -> None:
        """Close the endpoint: entries fail closed from here on."""
        self.msgbus.deregister(Stage.AETHER.endpoint, self.on_request)
        self.msgbus.unsubscribe(TOPIC_PORTFOLIO, self._on_portfolio)

    def _on_portfolio(self, state: PortfolioState) -> None:
        self._portfolio = state

    def on_bar(self, bar: Bar) -> None:
        """Move the volatility forecast; refit when one is due."""
        name = bar.bar_type.instrument_id.value
        tracker = self._trackers[name]
        tracker.update(bar.ts_event, exact(bar.close))
        trigger = tracker.refit_due(bar.ts_event)
        if trigger is None or name in self._fitting:
            return
        self._fitting.add(name)
        work = partial(fit_garch, tracker.window(), tracker.rules, tracker.fit)
        self._offload(work, lambda fit: self._install(name, fit, trigger, bar.ts_event))

    def _install(self, name: str, fit: GarchFit, trigger: Trigger, ts_ns: int) -> None:
        tracker = self._trackers[name]
        self._fitting.discard(name)
        tracker.install(fit, ts_ns)
        forecast = tracker.forecast
        if forecast is None:
            return
        self.journal.append(
            VolatilityRecord(
                ts_ns=self.clock.timestamp_ns(),
                instrument_id=name,
                vol_daily=forecast.vol_daily,
                regime=forecast.regime.value,
                source=fit.source,
                trigger=trigger,
                alpha=fit.alpha,
                beta=fit.beta,
                omega=fit.omega,
            )
        )

    def on_request(self, request: StageRequest) -> None:
        """Size a proposal and answer at once."""
        proposal = request.dossier.proposal
        sizing = self.size(proposal) if proposal.wanted is None else self._cap(proposal, proposal.wanted)
        self.journal.append(_record(proposal, sizing, self.clock.timestamp_ns()))
        terms = None
        if sizing.approved:
            terms = _terms(sizing, self.config.plan)
        request.reply(
            StageReply(
                stage=Stage.AETHER,
                dossier=replace(request.dossier, sizing=sizing, terms=terms),
                approved=sizing.approved,
                reason=sizing.reason,
            )
        )

    def size(self, proposal: Proposal) -> Sizing:
        """The sizing of a proposal with what is known now; what is unknown declines."""
        return size_position(self._inputs(proposal), self.config.sizing)

    def _cap(self, proposal: Proposal, wanted: float) -> Sizing:
        return size_purchase(wanted, self._inputs(proposal), self.config.sizing)

    def _inputs(self, proposal: Proposal) -> SizingInput:
        instrument: Instrument = self.cache.instrument(proposal.instrument_id)
        portfolio = self._portfolio
        return SizingInput(
            side=proposal.side,
            p_buy=proposal.p_buy,
            p_sell=proposal.p_sell,
            odds=self._odds(proposal),
            volatility=self._trackers[proposal.instrument_id.value].forecast,
            equity=math.nan if portfolio is None else portfolio.equity,
            drawdown=math.nan if portfolio is None else portfolio.drawdown,
            plan=self.config.plan,
            min_notional=minimum_notional(instrument, proposal.price),
            shorts_allowed=self.config.allow_shorts,
        )

    def _odds(self, proposal: Proposal) -> Odds | None:
        payoff = None if self._payoff_at is None else self._payoff_at(proposal.ts_ns)
        if payoff is None:
            return None
        return payoff.lookup(proposal.side, proposal.p_buy if proposal.side is Side.LONG else proposal.p_sell)


def minimum_notional(instrument: Instrument, price: float) -> float:
    """Smallest order value the venue takes, by its minimum quantity and its minimum notional."""
    by_quantity = 0.0 if instrument.min_quantity is None else instrument.min_quantity.as_double() * price
    by_value = 0.0 if instrument.min_notional is None else instrument.min_notional.as_double()
    return max(by_quantity, by_value)


def _terms(sizing: Sizing, plan: ExitPlan) -> Terms:
    return Terms(
        confidence=sizing.confidence,
        notional=sizing.notional,
        leverage=sizing.leverage,
        stop=sizing.stop,
        target=sizing.target,
        costs=plan.round_trip_cost,
    )


def _record(proposal: Proposal, sizing: Sizing, ts_ns: int) -> SizingRecord:
    shared = {name: getattr(sizing, name) for name in SizingRecord.__struct_fields__ if hasattr(sizing, name)}
    return SizingRecord(
        ts_ns=ts_ns,
        decision_id=proposal.decision_id,
        instrument_id=proposal.instrument_id.value,
        **shared,
    )
