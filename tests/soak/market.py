"""What a soak trades: recorded minutes of three perpetuals, on a simulated exchange whose time runs fast.

The minutes are Binance's (see ../shared/data/README.md); the simulator draws prints and books from them, under VALR's
names of the same perpetuals, and keeps their dates. Of VALR's dollar pairs these alone may be sold short.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from helios_nautilus.domain.bars import MarketData
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.history import load_recordings
from helios_nautilus.simulator.exchange.clock import RunningClock
from helios_nautilus.simulator.exchange.opening import Credentials, open_account, open_venue
from helios_nautilus.simulator.exchange.server import Exchange, Rules

RECORDED: Final = Path(__file__).parents[2].parent / "shared" / "data"
PAIRS: Final = ("BTCUSDTPERP", "ETHUSDTPERP", "SOLUSDTPERP")
FILES: Final = {pair: [RECORDED / f"{pair.removesuffix('PERP').lower()}_perp_1m_2025.parquet"] for pair in PAIRS}
FIRST: Final = datetime(2025, 5, 5, tzinfo=UTC)
"""The first whole day of the stretch that all three have without a hole; it ends on 24 June."""
SPEED: Final = 20.0


class Plan(Struct, frozen=True, kw_only=True):
    """How much past there is before the exchange opens, all of it history and most of it to train on."""

    past_days: int = 14
    epochs: int = 2
    speed: float = SPEED

    @property
    def opens(self) -> datetime:
        """Venue time at the opening."""
        return FIRST + timedelta(days=self.past_days)


def is_recorded() -> bool:
    """The data are here."""
    return all(path.exists() for paths in FILES.values() for path in paths)


@cache
def markets() -> dict[str, MarketData]:
    """By symbol."""
    return load_recordings(FILES)


class Desk(Struct, frozen=True):
    """The running exchange, and the key of its funded account."""

    exchange: Exchange
    login: Credentials


@asynccontextmanager
async def trading_day(plan: Plan, seed: int) -> AsyncIterator[Desk]:
    """An exchange that opens as planned; its time begins to run with this."""
    venue = open_venue(markets(), seed=seed, opens_ns=int(plan.opens.timestamp()) * NS_PER_SEC)
    login = open_account(venue, label="soak")
    exchange = Exchange(venue, RunningClock(venue.now_ns, plan.speed), Rules(limit_scale=0.0))
    await exchange.start()
    try:
        yield Desk(exchange, login)
    finally:
        await exchange.stop()


def settings(plan: Plan, url: str) -> dict[str, Any]:
    """A decision every five minutes of venue time; bets without asking for an edge, and leaves within twenty."""
    split = plan.opens - timedelta(days=1)
    return {
        "name": "soak",
        "data.catalog": "market",
        "data.instruments": [f"{pair}.VALR" for pair in PAIRS],
        "data.reference": f"{PAIRS[0]}.VALR",
        "account.kind": "margin",
        "account.currency": "USDT",
        "account.balance": 50_000.0,
        "backtest.start": f"{split:%Y-%m-%d}",
        "backtest.end": f"{plan.opens:%Y-%m-%d}",
        "training.window.start": f"{FIRST:%Y-%m-%d}",
        "training.window.end": f"{split:%Y-%m-%d}",
        "training.split.train": 0.6,
        "training.split.validation": 0.3,
        "training.optimiser.epochs": plan.epochs,
        "model.folder": "model",
        "plan.hold_mins": 20,
        "aether.sizing.margin": True,
        "aether.sizing.min_confidence": 0.0,
        "aether.sizing.min_edge": -1.5,
        "venue.http_url": url,
        "venue.ws_url": url.replace("http", "ws", 1),
        "venue.speed": plan.speed,
        "node.history_days": plan.past_days - 1,
    }
