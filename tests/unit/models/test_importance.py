import numpy as np

from helios_nautilus.domain.features.kernel import Column
from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_HOUR
from helios_nautilus.models.dataset import Span, fit_scaler
from helios_nautilus.models.importance import GROUPS, exchange_days, group_columns, lesions, switch_off
from tests.unit.models.synthetic import START_NS, make_arrays

SPAN = Span(start_ns=START_NS + NS_PER_DAY, end_ns=START_NS + 6 * NS_PER_DAY)


def numbered_arrays():
    """The first column of every timeframe says when a bar closed, in days; the second is left to be told apart."""
    arrays = make_arrays(hours=7 * 24)
    for series in arrays.series:
        series.x[:, :, 0] = ((series.ts_ns - START_NS) / NS_PER_DAY)[:, None]
    return arrays


def exchange(arrays, seed=0):
    return exchange_days(arrays, SPAN, np.array([0]), np.random.default_rng(seed))


def test_every_feature_belongs_to_one_group():
    names = tuple(column.name.lower() for column in Column)
    places = np.concatenate(list(group_columns(names).values()))
    assert sorted(places) == list(range(len(names)))
    assert set(group_columns(names)) == set(GROUPS)


def test_group_without_a_column_is_left_out():
    assert set(group_columns(("return_1", "day_sin"))) == {"price", "calendar"}


def test_columns_come_from_other_days_of_the_span_and_the_rest_stays():
    arrays = numbered_arrays()
    altered = exchange(arrays)
    for before, after in zip(arrays.series, altered.series, strict=True):
        inside = SPAN.holds(before.ts_ns)
        moved = after.x[inside][:, :, 0] - before.x[inside][:, :, 0]
        assert (np.abs(moved) > 0.5 / 24).mean() > 0.9
        assert after.x[inside][:, :, 0].min() > 1.0
        assert after.x[inside][:, :, 0].max() <= 6.0
        np.testing.assert_array_equal(after.x[~inside], before.x[~inside])
        np.testing.assert_array_equal(after.x[:, :, 1:], before.x[:, :, 1:])


def test_a_day_stays_a_stretch_of_true_market_at_another_hour():
    arrays = numbered_arrays()
    when = exchange(arrays).series[0].x[SPAN.holds(arrays.series[0].ts_ns), 0, 0]
    minutes = np.round(np.diff(when) * 1440)
    assert (minutes == 1).mean() > 0.99
    shift = (when - np.arange(1, len(when) + 1) / 1440) % 1.0
    assert len(np.unique(np.round(shift * 96))) > 2


def test_timeframes_and_instruments_are_exchanged_alike():
    arrays = numbered_arrays()
    fast, _, slow = exchange(arrays).series
    closes = np.flatnonzero(np.isin(fast.ts_ns, slow.ts_ns))
    np.testing.assert_allclose(fast.x[closes, :, 0], slow.x[:, :, 0], atol=1e-5)
    np.testing.assert_array_equal(fast.x[:, 0, 0], fast.x[:, 1, 0])


def test_rows_that_are_not_ready_are_neither_given_nor_taken():
    arrays = numbered_arrays()
    hole = slice(3 * 1440, 3 * 1440 + 600)
    arrays.series[0].ready[hole, 1] = False
    arrays.series[0].x[hole, 1] = 1e9
    after = exchange(arrays).series[0].x[:, 1, 0]
    np.testing.assert_array_equal(np.flatnonzero(after == 1e9), np.arange(hole.start, hole.stop))


def test_a_timeframe_is_switched_off_by_its_training_means():
    arrays = make_arrays(hours=48)
    scaler = fit_scaler(arrays, Span(start_ns=START_NS, end_ns=START_NS + 24 * NS_PER_HOUR))
    off = switch_off(arrays, 1, scaler)
    np.testing.assert_allclose(scaler.apply(1, np.asarray(off.series[1].x)), 0.0, atol=1e-6)
    assert off.series[0] is arrays.series[0]


def test_every_group_and_every_timeframe_has_its_turn_and_the_arrays_stay_as_they_were():
    arrays = numbered_arrays()
    before = [series.x.copy() for series in arrays.series]
    scaler = fit_scaler(arrays, SPAN)
    groups = {"price": np.array([0]), "volume": np.array([1, 2])}
    parts = [(kind, part) for kind, part, _ in lesions(arrays, SPAN, scaler, groups, np.random.default_rng(0))]
    assert parts == [
        ("group", "price"),
        ("group", "volume"),
        ("timeframe", "1m"),
        ("timeframe", "5m"),
        ("timeframe", "15m"),
    ]
    for series, x in zip(arrays.series, before, strict=True):
        np.testing.assert_array_equal(series.x, x)
