import numpy as np

from helios_nautilus.models.dataset import Span
from helios_nautilus.models.predict import predict_arrays
from helios_nautilus.models.rows import judged, predictable, tabulate
from helios_nautilus.models.sequences import Blocks
from tests.unit.models.synthetic import make_arrays, make_model


def broken_arrays():
    """Two instruments, the second with a hole in its fastest bars."""
    arrays = make_arrays(hours=30)
    arrays.series[0].ready[700:720, 1] = False
    return arrays


def test_rows_are_exactly_those_that_the_network_predicts():
    arrays = broken_arrays()
    logits = predict_arrays(make_model(arrays), arrays).logits
    np.testing.assert_array_equal(predictable(arrays, Blocks(arrays)), np.isfinite(logits).all(axis=2))


def test_judged_rows_have_a_label_and_lie_in_the_span():
    arrays = broken_arrays()
    arrays.label[100:150] = -1
    span = Span(start_ns=int(arrays.ts_ns[90]), end_ns=int(arrays.ts_ns[200]))
    rows = judged(arrays, predictable(arrays, Blocks(arrays)), span)
    assert not rows[:91].any()
    assert not rows[100:150].any()
    assert rows[150:201, 0].all()
    assert not rows[201:].any()


def test_a_row_is_the_newest_closed_bar_of_every_timeframe():
    arrays = broken_arrays()
    rows = predictable(arrays, Blocks(arrays))
    x = tabulate(arrays, rows)
    at = 40
    decision, instrument = (where[at] for where in np.nonzero(rows))
    for index, series in enumerate(arrays.series):
        known = series.ts_ns <= arrays.ts_ns[decision]
        newest = series.x[known, instrument][-1]
        np.testing.assert_array_equal(x[at, index * arrays.n_features :][: arrays.n_features], newest)
