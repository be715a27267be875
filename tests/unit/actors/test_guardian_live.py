"""Guardian where time is real: equity at every quote, what the watchdog and the books say, what survives a restart."""

from pathlib import Path
from typing import Any

import pytest
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import TradingState
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.actors.guardian import Guardian, GuardianConfig
from helios_nautilus.actors.second_wall import SecondWall
from helios_nautilus.adapters.valr.constants import VALR_VENUE
from helios_nautilus.domain.portfolio.kill_switch import KillState
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.domain.watchdog import Vitals
from helios_nautilus.errors import HeliosError
from helios_nautilus.journal.equity_file import EquityFile
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import EquityRecord, EventRecord, GuardianRecord, KillSwitchRecord
from helios_nautilus.messages import (
    TOPIC_KILL_SWITCH,
    TOPIC_MISMATCH,
    TOPIC_PORTFOLIO,
    TOPIC_VITALS,
    Dossier,
    Mismatch,
    Stage,
    StageRequest,
)
from tests.fakes import BTC, ETH, PERPETUAL, SOL, START_NS, Kit, proposal, terms

PRICES = {BTC: 1_000_000.0, ETH: 50_000.0, SOL: 2_000.0, PERPETUAL: 50_000.0}


def start(kit: Kit, journal: MemoryJournal, **parts: Any) -> Guardian:
    ids = tuple(instrument.id for instrument in kit.cache.instruments())
    config = GuardianConfig(
        instrument_ids=ids,
        venue=VALR_VENUE,
        account_currency="USDT" if PERPETUAL in ids else "ZAR",
        is_live=True,
        is_spot_in_balances=parts.pop("is_spot_in_balances", False),
    )
    guardian = kit.start(Guardian(config, journal, **parts))
    kit.advance_to(kit.clock.timestamp_ns() + 2 * NS_PER_SEC)
    return guardian


def quote(kit: Kit, guardian: Guardian, price: float, instrument_id: InstrumentId = BTC, after_secs: float = 2) -> None:
    """After a while, an instrument is bid and asked a thousandth around a price."""
    kit.advance_to(kit.clock.timestamp_ns() + int(after_secs * NS_PER_SEC))
    instrument, now_ns = kit.cache.instrument(instrument_id), kit.clock.timestamp_ns()
    bid, ask, size = instrument.make_price(price * 0.999), instrument.make_price(price * 1.001), instrument.make_qty(1)
    tick = QuoteTick(instrument_id, bid, ask, size, size, now_ns, now_ns)
    kit.cache.add_quote_tick(tick)
    guardian.handle_quote_tick(tick)


def hold(kit: Kit, guardian: Guardian, instrument_id: InstrumentId, notional: float = 10_000.0) -> None:
    """Enter with Guardian's consent, for which it must know prices and equity."""
    for instrument in kit.cache.instruments():
        kit.bar(guardian, PRICES[instrument.id], instrument.id)
        quote(kit, guardian, PRICES[instrument.id], instrument.id)
    kit.hold(instrument_id, PRICES[instrument_id], notional=notional)


def vitals(kit: Kit, quote_age: float | None = 1.0, bar_age: float | None = 30.0, lag_ms: float = 1.0) -> None:
    """The watchdog says how old everything is."""
    names = [instrument.id.value for instrument in kit.cache.instruments()]
    measured = Vitals(
        ts_ns=kit.clock.timestamp_ns(),
        loop_lag_ms=lag_ms,
        clock_skew_secs=0.0,
        memory_mb=100.0,
        memory_growth_mb=0.0,
        quote_age_secs=dict.fromkeys(names, quote_age),
        bar_age_secs=dict.fromkeys(names, bar_age),
        is_journal_healthy=True,
    )
    kit.msgbus.publish(TOPIC_VITALS, measured)


def triggers(journal: MemoryJournal) -> list[tuple[str, str]]:
    return [(record.state, record.trigger) for record in journal.of(KillSwitchRecord)]


def equity_of(guardian: Guardian) -> float:
    assert guardian.last_mark is not None
    return guardian.last_mark.equity


# Marks


def test_every_quote_marks_what_is_held_between_bid_and_ask(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal)
    kit.report(ZAR=60_000, BTC=0.03, SOL=5)

    quote(kit, guardian, 1_000_000)
    quote(kit, guardian, 2_000, SOL)
    assert equity_of(guardian) == pytest.approx(60_000 + 30_000 + 10_000)
    quote(kit, guardian, 1_100_000)
    assert equity_of(guardian) == pytest.approx(60_000 + 33_000 + 10_000)


def test_a_margin_account_gains_and_loses_with_its_positions(journal: MemoryJournal) -> None:
    kit = Kit(PERPETUAL, margin=True)
    kit.report(USDT=10_000)
    guardian = start(kit, journal)
    hold(kit, guardian, PERPETUAL, notional=1_000)

    quote(kit, guardian, 51_000, PERPETUAL)

    assert equity_of(guardian) == pytest.approx(10_000 + 0.02 * 1_000, abs=1)


