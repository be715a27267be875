"""`helios sim`: VALR on a local port."""

import asyncio
import re
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from helios_nautilus import history
from helios_nautilus.domain.bars import MarketData
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.errors import DataError, HeliosError
from helios_nautilus.simulator.exchange.clock import RunningClock
from helios_nautilus.simulator.exchange.faults import FaultScript, load_faults
from helios_nautilus.simulator.exchange.opening import (
    DEMO_DEPOSITS,
    Credentials,
    open_account,
    open_venue,
    synthetic_markets,
)
from helios_nautilus.simulator.exchange.server import Exchange, Rules


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8770, show_default=True, help="Port; 0 takes a free one.")
@click.option(
    "--catalog",
    type=click.Path(path_type=Path, file_okay=False),
    help="Replay this catalogue: its one-minute bars, and its trades and books where it has them.",
)
@click.option(
    "--file",
    "files",
    multiple=True,
    metavar="PAIR=FILE",
    help="Replay a recorded Parquet file (one-minute candles, trades or a book's changes) as this pair; "
    "give it again for more files, of one pair or of others.",
)
@click.option("--start", metavar="TIME", help="Open at this recorded time (ISO 8601, UTC), not a day into the data.")
@click.option("--seed", default=4, show_default=True, help="Of the synthetic market and of all else that is drawn.")
@click.option("--days", default=5, show_default=True, help="Length of the synthetic market, which needs no data.")
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0.0, min_open=True),
    help="Venue seconds per second. At 1 the recording is moved to now, otherwise it keeps its own dates. "
    "Rate limits, heartbeats and the age of signatures stay in your seconds.",
)
@click.option("--faults", type=click.Path(path_type=Path, dir_okay=False), help="TOML script of faults.")
@click.option("--key", envvar="VALR_API_KEY", help="API key to accept; a demo key without it.")
@click.option(
    "--secret", envvar="VALR_API_SECRET", help="Its secret; better in VALR_API_SECRET than on a command line."
)
@click.option("--sub-account", is_flag=True, help="The key belongs to a sub-account, which may trade perpetuals.")
@click.option(
    "--deposit",
    "deposits",
    multiple=True,
    metavar="CURRENCY=AMOUNT",
    help="What the account begins with, e.g. ZAR=100000; give it again for more. Without it some of everything.",
)
@click.option("--limit-scale", default=1.0, show_default=True, help="Multiplies VALR's rate limits; 0 is no limits.")
@click.option("--json", "as_json", is_flag=True, help="Print URL and key as one JSON line.")
def sim(
    host: str,
    port: int,
    catalog: Path | None,
    files: tuple[str, ...],
    start: str | None,
    seed: int,
    days: int,
    speed: float,
    faults: Path | None,
    key: str | None,
    secret: str | None,
    sub_account: bool,
    deposits: tuple[str, ...],
    limit_scale: float,
    as_json: bool,
) -> None:
    """Run a simulated VALR until interrupted: REST and both sockets on one port, with play money."""
    if (key is None) != (secret is None):
        raise click.UsageError("--key and --secret go together")
    if catalog is not None and files:
        raise click.UsageError("give --catalog or --file, not both")
    markets = _markets(catalog, files, seed, days)
    now_ns = time.time_ns()
    opens_ns = None if start is None else _parse_start(start)
    venue = open_venue(markets, seed=seed, opens_ns=opens_ns, now_ns=now_ns if speed == 1.0 else None)
    label = "simulator" if sub_account else None
    funds = _amounts(deposits) or DEMO_DEPOSITS
    credentials = open_account(venue, key=key, secret=secret, label=label, deposits=funds)
    # The venue opens on a whole minute: at speed 1 its clock agrees with the client's.
    clock = RunningClock(now_ns if speed == 1.0 else venue.now_ns, speed)
    script = load_faults(faults) if faults else FaultScript()
    exchange = Exchange(venue, clock, Rules(limit_scale=limit_scale), script)
    try:
        asyncio.run(_serve(exchange, host, port, credentials, is_demo=key is None, as_json=as_json))
    except OSError as error:
        raise HeliosError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    except KeyboardInterrupt:
        click.echo("stopped", err=True)


def _markets(catalog: Path | None, files: tuple[str, ...], seed: int, days: int) -> dict[str, MarketData]:
    if catalog is not None:
        return _load_catalogue(catalog)
    return history.load_recordings(_by_pair(files)) if files else synthetic_markets(seed, days)


def _load_catalogue(catalog: Path) -> dict[str, MarketData]:
    series = [one.instrument_id for one in history.describe(catalog) if one.length_ns == NS_PER_MIN]
    if not series:
        raise DataError(f"{catalog} has no one-minute bars to replay")
    loaded = history.load_market_data(catalog, series, trades=True)
    return {
        name.partition(".")[0]: msgspec.structs.replace(data, books=history.load_depths(catalog, name))
        for name, data in loaded.items()
    }


def _by_pair(files: tuple[str, ...]) -> dict[str, list[Path]]:
    paths: defaultdict[str, list[Path]] = defaultdict(list)
    for given in files:
        symbol, _, path = given.partition("=")
        if not symbol or not path:
            raise click.UsageError(f"--file wants PAIR=FILE, e.g. BTCUSDT=candles.parquet; it got '{given}'")
        paths[symbol.upper()].append(Path(path))
    return dict(paths)


def _amounts(deposits: tuple[str, ...]) -> dict[str, str]:
    amounts: dict[str, str] = {}
    for given in deposits:
        currency, _, amount = given.partition("=")
        if currency not in DEMO_DEPOSITS or re.fullmatch(r"\d+(\.\d+)?", amount, re.ASCII) is None:
            known = ", ".join(DEMO_DEPOSITS)
            raise click.UsageError(f"--deposit wants CURRENCY=AMOUNT of {known}, e.g. ZAR=100000; it got '{given}'")
        amounts[currency] = amount
    return amounts


def _parse_start(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--start wants a time like 2024-07-18T23:58, not '{text}'") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * NS_PER_SEC


async def _serve(
    exchange: Exchange, host: str, port: int, credentials: Credentials, *, is_demo: bool, as_json: bool
) -> None:
    url = await exchange.start(host, port)
    # A secret that was given is not printed again.
    shown = {"url": url, "key": credentials.key} | ({"secret": credentials.secret} if is_demo else {})
    if as_json:
        click.echo(msgspec.json.encode(shown).decode())
    else:
        click.echo(f"VALR simulator at {url} (sockets at {url.replace('http', 'ws', 1)}/ws/trade and /ws/account)")
        click.echo(f"VALR_API_KEY={credentials.key}")
        click.echo(f"VALR_API_SECRET={credentials.secret if is_demo else '(as given)'}")
    sys.stdout.flush()
    try:
        await asyncio.Event().wait()
    finally:
        await exchange.stop()
