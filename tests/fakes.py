"""Stand-ins and small builders that the tests of strategies, actors and the whole engine share.

Nothing here is a mock: `Kit` is what Nautilus itself hands to a component, with the commands it sends caught in a
list; `Tiers` are endpoints that answer as told; `Rig` is the real backtest engine on candles written by hand.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from msgspec.structs import replace
from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.backtest.models import LatencyModel
from nautilus_trader.common.actor import Actor
from nautilus_trader.common.component import Component, MessageBus, TestClock
from nautilus_trader.common.config import LoggingConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.data.config import DataEngineConfig
from nautilus_trader.execution.engine import ExecutionEngine
from nautilus_trader.execution.messages import QueryOrder, SubmitOrder, SubmitOrderList
from nautilus_trader.model.data import Bar, CustomData, DataType, TradeTick
from nautilus_trader.model.enums import AccountType, AggressorSide, LiquiditySide, OmsType
from nautilus_trader.model.identifiers import (
    AccountId,
    ClientId,
    ClientOrderId,
    InstrumentId,
    StrategyId,
    TradeId,
    VenueOrderId,
)
from nautilus_trader.model.instruments import Instrument
from nautilus_trader.model.objects import AccountBalance, Currency, Money, Quantity
from nautilus_trader.model.orders import Order
from nautilus_trader.portfolio.portfolio import Portfolio
from nautilus_trader.risk.engine import RiskEngine
from nautilus_trader.test_kit.mocks.exec_clients import MockExecutionClient
from nautilus_trader.test_kit.stubs.component import TestComponentStubs
from nautilus_trader.test_kit.stubs.identifiers import TestIdStubs
from nautilus_trader.trading.strategy import Strategy

from helios_nautilus.actors.replay import PredictionReplay, ReplayConfig
from helios_nautilus.adapters.valr.constants import VALR_VENUE
from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.bars import BUY, SELL, Bars, Trades
from helios_nautilus.domain.decision.policy import Terms
from helios_nautilus.domain.plan import ExitPlan, Side
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN, NS_PER_MS
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import OrderRole
from helios_nautilus.messages import (
    HELIOS_CLIENT,
    Prediction,
    Proposal,
    Stage,
    StageReply,
    StageRequest,
    decision_id_of,
)
from helios_nautilus.node.opening import opening_quotes
from helios_nautilus.strategies.helios import HeliosStrategy, HeliosStrategyConfig
from helios_nautilus.strategies.tiered import TieredStrategy, TieredStrategyConfig

START_NS = 20_458 * NS_PER_DAY  # 2026-01-05, a Monday
BTC, ETH, SOL = (InstrumentId.from_str(f"{base}ZAR.VALR") for base in ("BTC", "ETH", "SOL"))
PERPETUAL = InstrumentId.from_str("BTCUSDTPERP.VALR")
MODEL_ID = "model-of-the-test"

_AGGRESSORS = {BUY: AggressorSide.BUYER, SELL: AggressorSide.SELLER, 0: AggressorSide.NO_AGGRESSOR}

type Candle = tuple[float, float, float, float]
"""Open, high, low, close."""


def at(minute: float) -> int:
    """The stamp of a minute after the start."""
    return START_NS + round(minute * NS_PER_MIN)


def flat(price: float, count: int) -> list[Candle]:
    """Candles in which nothing happens."""
    return [(price, price, price, price)] * count


def bars_of(candles: Iterable[Candle], *, volume: float = 100.0, missing: Iterable[int] = ()) -> Bars:
    """1-minute bars from the start on, as columns; without those that close at the ``missing`` minutes."""
    rows = np.array(list(candles))
    ts_ns = START_NS + NS_PER_MIN * np.arange(1, len(rows) + 1)
    keep = ~np.isin(ts_ns, [at(minute) for minute in missing])
    opened, high, low, close = rows[keep].T
    return Bars(
        ts_ns=ts_ns[keep], open=opened, high=high, low=low, close=close, volume=np.full(int(keep.sum()), volume)
    )


def random_walk(count: int, *, seed: int = 0, first: float = 1_000_000.0, daily: float = 0.03) -> list[Candle]:
    """Candles of a market without memory, on whole prices; every one opens at the close before it."""
    rng = np.random.default_rng(seed)
    closes = np.round(first * np.exp(np.cumsum(rng.normal(0.0, daily / 1440**0.5, count))))
    opens = np.concatenate(([first], closes[:-1]))
    wicks = np.round(first * rng.exponential(daily / 1440**0.5, (2, count)))
    highs, lows = np.maximum(opens, closes) + wicks[0], np.minimum(opens, closes) - wicks[1]
    return list(zip(opens.tolist(), highs.tolist(), lows.tolist(), closes.tolist(), strict=True))


def engine_bars(instrument: Instrument, bars: Bars, timeframe: str = "1m") -> list[Bar]:
    """The same as the engine's objects."""
    kind = bar_type(instrument.id, timeframe, "1m").standard()
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume, bars.ts_ns)
    return [
        Bar(kind, *map(instrument.make_price, prices), instrument.make_qty(volume), ts_ns, ts_ns)
        for *prices, volume, ts_ns in zip(*(column.tolist() for column in columns), strict=True)
    ]


