"""Trims and purchases on Nautilus's simulated venue, with its latency: what is held always has its stop."""

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from nautilus_trader.common.component import TimeEvent
from nautilus_trader.model.enums import TriggerType
from nautilus_trader.model.identifiers import InstrumentId

from helios_nautilus.actors.rebalancer import Rebalancer, RebalancerConfig
from helios_nautilus.domain.decision.market import MarketHistory
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.portfolio.allocate import AllocationRules
from helios_nautilus.domain.portfolio.rebalance import RebalanceReason
from helios_nautilus.domain.portfolio.targets import RebalanceMode, RebalanceSettings
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import (
    EventRecord,
    FillRecord,
    GuardianRecord,
    OrderRecord,
    PositionRecord,
    RebalanceRecord,
    SizingRecord,
)
from helios_nautilus.messages import (
    TOPIC_KILL_SWITCH,
    TOPIC_REBALANCE,
    KillSwitchChanged,
    Prediction,
    Rebalance,
    WeightOrder,
)
from helios_nautilus.report.funnel import count_funnel
from helios_nautilus.report.story import tell_story
from tests.fakes import BTC, ETH, Candle, Rig, YesMen, at, flat, prediction, random_walk
from tests.integration.test_tiers_chain import five_tiers
from tests.unit.report.runs import run_record

M = 1_000_000.0


