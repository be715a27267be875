from decimal import Decimal
from io import StringIO
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace
from rich.console import Console

from helios_nautilus.domain.attribution import RunFigures, Trial, Trials
from helios_nautilus.domain.bars import Bars
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR
from helios_nautilus.journal.records import FillRecord, Holding, Record, RunRecord, SnapshotRecord
from helios_nautilus.report.attribution import Attribution, attribute_run
from helios_nautilus.report.attribution_charts import steps_chart, trials_chart
from helios_nautilus.report.page import render_page
from helios_nautilus.report.summary import Summary, summarise
from helios_nautilus.report.terminal import print_summary
from tests.unit.report.runs import START_NS, run_record

BTC = "BTCZAR.VALR"
RUN = replace(run_record(days=2), instrument_ids=(BTC,), starting_balance=1_000.0, notes=())
BASE = RunFigures(pnl=80.0, costs=2.0, drawdown=0.01, trades=1)


def trial(tier: str, figures: RunFigures) -> Trial:
    return Trial(tier=tier, words="another rule", figures=figures, added=BASE.less(figures))


TRIALS = Trials(
    base=BASE,
    without=(
        trial("aether", RunFigures(pnl=-20.0, costs=9.0, drawdown=0.2, trades=7)),
        trial("gate", RunFigures(pnl=95.0, costs=3.0, drawdown=0.02, trades=2)),
    ),
)


def hourly(*days: tuple[float, float]) -> dict[str, Bars]:
    """One instrument whose price goes in a straight line over each day, from the first to the second figure."""
    close = np.concatenate([np.linspace(first, last, 25)[1:] for first, last in days])
    opened = np.concatenate([[days[0][0]], close[:-1]])
    ts_ns = START_NS + NS_PER_HOUR * np.arange(1, len(close) + 1)
    return {BTC: Bars(ts_ns=ts_ns, open=opened, high=close, low=close, close=close, volume=np.ones(len(close)))}


PRICES = hourly((100.0, 110.0), (110.0, 121.0))


def snapshot(day: int, equity: float, quantity: float, costs: float = 0.0) -> SnapshotRecord:
    price = float(PRICES[BTC].close[24 * day - 1])
    value = quantity * price
    held = Holding(
        instrument_id=BTC, quantity=quantity, price=price, value=value, weight=value / equity, pnl=equity - 1_000.0
    )
    return SnapshotRecord(
        ts_ns=START_NS + day * NS_PER_DAY,
        equity=equity,
        cash=equity - value,
        drawdown=0.0,
        pnl=0.0,
        costs=costs,
        holdings=(held,),
    )


def fill(hour: int, side: str, quantity: str, **changed: Any) -> FillRecord:
    record = FillRecord(
        ts_ns=START_NS + hour * NS_PER_HOUR,
        decision_id="D",
        instrument_id=BTC,
        client_order_id="O",
        trade_id="T",
        role="ENTRY",
        side=side,  # type: ignore[arg-type]
        quantity=Decimal(quantity),
        price=Decimal(105),
        commission=Decimal(0),
        commission_currency="ZAR",
        commission_value=Decimal(0),
        liquidity="TAKER",
    )
    return replace(record, **changed)


def attributed(*records: Record, run: RunRecord = RUN) -> Attribution:
    found = attribute_run(records, run, PRICES)
    assert found is not None
    return found


def test_holding_everything_all_day_is_the_benchmark_itself() -> None:
    fills = fill(0, "BUY", "10", ts_ns=START_NS + 1)
    origin = attributed(fills, snapshot(1, 1_100.0, 10.0), snapshot(2, 1_210.0, 10.0))
    assert origin.active == pytest.approx(0.0)
    for part in ("allocation", "selection", "timing", "currency"):
        assert getattr(origin.effects, part) == pytest.approx(0.0, abs=1e-9)


def test_half_of_the_money_all_day_long_is_allocation_alone() -> None:
    origin = attributed(fill(0, "BUY", "5", ts_ns=START_NS + 1), snapshot(1, 1_050.0, 5.0))
    assert (origin.days, origin.portfolio, origin.benchmark) == (1, pytest.approx(0.05), pytest.approx(0.10))
    assert origin.effects.allocation == pytest.approx(-0.05)
    assert origin.effects.timing == pytest.approx(0.0, abs=1e-9)


def test_the_second_half_of_a_day_counts_for_half_and_what_it_made_beyond_that_is_timing() -> None:
    """Ten coins from noon on are five on average: 5 % of the benchmark's 10 %; they made 50 all the same."""
    quiet = attributed(fill(12, "BUY", "10"), snapshot(1, 1_050.0, 10.0))
    assert quiet.effects.allocation == pytest.approx(-0.05)
    assert quiet.effects.timing == pytest.approx(0.0, abs=1e-9)
    lucky = attributed(fill(12, "BUY", "10"), snapshot(1, 1_070.0, 10.0, costs=3.0))
    assert lucky.effects.allocation == pytest.approx(-0.05)
    assert lucky.effects.timing == pytest.approx(0.02)
    assert lucky.effects.costs == pytest.approx(0.003)


