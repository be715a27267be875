"""Run as a module: a process that is killed when it has kept a fill and the journal's writer has not seen it yet.

``killed_at_fill URL SPOOL BETS RUN_ID``. An earlier fill is in the journal, or in the spool if the database is away.
"""

import os
import signal
import sys
from pathlib import Path

from msgspec.structs import replace

from helios_nautilus.journal.bet_file import BetFile
from helios_nautilus.journal.scribe import WriterSettings
from helios_nautilus.journal.sink import PostgresSink
from helios_nautilus.journal.writer import JournalWriter
from tests.integration.journal.samples import RUN, fill

TOLD, LOST = fill("D-1", 1), fill("D-1", 2)
_PATIENCE_SECS = 30.0


def main(url: str, spool: Path, bets: Path, run_id: str) -> None:
    """The writer looks once at the start, and then not again for an hour."""
    settings = WriterSettings(batch_ms=3_600_000)
    writer = JournalWriter(run_id, "live", PostgresSink(lambda: url), spool, settings)
    file = BetFile(bets, run_id, on_trouble=sys.exit)
    file.save([], TOLD)
    for record in (replace(RUN, run_id=run_id, mode="live"), TOLD):
        writer.append(record)
    writer.start()
    if not writer.wait_committed(2, _PATIENCE_SECS):
        sys.exit("the first rows were not kept")
    file.save([], LOST)
    writer.append(LOST)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
