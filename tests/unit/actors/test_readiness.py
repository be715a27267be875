from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.actors.readiness import Item, Readiness, ReadinessConfig
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import EventRecord
from helios_nautilus.messages import TOPIC_READINESS, ReadinessChanged
from tests.fakes import BTC, ETH, START_NS, Kit, bars_of, engine_bars, flat


class Watch:
    """A readiness of two pairs, what it says, and what it is told of the journal."""

    def __init__(self, kit: Kit, journal: MemoryJournal) -> None:
        self.kit = kit
        self.trouble = ""
        self.shown: list[tuple[Item, ...]] = []
        self.told: list[ReadinessChanged] = []
        kit.msgbus.subscribe(TOPIC_READINESS, self.told.append)
        config = ReadinessConfig(instrument_ids=(BTC, ETH))
        self.actor = kit.start(Readiness(config, journal, {"journal": lambda: self.trouble}, self.shown.append))

    def quote(self, instrument_id: InstrumentId) -> None:
        instrument, now_ns = self.kit.cache.instrument(instrument_id), self.kit.clock.timestamp_ns()
        price, size = instrument.make_price(1_000_000), instrument.make_qty(1)
        self.kit.cache.add_quote_tick(QuoteTick(instrument_id, price, price, size, size, now_ns, now_ns))

    def bar(self, instrument_id: InstrumentId, minute: int) -> None:
        bars = engine_bars(self.kit.cache.instrument(instrument_id), bars_of(flat(1_000_000.0, minute)))
        self.actor.on_bar(bars[-1])

    def all_there(self, minute: int) -> None:
        self.kit.advance_to(START_NS + minute * NS_PER_MIN)
        for instrument_id in (BTC, ETH):
            self.quote(instrument_id)
            self.bar(instrument_id, minute)
        self.kit.advance_to(START_NS + minute * NS_PER_MIN + NS_PER_SEC)


def test_nothing_is_ready_before_every_pair_has_a_quote_and_a_bar(kit: Kit, journal: MemoryJournal) -> None:
    watch = Watch(kit, journal)

    kit.advance_to(START_NS + 10 * NS_PER_MIN)
    watch.quote(BTC)
    watch.bar(BTC, 10)
    kit.advance_to(START_NS + 10 * NS_PER_MIN + NS_PER_SEC)

    assert not watch.actor.is_ready
    assert [change.is_ready for change in watch.told] == [False]
    assert {item.name: item.missing for item in watch.shown[-1]} == {
        "journal": "",
        "quotes": "none of ETHZAR.VALR",
        "bars": "none of ETHZAR.VALR",
    }


def test_entries_open_when_all_is_there_and_the_journal_says_so(kit: Kit, journal: MemoryJournal) -> None:
    watch = Watch(kit, journal)

    watch.all_there(10)

    assert watch.actor.is_ready
    assert [change.is_ready for change in watch.told] == [False, True]
    assert [event.kind for event in journal.of(EventRecord)] == ["not_ready", "ready"]


def test_entries_close_when_bars_stop_coming_or_the_journal_fails(kit: Kit, journal: MemoryJournal) -> None:
    watch = Watch(kit, journal)
    watch.all_there(10)

    kit.advance_to(START_NS + 12 * NS_PER_MIN + 5 * NS_PER_SEC)
    assert watch.actor.is_ready, "the bar of this minute may still be on its way"
    kit.advance_to(START_NS + 12 * NS_PER_MIN + 7 * NS_PER_SEC)
    assert not watch.actor.is_ready
    watch.all_there(13)
    assert watch.actor.is_ready
    watch.trouble = "it keeps nothing"
    kit.advance_to(START_NS + 13 * NS_PER_MIN + 3 * NS_PER_SEC)

    assert not watch.actor.is_ready
    assert watch.told[-1].words == "journal: it keeps nothing"


def test_a_node_that_stops_opens_nothing_any_more(kit: Kit, journal: MemoryJournal) -> None:
    watch = Watch(kit, journal)
    watch.all_there(10)

    watch.actor.close_entries()
    watch.all_there(11)

    assert not watch.actor.is_ready
    assert watch.told[-1].words == "entries: the node is being stopped"
