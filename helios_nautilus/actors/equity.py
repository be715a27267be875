"""Equity of the engine's account against its peak and the day's start: at closes in a backtest, at every quote live.

A backtest adds all of it up once a minute. Live the holdings are read at each piece of news of them, and quotes only
move what they are worth.
"""

from collections.abc import Iterable, Mapping

from nautilus_trader.accounting.accounts.base import Account
from nautilus_trader.common.actor import Actor
from nautilus_trader.config import ActorConfig
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType
from nautilus_trader.model.identifiers import InstrumentId, Venue
from nautilus_trader.model.instruments import CryptoPerpetual, Instrument
from nautilus_trader.model.objects import Currency
from nautilus_trader.model.position import Position

from helios_nautilus.actors.exposures import open_positions
from helios_nautilus.domain.portfolio.live_value import Holdings, LiveValue
from helios_nautilus.domain.portfolio.valuation import (
    EquityMark,
    EquityStore,
    EquityTracker,
    MarginPosition,
    value_cash,
    value_margin,
)


class EquityConfig(ActorConfig, frozen=True, kw_only=True):
    """The account that is marked, and how.

    Parameters
    ----------
    instrument_ids
        The traded instruments, all of one venue and quoted in the account currency.
    venue
        The venue of the account.
    account_currency
        Currency equity is marked in.
    is_live
        Equity is marked at every quote and data are looked at every second, by what the watchdog measures; else both
        once a minute, by the bars alone.
    is_spot_in_balances
        See `holdings_of`.

    """

    instrument_ids: tuple[InstrumentId, ...]
    venue: Venue
    account_currency: str = "ZAR"
    is_live: bool = False
    is_spot_in_balances: bool = False


class Equity:
    """Marks of the account of ``actor``'s engine; usable once that is registered.

    ``closes`` are the newest by instrument id, which its owner keeps. With a ``store`` peak and day's start survive a
    restart; one that cannot be read raises `HeliosError`.
    """

    def __init__(
        self, actor: Actor, config: EquityConfig, closes: Mapping[str, float], store: EquityStore | None
    ) -> None:
        self._actor = actor
        self._config = config
        self._closes = closes
        self._store = store
        self._tracker = EquityTracker(None if store is None else store.load())
        self._value = LiveValue()
        self._is_known = False
        self._currency = Currency.from_str(config.account_currency)

    @property
    def last(self) -> EquityMark | None:
        """The newest mark; None while there is none."""
        return self._tracker.last

    def mark(self, ts_ns: int) -> EquityMark | None:
        """Equity now, or None while a price or the account is unknown; live, the last one while the account changes."""
        if self._config.is_live:
            return self._tracker.update(self._live(ts_ns), ts_ns) or self._tracker.last
        return self._tracker.update(self._at_closes(), ts_ns)

    def mark_quote(self, tick: QuoteTick) -> EquityMark | None:
        """Equity where an instrument is worth what lies between its best quotes; None while it is not known."""
        price = (tick.bid_price.as_double() + tick.ask_price.as_double()) / 2.0
        self._value.price(tick.instrument_id.value, price)
        return self._tracker.update(self._live(tick.ts_init), tick.ts_init)

    def change(self, ts_ns: int) -> None:
        """There is news of the account or of a position."""
        holdings = self._holdings()
        if holdings is not None:
            self._value.change(holdings, ts_ns)
            self._is_known = True

    def rebase(self) -> None:
        """Measure peak and day from the newest equity on."""
        self._tracker.rebase()
        self.keep()

    def keep(self) -> None:
        """Let the newest mark survive a restart; what fails is logged, for marking goes on."""
        if self._store is not None and self._tracker.last is not None:
            try:
                self._store.save(self._tracker.last)
            except OSError as error:
                words = f"peak and day's start of equity are not kept, a restart would forget them: {error}"
                self._actor.log.error(words)

    def _live(self, ts_ns: int) -> float | None:
        if not self._is_known:
            self.change(ts_ns)
        return self._value.value(ts_ns)

    def _holdings(self) -> Holdings | None:
        cache, config = self._actor.cache, self._config
        account = cache.account_for_venue(config.venue)
        if account is None:
            return None
        instruments = map(cache.instrument, config.instrument_ids)
        spot = config.is_spot_in_balances
        return holdings_of(account, open_positions(cache), instruments, self._currency, is_spot_in_balances=spot)

    def _at_closes(self) -> float | None:
        cache = self._actor.cache
        account = cache.account_for_venue(self._config.venue)
        if account is None:
            return None
        if account.type == AccountType.CASH:
            balances = {currency.code: money.as_double() for currency, money in account.balances_total().items()}
            return value_cash(balances, self._base_closes(), self._currency.code)
        balance = account.balance_total(self._currency)
        positions = map(self._margin_position, open_positions(cache))
        return value_margin(None if balance is None else balance.as_double(), positions)

    def _base_closes(self) -> dict[str, float | None]:
        return {
            self._actor.cache.instrument(instrument_id).base_currency.code: self._closes.get(instrument_id.value)
            for instrument_id in self._config.instrument_ids
        }

    def _margin_position(self, position: Position) -> MarginPosition:
        return MarginPosition(
            instrument_id=position.instrument_id.value,
            quantity=position.signed_qty,
            entry_price=position.avg_px_open,
            price=self._closes.get(position.instrument_id.value),
        )


def holdings_of(
    account: Account,
    positions: Iterable[Position],
    instruments: Iterable[Instrument],
    currency: Currency,
    *,
    is_spot_in_balances: bool,
) -> Holdings | None:
    """The holdings, or None while the account's own currency is unknown.

    ``is_spot_in_balances`` says that a purchase of spot moves the balances of a margin account too, as it does at VALR;
    in the engine's simulated one a position of spot is a contract like any other. What none of the instruments trades
    is left out.
    """
    balance = account.balance_total(currency)
    if balance is None:
        return None
    money, quantities = balance.as_double(), {}
    by_balance = account.type == AccountType.CASH or is_spot_in_balances
    for instrument in instruments:
        if by_balance and not isinstance(instrument, CryptoPerpetual):
            held = account.balance_total(instrument.base_currency)
            quantities[instrument.id.value] = 0.0 if held is None else held.as_double()
    for position in positions:
        name = position.instrument_id.value
        if name not in quantities:
            quantities[name] = position.signed_qty
            money -= position.signed_qty * position.avg_px_open
    return Holdings(money=money, quantities=quantities)
