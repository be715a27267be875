import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from helios_nautilus.actors.aether import Aether, AetherConfig
from helios_nautilus.domain.payoff import PayoffBin, PayoffTable
from helios_nautilus.domain.plan import ExitPlan, Side
from helios_nautilus.domain.risk.sizing import SizingRules
from helios_nautilus.domain.risk.volatility import VolatilityRules, VolatilityTracker
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import SizingRecord, VolatilityRecord
from helios_nautilus.messages import TOPIC_PORTFOLIO, Dossier, PortfolioState, Stage, StageReply, StageRequest
from tests.fakes import BTC, ETH, SOL, START_NS, Kit, at, proposal

RULES = VolatilityRules(min_returns=30, refit_hours=1.0)
PLAN = ExitPlan(hold_mins=240)


def start(kit: Kit, journal: MemoryJournal, *, allow_shorts: bool = False, **parts: Any) -> Aether:
    config = AetherConfig(
        instrument_ids=(BTC, ETH, SOL),
        volatility=RULES,
        sizing=SizingRules(margin=allow_shorts),
        plan=PLAN,
        allow_shorts=allow_shorts,
    )
    return kit.start(Aether(config, journal, **parts))


def warm_tracker(base: str = "BTC") -> VolatilityTracker:
    """A tracker that has seen ten hours of a pair, of about 3 % a day."""
    tracker = VolatilityTracker(RULES, base)
    closes = walk(120)
    for number, close in enumerate(closes):
        tracker.update(at(5 * (number - len(closes))), close)
    tracker.refit(START_NS)
    return tracker


def walk(count: int, seed: int = 0) -> list[float]:
    steps = np.random.default_rng(seed).normal(0.0, 0.03 / math.sqrt(288), count)
    return (1_000_000.0 * np.exp(np.cumsum(steps))).tolist()


def tell_portfolio(kit: Kit, *, equity: float = 100_000.0, drawdown: float = 0.0) -> None:
    state = PortfolioState(
        ts_ns=kit.clock.timestamp_ns(),
        equity=equity,
        peak=equity,
        drawdown=drawdown,
        daily_loss=0.0,
        exposure=0.0,
        open_positions=0,
    )
    kit.msgbus.publish(TOPIC_PORTFOLIO, state)


def ask(kit: Kit, side: Side = Side.LONG) -> StageReply:
    """Put a proposal with a directional confidence of 87.5 % before Aether, as the pipeline does."""
    replies: list[StageReply] = []
    request = StageRequest(dossier=Dossier(proposal=proposal(BTC, side=side)), reply=replies.append)
    kit.msgbus.send(Stage.AETHER.endpoint, request)
    (reply,) = replies
    return reply


def feed(kit: Kit, aether: Aether, closes: list[float]) -> None:
    """5-minute bars of BTC."""
    for close in closes:
        kit.advance_to(kit.clock.timestamp_ns() + 5 * 60 * 1_000_000_000)
        kit.bar(aether, close, BTC, timeframe="5m")


# Sizing


def test_a_bet_worth_taking_is_sized_and_the_terms_travel_on(kit: Kit, journal: MemoryJournal) -> None:
    tracker = warm_tracker()
    start(kit, journal, trackers={BTC.value: tracker})
    tell_portfolio(kit, equity=50_000.0)

    reply = ask(kit)

    assert (reply.stage, reply.approved, reply.reason) == (Stage.AETHER, True, "sized")
    sizing, agreed = reply.dossier.known_sizing, reply.dossier.known_terms
    assert 0 < sizing.notional <= 0.2 * 50_000
    assert (agreed.notional, agreed.stop, agreed.target) == (sizing.notional, sizing.stop, sizing.target)
    assert tracker.forecast is not None
    assert sizing.stop == pytest.approx(PLAN.bracket(tracker.forecast.vol_daily).stop)
    assert agreed.confidence == pytest.approx(0.875)
    assert agreed.costs == PLAN.round_trip_cost


def test_without_a_portfolio_state_aether_declines(kit: Kit, journal: MemoryJournal) -> None:
    start(kit, journal, trackers={BTC.value: warm_tracker()})

    reply = ask(kit)

    assert (reply.approved, reply.reason) == (False, "bad_input")
    assert reply.dossier.terms is None


def test_without_a_volatility_aether_declines(kit: Kit, journal: MemoryJournal) -> None:
    start(kit, journal)
    tell_portfolio(kit)

    assert ask(kit).reason == "no_volatility"