class Script(YesMen):
    """Says at given minutes what the rebalancer, or Guardian, would; looks every 100 ms what guards the position."""

    def __init__(self, said: dict[float, tuple[str, object]]) -> None:
        super().__init__()
        self._said = said
        self.looks: list[tuple[Decimal, Decimal, Decimal]] = []

    def on_start(self) -> None:
        super().on_start()
        for minute, (topic, message) in self._said.items():
            self.clock.set_time_alert_ns(f"say-{minute}", at(minute), self._say(topic, message))
        self.clock.set_timer_ns("look", NS_PER_SEC // 10, at(5), 0, self._look)

    def _say(self, topic: str, message: object) -> Callable[[TimeEvent], None]:
        return lambda _event: self.msgbus.publish(topic, message)

    def _look(self, _event: TimeEvent) -> None:
        held = sum((each.quantity.as_decimal() for each in self.cache.positions_open(instrument_id=BTC)), Decimal(0))
        self.looks.append((held, self._leaves("STOP"), self._leaves("TARGET")))

    def _leaves(self, role: str) -> Decimal:
        working = [*self.cache.orders_open(instrument_id=BTC), *self.cache.orders_emulated(instrument_id=BTC)]
        return sum((order.leaves_qty.as_decimal() for order in working if role in order.tags), Decimal(0))


def ask(minute: float, *orders: WeightOrder, reason: RebalanceReason = RebalanceReason.DAILY) -> tuple[str, Rebalance]:
    return TOPIC_REBALANCE, Rebalance(ts_ns=at(minute), reason=reason, orders=orders)


def sale(share: float, instrument_id: InstrumentId = BTC) -> WeightOrder:
    return WeightOrder(
        instrument_id=instrument_id,
        weight=0.1,
        target=0.1 * (1.0 - share),
        change=-0.1 * share,
        value=10_000 * share,
        prediction=None,
    )


def purchase(value: float, minute: float, instrument_id: InstrumentId = ETH, price: float = 50_000.0) -> WeightOrder:
    said = prediction(instrument_id, minute=minute, price=price)
    return WeightOrder(
        instrument_id=instrument_id, weight=0.0, target=value / 1e5, change=value / 1e5, value=value, prediction=said
    )


def rig_with(candles: list[Candle], said: dict[float, tuple[str, object]], **settings: object) -> tuple[Rig, Script]:
    """A long of 0.01 BTC, decided after five minutes, stop 2 % and target 4 % away; then what is said."""
    rig, script = Rig(BTC, ETH, **settings), Script(said)
    rig.use(script)
    rig.candles([*flat(M, 6), *candles])
    rig.candles(flat(50_000.0, 6 + len(candles)), ETH)
    rig.predict(prediction(BTC, minute=5, price=M))
    return rig, script


def test_a_trim_sells_its_share_and_the_bet_goes_on_under_a_smaller_guard() -> None:
    rig, script = rig_with(flat(M, 20), {10: ask(10, sale(0.4))})

    journal = rig.run()

    assert [(fill.role, fill.quantity) for fill in journal.of(FillRecord)] == [
        ("ENTRY", Decimal("0.01")),
        ("TRIM", Decimal("0.004")),
    ]
    assert script.looks[-1] == (Decimal("0.006"),) * 3
    assert rig.strategy.has_bet(BTC)


def test_a_guard_that_the_engine_watches_over_shrinks_with_the_fill_itself() -> None:
    """As in a live node: between the fill and the smaller guard nothing can happen."""
    live = {"emulation": TriggerType.BID_ASK, "manage_contingent_orders": True}
    rig, script = rig_with(flat(M, 20), {10: ask(10, sale(0.4))}, **live)

    rig.run()

    assert {look for look in script.looks if look[0] > 0} == {(Decimal(held),) * 3 for held in ("0.01", "0.006")}


@pytest.mark.parametrize("seed", [0, 1])
def test_there_is_no_moment_without_a_stop_while_trims_stops_and_targets_meet(seed: int) -> None:
    market = random_walk(110, seed=seed, daily=0.5)
    rig, script = rig_with(
        market, {minute: ask(minute, sale(0.3)) for minute in range(7, 100, 3)}, plan=ExitPlan(hold_mins=90)
    )

    journal = rig.run()

    looks = [look for look in script.looks if look[0] > 0]
    assert looks
    assert all(stop >= held and target >= held for held, stop, target in looks)
    assert any(before[0] > after[0] > 0 for before, after in pairwise(looks)), "something was trimmed"
    (position,) = journal.of(PositionRecord)
    sold = sum(fill.quantity for fill in journal.of(FillRecord) if fill.side == "SELL")
    assert sold == position.quantity == Decimal("0.01")
    assert rig.balance("BTC") == 0
    assert rig.balance("ZAR") == pytest.approx(100_000 + position.pnl, abs=0.05)
    assert rig.working_orders == []


def test_a_bet_whose_target_is_none_of_it_is_closed_by_the_rebalancing() -> None:
    rig, _ = rig_with(flat(M, 20), {10: ask(10, sale(1.0))})

    (position,) = rig.run().of(PositionRecord)

    assert position.close_reason == "REBALANCE"
    assert rig.balance("BTC") == 0
    assert rig.working_orders == []


def test_a_halt_in_the_middle_of_a_trim_closes_all_that_is_held_and_sells_nothing_twice() -> None:
    halt = KillSwitchChanged(ts_ns=at(10), entries_allowed=False, flatten=True, words="a test")
    rig, script = rig_with(flat(M, 20), {10: ask(10, sale(0.4)), 10.001: (TOPIC_KILL_SWITCH, halt)})

    journal = rig.run()

    (position,) = journal.of(PositionRecord)
    assert position.close_reason == "KILL"
    assert sum(fill.quantity for fill in journal.of(FillRecord) if fill.side == "SELL") == Decimal("0.01")
    assert position.ts_ns < at(10) + 10 * NS_PER_SEC, "it did not wait for the trim"
    assert all(held >= 0 for held, _, _ in script.looks)
    assert rig.balance("BTC") == 0


def test_a_purchase_waits_for_what_is_sold_first_and_becomes_a_bet_with_its_own_stop() -> None:
    rig, _ = rig_with(flat(M, 30), {10: ask(10, purchase(9_000, 10), sale(0.5))})

    journal = rig.run()

    fills = [(fill.instrument_id, fill.role) for fill in journal.of(FillRecord)]
    assert fills == [(BTC.value, "ENTRY"), (BTC.value, "TRIM"), (ETH.value, "ENTRY")]
    bought = journal.of(FillRecord)[-1].decision_id
    assert bought == "ETHZAR.VALR-20260105T0010-rebalanced"
    assert {order.role for order in journal.of(OrderRecord) if order.decision_id == bought} == {
        *("ENTRY", "STOP", "TARGET")
    }
    assert rig.strategy.has_bet(ETH)


def test_the_story_of_a_trade_says_that_it_was_rebalanced_and_why() -> None:
    rig, _ = rig_with(flat(M, 20), {10: ask(10, sale(0.4))})
    journal = rig.run()
    trim = next(fill for fill in journal.of(FillRecord) if fill.role == "TRIM")

    story = tell_story(run_record(), journal.about(trim.decision_id))

    (events,) = (chapter for chapter in story.chapters if chapter.title == "Events")
    assert [(fact.label, fact.words) for fact in events.facts] == [
        ("Rebalanced", "0.00400000 of 0.01000000 is sold: 10.00% of equity, its target is 6.00% (DAILY)")
    ]
    (fills,) = (chapter for chapter in story.chapters if chapter.title == "Fills")
    assert fills.sheet is not None
    assert [row[1] for row in fills.sheet.rows] == ["entry", "trim"]


def past(seed: int, price: float) -> MarketHistory:
    """Six days of 5-minute bars up to the start; R10 million are traded in each."""
    history, count = MarketHistory(5 * NS_PER_MIN), 6 * 288
    walk = np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.002, count)))
    for number, close in enumerate((price * walk / walk[-1]).tolist()):
        history.update(at(5 * (number + 1 - count)), close, 1e7 / price)
    return history


