"""When the rebalancer compares, what it knows then, and what it asks for."""

import numpy as np
import pytest

from helios_nautilus.actors.rebalancer import Rebalancer, RebalancerConfig
from helios_nautilus.domain.decision.market import MarketHistory
from helios_nautilus.domain.payoff import PayoffBin, PayoffTable
from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.portfolio.rebalance import RebalanceReason
from helios_nautilus.domain.portfolio.targets import RebalanceMode, RebalanceSettings
from helios_nautilus.domain.risk.regime import Regime
from helios_nautilus.domain.risk.volatility import VolatilityForecast
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR, NS_PER_SEC
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import EventRecord, RebalanceRecord
from helios_nautilus.messages import (
    TOPIC_KILL_SWITCH,
    TOPIC_PORTFOLIO,
    TOPIC_PREDICTIONS,
    TOPIC_REBALANCE,
    KillSwitchChanged,
    PortfolioState,
)
from tests.fakes import BTC, ETH, START_NS, Kit, at, prediction

IDS = (BTC, ETH)
PLAN = ExitPlan()
BIN = PayoffBin(p_from=0.0, count=100, win_rate=0.6, mean_win=0.04, mean_loss=0.02)
TABLE = PayoffTable(long=(BIN,), short=(BIN,))
FIRST_CLOSE = 60
"""Minutes: the decision bars are of an hour."""
SETTLED = FIRST_CLOSE + 5 / 60


def past(seed: int, price: float, days: int = 7) -> MarketHistory:
    """Hourly bars up to the start."""
    history, rng = MarketHistory(NS_PER_HOUR), np.random.default_rng(seed)
    closes = price * np.exp(np.cumsum(rng.normal(0.0, 0.005, 24 * days)) - 0.0)
    closes *= price / closes[-1]
    for number, close in enumerate(closes.tolist()):
        history.update(START_NS - (24 * days - 1 - number) * NS_PER_HOUR, close, 10.0)
    return history


class Desk:
    """A rebalancer that runs, and what the others tell it."""

    def __init__(
        self, kit: Kit, journal: MemoryJournal, mode: RebalanceMode = "trim", *, days: int = 7, table: bool = True
    ) -> None:
        self.kit, self.journal = kit, journal
        self.regimes: dict[str, Regime] = {}
        self.histories = {BTC.value: past(1, 1_000_000.0, days), ETH.value: past(2, 50_000.0, days)}
        self.asked = kit.listen(TOPIC_REBALANCE)
        kit.start(
            Rebalancer(
                RebalancerConfig(
                    instrument_ids=IDS,
                    decision="1h",
                    plan=PLAN,
                    settings=RebalanceSettings(mode=mode, history_days=5),
                ),
                journal,
                self.histories,
                lambda _ts_ns: TABLE if table else None,
                self._forecast,
            )
        )

    def _forecast(self, name: str) -> VolatilityForecast | None:
        regime = self.regimes.get(name)
        if regime is None:
            return None
        return VolatilityForecast(ts_ns=0, vol_daily=0.03, vol_annual=0.5, regime=regime, source="garch")

    def worth(self, equity: float = 100_000.0, drawdown: float = 0.0) -> None:
        """Guardian marks equity."""
        state = PortfolioState(
            ts_ns=self.kit.clock.timestamp_ns(),
            equity=equity,
            peak=equity / (1.0 - drawdown),
            drawdown=drawdown,
            daily_loss=0.0,
            exposure=0.0,
            open_positions=0,
        )
        self.kit.msgbus.publish(TOPIC_PORTFOLIO, state)

    def kill(self, *, flatten: bool = False, allowed: bool = False) -> None:
        change = KillSwitchChanged(ts_ns=START_NS, entries_allowed=allowed, flatten=flatten, words="a test")
        self.kit.msgbus.publish(TOPIC_KILL_SWITCH, change)

    def predict(self, minute: float, *, p_buy: float = 0.7, p_sell: float = 0.1, veto: str = "") -> None:
        self.kit.msgbus.publish(
            TOPIC_PREDICTIONS, prediction(ETH, minute=minute, p_buy=p_buy, p_sell=p_sell, price=50_000.0, veto=veto)
        )

    def until(self, minute: float) -> None:
        self.kit.advance_to(at(minute))

    @property
    def records(self) -> list[RebalanceRecord]:
        return self.journal.of(RebalanceRecord)

    @property
    def notes(self) -> list[str]:
        return [event.kind for event in self.journal.of(EventRecord)]


@pytest.fixture
def desk(kit: Kit, journal: MemoryJournal) -> Desk:
    return Desk(kit, journal)


def test_it_compares_once_a_day_a_little_after_the_first_decision_and_says_so_each_time(desk: Desk) -> None:
    desk.worth()
    desk.until(SETTLED - 0.01)
    assert desk.records == []

    desk.until(2 * 1440 - 1)

    assert [record.ts_ns for record in desk.records] == [at(SETTLED)], "the second day has no bars"
    assert desk.notes == ["not_rebalanced"]