def test_a_trade_within_the_day_leaves_nothing_held_but_was_held_on_average() -> None:
    origin = attributed(fill(6, "BUY", "4"), fill(18, "SELL", "4"), snapshot(1, 1_020.0, 0.0))
    assert origin.effects.allocation == pytest.approx(0.2 * 0.10 - 0.10)
    assert origin.effects.timing == pytest.approx(0.0, abs=1e-9)


def test_a_commission_taken_in_the_coin_is_not_held() -> None:
    taken = fill(
        12, "BUY", "10", commission=Decimal("0.1"), commission_currency="BTC", commission_value=Decimal("10.5")
    )
    assert attributed(taken, snapshot(1, 1_050.0, 9.9)).effects.allocation == pytest.approx(0.495 * 0.10 - 0.10)


def test_the_benchmarks_entry_fee_is_saved_by_staying_out() -> None:
    run = replace(RUN, notes=("taker fee 1 %",))
    origin = attributed(snapshot(1, 1_000.0, 0.0), run=run)
    assert origin.benchmark == pytest.approx(1.10 * 0.99 - 1.0)
    assert origin.effects.allocation == pytest.approx(-origin.benchmark)


def test_what_happens_after_the_last_snapshot_is_of_no_day() -> None:
    early = attributed(fill(0, "BUY", "5", ts_ns=START_NS + 1), snapshot(1, 1_050.0, 5.0))
    late = attributed(fill(0, "BUY", "5", ts_ns=START_NS + 1), snapshot(1, 1_050.0, 5.0), fill(30, "BUY", "3"))
    assert late == early


@pytest.mark.parametrize(
    ("records", "prices"),
    [([], PRICES), ([snapshot(1, 1_000.0, 0.0)], {}), ([snapshot(1, -5.0, 0.0)], PRICES)],
    ids=["no snapshots", "no prices", "everything lost"],
)
def test_what_cannot_be_attributed_is_unknown(records: list[Record], prices: dict[str, Bars]) -> None:
    assert attribute_run(records, RUN, prices) is None


def summary_of(tiers: Trials | None = TRIALS) -> Summary:
    return summarise([RUN, fill(12, "BUY", "10"), snapshot(1, 1_070.0, 10.0, costs=3.0)], PRICES, tiers)


def test_the_steps_lead_from_the_benchmark_to_the_account() -> None:
    origin = summary_of().attribution
    assert origin is not None
    (trace,) = steps_chart(origin)["data"]
    *moves, total = trace["x"]
    assert sum(moves) == pytest.approx(total)
    assert (trace["y"][0], trace["y"][-1], trace["measure"][-1]) == ("Buy and hold", "This run", "total")


def test_every_figure_beside_a_bar_has_room_in_the_chart() -> None:
    spec = trials_chart(TRIALS, "ZAR")
    (trace,) = spec["data"]
    low, high = spec["layout"]["xaxis"]["range"]
    assert low < min(trace["x"]) < max(trace["x"]) < high
    assert trace["y"] == ["All tiers", "Without Aether", "Without the gate"]


def test_a_run_that_made_nothing_has_charts_too() -> None:
    nothing = RunFigures(pnl=0.0, costs=0.0, drawdown=0.0, trades=0)
    low, high = trials_chart(Trials(base=nothing, without=()), "ZAR")["layout"]["xaxis"]["range"]
    assert low < high


def words_of(summary: Summary) -> str:
    return render_page([RUN], PRICES, summary).replace("\u00a0", " ").replace("\u2212", "-")


def test_the_page_says_what_each_part_and_each_tier_added_and_how_to_read_it() -> None:
    page = words_of(summary_of())
    for words in (
        "after costs of 0.30 %",
        "quoted in ZAR",
        "Without Aether",
        "+R100.00",
        "-R15.00",
        "Read a difference",
    ):
        assert words in page
    assert '"chart-steps"' in page
    assert '"chart-tiers"' in page


def test_a_page_without_them_says_how_to_get_them() -> None:
    page = words_of(summarise([RUN], {}))
    assert "helios backtest CONFIG --attribution" in page
    assert "it takes daily snapshots" in page


def test_the_terminal_says_it_in_two_lines() -> None:
    out = StringIO()
    print_summary(summary_of(), Console(file=out, width=160))
    text = out.getvalue().replace("\u00a0", " ").replace("\u2212", "-")
    assert "Against buying and holding" in text
    assert "each left out alone: Aether +R100.00, the gate -R15.00" in text


def test_the_summary_with_them_survives_a_round_trip_through_json() -> None:
    summary: Summary = summary_of()
    assert msgspec.json.decode(msgspec.json.encode(summary), type=Summary) == summary
