"""VALR: the key, whether the venue answers, and how far its clock is from ours. Each question is asked once."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.clock import Clock, SystemClock
from helios_nautilus.adapters.valr.api.enums import ExchangeState
from helios_nautilus.adapters.valr.api.errors import UnavailableError, VenueError
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.api.schemas.market import ExchangeStatus, Pair
from helios_nautilus.adapters.valr.api.signing import KEY_VARIABLE, SECRET_VARIABLE, Credentials
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.journal.records import Mode
from helios_nautilus.node.doctor.examination import Finding, fail, ok, warn

VALR_ADDRESS: Final = HttpConfig().base_url
_PATIENCE_SECS: Final = 3.0
_ONCE_SECS: Final = 1e-3
"""A deadline that any attempt exceeds: nothing is asked twice."""
_LATE_SECS: Final = 1.0
"""A clock that is fast by more may take an unfinished bar for a finished one (docs/valr.md)."""
_WRONG_SECS: Final = 5.0
"""Then bars are looked for before they are there, and nobody knows which signatures VALR still takes."""
_JUMP_SECS: Final = 0.1
_TRADE: Final = "Trade"
_WITHDRAW: Final = "Withdraw"
_SYNCHRONISE: Final = "synchronise the clock, e.g. 'timedatectl set-ntp true'"

# The client warns of every answer that it does not get; here that is a line, and told as one.
logging.getLogger("helios_nautilus.adapters.valr.api").addHandler(logging.NullHandler())


def check_venue_key(environ: Mapping[str, str], mode: Mode, url: str | None, sub_account: str | None = None) -> Finding:
    """The pair of variables that hold the key; for live trading also what VALR lets it do."""
    found = [name for name in (KEY_VARIABLE, SECRET_VARIABLE) if environ.get(name, "").strip()]
    cure = f"set {KEY_VARIABLE} and {SECRET_VARIABLE} in the environment"
    if len(found) == 1:
        return fail(f"{found[0]} is set, and the other of the pair is not", cure)
    if not found:
        return fail("not set, and live trading needs it", cure) if mode == "live" else ok("not set; only live needs it")
    credentials = Credentials.from_env(environ, sub_account)
    return _check_permissions(url, credentials) if mode == "live" else ok("set")


def check_venue(symbols: Sequence[str], url: str | None) -> Finding:
    """VALR answers and takes orders, and the pairs trade."""
    url = url or VALR_ADDRESS
    try:
        status, pairs = _ask(url, _ask_market)
    except VenueError as error:
        return fail(_words_of(error), f"look at the network, or whether {url} is meant")
    active = {pair.symbol for pair in pairs if pair.active}
    if idle := [symbol for symbol in symbols if symbol not in active]:
        return fail(f"{', '.join(idle)} cannot be traded at {url}", "take them out of data.instruments")
    if status.status is not ExchangeState.ONLINE:
        return warn(f"{url} answers, but takes no orders now ({status.status})", "wait for the end of its maintenance")
    trading = f"all {len(symbols)} pairs trade" if symbols else f"{len(active)} pairs trade"
    return ok(f"{url} answers and takes orders; {trading}")


def check_clock(url: str | None, clock: Clock | None = None) -> Finding:
    """Our clock against VALR's, and against a scale that never jumps."""
    clock = clock or SystemClock()

    async def look(http: ValrHttp) -> tuple[float, float, float]:
        await http.get_time()  # the first question pays for the connection
        start_ns, start_secs = clock.time_ns(), clock.monotonic()
        venue_ns = (await http.get_time()).time_ns
        end_ns, took_secs = clock.time_ns(), clock.monotonic() - start_secs
        jump_secs = (end_ns - start_ns) / NS_PER_SEC - took_secs
        return ((start_ns + end_ns) / 2 - venue_ns) / NS_PER_SEC, took_secs / 2, jump_secs

    try:
        ahead_secs, unsure_secs, jump_secs = _ask(url, look)
    except VenueError as error:
        return warn(f"not compared: {_words_of(error)}")
    if abs(jump_secs) > _JUMP_SECS:
        return warn(f"it jumped by {jump_secs:+.2f} s while VALR was asked", _SYNCHRONISE)
    where, off_secs = "ahead of" if ahead_secs > 0 else "behind", abs(ahead_secs) - unsure_secs
    words = f"{abs(ahead_secs):.2f} s {where} VALR's, give or take {unsure_secs:.2f}"
    if off_secs > _WRONG_SECS:
        return fail(words, _SYNCHRONISE)
    return warn(words, _SYNCHRONISE) if off_secs > _LATE_SECS else ok(words)


def _check_permissions(url: str | None, credentials: Credentials) -> Finding:
    try:
        key = _ask(url, lambda http: http.get_api_key(), credentials)
    except UnavailableError as error:
        return warn(f"set, but VALR could not be asked: {_words_of(error)}")
    except VenueError as error:
        return fail(_words_of(error), "see that the key is whole and in force, and may be used from this address")
    may = f"accepted; it may: {', '.join(key.permissions)}"
    if _TRADE not in key.permissions:
        return fail(may, f"live trading needs a key with the permission {_TRADE}")
    if _WITHDRAW in key.permissions:
        return warn(may, f"make a key without {_WITHDRAW}: Helios never needs it, and a thief would")
    return ok(may)


async def _ask_market(http: ValrHttp) -> tuple[ExchangeStatus, list[Pair]]:
    return await http.get_status(), await http.get_pairs()


def _ask[T](
    url: str | None, question: Callable[[ValrHttp], Coroutine[Any, Any, T]], credentials: Credentials | None = None
) -> T:
    async def ask() -> T:
        config = HttpConfig(base_url=url or VALR_ADDRESS, timeout_secs=_PATIENCE_SECS, deadline_secs=_ONCE_SECS)
        http = ValrHttp(config, credentials)
        try:
            return await question(http)
        finally:
            await http.close()

    return asyncio.run(ask())


def _words_of(error: VenueError) -> str:
    """What happened, without the client's word that it asks no more."""
    return str(error.__cause__ or error) if isinstance(error, UnavailableError) else str(error)
