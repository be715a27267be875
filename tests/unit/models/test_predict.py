import numpy as np
import pytest

from helios_nautilus.domain.timeframe import NS_PER_MIN, Timeframes
from helios_nautilus.errors import ModelError
from helios_nautilus.models.dataset import Arrays
from helios_nautilus.models.network import PRESETS, NetworkConfig
from helios_nautilus.models.predict import predict_arrays
from helios_nautilus.models.service import Predictor
from tests.unit.models.synthetic import START_NS, make_arrays, make_model

TWO_LAYERS = NetworkConfig(lstm_width=8, gru_width=8, dense_width=8)


def serve(predictor: Predictor, arrays: Arrays, order: tuple[int, ...] = (0, 1, 2)) -> np.ndarray:
    """Feed every ready bar as it closes, decide at each close of the decision bar; (d, instruments, 6), NaN: none."""
    out = np.full((len(arrays.ts_ns), len(arrays.instrument_ids), 6), np.nan)
    stamps = [{int(ts): row for row, ts in enumerate(series.ts_ns)} for series in arrays.series]
    decisions = {int(ts): row for row, ts in enumerate(arrays.ts_ns)}
    for now in sorted(set().union(*stamps)):
        for instrument in range(len(arrays.instrument_ids)):
            for timeframe in order:
                series, row = arrays.series[timeframe], stamps[timeframe].get(now)
                if row is not None and series.ready[row, instrument]:
                    predictor.observe(timeframe, instrument, series.x[row, instrument], now)
        if now in decisions:
            for instrument, said in enumerate(predictor.decide(now)):
                if said is not None:
                    out[decisions[now], instrument] = (said.p_sell, said.p_hold, said.p_buy, *said.attention)
    return out


def all_at_once(model, arrays: Arrays) -> np.ndarray:
    done = predict_arrays(model, arrays)
    return np.concatenate((done.probabilities(model.card.temperature), done.attention), axis=2)


@pytest.mark.parametrize(
    "timeframes",
    [
        Timeframes(),
        Timeframes(decision="1m"),
        Timeframes(decision="15m"),
        Timeframes(high="5m", medium="15m", low="1h", decision="15m"),
    ],
)
def test_service_bar_by_bar_and_one_pass_over_the_history_agree(timeframes):
    arrays = make_arrays(hours=9, timeframes=timeframes)
    model = make_model(arrays, network=TWO_LAYERS)
    served = serve(Predictor(model, 2), arrays)
    np.testing.assert_allclose(served, all_at_once(model, arrays), atol=1e-5, rtol=0)
    assert np.isfinite(served[-8:]).all()
    assert np.nanstd(served[:, :, 2]) > 0.01, "outputs must depend on the features for this to mean anything"


@pytest.mark.parametrize("preset", PRESETS)
def test_service_and_one_pass_agree_for_every_preset_and_instrument_across_a_gap(preset):
    arrays = make_arrays(hours=2, n=3)
    for series in arrays.series:
        in_gap = (series.ts_ns > START_NS + 40 * NS_PER_MIN) & (series.ts_ns <= START_NS + 60 * NS_PER_MIN)
        series.ready[in_gap, 1] = False
    model = make_model(arrays, network=PRESETS[preset])
    served = serve(Predictor(model, 3), arrays)
    np.testing.assert_allclose(served, all_at_once(model, arrays), atol=1e-5, rtol=0)
    is_said = np.isfinite(served).all(axis=2)
    assert is_said[2:, [0, 2]].all()
    assert is_said[:, 1].tolist() == [2 <= row < 8 or row >= 14 for row in range(24)]


@pytest.mark.parametrize("seed", range(4))
def test_both_ways_treat_holes_alike(seed):
    arrays = make_arrays(hours=8)
    rng = np.random.default_rng(seed)
    for series in arrays.series:
        for _ in range(3):
            row, instrument = rng.integers(len(series.ts_ns)), rng.integers(2)
            series.ready[row, instrument] = False
            series.x[row, instrument] = np.nan
    model = make_model(arrays)
    served = serve(Predictor(model, 2), arrays)
    np.testing.assert_allclose(served, all_at_once(model, arrays), atol=1e-5, rtol=0)
    assert np.isnan(served[9:]).any()
    assert np.isfinite(served).any()


def test_catching_up_with_the_past_equals_having_seen_it_live():
    arrays = make_arrays(hours=6)
    arrays.series[0].ready[100] = False
    model = make_model(arrays)
    live, late = Predictor(model, 2), Predictor(model, 2)
    serve(live, arrays)
    late.catch_up(arrays)
    now = int(arrays.ts_ns[-1])
    for one, two in zip(live.decide(now), late.decide(now), strict=True):
        assert one is not None
        assert two is not None
        assert two.p_buy == pytest.approx(one.p_buy, abs=1e-5)


