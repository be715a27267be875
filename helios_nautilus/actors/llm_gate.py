"""Tier 4 as an actor: puts a sized proposal before the gate's provider and delivers the clamped answer in its time."""

from collections.abc import Mapping

from nautilus_trader.common.actor import Actor
from nautilus_trader.config import ActorConfig
from nautilus_trader.model.data import Bar
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.amounts import exact
from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.decision.context import (
    GateContext,
    MarketConditions,
    OpenPosition,
    Predictions,
    RiskFigures,
    observe_market,
)
from helios_nautilus.domain.decision.context import PortfolioState as GatePortfolio
from helios_nautilus.domain.decision.market import MarketHistory
from helios_nautilus.domain.decision.policy import GateRules, GateVerdict, clamp
from helios_nautilus.domain.decision.regimes import VolatilityRegime
from helios_nautilus.domain.decision.words import record_fields
from helios_nautilus.domain.plan import Side
from helios_nautilus.domain.timeframe import NS_PER_MS, parse_timeframe
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import GateRecord
from helios_nautilus.llm.provider import GateProvider
from helios_nautilus.messages import (
    TOPIC_PORTFOLIO,
    Dossier,
    PortfolioState,
    Stage,
    StageReply,
    StageRequest,
)


class LlmGateConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `LlmGate`.

    Parameters
    ----------
    instrument_ids
        The traded instruments.
    base, decision
        Lengths of the recorded bars and of the decision bars.
    rules
        The domain's settings, the simulated latency among them.

    """

    instrument_ids: tuple[InstrumentId, ...]
    base: str = "1m"
    decision: str = "5m"
    rules: GateRules = GateRules()


class LlmGate(Actor):
    """Answers `StageRequest` on its endpoint after the provider's time has passed, and journals the answer.

    Parameters
    ----------
    config
        See `LlmGateConfig`.
    journal
        Takes a record of every answer.
    provider
        Who answers.
    histories
        The longer past of each instrument by id, already fed; missing ones start empty.

    """

    def __init__(
        self,
        config: LlmGateConfig,
        journal: Journal,
        provider: GateProvider,
        histories: Mapping[str, MarketHistory] | None = None,
    ) -> None:
        super().__init__(config)
        self.journal = journal
        self._provider = provider
        self._histories = dict(histories or {})
        self._portfolio: PortfolioState | None = None

    def on_start(self) -> None:
        """Follow the decision bars and open the endpoint."""
        for instrument_id in self.config.instrument_ids:
            self._histories.setdefault(instrument_id.value, MarketHistory(parse_timeframe(self.config.decision)))
            self.subscribe_bars(bar_type(instrument_id, self.config.decision, self.config.base))
        self.msgbus.subscribe(TOPIC_PORTFOLIO, self._on_portfolio)
        self.msgbus.register(Stage.GATE.endpoint, self.on_request)

    def on_resume(self) -> None:
        """Go on after a stop."""
        self.on_start()

    def on_stop(self) -> None:
        """Close the endpoint: entries fail closed from here on."""
        self.msgbus.deregister(Stage.GATE.endpoint, self.on_request)
        self.msgbus.unsubscribe(TOPIC_PORTFOLIO, self._on_portfolio)

    def _on_portfolio(self, state: PortfolioState) -> None:
        self._portfolio = state

    def on_bar(self, bar: Bar) -> None:
        """Remember the bar for changes and regimes."""
        history = self._histories[bar.bar_type.instrument_id.value]
        history.update(bar.ts_event, exact(bar.close), exact(bar.volume))

    def on_request(self, request: StageRequest) -> None:
        """Ask the provider; the answer goes back when the simulated latency is over."""
        dossier = request.dossier
        answer = self._provider.answer(self.context(dossier))
        verdict = clamp(answer, dossier.known_terms, self.config.rules)
        latency_ns = self.config.rules.latency_ms * NS_PER_MS
        if latency_ns == 0:
            self._deliver(request, verdict)
            return
        self.clock.set_time_alert_ns(
            f"HELIOS-GATE-{dossier.proposal.decision_id}",
            self.clock.timestamp_ns() + latency_ns,
            lambda _event: self._deliver(request, verdict),
        )

    def _deliver(self, request: StageRequest, verdict: GateVerdict) -> None:
        dossier = request.dossier
        fields = record_fields(verdict, dossier.known_terms, self._provider.name, float(self.config.rules.latency_ms))
        self.journal.append(
            GateRecord(
                ts_ns=self.clock.timestamp_ns(),
                decision_id=dossier.proposal.decision_id,
                instrument_id=dossier.proposal.instrument_id.value,
                **fields,
            )
        )
        request.reply(
            StageReply(
                stage=Stage.GATE,
                dossier=dossier.judged(verdict),
                approved=verdict.allows_entry,
                reason="" if verdict.allows_entry else "gate_rejected",
            )
        )

    def context(self, dossier: Dossier) -> GateContext:
        """What the provider is told of a proposal: only what is known at this moment."""
        proposal, sizing = dossier.proposal, dossier.known_sizing
        return GateContext(
            ts_ns=self.clock.timestamp_ns(),
            decision_id=proposal.decision_id,
            instrument_id=proposal.instrument_id.value,
            side=proposal.side,
            terms=dossier.known_terms,
            market=self._market(proposal.instrument_id, sizing.regime),
            predictions=Predictions(p_buy=proposal.p_buy, p_sell=proposal.p_sell, p_hold=proposal.p_hold),
            risk=RiskFigures(
                vol_daily=sizing.vol_daily,
                p_win=sizing.p_win,
                payoff=sizing.payoff,
                kelly_full=sizing.kelly_full,
                fraction=sizing.fraction,
            ),
            portfolio=self._holdings(),
        )

    def _market(self, instrument_id: InstrumentId, regime: str) -> MarketConditions:
        quote = self.cache.quote_tick(instrument_id)
        spread = None
        if quote is not None:
            bid, ask = quote.bid_price.as_double(), quote.ask_price.as_double()
            spread = 2.0 * (ask - bid) / (ask + bid)
        return observe_market(
            instrument_id.value,
            self._histories,
            self.clock.timestamp_ns(),
            self.config.rules.regimes,
            volatility=VolatilityRegime(regime) if regime in VolatilityRegime else VolatilityRegime.UNKNOWN,
            spread=spread,
        )

    def _holdings(self) -> GatePortfolio:
        state = self._portfolio
        equity = None if state is None else state.equity
        positions = []
        # Sorted: the cache's order differs from run to run, and equal contexts must ask equal questions.
        for position in sorted(self.cache.positions_open(), key=lambda position: position.id.value):
            history = self._histories.get(position.instrument_id.value)  # none for another strategy's instrument
            price = None if history is None else history.price
            value = None if price is None else position.quantity.as_double() * price
            positions.append(
                OpenPosition(
                    instrument_id=position.instrument_id.value,
                    side=Side.LONG if position.is_long else Side.SHORT,
                    weight=None if value is None or not equity else value / equity,
                )
            )
        return GatePortfolio(
            equity=equity,
            drawdown=None if state is None else state.drawdown,
            exposure=None if state is None else state.exposure,
            positions=tuple(positions),
        )
