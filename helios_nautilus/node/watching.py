"""Who watches over a live node: the watchdog, with the gauges it reads, and whoever says how the node is."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct
from nautilus_trader.common.actor import Actor
from nautilus_trader.live.node import TradingNode

from helios_nautilus.actors.aether import Aether
from helios_nautilus.actors.books import BookKeeper, BookKeeperConfig
from helios_nautilus.actors.guardian import Guardian
from helios_nautilus.actors.pulse import Pulse
from helios_nautilus.actors.readiness import Probe, Readiness
from helios_nautilus.actors.status import OnStatus, Sources, StatusActor, StatusConfig
from helios_nautilus.actors.watchdog import Gauges, Watchdog, WatchdogConfig
from helios_nautilus.config import HeliosConfig
from helios_nautilus.journal.records import Mode
from helios_nautilus.journal.writer import LiveJournal
from helios_nautilus.node.startup import BASE
from helios_nautilus.node.tiers import instrument_ids
from helios_nautilus.node.venue_clock import VenueClock
from helios_nautilus.strategies.tiered import TieredStrategy

_PROBED: Final = ("loop", "clock", "memory", "quote_age")
"""What the watchdog alone looks at; bars and the journal have probes of their own."""


@contextmanager
def watchdog_beside(
    node: TradingNode, config: HeliosConfig, loop: asyncio.AbstractEventLoop, journal: LiveJournal
) -> Iterator[Watchdog]:
    """The node's watchdog, added to it; what it reads is measured from now on, until the end."""
    rules = config.watchdog
    pulse = Pulse(loop)
    venue = config.venue
    clock = VenueClock(venue.http_url, node.kernel.clock.timestamp_ns, rules.clock_check_secs, venue.speed)
    gauges = Gauges(
        loop_lag_ms=pulse.take_worst_ms,
        clock_skew_secs=clock.skew_secs,
        memory_mb=resident_mb,
        is_journal_healthy=lambda: journal.is_healthy,
    )
    watchdog = Watchdog(WatchdogConfig(instrument_ids=instrument_ids(config), base=BASE, rules=rules), journal, gauges)
    node.trader.add_actor(watchdog)
    pulse.start()
    clock.start(loop)
    try:
        yield watchdog
    finally:
        pulse.stop()
        if not loop.is_closed():
            loop.run_until_complete(clock.stop())


def watchdog_probes(watchdog: Watchdog) -> Mapping[str, Probe]:
    """What it says to readiness, by name."""
    return {name: lambda name=name: watchdog.missing(name) for name in _PROBED}  # type: ignore[misc]


class Watched(Struct, frozen=True, kw_only=True):
    """The run that is said to be well or not."""

    config: HeliosConfig
    mode: Mode
    run_id: str
    model_id: str


def add_status(
    node: TradingNode,
    run: Watched,
    journal: LiveJournal,
    readiness: Readiness,
    strategy: TieredStrategy,
    listeners: Sequence[OnStatus],
) -> None:
    """Have the node say how it is, once a second, to all who listen."""
    guardian, aether = actor_of(node, Guardian), actor_of(node, Aether)
    sources = Sources(
        guardian=guardian,
        needs=lambda: readiness.items,
        guards=strategy.guards,
        journal=journal.status,
        forecast=aether.forecast,
    )
    ids = instrument_ids(run.config)
    settings = StatusConfig(
        instrument_ids=ids,
        venue=ids[0].venue,
        account_currency=run.config.account.currency,
        base=BASE,
        run_id=run.run_id,
        mode=run.mode,
        name=run.config.name,
        model_id=run.model_id,
        started_ns=node.kernel.clock.timestamp_ns(),
    )
    node.trader.add_actor(StatusActor(settings, sources, listeners))


def add_book_keeper(node: TradingNode, config: HeliosConfig) -> None:
    """Have a live account's books compared with the venue's."""
    ids = instrument_ids(config)
    node.trader.add_actor(BookKeeper(BookKeeperConfig(instrument_ids=ids, venue=ids[0].venue)))


def actor_of[A: Actor](node: TradingNode, kind: type[A]) -> A:
    """The node's one actor of a kind."""
    (found,) = (actor for actor in node.trader.actors() if isinstance(actor, kind))
    return found


def resident_mb() -> float:
    """Memory of this process that is in use now; where the system does not say, 0."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
