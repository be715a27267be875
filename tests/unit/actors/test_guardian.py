from typing import Any

import msgspec
import pytest
from nautilus_trader.model.enums import OrderStatus, TradingState
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.actors.guardian import Guardian, GuardianConfig
from helios_nautilus.adapters.valr.constants import VALR_VENUE
from helios_nautilus.domain.portfolio.guardian import GuardianRules
from helios_nautilus.domain.portfolio.kill_switch import KillState, KillStatus, KillSwitchRules, MemoryKillStore
from helios_nautilus.domain.timeframe import NS_PER_SEC
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import EquityRecord, GuardianRecord, KillSwitchRecord
from helios_nautilus.messages import (
    TOPIC_KILL_SWITCH,
    TOPIC_PIPELINE,
    TOPIC_PORTFOLIO,
    Dossier,
    PipelineEvent,
    Stage,
    StageReply,
    StageRequest,
)
from helios_nautilus.strategies.tiered import TieredStrategy, TieredStrategyConfig
from tests.fakes import BTC, ETH, PERPETUAL, SOL, START_NS, Kit, at, proposal, terms

PRICES = {BTC: 1_000_000.0, ETH: 50_000.0, SOL: 2_000.0, PERPETUAL: 50_000.0}
CHECKS = [
    "kill_switch",
    "drawdown",
    "daily_loss",
    "position",
    "sector",
    "correlation",
    "leverage",
    "open_positions",
    "price",
    "duplicates",
    "rate",
]


def start(kit: Kit, journal: MemoryJournal, **parts: Any) -> Guardian:
    """Guardian over the kit's instruments. ``rules`` and ``limits`` go to its config, the rest to its constructor."""
    ids = tuple(instrument.id for instrument in kit.cache.instruments())
    config = GuardianConfig(
        instrument_ids=ids,
        venue=VALR_VENUE,
        account_currency="USDT" if PERPETUAL in ids else "ZAR",
        rules=parts.pop("rules", GuardianRules()),
        kill_switch=parts.pop("limits", KillSwitchRules()),
    )
    return kit.start(Guardian(config, journal, **parts))


def minute(kit: Kit, guardian: Guardian, number: int, **prices: float) -> None:
    """A minute goes by: the bars that close it, today's prices unless said otherwise, then the clock's stroke."""
    kit.advance_to(at(number) - 1)
    kit.clock.set_time(at(number))
    for instrument in kit.cache.instruments():
        price = prices.get(instrument.base_currency.code, PRICES[instrument.id])
        kit.bar(guardian, price, instrument.id)
    kit.advance_to(at(number) + 1)


def ask(
    kit: Kit, instrument_id: InstrumentId = BTC, *, notional: float = 10_000.0, price: float | None = None
) -> StageReply:
    """Put an entry before Guardian, as the pipeline does."""
    replies: list[StageReply] = []
    wish = proposal(instrument_id, price=price or PRICES[instrument_id])
    dossier = Dossier(proposal=wish, terms=terms(notional=notional))
    kit.msgbus.send(Stage.GUARDIAN.endpoint, StageRequest(dossier=dossier, reply=replies.append))
    (reply,) = replies
    return reply


class Wall:
    """Stands in for the engine's risk engine, and remembers its states."""

    def __init__(self) -> None:
        self.states: list[TradingState] = []

    def set_trading_state(self, state: TradingState) -> None:
        self.states.append(state)


# Checks


def test_an_entry_within_every_limit_passes_and_every_check_is_journalled(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal)
    minute(kit, guardian, 5)

    reply = ask(kit)

    assert (reply.stage, reply.approved, reply.reason) == (Stage.GUARDIAN, True, "")
    (record,) = journal.of(GuardianRecord)
    assert [check.name for check in record.checks] == CHECKS
    assert record.passed


