"""The portfolio once a day: what is held at each midnight UTC and at the end of the run, and whose profit it was."""

from collections.abc import Callable

from nautilus_trader.common.actor import Actor
from nautilus_trader.common.component import TimeEvent
from nautilus_trader.config import ActorConfig
from nautilus_trader.model.enums import AccountType, OrderSide
from nautilus_trader.model.events import OrderFilled
from nautilus_trader.model.identifiers import InstrumentId, Venue
from nautilus_trader.model.objects import Currency

from helios_nautilus.amounts import commission_value, exact
from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.portfolio.daybook import Day, DayBook, Stake
from helios_nautilus.domain.portfolio.valuation import EquityMark
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import Holding, SnapshotRecord
from helios_nautilus.messages import TOPIC_PORTFOLIO, PortfolioState

type Mark = Callable[[int], EquityMark | None]
"""Equity at a stamp that is now, as Guardian marks it; None while it is unknown."""


class SnapshotConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `SnapshotActor`.

    Parameters
    ----------
    instrument_ids
        The traded instruments, all of one venue and quoted in the account currency.
    venue
        The venue of the account.
    account_currency
        Currency equity is marked in.
    base
        Length of the recorded bars.

    """

    instrument_ids: tuple[InstrumentId, ...]
    venue: Venue
    account_currency: str = "ZAR"
    base: str = "1m"


class SnapshotActor(Actor):
    """Journals a `SnapshotRecord` with every instrument that has a price, held or not.

    The P&L of the first one counts from the first equity that Guardian marked, which is before any entry. No snapshot
    is taken while equity is unknown; the next one then counts from the last one taken.

    Parameters
    ----------
    config
        See `SnapshotConfig`.
    journal
        Takes the snapshots.
    mark
        Guardian's mark to market.

    """

    def __init__(self, config: SnapshotConfig, journal: Journal, mark: Mark) -> None:
        super().__init__(config)
        self.journal = journal
        self._mark = mark
        self._currency = Currency.from_str(config.account_currency)
        self._book: DayBook | None = None
        self._taken_ns = 0

    def on_start(self) -> None:
        """Hear of every fill, and wait for the first equity and for midnight."""
        self.msgbus.subscribe(TOPIC_PORTFOLIO, self.on_portfolio)
        for instrument_id in self.config.instrument_ids:
            self.msgbus.subscribe(f"events.fills.{instrument_id}", self.on_fill)
        self.clock.set_timer_ns(
            name="HELIOS-SNAPSHOT",
            interval_ns=NS_PER_DAY,
            start_time_ns=self.clock.timestamp_ns() // NS_PER_DAY * NS_PER_DAY,
            stop_time_ns=0,
            callback=self._on_timer,
        )

    def on_resume(self) -> None:
        """Go on after a stop."""
        self.on_start()

    def on_stop(self) -> None:
        """Take the last snapshot."""
        self.msgbus.unsubscribe(TOPIC_PORTFOLIO, self.on_portfolio)
        for instrument_id in self.config.instrument_ids:
            self.msgbus.unsubscribe(f"events.fills.{instrument_id}", self.on_fill)
        self.take(self.clock.timestamp_ns())

    def on_portfolio(self, state: PortfolioState) -> None:
        """Open the book at the first mark."""
        if self._book is None:
            self._book = DayBook(state.equity, self._stakes())
            self._taken_ns = state.ts_ns

    def on_fill(self, fill: OrderFilled) -> None:
        """Write down what a fill paid in, rounded as the account rounds it.

        A commission taken in the base currency is seen in what is held, not in what was paid.
        """
        if self._book is None:
            return
        instrument = self.cache.instrument(fill.instrument_id)
        value = instrument.notional_value(fill.last_qty, fill.last_px).as_decimal()
        paid = -value if fill.order_side == OrderSide.BUY else value
        if fill.commission.currency == self._currency:
            paid -= fill.commission.as_decimal()
        self._book.write(fill.instrument_id.value, paid, commission_value(fill, self._currency))

    def _on_timer(self, event: TimeEvent) -> None:
        self.take(event.ts_event)

    def take(self, ts_ns: int) -> None:
        """Journal the portfolio as it is now, unless that was just done or equity is unknown."""
        mark = self._mark(ts_ns) if ts_ns > self._taken_ns else None
        if mark is None or self._book is None:
            return
        stakes = self._stakes()
        day = self._book.close(mark.equity, stakes)
        self._taken_ns = ts_ns
        self.journal.append(_record(mark, day, stakes))

    def _stakes(self) -> dict[str, Stake]:
        """What is held of every instrument that has a price."""
        found = {}
        for instrument_id in self.config.instrument_ids:
            bar = self.cache.bar(bar_type(instrument_id, self.config.base, self.config.base))
            if bar is not None:
                found[instrument_id.value] = Stake(quantity=self._quantity(instrument_id), price=exact(bar.close))
        return found

    def _quantity(self, instrument_id: InstrumentId) -> float:
        """On a cash account the balance of the base currency is what is held, as Guardian values it."""
        account = self.cache.account_for_venue(self.config.venue)
        if account.type == AccountType.CASH:
            balance = account.balance_total(self.cache.instrument(instrument_id).base_currency)
            return 0.0 if balance is None else float(balance.as_decimal())
        return sum(position.signed_qty for position in self.cache.positions_open(instrument_id=instrument_id))


def _record(mark: EquityMark, day: Day, stakes: dict[str, Stake]) -> SnapshotRecord:
    return SnapshotRecord(
        ts_ns=mark.ts_ns,
        equity=mark.equity,
        cash=mark.equity - sum(stake.value for stake in stakes.values()),
        drawdown=mark.drawdown,
        pnl=day.pnl,
        costs=day.costs,
        holdings=tuple(
            Holding(
                instrument_id=name,
                quantity=stake.quantity,
                price=stake.price,
                value=stake.value,
                weight=stake.value / mark.equity if mark.equity else 0.0,
                pnl=day.by_instrument[name],
            )
            for name, stake in stakes.items()
        ),
    )
