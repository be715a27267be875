"""Taking up what an earlier run left: its bets, positions of no bet, orders that still work.

It begins when the engine has reconciled with the venue. What is to be done with which bet is the domain's to say
(`domain/recovery.py`); the guard of a bet ended with the process that watched over it, so all that goes on gets anew.
"""

from collections.abc import Callable, Iterator
from typing import Final

from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId
from nautilus_trader.model.objects import Currency
from nautilus_trader.model.orders import Order
from nautilus_trader.model.position import Position
from nautilus_trader.trading.strategy import Strategy

from helios_nautilus.domain.lifecycle import Lifecycle, Phase
from helios_nautilus.domain.plan import Side
from helios_nautilus.domain.recovery import Decision, Step, decide
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.messages import decision_id_of
from helios_nautilus.strategies import audit, orders
from helios_nautilus.strategies.bets import Bet, Bets, resumed
from helios_nautilus.strategies.desk import Desk
from helios_nautilus.strategies.exits import Exits

type Volatility = Callable[[str], float | None]
"""Daily volatility of an instrument by its id, as a fraction; None if there is no forecast."""

ASSUMED_VOL_DAILY: Final = 0.05
"""Of an instrument without a forecast."""
_ALERT: Final = "HELIOS-RECOVERY"


class Recovery:
    """Takes up bets, positions and orders of an earlier run, and looks at them until each is guarded or gone."""

    def __init__(
        self, strategy: Strategy, bets: Bets, desk: Desk, exits: Exits, journal: Journal, volatility: Volatility
    ) -> None:
        self._strategy = strategy
        self._bets = bets
        self._desk = desk
        self._exits = exits
        self._journal = journal
        self._volatility = volatility
        self._currency = Currency.from_str(strategy.config.account_currency)
        self._found: list[Order] = []
        self._left: list[tuple[Bet, list[Order]]] = []
        self._strays: set[ClientOrderId] = set()

    def take_up(self) -> None:
        """Have the bets that were kept among those under way; nothing is sent yet."""
        self._found = [order for order in self._desk.working() if self._bets.of(order.client_order_id) is None]
        left = [(resumed(kept), kept) for kept in self._bets.left()]
        for bet, _ in left:
            self._bets.add(bet)
        for bet, kept in left:
            self._left.append((bet, [order for fields in kept.in_doubt for order in self._put_back(bet, fields)]))
        for bet, _ in left:  # last: it keeps all bets anew, whole
            self.catch_up(bet)

    def begin(self) -> None:
        """Cancel what still works but for exits, go on with the bets taken up, adopt what none of them knows of.

        Not before the strategy runs: while it starts it would not hear what becomes of its orders.
        """
        for order in self._found:
            if self._bets.of(order.client_order_id) is None or self._bets.origin(order).role != "EXIT":
                self._cancel_stray(order)
        for bet, lost in self._left:
            for order in lost:
                self._tell(bet, "recovered", f"the venue is asked what became of {order.client_order_id}")
                self._strategy.query_order(order)
            if self._bets.has(bet):
                self.settle(bet)
        self._found, self._left = [], []
        self.look()

    def look(self) -> None:
        """Adopt what is held without a bet, and see whether the strays are gone; again soon while some are not."""
        for position in self._desk.positions():
            if self._bets.on(position.instrument_id) is None:
                self._adopt(position)
        self._strays = {order_id for order_id in self._strays if not self._desk.are_closed([order_id])}
        for order_id in self._strays:
            self._desk.cancel(order_id)
        if self._strays:
            self.look_later()

    def look_later(self) -> None:
        """Look again when what is under way has had its time."""
        clock = self._strategy.clock
        if _ALERT not in clock.timer_names:
            due_ns = clock.timestamp_ns() + int(self._strategy.config.order_check_secs * NS_PER_SEC)
            clock.set_time_alert_ns(_ALERT, due_ns, lambda _event: self.look())

    def strays(self) -> set[ClientOrderId]:
        """Orders of an earlier run of which the venue has not said that they are over."""
        waiting = {bet.entry for bet in self._bets if bet.stop is None and bet.life.phase is Phase.ENTERING}
        waiting |= {order.client_order_id for order in self._found}
        return waiting | {order_id for order_id in self._strays if not self._desk.are_closed([order_id])}

    # Bets

    def catch_up(self, bet: Bet) -> None:
        """Journal the fills that nobody heard of, and count the hold from the first of the entry's."""
        for order in filter(None, map(self._desk.order, bet.roles)):
            for event in order.events:
                if isinstance(event, OrderFilled) and event.trade_id.value not in bet.trades:
                    fill = audit.fill_record(event, self._bets.origin(order), self._currency)
                    bet.count(fill.trade_id, fill.commission_value)
                    self._bets.record(fill, self._journal)
            if order.client_order_id == bet.entry and order.filled_qty > 0:
                bet.life.entry_filled(next(event.ts_event for event in order.events if isinstance(event, OrderFilled)))

    def settle(self, bet: Bet) -> None:
        """Do what is next for a bet without a guard."""
        position = self._desk.position(bet.instrument_id)
        if position is not None:
            bet.life.entry_filled(position.ts_opened)
        decision = decide(
            bet.life,
            None if position is None else _side(position),
            may_fill=not self._desk.are_closed([bet.entry]),
            price=self._closing_price(bet),
            now_ns=self._strategy.clock.timestamp_ns(),
        )
        if position is None:
            self._end_or_wait(bet, decision)
        elif decision.step is Step.ADOPT:
            self._tell(bet, "gone", f"{position.quantity} are held on the other side of the bet")
            self._exits.forget(bet)
            self._adopt(position)
        else:
            self._guard_or_leave(bet, position, decision)

    def _put_back(self, bet: Bet, fields: dict[str, object]) -> Iterator[Order]:
        """An order that the venue has said nothing of is under way again: then it can be asked about."""
        order_id = ClientOrderId(str(fields["client_order_id"]))
        is_open_question = bet.life.phase is Phase.ENTERING if order_id == bet.entry else order_id in bet.exits
        if not is_open_question or self._desk.order(order_id) is not None:
            return
        account = self._strategy.cache.account_for_venue(bet.instrument_id.venue)
        ours = {**fields, "trader_id": self._strategy.trader_id.value}
        order = orders.sent_before(ours, account.id, self._strategy.clock.timestamp_ns())
        self._strategy.cache.add_order(order)
        self._strategy.cache.update_order(order)
        bet.in_doubt.append(order)
        yield order

    def _end_or_wait(self, bet: Bet, decision: Decision) -> None:
        if decision.step is Step.WAIT:
            entry = self._desk.order(bet.entry)
            if entry is not None and entry.is_open:  # what is left of a maker's may only add risk
                self._desk.cancel(bet.entry)
            self._exits.check_later(bet)
            return
        self._tell(bet, "gone", "nothing is held of it any more")
        if not bet.is_closed:
            self._tell_end(bet)
        bet.life.give_up()
        self._exits.wind_up(bet)

    def _tell_end(self, bet: Bet) -> None:
        """Journal the position that was closed, but for dust, while nobody looked, if there was one."""
        known = self._strategy.cache.positions(instrument_id=bet.instrument_id, strategy_id=self._strategy.id)
        of_bet = [each for each in known if bet.life.opened_ns is not None and each.ts_last >= bet.life.opened_ns]
        if of_bet:
            self._exits.position_closed(bet, max(of_bet, key=lambda position: position.ts_last))

    def _guard_or_leave(self, bet: Bet, position: Position, decision: Decision) -> None:
        life, reason = bet.life, decision.reason
        instrument = self._desk.instrument(bet.instrument_id)
        stop, target = instrument.make_price(life.stop_price), instrument.make_price(life.target_price)
        ends = f"is left at once: {reason.value}" if reason else f"is stopped at {stop} and taken at {target}"
        self._tell(bet, "recovered", f"{life.side.value} {position.quantity} {ends}")
        if not decision.is_stop_crossed:
            self._exits.guard(bet, position)
        if reason is not None and not self._exits.leave(bet.instrument_id, reason):
            self._exits.wind_up(bet)  # its end had been asked for before
        elif reason is None:
            self._exits.await_time_out(bet)

    # Positions and orders of no bet

    def _adopt(self, position: Position) -> None:
        """Make a bet of a position: a guard by the plan as if entered at its price, and the plan's hold from now."""
        plan, now_ns = self._strategy.config.plan, self._strategy.clock.timestamp_ns()
        name = position.instrument_id.value
        vol_daily = self._volatility(name) or ASSUMED_VOL_DAILY
        life = Lifecycle(
            _side(position), position.avg_px_open, plan.bracket(vol_daily), plan.max_hold_mins * NS_PER_MIN
        )
        life.entry_filled(now_ns)
        bet = Bet(f"{decision_id_of(name, now_ns)}-adopted", position.instrument_id, now_ns, life)
        bet.is_rearmed = True
        self._bets.add(bet)
        self._tell(bet, "adopted", f"{position.quantity} are held of no known bet; daily volatility {vol_daily:.2%}")
        self.settle(bet)

    def _cancel_stray(self, order: Order) -> None:
        price = f" at {order.price}" if order.has_price else ""
        words = f"{order.client_order_id}: {order.side_string()} {order.leaves_qty}{price} of an earlier run"
        self._journal_event("stray_cancelled", words, order.instrument_id, self._bets.origin(order).decision_id)
        self._strays.add(order.client_order_id)
        self._desk.cancel(order.client_order_id)

    def _closing_price(self, bet: Bet) -> float | None:
        quote = self._strategy.cache.quote_tick(bet.instrument_id)
        if quote is None:
            return None
        return (quote.bid_price if bet.life.side is Side.LONG else quote.ask_price).as_double()

    def _tell(self, bet: Bet, kind: str, words: str) -> None:
        self._journal_event(kind, words, bet.instrument_id, bet.decision_id)

    def _journal_event(self, kind: str, words: str, instrument_id: InstrumentId, decision_id: str) -> None:
        now_ns = self._strategy.clock.timestamp_ns()
        self._journal.append(audit.event_record(kind, words, now_ns, instrument_id, decision_id))


def _side(position: Position) -> Side:
    return Side.LONG if position.is_long else Side.SHORT
