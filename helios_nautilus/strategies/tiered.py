"""A strategy whose every entry walks through the tiers and whose every position lives by the exit plan.

Subclasses decide what to propose and when to leave; this class turns that into orders: a bracket (entry, stop and
target sent as one), a time-out, an optional trailing stop, and obedience to the kill switch.
"""

from decimal import Decimal

from nautilus_trader.config import StrategyConfig
from nautilus_trader.core.datetime import unix_nanos_to_dt
from nautilus_trader.indicators import AverageTrueRange
from nautilus_trader.model.data import Bar
from nautilus_trader.model.enums import OrderSide, OrderType, TimeInForce
from nautilus_trader.model.events import OrderEvent, OrderFilled, PositionClosed
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Currency, Price, Quantity
from nautilus_trader.model.orders import Order, OrderList
from nautilus_trader.model.position import Position
from nautilus_trader.trading.strategy import Strategy

from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.lifecycle import Lifecycle, Phase
from helios_nautilus.domain.plan import Bracket, CloseReason, ExitPlan, Side
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import Action, EventRecord, OrderRecord, SignalRecord
from helios_nautilus.messages import (
    TOPIC_KILL_SWITCH,
    TOPIC_PIPELINE,
    Dossier,
    KillSwitchChanged,
    PipelineEvent,
    Proposal,
    Stage,
)
from helios_nautilus.strategies import audit
from helios_nautilus.strategies.pipeline import Pipeline


class TieredStrategyConfig(StrategyConfig, frozen=True, kw_only=True):
    """Configuration common to all strategies that ride on the tiers.

    Parameters
    ----------
    instrument_ids
        The traded instruments.
    account_currency
        Currency of equity and of every notional, e.g. ``ZAR``; the instruments are quoted in it.
    plan
        The exit plan, the same one the labels and Aether use.
    base, decision
        Lengths of the recorded bars and of the decision bars; a trailing stop follows the latter.
    slippage_bound
        A taker's entry is an immediate-or-cancel limit at most this fraction beyond the last known price.
    proposal_ttl_secs
        How long a proposal may be under way before it is refused.
    order_check_secs
        How long after sending an order its fate is looked at.

    """

    instrument_ids: tuple[InstrumentId, ...]
    account_currency: str = "ZAR"
    plan: ExitPlan = ExitPlan()
    base: str = "1m"
    decision: str = "5m"
    slippage_bound: float = 0.002
    proposal_ttl_secs: float = 10.0
    order_check_secs: float = 2.0
    manage_gtd_expiry: bool = True


class Bet:
    """A dossier that became orders."""

    def __init__(self, dossier: Dossier, life: Lifecycle, orders: OrderList) -> None:
        self.dossier = dossier
        self.life = life
        self.entry, self.stop, self.target = (order.client_order_id for order in orders.orders)
        self.exits: list[ClientOrderId] = []
        self.costs = Decimal(0)
        self.extreme: float | None = None

    @property
    def decision_id(self) -> str:
        """The decision the bet came from."""
        return self.dossier.proposal.decision_id

    @property
    def order_ids(self) -> tuple[ClientOrderId, ...]:
        """Every order of the bet."""
        return self.entry, self.stop, self.target, *self.exits


