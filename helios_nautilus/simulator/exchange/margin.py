"""What an account is worth and what its leverage needs, in one reference currency.

A simplified form of VALR's cross margin: collateral is every balance at its weight, exposure is borrowed money and
perpetual positions, and an order that adds exposure needs its initial margin to be free. What happens to an account
that no longer covers its maintenance margin is in `liquidation`.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from msgspec import Struct

from helios_nautilus.simulator.exchange.accounts import Account
from helios_nautilus.simulator.exchange.decimals import ZERO, ratio
from helios_nautilus.simulator.exchange.ledger import Ledger
from helios_nautilus.simulator.exchange.leverage import BORROWED, Fractions
from helios_nautilus.simulator.exchange.listing import Listing
from helios_nautilus.simulator.exchange.orders import Order
from helios_nautilus.simulator.exchange.positions import Positions
from helios_nautilus.simulator.exchange.refusals import Code, Refusal

REFERENCE: Final = "ZAR"
# Where nothing trades that would tell: a plausible rand price of a dollar.
_RAND_PER_DOLLAR: Final = Decimal(18)


class MarginState(Struct, frozen=True, kw_only=True):
    """An account's margin; amounts in `REFERENCE`."""

    collateral: Decimal
    borrowed: Decimal
    positions_at_entry: Decimal
    unrealised: Decimal
    initial_required: Decimal
    maintenance_required: Decimal
    auto_close_required: Decimal
    trade_reserved: Decimal

    @property
    def exposure(self) -> Decimal:
        """All that is leveraged."""
        return self.borrowed + self.positions_at_entry

    @property
    def equity(self) -> Decimal:
        """Collateral less debts, with open P&L."""
        return self.collateral - self.borrowed + self.unrealised

    @property
    def available(self) -> Decimal:
        """Equity that no exposure needs."""
        return self.equity - self.initial_required - self.trade_reserved

    @property
    def is_covered(self) -> bool:
        """There is enough equity to keep what is open."""
        return not self.exposure or self.equity >= self.maintenance_required

    @property
    def fractions(self) -> Fractions:
        """The requirements as shares of the exposure; those of borrowed money without any."""
        if not self.exposure:
            return BORROWED
        required = self.initial_required, self.maintenance_required, self.auto_close_required
        return Fractions(*(ratio(amount, self.exposure, 9) for amount in required))

    @property
    def fraction(self) -> Decimal | None:
        """Equity over exposure; None without exposure."""
        return ratio(self.equity, self.exposure, 8) if self.exposure else None


class Margin:
    """Values accounts at the last prices and checks orders that use leverage."""

    def __init__(self, listing: Listing, ledger: Ledger, positions: Positions) -> None:
        self._listing = listing
        self._ledger = ledger
        self._positions = positions
        self.last_prices: dict[str, Decimal] = {}
        self.mark_prices: dict[str, Decimal] = {}

    def mark(self, symbol: str) -> Decimal:
        """The mark price, else the last one, else 0."""
        return self.mark_prices.get(symbol) or self.last_prices.get(symbol) or ZERO

    def in_reference(self, currency: str, amount: Decimal) -> Decimal:
        """An amount in the reference currency; 0 for what has no price."""
        return amount * self._rate(currency)

    def weight(self, currency: str) -> Decimal:
        """Collateral weight."""
        return self._listing.currencies[currency].weight

    def state(self, account: Account, open_orders: Iterable[Order] = ()) -> MarginState:
        """The account's margin now."""
        collateral = borrowed = entry = unrealised = reserved = ZERO
        for currency, balance in self._ledger.balances(account.account_id).items():
            held = self.in_reference(currency, balance.available + balance.reserved)
            collateral += held * self.weight(currency)
            borrowed += self.in_reference(currency, balance.borrowed)
        required = [borrowed * fraction for fraction in BORROWED]
        for position in self._positions.of_account(account.account_id):
            symbol, quote = position.pair.symbol, position.pair.quote
            value = self.in_reference(quote, position.entry_value)
            entry += value
            unrealised += self.in_reference(quote, position.unrealised(self.mark(symbol)))
            fractions = account.fractions_of(symbol)
            required = [amount + value * own for amount, own in zip(required, fractions, strict=True)]
        for order in open_orders:
            if order.pair.is_perpetual and not order.reduce_only:
                value = self.in_reference(order.pair.quote, order.remaining * order.price)
                reserved += value * account.fractions_of(order.pair.symbol).initial
        initial, maintenance, auto_close = required
        return MarginState(
            collateral=collateral,
            borrowed=borrowed,
            positions_at_entry=entry,
            unrealised=unrealised,
            initial_required=initial,
            maintenance_required=maintenance,
            auto_close_required=auto_close,
            trade_reserved=reserved,
        )

    def check_perpetual(
        self, account: Account, order: Order, quantity: Decimal, notional: Decimal, open_orders: Iterable[Order]
    ) -> None:
        """Refuse an order of a quantity whose initial margin is not free; what merely reduces a position needs none."""
        position = self._positions.get(account.account_id, order.pair.symbol)
        reducing = position.quantity if position and position.side is not order.side else ZERO
        adding = max(quantity - reducing, ZERO)
        if not adding:
            return
        value = self.in_reference(order.pair.quote, notional * adding / quantity)
        needed = value * account.fractions_of(order.pair.symbol).initial
        if needed > self.state(account, open_orders).available:
            raise Refusal(Code.INSUFFICIENT_BALANCE)

    def check_borrowing(self, account: Account, currency: str, amount: Decimal, open_orders: Iterable[Order]) -> None:
        """Refuse an order that would borrow more than the account's equity carries."""
        short = amount - self._ledger.balance(account.account_id, currency).available
        if short <= 0:
            return
        needed = self.in_reference(currency, short) * BORROWED.initial
        if needed > self.state(account, open_orders).available:
            raise Refusal(Code.INSUFFICIENT_BALANCE)

    def _rate(self, currency: str) -> Decimal:
        if currency == REFERENCE:
            return Decimal(1)
        direct = self.last_prices.get(currency + REFERENCE)
        if direct:
            return direct
        if currency in ("USDT", "USDC"):
            return _RAND_PER_DOLLAR
        for dollar in ("USDT", "USDC"):
            price = self.last_prices.get(currency + dollar) or self.last_prices.get(f"{currency}{dollar}PERP")
            if price:
                return price * self._rate(dollar)
        return ZERO
