"""How a position ends on Nautilus's own simulated venue, and that nothing of it stays behind."""

from decimal import Decimal
from itertools import pairwise

import pytest
from nautilus_trader.common.component import TimeEvent

from helios_nautilus.domain.plan import ExitPlan, Side
from helios_nautilus.domain.timeframe import NS_PER_MIN, NS_PER_SEC
from helios_nautilus.journal.memory import MemoryJournal
from helios_nautilus.journal.records import FillRecord, OrderRecord, PositionRecord, SignalRecord
from helios_nautilus.messages import TOPIC_KILL_SWITCH, KillSwitchChanged
from tests.fakes import BTC, ETH, PERPETUAL, Candle, Rig, YesMen, at, flat, prediction, random_walk, terms

M = 1_000_000.0
LONG = {"p_buy": 0.7, "p_sell": 0.1}
SHORT = {"p_buy": 0.1, "p_sell": 0.7}


def the_position(journal: MemoryJournal) -> PositionRecord:
    (position,) = journal.of(PositionRecord)
    return position


def rig_with(candles: list[Candle], **settings: object) -> Rig:
    """A long of 0.01 BTC, decided after five minutes; stop 980 000 or so, target 1 040 000."""
    rig = Rig(**settings)
    rig.candles([*flat(M, 6), *candles])
    rig.predict(prediction(BTC, minute=5, price=M))
    return rig


def nothing_stays_behind(rig: Rig) -> bool:
    return rig.working_orders == [] and not rig.strategy.has_bet(BTC) and rig.balance("BTC") == 0


# Stop and target


def test_a_stop_fills_at_its_price_as_a_taker_and_its_target_is_cancelled() -> None:
    rig = rig_with([(M, M, 970_000.0, 975_000.0), *flat(975_000, 5)])

    journal = rig.run()

    position = the_position(journal)
    assert (position.close_reason, position.exit_price) == ("STOP_LOSS", 980_000)
    assert journal.of(FillRecord)[-1].liquidity == "TAKER"
    assert nothing_stays_behind(rig)


def test_a_market_that_jumps_over_the_stop_fills_it_where_it_went_on() -> None:
    rig = rig_with(flat(960_000, 6))

    assert the_position(rig.run()).exit_price == pytest.approx(960_000 * 0.9995)


def test_a_target_fills_at_its_price_as_a_maker_and_its_stop_is_cancelled() -> None:
    rig = rig_with([(M, 1_050_000.0, M, 1_045_000.0), *flat(1_045_000, 5)])

    journal = rig.run()

    position = the_position(journal)
    assert (position.close_reason, position.exit_price) == ("TAKE_PROFIT", 1_040_000)
    assert journal.of(FillRecord)[-1].liquidity == "MAKER"
    assert nothing_stays_behind(rig)


def test_profit_is_net_of_the_fees_of_both_fills() -> None:
    rig = rig_with([(M, 1_050_000.0, M, 1_045_000.0), *flat(1_045_000, 5)])

    position = the_position(rig.run())

    fees = 0.01 * (1_000_500 * 0.0035 + 1_040_000 * 0.0018)
    assert position.costs == pytest.approx(fees, abs=0.02)
    assert position.pnl == pytest.approx(0.01 * (1_040_000 - 1_000_500) - fees, abs=0.02)
    assert rig.balance("ZAR") == pytest.approx(100_000 + position.pnl, abs=0.02)


# Time-out and signal


def test_a_position_is_closed_at_the_plans_hold() -> None:
    rig = rig_with(flat(1_001_000, 20), plan=ExitPlan(hold_mins=10))

    position = the_position(rig.run())

    assert position.close_reason == "TIMEOUT"
    assert position.ts_ns - position.entry_ts_ns == pytest.approx(10 * NS_PER_MIN, abs=5 * NS_PER_SEC)
    assert position.exit_price == pytest.approx(1_001_000 * 0.9995, abs=1)
    assert nothing_stays_behind(rig)


def test_no_plan_holds_longer_than_its_most() -> None:
    rig = rig_with(flat(M, 40), plan=ExitPlan(hold_mins=20, max_hold_mins=20))

    position = the_position(rig.run())

    assert position.ts_ns - position.entry_ts_ns <= 20 * NS_PER_MIN + 5 * NS_PER_SEC


def test_a_turned_signal_closes_the_position_and_the_next_bet_is_free() -> None:
    rig = rig_with(flat(M, 30))
    rig.predict(prediction(BTC, minute=10, price=M, **SHORT))
    rig.predict(prediction(BTC, minute=15, price=M, **LONG))

    journal = rig.run()

    assert the_position(journal).close_reason == "SIGNAL"
    assert the_position(journal).ts_ns == pytest.approx(at(10), abs=5 * NS_PER_SEC)
    actions = [(signal.action, signal.reason) for signal in journal.of(SignalRecord)]
    assert actions == [("proposed", "directional"), ("exit", "signal_turned"), ("proposed", "directional")]
    assert rig.strategy.has_bet(BTC)


def test_there_is_no_moment_without_a_stop_from_the_first_fill_to_the_last() -> None:
    rig = rig_with(flat(M, 30))
    rig.predict(prediction(BTC, minute=10, price=M, **SHORT))

    journal = rig.run()

    position = the_position(journal)
    (stop,) = {record.client_order_id for record in journal.of(OrderRecord) if record.role == "STOP"}
    works = {r.status: r.ts_ns for r in journal.of(OrderRecord) if r.client_order_id == stop}
    assert works["ACCEPTED"] <= position.entry_ts_ns
    assert works["CANCELED"] >= position.ts_ns


# The trailing stop