def trade_ticks(instrument: Instrument, trades: Trades) -> list[TradeTick]:
    """Trades as the engine's objects."""
    columns = (getattr(trades, name).tolist() for name in ("price", "size", "side", "ts_ns"))
    return [
        TradeTick(
            instrument.id,
            instrument.make_price(price),
            instrument.make_qty(size),
            _AGGRESSORS[side],
            TradeId(str(number)),
            ts_ns,
            ts_ns,
        )
        for number, (price, size, side, ts_ns) in enumerate(zip(*columns, strict=True))
    ]


def prediction(
    instrument_id: InstrumentId = BTC,
    *,
    minute: float = 5,
    p_buy: float = 0.7,
    p_sell: float = 0.1,
    price: float = 1_000_000.0,
    model_id: str = MODEL_ID,
    veto: str = "",
) -> Prediction:
    """What the model says at the close of a minute."""
    return Prediction(
        ts_event=at(minute),
        ts_init=at(minute) + NS_PER_MS // 5,
        instrument_id=instrument_id,
        decision_id=decision_id_of(instrument_id.value, at(minute)),
        model_id=model_id,
        p_buy=p_buy,
        p_sell=p_sell,
        p_hold=1.0 - p_buy - p_sell,
        attention_high=0.5,
        attention_medium=0.3,
        attention_low=0.2,
        price=price,
        veto=veto,
    )


def proposal(
    instrument_id: InstrumentId = BTC, *, minute: float = 0, side: Side = Side.LONG, price: float = 1_000_000.0
) -> Proposal:
    """A wish to enter at the close of a minute."""
    p_buy, p_sell = (0.7, 0.1) if side is Side.LONG else (0.1, 0.7)
    return Proposal(
        decision_id=decision_id_of(instrument_id.value, at(minute)),
        strategy_id="HeliosStrategy-000",
        instrument_id=instrument_id,
        side=side,
        ts_ns=at(minute),
        price=price,
        p_buy=p_buy,
        p_sell=p_sell,
        p_hold=0.2,
        model_id=MODEL_ID,
        attention=(0.5, 0.3, 0.2),
    )


def terms(*, notional: float = 10_000.0, stop: float = 0.02, target: float = 0.04) -> Terms:
    """What the tiers agreed on."""
    return Terms(confidence=0.8, notional=notional, leverage=1.0, stop=stop, target=target, costs=0.008)


def helios(journal: Journal, **config: Any) -> HeliosStrategy:
    """The strategy on the three rand pairs; an hour's hold and no shorts unless said otherwise."""
    defaults = {"instrument_ids": (BTC, ETH, SOL), "plan": ExitPlan(hold_mins=60)}
    return HeliosStrategy(HeliosStrategyConfig(**defaults | config), journal)


