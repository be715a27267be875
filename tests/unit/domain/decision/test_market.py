import numpy as np
import pytest

from helios_nautilus.domain.decision.market import MarketHistory
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN

BAR = 5 * NS_PER_MIN
START = 20_000 * NS_PER_DAY
BARS_A_DAY = NS_PER_DAY // BAR


def _fed(bars: range, *, without: range = range(0), volume: float = 1.0) -> MarketHistory:
    """A history whose n-th bar closes at START + n bars with the price 1000 + n."""
    history = MarketHistory(BAR)
    for n in bars:
        if n not in without:
            history.update(START + n * BAR, 1000.0 + n, volume)
    return history


def test_nothing_is_known_before_the_first_bar() -> None:
    history = MarketHistory(BAR)
    assert history.price is None
    assert history.change(NS_PER_DAY) is None
    assert history.volume_24h() is None
    assert history.volume_percentile() is None
    assert len(history.daily_closes(START)) == 0


def test_changes_compare_with_the_close_exactly_that_long_ago() -> None:
    history = _fed(range(1, 31 * BARS_A_DAY + 1))
    now = 1000.0 + 31 * BARS_A_DAY
    for days in (1, 7, 30):
        assert history.change(days * NS_PER_DAY) == pytest.approx(now / (now - days * BARS_A_DAY) - 1.0, rel=1e-12)


def test_a_span_longer_than_the_history_has_no_change() -> None:
    history = _fed(range(1, 7 * BARS_A_DAY))
    assert history.change(NS_PER_DAY) is not None
    assert history.change(7 * NS_PER_DAY) is None


def test_a_hole_at_the_reference_falls_back_to_the_last_close_within_an_hour() -> None:
    end = 2 * BARS_A_DAY
    history = _fed(range(1, end + 1), without=range(end - BARS_A_DAY - 3, end - BARS_A_DAY + 3))
    assert history.change(NS_PER_DAY) == pytest.approx((1000.0 + end) / (1000.0 + end - BARS_A_DAY - 4) - 1.0)


def test_a_hole_longer_than_an_hour_at_the_reference_leaves_the_change_unknown() -> None:
    end = 2 * BARS_A_DAY
    history = _fed(range(1, end + 1), without=range(end - BARS_A_DAY - 12, end - BARS_A_DAY + 1))
    assert history.change(NS_PER_DAY) is None


def test_old_bars_in_a_reused_slot_are_never_taken_for_new_ones() -> None:
    history = _fed(range(1, 31 * BARS_A_DAY))
    history.update(START + 90 * NS_PER_DAY, 5.0, 1.0)
    assert history.price == 5.0
    assert history.change(NS_PER_DAY) is None
    assert history.change(30 * NS_PER_DAY) is None
    assert history.volume_24h() is None


def test_the_bar_that_closes_at_midnight_ends_its_day() -> None:
    history = _fed(range(1, 3 * BARS_A_DAY + 2))
    closes = history.daily_closes(START + 3 * NS_PER_DAY)
    assert closes.tolist() == [1000.0 + day * BARS_A_DAY for day in (1, 2, 3)]


def test_a_day_in_progress_has_no_close_yet() -> None:
    history = _fed(range(1, 3 * BARS_A_DAY))
    assert len(history.daily_closes(START + 3 * NS_PER_DAY - BAR)) == 2


def test_a_day_without_a_bar_in_its_last_hour_breaks_the_run() -> None:
    lost = range(3 * BARS_A_DAY - 12, 3 * BARS_A_DAY + 1)
    history = _fed(range(1, 5 * BARS_A_DAY + 1), without=lost)
    closes = history.daily_closes(START + 5 * NS_PER_DAY)
    assert closes.tolist() == [1000.0 + day * BARS_A_DAY for day in (4, 5)]


def test_a_market_silent_since_yesterday_has_no_run_of_days() -> None:
    history = _fed(range(1, 3 * BARS_A_DAY + 1))
    assert len(history.daily_closes(START + 4 * NS_PER_DAY)) == 0


def test_the_volume_of_a_day_is_the_sum_of_its_bars() -> None:
    history = _fed(range(1, 2 * BARS_A_DAY + 1), volume=2.0)
    assert history.volume_24h() == 2.0 * BARS_A_DAY


