"""How a bet ends: its exits, the guard that is sent anew, its alerts, and what is done until nothing is left of it.

Stop and target work from the entry's first fill until nothing is held: an exit is sent beside them, and being
reduce-only none of them can close more than there is.
"""

from collections.abc import Callable
from typing import Final

from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.orders import Order
from nautilus_trader.model.position import Position
from nautilus_trader.trading.strategy import Strategy

from helios_nautilus.domain.lifecycle import Phase
from helios_nautilus.domain.plan import CloseReason
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import OrderRole
from helios_nautilus.strategies import audit, orders
from helios_nautilus.strategies.bets import Bet, Bets
from helios_nautilus.strategies.desk import Desk
from helios_nautilus.strategies.flatten import Flatten

_CLOSED_BY: Final[dict[OrderRole, CloseReason]] = {"STOP": CloseReason.STOP_LOSS, "TARGET": CloseReason.TAKE_PROFIT}
_MOST_DOUBLINGS: Final = 5
"""A refused exit is sent again after 2, 4, ... and at last every 64 seconds (with the default check)."""


class Exits:
    """Winds bets up. ``on_check`` looks at a bet whose entry may still be under way, or that has no guard yet."""

    def __init__(
        self, strategy: Strategy, bets: Bets, desk: Desk, journal: Journal, on_check: Callable[[Bet], None]
    ) -> None:
        self._strategy = strategy
        self._bets = bets
        self._desk = desk
        self._journal = journal
        self._on_check = on_check
        self._flatten = Flatten(strategy, strategy.config.flatten)

    def leave(self, instrument_id: InstrumentId, reason: CloseReason) -> bool:
        """End the bet on an instrument, at once and without asking any tier. False if there is none to end."""
        bet = self._bets.on(instrument_id)
        if bet is None or not bet.life.request_exit(reason):
            return False
        self._bets.keep()
        self.wind_up(bet)
        return True

    def wind_up(self, bet: Bet) -> None:
        """Go a step towards nothing held and nothing working; taken again at every event and check until it is so."""
        position = self._desk.position(bet.instrument_id)
        self._desk.cancel(bet.entry)
        if position is not None:
            if self._desk.are_closed(bet.exits):
                self._submit(bet, self._flatten.exit_order(bet, position), position)
            self._flatten.tell(bet, position.quantity.as_decimal())
        elif self._desk.are_closed([bet.entry]):
            for order_id in bet.roles:
                self._desk.cancel(order_id)
            if self._desk.are_closed(bet.roles):
                self.forget(bet)
                return
        self.check_later(bet)

    def order_closed(self, bet: Bet, order: Order) -> None:
        """An order of the bet ended other than by its last fill."""
        order_id, phase = order.client_order_id, bet.life.phase
        if phase is Phase.ENTERING and order_id == bet.entry:
            bet.life.give_up()
            self.wind_up(bet)
        elif phase is Phase.EXITING and order_id in bet.exits and order.filled_qty == 0 and self._holds(bet):
            # A refused exit is sent again by the next check, not here: it would be refused over and over.
            if self._flatten.note_end(bet, order):
                bet.refused_exits += 1
                self._strategy.log.error(f"Exit refused: {order}")
                if self._flatten.is_live:
                    self._desk.cancel_at_venue(bet.target)  # what it locks there is not free to be sold
        elif phase is Phase.EXITING:
            self.wind_up(bet)
        elif order_id in (bet.stop, bet.target):
            self._restore_guard(bet)

    def position_closed(self, bet: Bet, position: Position) -> None:
        """Journal how a bet came out; where dust is left its orders have nothing more to do."""
        last = self._desk.order(position.last_event.client_order_id)
        reason = bet.life.close(None if last is None else _CLOSED_BY.get(self._bets.origin(last).role))
        record = audit.position_record(position, bet.decision_id, bet.life, reason.value, bet.costs)
        bet.is_closed = True
        self._bets.record(record, self._journal)
        if position.is_open:
            words = f"{position.quantity} is left, less than the venue trades"
            self._journal.append(
                audit.event_record("dust", words, position.ts_last, bet.instrument_id, bet.decision_id)
            )

    def outgrows_guard(self, bet: Bet, held: float) -> bool:
        """More is held than the stop closes: the entry went on after it was sent anew, or somebody else bought."""
        order = self._desk.order(bet.stop if bet.is_rearmed else bet.entry)
        return order is not None and held > order.quantity.as_double()

    def guard(self, bet: Bet, position: Position) -> None:
        """Send stop and target for what is held now, in the place of those there were."""
        bet.is_rearmed = True
        self._desk.cancel(bet.entry)  # if it still works: the new guard is for what is held now
        stop, target = orders.new_guard(
            self._strategy.order_factory,
            self._desk.instrument(bet.instrument_id),
            position,
            bet.life,
            bet.decision_id,
            emulation=self._strategy.config.emulation,
        )
        bet.target = target.client_order_id
        self._submit(bet, stop, position)
        if bet.life.phase is Phase.OPEN:  # else the stop was denied on the spot, and the exit is on its way
            self._submit(bet, target, position)
        self.check_later(bet)

    def _restore_guard(self, bet: Bet) -> None:
        """A bet lost its stop or its target: send both anew, or leave if that cannot help.

        A venue may cancel them together with the rest of a partly filled entry. In any other case it did not want them.
        """
        position, entry = self._desk.position(bet.instrument_id), self._desk.order(bet.entry)
        is_whole = entry is None or entry.filled_qty == entry.quantity
        if position is None or bet.is_rearmed or is_whole:
            self.leave(bet.instrument_id, CloseReason.MANUAL)
        else:
            self.guard(bet, position)

    def _submit(self, bet: Bet, order: Order, position: Position) -> None:
        self._bets.give(bet, order)
        self._strategy.submit_order(order, position_id=position.id)

    def _holds(self, bet: Bet) -> bool:
        return self._desk.position(bet.instrument_id) is not None

    def forget(self, bet: Bet) -> None:
        """Nothing is held of the bet and nothing of it works."""
        bet.life.finish()
        self._flatten.over(bet)
        self._bets.remove(bet)
        self._bets.keep()
        for name in (_time_out_alert(bet), _check_alert(bet)):
            if name in self._strategy.clock.timer_names:
                self._strategy.clock.cancel_timer(name)

    # Alerts

    def await_time_out(self, bet: Bet) -> None:
        """Leave when the hold is over."""
        name, clock = _time_out_alert(bet), self._strategy.clock
        if name not in clock.timer_names:
            clock.set_time_alert_ns(name, bet.life.deadline_ns, lambda _event: self._time_out(bet))

    def _time_out(self, bet: Bet) -> None:
        if self._bets.has(bet):
            self.leave(bet.instrument_id, CloseReason.TIMEOUT)

    def check_later(self, bet: Bet) -> None:
        """Look at the bet again in a while, so that it goes on whatever became of an answer.

        Orders without an answer are the engine's to ask about (its in-flight check). In a backtest this is also the
        moment at which the venue takes up what has reached it between two bars.
        """
        name, clock = _check_alert(bet), self._strategy.clock
        if name in clock.timer_names:
            clock.cancel_timer(name)
        delay_secs = self._strategy.config.order_check_secs * 2 ** min(bet.refused_exits, _MOST_DOUBLINGS)
        due_ns = clock.timestamp_ns() + int(delay_secs * NS_PER_SEC)
        clock.set_time_alert_ns(name, due_ns, lambda _event: self._check(bet))

    def _check(self, bet: Bet) -> None:
        if not self._bets.has(bet):
            return
        if bet.life.phase is Phase.EXITING:
            self.wind_up(bet)
        elif bet.stop is None or not self._desk.are_closed([bet.entry]):
            self.check_later(bet)
            self._on_check(bet)
        elif not self._holds(bet):  # it ended while the strategy was stopped and heard nothing
            self.leave(bet.instrument_id, CloseReason.MANUAL)


def _time_out_alert(bet: Bet) -> str:
    return f"HELIOS-TIMEOUT-{bet.decision_id}"


def _check_alert(bet: Bet) -> str:
    return f"HELIOS-CHECK-{bet.decision_id}"