class HandVenue(MockExecutionClient):
    """A venue that does nothing by itself: the test says what becomes of an order. ``commands`` are what reached it."""

    is_waiting = False
    """Orders cannot go out yet; till they do they are as they were made."""

    def submit_order(self, command: SubmitOrder) -> None:
        """Take an order in."""
        super().submit_order(command)
        self._submitted(command.order)

    def submit_order_list(self, command: SubmitOrderList) -> None:
        """Take a bracket in."""
        super().submit_order_list(command)
        for order in command.order_list.orders:
            self._submitted(order)

    def query_order(self, command: QueryOrder) -> None:
        """Hear the question; the answer is for the test to give."""
        self.commands.append(command)

    def _submitted(self, order: Order) -> None:
        if not self.is_waiting:
            self.generate_order_submitted(*_names(order), self._clock.timestamp_ns())

    def accept(self, *orders: Order) -> None:
        """The orders work from now on."""
        for order in orders:
            self.generate_order_accepted(*_names(order), _venue_id(order), self._clock.timestamp_ns())

    def reject(self, order: Order, reason: str = "refused") -> None:
        """The venue does not want it."""
        self.generate_order_rejected(*_names(order), reason, self._clock.timestamp_ns())

    def cancel(self, *orders: Order) -> None:
        """The orders are cancelled, on request or not."""
        for order in orders:
            self.generate_order_canceled(*_names(order), _venue_id(order), self._clock.timestamp_ns())

    def update(
        self,
        order: Order,
        *,
        price: float | None = None,
        trigger_price: float | None = None,
        quantity: str | None = None,
    ) -> None:
        """The order is changed, on request or not."""
        make_price = self._cache.instrument(order.instrument_id).make_price
        self.generate_order_updated(
            *_names(order),
            _venue_id(order),
            order.quantity if quantity is None else Quantity.from_str(quantity),
            None if price is None else make_price(price),
            None if trigger_price is None else make_price(trigger_price),
            self._clock.timestamp_ns(),
        )

    def refuse_update(self, order: Order) -> None:
        """The change that was asked for is not made."""
        self.generate_order_modify_rejected(*_names(order), _venue_id(order), "refused", self._clock.timestamp_ns())

    def fill(self, order: Order, price: float, quantity: str | None = None) -> None:
        """The order trades, all of it unless a quantity is given; free of charge."""
        instrument = self._cache.instrument(order.instrument_id)
        self.generate_order_filled(
            *_names(order),
            _venue_id(order),
            None,
            TradeId(UUID4().value),
            order.side,
            order.order_type,
            order.leaves_qty if quantity is None else Quantity.from_str(quantity),
            instrument.make_price(price),
            instrument.quote_currency,
            Money(0, instrument.quote_currency),
            LiquiditySide.TAKER,
            self._clock.timestamp_ns(),
        )


def _names(order: Order) -> tuple[StrategyId, InstrumentId, ClientOrderId]:
    return order.strategy_id, order.instrument_id, order.client_order_id


def _venue_id(order: Order) -> VenueOrderId:
    return VenueOrderId(order.client_order_id.value)


