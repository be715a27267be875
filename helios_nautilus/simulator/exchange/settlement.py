"""Carrying out a match: who pays whom, what it costs, and what both sides are told."""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from helios_nautilus.simulator.exchange.accounts import Accounts
from helios_nautilus.simulator.exchange.decimals import EXACT, ZERO, times
from helios_nautilus.simulator.exchange.events import (
    AccountTraded,
    Event,
    OrderChanged,
    PositionChanged,
    PositionClosed,
    PositionReduced,
    Traded,
    Transaction,
)
from helios_nautilus.simulator.exchange.fees import LIQUIDATION_PERCENT, Charge, charge
from helios_nautilus.simulator.exchange.identity import IdSource
from helios_nautilus.simulator.exchange.ledger import CLEARING, FEES, HOUSE, Ledger
from helios_nautilus.simulator.exchange.matching import Match
from helios_nautilus.simulator.exchange.orders import Fill, Order, OrderState, OrderType, Side, Status, Trade
from helios_nautilus.simulator.exchange.positions import Effect, Positions

_KINDS: Final = {OrderType.MARKET: "MARKET", OrderType.LIQUIDATION: "LIQUIDATION_LIMIT"}
"""What transactions call an order type; all others are plain limits to them."""


class Settlement:
    """Books matches into ledger, positions, fills and transactions. The caller keeps the order book in step."""

    def __init__(
        self,
        ledger: Ledger,
        positions: Positions,
        accounts: Accounts,
        ids: IdSource,
        publish: Callable[[Event], None],
    ) -> None:
        self._ledger = ledger
        self._positions = positions
        self._accounts = accounts
        self._ids = ids
        self._publish = publish
        self.fills: defaultdict[str, list[Fill]] = defaultdict(list)
        """By account, oldest first."""
        self.transactions: defaultdict[str, list[Transaction]] = defaultdict(list)

    def settle(self, taker: Order, match: Match, now_ns: int) -> Trade:
        """Book a match that both orders' ``remaining`` already shows."""
        maker = match.maker
        trade = Trade(
            trade_id=self._ids.uuid(now_ns),
            sequence=self._ids.next_sequence(),
            symbol=taker.pair.symbol,
            price=maker.price,
            quantity=match.quantity,
            taker_side=taker.side,
            traded_ns=now_ns,
        )
        if taker.account_id not in HOUSE or maker.account_id not in HOUSE:
            if not taker.pair.is_perpetual:
                self._swap(taker, maker, trade)
            self._book(taker, trade, is_maker=False)
            self._book(maker, trade, is_maker=True)
        self._publish(Traded(trade))
        return trade

    def record(self, transaction: Transaction) -> None:
        """Add a line to an account's history."""
        self.transactions[transaction.account_id].append(transaction)
        self._publish(transaction)

    def _swap(self, taker: Order, maker: Order, trade: Trade) -> None:
        notional = times(trade.price, trade.quantity)
        for order in (taker, maker):
            self._release(order, trade.quantity, notional, trade.traded_ns)
        buyer, seller = (taker, maker) if taker.side is Side.BUY else (maker, taker)
        pair = taker.pair
        self._ledger.transfer(buyer.account_id, seller.account_id, pair.quote, notional, trade.traded_ns)
        self._ledger.transfer(seller.account_id, buyer.account_id, pair.base, trade.quantity, trade.traded_ns)

    def _release(self, order: Order, quantity: Decimal, notional: Decimal, now_ns: int) -> None:
        if order.account_id in HOUSE:
            return
        spends_quote = order.side is Side.BUY and order.type is OrderType.MARKET
        part = notional if spends_quote else order.cost_of(quantity)
        order.reserved = EXACT.subtract(order.reserved, part)
        self._ledger.release(order.account_id, order.reserve_currency, part, now_ns)

    def _book(self, order: Order, trade: Trade, *, is_maker: bool) -> None:
        """One side's fees, position, records and events; the house has none of them but its position."""
        if order.account_id in HOUSE:
            if order.pair.is_perpetual:
                self._move_position(order, trade, ZERO)
            return
        notional = times(trade.price, trade.quantity)
        percent = self._percent(order, is_maker=is_maker)
        fee = charge(order.pair, order.side, percent, trade.quantity, notional)
        self._ledger.transfer(order.account_id, FEES, fee.currency, fee.amount, trade.traded_ns)
        effect = self._move_position(order, trade, fee.amount) if order.pair.is_perpetual else None
        self._fill(order, trade, fee, is_maker=is_maker)
        if effect is None:
            self._record_spot(order, trade, notional, fee)
        else:
            self._record_perpetual(order, trade, effect, fee)

    def _percent(self, order: Order, *, is_maker: bool) -> Decimal:
        if order.type is OrderType.LIQUIDATION:
            return LIQUIDATION_PERCENT
        rates = self._accounts[order.account_id].rates(order.pair)
        return rates.maker if is_maker else rates.taker

    def _fill(self, order: Order, trade: Trade, fee: Charge, *, is_maker: bool) -> None:
        fill = Fill(
            trade_id=trade.trade_id,
            sequence=trade.sequence,
            account_id=order.account_id,
            order_id=order.order_id,
            customer_order_id=order.customer_order_id,
            symbol=trade.symbol,
            side=order.side,
            price=trade.price,
            quantity=trade.quantity,
            fee=fee.amount,
            fee_currency=fee.currency,
            is_maker=is_maker,
            traded_ns=trade.traded_ns,
        )
        self.fills[order.account_id].append(fill)
        self._publish(AccountTraded(fill))
        self._publish(OrderChanged(order, advance(order, fill)))

    def _move_position(self, order: Order, trade: Trade, fee: Decimal) -> Effect:
        effect = self._positions.trade(
            order.account_id,
            order.pair,
            order.side,
            trade.price,
            trade.quantity,
            fee,
            trade.traded_ns,
            "Liquidation" if order.type is OrderType.LIQUIDATION else "Trade",
        )
        self._ledger.transfer(CLEARING, order.account_id, order.pair.quote, effect.cash, trade.traded_ns)
        if order.account_id not in HOUSE:
            self._tell_position(order, effect)
        return effect

    def _tell_position(self, order: Order, effect: Effect) -> None:
        if effect.reduction is not None:
            self._publish(PositionReduced(effect.reduction))
        if effect.closed is not None:
            self._publish(PositionClosed(effect.closed))
        position = self._positions.get(order.account_id, order.pair.symbol)
        if position is not None:
            self._publish(PositionChanged(position))

    def _record_spot(self, order: Order, trade: Trade, notional: Decimal, fee: Charge) -> None:
        pair = order.pair
        given, received = (pair.quote, notional), (pair.base, trade.quantity)
        if order.side is Side.SELL:
            given, received = received, given
        is_reward = fee.amount < 0
        net = received[1] if is_reward else EXACT.subtract(received[1], fee.amount)
        self._record(
            order,
            trade,
            f"{_KINDS.get(order.type, 'LIMIT')}_{order.side.name}",
            debit=given,
            credit=(received[0], net),
            fee=None if is_reward else (fee.currency, fee.amount),
        )
        if is_reward:
            self._record(order, trade, "MAKER_REWARD", credit=(fee.currency, -fee.amount))

    def _record_perpetual(self, order: Order, trade: Trade, effect: Effect, fee: Charge) -> None:
        if fee.amount:
            self._record(order, trade, "FUTURES_TRADE_FEE", debit=(fee.currency, fee.amount))
        if effect.cash > 0:
            self._record(order, trade, "FUTURES_PNL_PROFIT", credit=(fee.currency, effect.cash))
        elif effect.cash < 0:
            self._record(order, trade, "FUTURES_PNL_LOSS", debit=(fee.currency, -effect.cash))

    def _record(
        self,
        order: Order,
        trade: Trade,
        kind: str,
        *,
        debit: tuple[str, Decimal] | None = None,
        credit: tuple[str, Decimal] | None = None,
        fee: tuple[str, Decimal] | None = None,
    ) -> None:
        transaction = Transaction(
            transaction_id=self._ids.uuid(trade.traded_ns),
            account_id=order.account_id,
            kind=kind,
            debit=debit,
            credit=credit,
            fee=fee,
            symbol=trade.symbol,
            order_id=order.order_id,
            price=trade.price,
            event_ns=trade.traded_ns,
        )
        self.record(transaction)


def advance(order: Order, fill: Fill) -> OrderState:
    """Add a fill to its order and move the order on."""
    order.executed += fill.quantity
    order.total = EXACT.add(order.total, times(fill.price, fill.quantity))
    if fill.fee < 0:
        order.reward = EXACT.subtract(order.reward, fill.fee)
    else:
        order.fee = EXACT.add(order.fee, fill.fee)
    status = Status.PARTIALLY_FILLED if order.remaining else Status.FILLED
    return enter(order, status, fill.traded_ns, fill)


def enter(order: Order, status: Status, now_ns: int, fill: Fill | None = None) -> OrderState:
    """Move an order into a state and remember it."""
    order.status = status
    order.updated_ns = now_ns
    state = OrderState(
        status=status,
        price=order.price,
        quantity=order.quantity,
        remaining=order.remaining,
        executed_price=fill.price if fill else ZERO,
        executed_quantity=fill.quantity if fill else ZERO,
        executed_fee=fill.fee if fill else ZERO,
        updated_ns=now_ns,
    )
    order.states.append(state)
    return state