def test_all_checks_run_even_when_the_first_one_fails(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal)
    minute(kit, guardian, 5)
    guardian.operate(KillState.REDUCE_ONLY, "an operator", "a test")

    reply = ask(kit, notional=90_000.0)

    assert (reply.approved, reply.reason) == (False, "kill_switch")
    (record,) = journal.of(GuardianRecord)
    assert [check.name for check in record.checks] == CHECKS
    assert record.failed == ("kill_switch", "position", "sector")


def test_what_is_not_known_is_a_breach(kit: Kit, journal: MemoryJournal) -> None:
    start(kit, journal)

    assert not ask(kit).approved

    (record,) = journal.of(GuardianRecord)
    assert record.failed == ("drawdown", "daily_loss", "position", "sector", "leverage", "price")


@pytest.mark.parametrize("status", [OrderStatus.INITIALIZED, OrderStatus.SUBMITTED, OrderStatus.ACCEPTED])
def test_an_entry_that_may_still_fill_counts_as_if_it_were_filled(
    kit: Kit, journal: MemoryJournal, status: OrderStatus
) -> None:
    guardian = start(kit, journal, rules=GuardianRules(max_open_positions=1, max_sector=0.15))
    minute(kit, guardian, 5)
    kit.venue.is_waiting = status is OrderStatus.INITIALIZED
    kit.send(BTC, PRICES[BTC])
    if status is OrderStatus.ACCEPTED:
        kit.venue.accept(kit.order("ENTRY"))
    assert kit.order("ENTRY").status is status

    ask(kit, ETH, notional=10_000)

    assert {"open_positions", "sector"} <= set(journal.of(GuardianRecord)[-1].failed)


def test_a_position_of_which_no_returns_are_known_stands_in_the_way_of_another(
    kit: Kit, journal: MemoryJournal
) -> None:
    guardian = start(kit, journal)
    minute(kit, guardian, 5)
    kit.hold(BTC, PRICES[BTC])

    assert ask(kit, ETH).reason == "correlation"


def test_the_same_bet_is_refused_within_the_cool_down(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal)
    minute(kit, guardian, 5)
    asked_ns = kit.clock.timestamp_ns()

    assert ask(kit).approved
    kit.advance_to(asked_ns + 59 * NS_PER_SEC)
    assert ask(kit).reason == "duplicates"
    assert ask(kit, ETH).approved
    kit.advance_to(asked_ns + 60 * NS_PER_SEC)
    assert ask(kit).approved


def test_a_price_away_from_the_last_close_is_refused(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal)
    minute(kit, guardian, 5)

    assert ask(kit, price=1_021_000.0).reason == "price"


def test_a_stopped_guardian_closes_its_endpoint_so_that_nothing_is_entered(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal)

    guardian.stop()
    assert Stage.GUARDIAN.endpoint not in kit.msgbus.endpoints()
    guardian.resume()
    assert Stage.GUARDIAN.endpoint in kit.msgbus.endpoints()


# Marking to market


def test_a_cash_account_is_worth_its_balances_at_the_newest_closes(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal)
    kit.report(ZAR=60_000, BTC=0.03, SOL=5)

    minute(kit, guardian, 5, BTC=1_100_000, SOL=1_000)

    (record,) = journal.of(EquityRecord)
    assert record.equity == pytest.approx(60_000 + 0.03 * 1_100_000 + 5 * 1_000)


def test_a_margin_account_is_worth_its_balance_and_what_its_positions_have_gained(journal: MemoryJournal) -> None:
    kit = Kit(PERPETUAL, margin=True)
    kit.report(USDT=10_000)
    guardian = start(kit, journal)
    minute(kit, guardian, 5)
    kit.hold(PERPETUAL, PRICES[PERPETUAL], notional=1_000)

    minute(kit, guardian, 10, BTC=51_000)

    assert journal.of(EquityRecord)[-1].equity == pytest.approx(10_000 + 0.02 * 1_000)


