"""A strategy whose every entry walks through the tiers and whose every position lives by the exit plan.

Subclasses decide what to propose and when to leave; this class turns that into orders: a bracket (entry, stop and
target sent as one), a maker's re-quotes, a time-out, an optional trailing stop, and obedience to the kill switch.

Stop and target work from the entry's first fill until nothing is held: an exit is sent beside them, and being
reduce-only none of them can close more than there is.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from nautilus_trader.config import StrategyConfig
from nautilus_trader.indicators import AverageTrueRange
from nautilus_trader.model.data import Bar, BarType, QuoteTick
from nautilus_trader.model.enums import TriggerType
from nautilus_trader.model.events import OrderEvent, OrderFilled, PositionClosed, PositionEvent
from nautilus_trader.model.identifiers import ClientId, ClientOrderId, InstrumentId
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import Currency, Quantity
from nautilus_trader.model.orders import Order, OrderList
from nautilus_trader.model.position import Position
from nautilus_trader.trading.strategy import Strategy

from helios_nautilus.bar_types import follow_bars
from helios_nautilus.domain.lifecycle import Lifecycle, Phase
from helios_nautilus.domain.plan import Bracket, CloseReason, ExitPlan, Side
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import Action, EventRecord, OrderRecord, OrderRole, SignalRecord
from helios_nautilus.messages import (
    TOPIC_KILL_SWITCH,
    TOPIC_PIPELINE,
    TOPIC_READINESS,
    Dossier,
    KillSwitchChanged,
    PipelineEvent,
    Proposal,
    ReadinessChanged,
    Stage,
)
from helios_nautilus.strategies import audit, orders
from helios_nautilus.strategies.pipeline import Pipeline

_CLOSED_BY: Final[dict[OrderRole, CloseReason]] = {"STOP": CloseReason.STOP_LOSS, "TARGET": CloseReason.TAKE_PROFIT}
_MOST_DOUBLINGS: Final = 5
"""A refused exit is sent again after 2, 4, ... and at last every 64 seconds (with the default check)."""


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
        A taker's entry is an immediate-or-cancel limit at most this fraction beyond the last known price; a maker's
        is re-quoted no further than that.
    proposal_ttl_secs
        How long a proposal may be under way before it is refused.
    order_check_secs
        How often a bet is looked at as long as one of its orders is on its way.
    emulation
        What triggers stops and targets that the engine watches over; by default the venue does.
    awaits_readiness
        Nothing is entered before a `ReadinessChanged` says that all is there.
    bar_maker
        Who makes the decision bars; see `follow_bars`.

    """

    instrument_ids: tuple[InstrumentId, ...]
    account_currency: str = "ZAR"
    plan: ExitPlan = ExitPlan()
    base: str = "1m"
    decision: str = "5m"
    slippage_bound: float = 0.002
    proposal_ttl_secs: float = 10.0
    order_check_secs: float = 2.0
    emulation: TriggerType = TriggerType.NO_TRIGGER
    awaits_readiness: bool = False
    bar_maker: ClientId | None = None
    manage_gtd_expiry: bool = True


class Bet:
    """A dossier that became orders. ``order_ids`` are all it ever had, ``stop`` and ``target`` the ones that count."""

    def __init__(self, dossier: Dossier, life: Lifecycle, orders: OrderList) -> None:
        self.dossier = dossier
        self.life = life
        self.order_ids = [order.client_order_id for order in orders.orders]
        self.entry, self.stop, self.target = self.order_ids
        self.exits: list[ClientOrderId] = []
        self.refused_exits = 0
        self.is_rearmed = False
        self.costs = Decimal(0)
        self.extreme: float | None = None

    @property
    def decision_id(self) -> str:
        """The decision the bet came from."""
        return self.dossier.proposal.decision_id

    @property
    def instrument_id(self) -> InstrumentId:
        """What the bet is on."""
        return self.dossier.proposal.instrument_id