def test_at_valr_a_margin_account_s_spot_is_what_its_balances_say_and_not_counted_twice(journal: MemoryJournal) -> None:
    kit = Kit(BTC, margin=True)
    kit.report(ZAR=100_000)
    guardian = start(kit, journal, is_spot_in_balances=True)
    hold(kit, guardian, BTC)
    kit.report(ZAR=90_000, BTC=0.01)

    quote(kit, guardian, 1_100_000)

    assert equity_of(guardian) == pytest.approx(90_000 + 0.01 * 1_100_000)


def test_a_trade_told_by_halves_makes_neither_a_peak_nor_a_drawdown(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal)
    quote(kit, guardian, 1_000_000)
    kit.report(ZAR=100_000, BTC=0.02)
    quote(kit, guardian, 1_000_000, after_secs=0.1)
    kit.report(ZAR=80_000, BTC=0.02)
    quote(kit, guardian, 1_000_000, after_secs=0.1)
    quote(kit, guardian, 1_000_000)

    assert guardian.last_mark is not None
    assert (guardian.last_mark.equity, guardian.last_mark.peak) == pytest.approx((100_000, 100_000))
    assert guardian.kill_switch.state is KillState.NORMAL


def test_the_quote_that_takes_equity_past_its_limit_stops_at_once_and_its_mark_is_journalled_once(
    kit: Kit, journal: MemoryJournal
) -> None:
    guardian = start(kit, journal)
    told = kit.listen(TOPIC_PORTFOLIO)
    kit.report(ZAR=10_000, BTC=0.09)
    quote(kit, guardian, 1_000_000)
    told.clear()

    for price in (900_000, 800_000, 799_000):
        quote(kit, guardian, price)

    assert triggers(journal) == [("REDUCE_ONLY", "DAILY_LOSS"), ("HALT", "DRAWDOWN")]
    assert [record.equity for record in journal.of(EquityRecord)][-2:] == pytest.approx([91_000, 82_000])
    assert len(told) == 2
    assert "helios resume --rebase" in guardian.kill_switch.status.words


def test_figures_still_past_their_limit_stop_again_at_the_next_quote_unless_they_are_measured_anew(
    kit: Kit, journal: MemoryJournal
) -> None:
    guardian = start(kit, journal)
    kit.report(ZAR=10_000, BTC=0.09)
    quote(kit, guardian, 1_000_000)
    quote(kit, guardian, 800_000)

    guardian.clear("ann", "a test")
    quote(kit, guardian, 800_000)
    assert guardian.kill_switch.state is KillState.HALT

    guardian.clear("ann", "a test", rebase=True)
    quote(kit, guardian, 800_000)
    assert guardian.kill_switch.state is KillState.NORMAL
    (event,) = journal.of(EventRecord)
    assert event.kind == "rebased"
    assert "by ann: a test" in event.words


# Restarts


def test_a_restart_forgets_neither_the_peak_nor_how_the_day_began(
    kit: Kit, journal: MemoryJournal, tmp_path: Path
) -> None:
    store = EquityFile(tmp_path / "equity.json")
    guardian = start(kit, journal, equity_store=store)
    kit.report(ZAR=10_000, BTC=0.09)
    quote(kit, guardian, 1_000_000)
    kit.advance_to(kit.clock.timestamp_ns() + 61 * NS_PER_SEC)

    fresh = Kit(BTC, ETH, SOL)
    fresh.clock.set_time(kit.clock.timestamp_ns())
    fresh.report(ZAR=10_000, BTC=0.09)
    later = start(fresh, MemoryJournal(), equity_store=store)
    quote(fresh, later, 800_000)

    assert later.kill_switch.state is KillState.HALT
    assert later.last_mark is not None
    assert (later.last_mark.peak, later.last_mark.day_start) == pytest.approx((100_000, 100_000))


def test_a_store_that_fails_does_not_stop_the_marks(kit: Kit, journal: MemoryJournal, tmp_path: Path) -> None:
    guardian = start(kit, journal, equity_store=EquityFile(tmp_path / "gone" / "equity.json"))
    quote(kit, guardian, 1_000_000)
    kit.advance_to(kit.clock.timestamp_ns() + 61 * NS_PER_SEC)

    assert equity_of(guardian) == 100_000


def test_a_mark_that_cannot_be_read_ends_the_start_and_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "equity.json"
    path.write_text('{"ts_ns": 1, "equity": 5, "peak": -1, "day_start": 2}')

    with pytest.raises(HeliosError, match="Remove it"):
        EquityFile(path).load()


def test_an_account_that_begins_anew_has_no_mark(tmp_path: Path) -> None:
    store = EquityFile(tmp_path / "equity.json")
    assert store.load() is None
    store.forget()


# Triggers


