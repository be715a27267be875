"""Perpetual positions: netting, one a pair and account, with the session value that P&L runs reset.

Values are kept rather than prices, so that partial closes split them without losing a digit: the average entry price
is ``entry_value / quantity``, the session's average ``session_value / quantity``.
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from helios_nautilus.simulator.exchange.decimals import EXACT, ZERO, ratio, share_of, times
from helios_nautilus.simulator.exchange.identity import IdSource
from helios_nautilus.simulator.exchange.ledger import HOUSE
from helios_nautilus.simulator.exchange.listing import Pair
from helios_nautilus.simulator.exchange.orders import Side

_PRICE_PLACES = 10

type CloseType = Literal["Trade", "Liquidation"]
type UpdateType = Literal["New", "Increase", "Reduce", "Remove", "Pnl"]


class Position(Struct, kw_only=True, eq=False):
    """An open position; `quantity` is unsigned."""

    position_id: str
    account_id: str
    pair: Pair
    side: Side
    quantity: Decimal = ZERO
    entry_value: Decimal = ZERO
    session_value: Decimal = ZERO
    entry_fees: Decimal = ZERO
    """Fees of the entries that are still open."""
    realised: Decimal = ZERO
    created_ns: int
    updated_ns: int

    @property
    def average_entry_price(self) -> Decimal:
        """Of what is open."""
        return ratio(self.entry_value, self.quantity, _PRICE_PLACES)

    @property
    def session_entry_price(self) -> Decimal:
        """Average entry, or the mark of the last P&L run."""
        return ratio(self.session_value, self.quantity, _PRICE_PLACES)

    def unrealised(self, mark: Decimal) -> Decimal:
        """P&L since the last run at a mark price."""
        return self.side.sign * EXACT.subtract(times(self.quantity, mark), self.session_value)


class Reduction(Struct, frozen=True, kw_only=True):
    """A part of a position that was closed."""

    position_id: str
    account_id: str
    symbol: str
    side: Side
    """Of the position."""
    quantity: Decimal
    entry_price: Decimal
    close_price: Decimal
    realised: Decimal
    """Against the entry price, net of the entry's and the exit's fees."""
    fees: Decimal
    close_type: CloseType
    opened_ns: int
    """When the position was opened."""
    closed_ns: int


class PositionStep(Struct, frozen=True, kw_only=True):
    """A position as one update left it."""

    kind: UpdateType
    position_id: str
    account_id: str
    symbol: str
    side: Side
    quantity: Decimal
    realised: Decimal
    session_value: Decimal
    session_entry_price: Decimal
    entry_price: Decimal
    updated_ns: int


class Effect(Struct, kw_only=True):
    """What one trade did to an account's position."""

    cash: Decimal = ZERO
    """P&L to pay into the balance, without the fee."""
    reduction: Reduction | None = None
    closed: Position | None = None
    opened: Position | None = None


