import numpy as np
import pytest

from helios_nautilus.domain.timeframe import NS_PER_DAY, NS_PER_MIN
from helios_nautilus.models.dataset import Span, fit_scaler
from helios_nautilus.models.profile import fit_profile, measure_novelty, veto_of
from helios_nautilus.models.service import Predictor
from tests.unit.models.synthetic import START_NS, make_arrays, make_model

TRAIN = Span(start_ns=START_NS, end_ns=START_NS + 3 * NS_PER_DAY)


def test_what_the_training_span_holds_is_not_novel_and_what_lies_far_beyond_is():
    arrays = make_arrays()
    scaler = fit_scaler(arrays, TRAIN)
    profile = fit_profile(arrays, scaler, TRAIN)
    arrays.series[1].x[-1] = 7.0
    novelty = measure_novelty(arrays, scaler, profile)
    later = arrays.ts_ns > TRAIN.end_ns
    assert (novelty[~later] > 1).mean() < 0.002
    assert (novelty[arrays.ts_ns >= arrays.series[1].ts_ns[-1]] > 1).all()
    assert (novelty[later] > 1).mean() < 0.05


def test_the_profile_knows_the_training_span_alone():
    arrays = make_arrays()
    scaler = fit_scaler(arrays, TRAIN)
    before = fit_profile(arrays, scaler, TRAIN)
    for series in arrays.series:
        series.x[series.ts_ns > TRAIN.end_ns] *= 100.0
    assert fit_profile(arrays, scaler, TRAIN) == before


def test_rows_that_are_not_ready_do_not_shape_it():
    arrays = make_arrays()
    scaler = fit_scaler(arrays, TRAIN)
    for series in arrays.series:
        series.ready[10:20] = False
    before = fit_profile(arrays, scaler, TRAIN)
    for series in arrays.series:
        series.x[10:20] = np.nan
    assert fit_profile(arrays, scaler, TRAIN) == before


@pytest.mark.parametrize("ready_from", [0, 40])
def test_novelty_bar_by_bar_is_that_of_the_whole_history(ready_from):
    arrays = make_arrays(hours=12)
    model = make_model(arrays)
    for series in arrays.series:
        series.x[5::7] *= 3.0
    predictor, whole = Predictor(model, 2), measure_novelty(arrays, model.card.scaler, model.card.profile)
    compared = 0
    for minute in range(1, 12 * 60 + 1):
        for timeframe, length in enumerate((1, 5, 15)):
            if minute % length == 0 and minute > ready_from:
                for instrument in range(2):
                    x = arrays.series[timeframe].x[minute // length - 1, instrument]
                    predictor.observe(timeframe, instrument, x, START_NS + minute * NS_PER_MIN)
        if minute % 5 == 0:
            for instrument, said in enumerate(predictor.decide(START_NS + minute * NS_PER_MIN)):
                if said is not None:
                    assert said.novelty == pytest.approx(whole[minute // 5 - 1, instrument], rel=1e-6)
                    compared += 1
    assert compared > 200
    assert (whole > 1).any()


def test_a_decision_is_vetoed_beyond_the_limit_only():
    assert [veto_of(novelty) for novelty in (0.0, 1.0, 1.001)] == ["", "", "out_of_distribution"]