def test_the_newest_portfolio_state_counts(kit: Kit, journal: MemoryJournal) -> None:
    start(kit, journal, trackers={BTC.value: warm_tracker()})
    tell_portfolio(kit, equity=100_000.0)
    before = ask(kit).dossier.known_sizing.notional

    tell_portfolio(kit, equity=100_000.0, drawdown=0.12)

    assert ask(kit).dossier.known_sizing.notional < before


def test_every_sizing_is_journalled_with_its_inputs_also_when_it_declines(kit: Kit, journal: MemoryJournal) -> None:
    start(kit, journal, trackers={BTC.value: warm_tracker()})
    tell_portfolio(kit, equity=77_000.0, drawdown=0.01)

    ask(kit, Side.LONG)
    ask(kit, Side.SHORT)

    sized, declined = journal.of(SizingRecord)
    assert (sized.approved, declined.approved, declined.reason) == (True, False, "no_shorts")
    for record in (sized, declined):
        assert (record.equity, record.drawdown, record.decision_id) == (77_000.0, 0.01, proposal().decision_id)
        assert record.confidence == pytest.approx(0.875)
        assert record.words


def test_the_payoff_table_of_the_model_in_charge_gives_the_odds(kit: Kit, journal: MemoryJournal) -> None:
    bins = (PayoffBin(p_from=0.0, count=500, win_rate=0.6, mean_win=0.03, mean_loss=0.02),)
    tables = {proposal().ts_ns: PayoffTable(long=bins, short=bins)}
    start(kit, journal, payoff_at=tables.get, trackers={BTC.value: warm_tracker()})
    tell_portfolio(kit)

    sizing = ask(kit).dossier.known_sizing

    assert (sizing.p_win, sizing.payoff) == (0.6, pytest.approx(1.5))


def test_on_margin_a_short_is_sized_too(kit: Kit, journal: MemoryJournal) -> None:
    start(kit, journal, allow_shorts=True, trackers={BTC.value: warm_tracker()})
    tell_portfolio(kit)

    assert ask(kit, Side.SHORT).approved


def test_a_bet_under_the_venues_minimum_is_declined(kit: Kit, journal: MemoryJournal) -> None:
    start(kit, journal, trackers={BTC.value: warm_tracker()})
    tell_portfolio(kit, equity=20.0)

    assert ask(kit).reason == "too_small"


def test_a_stopped_aether_closes_its_endpoint_so_that_nothing_is_entered(kit: Kit, journal: MemoryJournal) -> None:
    aether = start(kit, journal)

    aether.stop()
    assert Stage.AETHER.endpoint not in kit.msgbus.endpoints()
    aether.resume()
    assert Stage.AETHER.endpoint in kit.msgbus.endpoints()


# Volatility


def test_volatility_is_fitted_once_there_are_enough_returns_and_then_by_the_clock(
    kit: Kit, journal: MemoryJournal
) -> None:
    aether = start(kit, journal)

    feed(kit, aether, walk(30))
    assert journal.of(VolatilityRecord) == []
    feed(kit, aether, walk(31)[30:])
    (first,) = journal.of(VolatilityRecord)
    assert (first.trigger, first.instrument_id) == ("first", BTC.value)
    assert 0.01 < first.vol_daily < 0.1

    feed(kit, aether, walk(44)[31:])
    assert journal.of(VolatilityRecord)[1].trigger in ("schedule", "regime_change")


def test_a_large_move_refits_at_once(kit: Kit, journal: MemoryJournal) -> None:
    aether = start(kit, journal)
    closes = walk(34)
    feed(kit, aether, closes)

    feed(kit, aether, [1.06 * closes[-1]])

    assert journal.of(VolatilityRecord)[-1].trigger == "move"


class Later:
    """An offload that works only when told."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []

    def __call__[T](self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        self.jobs.append(lambda: done(work()))


def test_while_a_fit_is_under_way_no_second_one_is_started_and_sizing_goes_on(kit: Kit, journal: MemoryJournal) -> None:
    offload = Later()
    aether = start(kit, journal, offload=offload)
    tell_portfolio(kit)

    feed(kit, aether, walk(40))
    assert len(offload.jobs) == 1
    assert ask(kit).dossier.known_sizing.vol_source == "ewma"

    offload.jobs[0]()
    assert len(journal.of(VolatilityRecord)) == 1
