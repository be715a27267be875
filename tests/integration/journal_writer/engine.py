"""Run as a module: a node's process that journals at a steady rate and says after every record how far it has come.

``engine URL SPOOL RUN_ID RATE``: a `Progress` for each record goes to standard output, packed; the writer's words to
standard error. It ends well when asked to (SIGTERM).
"""

import os
import signal
import struct
import sys
import threading
import time
from itertools import count
from pathlib import Path
from typing import NamedTuple

from helios_nautilus.journal.records import Record
from helios_nautilus.journal.scribe import WriterSettings
from helios_nautilus.journal.sink import PostgresSink
from helios_nautilus.journal.writer import JournalWriter
from tests.integration.journal_writer.traffic import record

PACKED = struct.Struct(">QQQQ?")
SETTINGS = WriterSettings(batch_ms=20, retry_ms=50, retry_max_ms=200)


class Progress(NamedTuple):
    """After one append."""

    appended: int
    kept: int
    append_ns: int
    """How long it took, on this thread."""
    bare_ns: int
    """And an append to a list just before: what the machine takes for next to nothing."""
    is_direct: bool
    """The database was there."""


def main(url: str, spool: Path, run_id: str, rate: float) -> None:
    writer = JournalWriter(run_id, "paper", PostgresSink(lambda: url), spool, SETTINGS, on_trouble=_tell)
    writer.start()
    bare: list[Record] = []
    asked_to_end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked_to_end.set())
    begun_at = time.monotonic()
    for number in count():
        if asked_to_end.is_set():
            break
        time.sleep(max(0.0, begun_at + number / rate - time.monotonic()))
        item = record(number)
        stamps = [time.perf_counter_ns()]
        bare.append(item)
        stamps.append(time.perf_counter_ns())
        writer.append(item)
        bare_ns, append_ns = stamps[1] - stamps[0], time.perf_counter_ns() - stamps[1]
        status = writer.status()
        os.write(1, PACKED.pack(number + 1, status.kept, append_ns, bare_ns, status.is_direct))
    sys.exit(0 if writer.close(timeout_secs=30.0) else 3)


def _tell(words: str) -> None:
    os.write(2, f"{words}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
