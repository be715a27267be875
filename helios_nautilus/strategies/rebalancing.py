"""Bringing bets nearer to their target weights: a trim sells a part of one, a purchase becomes a bet of its own.

A trim goes to the venue beside stop and target, which then close more than is left; being reduce-only they cannot. With
each of its fills they are cut to what is held, so there is neither a moment without a stop nor a stop for what is gone.
An exit waits for no trim.
"""

from collections.abc import Callable

from nautilus_trader.trading.strategy import Strategy

from helios_nautilus.domain.lifecycle import Phase
from helios_nautilus.domain.plan import CloseReason, Side
from helios_nautilus.domain.timeframe import NS_PER_SEC, parse_timeframe
from helios_nautilus.messages import Proposal, Rebalance, WeightOrder, decision_id_of
from helios_nautilus.strategies import audit, orders
from helios_nautilus.strategies.bets import Bet, Bets
from helios_nautilus.strategies.desk import Desk
from helios_nautilus.strategies.exits import Exits

_BUY_ALERT = "HELIOS-REBALANCE-BUY"


class Rebalancing:
    """Carries out what a `Rebalance` asks for: sales at once, purchases when nothing is being sold any more."""

    def __init__(self, strategy: Strategy, bets: Bets, desk: Desk, exits: Exits) -> None:
        self._strategy = strategy
        self._bets = bets
        self._desk = desk
        self._exits = exits

    def carry_out(self, asked: Rebalance) -> None:
        """Sell, then buy; of other strategies' instruments nothing."""
        ours = [order for order in asked.orders if order.instrument_id in self._strategy.config.instrument_ids]
        for order in ours:
            if order.change < 0.0:
                self._sell(order, asked)
        wanted = tuple(order for order in ours if order.change > 0.0)
        if wanted:
            self._buy_later(wanted, asked)

    # Sales

    def _sell(self, order: WeightOrder, asked: Rebalance) -> None:
        bet, position = self._bets.on(order.instrument_id), self._desk.position(order.instrument_id)
        if bet is None or position is None:
            return
        if not self._is_trimmable(bet):
            self._tell(bet.decision_id, order, asked, "nothing is sold while its orders change", kind="not_rebalanced")
            return
        held, instrument = position.quantity.as_double(), self._desk.instrument(order.instrument_id)
        quantity = orders.affordable(instrument, held * order.share)
        if quantity is None:
            return
        left = orders.affordable(instrument, held - quantity.as_double())
        sold = "all" if left is None else f"{quantity} of {position.quantity}"
        self._tell(bet.decision_id, order, asked, f"{sold} is sold")
        if left is None:
            self._exits.leave(order.instrument_id, CloseReason.REBALANCE)
            return
        trim = orders.trim(self._strategy.order_factory, position, quantity, bet.decision_id)
        bet.is_rearmed = True  # from now on the stop's own size, not the entry's, says how much is guarded
        self._bets.give(bet, trim)
        self._exits.check_later(bet)
        self._strategy.submit_order(trim, position_id=position.id)

    def _is_trimmable(self, bet: Bet) -> bool:
        """A long under a working stop, with nothing on its way that would change how much is held."""
        is_still = self._desk.are_closed([bet.entry]) and not self._is_being_sold(bet)
        return bet.life.phase is Phase.OPEN and bet.life.side is Side.LONG and is_still and self._desk.works(bet.stop)

    def _is_being_sold(self, bet: Bet) -> bool:
        trims = [order_id for order_id, role in bet.roles.items() if role == "TRIM"]
        return bet.life.phase is Phase.EXITING or not self._desk.are_closed(trims)

    def fit_guard(self, bet: Bet) -> None:
        """Cut stop and target to what is held; seen to again until they are, whatever becomes of an answer."""
        position = self._desk.position(bet.instrument_id)
        if position is None or bet.life.phase is not Phase.OPEN or not self._bets.has(bet):
            return
        held, is_fit = position.quantity.as_decimal(), True
        for order in filter(None, map(self._desk.order, (bet.stop, bet.target))):
            if order.is_closed or order.leaves_qty.as_decimal() <= held:
                continue
            is_fit = False
            if self._desk.works(order.client_order_id) and not order.is_pending_update:
                whole = self._desk.instrument(bet.instrument_id).make_qty(order.filled_qty.as_decimal() + held)
                self._strategy.modify_order(order, quantity=whole)
        if not is_fit:
            self._look_again(f"HELIOS-FIT-{bet.decision_id}", lambda: self.fit_guard(bet))

    # Purchases

    def _buy_later(self, wanted: tuple[WeightOrder, ...], asked: Rebalance) -> None:
        """Buy with what the sales have brought; what takes longer than a decision bar is out of date."""
        give_up_ns = asked.ts_ns + parse_timeframe(self._strategy.config.decision)
        if self._strategy.clock.timestamp_ns() >= give_up_ns:
            return
        if any(map(self._is_being_sold, self._bets)):
            self._look_again(_BUY_ALERT, lambda: self._buy_later(wanted, asked))
            return
        for order in wanted:
            self._buy(order, asked)

    def _buy(self, order: WeightOrder, asked: Rebalance) -> None:
        name, said = order.instrument_id, order.prediction
        decision_id = f"{decision_id_of(name.value, asked.ts_ns)}-rebalanced"
        has_bet = self._bets.on(name) is not None
        objection = "position_open" if has_bet else self._strategy.objection(name)
        if said is None or objection is not None:
            self._strategy.note(decision_id, name, "dropped", objection or "no_prediction", Side.LONG)
            return
        self._strategy.note(decision_id, name, "proposed", "rebalancing", Side.LONG)
        self._tell(decision_id, order, asked, f"{order.value:,.2f} is to be bought")
        self._strategy.propose(
            Proposal(
                decision_id=decision_id,
                strategy_id=self._strategy.id.value,
                instrument_id=name,
                side=Side.LONG,
                ts_ns=said.ts_event,
                price=said.price,
                p_buy=said.p_buy,
                p_sell=said.p_sell,
                p_hold=said.p_hold,
                model_id=said.model_id,
                attention=said.attention,
                wanted=order.value,
            )
        )

    # Both

    def _look_again(self, name: str, again: Callable[[], None]) -> None:
        clock = self._strategy.clock
        due_ns = clock.timestamp_ns() + int(self._strategy.config.order_check_secs * NS_PER_SEC)
        if name in clock.timer_names:
            clock.cancel_timer(name)
        clock.set_time_alert_ns(name, due_ns, lambda _event: again())

    def _tell(
        self, decision_id: str, order: WeightOrder, asked: Rebalance, what: str, kind: str = "rebalanced"
    ) -> None:
        words = f"{what}: {order.weight:.2%} of equity, its target is {order.target:.2%} ({asked.reason})"
        now_ns = self._strategy.clock.timestamp_ns()
        self._strategy.journal.append(audit.event_record(kind, words, now_ns, order.instrument_id, decision_id))
