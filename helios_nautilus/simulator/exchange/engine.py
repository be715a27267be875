"""The matching engine: takes orders, cancels and modifies them, triggers stops, and keeps ledger and books in step.

Every public method is one operation at a given time: it leaves no crossed book, triggers what it set off and then says
what changed, the balances and open orders at the end, once each.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import StrEnum

from helios_nautilus.simulator.exchange.acceptance import cap_reduction, check_plan, reducible, step_back
from helios_nautilus.simulator.exchange.accounts import Accounts
from helios_nautilus.simulator.exchange.decimals import EXACT, ZERO, times
from helios_nautilus.simulator.exchange.events import (
    BalanceChanged,
    BookChanged,
    Event,
    OpenOrdersChanged,
    OrderChanged,
    OrderProcessed,
)
from helios_nautilus.simulator.exchange.identity import IdSource
from helios_nautilus.simulator.exchange.ledger import HOUSE, MARKET, Ledger
from helios_nautilus.simulator.exchange.listing import Listing
from helios_nautilus.simulator.exchange.margin import Margin
from helios_nautilus.simulator.exchange.matching import Match, OrderBook
from helios_nautilus.simulator.exchange.orders import Order, OrderType, Side, Status, TimeInForce
from helios_nautilus.simulator.exchange.positions import Positions
from helios_nautilus.simulator.exchange.refusals import STOP_TRIGGERED_AT_ONCE, Code, Refusal, engine_failure
from helios_nautilus.simulator.exchange.settlement import Settlement, enter


class MatchStrategy(StrEnum):
    """What a modify does when its new price would match."""

    RETAIN_ORIGINAL = "RETAIN_ORIGINAL"
    CANCEL_ORIGINAL = "CANCEL_ORIGINAL"
    REPRICE = "REPRICE"


class Engine:
    """All books, orders and money of the exchange."""

    def __init__(self, listing: Listing, accounts: Accounts, ids: IdSource, publish: Callable[[Event], None]) -> None:
        self.accounts = accounts
        self.ledger = Ledger()
        self.positions = Positions(ids)
        self.margin = Margin(listing, self.ledger, self.positions)
        self.settlement = Settlement(self.ledger, self.positions, accounts, ids, publish)
        self.books = {symbol: OrderBook() for symbol in listing.pairs}
        self.orders: dict[str, Order] = {}
        self._publish = publish
        self._open: defaultdict[str, dict[str, Order]] = defaultdict(dict)
        self._by_customer_id: dict[tuple[str, str], Order] = {}
        self._stops: defaultdict[str, dict[str, Order]] = defaultdict(dict)
        self._changed_accounts: dict[str, None] = {}

    def open_orders(self, account_id: str) -> list[Order]:
        """An account's open orders, oldest first."""
        return list(self._open[account_id].values())

    def find(
        self, account_id: str, *, order_id: str | None = None, customer_order_id: str | None = None, symbol: str = ""
    ) -> Order:
        """An account's order by one of its ids (the newest of a customer id); an unknown one is refused."""
        order = (
            self.orders.get(order_id) if order_id else self._by_customer_id.get((account_id, customer_order_id or ""))
        )
        if order is None or order.account_id != account_id or (symbol and order.pair.symbol != symbol):
            raise Refusal(Code.INVALID_ORDER)
        return order

    def check_customer_id(self, account_id: str, customer_order_id: str | None) -> None:
        """Refuse a customer id that one of the account's open orders has."""
        order = self._by_customer_id.get((account_id, customer_order_id or ""))
        if customer_order_id and order is not None and order.is_open:
            raise Refusal(Code.DUPLICATE_CUSTOMER_ORDER_ID)

    def submit(self, order: Order, now_ns: int) -> Refusal | None:
        """Take a new order; the refusal if it failed. Its outcome is in the order and in the events."""
        self.orders[order.order_id] = order
        if order.customer_order_id:
            self._by_customer_id[order.account_id, order.customer_order_id] = order
        refusal = None
        try:
            if order.stop_price is None:
                self._execute(order, now_ns)
            else:
                self._arm(order, now_ns)
        except Refusal as error:
            refusal = error
            self._publish(OrderProcessed(order, refusal))
            self._fail(order, refusal, now_ns)
        self.conclude(now_ns)
        return refusal

    def cancel(self, order: Order, now_ns: int) -> None:
        """Cancel an open order; refused for one that is not open."""
        if not order.is_open:
            raise Refusal(Code.INVALID_ORDER)
        self._take_off(order)
        self._close(order, Status.CANCELLED, now_ns)
        self.conclude(now_ns)

    def modify(
        self,
        order: Order,
        now_ns: int,
        *,
        price: Decimal | None = None,
        remaining: Decimal | None = None,
        total: Decimal | None = None,
        strategy: MatchStrategy,
    ) -> None:
        """Change price, remaining or total quantity of an open order; a `Refusal` leaves it as it was.

        A smaller quantity keeps its place in the queue, anything else goes to the back. A total at or below what is
        filled cancels the order.
        """
        if not order.is_open or order.type is OrderType.MARKET:
            raise Refusal(Code.INVALID_ORDER)
        new_price = order.price if price is None else price
        new_remaining = order.remaining if remaining is None else remaining
        if total is not None:
            new_remaining = total - order.executed
        if new_price == order.price and new_remaining == order.remaining:
            raise Refusal(Code.NOTHING_MODIFIED)
        if new_remaining <= 0:
            self._take_off(order)
            self._close(order, Status.CANCELLED, now_ns)
        else:
            self._amend(order, new_price, new_remaining, strategy, now_ns)
        self.conclude(now_ns)

    def quote(self, order: Order, now_ns: int) -> None:
        """Rest liquidity of the market; customers' orders in its way are filled first. Concluded by the caller."""
        for match in self.books[order.pair.symbol].plan(order.side, order.remaining, order.price):
            self._carry_out(order, match, now_ns)
        if order.remaining:
            self.books[order.pair.symbol].add(order)

    def withdraw(self, order: Order) -> None:
        """Take liquidity of the market back. Concluded by the caller."""
        self.books[order.pair.symbol].remove(order)

    def hit(self, taker: Order, now_ns: int) -> None:
        """Trade for the market against what rests, up to the taker's limit. Concluded by the caller."""
        for match in self.books[taker.pair.symbol].plan(taker.side, taker.remaining, taker.price):
            self._carry_out(taker, match, now_ns)

    def fill_from_market(self, order: Order, quantity: Decimal, now_ns: int) -> None:
        """Let the market trade with so much of one resting order, at its price."""
        taker = Order(
            order_id="",
            account_id=MARKET,
            pair=order.pair,
            side=order.side.opposite,
            type=OrderType.LIMIT,
            quantity=min(quantity, order.remaining),
            price=order.price,
            created_ns=now_ns,
        )
        self._carry_out(taker, Match(order, taker.quantity), now_ns)
        self.conclude(now_ns)

    def _execute(self, order: Order, now_ns: int) -> None:
        if order.reduce_only:
            cap_reduction(order, self.positions.get(order.account_id, order.pair.symbol))
        if order.reprice_ticks:
            best = self.books[order.pair.symbol].best(order.side.opposite)
            step_back(order, best, order.reprice_ticks)
        matches = self._plan(order)
        check_plan(order, matches)
        if not order.reserved:
            self._reserve(order, matches, now_ns)
        if order.status is None:
            self._publish(OrderProcessed(order))
        for match in matches:
            self._carry_out(order, match, now_ns)
        self._place_rest(order, now_ns)

    def _plan(self, order: Order) -> list[Match]:
        book = self.books[order.pair.symbol]
        if order.quote_amount is None:
            limit = None if order.type is OrderType.MARKET else order.price
            return book.plan(order.side, order.remaining, limit)
        matches = book.plan_amount(order.side, order.quote_amount, order.pair.places)
        order.quantity = order.remaining = sum((match.quantity for match in matches), ZERO)
        return matches

    def _reserve(self, order: Order, matches: Iterable[Match], now_ns: int) -> None:
        account = self.accounts[order.account_id]
        if order.type is OrderType.MARKET:
            notional = sum((times(match.quantity, match.maker.price) for match in matches), ZERO)
            needed = notional if order.side is Side.BUY else order.quantity
        else:
            notional = times(order.remaining, order.price)
            needed = order.cost_of(order.remaining)
        if order.pair.is_perpetual:
            self.margin.check_perpetual(account, order, order.quantity, notional, self._open[order.account_id].values())
            return
        if order.allow_margin:
            self.margin.check_borrowing(account, order.reserve_currency, needed, self._open[order.account_id].values())
        self.ledger.reserve(order.account_id, order.reserve_currency, needed, now_ns, may_borrow=order.allow_margin)
        order.reserved = needed

    def _carry_out(self, taker: Order, match: Match, now_ns: int) -> None:
        maker = match.maker
        taker.remaining -= match.quantity
        self.books[taker.pair.symbol].shrink(maker, match.quantity)
        trade = self.settlement.settle(taker, match, now_ns)
        self.margin.last_prices[trade.symbol] = trade.price
        for order in (taker, maker):
            if order.account_id not in HOUSE:
                self._changed_accounts[order.account_id] = None
        if not maker.remaining:
            self._open[maker.account_id].pop(maker.order_id, None)

    def _place_rest(self, order: Order, now_ns: int) -> None:
        if not order.remaining:
            self._give_back(order, now_ns)
            self._open[order.account_id].pop(order.order_id, None)
        elif order.type is OrderType.MARKET or order.time_in_force is not TimeInForce.GTC:
            self._close(order, Status.CANCELLED, now_ns)
        else:
            self.books[order.pair.symbol].add(order)
            self._open[order.account_id][order.order_id] = order
            self._changed_accounts[order.account_id] = None
            if order.status is None:
                self._enter(order, Status.PLACED, now_ns)

    def _arm(self, order: Order, now_ns: int) -> None:
        last = self.margin.last_prices.get(order.pair.symbol)
        if last is not None and order.is_triggered_by(last):
            raise engine_failure(STOP_TRIGGERED_AT_ONCE)
        self._reserve(order, (), now_ns)
        self._publish(OrderProcessed(order))
        self._stops[order.pair.symbol][order.order_id] = order
        self._open[order.account_id][order.order_id] = order
        self._changed_accounts[order.account_id] = None
        self._enter(order, Status.ACTIVE, now_ns)

    def _trigger_stops(self, now_ns: int) -> None:
        """Send triggered stops to the book, oldest first, until none is left that the last price triggers."""
        waiting = True
        while waiting:
            waiting = False
            for symbol, stops in self._stops.items():
                last = self.margin.last_prices.get(symbol)
                order = next((stop for stop in stops.values() if last and stop.is_triggered_by(last)), None)
                if order is not None:
                    waiting = True
                    del stops[order.order_id]
                    self._release_stop(order, now_ns)

    def _release_stop(self, order: Order, now_ns: int) -> None:
        self._enter(order, Status.PLACED, now_ns)
        try:
            self._execute(order, now_ns)
        except Refusal as refusal:
            self._fail(order, refusal, now_ns)

    def _amend(self, order: Order, price: Decimal, remaining: Decimal, strategy: MatchStrategy, now_ns: int) -> None:
        """Put a changed order in place of the old one."""
        if order.is_resting and self.books[order.pair.symbol].plan(order.side, remaining, price):
            if strategy is MatchStrategy.RETAIN_ORIGINAL:
                raise engine_failure("Modify order would have matched and was cancelled")
            if strategy is MatchStrategy.CANCEL_ORIGINAL:
                self._take_off(order)
                self._close(order, Status.CANCELLED, now_ns)
                return
            best = self.books[order.pair.symbol].best(order.side.opposite)
            assert best is not None, "a plan was found on the opposite side"
            price = best - order.side.sign * order.pair.tick
        self._reserve_difference(order, price, remaining, now_ns)
        if order.status is Status.ACTIVE:
            order.price, order.remaining = price, remaining
        elif price == order.price and remaining < order.remaining:
            self.books[order.pair.symbol].shrink(order, order.remaining - remaining)
        else:
            self.books[order.pair.symbol].remove(order)
            order.price, order.remaining = price, remaining
            self.books[order.pair.symbol].add(order)
        order.quantity = order.executed + remaining
        self._changed_accounts[order.account_id] = None
        self._enter(order, Status.ACTIVE if order.status is Status.ACTIVE else Status.ORDER_MODIFIED, now_ns)

    def _reserve_difference(self, order: Order, price: Decimal, remaining: Decimal, now_ns: int) -> None:
        if order.pair.is_perpetual:
            self._check_margin_difference(order, price, remaining)
            return
        needed = times(price, remaining) if order.side is Side.BUY else remaining
        more = EXACT.subtract(needed, order.reserved)
        if more > 0:
            self.ledger.reserve(order.account_id, order.reserve_currency, more, now_ns, may_borrow=order.allow_margin)
        else:
            self.ledger.release(order.account_id, order.reserve_currency, -more, now_ns)
        order.reserved = needed

    def _check_margin_difference(self, order: Order, price: Decimal, remaining: Decimal) -> None:
        others = [one for one in self._open[order.account_id].values() if one is not order]
        account = self.accounts[order.account_id]
        self.margin.check_perpetual(account, order, remaining, times(remaining, price), others)

    def _take_off(self, order: Order) -> None:
        if order.status is Status.ACTIVE:
            del self._stops[order.pair.symbol][order.order_id]
        else:
            self.books[order.pair.symbol].remove(order)

    def _fail(self, order: Order, refusal: Refusal, now_ns: int) -> None:
        order.failed_reason = refusal.message
        self._close(order, Status.FAILED, now_ns)

    def _close(self, order: Order, status: Status, now_ns: int) -> None:
        """End an order that is on no book."""
        self._give_back(order, now_ns)
        if self._open[order.account_id].pop(order.order_id, None) is not None:
            self._changed_accounts[order.account_id] = None
        self._enter(order, status, now_ns)

    def _give_back(self, order: Order, now_ns: int) -> None:
        if order.reserved:
            self.ledger.release(order.account_id, order.reserve_currency, order.reserved, now_ns)
            order.reserved = ZERO

    def _enter(self, order: Order, status: Status, now_ns: int) -> None:
        self._publish(OrderChanged(order, enter(order, status, now_ns)))

    def _trim_reductions(self, now_ns: int) -> None:
        """Cut or cancel resting reduce-only orders that would do more than close their position."""
        for account_id in list(self._changed_accounts):
            for order in self.open_orders(account_id):
                if not order.reduce_only:
                    continue
                left = reducible(order, self.positions.get(account_id, order.pair.symbol))
                if not left:
                    self._take_off(order)
                    self._close(order, Status.CANCELLED, now_ns)
                elif left < order.remaining:
                    self.books[order.pair.symbol].shrink(order, order.remaining - left)
                    order.quantity = order.executed + left
                    self._enter(order, Status.ORDER_MODIFIED, now_ns)

    def conclude(self, now_ns: int) -> None:
        """End an operation: trigger stops, trim reductions, then say what changed."""
        self._trigger_stops(now_ns)
        self._trim_reductions(now_ns)
        for account_id, currency in self.ledger.touched:
            self._publish(BalanceChanged(account_id, currency))
        self.ledger.touched.clear()
        for account_id in self._changed_accounts:
            self._publish(OpenOrdersChanged(account_id))
        self._changed_accounts.clear()
        for symbol, book in self.books.items():
            if book.changes:
                self._publish(BookChanged(symbol, book.take_changes(), now_ns))