def test_what_stands_above_its_target_is_to_be_sold_and_nothing_is_bought_in_trim(kit: Kit, desk: Desk) -> None:
    kit.hold(BTC, 1_000_000.0, notional=90_000.0)
    desk.worth()

    desk.until(SETTLED)

    (record,) = desk.records
    btc, eth = record.changes
    assert (record.reason, record.equity) == ("DAILY", 100_000.0)
    assert btc.current == pytest.approx(0.9)
    assert btc.target <= 0.4
    assert btc.change == pytest.approx(btc.target - 0.9)
    assert eth.change == 0.0 < eth.target
    assert record.cash == pytest.approx(1.0 - btc.target - eth.target)
    (asked,) = desk.asked
    (order,) = asked.orders
    assert (order.instrument_id, order.value) == (BTC, pytest.approx(-btc.change * 100_000))
    assert order.share == pytest.approx(1.0 - btc.target / 0.9)


def test_a_comparison_with_nothing_to_trade_is_journalled_and_asks_for_nothing(desk: Desk) -> None:
    desk.worth()

    desk.until(SETTLED)

    assert [change.change for change in desk.records[0].changes] == [0.0, 0.0]
    assert desk.asked == []


def test_the_newest_predictions_are_the_views_and_a_purchase_carries_its_own(kit: Kit, journal: MemoryJournal) -> None:
    desk = Desk(kit, journal, "full")
    desk.worth()
    desk.until(FIRST_CLOSE)
    desk.predict(FIRST_CLOSE)

    desk.until(SETTLED)

    btc, eth = desk.records[0].changes
    gross = 0.6 * 0.04 - 0.4 * 0.02 + PLAN.round_trip_cost
    assert eth.view == pytest.approx(gross * NS_PER_DAY / PLAN.hold_ns)
    assert btc.view is None
    said = {order.instrument_id: order.prediction for order in desk.asked[0].orders}
    assert said[ETH] is not None
    assert said[ETH].ts_event == at(FIRST_CLOSE)


@pytest.mark.parametrize(
    ("minute", "veto", "table"), [(0, "", True), (FIRST_CLOSE, "out_of_distribution", True), (FIRST_CLOSE, "", False)]
)
def test_an_old_or_vetoed_prediction_and_one_without_a_payoff_table_is_no_view(
    kit: Kit, journal: MemoryJournal, minute: float, veto: str, table: bool
) -> None:
    desk = Desk(kit, journal, "full", table=table)
    desk.worth()
    desk.until(FIRST_CLOSE)
    desk.predict(minute, veto=veto)

    desk.until(SETTLED)

    assert [change.view for change in desk.records[0].changes] == [None, None]


def test_with_too_short_a_past_nothing_is_compared_and_that_is_said_once(kit: Kit, journal: MemoryJournal) -> None:
    desk = Desk(kit, journal, days=4)
    desk.worth()
    desk.until(2 * 1440)
    desk.kill()
    desk.until(2 * 1440 + 1)

    assert desk.records == []
    assert desk.notes.count("not_rebalanced") == 1


def test_nothing_is_compared_while_equity_is_unknown(desk: Desk) -> None:
    desk.until(SETTLED)
    assert desk.records == []


# Risk events


def test_a_kill_switch_without_entries_sells_at_once_whatever_it_costs(kit: Kit, desk: Desk) -> None:
    kit.hold(BTC, 1_000_000.0, notional=45_000.0)
    desk.worth()
    desk.until(10)

    desk.kill()
    desk.until(10)

    (record,) = desk.records
    assert (record.ts_ns, record.reason) == (at(10), "RISK_EVENT")
    assert record.changes[0].change == pytest.approx(record.changes[0].target - 0.45)
    assert desk.asked[0].reason is RebalanceReason.RISK_EVENT
    assert desk.notes == ["risk_event"]


def test_a_halt_is_left_to_those_who_close_everything(desk: Desk) -> None:
    desk.worth()
    desk.kill(flatten=True)
    desk.until(SETTLED)
    assert desk.records == [] == desk.asked

    desk.kill(allowed=True)
    desk.until(1440 - 1)
    assert desk.records == []


def test_a_drawdown_past_its_share_of_the_limit_is_a_risk_event(desk: Desk) -> None:
    desk.worth(drawdown=0.09)
    desk.until(1)
    assert desk.records == [], "60 % of 15 % is reached, not passed"

    desk.worth(drawdown=0.091)
    desk.until(2)
    assert [record.reason for record in desk.records] == ["RISK_EVENT"]


def test_an_extreme_volatility_is_a_risk_event_of_what_is_held_only(kit: Kit, desk: Desk) -> None:
    kit.hold(BTC, 1_000_000.0, notional=45_000.0)
    desk.worth()
    desk.regimes = {ETH.value: Regime.EXTREME, BTC.value: Regime.HIGH}
    desk.until(3 * 60)
    assert "risk_event" not in desk.notes

    desk.regimes[BTC.value] = Regime.EXTREME
    desk.until(5 * 60)

    assert [(record.reason, record.ts_ns) for record in desk.records if record.reason == "RISK_EVENT"] == [
        ("RISK_EVENT", at(3 * 60) + 5 * NS_PER_SEC)
    ]


def test_a_risk_event_at_the_days_first_decision_stands_for_its_comparison(kit: Kit, desk: Desk) -> None:
    kit.hold(BTC, 1_000_000.0, notional=45_000.0)
    desk.worth()
    desk.until(SETTLED - 1)
    desk.regimes[BTC.value] = Regime.EXTREME

    desk.until(SETTLED)

    assert [(record.reason, record.ts_ns) for record in desk.records] == [("RISK_EVENT", at(SETTLED))]
    assert len(desk.asked) == 1
