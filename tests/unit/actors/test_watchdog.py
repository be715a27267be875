from nautilus_trader.model.data import QuoteTick

from helios_nautilus.actors.watchdog import Gauges, Watchdog, WatchdogConfig
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.domain.watchdog import Vitals, WatchdogRules
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import EventRecord
from helios_nautilus.messages import TOPIC_VITALS
from tests.fakes import BTC, ETH, START_NS, Kit


class Watched:
    """A node whose gauges the test sets, and what its watchdog tells."""

    def __init__(self, kit: Kit, journal: MemoryJournal) -> None:
        self.lag_ms, self.skew_secs, self.memory_mb, self.keeps = 1.0, 0.0, 300.0, True
        self.kit = kit
        self.told: list[Vitals] = kit.listen(TOPIC_VITALS)
        gauges = Gauges(
            loop_lag_ms=lambda: self.lag_ms,
            clock_skew_secs=lambda: self.skew_secs,
            memory_mb=lambda: self.memory_mb,
            is_journal_healthy=lambda: self.keeps,
        )
        rules = WatchdogRules(calm_secs=3.0)
        self.actor = kit.start(Watchdog(WatchdogConfig(instrument_ids=(BTC, ETH), rules=rules), journal, gauges))

    def wait(self, secs: float) -> None:
        self.kit.advance_to(self.kit.clock.timestamp_ns() + int(secs * NS_PER_SEC))

    def quote(self) -> None:
        instrument, now_ns = self.kit.cache.instrument(BTC), self.kit.clock.timestamp_ns()
        price, size = instrument.make_price(1_000_000), instrument.make_qty(1)
        self.actor.handle_quote_tick(QuoteTick(BTC, price, price, size, size, now_ns, now_ns))


def test_the_age_of_each_instrument_s_newest_quote_and_bar_is_told_every_second(
    kit: Kit, journal: MemoryJournal
) -> None:
    watched = Watched(kit, journal)
    kit.advance_to(START_NS + NS_PER_MIN)
    kit.bar(watched.actor, 1_000_000.0, BTC)
    watched.wait(10)
    watched.quote()
    watched.wait(5)

    vitals = watched.told[-1]
    assert vitals.ts_ns == START_NS + NS_PER_MIN + 15 * NS_PER_SEC
    assert vitals.bar_age_secs == {BTC.value: 15.0, ETH.value: None}
    assert vitals.quote_age_secs == {BTC.value: 5.0, ETH.value: None}
    assert vitals.ts_ns - watched.told[-2].ts_ns == NS_PER_SEC


def test_what_is_wrong_closes_entries_until_it_has_been_well_for_a_while_and_both_are_journalled(
    kit: Kit, journal: MemoryJournal
) -> None:
    watched = Watched(kit, journal)
    watched.wait(1)
    assert watched.actor.missing("clock") == ""

    watched.skew_secs = 1.5
    watched.wait(1)
    assert watched.actor.missing("clock") == (
        "the venue's clock is +1.5 s from this machine's, limit 1 s: synchronise it"
    )
    watched.skew_secs = 0.1
    watched.wait(2)
    assert watched.actor.missing("clock") != ""
    watched.wait(2)
    assert watched.actor.missing("clock") == ""

    begun, over = journal.of(EventRecord)
    assert (begun.kind, over.kind) == ("watchdog", "watchdog_over")
    assert begun.words.startswith("clock: the venue's clock is")


def test_memory_that_grows_without_end_is_noticed_within_the_hour(kit: Kit, journal: MemoryJournal) -> None:
    watched = Watched(kit, journal)
    watched.wait(60)
    watched.memory_mb += 1_025.0
    watched.wait(60)

    assert watched.actor.missing("memory").startswith("memory grew by 1,025 MB")


def test_a_late_loop_and_a_journal_that_keeps_nothing_are_told(kit: Kit, journal: MemoryJournal) -> None:
    watched = Watched(kit, journal)
    watched.lag_ms, watched.keeps = 5_000.0, False
    watched.wait(1)

    assert watched.actor.missing("loop") == "the event loop came 5000 ms late, limit 2000 ms"
    assert watched.actor.missing("keeping") == "the journal keeps nothing"