class Kit:
    """What Nautilus gives a component when it is registered: all of it real, but for a `HandVenue`.

    Time stands still until `advance_to`. The account holds R100 000 until `report` says otherwise.
    """

    def __init__(self, *instrument_ids: InstrumentId, margin: bool = False) -> None:
        self.clock = TestClock()
        self.clock.set_time(START_NS)
        self.msgbus = MessageBus(trader_id=TestIdStubs.trader_id(), clock=self.clock)
        self.cache = TestComponentStubs.cache()
        self.portfolio = Portfolio(self.msgbus, self.cache, self.clock)
        self.data_commands: list[Any] = []
        self.msgbus.register("DataEngine.execute", self.data_commands.append)
        shared = {"msgbus": self.msgbus, "cache": self.cache, "clock": self.clock}
        self.risk_engine = RiskEngine(portfolio=self.portfolio, **shared)
        engine = ExecutionEngine(**shared)
        for instrument_id in instrument_ids:
            self.cache.add_instrument(build_instrument(instrument_id.value))
        self.venue = HandVenue(
            client_id=ClientId(VALR_VENUE.value),
            venue=VALR_VENUE,
            account_type=AccountType.MARGIN if margin else AccountType.CASH,
            base_currency=None,
            oms_type=OmsType.NETTING,
            **shared,
        )
        self.venue._set_account_id(AccountId("VALR-001"))
        engine.register_client(self.venue)
        self.report(ZAR=100_000)

    def report(self, **amounts: float) -> None:
        """The venue reports what the account holds, by currency."""
        balances = []
        for code, amount in amounts.items():
            money, none = (Money(each, Currency.from_str(code)) for each in (amount, 0))
            balances.append(AccountBalance(money, none, money))
        self.venue.generate_account_state(balances, [], True, self.clock.timestamp_ns())

    def start[C: Component](self, component: C) -> C:
        """Register a strategy or an actor and start it."""
        if isinstance(component, Strategy):
            component.register(TestIdStubs.trader_id(), self.portfolio, self.msgbus, self.cache, self.clock)
        else:
            component.register_base(self.portfolio, self.msgbus, self.cache, self.clock)
        component.start()
        return component

    def advance_to(self, ts_ns: int) -> None:
        """Let time pass; what falls due rings in its order, also alerts that are only set on the way."""
        while due := [self.clock.next_time_ns(name) for name in self.clock.timer_names]:
            if min(due) > ts_ns:
                break
            for handler in self.clock.advance_time(min(due)):
                handler.handle()
        self.clock.advance_time(ts_ns)

    def bar(
        self,
        component: Actor,
        close: float,
        instrument_id: InstrumentId = BTC,
        *,
        opened: float | None = None,
        timeframe: str = "1m",
        reach: float = 0.0,
        closed_ns: int | None = None,
    ) -> None:
        """Hand a component the bar that closes now, or closed then; it reaches so far beyond its open and close."""
        instrument, now_ns = self.cache.instrument(instrument_id), self.clock.timestamp_ns()
        opened = close if opened is None else opened
        prices = map(instrument.make_price, (opened, max(opened, close) + reach, min(opened, close) - reach, close))
        kind = bar_type(instrument_id, timeframe, "1m").standard()
        component.handle_bar(Bar(kind, *prices, instrument.make_qty(1), closed_ns or now_ns, now_ns))

    def listen(self, topic: str) -> list[Any]:
        """A list that grows with every message on a topic."""
        heard: list[Any] = []
        self.msgbus.subscribe(topic, heard.append)
        return heard

    def send(self, instrument_id: InstrumentId, price: float, *, notional: float = 10_000.0) -> TieredStrategy:
        """A strategy's entry leaves for the venue. Stages that have no endpoint on the bus say yes to it."""
        strategy = self.start(TieredStrategy(TieredStrategyConfig(instrument_ids=(instrument_id,)), MemoryJournal()))
        missing = [stage for stage in Stage if stage.endpoint not in self.msgbus.endpoints()]
        tiers = Tiers(self.msgbus, terms(notional=notional), missing)
        strategy.propose(proposal(instrument_id, price=price))
        tiers.close(*missing)
        return strategy

    def enter(self, instrument_id: InstrumentId, price: float, *, notional: float = 10_000.0) -> TieredStrategy:
        """The same, and it works there."""
        strategy = self.send(instrument_id, price, notional=notional)
        self.venue.accept(self.order("ENTRY"))
        return strategy

    def hold(self, instrument_id: InstrumentId, price: float, *, notional: float = 10_000.0) -> TieredStrategy:
        """The same, filled at that price; stop and target work."""
        strategy = self.enter(instrument_id, price, notional=notional)
        self.venue.fill(self.order("ENTRY"), price)
        self.venue.accept(self.order("STOP"), self.order("TARGET"))
        return strategy

    def all_orders(self) -> list[Order]:
        """Every order ever, oldest first; the cache itself keeps them in no order."""
        return sorted(self.cache.orders(), key=lambda order: int(order.client_order_id.value.rpartition("-")[2]))

    def orders(self, role: OrderRole) -> list[Order]:
        """The orders of a role, oldest first; those that reconciliation brought back do not know theirs."""
        return [order for order in self.all_orders() if order.tags and order.tags[1] == role]

    def order(self, role: OrderRole) -> Order:
        """The newest order of a role."""
        return self.orders(role)[-1]


class Tiers:
    """Endpoints of the stages on a bus. Every one says yes, at once, with the terms ``agreed``; or as told.

    ``requests`` are all that were put before a stage.
    """

    def __init__(self, msgbus: MessageBus, agreed: Terms | None = None, stages: Iterable[Stage] = Stage) -> None:
        self.agreed = agreed or terms()
        self._msgbus = msgbus
        self.requests: dict[Stage, list[StageRequest]] = {stage: [] for stage in Stage}
        self._answers: dict[Stage, Callable[[StageRequest], None]] = {}
        self._handlers = {stage: partial(self._take, stage) for stage in stages}
        for stage, handler in self._handlers.items():
            msgbus.register(stage.endpoint, handler)

    def _take(self, stage: Stage, request: StageRequest) -> None:
        self.requests[stage].append(request)
        answer = self._answers.get(stage, lambda request: request.reply(self.approve(stage, request)))
        answer(request)

    def approve(self, stage: Stage, request: StageRequest) -> StageReply:
        """The stage's yes."""
        return StageReply(stage=stage, dossier=replace(request.dossier, terms=self.agreed), approved=True)

    def decline(self, stage: Stage, reason: str) -> None:
        """From now on the stage says no."""
        self._answers[stage] = lambda request: request.reply(
            StageReply(stage=stage, dossier=request.dossier, approved=False, reason=reason)
        )

    def hold_back(self, stage: Stage) -> list[Callable[[], None]]:
        """From now on the stage says yes only when told: by a call of what is in the list."""
        later: list[Callable[[], None]] = []
        self._answers[stage] = lambda request: later.append(lambda: request.reply(self.approve(stage, request)))
        return later

    def fail(self, stage: Stage, error: Exception) -> None:
        """From now on the stage breaks."""

        def answer(_request: StageRequest) -> None:
            raise error

        self._answers[stage] = answer

    def close(self, *stages: Stage) -> None:
        """Take endpoints away."""
        for stage in stages:
            self._msgbus.deregister(stage.endpoint, self._handlers[stage])