def test_an_account_that_has_lost_more_than_it_had_leaves_a_mark_that_can_be_read_again(journal: MemoryJournal) -> None:
    kit = Kit(PERPETUAL, margin=True)
    kit.report(USDT=10_000)
    told, guardian = kit.listen(TOPIC_PORTFOLIO), start(kit, journal)
    minute(kit, guardian, 5)
    kit.hold(PERPETUAL, PRICES[PERPETUAL], notional=1_000)
    kit.report(USDT=10)

    minute(kit, guardian, 10, BTC=25_000)

    mark = journal.of(EquityRecord)[-1]
    assert mark.equity < 0
    assert (mark.exposure, told[-1].exposure) == (None, None)
    assert msgspec.json.decode(msgspec.json.encode(mark), type=EquityRecord) == mark


def test_with_something_held_whose_price_is_unknown_there_is_no_mark(kit: Kit, journal: MemoryJournal) -> None:
    start(kit, journal)
    kit.report(ZAR=60_000, BTC=0.03)

    kit.advance_to(at(10))

    assert journal.of(EquityRecord) == []


def test_the_portfolio_is_told_every_minute_while_anything_is_held_and_journalled_at_decision_bars(
    kit: Kit, journal: MemoryJournal
) -> None:
    told = kit.listen(TOPIC_PORTFOLIO)
    guardian = start(kit, journal)
    minute(kit, guardian, 5)
    kit.hold(BTC, PRICES[BTC])
    told.clear()

    for number in range(6, 11):
        minute(kit, guardian, number)

    assert [state.ts_ns for state in told] == [at(number) for number in range(6, 11)]
    assert told[-1].open_positions == 1
    assert told[-1].exposure == pytest.approx(0.1)
    assert [record.ts_ns for record in journal.of(EquityRecord)] == [at(5), at(10)]


def test_flat_the_portfolio_is_told_at_decision_bars_only(kit: Kit, journal: MemoryJournal) -> None:
    told = kit.listen(TOPIC_PORTFOLIO)
    guardian = start(kit, journal)
    for number in range(1, 11):
        minute(kit, guardian, number)

    assert [state.ts_ns for state in told] == [at(1), at(5), at(10)], "and once at the first stroke"


# What moves the kill switch


def test_a_drawdown_past_its_limit_halts(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal)
    changes = kit.listen(TOPIC_KILL_SWITCH)
    minute(kit, guardian, 5)

    kit.report(ZAR=84_000)
    minute(kit, guardian, 10)

    (change,) = changes
    assert (change.entries_allowed, change.flatten) == (False, True)
    (record,) = journal.of(KillSwitchRecord)
    assert (record.state, record.trigger) == ("HALT", "DRAWDOWN")
    assert ask(kit).reason == "kill_switch"


def test_a_bad_day_stops_entries_and_leaves_positions_alone(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal)
    changes = kit.listen(TOPIC_KILL_SWITCH)
    minute(kit, guardian, 5)

    kit.report(ZAR=94_000)
    minute(kit, guardian, 10)

    (change,) = changes
    assert (change.entries_allowed, change.flatten) == (False, False)
    assert journal.of(KillSwitchRecord)[0].trigger == "DAILY_LOSS"


def broke(kit: Kit, *, stage: Stage = Stage.GATE, ok: bool = False) -> None:
    event = PipelineEvent(decision_id="d", ts_ns=kit.clock.timestamp_ns(), stage=stage, ok=ok, words="gate_late")
    kit.msgbus.publish(TOPIC_PIPELINE, event)


def test_five_pipeline_errors_in_a_row_stop_entries(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal)

    for _ in range(4):
        broke(kit)
    assert guardian.kill_switch.state is KillState.NORMAL
    broke(kit)

    assert guardian.kill_switch.state is KillState.REDUCE_ONLY
    assert journal.of(KillSwitchRecord)[0].trigger == "PIPELINE_ERRORS"


def test_a_walk_that_reached_guardian_starts_the_count_of_errors_again(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal)

    for _ in range(4):
        broke(kit)
    broke(kit, stage=Stage.GUARDIAN, ok=True)
    broke(kit)

    assert guardian.kill_switch.state is KillState.NORMAL


