"""The trailing stop of a bet that is older than the process: it goes on from the bars before the start."""

from typing import Any

import numpy as np
import pytest

from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.timeframe import NS_PER_MIN
from helios_nautilus.journal.bet_store import MemoryBetStore
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.strategies.tiered import TieredStrategy
from tests.fakes import BTC, ETH, START_NS, Kit, Tiers, terms
from tests.unit.strategies.restart import MILLION, hold, killed, recovering

TRAILING = ExitPlan(hold_mins=60, trail_atr=2.0)
FOURTEEN = tuple(MILLION + 300.0 * k for k in range(14))
REACH = 1_000.0


@pytest.fixture(autouse=True)
def _agreed(tiers: Tiers) -> None:
    """0.01 BTC at a million, with a stop at 980 000."""
    tiers.agreed = terms(notional=10_000, stop=0.02, target=0.04)


def bars(*closes: float) -> Bars:
    """Decision bars up to the start of the test's time."""
    close = np.array(closes)
    stamps = START_NS - 5 * NS_PER_MIN * np.arange(len(closes))[::-1]
    extent = {"high": close + REACH, "low": close - REACH, "volume": np.ones(len(closes))}
    return Bars(ts_ns=stamps, open=close, close=close, **extent)


def start(kit: Kit, store: MemoryBetStore, past: Bars | None = None) -> TieredStrategy:
    known = {} if past is None else {BTC.value: past}
    return recovering(kit, MemoryJournal(), store, plan=TRAILING, past=known)


def hear(kit: Kit, strategy: TieredStrategy, *closes: float) -> None:
    """The next decision bars of BTC."""
    for close in closes:
        kit.advance_to(kit.clock.timestamp_ns() + 5 * NS_PER_MIN)
        kit.bar(strategy, close, BTC, timeframe="5m", reach=REACH)


def moves(kit: Kit) -> list[float]:
    """Where the stop was asked to be."""
    commands: list[Any] = [each for each in kit.venue.commands if hasattr(each, "trigger_price")]
    return [each.trigger_price.as_double() for each in commands]


def test_the_stop_of_a_bet_taken_up_trails_from_the_first_bar_on(kit: Kit, store: MemoryBetStore) -> None:
    hold(kit, start(kit, store))
    fresh = killed(kit)
    strategy = start(fresh, store, bars(*FOURTEEN))
    fresh.venue.accept(fresh.order("STOP"), fresh.order("TARGET"))

    hear(fresh, strategy, 1_005_000)

    assert len(moves(fresh)) == 1
    assert 1_000_000 < moves(fresh)[0] < 1_001_000, "two ranges of a little more than 2 000 below"


def test_bars_from_before_the_start_count_as_those_that_were_heard(tiers: Tiers) -> None:
    asked = []
    for past, heard in ((None, FOURTEEN), (bars(*FOURTEEN), ()), (bars(MILLION / 2, *FOURTEEN), ())):
        kit = Kit(BTC, ETH)
        Tiers(kit.msgbus, tiers.agreed)
        strategy = start(kit, MemoryBetStore(), past)
        hear(kit, strategy, *heard)
        hold(kit, strategy)
        hear(kit, strategy, 1_005_000)
        asked.append(moves(kit))

    assert asked[0] == asked[1]
    assert asked[2] == asked[1], "what left the window does not count"


def test_a_bar_of_before_the_entry_that_comes_late_moves_nothing(kit: Kit, store: MemoryBetStore) -> None:
    strategy = start(kit, store, bars(*FOURTEEN))
    hear(kit, strategy, MILLION)
    kit.advance_to(kit.clock.timestamp_ns() + NS_PER_MIN)
    hold(kit, strategy)
    fresh = killed(kit, minute=8)
    strategy = start(fresh, store, bars(*FOURTEEN))
    fresh.venue.accept(fresh.order("STOP"), fresh.order("TARGET"))

    fresh.bar(strategy, 1_030_000, BTC, timeframe="5m", reach=REACH, closed_ns=START_NS + 5 * NS_PER_MIN)

    assert moves(fresh) == []
    assert store.load()[0].extreme is None