class Positions:
    """All open positions; the customers' closed parts and every step of their positions, oldest first."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids
        self._open: dict[tuple[str, str], Position] = {}
        self.reductions: defaultdict[str, list[Reduction]] = defaultdict(list)
        """By account."""
        self.steps: defaultdict[str, list[PositionStep]] = defaultdict(list)

    def get(self, account_id: str, symbol: str) -> Position | None:
        """The open position, if there is one."""
        return self._open.get((account_id, symbol))

    def of_pair(self, symbol: str) -> list[Position]:
        """All accounts' positions in a pair."""
        return [position for (_, pair), position in self._open.items() if pair == symbol]

    def of_account(self, account_id: str) -> list[Position]:
        """An account's positions."""
        return [position for (owner, _), position in self._open.items() if owner == account_id]

    def __iter__(self) -> Iterator[Position]:
        return iter(self._open.values())

    def note(self, kind: UpdateType, position: Position) -> None:
        """Remember a step of a customer's position; those of the house would grow without end."""
        if position.account_id in HOUSE:
            return
        step = PositionStep(
            kind=kind,
            position_id=position.position_id,
            account_id=position.account_id,
            symbol=position.pair.symbol,
            side=position.side,
            quantity=position.quantity,
            realised=position.realised,
            session_value=position.session_value,
            session_entry_price=position.session_entry_price if position.quantity else ZERO,
            entry_price=position.average_entry_price if position.quantity else ZERO,
            updated_ns=position.updated_ns,
        )
        self.steps[position.account_id].append(step)

    def trade(
        self,
        account_id: str,
        pair: Pair,
        side: Side,
        price: Decimal,
        quantity: Decimal,
        fee: Decimal,
        now_ns: int,
        close_type: CloseType = "Trade",
    ) -> Effect:
        """Net a trade into the account's position: reduce what is opposite, then open or increase."""
        effect = Effect()
        position = self.get(account_id, pair.symbol)
        if position is not None and position.side is not side:
            closing = min(quantity, position.quantity)
            fee_out = share_of(fee, closing, quantity)
            self._reduce(position, closing, price, fee_out, effect, now_ns, close_type)
            quantity, fee = quantity - closing, EXACT.subtract(fee, fee_out)
            position = None if effect.closed else position
        if quantity:
            effect.opened = self._increase(position, account_id, pair, side, price, quantity, fee, now_ns)
        return effect

    def _reduce(
        self,
        position: Position,
        quantity: Decimal,
        price: Decimal,
        fee: Decimal,
        effect: Effect,
        now_ns: int,
        close_type: CloseType,
    ) -> None:
        entry = share_of(position.entry_value, quantity, position.quantity)
        session = share_of(position.session_value, quantity, position.quantity)
        fees = EXACT.add(share_of(position.entry_fees, quantity, position.quantity), fee)
        value = times(quantity, price)
        effect.cash = position.side.sign * EXACT.subtract(value, session)
        effect.reduction = Reduction(
            position_id=position.position_id,
            account_id=position.account_id,
            symbol=position.pair.symbol,
            side=position.side,
            quantity=quantity,
            entry_price=position.average_entry_price,
            close_price=price,
            realised=EXACT.subtract(position.side.sign * EXACT.subtract(value, entry), fees),
            fees=fees,
            close_type=close_type,
            opened_ns=position.created_ns,
            closed_ns=now_ns,
        )
        if position.account_id not in HOUSE:
            self.reductions[position.account_id].append(effect.reduction)
        position.entry_fees = EXACT.subtract(EXACT.add(position.entry_fees, fee), fees)
        position.entry_value = EXACT.subtract(position.entry_value, entry)
        position.session_value = EXACT.subtract(position.session_value, session)
        position.quantity -= quantity
        position.realised = EXACT.add(position.realised, EXACT.subtract(effect.cash, fee))
        position.updated_ns = now_ns
        if not position.quantity:
            effect.closed = self._open.pop((position.account_id, position.pair.symbol))
        self.note("Reduce" if position.quantity else "Remove", position)

    def _increase(
        self,
        position: Position | None,
        account_id: str,
        pair: Pair,
        side: Side,
        price: Decimal,
        quantity: Decimal,
        fee: Decimal,
        now_ns: int,
    ) -> Position:
        is_new = position is None
        if position is None:
            position = Position(
                position_id=self._ids.uuid(now_ns),
                account_id=account_id,
                pair=pair,
                side=side,
                created_ns=now_ns,
                updated_ns=now_ns,
            )
            self._open[account_id, pair.symbol] = position
        value = times(quantity, price)
        position.quantity += quantity
        position.entry_value = EXACT.add(position.entry_value, value)
        position.session_value = EXACT.add(position.session_value, value)
        position.entry_fees = EXACT.add(position.entry_fees, fee)
        position.realised = EXACT.subtract(position.realised, fee)
        position.updated_ns = now_ns
        self.note("New" if is_new else "Increase", position)
        return position