@pytest.mark.parametrize("ages", [{"quote_age": 301.0}, {"quote_age": 302.0, "bar_age": 301.0}, {"lag_ms": 3e5 + 1e3}])
def test_lost_quotes_a_silent_market_or_a_late_loop_stop_entries_while_anything_is_held(
    kit: Kit, journal: MemoryJournal, ages: dict[str, float]
) -> None:
    guardian = start(kit, journal)
    vitals(kit, **ages)
    assert guardian.kill_switch.state is KillState.NORMAL, "nothing is held"
    hold(kit, guardian, BTC)

    vitals(kit)
    assert guardian.kill_switch.state is KillState.NORMAL
    vitals(kit, **ages)

    assert triggers(journal) == [("REDUCE_ONLY", "STALE_DATA")]


def test_after_a_start_with_something_held_the_first_quote_and_bar_may_take_their_time(
    kit: Kit, journal: MemoryJournal
) -> None:
    kit.hold(BTC, PRICES[BTC])
    guardian = start(kit, journal)

    vitals(kit, quote_age=None, bar_age=None)
    assert guardian.kill_switch.state is KillState.NORMAL
    kit.advance_to(START_NS + 301 * NS_PER_SEC)
    vitals(kit, quote_age=None, bar_age=None)

    assert triggers(journal) == [("REDUCE_ONLY", "STALE_DATA")]


def test_books_that_differ_from_the_venue_s_halt(kit: Kit, journal: MemoryJournal) -> None:
    start(kit, journal)
    told = Mismatch(ts_ns=kit.clock.timestamp_ns(), instrument_id=BTC.value, words="VALR has less")
    kit.msgbus.publish(TOPIC_MISMATCH, told)

    assert triggers(journal) == [("HALT", "RECONCILIATION")]
    assert "VALR has less" in journal.of(KillSwitchRecord)[0].words


def test_a_halt_is_said_again_while_anything_is_held_for_it_may_have_come_after_it(
    kit: Kit, journal: MemoryJournal
) -> None:
    guardian = start(kit, journal)
    hold(kit, guardian, BTC)
    heard = kit.listen(TOPIC_KILL_SWITCH)
    guardian.operate(KillState.HALT, "an operator", "a test")
    for _ in range(11):
        kit.advance_to(kit.clock.timestamp_ns() + NS_PER_SEC)
        vitals(kit)
    assert [change.flatten for change in heard] == [True] * 3
    assert len(journal.of(KillSwitchRecord)) == 1

    kit.venue.fill(kit.order("EXIT"), 1_000_000)
    kit.advance_to(kit.clock.timestamp_ns() + 60 * NS_PER_SEC)
    vitals(kit)
    assert len(heard) == 3


# The second wall


class Wall:
    """Stands in for the engine's risk engine, and remembers its states."""

    def __init__(self) -> None:
        self.states: list[TradingState] = []

    def set_trading_state(self, state: TradingState) -> None:
        self.states.append(state)


def test_a_halt_of_what_is_flat_closes_the_engine_within_a_second_and_clearing_it_opens_it(
    kit: Kit, journal: MemoryJournal
) -> None:
    wall = Wall()
    guardian = start(kit, journal, risk_switch=wall)
    guardian.operate(KillState.HALT, "an operator", "a test")
    vitals(kit)
    vitals(kit)
    guardian.clear("an operator", "the test is over")

    assert wall.states == [TradingState.HALTED, TradingState.ACTIVE]


def test_what_comes_to_be_held_after_a_halt_finds_the_engine_open_for_its_exit(kit: Kit) -> None:
    switch = Wall()
    wall = SecondWall(switch)
    wall.look(kit.cache)
    kit.hold(BTC, PRICES[BTC])
    wall.look(kit.cache)

    assert switch.states == [TradingState.HALTED, TradingState.ACTIVE]


def test_stopped_it_hears_nothing_more(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal)
    hold(kit, guardian, BTC)
    guardian.stop()
    vitals(kit, quote_age=1e6)

    assert triggers(journal) == []


def positions_after(kit: Kit, journal: MemoryJournal) -> float | None:
    """How many there would be after an entry in ETH, says Guardian."""
    wish = Dossier(proposal=proposal(ETH, price=PRICES[ETH]), terms=terms(notional=10_000.0))
    kit.msgbus.send(Stage.GUARDIAN.endpoint, StageRequest(dossier=wish, reply=lambda _reply: None))
    (check,) = [each for each in journal.of(GuardianRecord)[-1].checks if each.name == "open_positions"]
    return check.value


def test_dust_is_no_position(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal)
    hold(kit, guardian, BTC)
    assert positions_after(kit, journal) == 2

    least, stop = kit.cache.instrument(BTC).min_quantity, kit.order("STOP")
    kit.venue.fill(stop, PRICES[BTC], str(stop.quantity - least.as_decimal() / 10))
    assert len(kit.cache.positions_open()) == 1
    assert positions_after(kit, journal) == 1
