"""The exchange as a whole, without I/O: engine, replayed markets, candles and everything that happens by the clock."""

import heapq
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Final
from zlib import crc32

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Bars, MarketData
from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_MIN, NS_PER_SEC
from helios_nautilus.errors import ConfigError
from helios_nautilus.simulator.exchange.accounts import Accounts
from helios_nautilus.simulator.exchange.candles import CandleStore
from helios_nautilus.simulator.exchange.conditionals import Conditionals
from helios_nautilus.simulator.exchange.decimals import from_float
from helios_nautilus.simulator.exchange.engine import Engine
from helios_nautilus.simulator.exchange.events import CandleClosed, Event, MarkPriced, Traded
from helios_nautilus.simulator.exchange.identity import IdSource
from helios_nautilus.simulator.exchange.liquidation import Liquidator
from helios_nautilus.simulator.exchange.liquidity import Liquidity
from helios_nautilus.simulator.exchange.listing import Listing, Pair, load_listing
from helios_nautilus.simulator.exchange.perpetuals import PNL_RUN_NS, Perpetuals
from helios_nautilus.simulator.exchange.public_trades import PublicTrades
from helios_nautilus.simulator.exchange.replay import Depth, Step, on_tick, replay

MARK_EVERY_NS: Final = 3 * NS_PER_SEC
LIVE_CANDLES_SECS: Final = (60, 300)
"""Periods whose candles are announced when they close."""


class Market(Struct, frozen=True, kw_only=True):
    """A recorded market to replay; its times are moved by ``shift_ns``."""

    data: MarketData
    shift_ns: int = 0


class Venue:
    """Everything the exchange knows. Time is an argument; equal seeds, markets and calls give equal runs."""

    def __init__(
        self,
        markets: Mapping[str, Market],
        opens_ns: int,
        *,
        seed: int = 0,
        listing: Listing | None = None,
    ) -> None:
        """``markets`` by symbol; the venue opens at ``opens_ns``, a whole minute, where the replay starts."""
        if opens_ns % NS_PER_MIN:
            raise ConfigError(f"the exchange opens at {opens_ns}, which is not a whole minute")
        self.listing = listing or load_listing()
        self.seed = seed
        self.ids = IdSource(seed)
        self.accounts = Accounts()
        self.now_ns = opens_ns
        self.is_read_only = False
        self._listeners: list[Callable[[Event], None]] = []
        self.engine = Engine(self.listing, self.accounts, self.ids, self.publish)
        self.perpetuals = Perpetuals(self.engine, self.ids, seed, self.publish)
        self.conditionals = Conditionals(self.engine, self.ids, self.publish)
        self._liquidator = Liquidator(self.engine, self.accounts, self.listing, self.ids)
        self.trades = {symbol: PublicTrades() for symbol in self.listing.pairs}
        pairs = self.listing.pairs
        self.candles = {symbol: self._candles(pairs[symbol], markets.get(symbol), opens_ns) for symbol in pairs}
        self._due: list[tuple[int, int, Callable[[int], object]]] = []
        self._scheduled = 0
        for symbol, market in markets.items():
            self._open_market(symbol, market, opens_ns)
        self.every(MARK_EVERY_NS, self._mark)
        self.every(NS_PER_MIN, self._close_candles)
        self.every(NS_PER_HOUR, self._run_hour)
        self._mark(opens_ns)

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Send all events to a listener; it must be done with one before it returns."""
        self._listeners.append(listener)

    def at(self, due_ns: int, action: Callable[[int], object]) -> None:
        """Do something when the venue's time gets there; what is due at the same time happens in this order."""
        self._scheduled += 1
        heapq.heappush(self._due, (max(due_ns, self.now_ns), self._scheduled, action))

    @property
    def next_due_ns(self) -> int:
        """When something happens by itself."""
        return self._due[0][0]

    def advance(self, now_ns: int) -> None:
        """Let everything happen that is due by a time; times never go back."""
        while self._due and self._due[0][0] <= now_ns:
            self.now_ns, _, action = heapq.heappop(self._due)
            action(self.now_ns)
        self.now_ns = max(self.now_ns, now_ns)

    def publish(self, event: Event) -> None:
        """Tell all listeners."""
        if isinstance(event, Traded):
            self.trades[event.trade.symbol].add(event.trade)
            self.candles[event.trade.symbol].add(event.trade)
            if self.conditionals.waits_for(event.trade.symbol):
                # Not now: the engine is in the middle of the operation that traded.
                self.at(self.now_ns, self.conditionals.check)
        for listener in self._listeners:
            listener(event)

    def _candles(self, pair: Pair, market: Market | None, opens_ns: int) -> CandleStore:
        if market is None:
            return CandleStore(pair)
        return CandleStore(pair, market.data.bars, shift_ns=market.shift_ns, opened_ns=opens_ns)

    def _open_market(self, symbol: str, market: Market, opens_ns: int) -> None:
        pair = self.listing.active_pair(symbol)
        rng = np.random.default_rng([self.seed, crc32(symbol.encode())])
        size = from_float(round(_typical_size(market.data.bars), 8))
        liquidity = Liquidity(self.engine, pair, self.ids, rng, size)
        last = self.candles[symbol].last_close(opens_ns)
        if last is None:
            last = from_float(market.data.bars.open[0])
        last = on_tick(last, pair)
        self.engine.margin.last_prices[symbol] = last
        liquidity.open(last, opens_ns)
        self._step(liquidity, replay(market.data, pair, rng, opens_ns, market.shift_ns))

    def _step(self, liquidity: Liquidity, steps: Iterator[Step]) -> None:
        """Schedule the next step of a replay; it schedules the one after."""
        step = next(steps, None)
        if step is None:
            return

        def take(_: int) -> None:
            if isinstance(step, Depth):
                liquidity.show(step)
            else:
                liquidity.trade(step)
            self._step(liquidity, steps)

        self.at(step.at_ns, take)

    def every(self, period_ns: int, action: Callable[[int], None]) -> None:
        """Repeat at every whole multiple of a period."""

        def again(now_ns: int) -> None:
            action(now_ns)
            self.at(now_ns + period_ns, again)

        self.at(self.now_ns // period_ns * period_ns + period_ns, again)

    def _mark(self, now_ns: int) -> None:
        prices: dict[str, Decimal] = {}
        for symbol, pair in self.listing.pairs.items():
            price = self.perpetuals.mark(pair) if pair.active else None
            if price is not None:
                prices[symbol] = price
        self.engine.margin.mark_prices.update(prices)
        self.publish(MarkPriced(prices))
        self.conditionals.check(now_ns)
        self._liquidator.run(now_ns)

    def _close_candles(self, now_ns: int) -> None:
        for symbol, pair in self.listing.pairs.items():
            for period_secs in LIVE_CANDLES_SECS:
                period_ns = period_secs * NS_PER_SEC
                if pair.active and now_ns % period_ns == 0:
                    self.publish(CandleClosed(symbol, period_secs, now_ns - period_ns))

    def _run_hour(self, now_ns: int) -> None:
        for pair in self.listing.pairs.values():
            if pair.is_perpetual and pair.active:
                self.perpetuals.run_funding(pair, now_ns)
                if now_ns % PNL_RUN_NS == 0:
                    self.perpetuals.run_pnl(pair, now_ns)


def _typical_size(bars: Bars) -> float:
    """Of a level: a fifth of what an average minute trades."""
    return float(bars.volume.mean()) / 5.0 if len(bars) else 0.0
