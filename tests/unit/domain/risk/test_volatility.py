"""The tracker: forecasts at every close, refits when due, holes, and the path that labels use."""

import math
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helios_nautilus.domain.bars import Floats, Ints
from helios_nautilus.domain.risk.garch import GarchFit, filter_variance, fit_garch, simulate
from helios_nautilus.domain.risk.regime import Regime
from helios_nautilus.domain.risk.volatility import VolatilityTracker, volatility_path
from helios_nautilus.domain.risk.volatility_rules import VolatilityRules
from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_MIN
from helios_nautilus.errors import ConfigError, DataError, NotEnoughHistoryError

BAR = 5 * NS_PER_MIN
START = 1_700_000_100 * 1_000_000_000
RULES = VolatilityRules()
TRUE = GarchFit(omega=2e-4, alpha=0.06, beta=0.92, source="garch", outcome="converged", observations=0, outliers=0)


def series(n: int, seed: int = 1) -> tuple[Ints, Floats]:
    """Stamps and closes of ``n`` bars without a hole."""
    returns = simulate(TRUE, n, np.random.default_rng(seed))
    return START + BAR * np.arange(n, dtype=np.int64), 1e6 * np.exp(np.cumsum(returns) / 100)


def fed(n: int, seed: int = 1, rules: VolatilityRules = RULES, refitting: bool = True) -> VolatilityTracker:
    tracker = VolatilityTracker(rules, "BTC")
    for stamp, close in zip(*(column.tolist() for column in series(n, seed)), strict=True):
        tracker.update(stamp, close)
        if refitting and tracker.refit_due(stamp):
            tracker.refit(stamp)
    return tracker


def end(n: int) -> int:
    """Stamp of the last of ``n`` bars."""
    return START + BAR * (n - 1)


def continued(tracker: VolatilityTracker, from_ns: int, closes: list[float]) -> list[str | None]:
    """Feed closes at the bars after ``from_ns``; the triggers met, each answered with a refit."""
    triggers: list[str | None] = []
    for i, close in enumerate(closes, 1):
        stamp = from_ns + i * BAR
        tracker.update(stamp, close)
        triggers.append(tracker.refit_due(stamp))
        if triggers[-1]:
            tracker.refit(stamp)
    return triggers


def test_volatility_is_unknown_until_there_are_enough_returns_for_an_ewma() -> None:
    stamps, closes = series(22)
    tracker = VolatilityTracker(RULES, "BTC")
    forecasts = [tracker.update(int(s), float(c)) for s, c in zip(stamps, closes, strict=True)]
    assert forecasts[:20] == [None] * 20
    assert [forecast.source for forecast in forecasts[20:] if forecast] == ["ewma", "ewma"]


def test_the_forecast_is_the_one_step_variance_scaled_to_a_day_and_a_year() -> None:
    tracker = fed(1000)
    forecast = tracker.forecast
    assert forecast is not None
    assert tracker.fit is not None
    fit = tracker.refit(end(1000))
    closes = series(1001)[1]
    forecast = tracker.update(end(1001), float(closes[-1]))
    assert forecast is not None
    variance = filter_variance(fit, 100 * np.diff(np.log(closes)))
    assert forecast.vol_daily == pytest.approx(math.sqrt(variance * 288) / 100, rel=1e-9)
    assert forecast.vol_annual == pytest.approx(forecast.vol_daily * math.sqrt(365))
    assert (forecast.source, forecast.ts_ns) == ("garch", end(1001))


def test_the_forecast_tells_the_volatility_the_series_was_made_with() -> None:
    true_daily = math.sqrt(TRUE.long_run_variance * 288) / 100
    path = volatility_path(*series(5000), RULES, "BTC")
    assert np.nanmean(path) == pytest.approx(true_daily, rel=0.1)


def test_another_bar_length_scales_by_its_own_bars_per_day() -> None:
    assert VolatilityRules(bar="5m").bars_per_day == 288
    assert VolatilityRules(bar="15m").window_bars == 2880
    stamps, closes = series(60)
    slow, fast = VolatilityTracker(VolatilityRules(bar="15m"), "BTC"), VolatilityTracker(RULES, "BTC")
    for i, close in enumerate(closes.tolist()):
        slow.update(START + i * 3 * BAR, close)
        fast.update(int(stamps[i]), close)
    assert slow.forecast is not None
    assert fast.forecast is not None
    assert slow.forecast.vol_daily == pytest.approx(fast.forecast.vol_daily / math.sqrt(3))


