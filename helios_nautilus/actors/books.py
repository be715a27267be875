"""Checks a live account's books: fills of orders that nobody here sent, and balances that our fills do not explain.

The engine's own position check repairs what it finds with orders it invents, and says so in the log alone; whoever
invents, or trades from another screen, shows up here as a fill without our tags.
"""

from decimal import Decimal
from typing import Final

from nautilus_trader.common.actor import Actor
from nautilus_trader.common.component import TimeEvent
from nautilus_trader.config import ActorConfig
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.events import AccountState, OrderEvent, OrderFilled
from nautilus_trader.model.identifiers import InstrumentId, Venue
from nautilus_trader.model.instruments import CryptoPerpetual, Instrument
from nautilus_trader.model.orders import Order

from helios_nautilus.amounts import is_dust
from helios_nautilus.domain.portfolio.books import Books
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.messages import TOPIC_MISMATCH, Mismatch

_EVERY_SECS: Final = 5
_MOST_FEE: Final = Decimal("0.005")
"""Of a fill that the engine inferred, without its fee: what that may have been at most."""


class BookKeeperConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `BookKeeper`: the traded instruments, their venue, how long a difference must last."""

    instrument_ids: tuple[InstrumentId, ...]
    venue: Venue
    patience_secs: float = 60.0


class BookKeeper(Actor):
    """Publishes a `Mismatch` for what does not fit; see the module. For accounts at VALR only."""

    def __init__(self, config: BookKeeperConfig) -> None:
        super().__init__(config)
        self._books = Books(config.patience_secs)
        self._started_ns = 0

    def on_start(self) -> None:
        """Open the books with what the account holds, and listen."""
        self._started_ns = self.clock.timestamp_ns()
        self._take_balances()
        self.msgbus.subscribe("events.order.*", self._on_order_event)
        self.msgbus.subscribe("events.account.*", self._on_account_state)
        self.clock.set_timer_ns("HELIOS-BOOKS", _EVERY_SECS * NS_PER_SEC, self._started_ns, 0, self._on_timer)

    def on_stop(self) -> None:
        """Listen no more."""
        self.msgbus.unsubscribe("events.order.*", self._on_order_event)
        self.msgbus.unsubscribe("events.account.*", self._on_account_state)

    def _on_account_state(self, _state: AccountState) -> None:
        self._take_balances()

    def _take_balances(self) -> None:
        account = self.cache.account_for_venue(self.config.venue)
        for instrument in self._spot_instruments():
            total = None if account is None else account.balance_total(instrument.base_currency)
            if total is not None:
                self._books.balance(instrument.base_currency.code, total.as_decimal())

    def _on_order_event(self, event: OrderEvent) -> None:
        if not isinstance(event, OrderFilled):
            return
        instrument = self.cache.instrument(event.instrument_id)
        order = self.cache.order(event.client_order_id)
        if order is None or instrument is None:
            return
        is_traded = event.instrument_id in self.config.instrument_ids and not is_dust(instrument, event.last_qty)
        if is_traded and self._is_strange(order):
            self._tell(instrument, _words(event))
        if not isinstance(instrument, CryptoPerpetual):
            unsure = event.last_qty.as_decimal() * _MOST_FEE if event.reconciliation else Decimal(0)
            self._books.trade(instrument.base_currency.code, _moved(event, instrument), unsure)

    def _is_strange(self, order: Order) -> bool:
        """Nobody here sent it. Orders of earlier runs have no tags of ours either, but were there before this start."""
        is_ours = order.tags is not None and len(order.tags) == 2
        return not is_ours and order.ts_init >= self._started_ns

    def _on_timer(self, event: TimeEvent) -> None:
        for instrument in self._spot_instruments():
            working = self.cache.orders_open(instrument_id=instrument.id)
            if working or self.cache.orders_inflight(instrument_id=instrument.id):
                continue
            least = instrument.size_increment if instrument.min_quantity is None else instrument.min_quantity
            found = self._books.check(instrument.base_currency.code, least.as_decimal(), event.ts_event)
            if found is not None:
                self._tell(instrument, found.words)

    def _spot_instruments(self) -> list[Instrument]:
        instruments = map(self.cache.instrument, self.config.instrument_ids)
        return [each for each in instruments if each is not None and not isinstance(each, CryptoPerpetual)]

    def _tell(self, instrument: Instrument, words: str) -> None:
        now_ns = self.clock.timestamp_ns()
        self.msgbus.publish(TOPIC_MISMATCH, Mismatch(ts_ns=now_ns, instrument_id=instrument.id.value, words=words))


def _moved(fill: OrderFilled, instrument: Instrument) -> Decimal:
    """What a fill did to the base balance."""
    quantity = fill.last_qty.as_decimal()
    fee = fill.commission.as_decimal() if fill.commission.currency == instrument.base_currency else Decimal(0)
    return (quantity if fill.order_side == OrderSide.BUY else -quantity) - fee


def _words(fill: OrderFilled) -> str:
    did = "bought" if fill.order_side == OrderSide.BUY else "sold"
    return (
        f"{fill.last_qty} of {fill.instrument_id} were {did} at {fill.last_px} by an order that this node did not send "
        f"({fill.client_order_id}); see at VALR who did, and close what it left"
    )
