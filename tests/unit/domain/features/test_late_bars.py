"""Bars that come after their close was closed fill the hole, unless their instrument has told something newer."""

from collections import defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.features import FeatureRow, FeatureSpec, FeatureStream, FeatureTables, build_tables
from helios_nautilus.domain.features.aggregate import aggregate
from helios_nautilus.domain.features.series import DRAFT_NS
from helios_nautilus.domain.timeframe import NS_PER_MIN, parse_timeframe
from tests.unit.domain.features.markets import (
    BTC,
    ETH,
    FAST,
    PRECISION,
    PRECISIONS,
    START_NS,
    plain_market,
    random_bars,
)

PAST, MINUTES = 1_530, 60
"""Minutes of history, the end of a 15-minute bar, and of what is streamed after it."""
SPEC = FeatureSpec(timeframes=FAST, universe=(BTC, ETH), reference=BTC)
MARKET = {name: plain_market(name, random_bars(k, PAST + MINUTES + 300)) for k, name in enumerate(SPEC.universe)}


def at(minute: int) -> int:
    """The close of a minute after the history's end."""
    return START_NS + (PAST + minute) * NS_PER_MIN


class Line:
    """A stream that has caught up with history, and what it has said of the minutes since."""

    def __init__(self) -> None:
        self.stream = FeatureStream(SPEC, PRECISIONS)
        history = {name: plain_market(name, data.bars.window(0, at(0))) for name, data in MARKET.items()}
        self.stream.catch_up(history)
        self.told: dict[tuple[str, int], list[FeatureRow]] = defaultdict(list)
        self._bars = {
            (name, timeframe): _by_close(data.bars, timeframe)
            for name, data in MARKET.items()
            for timeframe in FAST.names
        }

    def tell(self, name: str, *minutes: int) -> None:
        """Bars of one instrument come: those of minutes, and the longer ones that they complete."""
        for minute in minutes:
            for timeframe in FAST.names:
                if at(minute) % parse_timeframe(timeframe) == 0:
                    self.stream.on_bar(timeframe, name, at(minute), *self._bars[name, timeframe][at(minute)])

    def close(self, minute: int) -> None:
        """Whoever is missing is not waited for any longer."""
        for timeframe in self.stream.due(at(minute)):
            self.told[timeframe, at(minute)].append(self.stream.close_bar(timeframe, at(minute)))

    def mend(self) -> None:
        for timeframe, row in self.stream.mend():
            self.told[timeframe, row.ts_ns].append(row)

    def ready(self, minute: int, timeframe: str = "1m") -> list[bool]:
        """Who was told to be ready at a close."""
        return np.any([row.ready for row in self.told[timeframe, at(minute)]], axis=0).tolist()


def _by_close(bars: Bars, timeframe: str) -> dict[int, tuple[float, ...]]:
    longer = aggregate(bars, NS_PER_MIN, parse_timeframe(timeframe), PRECISION)
    columns = zip(longer.open, longer.high, longer.low, longer.close, longer.volume, strict=True)
    return dict(zip(longer.ts_ns.tolist(), columns, strict=True))


def batch() -> FeatureTables:
    return build_tables(SPEC, MARKET, PRECISIONS)


def assert_equal_to_a_batch(line: Line, instrument: int, first: int, last: int) -> None:
    """Each close of these minutes was told of an instrument once, with a batch's features."""
    for table in batch().tables:
        for ts_ns, values in zip(table.ts_ns.tolist(), table.values[:, instrument], strict=True):
            if at(first) <= ts_ns <= at(last):
                ready = [row for row in line.told[table.timeframe, ts_ns] if row.ready[instrument]]
                assert [row.values[instrument].tobytes() for row in ready] == [values.tobytes()]


def test_a_late_bar_fills_its_hole_and_the_features_since_are_those_of_a_batch() -> None:
    line = Line()
    for minute in range(1, 8):
        line.tell(BTC, minute)
        line.close(minute)
    assert line.ready(7) == [True, False]

    line.tell(ETH, *range(1, 8))
    line.mend()
    line.tell(BTC, 8)
    line.tell(ETH, 8)
    line.close(8)

    assert_equal_to_a_batch(line, 1, first=1, last=8)
    assert line.stream.late_bars == 0