def test_a_shock_moves_the_forecast_at_the_same_close_without_a_refit() -> None:
    tracker = fed(500)
    before = tracker.forecast
    after = tracker.update(end(501), 1.02 * float(series(500)[1][-1]))
    assert before is not None
    assert after is not None
    assert after.vol_daily > 2 * before.vol_daily


def test_no_return_crosses_a_hole() -> None:
    tracker = fed(300)
    before, returns = tracker.forecast, tracker.window()
    jump = 2 * float(series(300)[1][-1])
    after = tracker.update(end(300) + 2 * BAR, jump)
    assert before is not None
    assert after is not None
    assert after.vol_daily == before.vol_daily
    assert np.array_equal(tracker.window(), returns)
    tracker.update(end(300) + 3 * BAR, jump * 1.001)
    assert tracker.window()[-1] == pytest.approx(100 * math.log(1.001))


@pytest.mark.parametrize("close", [0.0, -1.0, math.nan, math.inf])
def test_a_close_that_is_no_price_is_refused(close: float) -> None:
    with pytest.raises(DataError, match="not a price"):
        VolatilityTracker(RULES, "BTC").update(START, close)


def test_closes_out_of_order_are_refused() -> None:
    tracker = fed(3)
    with pytest.raises(DataError, match="time order"):
        tracker.update(end(3), 1e6)


def test_constant_prices_have_no_known_volatility() -> None:
    stamps = START + BAR * np.arange(400, dtype=np.int64)
    assert np.isnan(volatility_path(stamps, np.full(400, 1e6), RULES, "BTC")).all()


def test_the_first_fit_is_due_at_a_hundred_returns() -> None:
    tracker = fed(100, refitting=False)
    assert tracker.refit_due(end(100)) is None
    tracker.update(end(101), 1e6)
    assert tracker.refit_due(end(101)) == "first"


def test_a_fit_is_due_by_the_clock_after_four_hours() -> None:
    rules = VolatilityRules(cold_start_other=(1e-9, 1e3, 1e4))
    tracker = VolatilityTracker(rules, "XYZ")
    closes = series(400)[1].tolist()
    triggers = continued(tracker, START - BAR, closes)
    due = [i for i, trigger in enumerate(triggers) if trigger]
    assert [triggers[i] for i in due] == ["first"] + ["schedule"] * (len(due) - 1)
    assert {later - earlier for earlier, later in pairwise(due)} == {48}


def test_a_large_move_within_an_hour_is_due_at_once_and_once() -> None:
    tracker = fed(300)
    price = float(series(300)[1][-1])
    tracker.refit(end(300))
    crash = [price * level for level in (0.985, 0.97, 0.955, 0.94, 0.935, 0.935, 0.936, 0.935)]
    triggers = continued(tracker, end(300), crash)
    assert triggers.count("move") == 1
    assert triggers[3] == "move"


def test_a_large_move_over_more_than_an_hour_is_not_a_move() -> None:
    tracker = fed(300)
    price = float(series(300)[1][-1])
    slide = [price * 0.996**i for i in range(1, 25)]
    assert "move" not in continued(tracker, end(300), slide)
    assert slide[-1] < 0.95 * price


def test_a_change_of_regime_is_due_but_not_within_the_cool_down() -> None:
    rules = VolatilityRules(refit_move=0.5)
    tracker = fed(300, rules=rules)
    tracker.refit(end(300))
    tracker.update(end(301), float(series(301)[1][-1]))
    wild = float(series(301)[1][-1]) * np.exp(0.02 * (np.arange(30) % 2))
    triggers = continued(tracker, end(301), wild.tolist())
    assert tracker.forecast is not None
    assert tracker.forecast.regime is Regime.EXTREME
    assert triggers.index("regime_change") == rules.cooldown_ns // BAR - 2
    assert triggers.count("regime_change") <= 3


def test_a_regime_that_flickers_does_not_refit_on_every_bar() -> None:
    tracker = fed(2500)
    stamps, closes = series(5000)
    fitted = []
    for stamp, close in zip(stamps[2500:].tolist(), closes[2500:].tolist(), strict=True):
        tracker.update(stamp, close)
        if tracker.refit_due(stamp):
            tracker.refit(stamp)
            fitted.append(stamp)
    assert len(fitted) > 2500 // 48
    assert min(np.diff(fitted)) >= NS_PER_HOUR