class TieredStrategy(Strategy):
    """Base of the family; see the module docstring.

    Subclasses call `propose` and `leave` and extend `on_start`. One bet an instrument at a time.
    """

    def __init__(self, config: TieredStrategyConfig, journal: Journal) -> None:
        super().__init__(config)
        self.journal = journal
        self.entries_allowed = True
        self.is_ready = not config.awaits_readiness
        self._currency = Currency.from_str(config.account_currency)
        self._bets: dict[InstrumentId, Bet] = {}
        self._by_order: dict[ClientOrderId, Bet] = {}
        self._atr: dict[BarType, AverageTrueRange] = {}
        self._pipeline: Pipeline | None = None

    # Lifecycle of the component

    def on_start(self) -> None:
        """Join the bus; a trailing plan follows the decision bars, a maker's the quotes."""
        self._pipeline = Pipeline(
            self.msgbus,
            self.clock,
            int(self.config.proposal_ttl_secs * NS_PER_SEC),
            on_passed=self._enter,
            on_ended=self._walk_ended,
        )
        self.msgbus.subscribe(TOPIC_KILL_SWITCH, self._on_kill_switch)
        if self.config.awaits_readiness:
            self.msgbus.subscribe(TOPIC_READINESS, self._on_readiness)
        for bet in self._bets.values():
            self._pick_up(bet)
        for instrument_id in self.config.instrument_ids:
            if self.config.plan.trail_atr is not None:
                config = self.config
                kind = follow_bars(self, instrument_id, config.decision, config.base, config.bar_maker)
                self._atr.setdefault(kind.standard(), AverageTrueRange(14))
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
        if self.config.awaits_readiness:
            self.msgbus.unsubscribe(TOPIC_READINESS, self._on_readiness)

    def on_reset(self) -> None:
        """Forget everything about the last run."""
        self.entries_allowed = True
        self.is_ready = not self.config.awaits_readiness
        self._bets.clear()
        self._by_order.clear()
        self._atr.clear()

    def _pick_up(self, bet: Bet) -> None:
        """Make up for what a stop took away: the alerts, and what was heard of the entry."""
        entry = self.cache.order(bet.entry)
        if entry.filled_qty > 0:
            bet.life.entry_filled(entry.ts_last)
            self._await_time_out(bet)
        self._check_later(bet)

    # What others ask

    def unguarded(self) -> list[InstrumentId]:
        """What is held without a bet whose stop watches over it, e.g. since before a restart."""
        positions = self.cache.positions_open(strategy_id=self.id)
        held = {position.instrument_id for position in positions if not self._is_dust(position)}
        return sorted(held - self._bets.keys())

    def strays(self) -> list[str]:
        """Working orders of no bet, e.g. since before a restart."""
        working = self.cache.orders_open(strategy_id=self.id)
        ids = [order.client_order_id for order in working if order.client_order_id not in self._by_order]
        return sorted(each.value for each in ids)

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
        self._wind_up(bet)
        return True

    def stand_down(self, reason: CloseReason, *, flatten: bool) -> None:
        """Take every entry back that is under way, and with ``flatten`` end every bet."""
        for bet in list(self._bets.values()):
            if flatten or bet.life.phase is Phase.ENTERING:
                self.leave(bet.instrument_id, reason)
            else:
                self._cancel(bet.entry)

    def is_settled(self, *, flatten: bool) -> bool:
        """Whether `stand_down` has come to its end."""
        return not self._bets if flatten else self._are_closed(bet.entry for bet in self._bets.values())

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
        self.stand_down(CloseReason.KILL, flatten=change.flatten)

    def _on_readiness(self, change: ReadinessChanged) -> None:
        self.is_ready = change.is_ready
        if not change.is_ready and self._pipeline is not None:
            self._pipeline.abandon("not_ready")

    # Entry

    def _enter(self, dossier: Dossier) -> None:
        proposal, terms = dossier.proposal, dossier.known_terms
        instrument: Instrument = self.cache.instrument(proposal.instrument_id)
        reference = self._reference_price(proposal)
        quantity = orders.affordable(instrument, terms.notional / reference)
        if quantity is None or self.has_bet(instrument.id) or not self.is_ready:
            reason = "not_ready" if not self.is_ready else "too_small" if quantity is None else "position_open"
            self._not_sent(proposal, instrument, reason)
            return
        bracket = Bracket(stop=terms.stop, target=terms.target, hold_ns=self.config.plan.hold_ns)
        life = Lifecycle(proposal.side, reference, bracket, self.config.plan.max_hold_mins * NS_PER_MIN)
        bracket_orders = self._open_bracket(instrument, quantity, life, proposal.decision_id)
        bet = Bet(dossier, life, bracket_orders)
        self._bets[instrument.id] = bet
        self._by_order.update(dict.fromkeys(bet.order_ids, bet))
        self._check_later(bet)
        self.submit_order_list(bracket_orders)  # last: a denial ends the bet before this returns

    def _reference_price(self, proposal: Proposal) -> float:
        """Best price now if a quote came after the decision's bar, else that bar's close."""
        quote = self.cache.quote_tick(proposal.instrument_id)
        if quote is None or quote.ts_event < proposal.ts_ns:
            return proposal.price
        is_taker = self.config.plan.entry == "taker"
        price = quote.ask_price if (proposal.side is Side.LONG) == is_taker else quote.bid_price
        return price.as_double()

    def _open_bracket(self, instrument: Instrument, quantity: Quantity, life: Lifecycle, decision_id: str) -> OrderList:
        plan = self.config.plan
        if plan.entry == "maker":
            price, give_up_ns = life.reference, self.clock.timestamp_ns() + plan.maker_wait_secs * NS_PER_SEC
        else:
            price, give_up_ns = life.reference * (1.0 + life.side.sign * self.config.slippage_bound), None
        return orders.open_bracket(
            self.order_factory,
            instrument,
            quantity,
            life,
            decision_id,
            price=price,
            give_up_ns=give_up_ns,
            emulation=self.config.emulation,
        )

    def on_quote_tick(self, tick: QuoteTick) -> None:
        """Let a maker's entry follow the market."""
        bet = self._bets.get(tick.instrument_id)
        if bet is not None:
            self._requote(bet)

    def _requote(self, bet: Bet) -> None:
        """Move a maker's entry that is still unfilled after the best price, within the slippage bound."""
        entry, sign = self.cache.order(bet.entry), bet.life.side.sign
        quote = self.cache.quote_tick(bet.instrument_id)
        is_unfilled = bet.life.phase is Phase.ENTERING and entry.is_open and not entry.is_pending_update
        if not (entry.is_post_only and is_unfilled) or quote is None or quote.ts_event < bet.dossier.proposal.ts_ns:
            return
        best = (quote.bid_price if bet.life.side is Side.LONG else quote.ask_price).as_double()
        furthest = bet.life.reference * (1.0 + sign * self.config.slippage_bound)
        price = self.cache.instrument(bet.instrument_id).make_price(sign * min(sign * best, sign * furthest))
        if sign * (price - entry.price) > 0:
            self.modify_order(entry, price=price)
            self._check_later(bet)

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
        if order.client_order_id == bet.entry and bet.life.entry_filled(event.ts_event):
            self._await_time_out(bet)

    def _await_time_out(self, bet: Bet) -> None:
        self.clock.set_time_alert_ns(
            f"HELIOS-TIMEOUT-{bet.decision_id}", bet.life.deadline_ns, lambda _event: self._time_out(bet)
        )

    def _time_out(self, bet: Bet) -> None:
        if self._bets.get(bet.instrument_id) is bet:  # an alert may come after its bet has ended
            self.leave(bet.instrument_id, CloseReason.TIMEOUT)

    def _on_order_closed(self, bet: Bet, order: Order) -> None:
        """An order of the bet ended other than by its last fill."""
        order_id, phase = order.client_order_id, bet.life.phase
        if phase is Phase.ENTERING and order_id == bet.entry:
            bet.life.give_up()
            self._wind_up(bet)
        elif phase is Phase.EXITING and order_id in bet.exits and order.filled_qty == 0 and self._position(bet):
            # A refused exit is sent again by the next check, not here: it would be refused over and over.
            bet.refused_exits += 1
            self.log.error(f"Exit refused: {order}")
        elif phase is Phase.EXITING:
            self._wind_up(bet)
        elif order_id in (bet.stop, bet.target):
            self._restore_guard(bet)

    def on_position_event(self, event: PositionEvent) -> None:
        """Journal a position that was closed, and go on winding up a bet that is to end."""
        bet = self._bets.get(event.instrument_id)
        if bet is None:
            return
        position = self.cache.position(event.position_id)
        last = self.cache.order(position.last_event.client_order_id)
        role = audit.role_of(last)
        is_dust = role != "ENTRY" and last.is_closed and self._is_dust(position)
        if isinstance(event, PositionClosed) or is_dust:
            self._position_closed(bet, position, role)
        elif bet.is_rearmed and event.quantity > self.cache.order(bet.stop).quantity:
            self.leave(event.instrument_id, CloseReason.MANUAL)  # the entry went on filling after its guard was sent
        if bet.life.phase is Phase.EXITING:
            self._wind_up(bet)

    def _position_closed(self, bet: Bet, position: Position, role: OrderRole) -> None:
        """Journal how a bet came out; where dust is left its orders have nothing more to do."""
        reason = bet.life.close(_CLOSED_BY.get(role))
        self.journal.append(audit.position_record(position, bet.decision_id, bet.life, reason.value, bet.costs))
        if position.is_open:
            words = f"{position.quantity} is left, less than the venue trades"
            event = EventRecord(
                ts_ns=position.ts_last,
                kind="dust",
                words=words,
                instrument_id=bet.instrument_id.value,
                decision_id=bet.decision_id,
            )
            self.journal.append(event)

    def _is_dust(self, position: Position) -> bool:
        """Less is held than the venue trades: a fee in the base currency may leave that, and no order can close it."""
        return orders.affordable(self.cache.instrument(position.instrument_id), position.quantity.as_double()) is None

    # Exits

    def _wind_up(self, bet: Bet) -> None:
        """Go a step towards nothing held and nothing working; taken again at every event and check until it is so."""
        position = self._position(bet)
        self._cancel(bet.entry)
        if position is not None:
            if self._are_closed(bet.exits):
                out = orders.market_exit(self.order_factory, position, bet.decision_id)
                bet.exits.append(out.client_order_id)
                self._submit(bet, out, position)
        elif self._are_closed([bet.entry]):
            for order_id in bet.order_ids:
                self._cancel(order_id)
            if self._are_closed(bet.order_ids):
                self._forget(bet)
                return
        self._check_later(bet)

    def _restore_guard(self, bet: Bet) -> None:
        """A bet lost its stop or its target: send both anew, or leave if that cannot help.

        A venue may cancel them together with the rest of a partly filled entry. In any other case it did not want them.
        """
        position, entry = self._position(bet), self.cache.order(bet.entry)
        if position is None or bet.is_rearmed or entry.filled_qty == entry.quantity:
            self.leave(bet.instrument_id, CloseReason.MANUAL)
            return
        bet.is_rearmed = True
        self._cancel(bet.entry)  # if it still works: the new guard is for what is held now
        instrument = self.cache.instrument(bet.instrument_id)
        stop, target = orders.new_guard(
            self.order_factory, instrument, position, bet.life, bet.decision_id, emulation=self.config.emulation
        )
        bet.stop, bet.target = stop.client_order_id, target.client_order_id
        self._submit(bet, stop, position)
        if bet.life.phase is Phase.OPEN:  # else the stop was denied on the spot, and the exit is on its way
            self._submit(bet, target, position)
        self._check_later(bet)

    def _submit(self, bet: Bet, order: Order, position: Position) -> None:
        bet.order_ids.append(order.client_order_id)
        self._by_order[order.client_order_id] = bet
        self.submit_order(order, position_id=position.id)

    def _are_closed(self, order_ids: Iterable[ClientOrderId]) -> bool:
        return all(self.cache.order(order_id).is_closed for order_id in order_ids)

    def _cancel(self, order_id: ClientOrderId) -> None:
        order = self.cache.order(order_id)
        if (order.is_open or order.is_inflight or order.is_emulated) and not order.is_pending_cancel:
            self.cancel_order(order)

    def _forget(self, bet: Bet) -> None:
        bet.life.finish()
        del self._bets[bet.instrument_id]
        for order_id in bet.order_ids:
            del self._by_order[order_id]
        for name in (f"HELIOS-TIMEOUT-{bet.decision_id}", f"HELIOS-CHECK-{bet.decision_id}"):
            if name in self.clock.timer_names:
                self.clock.cancel_timer(name)

    def _check_later(self, bet: Bet) -> None:
        """Look at the bet again in a while, so that it goes on whatever became of an answer.

        Orders without an answer are the engine's to ask about (its in-flight check). In a backtest this is also the
        moment at which the venue takes up what has reached it between two bars.
        """
        name = f"HELIOS-CHECK-{bet.decision_id}"
        if name in self.clock.timer_names:
            self.clock.cancel_timer(name)
        delay_secs = self.config.order_check_secs * 2 ** min(bet.refused_exits, _MOST_DOUBLINGS)
        due_ns = self.clock.timestamp_ns() + int(delay_secs * NS_PER_SEC)
        self.clock.set_time_alert_ns(name, due_ns, lambda _event: self._check(bet))

    def _check(self, bet: Bet) -> None:
        if self._bets.get(bet.instrument_id) is not bet:
            return
        if bet.life.phase is Phase.EXITING:
            self._wind_up(bet)
        elif not self._are_closed([bet.entry]):
            self._requote(bet)
            self._check_later(bet)
        elif self._position(bet) is None:  # it ended while the strategy was stopped and heard nothing
            self.leave(bet.instrument_id, CloseReason.MANUAL)

    def _position(self, bet: Bet) -> Position | None:
        positions = self.cache.positions_open(instrument_id=bet.instrument_id, strategy_id=self.id)
        return positions[0] if positions and not self._is_dust(positions[0]) else None

    # Trailing stop

    def on_bar(self, bar: Bar) -> None:
        """Trail the stop behind the best close since the entry."""
        atr = self._atr.get(bar.bar_type)
        if atr is None:
            return
        atr.handle_bar(bar)
        bet = self._bets.get(bar.bar_type.instrument_id)
        if bet is None or bet.life.phase is not Phase.OPEN or not atr.initialized:
            return
        sign, close = bet.life.side.sign, bar.close.as_double()
        bet.extreme = close if bet.extreme is None else sign * max(sign * close, sign * bet.extreme)
        bet.life.trail(bet.extreme, atr.value, self.config.plan.trail_atr)
        if sign * (close - bet.life.stop_price) <= 0:  # the venue would refuse a stop that lies in the market
            self.leave(bet.instrument_id, CloseReason.STOP_LOSS)
        else:
            self._move_stop(bet)

    def _move_stop(self, bet: Bet) -> None:
        """Bring the stop to where the bet's life has it; also when an earlier move was refused."""
        order = self.cache.order(bet.stop)
        price = self.cache.instrument(bet.instrument_id).make_price(bet.life.stop_price)
        if (order.is_open or order.is_emulated) and not order.is_pending_update and price != order.trigger_price:
            self.modify_order(order, trigger_price=price)
            self._check_later(bet)

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
