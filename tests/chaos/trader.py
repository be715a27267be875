"""An autonomous strategy for the node under test: it trades by its seed whatever happens, and tells what it does."""

import asyncio
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from nautilus_trader.config import StrategyConfig
from nautilus_trader.core.message import Event
from nautilus_trader.model.enums import OrderSide, OrderType, TimeInForce
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId
from nautilus_trader.model.instruments import CryptoPerpetual, Instrument
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.model.orders import Order
from nautilus_trader.trading.strategy import Strategy

STRATEGY_ID: Final = "CHAOS-002"
_PAUSE_SECS: Final = 0.05
_UNITS: Final = {"BTC": Decimal("0.000001"), "ETH": Decimal("0.00002")}
"""What sizes are multiples of; a perpetual's are cut to its own decimals."""
_MOST_OPEN: Final = 40
_RESERVE: Final = 120_000
"""Units of a spot pair that are bought first and kept: a position that passes through zero loses, in the engine's
books, a part of the fee that was paid in base."""

type Choice = tuple[float, Callable[[], None]]


class Trader(Strategy):
    """Trades for ``secs`` from its first quote on, then tells that it is done. ``life`` counts the starts of a run."""

    def __init__(
        self, tell: Callable[[dict[str, Any]], None], *, seed: int, life: int, secs: float, instruments: list[str]
    ) -> None:
        self._instrument_ids = [InstrumentId.from_str(name) for name in instruments]
        super().__init__(
            StrategyConfig(strategy_id="CHAOS", order_id_tag="002", external_order_claims=self._instrument_ids)
        )
        self._tell = tell
        self._random = random.Random(f"trader {seed} {life}")
        self._life = life
        self._secs = secs
        self._count = 0
        self._trading: asyncio.Task[None] | None = None

    def on_start(self) -> None:
        for instrument_id in self._instrument_ids:
            self.subscribe_quote_ticks(instrument_id)
        self._trading = asyncio.get_running_loop().create_task(self._trade())

    def on_stop(self) -> None:
        if self._trading is not None:
            self._trading.cancel()

    def on_event(self, event: Event) -> None:
        self._tell({"kind": type(event).__name__, **type(event).to_dict(event)})

    async def _trade(self) -> None:
        while not all(map(self.cache.quote_tick, self._instrument_ids)):
            await asyncio.sleep(_PAUSE_SECS)
        self._tell({"kind": "Trading"})
        ends_at = self._loop_secs() + self._secs
        while self._loop_secs() < ends_at:
            try:
                self._act()
            except Exception as error:
                # Whatever it is, the run must fail by it.
                self._tell({"kind": "Failed", "error": f"{type(error).__name__}: {error}"})
                raise
            await asyncio.sleep(_PAUSE_SECS * self._random.uniform(0.2, 1.8))
        self._tell({"kind": "Done"})

    def _loop_secs(self) -> float:
        return asyncio.get_running_loop().time()

    def _act(self) -> None:
        """One thing that a strategy may do."""
        orders = self.cache.orders_open(strategy_id=self.id)
        short_of = next((each for each in self._instrument_ids if self._spare(each) < 0), None)
        if short_of is not None:
            self._send(self._stock_up(self.cache.instrument(short_of)))
            return
        if len(orders) >= _MOST_OPEN:
            self._cancel_all(orders)
            return
        choices: list[Choice] = [(10.0, self._submit), (1.0, self._submit_list)]
        if orders:
            choices += [
                (3.0, lambda: self._modify(orders)),
                (2.0, lambda: self.cancel_order(self._random.choice(orders))),
                (0.4, lambda: self._cancel_some(orders)),
                (0.2, lambda: self._cancel_all(orders)),
                (0.2, lambda: self.query_order(self._random.choice(orders))),
            ]
        weights, actions = zip(*choices, strict=True)
        self._random.choices(actions, weights)[0]()

    # -- Orders

    def _submit(self) -> None:
        instrument = self.cache.instrument(self._random.choice(self._instrument_ids))
        makers: list[tuple[float, Callable[[Instrument, OrderSide], Order]]] = [
            (5.0, self._limit),
            (3.0, self._post_only),
            (2.0, self._at_once),
            (3.0, self._market),
        ]
        if isinstance(instrument, CryptoPerpetual):
            makers += [(2.0, self._reducing)]
        else:
            makers += [(2.0, self._stop_order), (0.7, self._by_amount)]
        weights, choices = zip(*makers, strict=True)
        self._send(self._random.choices(choices, weights)[0](instrument, self._side_of(instrument)))

    def _submit_list(self) -> None:
        instrument = self.cache.instrument(self._random.choice(self._instrument_ids))
        # Of one side: the risk engine adds the sells of a list up in the wrong currency.
        makers = self._random.choices([self._limit, self._post_only], k=self._random.randint(2, 5))
        side = self._side_of(instrument)
        orders = [make(instrument, side) for make in makers]
        self._intend(*orders)
        self.submit_order_list(self.order_factory.create_list(orders))

    def _send(self, order: Order) -> None:
        self._intend(order)
        self.submit_order(order)

    def _intend(self, *orders: Order) -> None:
        """Told before anything is sent: what a killed node has placed was told by it."""
        self._tell({"kind": "Intended", "orders": [order.client_order_id.value for order in orders]})

    def _limit(self, instrument: Instrument, side: OrderSide, **options: Any) -> Order:
        return self.order_factory.limit(
            instrument.id,
            side,
            self._size(instrument),
            self._price(instrument, side, self._random.choice((-0.03, -0.005, -0.0005, 0.0005))),
            client_order_id=self._name(),
            **options,
        )

    def _post_only(self, instrument: Instrument, side: OrderSide) -> Order:
        return self._limit(instrument, side, post_only=True)

    def _at_once(self, instrument: Instrument, side: OrderSide) -> Order:
        return self._limit(instrument, side, time_in_force=self._random.choice((TimeInForce.IOC, TimeInForce.FOK)))

    def _reducing(self, instrument: Instrument, side: OrderSide) -> Order:
        return self._limit(instrument, side, reduce_only=True)

    def _market(self, instrument: Instrument, side: OrderSide) -> Order:
        return self.order_factory.market(instrument.id, side, self._size(instrument), client_order_id=self._name())

    def _stock_up(self, instrument: Instrument) -> Order:
        size = instrument.make_qty(_RESERVE // 3 * _UNITS[instrument.base_currency.code])
        return self.order_factory.market(instrument.id, OrderSide.BUY, size, client_order_id=self._name())

    def _by_amount(self, instrument: Instrument, side: OrderSide) -> Order:
        amount = Quantity(self._random.randint(10_000, 300_000) / 100, instrument.quote_currency.precision)
        return self.order_factory.market(instrument.id, side, amount, quote_quantity=True, client_order_id=self._name())

    def _stop_order(self, instrument: Instrument, side: OrderSide) -> Order:
        """A stop waits for its price behind the market, a take-profit before it."""
        is_stop = self._random.random() < 0.6
        make = self.order_factory.stop_limit if is_stop else self.order_factory.limit_if_touched
        away = self._random.choice((0.002, 0.01))
        trigger = self._price(instrument, side, away if is_stop else -away)
        return make(
            instrument.id,
            side,
            self._size(instrument),
            price=self._price(instrument, side, (away if is_stop else -away) + 0.001),
            trigger_price=trigger,
            client_order_id=self._name(),
        )

    # -- Changes

    def _modify(self, orders: list[Order]) -> None:
        limits = [order for order in orders if order.order_type is OrderType.LIMIT]
        if not limits:
            return
        order = self._random.choice(limits)
        instrument = self.cache.instrument(order.instrument_id)
        price = self._price(instrument, order.side, self._random.choice((-0.02, -0.001, 0.0005)))
        if self._random.random() < 0.5:
            self.modify_order(order, price=price)
        else:
            self.modify_order(order, quantity=self._size(instrument))

    def _cancel_some(self, orders: list[Order]) -> None:
        instrument_id = self._random.choice(orders).instrument_id
        mine = [order for order in orders if order.instrument_id == instrument_id]
        self.cancel_orders(self._random.sample(mine, k=self._random.randint(1, len(mine))))

    def _cancel_all(self, orders: list[Order]) -> None:
        instrument_id = self._random.choice(orders).instrument_id
        self.cancel_all_orders(instrument_id, self._random.choice((OrderSide.NO_ORDER_SIDE, self._side())))

    # -- Terms

    def _name(self) -> ClientOrderId:
        """With a character that the venue's ids do not have."""
        self._count += 1
        return ClientOrderId(f"c{self._life}_{self._count}")

    def _spare(self, instrument_id: InstrumentId) -> Decimal:
        """What may be sold of a spot pair; of a perpetual anything."""
        instrument = self.cache.instrument(instrument_id)
        if isinstance(instrument, CryptoPerpetual):
            return Decimal("Infinity")
        held: Decimal = self.portfolio.net_position(instrument_id)
        offered = self.cache.orders_open(instrument_id=instrument_id, side=OrderSide.SELL)
        offered += self.cache.orders_inflight(instrument_id=instrument_id, side=OrderSide.SELL)
        reserve = _RESERVE // 2 * _UNITS[instrument.base_currency.code]
        return held - sum((order.leaves_qty.as_decimal() for order in offered), reserve)

    def _side_of(self, instrument: Instrument) -> OrderSide:
        """Either, as far as the position allows."""
        side = self._side()
        most = 6_000 * 5 * _UNITS[instrument.base_currency.code]
        return side if self._spare(instrument.id) > most else OrderSide.BUY

    def _side(self) -> OrderSide:
        return self._random.choice((OrderSide.BUY, OrderSide.SELL))

    def _size(self, instrument: Instrument) -> Quantity:
        return instrument.make_qty(self._random.randint(500, 6_000) * _UNITS[instrument.base_currency.code])

    def _price(self, instrument: Instrument, side: OrderSide, over: float) -> Price:
        """So far over the opposite best price for a buy, under it for a sell, as a share of it."""
        quote = self.cache.quote_tick(instrument.id)
        best, sign = (quote.ask_price, 1) if side is OrderSide.BUY else (quote.bid_price, -1)
        return instrument.make_price(float(best) * (1.0 + sign * over))
