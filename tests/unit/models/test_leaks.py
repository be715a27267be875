import msgspec
import numpy as np
import pytest

from helios_nautilus.errors import LookaheadError
from helios_nautilus.models import train
from helios_nautilus.models.dataset import Span, SplitConfig, fit_scaler, split_by_share
from helios_nautilus.models.leaks import check_scaler
from helios_nautilus.models.recipe import train_model
from tests.unit.models.synthetic import QUICK, TINY, make_arrays

EVER = Span(start_ns=0, end_ns=2**62)


def drifting():
    """Features that wander, so that another span has another mean; one of them rests, and some rows are not ready."""
    arrays = make_arrays(hours=72)
    for series in arrays.series:
        series.x[...] += np.linspace(0.0, 0.3, len(series.x), dtype=np.float32)[:, None, None]
        series.x[:, :, 2] = 1e4
        series.ready[5:9, 0] = False
        series.x[5:9, 0] = np.nan
    return arrays


def test_scaler_of_the_training_span_passes():
    arrays = drifting()
    span = split_by_share(arrays, SplitConfig()).train
    check_scaler(arrays, span, fit_scaler(arrays, span))


@pytest.mark.parametrize("field", ["mean", "std"])
@pytest.mark.parametrize("timeframe", range(3))
def test_one_wrong_column_is_found(field, timeframe):
    arrays = drifting()
    span = split_by_share(arrays, SplitConfig()).train
    scaler = fit_scaler(arrays, span)
    columns = [list(each) for each in getattr(scaler, field)]
    columns[timeframe][1] *= 1.01
    wrong = msgspec.structs.replace(scaler, **{field: tuple(map(tuple, columns))})
    with pytest.raises(LookaheadError, match=f"1 of 3 columns of the {arrays.timeframes.names[timeframe]} features"):
        check_scaler(arrays, span, wrong)


def test_training_with_a_scaler_fitted_on_all_data_is_refused(monkeypatch):
    arrays = drifting()
    monkeypatch.setattr(train, "fit_scaler", lambda arrays, _: fit_scaler(arrays, EVER))
    with pytest.raises(LookaheadError, match="fit it on the training span alone"):
        train_model(arrays, split_by_share(arrays, SplitConfig()), TINY, QUICK, created_ns=0)


def test_training_on_splits_without_a_purge_is_refused():
    arrays = make_arrays(hours=72)
    splits = split_by_share(arrays, SplitConfig())
    touching = msgspec.structs.replace(splits.train, end_ns=splits.validation.start_ns)
    with pytest.raises(LookaheadError, match="purge the boundary"):
        train_model(arrays, msgspec.structs.replace(splits, train=touching), TINY, QUICK, created_ns=0)