def test_a_pair_that_goes_on_without_a_bar_has_a_hole_for_good() -> None:
    line = Line()
    line.tell(BTC, *range(1, 4))
    line.tell(ETH, 1, 3)
    line.close(3)

    line.tell(ETH, 2)
    line.mend()

    assert line.stream.late_bars == 1
    assert not any(row.ready[1] for row in line.told["1m", at(3)])


def test_a_bar_that_comes_twice_changes_nothing() -> None:
    line = Line()
    line.tell(BTC, 1)
    line.close(1)
    line.tell(ETH, 1, 1)
    line.tell(BTC, 1)
    line.mend()
    assert line.stream.late_bars == 2
    assert_equal_to_a_batch(line, 1, first=1, last=1)


def test_the_past_of_a_pair_that_was_silent_for_too_long_is_not_taken_anew() -> None:
    line, last = Line(), DRAFT_NS // NS_PER_MIN + 2
    for minute in range(1, last + 1):
        line.tell(BTC, minute)
        line.close(minute)

    line.tell(ETH, *range(1, last + 1))
    line.mend()

    assert line.stream.late_bars > 0
    assert line.ready(last) == [True, False]


def test_bars_that_came_in_time_count_although_their_time_is_up_before_they_were_looked_at() -> None:
    line, last = Line(), DRAFT_NS // NS_PER_MIN
    for minute in range(1, last + 1):
        line.tell(BTC, minute)
        line.close(minute)

    line.tell(ETH, *range(1, last + 1))
    for minute in (last + 1, last + 2):
        line.tell(BTC, minute)
        line.tell(ETH, minute)
        line.close(minute)
        line.mend()

    assert line.stream.late_bars == 0
    assert_equal_to_a_batch(line, 1, first=1, last=last + 2)


def test_a_hole_of_the_reference_keeps_the_others_waiting_until_it_is_filled() -> None:
    line = Line()
    for minute in range(1, 4):
        line.tell(ETH, minute)
        line.close(minute)
    assert line.ready(3) == [False, False]
    assert all(row.is_draft for row in line.told["1m", at(3)])

    line.tell(BTC, 1, 2, 3)
    line.mend()

    assert line.ready(3) == [True, True]
    assert_equal_to_a_batch(line, 0, first=1, last=3)


def test_how_long_nobody_will_be_ready_is_known() -> None:
    line = Line()
    assert line.stream.short_of_ns() == 0
    line.tell(BTC, 1, 3)
    line.tell(ETH, 1, 3)
    line.close(3)
    assert line.stream.short_of_ns() == 99 * NS_PER_MIN


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[int, int]]:
    """How late each minute of the second pair is told, at least in order, and how long each close is waited for."""
    steps = draw(st.lists(st.integers(0, 8), min_size=MINUTES, max_size=MINUTES))
    comes = np.maximum.accumulate(np.arange(1, MINUTES + 1) + steps).tolist()
    waits = draw(st.lists(st.integers(0, 3), min_size=MINUTES, max_size=MINUTES))
    closes = np.maximum.accumulate(np.arange(1, MINUTES + 1) + waits).tolist()
    return list(zip(comes, closes, strict=True))


@settings(max_examples=25)
@given(arrivals())
def test_however_late_bars_come_nothing_is_missing_in_the_end(arrivals: list[tuple[int, int]]) -> None:
    line = Line()
    for now in range(1, MINUTES + 20):
        line.tell(BTC, *([now] if now <= MINUTES else []))
        line.tell(ETH, *(minute for minute, (comes, _) in enumerate(arrivals, 1) if comes == now))
        for minute, (_, closes) in enumerate(arrivals, 1):
            if closes == now:
                line.close(minute)
        line.mend()

    assert_equal_to_a_batch(line, 1, first=1, last=MINUTES)
    line.tell(BTC, MINUTES + 1)
    line.tell(ETH, MINUTES + 1)
    line.close(MINUTES + 1)
    assert_equal_to_a_batch(line, 0, first=MINUTES + 1, last=MINUTES + 1)
