import numpy as np
import pytest
from msgspec.structs import replace

from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.timeframe import NS_PER_DAY
from helios_nautilus.journal.records import EquityRecord, PositionRecord, RunRecord
from helios_nautilus.report.curves import account_curve, buy_and_hold_curve, realised_curve, stated_taker_fee
from tests.unit.report.runs import BAR_NS, START_NS, fake_run, run_record


def bars(*closes: float, first: float, start: int = 0) -> Bars:
    close = np.array(closes)
    return Bars(
        ts_ns=START_NS + BAR_NS * (start + 1 + np.arange(len(close))),
        open=np.concatenate([[first], close[:-1]]),
        high=close,
        low=close,
        close=close,
        volume=close,
    )


def run_of_two(note: str = "") -> RunRecord:
    return replace(run_record(days=1), instrument_ids=("A", "B"), notes=(note,))


def test_buying_and_holding_weighs_instruments_equally_and_pays_one_taker_fee() -> None:
    prices = {"A": bars(110, 120, first=100), "B": bars(9, 8, first=10)}
    curve = buy_and_hold_curve(run_of_two("VALR taker fee: 1 %"), prices)
    assert curve is not None
    assert curve.equity == pytest.approx([100_000, 99_000 * 1.0, 99_000 * 1.0])
    assert curve.drawdown == pytest.approx([0.0, 0.01, 0.01])


def test_an_instrument_that_starts_late_is_cash_until_then() -> None:
    prices = {"A": bars(110, 110, first=100), "B": bars(20, first=10, start=1)}
    curve = buy_and_hold_curve(run_of_two(), prices)
    assert curve is not None
    assert curve.equity == pytest.approx([100_000, 105_000, 155_000])


def test_prices_outside_the_window_do_not_count() -> None:
    prices = {"A": bars(110, 500, first=100), "B": bars(10, 50, first=10)}
    curve = buy_and_hold_curve(replace(run_of_two(), end_ns=START_NS + BAR_NS), prices)
    assert curve is not None
    assert curve.equity == pytest.approx([100_000, 105_000])


def test_buying_and_holding_is_unknown_if_an_instrument_has_no_price() -> None:
    assert buy_and_hold_curve(run_of_two(), {"A": bars(110, first=100)}) is None
    assert buy_and_hold_curve(run_of_two(), {"A": bars(110, first=100), "B": bars(11, first=10, start=9_999)}) is None


@pytest.mark.parametrize(
    ("note", "fee"),
    [
        ("taker fee 0.35 %, maker fee 0.18 %", 0.0035),
        ("Taker fee: 0.1%", 0.001),
        ("fees 0.18% as maker and 0.35% as taker.", 0.0035),
        ("maker fee 0.18 %", 0.0),
        ("", 0.0),
    ],
)
def test_the_taker_fee_is_read_from_the_notes(note: str, fee: float) -> None:
    assert stated_taker_fee(run_of_two(note)) == pytest.approx(fee)


def test_the_account_starts_with_its_balance_and_ends_with_its_last_mark() -> None:
    run = fake_run(days=2)
    marks = [record for record in run.records if isinstance(record, EquityRecord)]
    curve = account_curve(run.run, run.records)
    assert curve.ts_ns[0] == run.run.start_ns
    assert (curve.equity[0], curve.equity[-1]) == (100_000.0, marks[-1].equity)
    assert (np.diff(curve.ts_ns) > 0).all()


def test_realised_equity_moves_at_exits_and_counts_time_in_position() -> None:
    run = fake_run()
    trades = [record for record in run.records if isinstance(record, PositionRecord)]
    curve = realised_curve(run.run, trades)
    assert curve.equity[-1] == pytest.approx(100_000 + sum(trade.pnl for trade in trades))
    held = float((np.diff(curve.ts_ns) * curve.exposure[:-1]).sum())
    assert held == pytest.approx(sum(trade.ts_ns - trade.entry_ts_ns for trade in trades))


def test_doing_nothing_is_a_flat_line_over_the_window() -> None:
    curve = realised_curve(run_record(days=3), ())
    assert curve.equity.tolist() == [100_000.0, 100_000.0]
    assert int(np.diff(curve.ts_ns)[0]) == 3 * NS_PER_DAY
