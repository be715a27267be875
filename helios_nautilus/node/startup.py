"""What a paper or live node has ready before it connects: history up to the last minute, instruments, the model.

Step by step, each told in a line; what cannot be had ends the start with an error, and nothing was traded.
"""

import asyncio
import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.errors import VenueError
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.signing import Credentials
from helios_nautilus.adapters.valr.constants import VALR
from helios_nautilus.config import HeliosConfig
from helios_nautilus.domain.bars import MarketData
from helios_nautilus.domain.timeframe import NS_PER_DAY, parse_timeframe
from helios_nautilus.errors import ConfigError, DataError, HeliosError, ModelError, NotEnoughHistoryError
from helios_nautilus.history.backfill import BackfillReport, backfill
from helios_nautilus.history.candles import CandleSource
from helios_nautilus.history.catalogue import load_instruments, load_market_data
from helios_nautilus.models.checkpoint import Model
from helios_nautilus.models.succession import Term
from helios_nautilus.node.backtest import check_instruments
from helios_nautilus.node.model import load_run_model
from helios_nautilus.node.tiers import Past

type Tell = Callable[[str, str], None]
"""Hears what was done, in a word, and how it went."""

BASE: Final = "1m"
"""The only bars that VALR streams."""
_PATIENCE_SECS: Final = 60.0
"""How long the venue may be silent while history is fetched."""


class Prepared(Struct, frozen=True, kw_only=True):
    """All that is known before the node connects."""

    past: Past
    since_ns: int
    """The past ends here, at the close of a bar of the slowest timeframe; the node goes on with the next minute."""


def prepare(config: HeliosConfig, tell: Tell, *, has_open_bets: bool = False) -> Prepared:
    """Fetch what the catalogue lacks, and load history and model; with open bets a node starts without a model too.

    Raises `ConfigError`, `DataError` or `ModelError`, in one line that says what to do.
    """
    check_live(config)
    reports = fetch_history(config)
    fetched = sum(report.filled for report in reports)
    low_ns = parse_timeframe(config.data.timeframes.low)
    since_ns = min(report.last_ns for report in reports) // low_ns * low_ns
    tell("history", f"{len(reports)} pairs over {config.node.history_days} days, {fetched:,} minutes fetched")
    model = _find_model(config, since_ns, tell, may_lack=has_open_bets)
    instruments = {each.id.value: each for each in load_instruments(config.data.catalog, config.data.instruments)}
    check_instruments(config, instruments)
    past = Past(
        instruments=instruments,
        history=load_history(config, since_ns),
        terms=() if isinstance(model, ModelError) else (Term(model=model),),
        no_model=model if isinstance(model, ModelError) else None,
    )
    return Prepared(past=past, since_ns=since_ns)


def _find_model(config: HeliosConfig, since_ns: int, tell: Tell, *, may_lack: bool) -> Model | ModelError:
    """The model; where it may be lacking, the reason why none can be used."""
    try:
        model = load_run_model(config, since_ns)
    except (ModelError, ConfigError) as error:
        if not may_lack:
            raise
        tell("model", f"none: {error}; open bets are managed, nothing is entered")
        return error if isinstance(error, ModelError) else ModelError(str(error))
    tell("model", f"{model.model_id} ({model.card.preset})")
    return model


@contextmanager
def sole_node(lock: Path) -> Iterator[None]:
    """Be the only node that holds a lock; `HeliosError` if another does, and it ends with the process.

    Two nodes on one account would give their orders the same names.
    """
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HeliosError(f"another node of this mode is running ({lock} is held); stop it first") from error
        yield


def check_live(config: HeliosConfig) -> None:
    """`ConfigError` for what a backtest can do and a node cannot."""
    data = config.data
    if config.venue.speed != 1.0 and config.venue.http_url.startswith("https://"):
        raise ConfigError("venue.speed is a simulator's: a venue behind https lives in real time, so leave it out")
    if data.base != BASE:
        raise ConfigError(f"data.base is {data.base}, but VALR streams {BASE} bars only")
    if data.trades or data.book:
        raise ConfigError("data.trades and data.book must be false: nobody recorded those of the time before the start")
    foreign = [name for name in data.instruments if name.rpartition(".")[2] != VALR]
    if foreign:
        raise ConfigError(f"data.instruments: {', '.join(foreign)} cannot be traded at VALR")
    if config.model.predictions != "model" or config.model.follow != "current":
        raise ConfigError("model.predictions must be 'model' and model.follow 'current' where time is real")


def fetch_history(config: HeliosConfig, since_ns: int | None = None) -> list[BackfillReport]:
    """Ask VALR for the minutes a catalogue lacks of the days before ``since_ns``, by default now, and of all after it.

    `DataError` if it does not answer.
    """
    return asyncio.run(_fetch(config, since_ns))


async def _fetch(config: HeliosConfig, since_ns: int | None) -> list[BackfillReport]:
    source = CandleSource(config.venue.http_url, patience_secs=_PATIENCE_SECS)
    symbols = [name.rpartition(".")[0] for name in config.data.instruments]
    try:
        until_ns = await source.now_ns() if since_ns is None else since_ns
        start_ns = until_ns // NS_PER_DAY * NS_PER_DAY - config.node.history_days * NS_PER_DAY
        return await backfill(source, symbols, config.data.catalog, start_ns)
    except VenueError as error:
        raise DataError(f"{config.venue.http_url} does not answer: {error}") from error
    finally:
        await source.close()


def load_history(config: HeliosConfig, since_ns: int) -> dict[str, MarketData]:
    """The bars of the days before a node goes on; `NotEnoughHistoryError` for a pair without any."""
    start_ns = since_ns - config.node.history_days * NS_PER_DAY
    history = load_market_data(config.data.catalog, config.data.instruments, start_ns, since_ns, bar=BASE)
    empty = [name for name, data in history.items() if not len(data.bars)]
    if empty:
        raise NotEnoughHistoryError(f"{config.data.catalog} has no bars of {', '.join(empty)} of the last days")
    return history


def name_account(config: HeliosConfig, credentials: Credentials) -> str:
    """What the venue calls the account that a key trades: the key's label, and the sub-account it acts as.

    Raises `DataError` if the venue refuses the key or does not answer.
    """
    label = asyncio.run(_ask_label(config, credentials))
    return f"{label}/{config.venue.sub_account}" if config.venue.sub_account else label


async def _ask_label(config: HeliosConfig, credentials: Credentials) -> str:
    http = ValrHttp(HttpConfig(base_url=config.venue.http_url, deadline_secs=_PATIENCE_SECS), credentials)
    try:
        return (await http.get_api_key()).label
    except VenueError as error:
        raise DataError(f"{config.venue.http_url} does not say whose key this is: {error}") from error
    finally:
        await http.close()