def test_a_trailing_stop_only_tightens_and_takes_the_profit_along() -> None:
    closes = [M + 2_000.0 * i for i in range(1, 16)] + [M + 30_000 - 3_000.0 * i for i in range(1, 10)]
    up_and_down = [(close, close + 500, close - 500, close) for close in closes]
    rig = Rig(plan=ExitPlan(hold_mins=120, trail_atr=1.0), agreed=terms(target=0.2))
    rig.candles([*random_walk(75, daily=0.02), *flat(M, 6), *up_and_down])
    rig.predict(prediction(BTC, minute=80, price=M))

    journal = rig.run()

    stops = [r.price for r in journal.of(OrderRecord) if r.role == "STOP" and r.status in ("SUBMITTED", "UPDATED")]
    assert len(stops) > 2
    assert all(one < other for one, other in pairwise(stops))
    assert the_position(journal).close_reason == "STOP_LOSS"
    assert the_position(journal).pnl > 0
    assert the_position(journal).stop_price == pytest.approx(float(stops[-1]), abs=1)


# Shorts


def test_on_margin_a_short_is_stopped_above_and_taken_below() -> None:
    rises, falls = (50_000.0, 52_000.0, 50_000.0, 51_500.0), (50_000.0, 50_000.0, 47_000.0, 47_500.0)

    lost, won = short_perpetual(rises), short_perpetual(falls)

    assert (lost.side, lost.close_reason, lost.exit_price) == (Side.SHORT, "STOP_LOSS", 51_000)
    assert (won.side, won.close_reason, won.exit_price) == (Side.SHORT, "TAKE_PROFIT", 48_000)
    assert lost.pnl < 0 < won.pnl


def short_perpetual(candle: Candle) -> PositionRecord:
    """Short at 50 000 before this minute."""
    rig = Rig(PERPETUAL, allow_shorts=True, agreed=terms(notional=5_000))
    rig.candles([*flat(50_000, 7), candle, *flat(candle[3], 5)], PERPETUAL)
    rig.predict(prediction(PERPETUAL, minute=5, price=50_000.0, **SHORT))
    position = the_position(rig.run())
    assert rig.working_orders == []
    return position


def test_a_short_that_times_out_is_bought_back_and_not_turned_round() -> None:
    rig = Rig(PERPETUAL, allow_shorts=True, agreed=terms(notional=5_000), plan=ExitPlan(hold_mins=10))
    rig.candles(flat(50_000, 30), PERPETUAL)
    rig.predict(prediction(PERPETUAL, minute=5, price=50_000.0, **SHORT))

    journal = rig.run()

    assert the_position(journal).close_reason == "TIMEOUT"
    assert [fill.side for fill in journal.of(FillRecord)] == ["SELL", "BUY"]
    assert rig.engine.cache.positions_open() == []


# The kill switch


class Killer(YesMen):
    """Says yes to everything until a minute comes, and then throws the switch."""

    def __init__(self, minute: float, *, flatten: bool) -> None:
        super().__init__(terms())
        self._minute, self._flatten = minute, flatten

    def on_start(self) -> None:
        super().on_start()
        self.clock.set_time_alert_ns("KILL", at(self._minute), self._throw)

    def _throw(self, event: TimeEvent) -> None:
        change = KillSwitchChanged(ts_ns=event.ts_event, entries_allowed=False, flatten=self._flatten, words="a test")
        self.msgbus.publish(TOPIC_KILL_SWITCH, change)


MAKER = ExitPlan(hold_mins=120, entry="maker", maker_wait_secs=1_200)


def test_halt_takes_working_entries_back_and_flattens_at_once() -> None:
    rig = Rig(BTC, ETH, plan=MAKER)
    rig.use(Killer(12.5, flatten=True))
    rig.candles([*flat(M, 6), (M, M, 999_000.0, M), *flat(M, 30)])
    rig.candles(flat(50_000, 37), ETH)
    rig.predict(prediction(BTC, minute=5, price=999_500.0))
    rig.predict(prediction(ETH, minute=10, price=49_000.0))

    journal = rig.run()

    assert the_position(journal).close_reason == "KILL"
    assert the_position(journal).ts_ns == pytest.approx(at(12.5), abs=5 * NS_PER_SEC)
    assert rig.working_orders == []
    assert not rig.strategy.has_bet(ETH)


def test_reduce_only_takes_working_entries_back_and_leaves_positions_to_their_stops() -> None:
    rig = Rig(BTC, ETH, plan=MAKER)
    rig.use(Killer(12.5, flatten=False))
    rig.candles([*flat(M, 6), (M, M, 999_000.0, M), *flat(M, 15), (M, M, 970_000.0, 970_000.0), *flat(970_000, 5)])
    rig.candles(flat(50_000, 28), ETH)
    rig.predict(prediction(BTC, minute=5, price=999_500.0))
    rig.predict(prediction(ETH, minute=10, price=49_000.0))
    rig.predict(prediction(ETH, minute=15, price=50_000.0))

    journal = rig.run()

    assert the_position(journal).close_reason == "STOP_LOSS"
    of_eth = [
        record for record in journal.of(OrderRecord) if (record.instrument_id, record.role) == (ETH.value, "ENTRY")
    ]
    assert of_eth[-1].status == "CANCELED"
    assert of_eth[-1].ts_ns == pytest.approx(at(12.5), abs=5 * NS_PER_SEC)
    assert journal.of(SignalRecord)[-1].reason == "entries_off"


def test_halt_also_closes_what_a_partly_filled_entry_holds() -> None:
    rig = Rig()
    rig.use(Killer(8.5, flatten=True))
    rig.candles(flat(M, 15), volume=0.004)
    rig.predict(prediction(BTC, minute=5, price=M))

    journal = rig.run()

    assert the_position(journal).quantity == Decimal("0.004")
    assert the_position(journal).close_reason == "KILL"
    assert nothing_stays_behind(rig)
