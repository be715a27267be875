from mmap import mmap

from helios_nautilus.actors.watchdog import Gauges, Watchdog, WatchdogConfig
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.node.watching import resident_mb, watchdog_probes
from tests.fakes import BTC, START_NS, Kit


def test_each_probe_tells_its_own_complaint_and_no_other() -> None:
    kit = Kit(BTC)
    gauges = Gauges(
        loop_lag_ms=lambda: 9_999.0,
        clock_skew_secs=lambda: None,
        memory_mb=lambda: 100.0,
        is_journal_healthy=lambda: True,
    )
    watchdog = kit.start(Watchdog(WatchdogConfig(instrument_ids=(BTC,)), MemoryJournal(), gauges))
    kit.advance_to(START_NS + NS_PER_SEC)

    told = {name: probe() for name, probe in watchdog_probes(watchdog).items()}

    assert told.keys() == {"loop", "clock", "memory", "quote_age"}
    assert {name for name, words in told.items() if words} == {"loop"}


def test_memory_that_is_taken_shows() -> None:
    before = resident_mb()
    # Of its own, not out of what the process has freed and still holds.
    with mmap(-1, 64 * 2**20) as taken:
        taken.write(b"x" * len(taken))
        assert resident_mb() - before > 32