def all_tiers(mode: RebalanceMode, btc: Prediction) -> Rig:
    """Two calm hours beside all tiers; Aether sizes nothing on ETH. The first fees are a risk event."""
    rig = Rig(BTC, ETH)
    settings = RebalanceSettings(
        mode=mode, history_days=5, drawdown_share=0.0001, allocation=AllocationRules(max_weight=0.05)
    )
    histories = {BTC.value: past(1, M), ETH.value: past(2, 50_000.0)}
    config = RebalancerConfig(instrument_ids=(BTC, ETH), plan=rig.strategy.config.plan, settings=settings)
    five_tiers(rig, Rebalancer(config, rig.journal, histories, lambda _ts_ns: None, lambda _name: None))
    rig.candles(flat(M, 90))
    rig.candles(flat(50_000.0, 90), ETH)
    rig.predict(btc)
    rig.predict(prediction(ETH, minute=5, price=50_000.0, p_buy=0.3, p_sell=0.3))
    return rig


def check_books(rig: Rig) -> None:
    """All bets are over, each entry had its consent, and the account is what the positions say."""
    assert count_funnel(rig.journal).entries_without_consent == ()
    assert rig.working_orders == []
    assert rig.balance("BTC") == rig.balance("ETH") == 0
    made = sum(position.pnl for position in rig.journal.of(PositionRecord))
    assert rig.balance("ZAR") == pytest.approx(100_000 + made, abs=0.05)


def told(journal: MemoryJournal) -> set[str]:
    """The decisions that were rebalanced."""
    return {event.decision_id for event in journal.of(EventRecord) if event.kind == "rebalanced"}


def test_beside_all_tiers_a_bet_above_its_target_is_trimmed_at_a_risk_event() -> None:
    rig = all_tiers("trim", prediction(BTC, minute=5, price=M))

    journal = rig.run()

    roles = {fill.role: fill.decision_id for fill in journal.of(FillRecord)}
    assert set(roles) == {"ENTRY", "TRIM", "EXIT"}
    assert told(journal) == {roles["TRIM"]}
    risky = next(record for record in journal.of(RebalanceRecord) if record.reason == "RISK_EVENT")
    (btc, _) = risky.changes
    assert btc.change == pytest.approx(btc.target - btc.current)
    assert btc.change < 0.0
    check_books(rig)


def test_beside_all_tiers_a_purchase_needs_no_odds_and_gets_past_guardian_only_if_all_its_checks_pass() -> None:
    """Without days enough to know how the two move together there is but one of them."""
    rig = all_tiers("full", prediction(BTC, minute=5, price=M, p_buy=0.3, p_sell=0.3))

    journal = rig.run()

    bought, refused = ("BTCZAR.VALR-20260105T0005-rebalanced", "ETHZAR.VALR-20260105T0005-rebalanced")
    assert {fill.decision_id for fill in journal.of(FillRecord)} == {bought}
    assert told(journal) == {bought, refused}
    assert {guardian.decision_id: guardian.passed for guardian in journal.of(GuardianRecord)} == {
        bought: True,
        refused: False,
    }
    (sizing,) = (record for record in journal.of(SizingRecord) if record.decision_id == bought)
    assert sizing.notional == pytest.approx(journal.of(RebalanceRecord)[0].changes[0].change * 100_000)
    check_books(rig)
    story = tell_story(run_record(), journal.about(refused))
    assert story.headline == "No trade. Guardian stopped it: correlation with an open position."
