import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from helios_nautilus.dashboard.metrics import Account, Known, Mark, Price, Sizing, measure, measure_beta
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR

NOW_NS = 100 * NS_PER_DAY + NS_PER_HOUR
ACCOUNT = Account(run_ids=["R"], currency="ZAR", first_ns=60 * NS_PER_DAY, first_equity=100_000.0)


def mark(ts_ns: int, equity: float) -> Mark:
    return Mark(ts_ns=ts_ns, equity=equity, drawdown=0.1, exposure=0.5)


def known(*days: float) -> Known:
    """An account whose last days ended so, the last of them today."""
    marks = [mark(NOW_NS - (len(days) - 1 - day) * NS_PER_DAY, equity) for day, equity in enumerate(days)]
    return Known(node=None, account=ACCOUNT, last=marks[-1] if marks else None, days=marks)


def test_without_marks_no_figure_is_made_up() -> None:
    metrics = measure("paper", NOW_NS, Known(node=None, account=None, last=None))
    assert metrics.ts_ns == 0
    assert metrics.since_ns is None
    for figure in (metrics.equity, metrics.pnl_day, metrics.pnl_total, metrics.return_total, metrics.drawdown):
        assert (figure.value, figure.why) == (None, "no run of this mode is in the journal")


def test_profit_is_counted_from_midnight_and_from_the_beginning() -> None:
    metrics = measure("paper", NOW_NS, known(104_000.0, 105_000.0, 106_000.0))
    assert (metrics.pnl_day.value, metrics.pnl_total.value) == (1_000.0, 6_000.0)
    assert metrics.return_total.value == pytest.approx(0.06)


def test_an_account_that_began_today_has_its_whole_profit_today() -> None:
    metrics = measure("paper", NOW_NS, known(99_000.0))
    assert (metrics.pnl_day.value, metrics.pnl_total.value) == (-1_000.0, -1_000.0)


def test_value_at_risk_needs_twenty_days() -> None:
    wave = [100.0 + day % 3 for day in range(30)]
    assert measure("paper", NOW_NS, known(*wave[:10])).var_95.why == "needs 20 days of equity, has 10"
    assert measure("paper", NOW_NS, known(*wave)).var_95.value == pytest.approx(0.0196, abs=1e-3)


def test_equity_that_stands_still_has_no_sharpe() -> None:
    metrics = measure("paper", NOW_NS, known(*[100_000.0] * 25))
    assert (metrics.sharpe.value, metrics.sharpe.why) == (None, "equity did not move")
    assert metrics.volatility.value == 0.0


def test_a_sizing_that_declined_is_a_size_of_nothing() -> None:
    declined = Sizing(ts_ns=1, kelly_full=-0.2, fraction=0.0)
    metrics = measure("paper", NOW_NS, replace(known(100_000.0), sizing=declined))
    assert (metrics.kelly.value, metrics.size.value) == (-0.2, 0.0)


@given(st.floats(-3, 3), st.lists(st.floats(-0.05, 0.05), min_size=30, max_size=60))
def test_beta_of_a_leveraged_bitcoin_is_its_leverage(leverage: float, moves: list[float]) -> None:
    moves = [move + (0.01 if hour % 2 else -0.01) for hour, move in enumerate(moves)]
    equity, price = [100.0], [100.0]
    for move in moves:
        equity.append(equity[-1] * (1.0 + leverage * move))
        price.append(price[-1] * (1.0 + move))
    found = measure_beta(
        [mark(hour * NS_PER_HOUR, value) for hour, value in enumerate(equity)],
        [Price(ts_ns=hour * NS_PER_HOUR, price=value) for hour, value in enumerate(price)],
    )
    assert found.value == pytest.approx(leverage, abs=1e-6)


def test_hours_apart_are_no_return_and_too_few_say_so() -> None:
    hours = range(0, 100, 2)
    marks = [mark(hour * NS_PER_HOUR, 100.0 + hour) for hour in hours]
    prices = [Price(ts_ns=hour * NS_PER_HOUR, price=100.0 + hour) for hour in hours]
    assert measure_beta(marks, prices).why == "needs 24 hours of equity and bitcoin side by side, has 0"


def test_a_bitcoin_that_stands_still_has_no_beta() -> None:
    marks = [mark(hour * NS_PER_HOUR, 100.0 + hour) for hour in range(40)]
    prices = [Price(ts_ns=hour * NS_PER_HOUR, price=100.0) for hour in range(40)]
    assert measure_beta(marks, prices).why == "bitcoin did not move"