def test_what_aether_declines_does_not_hide_that_the_gate_is_broken(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal)

    for _ in range(5):
        broke(kit, stage=Stage.AETHER, ok=True)
        broke(kit)

    assert guardian.kill_switch.state is KillState.REDUCE_ONLY


def test_stale_data_stop_entries_while_anything_is_held(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal, limits=KillSwitchRules(max_data_age_secs=300))
    minute(kit, guardian, 5)
    kit.hold(BTC, PRICES[BTC])

    kit.advance_to(at(10))
    assert guardian.kill_switch.state is KillState.NORMAL
    kit.advance_to(at(11))

    assert guardian.kill_switch.state is KillState.REDUCE_ONLY
    assert journal.of(KillSwitchRecord)[0].trigger == "STALE_DATA"


def test_stale_data_matter_to_nobody_who_holds_nothing(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal)
    minute(kit, guardian, 5)

    kit.advance_to(at(120))

    assert guardian.kill_switch.state is KillState.NORMAL


def test_an_operator_tightens_the_switch_and_never_loosens_it(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal)
    changes = kit.listen(TOPIC_KILL_SWITCH)

    for state in (KillState.REDUCE_ONLY, KillState.HALT, KillState.REDUCE_ONLY, KillState.NORMAL):
        guardian.operate(state, "an operator", "a test")

    assert guardian.kill_switch.state is KillState.HALT
    assert [change.flatten for change in changes] == [False, True]
    assert [record.trigger for record in journal.of(KillSwitchRecord)] == ["OPERATOR", "OPERATOR"]


def test_the_switch_stays_where_it_is_until_a_human_clears_it(kit: Kit, journal: MemoryJournal) -> None:
    guardian = start(kit, journal)
    minute(kit, guardian, 5)
    kit.report(ZAR=94_000)
    minute(kit, guardian, 10)
    kit.report(ZAR=100_000)
    minute(kit, guardian, 15)
    assert not ask(kit).approved
    changes = kit.listen(TOPIC_KILL_SWITCH)

    guardian.clear("an operator", "the loss was a fee that was paid back")

    assert ask(kit).approved
    assert [change.entries_allowed for change in changes] == [True]
    assert [record.state for record in journal.of(KillSwitchRecord)] == ["REDUCE_ONLY", "NORMAL"]


def test_a_switch_latched_before_a_restart_is_told_to_strategies_that_start_after_guardian(
    kit: Kit, journal: MemoryJournal
) -> None:
    latched = KillStatus(state=KillState.REDUCE_ONLY, words="of yesterday")
    start(kit, journal, store=MemoryKillStore(latched))
    strategy = kit.start(TieredStrategy(TieredStrategyConfig(instrument_ids=(BTC,)), journal))

    kit.advance_to(START_NS + 1)

    assert not strategy.entries_allowed
    assert not ask(kit).approved


# Halting


def test_the_engine_is_halted_only_once_nothing_is_held_and_nothing_works(kit: Kit, journal: MemoryJournal) -> None:
    wall = Wall()
    guardian = start(kit, journal, risk_switch=wall)
    minute(kit, guardian, 5)
    kit.hold(BTC, PRICES[BTC])

    guardian.operate(KillState.HALT, "an operator", "a test")
    minute(kit, guardian, 6)
    assert wall.states == [], "held"

    kit.venue.fill(kit.order("EXIT"), 1_000_000)
    minute(kit, guardian, 7)
    assert wall.states == [], "stop and target are being cancelled"

    kit.venue.cancel(kit.order("STOP"), kit.order("TARGET"))
    minute(kit, guardian, 8)
    minute(kit, guardian, 9)
    assert wall.states == [TradingState.HALTED]


def test_clearing_a_halt_opens_the_engine_again(kit: Kit, journal: MemoryJournal) -> None:
    wall = Wall()
    guardian = start(kit, journal, risk_switch=wall)
    minute(kit, guardian, 5)
    guardian.operate(KillState.HALT, "an operator", "a test")
    minute(kit, guardian, 6)

    guardian.clear("an operator", "the test is over")

    assert wall.states == [TradingState.HALTED, TradingState.ACTIVE]
