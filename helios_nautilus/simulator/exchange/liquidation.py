"""Liquidation: an account that no longer covers its maintenance margin is reduced slice by slice.

VALR's help centre: below maintenance, immediate-or-cancel slices of 10 % of the largest debt, each worth at least 500
of the reference currency, at a fee of 0.5 %. That its open orders are cancelled first is an assumption. What VALR does
below the auto-close margin (take-over and auto-deleveraging) is not simulated: slices go on as long as the book and the
account's money allow.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from helios_nautilus.simulator.exchange.accounts import Account, Accounts
from helios_nautilus.simulator.exchange.decimals import ZERO, floor_places, floor_ratio
from helios_nautilus.simulator.exchange.engine import Engine
from helios_nautilus.simulator.exchange.identity import IdSource
from helios_nautilus.simulator.exchange.listing import Listing, Pair
from helios_nautilus.simulator.exchange.orders import Order, OrderType, Side, TimeInForce

SLICE: Final = Decimal("0.1")
LEAST_SLICE: Final = Decimal(500)
"""Of the reference currency."""


class _Debt(NamedTuple):
    """What an account owes or holds open, its size in the reference currency, and the order that would cut it."""

    value: Decimal
    order: Order | None


class Liquidator:
    """Watches all accounts that owe something."""

    def __init__(self, engine: Engine, accounts: Accounts, listing: Listing, ids: IdSource) -> None:
        self._engine = engine
        self._accounts = accounts
        self._listing = listing
        self._ids = ids

    def run(self, now_ns: int) -> None:
        """Take a slice of every account that does not cover its maintenance margin."""
        for account in list(self._accounts):
            was_in_liquidation = account.in_liquidation
            account.in_liquidation = not self._engine.margin.state(account).is_covered
            if account.in_liquidation:
                if not was_in_liquidation:
                    self._cancel_all(account, now_ns)
                self._take_slice(account, now_ns)

    def _cancel_all(self, account: Account, now_ns: int) -> None:
        for order in self._engine.open_orders(account.account_id):
            # One cancel may take others with it: reduce-only orders go with their position.
            if order.is_open:
                self._engine.cancel(order, now_ns)

    def _take_slice(self, account: Account, now_ns: int) -> None:
        """Trade against the largest debt for which there is a market."""
        debts = [*self._positions(account, now_ns), *self._borrowings(account, now_ns)]
        debts.sort(key=lambda debt: debt.value, reverse=True)
        order = next((debt.order for debt in debts if debt.order is not None), None)
        if order is not None:
            self._engine.submit(order, now_ns)

    def _positions(self, account: Account, now_ns: int) -> Iterator[_Debt]:
        for position in self._engine.positions.of_account(account.account_id):
            pair = position.pair
            price = self._price(pair)
            value = position.quantity * price
            wanted = floor_places(_slice_of(value) / price, pair.places) if price else ZERO
            quantity = min(max(wanted, pair.base_range[0]), position.quantity)
            yield _Debt(value, self._order(account, pair, position.side.opposite, quantity, now_ns))

    def _borrowings(self, account: Account, now_ns: int) -> Iterator[_Debt]:
        """Borrowed money, paid back by a trade against what the account has."""
        for currency, balance in self._engine.ledger.balances(account.account_id).items():
            if balance.borrowed:
                value = self._engine.margin.in_reference(currency, balance.borrowed)
                orders = (self._pay_back(account, pair, currency, value, now_ns) for pair in self._spot_pairs(currency))
                yield _Debt(value, next(filter(None, orders), None))

    def _pay_back(self, account: Account, pair: Pair, currency: str, value: Decimal, now_ns: int) -> Order | None:
        """Buy the debt where it is the base, else sell the base for it."""
        price = self._price(pair)
        side = Side.BUY if pair.base == currency else Side.SELL
        quantity = floor_places(_slice_of(value) / price, pair.places) if price else ZERO
        return self._order(account, pair, side, quantity, now_ns)

    def _order(self, account: Account, pair: Pair, side: Side, quantity: Decimal, now_ns: int) -> Order | None:
        """An immediate-or-cancel order as deep as its quantity reaches and the account can pay; None for nothing."""
        matches = self._engine.books[pair.symbol].plan(side, quantity) if quantity > 0 else []
        if not matches:
            return None
        price = matches[-1].maker.price
        if not pair.is_perpetual:
            given = pair.quote if side is Side.BUY else pair.base
            own = self._engine.ledger.balance(account.account_id, given).available
            payable = floor_ratio(own, price, pair.places) if side is Side.BUY else floor_places(own, pair.places)
            quantity = min(quantity, payable)
        if not quantity:
            return None
        return Order(
            order_id=self._ids.uuid(now_ns),
            account_id=account.account_id,
            pair=pair,
            side=side,
            type=OrderType.LIQUIDATION,
            time_in_force=TimeInForce.IOC,
            quantity=quantity,
            price=price,
            reduce_only=pair.is_perpetual,
            created_ns=now_ns,
        )

    def _spot_pairs(self, currency: str) -> list[Pair]:
        pairs = self._listing.pairs.values()
        return [pair for pair in pairs if pair.active and not pair.is_perpetual and currency in (pair.base, pair.quote)]

    def _price(self, pair: Pair) -> Decimal:
        """Of one base unit, in the reference currency."""
        return self._engine.margin.in_reference(pair.quote, self._engine.margin.mark(pair.symbol))


def _slice_of(value: Decimal) -> Decimal:
    return min(max(value * SLICE, LEAST_SLICE), value)
