"""Says once a second how the node is: everything that pages, metrics and alerts show beside the records."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from nautilus_trader.common.actor import Actor
from nautilus_trader.common.component import TimeEvent
from nautilus_trader.config import ActorConfig
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.identifiers import InstrumentId, Venue
from nautilus_trader.model.objects import Currency
from nautilus_trader.model.position import Position

from helios_nautilus.actors.guardian import Guardian
from helios_nautilus.actors.readiness import Item
from helios_nautilus.actors.tier_words import TierWords
from helios_nautilus.amounts import exact, is_dust
from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.lifecycle import Guard
from helios_nautilus.domain.portfolio.valuation import EquityMark
from helios_nautilus.domain.risk.volatility import VolatilityForecast
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.domain.watchdog import Vitals
from helios_nautilus.journal.records import Mode
from helios_nautilus.journal.status import MarketStatus, Need, NodeStatus, PositionStatus
from helios_nautilus.journal.writer import WriterStatus
from helios_nautilus.messages import TOPIC_VITALS

type OnStatus = Callable[[NodeStatus], None]
"""Hears the status, on the engine's thread: it must not wait. What it raises is logged, once until it is well again."""


class Sources(Struct, frozen=True, kw_only=True):
    """Whom the status asks, on the engine's thread."""

    guardian: Guardian
    needs: Callable[[], Sequence[Item]]
    """What readiness last found."""
    guards: Callable[[], Mapping[InstrumentId, Guard]]
    """What watches over each bet."""
    journal: Callable[[], WriterStatus]
    forecast: Callable[[str], VolatilityForecast | None]
    """By instrument id; None while unknown."""


class StatusConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `StatusActor`: whose status it is, and the account and instruments it is about."""

    instrument_ids: tuple[InstrumentId, ...]
    venue: Venue
    account_currency: str
    base: str
    run_id: str
    mode: Mode
    name: str
    model_id: str
    started_ns: int


class StatusActor(Actor):
    """Hands a `NodeStatus` to each of its listeners, once a second; see the module."""

    def __init__(self, config: StatusConfig, sources: Sources, listeners: Sequence[OnStatus]) -> None:
        super().__init__(config)
        self._sources = sources
        self._listeners = tuple(listeners)
        self._deaf: set[int] = set()
        self._tiers = TierWords()
        self._vitals: Vitals | None = None
        self._currency = Currency.from_str(config.account_currency)

    def on_start(self) -> None:
        """Listen, and tell every second."""
        self._tiers.join(self.msgbus)
        self.msgbus.subscribe(TOPIC_VITALS, self._on_vitals)
        self.clock.set_timer_ns("HELIOS-STATUS", NS_PER_SEC, self.clock.timestamp_ns(), 0, self._on_timer)

    def on_stop(self) -> None:
        """Tell a last time, and listen no more."""
        self._tell()
        self._tiers.leave(self.msgbus)
        self.msgbus.unsubscribe(TOPIC_VITALS, self._on_vitals)

    def _on_vitals(self, vitals: Vitals) -> None:
        self._vitals = vitals

    def _on_timer(self, _event: TimeEvent) -> None:
        self._tell()

    def _tell(self) -> None:
        status = self.assemble()
        for number, listener in enumerate(self._listeners):
            try:
                listener(status)
                self._deaf.discard(number)
            except Exception as error:  # noqa: BLE001 whoever watches must not touch trading
                if number not in self._deaf:
                    self.log.error(f"A listener to the status failed: {type(error).__name__}: {error}")
                self._deaf.add(number)

    def assemble(self) -> NodeStatus:
        """The status now."""
        config, guardian, needs = self.config, self._sources.guardian, self._sources.needs()
        kill, mark, journal = guardian.kill_switch.status, guardian.last_mark, self._sources.journal()
        positions, vitals = self._positions(), self._vitals
        return NodeStatus(
            ts_ns=self.clock.timestamp_ns(),
            run_id=config.run_id,
            mode=config.mode,
            name=config.name,
            model_id=config.model_id,
            currency=config.account_currency,
            started_ns=config.started_ns,
            is_ready=bool(needs) and all(item.is_there for item in needs),
            needs=tuple(Need(name=item.name, missing=item.missing) for item in needs),
            entries_on=self._tiers.controls.entries_on,
            kill_state=kill.state.value,
            kill_words=kill.words,
            tiers=self._tiers.all(),
            equity=None if mark is None else mark.equity,
            cash=self._cash(),
            peak=None if mark is None else mark.peak,
            drawdown=None if mark is None else mark.drawdown,
            daily_loss=None if mark is None else mark.daily_loss,
            exposure=_exposure(mark, positions),
            positions=positions,
            markets=tuple(map(self._market, config.instrument_ids)),
            orders_working=self._orders_working(),
            loop_lag_ms=0.0 if vitals is None else vitals.loop_lag_ms,
            clock_skew_ms=None if vitals is None or vitals.clock_skew_secs is None else vitals.clock_skew_secs * 1e3,
            memory_mb=0.0 if vitals is None else vitals.memory_mb,
            journal_waiting=journal.waiting,
            journal_lost=journal.lost,
            journal_kept=journal.kept,
            is_journal_healthy=journal.is_healthy,
            pipeline_errors=guardian.kill_switch.errors_in_a_row,
        )

    def _cash(self) -> float | None:
        account = self.cache.account_for_venue(self.config.venue)
        balance = None if account is None else account.balance_total(self._currency)
        return None if balance is None else balance.as_double()

    def _orders_working(self) -> int:
        cache = self.cache
        working = (*cache.orders_open(), *cache.orders_inflight(), *cache.orders_emulated())
        return len({order.client_order_id for order in working})

    def _positions(self) -> tuple[PositionStatus, ...]:
        """Without dust: nobody can do anything about it."""
        guards = self._sources.guards()
        held = sorted(self.cache.positions_open(), key=lambda position: position.id.value)
        return tuple(
            self._position(each, guards.get(each.instrument_id))
            for each in held
            if not is_dust(self.cache.instrument(each.instrument_id), each.quantity)
        )

    def _position(self, position: Position, guard: Guard | None) -> PositionStatus:
        price, signed = self._price(position.instrument_id), position.signed_qty
        return PositionStatus(
            instrument_id=position.instrument_id.value,
            decision_id="" if guard is None else guard.decision_id,
            side="LONG" if signed > 0 else "SHORT",
            quantity=abs(signed),
            entry_price=position.avg_px_open,
            price=price,
            value=None if price is None else signed * price,
            pnl=None if price is None else signed * (price - position.avg_px_open),
            opened_ns=position.ts_opened,
            stop_price=None if guard is None else guard.stop_price,
            target_price=None if guard is None else guard.target_price,
            deadline_ns=None if guard is None else guard.deadline_ns,
            is_guarded=guard is not None and guard.is_working,
        )

    def _market(self, instrument_id: InstrumentId) -> MarketStatus:
        name, quote, vitals = instrument_id.value, self.cache.quote_tick(instrument_id), self._vitals
        forecast = self._sources.forecast(name)
        return MarketStatus(
            instrument_id=name,
            price=self._price(instrument_id),
            bid=None if quote is None else exact(quote.bid_price),
            ask=None if quote is None else exact(quote.ask_price),
            quote_age_secs=None if vitals is None else vitals.quote_age_secs.get(name),
            bar_age_secs=None if vitals is None else vitals.bar_age_secs.get(name),
            vol_daily=None if forecast is None else forecast.vol_daily,
            regime="" if forecast is None else forecast.regime.value,
        )

    def _price(self, instrument_id: InstrumentId) -> float | None:
        """The newest known: between the best quotes, else the last bar's close."""
        quote: QuoteTick | None = self.cache.quote_tick(instrument_id)
        if quote is not None:
            return (exact(quote.bid_price) + exact(quote.ask_price)) / 2.0
        bar = self.cache.bar(bar_type(instrument_id, self.config.base, self.config.base))
        return None if bar is None else exact(bar.close)


def _exposure(mark: EquityMark | None, positions: Sequence[PositionStatus]) -> float | None:
    values = [position.value for position in positions]
    if mark is None or mark.equity <= 0.0 or None in values:
        return None
    return sum(abs(value) for value in values if value is not None) / mark.equity
