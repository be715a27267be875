"""Run as a module: back-fills again and again, each time killed (SIGKILL) one step later than the time before.

A step is a change to the file system, or an answer of the venue. ``FOLDER`` as in `kill_points`; prints how many were
killed.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from helios_nautilus.history.backfill import backfill
from tests.integration.kill_points import kill_again_and_again
from tests.unit.history.test_backfill import DAY, START, Minutes

NOW = 4 * DAY
TRADED = range(0, DAY, 3)


def fill(catalog: Path, on_minutes: Callable[..., None]) -> None:
    asyncio.run(backfill(Minutes(TRADED, now=NOW), ["BTCZAR"], catalog, START, on_minutes=on_minutes))


if __name__ == "__main__":
    print(kill_again_and_again(Path(sys.argv[1]), fill))  # noqa: T201
