"""A strategy whose every entry walks through the tiers and whose every position lives by the exit plan.

Subclasses decide what to propose and when to leave; this class turns that into orders: a bracket (entry, stop and
target sent as one), a maker's re-quotes, a time-out, an optional trailing stop, and obedience to the kill switch. It
hears the engine's events and hands them to whoever owns their part: `Entries`, `Exits`, `Trail`, `Rebalancing`,
`Recovery`.
"""

from collections.abc import Mapping
from typing import Final

from nautilus_trader.common.component import TimeEvent
from nautilus_trader.model.data import Bar, QuoteTick
from nautilus_trader.model.events import OrderEvent, OrderFilled, PositionClosed, PositionEvent
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Currency
from nautilus_trader.model.orders import Order
from nautilus_trader.model.position import Position
from nautilus_trader.trading.strategy import Strategy

from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.lifecycle import Guard, Phase
from helios_nautilus.domain.plan import CloseReason, Side
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.journal.bet_store import BetStore
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import Action, OrderRole, SignalRecord
from helios_nautilus.messages import (
    TOPIC_CONTROLS,
    TOPIC_KILL_SWITCH,
    TOPIC_PIPELINE,
    TOPIC_READINESS,
    TOPIC_REBALANCE,
    ControlsChanged,
    Dossier,
    KillSwitchChanged,
    PipelineEvent,
    Proposal,
    ReadinessChanged,
    Stage,
)
from helios_nautilus.strategies import audit
from helios_nautilus.strategies.bets import Bet, Bets
from helios_nautilus.strategies.config import ORDER_CHECK_SECS, TieredStrategyConfig
from helios_nautilus.strategies.desk import Desk
from helios_nautilus.strategies.entries import Entries
from helios_nautilus.strategies.exits import Exits
from helios_nautilus.strategies.pipeline import Pipeline
from helios_nautilus.strategies.rebalancing import Rebalancing
from helios_nautilus.strategies.recovery import Recovery, Volatility
from helios_nautilus.strategies.trailing import Trail

__all__ = ["ORDER_CHECK_SECS", "TieredStrategy", "TieredStrategyConfig"]

_TAKE_UP: Final = "HELIOS-TAKE-UP"


