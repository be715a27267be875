import msgspec
import numpy as np
import pytest

from helios_nautilus.domain.plan import ExitPlan
from helios_nautilus.domain.timeframe import NS_PER_HOUR, NS_PER_MIN
from helios_nautilus.errors import ConfigError, DataError, NotEnoughHistoryError
from helios_nautilus.models.dataset import (
    Arrays,
    Span,
    SplitConfig,
    fit_scaler,
    load_arrays,
    save_arrays,
    split_at,
    split_by_share,
)
from tests.unit.models.synthetic import START_NS, make_arrays


def test_arrays_survive_a_round_trip_through_a_folder(tmp_path):
    arrays = make_arrays(hours=6)
    save_arrays(arrays, tmp_path / "set")
    again = load_arrays(tmp_path / "set")
    for name in Arrays.__struct_fields__:
        if name != "series":
            np.testing.assert_array_equal(getattr(again, name), getattr(arrays, name))
    for kept, written in zip(again.series, arrays.series, strict=True):
        np.testing.assert_array_equal(kept.x, written.x)
        assert isinstance(kept.x, np.memmap), "large sets must not be read into memory"


def test_folder_without_arrays_is_a_clear_error(tmp_path):
    with pytest.raises(DataError, match="no readable training arrays"):
        load_arrays(tmp_path)


def test_pickled_array_is_not_opened(tmp_path):
    save_arrays(make_arrays(hours=6), tmp_path)
    np.save(tmp_path / "decision_label.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="no readable training arrays"):
        load_arrays(tmp_path)


def test_series_with_a_missing_stamp_is_refused():
    arrays = make_arrays(hours=6)
    arrays.series[0].ts_ns[7:] += NS_PER_MIN
    with pytest.raises(DataError, match="1m stamps are not a gapless grid"):
        msgspec.structs.replace(arrays)


def test_column_of_the_wrong_shape_is_refused():
    with pytest.raises(DataError, match="taker_long has shape"):
        msgspec.structs.replace(make_arrays(hours=6), taker_long=np.zeros(3))


def test_splits_follow_each_other_with_purge_and_embargo_between():
    arrays = make_arrays(hours=100)
    splits = split_by_share(arrays, SplitConfig(train=0.6, validation=0.2, embargo_mins=30))
    gap_ns = (60 + 30) * NS_PER_MIN
    assert splits.validation.start_ns - splits.train.end_ns == gap_ns
    assert splits.test.start_ns - splits.validation.end_ns == gap_ns
    counts = [int(getattr(splits, name).holds(arrays.ts_ns).sum()) for name in ("train", "validation", "test")]
    assert counts == pytest.approx([0.6 * 1200, 0.2 * 1200, 0.2 * 1200], abs=20)


def test_no_label_of_one_span_can_know_a_price_of_the_next():
    arrays = make_arrays(hours=100)
    splits = split_at(arrays, START_NS + 60 * NS_PER_HOUR, START_NS + 80 * NS_PER_HOUR, embargo_ns=0)
    reach = arrays.label_config.reach_ns(arrays.plan)
    assert arrays.ts_ns[splits.train.holds(arrays.ts_ns)].max() + reach <= splits.validation.start_ns
    assert arrays.ts_ns[splits.validation.holds(arrays.ts_ns)].max() + reach <= splits.test.start_ns


def test_window_too_short_for_its_purge_is_a_clear_error():
    arrays = msgspec.structs.replace(make_arrays(hours=48), plan=ExitPlan(hold_mins=1440))
    with pytest.raises(NotEnoughHistoryError, match="validation span has no labelled decision"):
        split_by_share(arrays, SplitConfig())


@pytest.mark.parametrize("entry", ["taker", "maker"])
def test_net_of_a_plan_is_that_of_its_own_entry(entry):
    arrays = make_arrays(hours=6)
    arrays = msgspec.structs.replace(arrays, plan=ExitPlan(entry=entry))
    assert arrays.net_long is getattr(arrays, f"{entry}_long")
    assert arrays.net_short is getattr(arrays, f"{entry}_short")


def test_arrays_of_an_older_format_are_refused(tmp_path):
    save_arrays(make_arrays(hours=6), tmp_path)
    meta = msgspec.json.decode((tmp_path / "meta.json").read_bytes())
    (tmp_path / "meta.json").write_bytes(msgspec.json.encode(meta | {"format": 1}))
    with pytest.raises(DataError, match="format 1, not 2; make them anew"):
        load_arrays(tmp_path)


def test_split_must_leave_a_test():
    with pytest.raises(ConfigError, match="leave something for the test"):
        SplitConfig(train=0.8, validation=0.2)


def test_scaler_knows_the_training_rows_only():
    arrays = make_arrays(hours=40)
    train = Span(start_ns=START_NS, end_ns=START_NS + 20 * NS_PER_HOUR)
    before = fit_scaler(arrays, train)
    arrays.series[0].x[20 * 60 :] = 1e6
    assert fit_scaler(arrays, train) == before
    np.testing.assert_allclose(before.mean[0], arrays.series[0].x[: 20 * 60].mean(axis=(0, 1)), atol=1e-6)


def test_scaler_passes_over_rows_that_are_not_ready():
    arrays = make_arrays(hours=10)
    before = fit_scaler(arrays, Span(start_ns=START_NS + 5 * NS_PER_HOUR, end_ns=START_NS + 10 * NS_PER_HOUR))
    arrays.series[0].x[: 5 * 60] = np.nan
    arrays.series[0].ready[: 5 * 60] = False
    after = fit_scaler(arrays, Span(start_ns=START_NS, end_ns=START_NS + 10 * NS_PER_HOUR))
    assert after.mean[0] == before.mean[0]


def test_scaled_values_are_clipped_and_a_constant_column_stays_finite():
    arrays = make_arrays(hours=10)
    arrays.series[1].x[:, :, 2] = 4.0
    scaler = fit_scaler(arrays, Span(start_ns=START_NS, end_ns=START_NS + 10 * NS_PER_HOUR))
    scaled = scaler.apply(1, np.array([[1e9, -1e9, 4.0]], dtype=np.float32))
    assert scaled.tolist() == [[8.0, -8.0, 0.0]]
