"""Whether a running node is well: what was measured of it, the limits, and what is to be said where one is passed.

Passing a limit closes entries until it has been kept again for a while; exits never ask.
"""

from collections import deque
from collections.abc import Callable, Mapping
from math import inf
from typing import Final

from msgspec import Struct

from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_SEC
from helios_nautilus.errors import ConfigError


class WatchdogRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a running node may show of itself before entries close. It has to be well again for ``calm_secs``."""

    max_loop_lag_ms: float = 2_000.0
    """How late the event loop may come to what is due."""
    max_quote_age_secs: float = 300.0
    """Since an instrument's last quote; where nothing changes at the top of a thin book there is none for a while."""
    max_bar_age_secs: float = 180.0
    """Since the close of an instrument's last bar."""
    max_clock_skew_secs: float = 1.0
    """Between the venue's clock and this machine's, either way."""
    clock_check_secs: float = 60.0
    """Between two questions for the venue's time; three without an answer make it unknown."""
    max_memory_mb: float = 8_192.0
    """Resident memory of the process."""
    max_memory_growth_mb: float = 1_024.0
    """Growth of it within an hour."""
    calm_secs: float = 10.0

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if not 0.0 < getattr(self, name) < inf:
                raise ConfigError(f"watchdog: {name} must be above 0")


_QUOTE_AFTER_TRADE_SECS: Final = 120.0
"""A bar tells of trades, and those move the top of the book."""


class Vitals(Struct, frozen=True, kw_only=True):
    """What was measured of a node at ``ts_ns`` (nanoseconds UTC)."""

    ts_ns: int
    loop_lag_ms: float
    """The longest since the last time."""
    clock_skew_secs: float | None
    """Venue's clock minus this machine's; None while unknown."""
    memory_mb: float
    memory_growth_mb: float
    """Since the lowest of the last hour."""
    quote_age_secs: Mapping[str, float | None]
    """By instrument id; None where there never was one."""
    bar_age_secs: Mapping[str, float | None]
    is_journal_healthy: bool

    def data_age_secs(self, instrument_id: str, waited_secs: float) -> float:
        """How long an instrument's market has been silent; ``waited_secs`` where it never said anything.

        A quiet market is not a dead one: a minute without a trade has no bar, and while the top of the book stands
        still there is no quote. But bars without quotes mean that the quotes are lost, and stops look at those.
        """
        quote, bar = self.quote_age_secs.get(instrument_id), self.bar_age_secs.get(instrument_id)
        if quote is None:
            return waited_secs
        return quote if bar is None or quote - bar > _QUOTE_AFTER_TRADE_SECS else min(quote, bar)


def _loop(vitals: Vitals, rules: WatchdogRules) -> str:
    lag, limit = vitals.loop_lag_ms, rules.max_loop_lag_ms
    return f"the event loop came {lag:.0f} ms late, limit {limit:.0f} ms" if lag > limit else ""


def _clock(vitals: Vitals, rules: WatchdogRules) -> str:
    """Of a venue that has not said its time nothing is known, and the quotes' own age tells if it is away."""
    skew, limit = vitals.clock_skew_secs, rules.max_clock_skew_secs
    if skew is None or abs(skew) <= limit:
        return ""
    return f"the venue's clock is {skew:+.1f} s from this machine's, limit {limit:g} s: synchronise it"


def _memory(vitals: Vitals, rules: WatchdogRules) -> str:
    if vitals.memory_mb > rules.max_memory_mb:
        return f"{vitals.memory_mb:,.0f} MB are in use, limit {rules.max_memory_mb:,.0f} MB"
    if vitals.memory_growth_mb > rules.max_memory_growth_mb:
        grown, limit = vitals.memory_growth_mb, rules.max_memory_growth_mb
        return f"memory grew by {grown:,.0f} MB within the hour, limit {limit:,.0f} MB"
    return ""


def _quotes(vitals: Vitals, rules: WatchdogRules) -> str:
    return _too_old("quote", vitals.quote_age_secs, rules.max_quote_age_secs)


def _bars(vitals: Vitals, rules: WatchdogRules) -> str:
    return _too_old("bar", vitals.bar_age_secs, rules.max_bar_age_secs)


def _journal(vitals: Vitals, _rules: WatchdogRules) -> str:
    return "" if vitals.is_journal_healthy else "the journal keeps nothing"


def _too_old(what: str, ages: Mapping[str, float | None], limit: float) -> str:
    """What never came is for readiness to say: at a start nothing has."""
    old = [f"{name} {age:.0f} s" for name, age in ages.items() if age is not None and age > limit]
    return f"the last {what} is too old: {', '.join(old)}, limit {limit:.0f} s" if old else ""


_EXAMINE: Final[dict[str, Callable[[Vitals, WatchdogRules], str]]] = {
    "loop": _loop,
    "clock": _clock,
    "memory": _memory,
    "quote_age": _quotes,
    "bar_age": _bars,
    "keeping": _journal,
}
COMPLAINTS: Final = tuple(_EXAMINE)
"""Names of all that can be wrong."""


class Change(Struct, frozen=True, kw_only=True):
    """A complaint begins, or ends (``words`` then say what it was)."""

    name: str
    begins: bool
    words: str


class Watch:
    """Keeps the complaints there are; one ends when nothing was wrong with it for ``calm_secs``."""

    def __init__(self, rules: WatchdogRules) -> None:
        self._rules = rules
        self._words: dict[str, str] = {}
        self._last_ns: dict[str, int] = {}

    def complaint(self, name: str) -> str:
        """What is wrong, in words; empty if nothing is."""
        return self._words.get(name, "")

    def examine(self, vitals: Vitals) -> list[Change]:
        """Take new measurements; what begins or ends with them."""
        changes = []
        for name, examine in _EXAMINE.items():
            words = examine(vitals, self._rules)
            if words:
                if name not in self._words:
                    changes.append(Change(name=name, begins=True, words=words))
                self._words[name], self._last_ns[name] = words, vitals.ts_ns
            elif name in self._words and vitals.ts_ns - self._last_ns[name] >= self._rules.calm_secs * NS_PER_SEC:
                changes.append(Change(name=name, begins=False, words=self._words.pop(name)))
        return changes


class Growth:
    """How far a figure is above its lowest value of the last hour, kept as one value a minute."""

    _SPACING_NS: Final = NS_PER_HOUR // 60

    def __init__(self) -> None:
        self._kept: deque[tuple[int, float]] = deque(maxlen=60)

    def update(self, ts_ns: int, value: float) -> float:
        """Take a value, and say how far it is above the lowest."""
        if not self._kept or ts_ns - self._kept[-1][0] >= self._SPACING_NS:
            self._kept.append((ts_ns, value))
        while ts_ns - self._kept[0][0] > NS_PER_HOUR:
            self._kept.popleft()
        return max(0.0, value - min(kept for _, kept in self._kept)) if self._kept else 0.0
