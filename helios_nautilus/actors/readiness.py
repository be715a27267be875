"""Says once a second whether a live node has all that an entry needs, and opens or closes entries by it.

It also subscribes to the quotes, which Guardian and emulated stops look at, and for a simulated exchange to the books.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec import Struct
from nautilus_trader.common.actor import Actor
from nautilus_trader.common.component import TimeEvent
from nautilus_trader.config import ActorConfig
from nautilus_trader.model.data import Bar
from nautilus_trader.model.enums import BookType
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.timeframe import NS_PER_SEC, parse_timeframe
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import EventRecord
from helios_nautilus.messages import TOPIC_READINESS, ReadinessChanged

type Probe = Callable[[], str]
"""What is missing, in a few words; empty if nothing is."""

BAR_GRACE_SECS: Final = 5.0
"""How long a bar may be on its way from its close."""
_STOPPING: Final = "the node is being stopped"


class Item(Struct, frozen=True, kw_only=True):
    """One line of what entries need."""

    name: str
    missing: str

    @property
    def is_there(self) -> bool:
        """Nothing is missing."""
        return not self.missing


type OnReadiness = Callable[[tuple[Item, ...]], None]
"""Told all items whenever one of them changed."""


class ReadinessConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `Readiness`.

    Parameters
    ----------
    instrument_ids
        The traded instruments.
    base
        Length of the recorded bars.
    bar_grace_secs
        How long after its close a bar may be on its way; without one for longer, data are stale.
    books
        Whether to subscribe to the books, for an exchange that is simulated here.

    """

    instrument_ids: tuple[InstrumentId, ...]
    base: str = "1m"
    bar_grace_secs: float = BAR_GRACE_SECS
    books: bool = False


class Readiness(Actor):
    """Publishes `ReadinessChanged` and journals every change; until the first one nothing is ready.

    Parameters
    ----------
    config
        See `ReadinessConfig`.
    journal
        Takes a note of every change.
    probes
        What else must be there, by name, e.g. the journal: asked every second, on the engine's thread.
    on_readiness
        Who shows it.

    """

    def __init__(
        self, config: ReadinessConfig, journal: Journal, probes: Mapping[str, Probe], on_readiness: OnReadiness
    ) -> None:
        super().__init__(config)
        self.journal = journal
        self._probes = {**probes, "quotes": self._missing_quotes, "bars": self._stale_bars}
        self._on_readiness = on_readiness
        self._newest_ns = {each.value: 0 for each in config.instrument_ids}
        self._items: tuple[Item, ...] = ()
        self._is_stopping = False

    @property
    def is_ready(self) -> bool:
        """Entries are open."""
        return bool(self._items) and all(item.is_there for item in self._items)

    @property
    def items(self) -> tuple[Item, ...]:
        """All that an entry needs, as last looked at; empty before the first look."""
        return self._items

    def on_start(self) -> None:
        """Follow the market, and look every second."""
        for instrument_id in self.config.instrument_ids:
            self.subscribe_bars(bar_type(instrument_id, self.config.base, self.config.base))
            self.subscribe_quote_ticks(instrument_id)
            if self.config.books:
                self.subscribe_order_book_deltas(instrument_id, book_type=BookType.L2_MBP)
        now_ns = self.clock.timestamp_ns()
        self.clock.set_timer_ns("HELIOS-READINESS", NS_PER_SEC, now_ns, 0, self._on_timer)

    def on_bar(self, bar: Bar) -> None:
        """Remember how new the data are."""
        self._newest_ns[bar.bar_type.instrument_id.value] = bar.ts_event

    def close_entries(self) -> None:
        """Nothing is to be opened any more: the node stops."""
        self._is_stopping = True
        self.look()

    def _on_timer(self, _event: TimeEvent) -> None:
        self.look()

    def look(self) -> None:
        """Ask for everything, and say what changed."""
        items = tuple(Item(name=name, missing=probe()) for name, probe in self._probes.items())
        if self._is_stopping:
            items = (*items, Item(name="entries", missing=_STOPPING))
        if items == self._items:
            return
        was_ready, is_first = self.is_ready, not self._items
        self._items = items
        if is_first or was_ready != self.is_ready:
            self._announce()
        self._on_readiness(items)

    def _announce(self) -> None:
        now_ns = self.clock.timestamp_ns()
        missing = "; ".join(f"{item.name}: {item.missing}" for item in self._items if item.missing)
        kind = "ready" if self.is_ready else "not_ready"
        self.journal.append(EventRecord(ts_ns=now_ns, kind=kind, words=missing or "entries are open"))
        self.msgbus.publish(TOPIC_READINESS, ReadinessChanged(ts_ns=now_ns, is_ready=self.is_ready, words=missing))

    def _missing_quotes(self) -> str:
        return _none_of(each.value for each in self.config.instrument_ids if self.cache.quote_tick(each) is None)

    def _stale_bars(self) -> str:
        """Just before the next bar comes, the newest one is a bar's length old, and its own way here."""
        limit_ns = 2 * parse_timeframe(self.config.base) + int(self.config.bar_grace_secs * NS_PER_SEC)
        oldest_ns = self.clock.timestamp_ns() - limit_ns
        return _none_of(name for name, ts_ns in self._newest_ns.items() if ts_ns < oldest_ns)


def _none_of(names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return f"none of {listed}" if listed else ""
