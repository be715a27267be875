"""Measures once a second whether the node is well, tells everybody, and journals what begins and ends to be wrong.

It decides nothing but that: readiness closes entries by `missing`, Guardian moves its switch by the `Vitals`.
"""

from collections.abc import Callable

from msgspec import Struct
from nautilus_trader.common.actor import Actor
from nautilus_trader.common.component import TimeEvent
from nautilus_trader.config import ActorConfig
from nautilus_trader.model.data import Bar, QuoteTick
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.bar_types import bar_type
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.domain.watchdog import Growth, Vitals, Watch, WatchdogRules
from helios_nautilus.journal.protocol import Journal
from helios_nautilus.journal.records import EventRecord
from helios_nautilus.messages import TOPIC_VITALS


class Gauges(Struct, frozen=True, kw_only=True):
    """What is asked once a second, on the engine's thread: nothing here may wait."""

    loop_lag_ms: Callable[[], float]
    """The longest since last asked."""
    clock_skew_secs: Callable[[], float | None]
    """Venue's clock minus this machine's, as last heard."""
    memory_mb: Callable[[], float]
    is_journal_healthy: Callable[[], bool]


class WatchdogConfig(ActorConfig, frozen=True, kw_only=True):
    """Configuration of `Watchdog`: the traded instruments, the length of their recorded bars, the limits."""

    instrument_ids: tuple[InstrumentId, ...]
    base: str = "1m"
    rules: WatchdogRules = WatchdogRules()


class Watchdog(Actor):
    """Publishes `Vitals` once a second; see the module."""

    def __init__(self, config: WatchdogConfig, journal: Journal, gauges: Gauges) -> None:
        super().__init__(config)
        self.journal = journal
        self._gauges = gauges
        self._watch = Watch(config.rules)
        self._memory = Growth()
        self._quoted_ns: dict[str, int] = {}
        self._closed_ns: dict[str, int] = {}

    def missing(self, name: str) -> str:
        """A probe of readiness: the complaint of this name (see `COMPLAINTS`), empty if there is none."""
        return self._watch.complaint(name)

    def on_start(self) -> None:
        """Follow the market, and look every second."""
        for instrument_id in self.config.instrument_ids:
            self.subscribe_quote_ticks(instrument_id)
            self.subscribe_bars(bar_type(instrument_id, self.config.base, self.config.base))
        self.clock.set_timer_ns("HELIOS-WATCHDOG", NS_PER_SEC, self.clock.timestamp_ns(), 0, self._on_timer)

    def on_quote_tick(self, tick: QuoteTick) -> None:
        """Remember when it came."""
        self._quoted_ns[tick.instrument_id.value] = tick.ts_init

    def on_bar(self, bar: Bar) -> None:
        """Remember its close."""
        self._closed_ns[bar.bar_type.instrument_id.value] = bar.ts_event

    def _on_timer(self, _event: TimeEvent) -> None:
        vitals = self._measure()
        for change in self._watch.examine(vitals):
            kind = "watchdog" if change.begins else "watchdog_over"
            words = change.words if change.begins else f"over: {change.words}"
            self.log.warning(words)
            self.journal.append(EventRecord(ts_ns=vitals.ts_ns, kind=kind, words=f"{change.name}: {words}"))
        self.msgbus.publish(TOPIC_VITALS, vitals)

    def _measure(self) -> Vitals:
        now_ns, memory_mb = self.clock.timestamp_ns(), self._gauges.memory_mb()
        return Vitals(
            ts_ns=now_ns,
            loop_lag_ms=self._gauges.loop_lag_ms(),
            clock_skew_secs=self._gauges.clock_skew_secs(),
            memory_mb=memory_mb,
            memory_growth_mb=self._memory.update(now_ns, memory_mb),
            quote_age_secs=self._ages(self._quoted_ns, now_ns),
            bar_age_secs=self._ages(self._closed_ns, now_ns),
            is_journal_healthy=self._gauges.is_journal_healthy(),
        )

    def _ages(self, newest_ns: dict[str, int], now_ns: int) -> dict[str, float | None]:
        names = (each.value for each in self.config.instrument_ids)
        return {name: (now_ns - newest_ns[name]) / NS_PER_SEC if name in newest_ns else None for name in names}
