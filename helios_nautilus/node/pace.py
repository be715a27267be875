"""Which time a node lives in: the wall clock's, or a simulator's that replays the past faster than it happened.

Market time goes by the venue's clock: stamps, bars, alerts. The machine's own work stays in wall time: signatures, rate
limits, heartbeats, HTTP time-outs, and an order's simulated latency.
"""

import asyncio
import time
from math import ceil
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from helios_nautilus.adapters.valr.api.calls import HttpConfig
from helios_nautilus.adapters.valr.api.errors import VenueError
from helios_nautilus.adapters.valr.api.http import ValrHttp
from helios_nautilus.adapters.valr.history import fetch_venue_time
from helios_nautilus.config import HeliosConfig, VenueSection
from helios_nautilus.errors import DataError

_QUESTIONS: Final = 5
"""The answer that came soonest counts: half its way is what the reading can be wrong by."""
_PATIENCE_SECS: Final = 60.0


class Pace(Struct, frozen=True, kw_only=True):
    """Venue time as a line over wall time, nanoseconds UTC: it was ``venue_ns`` at ``wall_ns``.

    At speed 1 both are one, whatever the two stamps say.
    """

    speed: float = 1.0
    venue_ns: int = 0
    wall_ns: int = 0

    @property
    def is_wall(self) -> bool:
        """Venue time is the wall clock's."""
        return self.speed == 1.0

    def to_venue(self, wall_ns: int) -> int:
        """Venue time at a wall time."""
        return wall_ns if self.is_wall else self.venue_ns + round((wall_ns - self.wall_ns) * self.speed)

    def to_wall(self, venue_ns: int) -> int:
        """The first wall time at which it is a venue time."""
        return venue_ns if self.is_wall else self.wall_ns + ceil((venue_ns - self.venue_ns) / self.speed)

    def now_ns(self) -> int:
        """Venue time now."""
        return self.to_venue(time.time_ns())


def find_pace(venue: VenueSection) -> Pace:
    """The pace of a configured venue, which is asked for its time unless that is the wall clock's.

    Raises `DataError` if it does not answer.
    """
    return Pace() if venue.speed == 1.0 else asyncio.run(_ask(venue))


async def _ask(venue: VenueSection) -> Pace:
    http = ValrHttp(HttpConfig(base_url=venue.http_url, deadline_secs=_PATIENCE_SECS))
    try:
        readings = [await _read(http) for _ in range(_QUESTIONS)]
    except VenueError as error:
        raise DataError(f"{venue.http_url} does not tell its time: {error}") from error
    finally:
        await http.close()
    _, venue_ns, wall_ns = min(readings)
    return Pace(speed=venue.speed, venue_ns=venue_ns, wall_ns=wall_ns)


async def _read(http: ValrHttp) -> tuple[int, int, int]:
    """How long the way took, the venue's time, and the wall time half-way."""
    asked_ns = time.time_ns()
    venue_ns = await fetch_venue_time(http)
    heard_ns = time.time_ns()
    return heard_ns - asked_ns, venue_ns, (asked_ns + heard_ns) // 2


def in_venue_time(config: HeliosConfig) -> HeliosConfig:
    """The settings with what the machine's own work may take as it is in venue time, by which a node's alerts go.

    The deadlines of the model and the gate, and a proposal's life; a simulated latency is not waited for by alerts.
    """
    speed = config.venue.speed
    if speed == 1.0:
        return config
    return replace(
        config,
        model=replace(config.model, deadline_ms=config.model.deadline_ms * speed),
        gate=replace(config.gate, deadline_ms=round(config.gate.deadline_ms * speed)),
        execution=replace(config.execution, proposal_ttl_secs=config.execution.proposal_ttl_secs * speed),
    )