def test_a_day_with_a_tenth_of_its_bars_missing_still_has_a_volume_and_with_more_has_none() -> None:
    assert _fed(range(1, BARS_A_DAY + 1), without=range(50, 50 + 28)).volume_24h() == BARS_A_DAY - 28
    assert _fed(range(1, BARS_A_DAY + 1), without=range(50, 50 + 29)).volume_24h() is None


def test_what_was_traded_in_some_days_is_worth_each_bars_volume_at_its_close() -> None:
    history = _fed(range(1, 3 * BARS_A_DAY + 1), volume=2.0)
    closes = 1000.0 + np.arange(BARS_A_DAY + 1, 3 * BARS_A_DAY + 1)
    assert history.traded_value(2) == pytest.approx(2.0 * closes.sum())


def test_what_was_traded_is_unknown_with_more_than_a_tenth_missing_and_for_more_days_than_are_kept() -> None:
    history = _fed(range(1, 2 * BARS_A_DAY + 1))
    assert history.traded_value(2) is not None
    assert history.traded_value(3) is None
    assert _fed(range(1, 40 * BARS_A_DAY + 1)).traded_value(31) is None


def _with_daily_volumes(per_bar: list[float]) -> MarketHistory:
    history = MarketHistory(BAR)
    for n in range(1, len(per_bar) * BARS_A_DAY + 1):
        history.update(START + n * BAR, 100.0, per_bar[(n - 1) // BARS_A_DAY])
    return history


def test_a_dry_day_ranks_low_and_a_busy_one_high_in_the_pairs_own_history() -> None:
    assert _with_daily_volumes([1.0] * 12 + [0.1]).volume_percentile() == pytest.approx(0.0, abs=0.01)
    assert _with_daily_volumes([1.0] * 12 + [9.0]).volume_percentile() == pytest.approx(1.0, abs=0.01)
    assert _with_daily_volumes([1.0] * 12).volume_percentile() == pytest.approx(0.5, abs=0.01)


def test_fewer_than_seven_days_of_volumes_rank_nothing() -> None:
    assert _with_daily_volumes([1.0] * 7).volume_percentile() is None
    assert _with_daily_volumes([1.0] * 8).volume_percentile() is not None


def test_impossible_and_repeated_bars_leave_no_trace() -> None:
    history = _fed(range(1, 10))
    for ts, close, volume in (
        (START + 9 * BAR, 1.0, 1.0),
        (START + 3 * BAR, 1.0, 1.0),
        (START + 10 * BAR, float("nan"), 1.0),
        (START + 10 * BAR, 0.0, 1.0),
        (START + 10 * BAR, float("inf"), 1.0),
        (START + 10 * BAR, 5.0, float("nan")),
        (START + 10 * BAR, 5.0, -1.0),
    ):
        history.update(ts, close, volume)
    assert history.price == 1009.0


def test_what_is_known_at_a_bar_does_not_change_with_the_bars_after_it() -> None:
    rng = np.random.default_rng(1)
    closes = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.001, 3 * BARS_A_DAY)))
    kept = rng.random(len(closes)) > 0.02
    history, seen = MarketHistory(BAR), []
    for n in np.flatnonzero(kept).tolist():
        history.update(START + (n + 1) * BAR, float(closes[n]), 1.0)
        seen.append((n, history.change(NS_PER_DAY), history.volume_24h()))
    for n, change, volume in seen[BARS_A_DAY::97]:
        past = np.flatnonzero(kept[: n + 1 - BARS_A_DAY])
        assert change == pytest.approx(closes[n] / closes[past[-1]] - 1.0)
        assert volume == kept[n + 1 - BARS_A_DAY : n + 1].sum()


def test_hourly_bars_are_as_good_as_five_minute_ones() -> None:
    history = MarketHistory(NS_PER_HOUR)
    for n in range(1, 24 * 31 + 1):
        history.update(START + n * NS_PER_HOUR, 1000.0 + n, 1.0)
    assert history.volume_24h() == 24.0
    assert history.change(30 * NS_PER_DAY) == pytest.approx(1744.0 / 1024.0 - 1.0)
    assert len(history.daily_closes(START + 31 * NS_PER_DAY)) == 31
