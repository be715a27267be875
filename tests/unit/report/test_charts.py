import json

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from helios_nautilus.journal.records import PositionRecord, VolatilityRecord
from helios_nautilus.report import charts
from helios_nautilus.report.curves import account_curve, buy_and_hold_curve
from tests.unit.report.runs import fake_run

RUN = fake_run(trades=40)
NAME = "SOLZAR.VALR"
TRADES = [r for r in RUN.records if isinstance(r, PositionRecord) and r.instrument_id == NAME]


@given(arrays(np.float64, st.integers(1, 400), elements=st.floats(-1e6, 1e6)), st.integers(10, 60))
def test_thinning_keeps_the_ends_and_the_extremes(values: np.ndarray, points: int) -> None:
    kept = charts.thin(values, points)
    assert len(kept) <= max(points, 1)
    assert (np.diff(kept) > 0).all()
    assert (kept[0], kept[-1]) == (0, len(values) - 1)
    assert values[kept].min() == values.min()
    assert values[kept].max() == values.max()


def test_a_short_series_is_not_thinned() -> None:
    assert charts.thin(np.arange(5.0)).tolist() == [0, 1, 2, 3, 4]


def test_the_equity_chart_draws_the_run_and_the_benchmark_with_their_drawdowns() -> None:
    hold = buy_and_hold_curve(RUN.run, RUN.prices)
    spec = charts.equity_chart(account_curve(RUN.run, RUN.records), hold, RUN.run)
    assert [trace["name"] for trace in spec["data"]] == [
        "this run",
        "drawdown, this run",
        "buy and hold",
        "drawdown, buy and hold",
    ]
    assert max(spec["data"][1]["y"]) <= 0.0


def traces_of(trades: list[PositionRecord]) -> dict[str, charts.Spec]:
    spec = charts.instrument_chart(RUN.prices[NAME], trades, RUN.run)
    return {trace["name"]: trace for trace in spec["data"]}


def test_every_trade_has_its_entry_its_exit_and_its_bracket_on_the_chart() -> None:
    traces = traces_of(TRADES)
    assert traces["entry"]["y"] == [trade.entry_price for trade in TRADES]
    assert traces["exit"]["y"] == [trade.exit_price for trade in TRADES]
    assert traces["stop"]["y"][:2] == [TRADES[0].stop_price] * 2
    assert traces["target"]["y"][:2] == [TRADES[0].target_price] * 2
    assert "closed by" in traces["exit"]["text"][0]


def test_exits_differ_in_shape_by_reason_and_not_in_colour_alone() -> None:
    marker = traces_of(TRADES)["exit"]["marker"]
    assert {"x", "square"} <= set(marker["symbol"])


def test_brackets_of_too_many_trades_are_left_out() -> None:
    many = TRADES * (charts.BRACKETS_SHOWN // len(TRADES) + 1)
    assert "stop" not in traces_of(many)


def test_an_instrument_without_trades_is_only_its_price() -> None:
    assert list(traces_of([])) == ["price"]


def test_text_in_hovers_cannot_become_markup() -> None:
    hostile = msgspec.structs.replace(TRADES[0], close_reason="<a href='x'>win</a>")
    assert "<a" not in traces_of([hostile])["exit"]["text"][0]


def test_each_regime_bar_lasts_until_the_next_refit() -> None:
    refits = [r for r in RUN.records if isinstance(r, VolatilityRecord)]
    spec = charts.regime_chart(refits, RUN.run)
    lengths = [x for trace in spec["data"] for x in trace["x"] if x is not None]
    assert sum(lengths) == pytest.approx(3 * (RUN.run.end_ns - RUN.run.start_ns) / 1e6)


def test_specifications_are_plain_json() -> None:
    spec = charts.instrument_chart(RUN.prices[NAME], TRADES, RUN.run)
    assert json.loads(msgspec.json.encode(spec))["layout"]["height"] == 330