class TieredStrategy(Strategy):
    """Base of the family; see the module docstring.

    Subclasses call `propose` and `leave` and extend `on_start`. One bet an instrument at a time.
    """

    def __init__(self, config: TieredStrategyConfig, journal: Journal) -> None:
        super().__init__(config)
        self.journal = journal
        self.entries_allowed = True
        self._currency = Currency.from_str(config.account_currency)
        self._bets: dict[InstrumentId, Bet] = {}
        self._by_order: dict[ClientOrderId, Bet] = {}
        self._atr: dict[InstrumentId, AverageTrueRange] = {}
        self._pipeline: Pipeline | None = None

    # Lifecycle of the component

    def on_start(self) -> None:
        """Join the bus; with a trailing plan, follow the decision bars."""
        self._pipeline = Pipeline(
            self.msgbus,
            self.clock,
            int(self.config.proposal_ttl_secs * NS_PER_SEC),
            on_passed=self._enter,
            on_ended=self._walk_ended,
        )
        self.msgbus.subscribe(TOPIC_KILL_SWITCH, self._on_kill_switch)
        if self.config.plan.trail_atr is not None:
            for instrument_id in self.config.instrument_ids:
                self._atr[instrument_id] = AverageTrueRange(14)
                self.subscribe_bars(bar_type(instrument_id, self.config.decision, self.config.base))

    def on_stop(self) -> None:
        """Leave the bus; working orders stay as they are."""
        self.msgbus.unsubscribe(TOPIC_KILL_SWITCH, self._on_kill_switch)

    def on_reset(self) -> None:
        """Forget everything about the last run."""
        self.entries_allowed = True
        self._bets.clear()
        self._by_order.clear()
        self._atr.clear()

    # What subclasses call

    def has_bet(self, instrument_id: InstrumentId) -> bool:
        """Whether a bet on the instrument is under way, from its orders to its last fill."""
        return instrument_id in self._bets

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
        bet = self._bets.get(instrument_id)
        if bet is None or not bet.life.request_exit(reason):
            return False
        for order_id in (bet.entry, bet.stop, bet.target):
            order = self.cache.order(order_id)
            if not (order.is_closed or order.is_pending_cancel):
                self.cancel_order(order)
        self._flatten(bet)
        self._check_later(bet)
        return True

    # Tiers

    def _walk_ended(self, dossier: Dossier, stage: Stage, reason: str, event: PipelineEvent) -> None:
        if not event.ok:
            self.journal.append(
                EventRecord(
                    ts_ns=event.ts_ns,
                    kind="pipeline_error",
                    words=f"{stage.value}: {event.words}",
                    instrument_id=dossier.proposal.instrument_id.value,
                    decision_id=event.decision_id,
                )
            )
            self.log.error(f"Entry refused: {reason}: {event.words}")
        self.msgbus.publish(TOPIC_PIPELINE, event)

    def _on_kill_switch(self, change: KillSwitchChanged) -> None:
        self.entries_allowed = change.entries_allowed
        if change.entries_allowed:
            return
        if self._pipeline is not None:
            self._pipeline.abandon("kill_switch")
        for instrument_id, bet in list(self._bets.items()):
            if change.flatten or bet.life.phase is Phase.ENTERING:
                self.leave(instrument_id, CloseReason.KILL)

    # Entry

    def _enter(self, dossier: Dossier) -> None:
        proposal, terms = dossier.proposal, dossier.known_terms
        instrument: Instrument = self.cache.instrument(proposal.instrument_id)
        reference = self._reference_price(proposal)
        quantity = _affordable(instrument, terms.notional / reference)
        if quantity is None or self.has_bet(instrument.id):
            self._not_sent(proposal, instrument, "too_small" if quantity is None else "position_open")
            return
        bracket = Bracket(stop=terms.stop, target=terms.target, hold_ns=self.config.plan.hold_ns)
        life = Lifecycle(proposal.side, reference, bracket, self.config.plan.max_hold_mins * NS_PER_MIN)
        orders = self._bracket(instrument, proposal, quantity, reference, life)
        bet = Bet(dossier, life, orders)
        self._bets[instrument.id] = bet
        self._by_order.update(dict.fromkeys(bet.order_ids, bet))
        self.submit_order_list(orders)
        self._check_later(bet)

    def _reference_price(self, proposal: Proposal) -> float:
        """Best price now if a quote came after the decision's bar, else that bar's close."""
        quote = self.cache.quote_tick(proposal.instrument_id)
        if quote is None or quote.ts_event < proposal.ts_ns:
            return proposal.price
        is_taker = self.config.plan.entry == "taker"
        price = quote.ask_price if (proposal.side is Side.LONG) == is_taker else quote.bid_price
        return price.as_double()

    def _bracket(
        self, instrument: Instrument, proposal: Proposal, quantity: Quantity, reference: float, life: Lifecycle
    ) -> OrderList:
        plan, decision_id = self.config.plan, proposal.decision_id
        is_taker = plan.entry == "taker"
        bound = 1.0 + proposal.side.sign * self.config.slippage_bound if is_taker else 1.0
        deadline = None if is_taker else self.clock.timestamp_ns() + plan.maker_wait_secs * NS_PER_SEC
        return self.order_factory.bracket(
            instrument_id=instrument.id,
            order_side=OrderSide.BUY if proposal.side is Side.LONG else OrderSide.SELL,
            quantity=quantity,
            entry_order_type=OrderType.LIMIT,
            entry_price=instrument.make_price(reference * bound),
            entry_post_only=not is_taker,
            time_in_force=TimeInForce.IOC if is_taker else TimeInForce.GTD,
            expire_time=None if deadline is None else unix_nanos_to_dt(deadline),
            sl_trigger_price=instrument.make_price(life.stop_price),
            tp_price=instrument.make_price(life.target_price),
            tp_post_only=False,
            entry_tags=audit.tags(decision_id, "ENTRY"),
            sl_tags=audit.tags(decision_id, "STOP"),
            tp_tags=audit.tags(decision_id, "TARGET"),
        )

    def _not_sent(self, proposal: Proposal, instrument: Instrument, reason: str) -> None:
        self.journal.append(
            OrderRecord(
                ts_ns=self.clock.timestamp_ns(),
                decision_id=proposal.decision_id,
                instrument_id=instrument.id.value,
                client_order_id="",
                role="ENTRY",
                side="BUY" if proposal.side is Side.LONG else "SELL",
                order_type="LIMIT",
                quantity=Decimal(0),
                price=None,
                status="DENIED",
                reason=reason,
            )
        )

    # Events of orders and positions

    def on_order_event(self, event: OrderEvent) -> None:
        """Journal every new state and move the bet along."""
        order = self.cache.order(event.client_order_id)
        if order is None:  # just initialised: not in the cache before it is submitted
            return
        bet = self._by_order.get(event.client_order_id)
        if isinstance(event, OrderFilled):
            fill = audit.fill_record(event, order, self._currency)
            self.journal.append(fill)
            if bet is not None:
                bet.costs += fill.commission_value
                self._on_fill(bet, order, event)
            return
        record = audit.order_record(event, order)
        if record is not None:
            self.journal.append(record)
        if bet is not None and order.is_closed:
            self._on_order_closed(bet, order)

    def _on_fill(self, bet: Bet, order: Order, event: OrderFilled) -> None:
        if order.client_order_id != bet.entry or not bet.life.entry_filled(event.ts_event):
            return
        self.clock.set_time_alert_ns(
            f"HELIOS-TIMEOUT-{bet.decision_id}",
            bet.life.deadline_ns,
            lambda _event: self._time_out(bet),
        )

    def _time_out(self, bet: Bet) -> None:
        instrument_id = bet.dossier.proposal.instrument_id
        if self._bets.get(instrument_id) is bet:  # an alert may come after its bet has ended
            self.leave(instrument_id, CloseReason.TIMEOUT)

    def _on_order_closed(self, bet: Bet, order: Order) -> None:
        if bet.life.phase is Phase.EXITING:
            self._flatten(bet)
        elif bet.life.phase is Phase.ENTERING and order.client_order_id == bet.entry:
            self._settle(bet, None)
        elif bet.life.phase is Phase.OPEN and order.client_order_id == bet.stop and self._position(bet) is not None:
            # A position must not live without its stop: the stop was refused or cancelled by the venue.
            self.leave(order.instrument_id, CloseReason.MANUAL)

    def on_position_closed(self, event: PositionClosed) -> None:
        """Settle the bet that the position came from."""
        bet = self._bets.get(event.instrument_id)
        if bet is None:
            return
        closed_by = {bet.stop: CloseReason.STOP_LOSS, bet.target: CloseReason.TAKE_PROFIT}.get(event.closing_order_id)
        reason = bet.life.finish(closed_by)
        position = self.cache.position(event.position_id)
        self.journal.append(audit.position_record(position, bet.decision_id, bet.life, str(reason), bet.costs))
        self._settle(bet, position)

    def _settle(self, bet: Bet, position: Position | None) -> None:
        """Forget a bet that holds nothing, and see to it that none of its orders works on."""
        bet.life.finish()
        instrument_id = bet.dossier.proposal.instrument_id
        self._bets.pop(instrument_id, None)
        for name in (f"HELIOS-TIMEOUT-{bet.decision_id}", f"HELIOS-CHECK-{bet.decision_id}"):
            if name in self.clock.timer_names:
                self.clock.cancel_timer(name)
        for order_id in bet.order_ids:
            order = self.cache.order(order_id)
            if order is not None and not (order.is_closed or order.is_pending_cancel):
                self.cancel_order(order)

    # Exits

    def _flatten(self, bet: Bet) -> None:
        """Send the market exit once nothing else of the bet works, so that no two orders can close it twice."""
        if bet.life.phase is not Phase.EXITING:
            return
        if any(not self.cache.order(order_id).is_closed for order_id in bet.order_ids):
            return
        position = self._position(bet)
        if position is None:
            self._settle(bet, None)
            return
        instrument = self.cache.instrument(position.instrument_id)
        exit_order = self.order_factory.market(
            instrument_id=instrument.id,
            order_side=OrderSide.SELL if position.is_long else OrderSide.BUY,
            quantity=position.quantity,
            reduce_only=instrument.is_inverse or not instrument.id.symbol.value.isalpha(),
            tags=audit.tags(bet.decision_id, "EXIT"),
        )
        bet.exits.append(exit_order.client_order_id)
        self._by_order[exit_order.client_order_id] = bet
        self.submit_order(exit_order)
        self._check_later(bet)

    def _check_later(self, bet: Bet) -> None:
        """Look at the bet again in a while, so that an exit goes on whatever became of an answer.

        Orders without an answer are the engine's to ask about (its in-flight check). In a backtest this is also the
        moment at which the venue takes up what has reached it between two bars.
        """
        name = f"HELIOS-CHECK-{bet.decision_id}"
        if name in self.clock.timer_names:
            self.clock.cancel_timer(name)
        due = self.clock.timestamp_ns() + int(self.config.order_check_secs * NS_PER_SEC)
        self.clock.set_time_alert_ns(name, due, lambda _event: self._flatten(bet))

    def _position(self, bet: Bet) -> Position | None:
        positions = self.cache.positions_open(instrument_id=bet.dossier.proposal.instrument_id, strategy_id=self.id)
        return positions[0] if positions else None

    # Trailing stop

    def on_bar(self, bar: Bar) -> None:
        """Trail the stop behind the best close since the entry."""
        instrument_id = bar.bar_type.instrument_id
        atr = self._atr.get(instrument_id)
        if atr is None:
            return
        atr.handle_bar(bar)
        bet = self._bets.get(instrument_id)
        if bet is None or bet.life.phase is not Phase.OPEN or not atr.initialized:
            return
        sign = bet.life.side.sign
        close = bar.close.as_double()
        bet.extreme = close if bet.extreme is None else sign * max(sign * close, sign * bet.extreme)
        if bet.life.trail(bet.extreme, atr.value, self.config.plan.trail_atr):
            self._move_stop(bet)

    def _move_stop(self, bet: Bet) -> None:
        order = self.cache.order(bet.stop)
        price: Price = self.cache.instrument(order.instrument_id).make_price(bet.life.stop_price)
        if order.is_open and not order.is_pending_update and price != order.trigger_price:
            self.modify_order(order, trigger_price=price)

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


def _affordable(instrument: Instrument, quantity: float) -> Quantity | None:
    """The quantity rounded down to the lot, or None if it is under the venue's minimum."""
    step = instrument.size_increment.as_decimal()
    lots = (Decimal(repr(quantity)) // step) * step
    minimum = instrument.min_quantity.as_decimal() if instrument.min_quantity is not None else step
    return instrument.make_qty(lots) if lots >= minimum > 0 else None