def test_order_in_which_bars_of_one_stamp_arrive_does_not_matter():
    arrays = make_arrays(hours=4)
    model = make_model(arrays)
    np.testing.assert_array_equal(
        serve(Predictor(model, 2), arrays), serve(Predictor(model, 2), arrays, order=(2, 1, 0))
    )


def test_changing_the_future_changes_no_past_prediction():
    arrays = make_arrays(hours=10)
    model = make_model(arrays)
    before = all_at_once(model, arrays)
    cut = 70
    for series in arrays.series:
        later = series.ts_ns > arrays.ts_ns[cut]
        series.x[later] += 4.0
        series.ready[np.flatnonzero(later)[3::5]] = False
    after = all_at_once(model, arrays)
    np.testing.assert_array_equal(after[: cut + 1], before[: cut + 1])
    assert not np.array_equal(after[cut + 1 :], before[cut + 1 :])


def test_probabilities_and_attention_sum_to_one():
    arrays = make_arrays(hours=2)
    served = serve(Predictor(make_model(arrays), 2), arrays)
    np.testing.assert_allclose(served[-1, :, :3].sum(axis=1), 1.0)
    np.testing.assert_allclose(served[-1, :, 3:].sum(axis=1), 1.0, atol=1e-6)


class TestNoDecision:
    def observed(self, minutes: int, *, skip: tuple[tuple[int, int], ...] = ()) -> Predictor:
        arrays = make_arrays(hours=2, n=1)
        predictor = Predictor(make_model(arrays), 1)
        for minute in range(1, minutes + 1):
            for timeframe, length in enumerate((1, 5, 15)):
                if minute % length == 0 and (timeframe, minute) not in skip:
                    x = arrays.series[timeframe].x[minute // length - 1, 0]
                    predictor.observe(timeframe, 0, x, START_NS + minute * NS_PER_MIN)
        return predictor

    def decides(self, predictor: Predictor, minute: int) -> bool:
        return predictor.decide(START_NS + minute * NS_PER_MIN)[0] is not None

    def test_before_anything_was_seen(self):
        assert not self.decides(self.observed(0), 5)

    def test_before_the_slowest_timeframe_has_closed_a_bar(self):
        assert not self.decides(self.observed(10), 10)
        assert self.decides(self.observed(15), 15)

    @pytest.mark.parametrize("late", [(0, 30), (1, 30), (2, 30)])
    def test_while_a_bar_that_is_due_has_not_come(self, late):
        assert not self.decides(self.observed(30, skip=(late,)), 30)
        assert self.decides(self.observed(30), 30)

    def test_about_a_past_that_newer_bars_have_overtaken(self):
        assert not self.decides(self.observed(31), 25)

    def test_after_a_reset_until_the_next_block_is_complete(self):
        predictor = self.observed(30)
        predictor.reset(0)
        assert not self.decides(predictor, 30)

    def test_after_a_value_that_is_not_finite(self):
        predictor = self.observed(29)
        predictor.observe(0, 0, np.array([0.0, np.nan, 0.0]), START_NS + 30 * NS_PER_MIN)
        assert not self.decides(predictor, 30)

    def test_bar_seen_twice_changes_nothing(self):
        once, twice = self.observed(30), self.observed(30)
        twice.observe(0, 0, np.ones(3), START_NS + 30 * NS_PER_MIN)
        assert once.decide(START_NS + 30 * NS_PER_MIN) == twice.decide(START_NS + 30 * NS_PER_MIN)

    def test_features_of_the_wrong_number_are_an_error(self):
        with pytest.raises(ModelError, match=r"shape \(2,\)"):
            self.observed(0).observe(0, 0, np.zeros(2), START_NS + NS_PER_MIN)


def test_long_silence_between_decisions_keeps_memory_flat_and_numbers_equal():
    arrays = make_arrays(hours=5, n=1)
    model = make_model(arrays)
    asked = serve(Predictor(model, 1), arrays)
    silent = Predictor(model, 1)
    for series, length in zip(arrays.series, (1, 5, 15), strict=True):
        assert len(series.ts_ns) * length == 300
    for minute in range(1, 301):
        for timeframe, length in enumerate((1, 5, 15)):
            if minute % length == 0:
                x = arrays.series[timeframe].x[minute // length - 1, 0]
                silent.observe(timeframe, 0, x, START_NS + minute * NS_PER_MIN)
        run = silent._runs[0]
        assert run is not None
        assert max(len(each) for each in run.pending) <= 15
    (said,) = silent.decide(int(arrays.ts_ns[-1]))
    assert said is not None
    assert said.p_buy == pytest.approx(asked[-1, 0, 2], abs=1e-5)