class TieredStrategy(Strategy):
    """Base of the family; see the module docstring.

    Subclasses call `propose` and `leave` and extend `on_start`. One bet an instrument at a time.

    Parameters
    ----------
    config
        See `TieredStrategyConfig`.
    journal
        Takes everything that happens to an order or a position.
    store
        Where the bets survive a kill; what an earlier run left there, at the venue and in the account is taken up at
        the start. Without one, as in a backtest, nothing is kept and nothing taken up.
    volatility
        The present daily volatility of an instrument, for the guard of a position that no bet is known of.
    past
        The decision bars before the start by instrument id, for a trailing stop; without them it waits for its own.

    """

    def __init__(
        self,
        config: TieredStrategyConfig,
        journal: Journal,
        store: BetStore | None = None,
        volatility: Volatility = lambda _name: None,
        past: Mapping[str, Bars] | None = None,
    ) -> None:
        super().__init__(config)
        self.journal = journal
        self.bets = Bets(store)
        self.entries_allowed = True
        self.is_switched_on = True
        self.is_ready = not config.awaits_readiness
        self._currency = Currency.from_str(config.account_currency)
        self._desk = Desk(self)
        self._exits = Exits(self, self.bets, self._desk, journal, self._look_at)
        self._entries = Entries(self, self.bets, self._desk, self._exits, journal)
        self._trail = Trail(self, self.bets, self._desk, self._exits, past or {})
        self._recovery = Recovery(self, self.bets, self._desk, self._exits, journal, volatility)
        self._rebalancing = Rebalancing(self, self.bets, self._desk, self._exits)
        self._recovers = store is not None
        self._is_halted = False
        self._pipeline: Pipeline | None = None

    # Lifecycle of the component

    def on_start(self) -> None:
        """Join the bus and take up what is there; a trailing plan follows the decision bars, a maker's the quotes."""
        self._pipeline = Pipeline(
            self.msgbus,
            self.clock,
            int(self.config.proposal_ttl_secs * NS_PER_SEC),
            on_passed=lambda dossier: self._entries.enter(dossier, is_ready=self.is_ready and self.is_switched_on),
            on_ended=self._walk_ended,
        )
        self.msgbus.subscribe(TOPIC_KILL_SWITCH, self._on_kill_switch)
        self.msgbus.subscribe(TOPIC_CONTROLS, self._on_controls)
        self.msgbus.subscribe(TOPIC_REBALANCE, self._rebalancing.carry_out)
        if self.config.awaits_readiness:
            self.msgbus.subscribe(TOPIC_READINESS, self._on_readiness)
        for bet in self.bets:
            self._pick_up(bet)
        if self._recovers:
            self._recovery.take_up()
            if _TAKE_UP not in self.clock.timer_names:  # a stop and a resume in one moment find it still set
                self.clock.set_time_alert_ns(_TAKE_UP, self.clock.timestamp_ns(), self._on_running)
        for instrument_id in self.config.instrument_ids:
            if self.config.plan.trail_atr is not None:
                self._trail.follow(instrument_id)
            if self.config.plan.entry == "maker":
                self.subscribe_quote_ticks(instrument_id)

    def on_resume(self) -> None:
        """Go on after a stop, with the bets there are."""
        self.on_start()

    def on_stop(self) -> None:
        """Leave the bus and drop what is before the tiers; working orders stay as they are."""
        if self._pipeline is not None:
            self._pipeline.abandon("stopped")
        self.msgbus.unsubscribe(TOPIC_KILL_SWITCH, self._on_kill_switch)
        self.msgbus.unsubscribe(TOPIC_CONTROLS, self._on_controls)
        self.msgbus.unsubscribe(TOPIC_REBALANCE, self._rebalancing.carry_out)
        if self.config.awaits_readiness:
            self.msgbus.unsubscribe(TOPIC_READINESS, self._on_readiness)

    def on_reset(self) -> None:
        """Forget everything about the last run."""
        self.entries_allowed, self._is_halted = True, False
        self.is_switched_on = True
        self.is_ready = not self.config.awaits_readiness
        self.bets.clear()
        self._trail.clear()

    def _pick_up(self, bet: Bet) -> None:
        """Make up for what a stop took away: the alerts, and what was heard of the orders."""
        self._recovery.catch_up(bet)
        if bet.life.deadline_ns is not None:
            self._exits.await_time_out(bet)
        self._exits.check_later(bet)

    def _on_running(self, _event: TimeEvent) -> None:
        """Go on with what an earlier run left; what a halt would have closed is closed."""
        if self.is_running:
            self._recovery.begin()
            if self._is_halted:
                self.stand_down(CloseReason.KILL, flatten=True)

    # What others ask

    def unguarded(self) -> list[InstrumentId]:
        """What is held without a stop that watches over it, and is not on its way out either."""
        held = {position.instrument_id for position in self._desk.positions()}
        guarded = {bet.instrument_id for bet in self.bets if bet.stop is not None or bet.life.phase is Phase.EXITING}
        return sorted(held - guarded)

    def strays(self) -> list[str]:
        """Orders of no bet that work, and those of an earlier run that may still fill."""
        working = {order.client_order_id for order in self._desk.working()}
        unknown = {order_id for order_id in working if self.bets.of(order_id) is None}
        return sorted(order_id.value for order_id in unknown | self._recovery.strays())

    def guards(self) -> dict[InstrumentId, Guard]:
        """What watches over each bet, for those who show it."""
        return {
            bet.instrument_id: Guard(
                decision_id=bet.decision_id,
                stop_price=bet.life.stop_price,
                target_price=bet.life.target_price,
                deadline_ns=bet.life.deadline_ns,
                is_working=self._desk.works(bet.stop),
            )
            for bet in self.bets
        }

    # What subclasses call

    def has_bet(self, instrument_id: InstrumentId) -> bool:
        """Whether a bet on the instrument is under way, from its orders to its last fill."""
        return self.bets.on(instrument_id) is not None

    def objection(self, instrument_id: InstrumentId) -> str | None:
        """The code of why nothing may be proposed on an instrument now, or None."""
        if not self.entries_allowed:
            return "entries_off"
        if not self.is_switched_on:
            return "switched_off"
        if not self.is_ready:
            return "not_ready"
        return "pending" if self.is_pending(instrument_id) else None

    def is_pending(self, instrument_id: InstrumentId) -> bool:
        """Whether a proposal on the instrument is before the tiers."""
        return self._pipeline is not None and self._pipeline.is_pending(instrument_id)

    def propose(self, proposal: Proposal) -> None:
        """Put an entry before the tiers."""
        if self._pipeline is None:
            raise RuntimeError("a strategy proposes only after it was started")
        self._pipeline.propose(proposal)

    def leave(self, instrument_id: InstrumentId, reason: CloseReason) -> bool:
        """End the bet on an instrument, at once and without asking any tier. False if there is none to end."""
        return self._exits.leave(instrument_id, reason)

    def stand_down(self, reason: CloseReason, *, flatten: bool) -> None:
        """Take every entry back that is under way, and with ``flatten`` end every bet."""
        for bet in self.bets:
            if flatten or bet.life.phase is Phase.ENTERING:
                self.leave(bet.instrument_id, reason)
            else:
                self._desk.cancel(bet.entry)

    def is_settled(self, *, flatten: bool) -> bool:
        """Whether `stand_down` has come to its end."""
        return not len(self.bets) if flatten else self._desk.are_closed(bet.entry for bet in self.bets)

    # Tiers

    def _walk_ended(self, dossier: Dossier, stage: Stage, reason: str, event: PipelineEvent) -> None:
        if not event.ok:
            words = f"{stage.value}: {event.words}"
            self.journal.append(
                audit.event_record(
                    "pipeline_error", words, event.ts_ns, dossier.proposal.instrument_id, event.decision_id
                )
            )
            self.log.error(f"Entry refused: {reason}: {event.words}")
        self.msgbus.publish(TOPIC_PIPELINE, event)

    def _on_kill_switch(self, change: KillSwitchChanged) -> None:
        self.entries_allowed, self._is_halted = change.entries_allowed, change.flatten
        if change.entries_allowed:
            return
        if self._pipeline is not None:
            self._pipeline.abandon("kill_switch")
        self.stand_down(CloseReason.KILL, flatten=change.flatten)

    def _on_controls(self, controls: ControlsChanged) -> None:
        self.is_switched_on = controls.allow_entries
        if controls.allow_entries:
            return
        if self._pipeline is not None:
            self._pipeline.abandon("switched_off")
        self.stand_down(CloseReason.MANUAL, flatten=False)

    def _on_readiness(self, change: ReadinessChanged) -> None:
        self.is_ready = change.is_ready
        if not change.is_ready and self._pipeline is not None:
            self._pipeline.abandon("not_ready")

    # Market data

    def on_quote_tick(self, tick: QuoteTick) -> None:
        """Let a maker's entry follow the market."""
        bet = self.bets.on(tick.instrument_id)
        if bet is not None:
            self._entries.requote(bet)

    def on_bar(self, bar: Bar) -> None:
        """Let a trailing stop follow the market."""
        self._trail.on_bar(bar)

    # Events of orders and positions

    def on_order_event(self, event: OrderEvent) -> None:
        """Journal every new state and move the bet along."""
        order = self.cache.order(event.client_order_id)
        if order is None:  # just initialised: not in the cache before it is submitted
            return
        bet, origin = self.bets.of(event.client_order_id), self.bets.origin(order)
        if isinstance(event, OrderFilled):
            self._on_fill(bet, origin, event)
            return
        record = audit.order_record(event, order, origin)
        if record is not None:
            self.journal.append(record)
        if bet is not None and order.is_closed:
            self._exits.order_closed(bet, order)

    def _on_fill(self, bet: Bet | None, origin: audit.Origin, event: OrderFilled) -> None:
        fill = audit.fill_record(event, origin, self._currency)
        if bet is not None:
            bet.count(fill.trade_id, fill.commission_value)
            if event.client_order_id == bet.entry and bet.life.entry_filled(event.ts_event):
                self._exits.await_time_out(bet)
        self.bets.record(fill, self.journal)

    def on_position_event(self, event: PositionEvent) -> None:
        """Journal a position that was closed, and go on winding up a bet that is to end."""
        bet = self.bets.on(event.instrument_id)
        if bet is None:
            if self._recovers:  # somebody else traded, and a stop is needed all the same
                self._recovery.look_later()
            return
        position = self.cache.position(event.position_id)
        if self._is_closed_by_exit(event, bet) or self._is_left_as_dust(position):
            self._exits.position_closed(bet, position)
        elif bet.stop is None and bet.life.phase is not Phase.EXITING:
            self._recovery.settle(bet)
        elif self._exits.outgrows_guard(bet, event.quantity.as_double()):
            self.leave(event.instrument_id, CloseReason.MANUAL)
        elif self._last_role(position) == "TRIM":
            self._rebalancing.fit_guard(bet)
        if bet.life.phase is Phase.EXITING:
            self._exits.wind_up(bet)

    def _is_closed_by_exit(self, event: PositionEvent, bet: Bet) -> bool:
        """All but dust of an earlier bet, on the other side: that is closed by the first fill of this one's entry."""
        return isinstance(event, PositionClosed) and event.closing_order_id != bet.entry

    def _is_left_as_dust(self, position: Position) -> bool:
        last: Order = self.cache.order(position.last_event.client_order_id)
        return self._last_role(position) != "ENTRY" and last.is_closed and self._desk.is_dust(position)

    def _last_role(self, position: Position) -> OrderRole:
        return self.bets.origin(self.cache.order(position.last_event.client_order_id)).role

    def _look_at(self, bet: Bet) -> None:
        """A check found the bet with an entry that may still fill, or without a guard."""
        if bet.stop is None:
            self._recovery.settle(bet)
        else:
            self._entries.requote(bet)

    # Journal

    def note(
        self, decision_id: str, instrument_id: InstrumentId, action: Action, reason: str, side: Side | None = None
    ) -> None:
        """Journal what the strategy made of a prediction."""
        self.journal.append(
            SignalRecord(
                ts_ns=self.clock.timestamp_ns(),
                decision_id=decision_id,
                instrument_id=instrument_id.value,
                action=action,
                side=None if side is None else side.value,
                reason=reason,
            )
        )
