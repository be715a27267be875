"""Tier 4 as an actor: puts a sized proposal before the gate's provider and delivers the clamped answer in its time."""

from collections import defaultdict, deque
from collections.abc import Mapping
from functools import partial
from typing import Final

from msgspec import structs
from nautilus_trader.common.actor import Actor
from nautilus_trader.config import ActorConfig
from nautilus_trader.model.data import Bar, OrderBookDepth10
from nautilus_trader.model.identifiers import ClientId, InstrumentId

from helios_nautilus.actors.consult import Consult, OnTheSpot
from helios_nautilus.amounts import exact
from helios_nautilus.bar_types import follow_bars
from helios_nautilus.domain.decision.context import (
    RECENT_PREDICTIONS,
    GateContext,
    MarketConditions,
    OpenPosition,
    PastPrediction,
    Predictions,
    RiskFigures,
    observe_market,
)
from helios_nautilus.domain.decision.context import PortfolioState as GatePortfolio
from helios_nautilus.domain.decision.market import MarketHistory
from helios_nautilus.domain.decision.news import News
from helios_nautilus.domain.decision.policy import GateRules, clamp
from helios_nautilus.domain.decision.regimes import VolatilityRegime
from helios_nautilus.domain.decision.words import record_fields
from helios_nautilus.domain.plan import Side
from helios_nautilus.domain.timeframe import NS_PER_MS, parse_timeframe
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import ContextRecord, EventRecord, GateCallRecord, GateRecord
from helios_nautilus.llm.news import NewsDesk
from helios_nautilus.llm.off import OffProvider
from helios_nautilus.llm.reply import GateReply
from helios_nautilus.messages import (
    TOPIC_CONTROLS,
    TOPIC_OUTCOMES,
    TOPIC_PORTFOLIO,
    ControlsChanged,
    Dossier,
    Outcome,
    PortfolioState,
    Proposal,
    Stage,
    StageReply,
    StageRequest,
)

_GRACE_NS: Final = 250 * NS_PER_MS
"""What an answer given within the deadline may take to get here."""


class LlmGateConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `LlmGate`.

    Parameters
    ----------
    instrument_ids
        The traded instruments.
    base, decision
        Lengths of the recorded bars and of the decision bars.
    rules
        The domain's settings. An answer is passed on ``latency_ms`` after the question at the earliest: a backtest's
        simulated latency, 0 in a live node.
    book
        Whether ten-level books are followed, for their imbalance.
    bar_maker
        Who makes the decision bars; see `follow_bars`.

    """

    instrument_ids: tuple[InstrumentId, ...]
    base: str = "1m"
    decision: str = "5m"
    rules: GateRules = GateRules()
    book: bool = False
    bar_maker: ClientId | None = None


class LlmGate(Actor):
    """Answers `StageRequest` on its endpoint once the provider has; journals the question, its calls and the answer.

    An answer that comes after the deadline, or when the gate is stopped, is dropped; its calls are journalled all the
    same, for they may have cost money. Switched off by an operator, it lets every proposal pass unasked, as the
    provider ``off`` does.

    Parameters
    ----------
    config
        See `LlmGateConfig`.
    journal
        Takes what the gate was told, every call and every answer.
    consult
        Puts a context before the provider.
    histories
        The longer past of each instrument by id, already fed; missing ones start empty.
    news
        Whoever has news; none leaves them unavailable.

    """

    def __init__(
        self,
        config: LlmGateConfig,
        journal: Journal,
        consult: Consult,
        histories: Mapping[str, MarketHistory] | None = None,
        news: NewsDesk | None = None,
    ) -> None:
        super().__init__(config)
        self.journal = journal
        self._consult = consult
        self._unasked: Consult = OnTheSpot(OffProvider())
        self._is_on = True
        self._histories = dict(histories or {})
        self._news = news
        self._portfolio: PortfolioState | None = None
        self._depths: dict[InstrumentId, OrderBookDepth10] = {}
        self._recent: defaultdict[InstrumentId, deque[PastPrediction]] = defaultdict(
            lambda: deque(maxlen=RECENT_PREDICTIONS)
        )

    def on_start(self) -> None:
        """Follow the decision bars and open the endpoint."""
        for instrument_id in self.config.instrument_ids:
            self._histories.setdefault(instrument_id.value, MarketHistory(parse_timeframe(self.config.decision)))
            follow_bars(self, instrument_id, self.config.decision, self.config.base, self.config.bar_maker)
            if self.config.book:
                self.subscribe_order_book_depth(instrument_id)
        self.msgbus.subscribe(TOPIC_PORTFOLIO, self._on_portfolio)
        self.msgbus.subscribe(TOPIC_OUTCOMES, self._on_outcome)
        self.msgbus.subscribe(TOPIC_CONTROLS, self._on_controls)
        self.msgbus.register(Stage.GATE.endpoint, self.on_request)

    def on_resume(self) -> None:
        """Go on after a stop."""
        self.on_start()

    def on_stop(self) -> None:
        """Close the endpoint: entries fail closed from here on."""
        self.msgbus.deregister(Stage.GATE.endpoint, self.on_request)
        self.msgbus.unsubscribe(TOPIC_PORTFOLIO, self._on_portfolio)
        self.msgbus.unsubscribe(TOPIC_OUTCOMES, self._on_outcome)
        self.msgbus.unsubscribe(TOPIC_CONTROLS, self._on_controls)

    # What it learns on the way

    def _on_portfolio(self, state: PortfolioState) -> None:
        self._portfolio = state

    def _on_controls(self, controls: ControlsChanged) -> None:
        self._is_on = Stage.GATE not in controls.off

    def _on_outcome(self, outcome: Outcome) -> None:
        self._recent[outcome.instrument_id].append(
            PastPrediction(
                ts_ns=outcome.predicted_ns,
                side=outcome.side,
                confidence=outcome.confidence,
                is_hit=outcome.is_hit,
                net_return=outcome.net_return,
            )
        )

    def on_order_book_depth(self, depth: OrderBookDepth10) -> None:
        """Remember how the newest book leans."""
        self._depths[depth.instrument_id] = depth

    def on_bar(self, bar: Bar) -> None:
        """Remember the bar for changes and regimes."""
        history = self._histories[bar.bar_type.instrument_id.value]
        history.update(bar.ts_event, exact(bar.close), exact(bar.volume))

    # The question and its answer

    def on_request(self, request: StageRequest) -> None:
        """Put the question; the answer is passed on when it is there and the simulated latency is over."""
        context = self.context(request.dossier)
        self.journal.append(
            ContextRecord(
                ts_ns=context.ts_ns,
                decision_id=context.decision_id,
                instrument_id=context.instrument_id,
                context=context,
            )
        )
        consult = self._consult if self._is_on else self._unasked
        consult(context, partial(self._answered, request, context.ts_ns))

    def _answered(self, request: StageRequest, asked_ns: int, reply: GateReply) -> None:
        now_ns = self.clock.timestamp_ns()
        if not self.is_running or now_ns - asked_ns > self.config.rules.deadline_ms * NS_PER_MS + _GRACE_NS:
            self._drop(request, now_ns - asked_ns, reply)
            return
        due_ns = asked_ns + self.config.rules.latency_ms * NS_PER_MS
        if due_ns <= now_ns:
            self._deliver(request, asked_ns, reply)
            return
        self.clock.set_time_alert_ns(
            f"HELIOS-GATE-{request.dossier.proposal.decision_id}",
            due_ns,
            lambda _event: self._deliver(request, asked_ns, reply),
        )

    def _drop(self, request: StageRequest, waited_ns: int, reply: GateReply) -> None:
        proposal = request.dossier.proposal
        why = "too late" if self.is_running else "when the gate was stopped"
        self._keep_calls(proposal, reply)
        self.journal.append(
            EventRecord(
                ts_ns=self.clock.timestamp_ns(),
                kind="gate_dropped",
                words=f"the gate's answer came after {waited_ns // NS_PER_MS} ms, {why}, and was not used",
                instrument_id=proposal.instrument_id.value,
                decision_id=proposal.decision_id,
            )
        )

    def _deliver(self, request: StageRequest, asked_ns: int, reply: GateReply) -> None:
        dossier, now_ns = request.dossier, self.clock.timestamp_ns()
        verdict = clamp(reply.answer, dossier.known_terms, self.config.rules)
        self._keep_calls(dossier.proposal, reply)
        self.journal.append(
            GateRecord(
                ts_ns=now_ns,
                decision_id=dossier.proposal.decision_id,
                instrument_id=dossier.proposal.instrument_id.value,
                source=reply.source,
                request_hash=reply.request_hash,
                **record_fields(verdict, dossier.known_terms, reply.provider, (now_ns - asked_ns) / NS_PER_MS),
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

    def _keep_calls(self, proposal: Proposal, reply: GateReply) -> None:
        for call in reply.calls:
            self.journal.append(
                GateCallRecord(
                    ts_ns=self.clock.timestamp_ns(),
                    decision_id=proposal.decision_id,
                    instrument_id=proposal.instrument_id.value,
                    **structs.asdict(call),
                )
            )

    # What the gate is told

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
            predictions=Predictions(
                model_id=proposal.model_id,
                p_buy=proposal.p_buy,
                p_sell=proposal.p_sell,
                p_hold=proposal.p_hold,
                attention=proposal.attention,
            ),
            risk=RiskFigures(
                vol_daily=sizing.vol_daily,
                p_win=sizing.p_win,
                payoff=sizing.payoff,
                kelly_full=sizing.kelly_full,
                fraction=sizing.fraction,
            ),
            portfolio=self._holdings(),
            recent=tuple(self._recent[proposal.instrument_id]),
            news=self._news_of(proposal.instrument_id),
        )

    def _news_of(self, instrument_id: InstrumentId) -> News | None:
        if self._news is None:
            return None
        return self._news.news(self.cache.instrument(instrument_id).base_currency.code, self.clock.timestamp_ns())

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
            imbalance=self._imbalance(instrument_id),
        )

    def _imbalance(self, instrument_id: InstrumentId) -> float | None:
        """How the book leans, (bid - ask) / (bid + ask) by notional; None without one as young as a base bar."""
        depth = self._depths.get(instrument_id)
        if depth is None or self.clock.timestamp_ns() - depth.ts_event > parse_timeframe(self.config.base):
            return None
        bid, ask = (sum(exact(each.price) * exact(each.size) for each in side) for side in (depth.bids, depth.asks))
        return (bid - ask) / (bid + ask) if bid + ask else None

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
