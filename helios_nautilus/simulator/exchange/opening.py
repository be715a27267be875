"""Opening an exchange: which markets it replays from when, and accounts with keys and money to begin with."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import numpy as np
from msgspec import Struct

from helios_nautilus.domain.bars import Bars, MarketData
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN
from helios_nautilus.errors import ConfigError
from helios_nautilus.simulator.exchange.accounts import PRIMARY, TRADE, VIEW, ApiKey
from helios_nautilus.simulator.exchange.listing import load_listing
from helios_nautilus.simulator.exchange.venue import Market, Venue
from helios_nautilus.simulator.market import MarketConfig, simulate_market

_RAND_PER_DOLLAR: Final = 18.0
_DERIVED: Final = {
    "BTCUSDT": ("BTCZAR", 5.0),
    "BTCUSDTPERP": ("BTCZAR", 20.0),
    "ETHUSDTPERP": ("ETHZAR", 20.0),
    "SOLUSDTPERP": ("SOLZAR", 20.0),
}
"""Dollar markets made of rand ones: source, and how much more they trade."""

DEMO_DEPOSITS: Final = {"ZAR": "1000000", "BTC": "1", "ETH": "10", "SOL": "100", "USDT": "50000", "USDC": "50000"}


class Credentials(Struct, frozen=True, kw_only=True):
    """A key pair for a client; its text never shows the secret."""

    key: str
    secret: str
    account_id: str

    def __repr__(self) -> str:
        return f"Credentials(key={self.key[:6]!r}..., account_id={self.account_id!r})"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        """Pretty tracebacks ask here."""
        return [("key", f"{self.key[:6]}..."), ("account_id", self.account_id)]


def synthetic_markets(seed: int, days: int = 5) -> dict[str, MarketData]:
    """The seeded synthetic market by symbol, with dollar pairs and perpetuals made of it. All of it is invented."""
    config = MarketConfig(seed=seed, days=days, trades_days=0)
    markets = {name.partition(".")[0]: data for name, data in simulate_market(config).items()}
    for symbol, (source, turnover) in _DERIVED.items():
        markets[symbol] = MarketData(instrument_id=f"{symbol}.VALR", bars=_in_dollars(markets[source].bars, turnover))
    markets["USDTZAR"] = MarketData(instrument_id="USDTZAR.VALR", bars=_steady(markets["BTCZAR"].bars, seed))
    return markets


def open_venue(
    markets: Mapping[str, MarketData], *, seed: int = 0, opens_ns: int | None = None, now_ns: int | None = None
) -> Venue:
    """An exchange that replays markets by symbol from ``opens_ns`` on, by default a day after the first bar.

    Given ``now_ns``, the recording is moved, by whole minutes, so that the exchange opens at the minute of that time.
    """
    listing = load_listing()
    unlisted = [symbol for symbol in markets if symbol not in listing.pairs or not listing.pairs[symbol].active]
    if unlisted or not markets:
        raise ConfigError(f"no market that the simulated exchange lists: {', '.join(unlisted) or 'none was given'}")
    first_ns = max(int(data.bars.ts_ns[0]) for data in markets.values()) - NS_PER_MIN
    last_ns = min(int(data.bars.ts_ns[-1]) for data in markets.values())
    if opens_ns is None:
        opens_ns = first_ns + min(NS_PER_DAY, (last_ns - first_ns) // 2)
    opens_ns = opens_ns // NS_PER_MIN * NS_PER_MIN
    if not first_ns <= opens_ns < last_ns:
        raise ConfigError("the exchange would open outside the recorded time")
    shift_ns = 0 if now_ns is None else now_ns // NS_PER_MIN * NS_PER_MIN - opens_ns
    moved = {symbol: Market(data=data, shift_ns=shift_ns) for symbol, data in markets.items()}
    return Venue(moved, opens_ns + shift_ns, seed=seed, listing=listing)


def open_account(
    venue: Venue,
    *,
    key: str | None = None,
    secret: str | None = None,
    label: str | None = None,
    deposits: Mapping[str, str] = DEMO_DEPOSITS,
    permissions: tuple[str, ...] = (VIEW, TRADE),
) -> Credentials:
    """A funded account: the primary one, or a sub-account of the given label. Keys left out are made of the seed."""
    account_id = PRIMARY if label is None else venue.accounts.open_sub_account(label).account_id
    credentials = Credentials(
        key=key or _hex(f"key {venue.seed} {account_id}"),
        secret=secret or _hex(f"secret {venue.seed} {account_id}"),
        account_id=account_id,
    )
    venue.accounts.add_key(
        ApiKey(
            key=credentials.key,
            secret=credentials.secret,
            account_id=account_id,
            permissions=permissions,
            label=label or "primary",
            added_ns=venue.now_ns,
        )
    )
    for currency, amount in deposits.items():
        venue.engine.ledger.deposit(account_id, currency, Decimal(amount), venue.now_ns)
    venue.engine.conclude(venue.now_ns)
    return credentials


def _in_dollars(bars: Bars, turnover: float) -> Bars:
    cents = {name: np.round(getattr(bars, name) / _RAND_PER_DOLLAR, 2) for name in ("open", "high", "low", "close")}
    return Bars(ts_ns=bars.ts_ns, volume=np.round(bars.volume * turnover, 4), **cents)


def _steady(bars: Bars, seed: int) -> Bars:
    """A dollar in rand that hardly moves."""
    rng = np.random.default_rng([seed, 18])
    edges = np.round(_RAND_PER_DOLLAR + np.cumsum(rng.normal(0.0, 0.0005, len(bars) + 1)), 4)
    opened, close = edges[:-1], edges[1:]
    return Bars(
        ts_ns=bars.ts_ns,
        open=opened,
        high=np.maximum(opened, close),
        low=np.minimum(opened, close),
        close=close,
        volume=np.round(rng.gamma(2.0, 500.0, len(bars)), 2),
    )


def _hex(words: str) -> str:
    """64 hex characters, as VALR's keys have."""
    return hashlib.sha256(words.encode()).hexdigest()
