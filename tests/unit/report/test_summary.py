from decimal import Decimal

import msgspec
import pytest
from msgspec.structs import replace

from helios_nautilus.errors import DataError
from helios_nautilus.journal.records import EquityRecord, FillRecord, PositionRecord, PredictionRecord
from helios_nautilus.report.summary import Summary, summarise
from tests.unit.report.runs import fake_run, run_record

RUN = fake_run()
SUMMARY = summarise(RUN.records, RUN.prices)


def test_costs_are_the_sum_of_all_commissions_by_role() -> None:
    fills = [record for record in RUN.records if isinstance(record, FillRecord)]
    assert SUMMARY.total.costs == pytest.approx(float(sum(fill.commission_value for fill in fills)))
    assert sum(SUMMARY.total.costs_by_role.values()) == pytest.approx(SUMMARY.total.costs)
    assert sum(result.costs for result in SUMMARY.instruments.values()) == pytest.approx(SUMMARY.total.costs)


def test_instruments_add_up_to_the_account_when_nothing_is_open() -> None:
    assert SUMMARY.open_positions == 0
    assert sum(result.pnl or 0.0 for result in SUMMARY.instruments.values()) == pytest.approx(SUMMARY.total.pnl)
    trades = [record for record in RUN.records if isinstance(record, PositionRecord)]
    assert SUMMARY.total.pnl == pytest.approx(sum(trade.pnl for trade in trades))
    assert sum(SUMMARY.total.close_reasons.values()) == len(trades) == SUMMARY.total.performance.trades.count


def test_cash_yields_nothing() -> None:
    assert SUMMARY.cash.pnl == 0.0
    assert SUMMARY.cash.performance.total_return == 0.0


def test_the_summary_survives_a_round_trip_through_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(SUMMARY), type=Summary) == SUMMARY


def test_a_run_that_did_nothing_has_unknown_figures_not_zeros() -> None:
    summary = summarise([run_record()], {})
    assert summary.total.pnl is None
    assert summary.total.performance.sharpe is None
    assert summary.total.performance.trades.win_rate is None
    assert summary.buy_and_hold is None
    assert list(summary.instruments) == list(run_record().instrument_ids)


def test_a_position_still_open_at_the_end_is_counted_apart() -> None:
    last = max((r for r in RUN.records if isinstance(r, PositionRecord)), key=lambda r: r.ts_ns)
    still_open = [r for r in RUN.records if r is not last]
    summary = summarise(still_open, RUN.prices)
    assert summary.open_positions == 1
    assert summary.total.performance.trades.count == SUMMARY.total.performance.trades.count - 1
    assert summary.total.pnl == SUMMARY.total.pnl


def test_an_instrument_traded_but_not_named_by_the_run_is_not_lost() -> None:
    fill = next(record for record in RUN.records if isinstance(record, FillRecord))
    extra = replace(fill, instrument_id="XRPZAR.VALR", commission_value=Decimal("1.5"))
    assert summarise([*RUN.records, extra], RUN.prices).instruments["XRPZAR.VALR"].costs == 1.5


def test_a_journal_without_a_run_is_refused() -> None:
    with pytest.raises(DataError, match="no run record"):
        summarise([record for record in RUN.records if isinstance(record, PredictionRecord)], {})


def test_a_losing_run_has_a_drawdown_and_a_negative_return() -> None:
    run = fake_run(seed=3, drift=-0.0003, trades=60)
    total = summarise(run.records, run.prices).total
    assert total.pnl is not None
    assert total.pnl < 0
    assert total.performance.max_drawdown is not None
    last = [record for record in run.records if isinstance(record, EquityRecord)][-1]
    assert total.performance.total_return == pytest.approx(last.equity / 100_000 - 1)
