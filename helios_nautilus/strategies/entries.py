"""How a bet begins: the bracket is sent as one, and a maker's entry follows the market until it fills."""

from decimal import Decimal

from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Quantity
from nautilus_trader.model.orders import OrderList
from nautilus_trader.trading.strategy import Strategy

from helios_nautilus.domain.lifecycle import Lifecycle, Phase
from helios_nautilus.domain.plan import Bracket, Side
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import OrderRecord
from helios_nautilus.messages import Dossier, Proposal
from helios_nautilus.strategies import orders
from helios_nautilus.strategies.bets import Bet, Bets
from helios_nautilus.strategies.desk import Desk
from helios_nautilus.strategies.exits import Exits


class Entries:
    """Turns dossiers into bets, as the strategy's configuration has it."""

    def __init__(self, strategy: Strategy, bets: Bets, desk: Desk, exits: Exits, journal: Journal) -> None:
        self._strategy = strategy
        self._bets = bets
        self._desk = desk
        self._exits = exits
        self._journal = journal

    def enter(self, dossier: Dossier, *, is_ready: bool) -> None:
        """Send the bracket of a dossier that passed, or journal why not."""
        proposal, terms = dossier.proposal, dossier.known_terms
        plan, instrument_id = self._strategy.config.plan, proposal.instrument_id
        reference = self._reference_price(proposal)
        quantity = orders.affordable(self._desk.instrument(instrument_id), terms.notional / reference)
        if quantity is None or not is_ready or self._bets.on(instrument_id) is not None:
            reason = "not_ready" if not is_ready else "too_small" if quantity is None else "position_open"
            self._not_sent(proposal, reason)
            return
        bracket = Bracket(stop=terms.stop, target=terms.target, hold_ns=plan.hold_ns)
        life = Lifecycle(proposal.side, reference, bracket, plan.max_hold_mins * NS_PER_MIN)
        bracket_orders = self._open_bracket(instrument_id, quantity, life, proposal.decision_id)
        bet = Bet(proposal.decision_id, instrument_id, proposal.ts_ns, life)
        for order in bracket_orders.orders:
            bet.take(order)
        self._bets.add(bet)
        if not self._bets.keep():
            self._bets.remove(bet)
            self._not_sent(proposal, "not_kept")
            return
        self._exits.check_later(bet)
        self._strategy.submit_order_list(bracket_orders)  # last: a denial ends the bet before this returns

    def requote(self, bet: Bet) -> None:
        """Move a maker's entry that is still unfilled after the best price, within the slippage bound."""
        entry, sign = self._desk.order(bet.entry), bet.life.side.sign
        if entry is None or not entry.is_post_only:
            return
        quote = self._strategy.cache.quote_tick(bet.instrument_id)
        is_unfilled = bet.life.phase is Phase.ENTERING and entry.is_open and not entry.is_pending_update
        if not is_unfilled or quote is None or quote.ts_event < bet.decided_ns:
            return
        best = (quote.bid_price if bet.life.side is Side.LONG else quote.ask_price).as_double()
        furthest = bet.life.reference * (1.0 + sign * self._strategy.config.slippage_bound)
        price = self._desk.instrument(bet.instrument_id).make_price(sign * min(sign * best, sign * furthest))
        if sign * (price - entry.price) > 0:
            self._strategy.modify_order(entry, price=price)
            self._exits.check_later(bet)

    def _reference_price(self, proposal: Proposal) -> float:
        """Best price now if a quote came after the decision's bar, else that bar's close."""
        quote = self._strategy.cache.quote_tick(proposal.instrument_id)
        if quote is None or quote.ts_event < proposal.ts_ns:
            return proposal.price
        is_taker = self._strategy.config.plan.entry == "taker"
        price = quote.ask_price if (proposal.side is Side.LONG) == is_taker else quote.bid_price
        return price.as_double()

    def _open_bracket(
        self, instrument_id: InstrumentId, quantity: Quantity, life: Lifecycle, decision_id: str
    ) -> OrderList:
        config = self._strategy.config
        if config.plan.entry == "maker":
            wait_ns = config.plan.maker_wait_secs * NS_PER_SEC
            price, give_up_ns = life.reference, self._strategy.clock.timestamp_ns() + wait_ns
        else:
            price, give_up_ns = life.reference * (1.0 + life.side.sign * config.slippage_bound), None
        return orders.open_bracket(
            self._strategy.order_factory,
            self._desk.instrument(instrument_id),
            quantity,
            life,
            decision_id,
            price=price,
            give_up_ns=give_up_ns,
            emulation=config.emulation,
        )

    def _not_sent(self, proposal: Proposal, reason: str) -> None:
        self._journal.append(
            OrderRecord(
                ts_ns=self._strategy.clock.timestamp_ns(),
                decision_id=proposal.decision_id,
                instrument_id=proposal.instrument_id.value,
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
