"""The clockwork of perpetual futures: mark prices, hourly funding and the four-hourly P&L run."""

import random
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from helios_nautilus.domain.timeframe import NS_PER_HOUR
from helios_nautilus.simulator.exchange.decimals import EXACT, ZERO, text, times
from helios_nautilus.simulator.exchange.engine import Engine
from helios_nautilus.simulator.exchange.events import (
    Event,
    FundingPaid,
    PositionChanged,
    RunCompleted,
    Transaction,
)
from helios_nautilus.simulator.exchange.identity import IdSource
from helios_nautilus.simulator.exchange.ledger import CLEARING, HOUSE
from helios_nautilus.simulator.exchange.listing import Pair
from helios_nautilus.simulator.exchange.orders import Side
from helios_nautilus.simulator.exchange.positions import Position
from helios_nautilus.simulator.exchange.replay import on_tick

PNL_RUN_NS: Final = 4 * NS_PER_HOUR
_TYPICAL_RATE: Final = 0.00002
_LARGEST_RATE: Final = 0.01


def funding_rate(seed: int, symbol: str, hour_ns: int) -> Decimal:
    """The rate of an hour as a fraction, six decimals; drawn from the seed, so that history needs no memory."""
    drawn = random.Random(f"funding {seed} {symbol} {hour_ns // NS_PER_HOUR}").gauss(0.3 * _TYPICAL_RATE, _TYPICAL_RATE)
    return Decimal(f"{max(-_LARGEST_RATE, min(drawn, _LARGEST_RATE)):.6f}")


class Perpetuals:
    """Marks, funds and settles all perpetual positions; the house's as well, so that winners meet losers."""

    def __init__(self, engine: Engine, ids: IdSource, seed: int, publish: Callable[[Event], None]) -> None:
        self._engine = engine
        self._ids = ids
        self._seed = seed
        self._publish = publish
        self.funding: defaultdict[str, list[FundingPaid]] = defaultdict(list)
        """By account, oldest first."""

    def rate(self, symbol: str, hour_ns: int) -> Decimal:
        """The funding rate of the hour that ends at a time."""
        return funding_rate(self._seed, symbol, hour_ns)

    def mark(self, pair: Pair) -> Decimal | None:
        """Middle of the book on the tick, else the last price; VALR's index is not simulated."""
        book = self._engine.books[pair.symbol]
        bid, ask = book.best(Side.BUY), book.best(Side.SELL)
        if bid is None or ask is None:
            return self._engine.margin.last_prices.get(pair.symbol)
        return on_tick((bid + ask) / 2, pair)

    def run_funding(self, pair: Pair, hour_ns: int) -> None:
        """Longs pay shorts the rate on quantity times mark; a negative rate the other way."""
        rate, mark = self.rate(pair.symbol, hour_ns), self._engine.margin.mark(pair.symbol)
        for position in self._engine.positions.of_pair(pair.symbol) if rate else []:
            value = times(position.quantity, mark)
            amount = -position.side.sign * times(value, rate)
            self._pay(position, amount, hour_ns)
            if position.account_id not in HOUSE:
                self._tell_funding(position, rate, amount, value, hour_ns)
        self._publish(RunCompleted("FUNDING", pair.symbol, mark))
        self._engine.conclude(hour_ns)

    def run_pnl(self, pair: Pair, now_ns: int) -> None:
        """Pay unrealised P&L into the balances; the session goes on from the mark."""
        mark = self._engine.margin.mark(pair.symbol)
        for position in self._engine.positions.of_pair(pair.symbol):
            amount = position.unrealised(mark)
            self._pay(position, amount, now_ns)
            position.session_value = times(position.quantity, mark)
            self._engine.positions.note("Pnl", position)
            if position.account_id not in HOUSE:
                self._record(position, "FUTURES_PNL_PROFIT", "FUTURES_PNL_LOSS", amount, now_ns)
                self._publish(PositionChanged(position))
        self._publish(RunCompleted("PNL", pair.symbol, mark))
        self._engine.conclude(now_ns)

    def _pay(self, position: Position, amount: Decimal, now_ns: int) -> None:
        self._engine.ledger.transfer(CLEARING, position.account_id, position.pair.quote, amount, now_ns)
        position.realised = EXACT.add(position.realised, amount)
        position.updated_ns = now_ns

    def _tell_funding(self, position: Position, rate: Decimal, amount: Decimal, value: Decimal, now_ns: int) -> None:
        self.funding[position.account_id].append(
            FundingPaid(
                account_id=position.account_id,
                position_id=position.position_id,
                symbol=position.pair.symbol,
                side=position.side.value,
                rate=rate,
                amount=amount,
                value=value,
                paid_ns=now_ns,
            )
        )
        details = {"notionalAmount": text(value), "fundingRate": text(rate)}
        self._record(position, "FUTURES_FUNDING_EARNED", "FUTURES_FUNDING_PAID", amount, now_ns, details)
        self._publish(PositionChanged(position))

    def _record(
        self,
        position: Position,
        gain: str,
        loss: str,
        amount: Decimal,
        now_ns: int,
        details: dict[str, str] | None = None,
    ) -> None:
        if amount == ZERO:
            return
        money = (position.pair.quote, abs(amount))
        transaction = Transaction(
            transaction_id=self._ids.uuid(now_ns),
            account_id=position.account_id,
            kind=gain if amount > 0 else loss,
            credit=money if amount > 0 else None,
            debit=money if amount < 0 else None,
            symbol=position.pair.symbol,
            details=details or {},
            event_ns=now_ns,
        )
        self._engine.settlement.record(transaction)