def test_a_fit_made_elsewhere_counts_the_returns_that_came_in_meanwhile() -> None:
    tracker = fed(500, refitting=False)
    fit = fit_garch(tracker.window(), RULES, tracker.fit)
    closes = series(504)[1]
    for i in range(500, 503):
        tracker.update(end(i + 1), float(closes[i]))
    tracker.install(fit, end(503))
    forecast = tracker.update(end(504), float(closes[503]))
    assert forecast is not None
    variance = filter_variance(fit, 100 * np.diff(np.log(closes)))
    assert forecast.vol_daily == pytest.approx(math.sqrt(variance * 288) / 100, rel=1e-9)


def test_the_window_handed_out_is_a_copy_of_the_last_returns() -> None:
    rules = VolatilityRules(window_days=1)
    tracker = fed(1000, rules=rules, refitting=False)
    window = tracker.window()
    assert window == pytest.approx(100 * np.diff(np.log(series(1000)[1]))[-288:])
    window[:] = 0
    assert tracker.window().all()


def test_a_fit_cannot_be_installed_without_returns() -> None:
    with pytest.raises(NotEnoughHistoryError):
        VolatilityTracker(RULES, "BTC").install(TRUE, START)


def test_the_path_is_what_a_tracker_forecast_at_each_close() -> None:
    stamps, closes = series(900)
    stamps[600:] += 7 * BAR
    tracker, live = VolatilityTracker(RULES, "BTC"), []
    for stamp, close in zip(stamps.tolist(), closes.tolist(), strict=True):
        forecast = tracker.update(stamp, close)
        live.append(math.nan if forecast is None else forecast.vol_daily)
        if tracker.refit_due(stamp):
            tracker.install(fit_garch(tracker.window(), RULES, tracker.fit), stamp)
    assert np.array_equal(volatility_path(stamps, closes, RULES, "BTC"), live, equal_nan=True)


@settings(max_examples=10)
@given(st.integers(1, 599), st.integers(0, 1000))
def test_the_path_does_not_look_ahead(cut: int, seed: int) -> None:
    stamps, closes = series(600)
    changed = closes.copy()
    changed[cut:] *= np.exp(np.random.default_rng(seed).normal(0, 0.01, 600 - cut))
    before = volatility_path(stamps, closes, RULES, "BTC")[:cut]
    assert np.array_equal(before, volatility_path(stamps, changed, RULES, "BTC")[:cut], equal_nan=True)


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from([0.01, 0.5, 0.999, 1.0, 1.001, 3.0, 1e3])), max_size=300),
)
def test_whatever_prices_do_a_known_volatility_is_a_positive_number(moves: list[tuple[int, float]]) -> None:
    steps, factors = zip(*([(1, 1.0)] * 30 + moves), strict=True)
    stamps = START + BAR * np.cumsum(steps, dtype=np.int64)
    closes = np.exp(np.clip(np.cumsum(np.log(factors)), -200, 200))
    path = volatility_path(stamps, closes, RULES, "BTC")
    known = path[~np.isnan(path)]
    assert np.isfinite(known).all()
    assert (known > 0).all()


def test_rules_are_read_from_toml() -> None:
    text = b'bar = "15m"\nwindow_days = 20\n[cold_start]\nXRP = [0.03, 0.05, 0.08]\n'
    rules = msgspec.toml.decode(text, type=VolatilityRules)
    assert rules.thresholds("XRP") == (0.03, 0.05, 0.08)
    assert rules.thresholds("BTC") == rules.cold_start_other == (0.02, 0.04, 0.06)


@pytest.mark.parametrize(
    "changes",
    [
        {"bar": "4h"},
        {"ewma_lambda": 1.0},
        {"ewma_min_returns": 100},
        {"window_days": 0},
        {"regime_min_days": 31},
        {"refit_hours": 0.0},
        {"percentiles": (0.75, 0.25, 0.95)},
        {"cold_start": {"BTC": (0.0, 0.1, 0.2)}},
    ],
)
def test_rules_that_contradict_themselves_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="volatility"):
        VolatilityRules(**changes)  # type: ignore[arg-type]