class YesMen(Actor):
    """`Tiers` inside an engine."""

    def __init__(self, agreed: Terms | None = None) -> None:
        super().__init__()
        self._agreed = agreed

    def on_start(self) -> None:
        self.tiers = Tiers(self.msgbus, self._agreed)


class Rig:
    """A backtest engine with one venue, the Helios strategy and its tiers, on hand-made candles.

    An order takes 250 ms to the venue, and a quote opens every minute half a spread (0.05 %) around its open, as in
    `node.backtest`. Predictions are given by hand. The tiers are `YesMen` unless others are put in with `use`.
    """

    def __init__(
        self,
        *instrument_ids: InstrumentId,
        agreed: Terms | None = None,
        balance: float = 100_000.0,
        venue: dict[str, Any] | None = None,
        **config: Any,
    ) -> None:
        self.journal = MemoryJournal()
        self.instruments = {each: build_instrument(each.value) for each in instrument_ids or (BTC,)}
        self.engine = BacktestEngine(
            BacktestEngineConfig(
                trader_id="HELIOS-001",
                logging=LoggingConfig(bypass_logging=True),
                data_engine=DataEngineConfig(time_bars_build_with_no_updates=False, external_clients=[HELIOS_CLIENT]),
                run_analysis=False,
            )
        )
        self._add_venue(balance, venue or {})
        currency = next(iter(self.instruments.values())).quote_currency.code
        shared = {"instrument_ids": tuple(self.instruments), "account_currency": currency, "order_id_tag": "001"}
        self.strategy = helios(self.journal, **shared | config)
        self._tiers: list[Actor] = [YesMen(agreed)]
        self._data: list[list[Any]] = []
        self._predictions: list[CustomData] = []

    def use(self, *tiers: Actor) -> None:
        """Put these in the place of the yes-men."""
        self._tiers = list(tiers)

    def _add_venue(self, balance: float, settings: dict[str, Any]) -> None:
        first = next(iter(self.instruments.values()))
        is_margin = first.id == PERPETUAL
        bases = {each.base_currency for each in self.instruments.values()}
        none_held = [] if is_margin else [Money(0, base) for base in sorted(bases, key=str)]
        self.engine.add_venue(
            first.id.venue,
            OmsType.NETTING,
            AccountType.MARGIN if is_margin else AccountType.CASH,
            [Money(balance, first.quote_currency), *none_held],
            latency_model=LatencyModel(base_latency_nanos=250 * NS_PER_MS),
            **settings,
        )
        for instrument in self.instruments.values():
            self.engine.add_instrument(instrument)

    def candles(
        self,
        candles: Iterable[Candle],
        instrument_id: InstrumentId = BTC,
        *,
        volume: float = 100.0,
        missing: Iterable[int] = (),
    ) -> None:
        """Trade these minutes from the start on."""
        instrument, bars = self.instruments[instrument_id], bars_of(candles, volume=volume, missing=missing)
        self.add(engine_bars(instrument, bars))
        self.add(opening_quotes(instrument, bars, NS_PER_MIN, self.strategy.config.plan.costs.half_spread))

    def add(self, data: Iterable[Any]) -> None:
        """Feed any other data, of one kind and instrument."""
        self._data.append(list(data))

    def predict(self, each: Prediction) -> None:
        """The model says this."""
        self._predictions.append(CustomData(DataType(Prediction), each))

    def run(self) -> MemoryJournal:
        """Run to the end of the data; the journal of what happened."""
        for actor in (*self._tiers, PredictionReplay(ReplayConfig(model_ids=(MODEL_ID,)), self.journal)):
            self.engine.add_actor(actor)
        self.engine.add_strategy(self.strategy)
        for data in self._data:
            self.engine.add_data(data, sort=False)
        if self._predictions:
            self.engine.add_data(self._predictions, client_id=HELIOS_CLIENT, sort=False)
        self.engine.sort_data()
        self.engine.run()
        return self.journal

    @property
    def working_orders(self) -> list[Order]:
        """Orders that may still fill."""
        return [*self.engine.cache.orders_open(), *self.engine.cache.orders_inflight()]

    def balance(self, code: str) -> float:
        """What the account holds of a currency."""
        account = self.engine.cache.account_for_venue(next(iter(self.instruments)).venue)
        return account.balance_total(Currency.from_str(code)).as_double()
