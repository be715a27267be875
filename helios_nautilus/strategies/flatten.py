"""Getting out when trading is halted, and never giving up silently: what is not closed is told until it is."""

from decimal import Decimal

from nautilus_trader.model.events import OrderDenied, OrderRejected
from nautilus_trader.model.orders import Order
from nautilus_trader.model.position import Position
from nautilus_trader.trading.strategy import Strategy

from helios_nautilus.domain.plan import CloseReason
from helios_nautilus.domain.portfolio.flatten import FlattenRules, limit_price, pause_before_telling, slippage_of
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.strategies import audit, orders
from helios_nautilus.strategies.bets import Bet


class _Trouble:
    """One bet that is to end: how often it was tried, and what is known of why it is not out."""

    def __init__(self, since_ns: int) -> None:
        self.attempts = 0
        self.since_ns = since_ns
        self.told = 0
        self.next_ns = since_ns
        self.refusal = ""


class Flatten:
    """Makes the exits of bets that are to end. Without ``rules`` each is a market order, and nothing is told."""

    def __init__(self, strategy: Strategy, rules: FlattenRules | None) -> None:
        self._strategy = strategy
        self._rules = rules
        self._troubles: dict[str, _Trouble] = {}

    @property
    def is_live(self) -> bool:
        """There are rules: time is real, and somebody has to be told."""
        return self._rules is not None

    def exit_order(self, bet: Bet, position: Position) -> Order:
        """The next try: a halt's reaches further each time, any other takes the market's price at once."""
        slippage, is_buy = None, position.is_short
        if self._rules is not None and bet.life.exit_reason is CloseReason.KILL:
            trouble = self._trouble(bet)
            slippage = slippage_of(trouble.attempts, self._rules)
            trouble.attempts += 1
        quote = self._strategy.cache.quote_tick(position.instrument_id)
        if slippage is None or quote is None:
            return orders.market_exit(self._strategy.order_factory, position, bet.decision_id)
        far_side = (quote.ask_price if is_buy else quote.bid_price).as_double()
        price = self._strategy.cache.instrument(position.instrument_id).make_price(
            limit_price(far_side, slippage, is_buy=is_buy)
        )
        return orders.limit_exit(self._strategy.order_factory, position, bet.decision_id, price)

    def note_end(self, bet: Bet, order: Order) -> bool:
        """An exit came to its end without closing anything; whether it was refused, and not just out of reach."""
        event = order.last_event
        is_refused = isinstance(event, OrderRejected | OrderDenied) or self._rules is None
        if self._rules is not None:
            out_of_reach = f"nobody traded at {order.price}" if order.has_price else "nobody traded"
            self._trouble(bet).refusal = getattr(event, "reason", "") or out_of_reach
        return is_refused

    def tell(self, bet: Bet, left: Decimal) -> None:
        """Say what is still held of a bet that is to end, if that is due."""
        if self._rules is None:
            return
        trouble, now_ns = self._trouble(bet), self._strategy.clock.timestamp_ns()
        if now_ns < trouble.next_ns:
            return
        trouble.told += 1
        trouble.next_ns = now_ns + int(pause_before_telling(trouble.told, self._rules) * NS_PER_SEC)
        waited = (now_ns - trouble.since_ns) / NS_PER_SEC
        cause = trouble.refusal or "the venue has not said what became of the exit"
        words = f"{left} of {bet.instrument_id} is not closed after {waited:.0f} s: {cause}; it is tried again"
        self._event(bet, "not_flat", words)
        self._strategy.log.error(words)

    def over(self, bet: Bet) -> None:
        """Nothing is held of the bet any more."""
        trouble = self._troubles.pop(bet.decision_id, None)
        if trouble is not None and trouble.told:
            self._event(bet, "flat", f"{bet.instrument_id} is closed")

    def _trouble(self, bet: Bet) -> _Trouble:
        trouble = self._troubles.get(bet.decision_id)
        if trouble is None:
            now_ns = self._strategy.clock.timestamp_ns()
            trouble = self._troubles[bet.decision_id] = _Trouble(now_ns)
            trouble.next_ns += int(0 if self._rules is None else self._rules.tell_after_secs * NS_PER_SEC)
        return trouble

    def _event(self, bet: Bet, kind: str, words: str) -> None:
        now_ns = self._strategy.clock.timestamp_ns()
        self._strategy.journal.append(audit.event_record(kind, words, now_ns, bet.instrument_id, bet.decision_id))
