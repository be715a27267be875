"""Guardian's mark of equity at a quote: ten instruments held, no limit near, as it happens all day long."""

from collections.abc import Iterator
from itertools import cycle
from typing import Final

from nautilus_trader.accounting.factory import AccountFactory
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus, TestClock
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import AccountType
from nautilus_trader.model.events import AccountState
from nautilus_trader.model.identifiers import AccountId, InstrumentId, TraderId
from nautilus_trader.model.objects import AccountBalance, Currency, Money
from nautilus_trader.portfolio.portfolio import Portfolio

from benchmarks.row import Row, time_calls, timing
from benchmarks.world import World
from helios_nautilus.actors.guardian import Guardian, GuardianConfig
from helios_nautilus.adapters.valr import VALR
from helios_nautilus.adapters.valr.constants import VALR_VENUE
from helios_nautilus.adapters.valr.instruments import build_instrument
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_SEC
from helios_nautilus.journal.memory import MemoryJournal

_BASES: Final = ("AVAX", "BNB", "BTC", "ETH", "LINK", "SOL", "USDC", "USDT", "XAUT", "XRP")
_TARGET_SECS: Final = 20e-6
_NOW_NS: Final = 20_000 * NS_PER_DAY


def mark_rows(world: World) -> Iterator[Row]:
    """One quote, from the tick to the kill switch's look at the new mark."""
    guardian, ticks = _guardian()
    for tick in ticks:
        guardian.handle_quote_tick(tick)
    next_tick = cycle(ticks).__next__
    seconds = time_calls(lambda: guardian.handle_quote_tick(next_tick()), world.count(50_000))
    if guardian.last_mark is None:
        raise RuntimeError("nothing was marked: the figure would be that of doing nothing")
    yield timing("Guardian: mark at a quote, ten held", seconds, target=_TARGET_SECS)


def _guardian() -> tuple[Guardian, list[QuoteTick]]:
    """Started, with an account that holds a little of everything."""
    clock, trader_id, cache = TestClock(), TraderId("BENCH-001"), Cache()
    clock.set_time(_NOW_NS)
    bus = MessageBus(trader_id, clock)
    portfolio = Portfolio(bus, cache, clock)
    bus.register("DataEngine.execute", lambda _command: None)
    instruments = [build_instrument(f"{base}ZAR.{VALR}") for base in _BASES]
    for instrument in instruments:
        cache.add_instrument(instrument)
    held = [("ZAR", 100_000.0), *((base, 1.0) for base in _BASES)]
    cache.add_account(AccountFactory.create(_account_state(held)))
    ids = tuple(InstrumentId.from_str(f"{base}ZAR.{VALR}") for base in _BASES)
    guardian = Guardian(GuardianConfig(instrument_ids=ids, venue=VALR_VENUE, is_live=True), MemoryJournal())
    guardian.register_base(portfolio, bus, cache, clock)
    guardian.start()
    later_ns = _NOW_NS + 10 * NS_PER_SEC
    sized = [(each, each.make_qty(1), each.make_price(1_000)) for each in instruments]
    ticks = [QuoteTick(each.id, price, price, size, size, later_ns, later_ns) for each, size, price in sized]
    return guardian, ticks


def _account_state(held: list[tuple[str, float]]) -> AccountState:
    balances = []
    for code, amount in held:
        money, none = (Money(each, Currency.from_str(code)) for each in (amount, 0.0))
        balances.append(AccountBalance(money, none, money))
    account_id = AccountId(f"{VALR}-001")
    return AccountState(account_id, AccountType.CASH, None, True, balances, [], {}, UUID4(), _NOW_NS, _NOW_NS)
